// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// The golden photos through the app's own code: decoding, preprocessing, the model.
public enum SelfTest {
    /// - Returns: `log` is what `edgetl golden check` reads; no faults = this device does what was verified.
    public static func run(_ network: Network) throws -> (log: Data, faults: [String]) {
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: Contract.folder.appendingPathComponent("golden.json")))
        let level: Float = Contract.inputType == "float32" ? 1 / Contract.std : 1
        var faults: [String] = []
        var images: [Log.Image] = []
        for image in golden.images {
            let photo = try Data(contentsOf: Contract.folder.appendingPathComponent("golden").appendingPathComponent(image.file))
            let square = try Pixels.square(Photo.decode(photo))
            let input = Input.values(square)
            let samples = golden.sample_at.map { input[$0] }
            let away = zip(samples, image.samples).map { abs($0 - $1) / level }.max() ?? 0
            if !(away <= image.levels + 1e-3) {
                faults.append("\(image.file): the input is off by \(away) levels, \(image.levels) are allowed")
            }
            let found = try network.run(square)
            if let wanted = image.probabilities, let tolerance = image.tolerance {
                let off = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
                if !(found.count == wanted.count && off <= tolerance + 1e-6) {
                    faults.append("\(image.file): a probability is off by \(off), \(tolerance) is allowed")
                }
            }
            images.append(Log.Image(file: image.file, tensor: Log.Tensor(samples: samples), probabilities: found))
        }
        let log = Log(schema: 1, artifact: Contract.artifact, images: images)
        return (try JSONEncoder().encode(log), faults)
    }

    private struct Golden: Decodable {
        struct Image: Decodable {
            let file: String
            let levels: Float
            let samples: [Float]
            let probabilities: [Float]?
            let tolerance: Float?
        }

        let sample_at: [Int]
        let images: [Image]
    }

    private struct Log: Encodable {
        struct Tensor: Encodable {
            let samples: [Float]
        }

        struct Image: Encodable {
            let file: String
            let tensor: Tensor
            let probabilities: [Float]
        }

        let schema: Int
        let artifact: String
        let images: [Image]
    }
}
