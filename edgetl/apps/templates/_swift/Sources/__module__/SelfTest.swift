// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// The golden photos through the app's own code: decoding, preprocessing, the model.
public enum SelfTest {
    /// - Parameter files: the model, its contract and its photos.
    /// - Returns: `log` is what `edgetl golden check` reads; no faults = this device does what was verified.
    public static func run(_ files: ModelFiles = BuiltIn()) throws -> (log: Data, faults: [String]) {
        let classifier = try Classifier(files)
        let contract = classifier.contract
        let level: Float = contract.input.dtype == .float32 ? 1 / contract.input.std : 1
        var faults: [String] = []
        var images: [Log.Image] = []
        for image in contract.golden {
            let photo = try Data(contentsOf: files.golden.appendingPathComponent(image.file))
            guard sha256(photo) == image.sha256 else { throw ModelRefused("\(image.file) is not its golden photo") }
            let square = try Pixels.square(Photo.decode(photo), contract.input)
            let input = Input.values(square, contract.input)
            let samples = contract.sampleAt.map { input[$0] }
            let away = zip(samples, image.samples).map { abs($0 - $1) / level }.max() ?? 0
            if !(away <= image.levels + 1e-3) {
                faults.append("\(image.file): the input is off by \(away) levels, \(image.levels) are allowed")
            }
            let found = try classifier.probabilities(square)
            if let wanted = image.probabilities, let tolerance = image.tolerance {
                let off = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
                if !(off <= tolerance + 1e-6) {
                    faults.append("\(image.file): a probability is off by \(off), \(tolerance) is allowed")
                }
            }
            images.append(Log.Image(file: image.file, tensor: Log.Tensor(samples: samples), probabilities: found))
        }
        let log = Log(schema: 1, artifact: contract.artifact, images: images)
        return (try JSONEncoder().encode(log), faults)
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
