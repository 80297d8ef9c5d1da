// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// One class and how likely it is, 0 to 1.
public struct Answer {
    public let label: String
    public let probability: Float
}

/// The model file in a runtime.
public protocol Network {
    /// The RGB bytes of the square → one probability a class, in the order of `Contract.labels`.
    func run(_ square: [UInt8]) throws -> [Float]
}

/// What stops a model from being used.
public struct ModelFault: Error {
    public let reason: String
}

/// From a photo's bytes to names.
public struct Classifier {
    private let network: Network

    public init(_ network: Network) {
        self.network = network
    }

    /// The likeliest classes, the likeliest first; where a photo may show several, those that are named.
    public func classify(_ photo: Data, most: Int = 5) throws -> [Answer] {
        let found = try network.run(Pixels.square(Photo.decode(photo)))
        guard found.count == Contract.labels.count else { throw ModelFault(reason: "\(found.count) values for \(Contract.labels.count) classes") }
        return zip(Contract.labels, found)
            .map { Answer(label: $0, probability: $1) }
            .sorted { $0.probability > $1.probability }
            .prefix(most)
            .filter { $0.probability >= Contract.namedFrom ?? 0 }
    }
}

/// The model's input buffer, as numbers of its type.
enum Input {
    /// The RGB bytes of the square → the values, in the order in which they lie in the buffer.
    static func values(_ square: [UInt8]) -> [Float] {
        let area = square.count / 3
        return square.indices.map { place in
            let byte = square[Contract.channelsFirst ? (place % area) * 3 + place / area : place]
            switch Contract.inputType {
            case "float32": return (Float(byte) - Contract.mean) / Contract.std
            case "int8": return Float(Int(byte) - 128)
            default: return Float(byte)
            }
        }
    }
}
