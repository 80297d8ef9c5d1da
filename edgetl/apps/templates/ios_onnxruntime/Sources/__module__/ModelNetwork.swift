// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation
import OnnxRuntimeBindings

/// The model in onnxruntime.
public final class ModelNetwork: Network {
    private let environment: ORTEnv
    private let session: ORTSession

    public init(threads: Int32 = 2) throws {
        environment = try ORTEnv(loggingLevel: .warning)
        let options = try ORTSessionOptions()
        try options.setIntraOpNumThreads(threads)
        let path = Contract.folder.appendingPathComponent("model.onnx").path
        session = try ORTSession(env: environment, modelPath: path, sessionOptions: options)
        guard try session.inputNames().contains(Contract.inputName), try session.outputNames().contains(Contract.outputName)
        else { throw ModelFault(reason: "not the model of this code") }
    }

    public func run(_ square: [UInt8]) throws -> [Float] {
        let side = NSNumber(value: Contract.cropPx)
        let shape: [NSNumber] = Contract.channelsFirst ? [1, 3, side, side] : [1, side, side, 3]
        let values = Input.values(square)
        let data: Data
        let type: ORTTensorElementDataType
        switch Contract.inputType {
        case "float32": (data, type) = (values.withUnsafeBytes { Data($0) }, .float)
        case "int8": (data, type) = (values.map { Int8($0) }.withUnsafeBytes { Data($0) }, .int8)
        default: (data, type) = (values.map { UInt8($0) }.withUnsafeBytes { Data($0) }, .uInt8)
        }
        let input = try ORTValue(tensorData: NSMutableData(data: data), elementType: type, shape: shape)
        let outputs = try session.run(withInputs: [Contract.inputName: input], outputNames: [Contract.outputName], runOptions: nil)
        guard let output = outputs[Contract.outputName] else { throw ModelFault(reason: "no output \(Contract.outputName)") }
        let found = try output.tensorData() as Data
        switch Contract.outputType {
        case "float32": return found.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        case "int8": return found.map { Contract.outputScale * Float(Int(Int8(bitPattern: $0)) - Contract.outputZeroPoint) }
        default: return found.map { Contract.outputScale * Float(Int($0) - Contract.outputZeroPoint) }
        }
    }
}
