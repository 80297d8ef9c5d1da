// What an update channel of edgetl serves, and which release this device gets. Decides as edgetl/channel does in Python.
import CryptoKit
import Foundation

/// Something that was served is not taken; what is installed stays. `code` is one word, the same in every client.
public struct ChannelRefused: Error {
    public let code: String
    public let message: String
}

public struct ListedKey: Codable, Sendable {
    /// The 32 bytes of an Ed25519 key.
    public let key: Data
    public let rotates: Bool

    public init(key: Data, rotates: Bool) {
        self.key = key
        self.rotates = rotates
    }

    var id: String { String(sha256(key).prefix(16)) }
}

/// The key of a `.pub` file: the line between BEGIN and END → 32 bytes.
public func publicKey(_ line: String) -> Data {
    let head = Data([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00])  // RFC 8410
    let data = Data(base64Encoded: line) ?? Data()
    precondition(data.count == 44 && data.prefix(12) == head, "no Ed25519 key of a .pub file")
    return data.suffix(32)
}

/// Keys that are trusted: version 0 is a key the app was built with, from before any list.
public struct Trust: Codable, Sendable {
    public let version: Int
    public let keys: [ListedKey]
    public let sha256: String

    public init(version: Int, keys: [ListedKey], sha256: String = "") {
        self.version = version
        self.keys = keys
        self.sha256 = sha256
    }
}

public struct ModelFile: Sendable {
    public let path: String
    public let format: String
    public let sizeBytes: Int
    public let devices: [String]
}

public struct Release: Sendable {
    public let number: Int
    public let version: String
    public let title: String
    public let sha256: String
    public let sizeBytes: Int
    public let rollout: Int
    public let salt: String
    public let minApp: String
    public let systems: [(name: String, version: String)]
    public let devices: [String]
    public let files: [ModelFile]
}

public struct Index: Sendable {
    public let version: Int
    public let previous: String
    public let keys: Int
    public let createdS: Int
    public let expiresS: Int
    public let releases: [Release]
    let data: Data
    let keyId: String
    /// Of the signed text. Two files are the same when it is: anybody can write what lies around the text in another way.
    let digest: String
}

/// Why a `Device` cannot be.
public struct DeviceRefused: Error, CustomStringConvertible {
    public let description: String
}

/// What this device says of itself; nothing of it is sent. `id` is drawn at random once and kept. Versions are as they are named: the
/// one to four numbers that they begin with count, of `2.1-beta` 2.1.
public struct Device: Sendable {
    public let app: String
    public let system: String
    public let systemVersion: String
    public let model: String
    public let id: String
    public let formats: Set<String>

    /// - Throws: `DeviceRefused`: a version begins with no number, or another is not what it must be.
    public init(app: String, system: String, systemVersion: String, model: String, id: String, formats: Set<String>) throws {
        for version in [app, systemVersion] where !matches(version, linePattern) || leading(version) == nil {
            throw DeviceRefused(description: "the version '\(version)' does not begin with a number like 2.1")
        }
        guard matches(system, namePattern), matches(id, linePattern)
        else { throw DeviceRefused(description: "the system is a short name, the id one line") }
        self.app = app
        self.system = system
        self.systemVersion = systemVersion
        self.model = model
        self.id = id
        self.formats = formats
    }
}

/// `passedOver`: numbers of newer releases, and why not: app, system, device, rollout, format or refused.
public struct Choice: Sendable {
    public let release: Release?
    public let file: ModelFile?
    public let passedOver: [(number: Int, reason: String)]
}

let maxSignedBytes = 1_000_000
private let maxLists = 100
private let maxSteps = 1000
private let whole = 10_000
private let maxBundleBytes = 4_000_000_000
private let namePattern = "[a-z0-9][a-z0-9._-]{0,63}"
private let versionPattern = "[0-9]{1,9}(\\.[0-9]{1,9}){0,3}"
private let hexPattern = "[0-9a-f]{64}"
private let letter = "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]"
let linePattern = "\(letter){1,200}"
private let textPattern = "\(letter){0,512}"
private let pathPattern = "(?s)(?!.*(?:^|/)\\.{0,2}(?:/|$))(?:(?![\\\\:])\(letter)){1,300}"

func matches(_ text: String, _ pattern: String) -> Bool {
    text.range(of: "\\A(?:\(pattern))\\z", options: .regularExpression) != nil
}

func sha256(_ data: Data) -> String {
    SHA256.hash(data: data).map { String(format: "%02x", $0) }.joined()
}

/// 0 to 2^32 - 1: the first four bytes, big-endian, of sha256(salt, a line end, id) in UTF-8.
public func place(salt: String, id: String) -> UInt64 {
    SHA256.hash(data: Data("\(salt)\n\(id)".utf8)).prefix(4).reduce(0) { $0 << 8 | UInt64($1) }
}

