// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// Where a model, its contract and its golden photos lie.
public protocol ModelFiles: Sendable {
    /// For people: `the built-in model`, `release 7 (version 1.2)`.
    var says: String { get }
    /// The file of its contract.
    var contract: URL { get }
    /// The model file; of Core ML, a folder.
    var model: URL { get }
    /// Folder of the golden photos.
    var golden: URL { get }
    /// Folder for what is made of the model on this device; the system may empty it.
    var made: URL { get }
}

/// The model that the app was built with.
public struct BuiltIn: ModelFiles {
    private let folder: URL

    public init() {
        folder = Bundle.module.resourceURL!.appendingPathComponent("Model", isDirectory: true)
    }

    public var says: String { "the built-in model" }
    public var contract: URL { folder.appendingPathComponent("contract.json") }
    public var golden: URL { folder.appendingPathComponent("golden", isDirectory: true) }

    public var model: URL {
        let found = try? FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasPrefix("model.") }
        return folder.appendingPathComponent(found ?? "model")
    }

    public var made: URL {
        let caches = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask)[0]
        return caches.appendingPathComponent("edgetl/\(Bundle.module.bundleURL.lastPathComponent)", isDirectory: true)
    }
}

/// A model of an update that was unpacked: see `UpdateClient.files`.
public struct InBundle: ModelFiles {
    /// What of the bundle a model needs: relative paths, or folders that end in a slash.
    static func needed(_ file: String) -> [String] { [file, "\(file)/", contractPath(file), "golden/"] }

    private static func contractPath(_ file: String) -> String { "contracts/\(file.split(separator: "/").last ?? "").json" }

    private let folder: URL
    private let file: String
    public let says: String

    /// - Parameters:
    ///   - folder: of the bundle, unpacked.
    ///   - file: path of the artifact in it.
    public init(folder: URL, file: String, says: String) {
        self.folder = folder
        self.file = file
        self.says = says
    }

    public var contract: URL { folder.appendingPathComponent(InBundle.contractPath(file)) }
    public var model: URL { folder.appendingPathComponent(file) }
    public var golden: URL { folder.appendingPathComponent("golden", isDirectory: true) }
    public var made: URL { folder.appendingPathComponent("made", isDirectory: true) }
}
