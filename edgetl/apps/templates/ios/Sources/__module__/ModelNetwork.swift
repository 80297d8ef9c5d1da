// Written by `edgetl ship app`. Do not edit: write it again instead.
import CoreML
import CoreVideo
import CryptoKit
import Foundation

/// The model in Core ML. The package takes the square as a picture and prepares the values itself.
public final class ModelNetwork: Network, @unchecked Sendable {
    private let model: MLModel
    /// An MLModel is for one thread at a time.
    private let lock = NSLock()
    private let contract: Contract

    /// - Parameters:
    ///   - model: the package.
    ///   - made: folder in which the compiled model is kept, alone: compiling takes seconds, and is done once for a package.
    public init(model package: URL, contract: Contract, made: URL, units: MLComputeUnits = .all) throws {
        let options = MLModelConfiguration()
        options.computeUnits = units
        let kept = made.appendingPathComponent("\(try ModelNetwork.digest(package)).mlmodelc", isDirectory: true)
        if let found = try? MLModel(contentsOf: kept, configuration: options) {
            model = found
        } else {  // not there yet, or of a system that this one replaced
            let compiled = try MLModel.compileModel(at: package)
            try? FileManager.default.removeItem(at: made)
            try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
            try FileManager.default.moveItem(at: compiled, to: kept)
            model = try MLModel(contentsOf: kept, configuration: options)
        }
        self.contract = contract
        guard contract.input.dtype == .image, contract.output.dtype == .float32,
            model.modelDescription.inputDescriptionsByName[contract.input.name]?.type == .image,
            model.modelDescription.outputDescriptionsByName[contract.output.name] != nil
        else { throw ModelRefused("not the model of its contract") }
    }

    public func run(_ square: [UInt8]) throws -> [Float] {
        let input = try MLDictionaryFeatureProvider(dictionary: [contract.input.name: MLFeatureValue(pixelBuffer: picture(square))])
        lock.lock()
        defer { lock.unlock() }
        guard let found = try model.prediction(from: input).featureValue(for: contract.output.name)
        else { throw ModelRefused("no output \(contract.output.name)") }
        if found.type == .dictionary {
            return try contract.labels.map { label in
                guard let value = found.dictionaryValue[label] else { throw ModelRefused("no probability of \(label)") }
                return value.floatValue
            }
        }
        guard let array = found.multiArrayValue else { throw ModelRefused("\(contract.output.name): no numbers") }
        return (0..<array.count).map { array[$0].floatValue }
    }

    private func picture(_ square: [UInt8]) throws -> CVPixelBuffer {
        let side = contract.input.cropPx
        var made: CVPixelBuffer?
        CVPixelBufferCreate(kCFAllocatorDefault, side, side, kCVPixelFormatType_32BGRA, nil, &made)
        guard let buffer = made else { throw ModelRefused("no memory for a picture") }
        CVPixelBufferLockBaseAddress(buffer, [])
        defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
        let stride = CVPixelBufferGetBytesPerRow(buffer)
        let bytes = CVPixelBufferGetBaseAddress(buffer)!.assumingMemoryBound(to: UInt8.self)
        for y in 0..<side {
            for x in 0..<side {
                let from = 3 * (y * side + x)
                let to = y * stride + 4 * x
                bytes[to] = square[from + 2]
                bytes[to + 1] = square[from + 1]
                bytes[to + 2] = square[from]
                bytes[to + 3] = 255
            }
        }
        return buffer
    }

    /// Of all files of a package, with their paths.
    private static func digest(_ package: URL) throws -> String {
        var sum = SHA256()
        for path in try FileManager.default.subpathsOfDirectory(atPath: package.path).sorted() {
            let file = package.appendingPathComponent(path)
            guard (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true else { continue }
            let data = try Data(contentsOf: file, options: .mappedIfSafe)
            sum.update(data: Data("\(path)\n\(data.count)\n".utf8))
            sum.update(data: data)
        }
        return sum.finalize().map { String(format: "%02x", $0) }.joined()
    }
}
