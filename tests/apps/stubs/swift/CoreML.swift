// Core ML as a classifier is run with it. Signatures: developer.apple.com/documentation/coreml. Compiling copies the package into a new
// folder and notes it in $EDGETL_ANSWERS/compiled; a compiled model answers by table, from float32 values in the order of the labels.
import Answers
@_exported import CoreVideo
import Foundation

public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }
public enum MLFeatureType: Int, Sendable { case invalid, int64, double, string, image, multiArray, dictionary }

public struct MLFault: Error {}

open class MLModelConfiguration: NSObject {
    open var computeUnits = MLComputeUnits.all
    public override init() {}
}

open class MLMultiArray: NSObject {
    let values: [Float]
    init(_ values: [Float]) { self.values = values }
    open var count: Int { values.count }
    open subscript(index: Int) -> NSNumber { NSNumber(value: values[index]) }
}

open class MLFeatureValue: NSObject {
    open private(set) var type: MLFeatureType
    let pixels: CVPixelBuffer?
    open private(set) var multiArrayValue: MLMultiArray?
    open private(set) var dictionaryValue: [AnyHashable: NSNumber] = [:]

    public init(pixelBuffer: CVPixelBuffer) {
        (type, pixels) = (.image, pixelBuffer)
    }

    init(_ values: [Float]) {
        (type, pixels, multiArrayValue) = (.multiArray, nil, MLMultiArray(values))
    }

    init(_ values: [AnyHashable: NSNumber]) {
        (type, pixels, dictionaryValue) = (.dictionary, nil, values)
    }
}

public protocol MLFeatureProvider {
    var featureNames: Set<String> { get }
    func featureValue(for featureName: String) -> MLFeatureValue?
}

open class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
    private let values: [String: MLFeatureValue]
    public init(dictionary: [String: Any]) throws {
        guard let values = dictionary as? [String: MLFeatureValue] else { throw MLFault() }
        self.values = values
    }

    open var featureNames: Set<String> { Set(values.keys) }
    open func featureValue(for featureName: String) -> MLFeatureValue? { values[featureName] }
}

open class MLFeatureDescription: NSObject {
    public let type: MLFeatureType
    init(_ type: MLFeatureType) { self.type = type }
}

open class MLModelDescription: NSObject {
    public let inputDescriptionsByName: [String: MLFeatureDescription]
    public let outputDescriptionsByName: [String: MLFeatureDescription]
    init(_ answers: Answers) {
        inputDescriptionsByName = [answers.input: MLFeatureDescription(.image)]
        outputDescriptionsByName = [answers.output: MLFeatureDescription(.dictionary)]
    }
}

open class MLModel: NSObject {
    private let answers: Answers
    private let labels: [String]
    public let modelDescription: MLModelDescription

    public init(contentsOf url: URL, configuration: MLModelConfiguration) throws {
        guard FileManager.default.fileExists(atPath: url.appendingPathComponent("compiled").path),
            let found = Answers(of: url.appendingPathComponent("model.mlmodel").path)
        else { throw MLFault() }
        answers = found
        modelDescription = MLModelDescription(found)
        let lines = (try? String(contentsOf: url.appendingPathComponent("labels"), encoding: .utf8)) ?? ""
        labels = lines.isEmpty ? [] : lines.components(separatedBy: "\0")
    }

    public class func compileModel(at modelURL: URL) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).mlmodelc")
        try FileManager.default.copyItem(at: modelURL.appendingPathComponent("Data/com.apple.CoreML"), to: folder)
        try Data().write(to: folder.appendingPathComponent("compiled"))
        let note = URL(fileURLWithPath: ProcessInfo.processInfo.environment["EDGETL_ANSWERS"]!).appendingPathComponent("compiled")
        try (((try? Data(contentsOf: note)) ?? Data()) + Data("\(modelURL.path)\n".utf8)).write(to: note)
        return folder
    }

    open func prediction(from input: MLFeatureProvider) throws -> MLFeatureProvider {
        guard let pixels = input.featureValue(for: answers.input)?.pixels else { throw MLFault() }
        let values = answers.answer(to: pixels.rgb).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        if labels.isEmpty { return try MLDictionaryFeatureProvider(dictionary: [answers.output: MLFeatureValue(values)]) }
        let named = zip(labels, values).map { (AnyHashable($0), NSNumber(value: $1)) }
        return try MLDictionaryFeatureProvider(dictionary: [answers.output: MLFeatureValue(Dictionary(uniqueKeysWithValues: named))])
    }
}
