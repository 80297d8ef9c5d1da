// Written by `edgetl ship app`. Do not edit: write it again instead.
import Foundation

/// What an update client asks of the device.
public enum OnApple {
    /// A folder for `UpdateClient`, in Application Support; it is made, and is in no backup.
    public static func folder(_ name: String) throws -> URL {
        let support = try FileManager.default.url(for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
        let folder = support.appendingPathComponent(name, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return notInBackups(folder)
    }

    /// What this device says of itself to `UpdateClient`; nothing of it is sent. Its id is drawn at random once.
    ///
    /// - Parameters:
    ///   - app: the app's version as it is named.
    ///   - folder: of the client; the id is kept beside it.
    ///   - formats: that the app runs: coreml, onnx.
    /// - Throws: `DeviceRefused`: the version begins with no number.
    public static func device(app: String, beside folder: URL, formats: Set<String>) throws -> Device {
        let file = folder.deletingLastPathComponent().appendingPathComponent("\(folder.lastPathComponent).id")
        var id = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        if id == "" {
            id = UUID().uuidString
            try id.write(to: file, atomically: true, encoding: .utf8)
            _ = notInBackups(file)
        }
        let version = ProcessInfo.processInfo.operatingSystemVersion
        let numbers = "\(version.majorVersion).\(version.minorVersion).\(version.patchVersion)"
        return try Device(app: app, system: system, systemVersion: numbers, model: model, id: id, formats: formats)
    }

    #if os(iOS)
    private static let system = "ios"
    #else
    private static let system = "macos"
    #endif

    /// As Apple names devices: `iPhone16,1`; in a simulator, the one that is simulated.
    private static var model: String {
        if let simulated = ProcessInfo.processInfo.environment["SIMULATOR_MODEL_IDENTIFIER"] { return simulated }
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func notInBackups(_ place: URL) -> URL {
        var place = place
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try? place.setResourceValues(values)
        return place
    }
}
