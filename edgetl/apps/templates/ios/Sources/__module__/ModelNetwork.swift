// Written by `edgetl ship app`. Do not edit: write it again instead.
import CoreML
import CoreVideo
import Foundation

/// The model in Core ML. The package takes the square as a picture and prepares the values itself.
public final class ModelNetwork: Network {
    private let model: MLModel

    /// Compiles the package, which takes a moment: keep the object.
    public init(units: MLComputeUnits = .all) throws {
        let compiled = try MLModel.compileModel(at: Contract.folder.appendingPathComponent("model.mlpackage"))
        defer { try? FileManager.default.removeItem(at: compiled) }
        let options = MLModelConfiguration()
        options.computeUnits = units
        model = try MLModel(contentsOf: compiled, configuration: options)
        guard model.modelDescription.inputDescriptionsByName[Contract.inputName]?.type == .image,
              model.modelDescription.outputDescriptionsByName[Contract.outputName] != nil
        else { throw ModelFault(reason: "not the model of this code") }
    }

    public func run(_ square: [UInt8]) throws -> [Float] {
        let input = try MLDictionaryFeatureProvider(dictionary: [Contract.inputName: MLFeatureValue(pixelBuffer: picture(square))])
        guard let found = try model.prediction(from: input).featureValue(for: Contract.outputName)
        else { throw ModelFault(reason: "no output \(Contract.outputName)") }
        if found.type == .dictionary {
            return try Contract.labels.map { label in
                guard let value = found.dictionaryValue[label] else { throw ModelFault(reason: "no probability of \(label)") }
                return value.floatValue
            }
        }
        guard let array = found.multiArrayValue, array.count == Contract.labels.count
        else { throw ModelFault(reason: "not one value a class") }
        return (0..<array.count).map { array[$0].floatValue }
    }

    private func picture(_ square: [UInt8]) throws -> CVPixelBuffer {
        let side = Contract.cropPx
        var made: CVPixelBuffer?
        CVPixelBufferCreate(kCFAllocatorDefault, side, side, kCVPixelFormatType_32BGRA, nil, &made)
        guard let buffer = made else { throw ModelFault(reason: "no memory for a picture") }
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
}
