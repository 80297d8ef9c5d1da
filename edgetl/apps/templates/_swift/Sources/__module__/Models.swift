// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// The model that is used, and why.
public struct Opened: Sendable {
    public let classifier: Classifier
    /// Where it comes from; `files.says` tells people.
    public let files: ModelFiles
    /// What would have come before it, each with its reason; empty = nothing was passed over.
    public let notUsed: [String]
}

/// A device proves a model before it uses it.
public enum Models {
    /// What `UpdateClient` asks before it installs a bundle: its golden photos through this app's own code.
    public static let proof: Proof = { zip, installed in
        let faults = try SelfTest.run(InBundle(zip, installed)).faults
        return faults.isEmpty ? "" : "its golden photos come out wrong: \(faults[0])"
    }

    /// Open the newest bundle that was fetched and whose golden photos come out right here, else the built-in model. It takes a
    /// moment: call it once, off the main thread.
    ///
    /// - Parameters:
    ///   - client: that fetches bundles.
    ///   - device: what `update` is told too.
    public static func open(_ client: UpdateClient, _ device: Device) async throws -> Opened {
        var notUsed: [String] = []
        for installed in await client.candidates() {
            do {
                guard await client.intact(installed) else { throw ModelRefused("it is not the bundle that was installed") }
                let wrong = try await client.proven(installed, device, proof)
                if wrong != "" { throw ModelRefused(wrong) }
                let files = try InBundle(client.bundle(installed), installed)
                return Opened(classifier: try Classifier(files), files: files, notUsed: notUsed)
            } catch {  // whatever is wrong with a bundle, what the app was built with is there
                notUsed.append("release \(installed.release) (version \(installed.version)): \(error)")
            }
        }
        return try open(notUsed: notUsed)
    }

    /// Open the built-in model. Nothing comes behind it, so its faults are thrown.
    public static func open(notUsed: [String] = []) throws -> Opened {
        let files = BuiltIn()
        return Opened(classifier: try Classifier(files), files: files, notUsed: notUsed)
    }
}
