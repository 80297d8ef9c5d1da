// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// The model that is used, and why no newer one is.
public struct Opened {
    public let classifier: Classifier
    /// Where it comes from, for people.
    public let name: String
    /// Of each newer model that was not taken: why.
    public let passedOver: [String]

    /// The newest model that this device has proved: the installed update where its own golden photos come out right through this
    /// app's code, else the update that it replaced, else the built-in model. Takes seconds: call it once, off the main thread.
    public static func newest(_ client: UpdateClient) async throws -> Opened {
        var passedOver: [String] = []
        for update in try await client.kept() {
            do {
                let files = try await client.files(update)
                let classifier = try Classifier(files)
                let faults = try SelfTest.run(classifier, golden: files.golden).faults
                if faults.isEmpty { return Opened(classifier: classifier, name: files.name, passedOver: passedOver) }
                passedOver.append("release \(update.release): \(faults.joined(separator: "; "))")
            } catch {
                passedOver.append("release \(update.release): \(error)")
            }
        }
        let files = BuiltIn()
        return Opened(classifier: try Classifier(files), name: files.name, passedOver: passedOver)
    }
}
