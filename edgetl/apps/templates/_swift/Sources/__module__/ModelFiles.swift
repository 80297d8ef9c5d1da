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

/// One artifact of a bundle, as `UpdateClient` installed it.
public struct InBundle: ModelFiles {
    private let folder: URL
    private let file: String
    public let says: String

    /// What an app needs of the bundle is unpacked beside it, once.
    public init(_ zip: URL, _ installed: Installed) throws {
        folder = zip.deletingPathExtension()
        file = installed.file
        says = "release \(installed.release) (version \(installed.version))"
        if FileManager.default.fileExists(atPath: folder.path) { return }
        let partial = folder.appendingPathExtension("unpacked").appendingPathExtension("partial")
        defer { try? FileManager.default.removeItem(at: partial) }
        try? FileManager.default.removeItem(at: partial)
        try BundleZip(zip).unpack([file, "\(file)/", InBundle.contractPath(file), "golden/"], into: partial)
        try FileManager.default.moveItem(at: partial, to: folder)
    }

    private static func contractPath(_ file: String) -> String { "contracts/\(file.split(separator: "/").last ?? "").json" }

    public var contract: URL { folder.appendingPathComponent(InBundle.contractPath(file)) }
    public var model: URL { folder.appendingPathComponent(file) }
    public var golden: URL { folder.appendingPathComponent("golden", isDirectory: true) }
    public var made: URL { folder.appendingPathComponent("made", isDirectory: true) }
}
