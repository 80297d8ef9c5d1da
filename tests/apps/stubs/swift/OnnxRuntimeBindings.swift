// onnxruntime's Objective-C interface as Swift sees it: onnxruntime 1.24, objectivec/include/ort_env.h, ort_session.h, ort_value.h, ort_enums.h.
import Answers
import Foundation

public enum ORTLoggingLevel: Int32 { case verbose, info, warning, error, fatal }
public enum ORTTensorElementDataType: Int32 { case undefined, float, int8, uInt8, int32, uInt32, int64, uInt64, string }

public struct ORTFault: Error {}

open class ORTEnv: NSObject {
    public init(loggingLevel: ORTLoggingLevel) throws {}
}

open class ORTSessionOptions {
    public init() throws {}
    open func setIntraOpNumThreads(_ intraOpNumThreads: Int32) throws {}
}

open class ORTRunOptions: NSObject {}

open class ORTValue: NSObject {
    fileprivate let data: NSMutableData
    public init(tensorData: NSMutableData, elementType: ORTTensorElementDataType, shape: [NSNumber]) throws {
        let widths: [ORTTensorElementDataType: Int] = [.float: 4, .int8: 1, .uInt8: 1]
        guard shape.reduce(1, { $0 * $1.intValue }) * widths[elementType]! == tensorData.length else { throw ORTFault() }
        data = tensorData
    }

    fileprivate init(_ data: Data) { self.data = NSMutableData(data: data) }

    open func tensorData() throws -> NSMutableData { data }
}

open class ORTSession: NSObject {
    private let answers: Answers
    public init(env: ORTEnv, modelPath: String, sessionOptions: ORTSessionOptions?) throws {
        guard let found = Answers(of: modelPath) else { throw ORTFault() }
        answers = found
    }

    open func inputNames() throws -> [String] { [answers.input] }
    open func outputNames() throws -> [String] { [answers.output] }

    open func run(
        withInputs inputs: [String: ORTValue], outputNames: Set<String>, runOptions: ORTRunOptions?
    ) throws -> [String: ORTValue] {
        guard outputNames == [answers.output], let input = inputs[answers.input], inputs.count == 1 else { throw ORTFault() }
        return [answers.output: ORTValue(answers.answer(to: input.data as Data))]
    }
}