/// `refused`: sha256 of bundles that did not come out right on this very device.
public func choose(_ index: Index, _ device: Device, refused: Set<String> = []) -> Choice {
    var passed: [(number: Int, reason: String)] = []
    for release in index.releases {
        let file = release.files.first { device.formats.contains($0.format) && names($0.devices, device.model) }
        let reason = refuses(release, device) ?? (file == nil ? "format" : refused.contains(release.sha256) ? "refused" : nil)
        guard let why = reason else { return Choice(release: release, file: file, passedOver: passed) }
        passed.append((release.number, why))
    }
    return Choice(release: nil, file: nil, passedOver: passed)
}

private func refuses(_ release: Release, _ device: Device) -> String? {
    if release.minApp != "", below(device.app, release.minApp) { return "app" }
    if !release.systems.isEmpty {
        guard let least = release.systems.first(where: { $0.name == device.system }) else { return "system" }
        if below(device.systemVersion, least.version) { return "system" }
    }
    if !names(release.devices, device.model) { return "device" }
    let admitted = place(salt: release.salt, id: device.id) * UInt64(whole) < UInt64(release.rollout) << 32
    return admitted ? nil : "rollout"
}

private func names(_ devices: [String], _ model: String) -> Bool {
    devices.isEmpty || devices.contains { $0.hasSuffix("*") ? model.hasPrefix(String($0.dropLast())) : model == $0 }
}

private func leading(_ version: String) -> String? {
    version.range(of: "\\A\(versionPattern)(?![0-9])", options: .regularExpression).map { String(version[$0]) }
}

private func below(_ version: String, _ least: String) -> Bool {
    func numbers(_ text: String) -> [Int] {
        let found = text.split(separator: ".").map { Int($0) ?? 0 }
        return found + Array(repeating: 0, count: 4 - found.count)
    }
    return numbers(leading(version) ?? version).lexicographicallyPrecedes(numbers(least))
}

func indexPath(_ channel: String, _ version: Int) -> String { "\(channel)/index/\(version).json" }

func bundlePath(_ sha256: String) -> String { "bundles/\(sha256).zip" }

/// Path and most bytes → what lies there; nil = nothing.
typealias Read = @Sendable (String, Int) async throws -> Data?

/// Finds the newest index that can be trusted; a clock behind what was seen counts as that index' time.
func latest(_ read: Read, _ channel: String, _ trusted: Trust, _ known: Index?, nowS: Int) async throws -> (Trust, Index) {
    let trust = try await follow(trusted, read)
    var held = known
    if let seen = held, !trust.keys.contains(where: { $0.id == seen.keyId }) { held = nil }  // its key was withdrawn
    let newest = "\(channel)/newest.json"
    if let data = try await read(newest, maxSignedBytes) {
        let found = try index(data, channel, trust, newest)
        if let seen = held, found.version < seen.version {
            let path = indexPath(channel, seen.version)
            guard let there = try await read(path, maxSignedBytes), try index(there, channel, trust, path).digest == seen.digest else {
                throw ChannelRefused(code: "older-index", message: "\(newest): version \(seen.version), seen before, is gone")
            }
        } else if let seen = held, found.version == seen.version {
            guard found.digest == seen.digest else {
                throw ChannelRefused(code: "other-history", message: "\(newest): is another version \(seen.version) than the one seen before")
            }
        } else {
            held = found
        }
    }
    guard let following = try await followed(read, channel, trust, held) else {
        throw ChannelRefused(code: "missing", message: "\(newest): is not there")
    }
    if following.expiresS <= max(nowS, held?.createdS ?? 0) {
        throw ChannelRefused(code: "expired", message: "\(newest): version \(following.version) has expired by this clock")
    }
    return (trust, following)
}

private func followed(_ read: Read, _ channel: String, _ trust: Trust, _ first: Index?) async throws -> Index? {
    var held = first
    for _ in 0..<maxSteps {
        let version = held?.version ?? 0
        let path = indexPath(channel, version + 1)
        guard let data = try await read(path, maxSignedBytes) else { return held }
        let found = try index(data, channel, trust, path)
        guard found.version == version + 1, found.previous == held?.digest ?? "" else {
            throw ChannelRefused(code: "other-history", message: "\(path): does not follow version \(version)")
        }
        held = found
    }
    throw ChannelRefused(code: "malformed", message: "\(channel)/newest.json: is more than \(maxSteps) versions behind")
}

func follow(_ first: Trust, _ read: Read) async throws -> Trust {
    var trust = first
    for _ in 0..<maxLists {
        let path = "keys/\(trust.version + 1).json"
        guard let data = try await read(path, maxSignedBytes) else { return trust }
        let (payload, _, digest) = try unseal("channel keys", data, trust.keys.filter { $0.rotates }, path)
        try payload.only(["schema", "version", "previous", "keys"])
        let keys: [ListedKey] = try payload.list("keys").map {
            let row = try Fields($0, path)
            try row.only(["public", "rotates"])
            guard let key = Data(base64Encoded: try row.text("public")), key.count == 32 else { throw malformed(path) }
            return ListedKey(key: key, rotates: try row.flag("rotates"))
        }
        let different = Set(keys.map { $0.key }).count == keys.count
        guard try payload.number("schema") == 1, keys.contains(where: { $0.rotates }), keys.count <= maxLists, different else {
            throw malformed(path)
        }
        let (version, previous) = (try payload.number("version"), try payload.text("previous"))
        guard version == trust.version + 1, trust.version == 0 || previous == trust.sha256 else {
            throw ChannelRefused(code: "other-history", message: "\(path): is no list that follows version \(trust.version)")
        }
        trust = Trust(version: version, keys: keys, sha256: digest)
    }
    throw ChannelRefused(code: "malformed", message: "keys: more than \(maxLists) lists follow")
}

