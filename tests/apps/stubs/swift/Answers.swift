// What stands for a network: answers by table. $EDGETL_ANSWERS/<sha256 of the model file> is a folder; in it `names` holds the names of
// input and output, one a line, and <sha256 of the input's bytes> the bytes of the output. Another input has no answer: zeros.
import CryptoKit
import Foundation

public struct Answers {
    private let folder: String
    public let input: String
    public let output: String
    private let bytes: Int

    public init?(of model: String) {
        guard let data = FileManager.default.contents(atPath: model) else { return nil }
        folder = "\(ProcessInfo.processInfo.environment["EDGETL_ANSWERS"]!)/\(Answers.name(data))"
        guard let names = FileManager.default.contents(atPath: "\(folder)/names") else { return nil }
        let lines = String(decoding: names, as: UTF8.self).split(separator: "\n")
        (input, output, bytes) = (String(lines[0]), String(lines[1]), Int(lines[2])!)
    }

    public func answer(to input: Data) -> Data {
        FileManager.default.contents(atPath: "\(folder)/\(Answers.name(input))") ?? Data(count: bytes)
    }

    private static func name(_ data: Data) -> String { SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined() }
}
