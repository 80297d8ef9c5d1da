// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// A model that is not used: why.
public struct ModelRefused: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// What a model file takes and gives, and what golden photos must give: `contract.json`, which lies beside the model.
public struct Contract: Decodable, Sendable {
    public struct Input: Decodable, Sendable {
        /// float32: (byte - mean) / std; uint8: bytes as they are; int8: bytes less 128; image: bytes, the file does the rest.
        public enum DType: String, Decodable, Sendable { case float32, uint8, int8, image }
        public enum Layout: String, Decodable, Sendable { case NHWC, NCHW }
        public enum Interpolation: String, Decodable, Sendable { case bilinear, bicubic, nearest }

        public let name: String
        public let dtype: DType
        public let layout: Layout
        /// Pixels of the shorter side after the resize.
        public let resizePx: Int
        /// Side of the square that is cut out of the middle, in pixels.
        public let cropPx: Int
        public let interpolation: Interpolation
        public let mean: Float
        public let std: Float
    }

    public struct Output: Decodable, Sendable {
        /// float32, or integers of scale * (value - zeroPoint).
        public enum DType: String, Decodable, Sendable { case float32, uint8, int8 }

        public let name: String
        public let dtype: DType
        public let scale: Float?
        public let zeroPoint: Int?
    }

    public struct Golden: Decodable, Sendable {
        /// In the folder golden/.
        public let file: String
        public let sha256: String
        /// How far a sample may be off, in levels of a byte.
        public let levels: Float
        public let samples: [Float]
        /// nil where nothing could run the file when the bundle was made.
        public let probabilities: [Float]?
        /// How far a probability may be off.
        public let tolerance: Float?
    }

    public let schema: Int
    /// As `edgetl golden check` names the file.
    public let artifact: String
    /// Of the file, in the bundle.
    public let path: String
    public let name: String
    public let version: String
    public let input: Input
    public let output: Output
    /// Probability from which a class is named where a photo may show several; nil where it shows one.
    public let namedFrom: Float?
    /// Class names in the order of the output.
    public let labels: [String]
    /// Places of the input buffer whose values are logged.
    public let sampleAt: [Int]
    public let golden: [Golden]

    private static let mostBytes = 64_000_000
    private static let mostPx = 4096
    private static let mostPhotos = 64

    /// Read and check a file; one of another kind or with a fault is refused.
    public static func read(_ file: URL) throws -> Contract {
        guard let bytes = (try? file.resourceValues(forKeys: [.fileSizeKey]))?.fileSize, bytes <= mostBytes
        else { throw ModelRefused("\(file.lastPathComponent): is not there, or too large") }
        let data = try Data(contentsOf: file)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let head = try? decoder.decode(Head.self, from: data)
        else { throw ModelRefused("\(file.lastPathComponent): is no contract") }
        guard head.schema == 1
        else { throw ModelRefused("\(file.lastPathComponent): schema \(head.schema) is not one that this app reads") }
        do {
            let found = try decoder.decode(Contract.self, from: data)
            if let why = found.fault() { throw ModelRefused("\(file.lastPathComponent): \(why)") }
            return found
        } catch let error as DecodingError {
            throw ModelRefused("\(file.lastPathComponent): \(said(error))")
        }
    }

    private struct Head: Decodable {
        let schema: Int
    }

    private static func said(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String { context.codingPath.map { $0.stringValue }.joined(separator: ".") }
        switch error {
        case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(place(context)): \(context.debugDescription)"
        case .keyNotFound(let key, let context): return "\(place(context)): has no \(key.stringValue)"
        @unknown default: return "is no contract"
        }
    }

    private func fault() -> String? {
        guard input.cropPx >= 1, input.cropPx <= input.resizePx, input.resizePx <= Contract.mostPx
        else { return "input: \(input.cropPx) of \(input.resizePx) pixels" }
        guard input.mean.isFinite, input.std.isFinite, input.std > 0 else { return "input: mean \(input.mean), std \(input.std)" }
        let places = 0..<(3 * input.cropPx * input.cropPx)
        guard !labels.isEmpty, Set(labels.map { Array($0.utf8) }).count == labels.count else { return "labels: none, or one twice" }
        guard !sampleAt.isEmpty, sampleAt.allSatisfy(places.contains) else { return "sample_at: not places of the input" }
        guard (0...1).contains(namedFrom ?? 0) else { return "named_from: no probability" }
        if output.dtype != .float32 {
            guard let scale = output.scale, scale.isFinite, scale > 0, let zero = output.zeroPoint, (-128...255).contains(zero)
            else { return "output: \(output.dtype.rawValue) without scale and zero point" }
        }
        guard (1...Contract.mostPhotos).contains(golden.count) else { return "golden: \(golden.count) photos" }
        return golden.lazy.compactMap(fault).first
    }

    private func fault(_ photo: Golden) -> String? {
        guard !photo.file.isEmpty, !photo.file.hasPrefix("."), !photo.file.contains(where: { "/\\:\0".contains($0) })
        else { return "golden: \(photo.file) is no name of a file" }
        guard photo.samples.count == sampleAt.count, (0...255).contains(photo.levels)
        else { return "golden: \(photo.file): \(photo.samples.count) samples, \(photo.levels) levels" }
        guard let wanted = photo.probabilities else { return nil }
        guard wanted.count == labels.count, (0...1).contains(photo.tolerance ?? 0)
        else { return "golden: \(photo.file): \(wanted.count) probabilities of \(labels.count) classes, or no tolerance" }
        return nil
    }
}
