// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// One class and how likely it is, 0 to 1.
public struct Answer: Sendable {
    public let label: String
    public let probability: Float
}

/// The model file in a runtime; any thread may call it.
public protocol Network: Sendable {
    /// The RGB bytes of the square → one probability a class, in the order of the contract's labels.
    func run(_ square: [UInt8]) throws -> [Float]
}

/// From a photo's bytes to names.
public struct Classifier: Sendable {
    public let contract: Contract
    private let network: Network

    public init(_ network: Network, _ contract: Contract) {
        self.network = network
        self.contract = contract
    }

    /// The model of these files, ready to run; it takes a moment: keep it.
    public init(_ files: ModelFiles = BuiltIn()) throws {
        let contract = try Contract.read(files.contract)
        self.init(try ModelNetwork(model: files.model, contract: contract, made: files.made), contract)
    }

    /// The likeliest classes, the likeliest first; where a photo may show several, those that are named.
    public func classify(_ photo: Data, most: Int = 5) throws -> [Answer] {
        zip(contract.labels, try probabilities(Pixels.square(Photo.decode(photo), contract.input)))
            .map { Answer(label: $0, probability: $1) }
            .sorted { $0.probability > $1.probability }
            .prefix(most)
            .filter { $0.probability >= contract.namedFrom ?? 0 }
    }

    /// One probability a class, in the order of the labels.
    func probabilities(_ square: [UInt8]) throws -> [Float] {
        let found = try network.run(square)
        guard found.count == contract.labels.count
        else { throw ModelRefused("the model gives \(found.count) values for \(contract.labels.count) classes") }
        return found
    }
}

/// The model's input buffer, as numbers of its type.
enum Input {
    /// The RGB bytes of the square → the values, in the order in which they lie in the buffer.
    static func values(_ square: [UInt8], _ input: Contract.Input) -> [Float] {
        let area = square.count / 3
        return square.indices.map { place in
            let byte = square[input.layout == .NCHW ? (place % area) * 3 + place / area : place]
            switch input.dtype {
            case .float32: return (Float(byte) - input.mean) / input.std
            case .int8: return Float(Int(byte) - 128)
            case .uint8, .image: return Float(byte)
            }
        }
    }
}