func index(_ data: Data, _ channel: String, _ trust: Trust, _ path: String) throws -> Index {
    let (payload, keyId, digest) = try unseal("channel index", data, trust.keys, path)
    try payload.only(["schema", "channel", "version", "previous", "keys", "created_s", "expires_s", "action", "releases"])
    let releases = try payload.list("releases").map { try release(Fields($0, path), path) }
    let found = Index(
        version: try payload.number("version"), previous: try payload.text("previous"), keys: try payload.number("keys"),
        createdS: try payload.number("created_s"), expiresS: try payload.number("expires_s"), releases: releases, data: data,
        keyId: keyId, digest: digest)
    let numbers = [found.version + 1] + releases.map { $0.number }
    guard try payload.number("schema") == 1, found.version >= 1, found.keys >= 1, found.createdS >= 0,
        found.createdS < found.expiresS, found.previous == "" || matches(found.previous, hexPattern), releases.count <= 16,
        try ["publish", "rollout", "rollback", "renew"].contains(payload.text("action")),
        try matches(payload.text("channel"), namePattern),
        zip(numbers, numbers.dropFirst()).allSatisfy({ $0 > $1 })
    else { throw malformed(path) }
    guard try payload.text("channel") == channel else {
        throw ChannelRefused(code: "other-channel", message: "\(path): is the index of another channel")
    }
    guard found.keys <= trust.version else {
        throw ChannelRefused(code: "keys-withheld", message: "\(path): knows key list \(found.keys), but only \(trust.version) is served")
    }
    return found
}

private func release(_ row: Fields, _ path: String) throws -> Release {
    try row.only([
        "number", "version", "title", "sha256", "size_bytes", "rollout", "salt", "min_app", "systems", "devices", "files",
    ])
    let files: [ModelFile] = try row.list("files").map {
        let file = try Fields($0, path)
        try file.only(["path", "format", "size_bytes", "devices"])
        return ModelFile(
            path: try file.text("path"), format: try file.text("format"), sizeBytes: try file.number("size_bytes"),
            devices: try file.texts("devices"))
    }
    let systems: [(name: String, version: String)] = try row.list("systems").map {
        let system = try Fields($0, path)
        try system.only(["name", "version"])
        return (try system.text("name"), try system.text("version"))
    }
    let found = Release(
        number: try row.number("number"), version: try row.text("version"), title: try row.text("title"),
        sha256: try row.text("sha256"), sizeBytes: try row.number("size_bytes"), rollout: try row.number("rollout"),
        salt: try row.text("salt"), minApp: try row.text("min_app"), systems: systems, devices: try row.texts("devices"),
        files: files)
    let sizes = 0...maxBundleBytes
    guard found.number >= 1, matches(found.sha256, hexPattern), found.sizeBytes >= 1, sizes.contains(found.sizeBytes),
        (0...whole).contains(found.rollout), matches(found.salt, linePattern), matches(found.version, textPattern),
        matches(found.title, textPattern),
        found.minApp == "" || matches(found.minApp, versionPattern),
        systems.allSatisfy({ matches($0.name, namePattern) && matches($0.version, versionPattern) }),
        files.allSatisfy({ matches($0.path, pathPattern) && matches($0.format, namePattern) && sizes.contains($0.sizeBytes) })
    else { throw malformed(path) }
    return found
}

private func unseal(_ purpose: String, _ data: Data, _ keys: [ListedKey], _ path: String) throws -> (Fields, String, String) {
    guard data.count <= maxSignedBytes else { throw malformed(path) }
    let outer = try Fields(data, path)
    try outer.only(["schema", "key", "signature", "signed"])
    guard try outer.number("schema") == 1 else { throw malformed(path) }
    let (id, signed) = (try outer.text("key"), Data(try outer.text("signed").utf8))
    guard let listed = keys.first(where: { $0.id == id }) else {
        throw ChannelRefused(code: "key-unknown", message: "\(path): is signed by the key \(id.prefix(16)), which may not")
    }
    guard let signature = Data(base64Encoded: try outer.text("signature")) else { throw malformed(path) }
    let key = try? Curve25519.Signing.PublicKey(rawRepresentation: listed.key)
    guard key?.isValidSignature(signature, for: Data("edgetl \(purpose) 1\n".utf8) + signed) == true else {
        throw ChannelRefused(code: "bad-signature", message: "\(path): is not what the key \(id) signed")
    }
    return (try Fields(signed, path), id, sha256(signed))
}
