// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation
import OnnxRuntimeBindings

/// The model in onnxruntime, whose sessions run on many threads at once.
public final class ModelNetwork: Network, @unchecked Sendable {
    private let environment: ORTEnv
    private let session: ORTSession
    private let contract: Contract

    /// - Parameters:
    ///   - model: the file.
    ///   - made: unused here: onnxruntime keeps nothing.
    public init(model: URL, contract: Contract, made: URL, threads: Int32 = 2) throws {
        environment = try ORTEnv(loggingLevel: .warning)
        let options = try ORTSessionOptions()
        try options.setIntraOpNumThreads(threads)
        session = try ORTSession(env: environment, modelPath: model.path, sessionOptions: options)
        self.contract = contract
        guard contract.input.dtype != .image, try session.inputNames().contains(contract.input.name),
            try session.outputNames().contains(contract.output.name)
        else { throw ModelRefused("not the model of its contract") }
    }

    public func run(_ square: [UInt8]) throws -> [Float] {
        let side = NSNumber(value: contract.input.cropPx)
        let shape: [NSNumber] = contract.input.layout == .NCHW ? [1, 3, side, side] : [1, side, side, 3]
        let values = Input.values(square, contract.input)
        let data: Data
        let type: ORTTensorElementDataType
        switch contract.input.dtype {
        case .float32: (data, type) = (values.withUnsafeBytes { Data($0) }, .float)
        case .int8: (data, type) = (values.map { Int8($0) }.withUnsafeBytes { Data($0) }, .int8)
        case .uint8, .image: (data, type) = (values.map { UInt8($0) }.withUnsafeBytes { Data($0) }, .uInt8)
        }
        let input = try ORTValue(tensorData: NSMutableData(data: data), elementType: type, shape: shape)
        let outputs = try session.run(withInputs: [contract.input.name: input], outputNames: [contract.output.name], runOptions: nil)
        guard let output = outputs[contract.output.name] else { throw ModelRefused("no output \(contract.output.name)") }
        let found = try output.tensorData() as Data
        let (scale, zero) = (contract.output.scale ?? 1, contract.output.zeroPoint ?? 0)
        switch contract.output.dtype {
        case .float32:
            return found.withUnsafeBytes { bytes in stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) } }
        case .int8: return found.map { scale * Float(Int(Int8(bitPattern: $0)) - zero) }
        case .uint8: return found.map { scale * Float(Int($0) - zero) }
        }
    }
}
