// The client of an update channel of edgetl: look, decide, prove, install. Its state is one folder's.
//
// Code that `edgetl ship app` wrote has the proof, `Models.proof`, and opens what was installed: `Models.open`. Its README shows both.
import Foundation

public struct Installed: Codable, Equatable, Sendable {
    public let release: Int
    public let version: String
    public let sha256: String
    public let sizeBytes: Int
    public let file: String
    /// Id of the key that signed the index which brought it.
    public let key: String

    func isStill(_ wanted: Installed) -> Bool { release == wanted.release && sha256 == wanted.sha256 && file == wanted.file }
}

/// `status`: installed, unchanged, or kept (something was refused, or nothing is offered: what was installed stays).
public struct Outcome: Sendable {
    public let status: String
    public let code: String
    public let message: String
    public let installed: Installed?
    public let indexVersion: Int
}

/// A bundle's zip, and what would be installed → what is wrong with it on this device; empty = nothing.
public typealias Proof = @Sendable (URL, Installed) throws -> String

public actor UpdateClient {
    /// Proofs of a bundle that were begun; `mostTries` = it is refused. `right` = it came out right.
    private struct Tried: Codable {
        let by: String
        var tries: Int
        var right: Bool
    }

    private struct State: Codable {
        var trust: Trust?
        var root: String?
        var index: Data?
        var installed: Installed?
        var previous: Installed?
        var tried: [String: Tried]?
    }

    private static let mostTries = 3
    private let base: URL
    private let channel: String
    private let builtIn: Trust
    private let folder: URL
    private let waitS: TimeInterval
    private let downloadS: TimeInterval
    private let lookS: TimeInterval
    private var running: Task<Outcome, Error>?

    public init(
        base: URL, channel: String, builtIn: Trust, folder: URL, waitS: TimeInterval = 20, downloadS: TimeInterval = 900,
        lookS: TimeInterval = 120
    ) {
        self.base = base
        self.channel = channel
        self.builtIn = builtIn
        self.folder = folder
        self.waitS = waitS
        self.downloadS = downloadS
        self.lookS = lookS
    }

    public nonisolated func bundle(_ installed: Installed) -> URL { folder.appendingPathComponent("\(installed.sha256).zip") }

    public func installed() -> Installed? { remembered()?.installed }

    /// What may be used, the best first: what the channel gave last, and the older release that was there before it.
    public func candidates() -> [Installed] {
        guard let state = remembered(), let first = state.installed else { return [] }
        guard let before = state.previous, before.release < first.release else { return [first] }
        return [first, before]
    }

    /// Whether a bundle is still what was installed, to the byte. One that is not is deleted, with what was unpacked of it: the next
    /// update fetches it again.
    public func intact(_ installed: Installed) -> Bool {
        let file = bundle(installed)
        if let data = try? Data(contentsOf: file, options: .mappedIfSafe), sha256(data) == installed.sha256 { return true }
        try? FileManager.default.removeItem(at: file)
        try? FileManager.default.removeItem(at: file.deletingPathExtension())
        return false
    }

    /// What is wrong with an installed bundle here, as far as a proof can say; it runs once for each version of app and system.
    public func proven(_ installed: Installed, _ device: Device, _ proof: Proof) throws -> String {
        var state = remembered() ?? State()
        if let before = state.tried?[installed.sha256], before.by == by(device) {
            if before.right { return "" }
            if before.tries >= UpdateClient.mostTries { return "it was refused before" }
        }
        return try prove(&state, installed, device, proof)
    }

    /// Bring the folder up to date. A refusal is an outcome; what is thrown means that the folder itself cannot be written. A damaged
    /// state is neither: this client begins anew, and says so.
    /// A call while another runs gets what that one gets.
    ///
    /// - Parameter proof: tries a bundle before it is installed; nil = what the index names is taken.
    public func update(_ device: Device, nowS: Int, proof: Proof? = nil) async throws -> Outcome {
        if let running = running { return try await running.value }
        let mine = Task { try await self.updated(device, nowS, proof) }
        running = mine
        defer { running = nil }
        return try await mine.value
    }

    private func updated(_ device: Device, _ nowS: Int, _ proof: Proof?) async throws -> Outcome {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let remembered = self.remembered()
        var state = remembered ?? State()
        var trust = builtIn
        let root = builtIn.version == 0 ? builtIn.keys.first?.id : nil
        if let kept = state.trust, kept.version >= builtIn.version, root == nil || root == state.root { trust = kept }
        var notes: [String] = []
        var held: Index?
        var sound = remembered != nil
        do {
            held = try state.index.map { try index($0, channel, trust, "state") }
        } catch let refused as ChannelRefused {  // else another channel now, or a key that is no longer listed
            if ["malformed", "bad-signature"].contains(refused.code) { sound = false }
        }
        if !sound {
            notes.append("what this client remembered was damaged: it began anew.")
            state = State()
            trust = builtIn
            tidy(state)
        }
        state.root = root ?? state.root  // another key: the app's maker lost the first
        var withdrawn = false
        func outcome(_ status: String, _ code: String = "", _ message: String = "") -> Outcome {
            let said = (notes + [message]).filter { $0 != "" }.joined(separator: " ")
            return Outcome(status: status, code: code, message: said, installed: state.installed, indexVersion: held?.version ?? 0)
        }
        do {
            let end = Date(timeIntervalSinceNow: lookS)
            let (newTrust, newest) = try await latest({ try await self.read($0, $1, end) }, channel, trust, held, nowS: nowS)
            held = newest
            let last = state.installed
            remember(&state, newTrust, newest, device)
            try write(state)
            if let last = last, state.installed == nil {
                withdrawn = true
                notes.append("release \(last.release) is withdrawn: the key that brought it may no longer sign. It is deleted.")
                tidy(state)
            }
            let refused = (state.tried ?? [:]).filter { $0.value.tries >= UpdateClient.mostTries }.keys
            let choice = choose(newest, device, refused: Set(refused))
            guard let release = choice.release, let file = choice.file else {
                let reasons = choice.passedOver.map { "release \($0.number): \($0.reason)" }.joined(separator: ", ")
                return outcome("kept", withdrawn ? "withdrawn" : "not-offered", "nothing is offered to this device (\(reasons))")
            }
            let wanted = Installed(
                release: release.number, version: release.version, sha256: release.sha256, sizeBytes: release.sizeBytes,
                file: file.path, key: newest.keyId)
            if let there = state.installed, there.isStill(wanted), intact(wanted) {
                tidy(state)
                let passed = choice.passedOver.filter { $0.reason == "refused" }.map { "release \($0.number)" }.joined(separator: ", ")
                return outcome("unchanged", "", passed == "" ? "" : "passed over, as the proof refused it here: \(passed).")
            }
            if !intact(wanted) {
                do { try await download(wanted) } catch let refused as ChannelRefused { throw refused } catch {
                    throw ChannelRefused(code: "platform", message: "the bundle cannot be written (\(error))")
                }
            }
            if let proof = proof, case let wrong = try prove(&state, wanted, device, proof), wrong != "" {
                tidy(state)
                return outcome("kept", "refused", "release \(wanted.release) is not right here: \(wrong)")
            }
            if let before = state.installed, before.sha256 != wanted.sha256 { state.previous = before }
            state.installed = wanted
            try write(state)
            tidy(state)
            return outcome("installed")
        } catch let refused as ChannelRefused {
            return outcome("kept", refused.code, refused.message)
        }
    }

    /// A model may end the app: a try is written down before it begins, and `mostTries` of them are a refusal.
    private func prove(_ state: inout State, _ wanted: Installed, _ device: Device, _ proof: Proof) throws -> String {
        let before = state.tried?[wanted.sha256]
        let tries = before?.by == by(device) ? before?.tries ?? 0 : 0
        state.tried = state.tried ?? [:]
        state.tried?[wanted.sha256] = Tried(by: by(device), tries: tries + 1, right: false)
        try write(state)
        let wrong: String
        do { wrong = try String(proof(bundle(wanted), wanted).prefix(500)) } catch { wrong = String("\(error)".prefix(500)) }
        state.tried?[wanted.sha256] = Tried(by: by(device), tries: wrong == "" ? 0 : UpdateClient.mostTries, right: wrong == "")
        try write(state)
        return wrong
    }

    /// Who tried a bundle; another version of the app or the system may fare better.
    private func by(_ device: Device) -> String { "\(device.app) \(device.systemVersion)" }

    private func remember(_ state: inout State, _ trust: Trust, _ index: Index, _ device: Device) {
        // withdrawn: a key brought it that is no longer listed, and the index does not name it
        func stands(_ it: Installed) -> Bool {
            trust.keys.contains { $0.id == it.key } || index.releases.contains { $0.sha256 == it.sha256 }
        }
        state.installed = state.installed.flatMap { stands($0) ? $0 : nil }
        state.previous = state.previous.flatMap { stands($0) ? $0 : nil }
        let named = index.releases.map { $0.sha256 } + [state.installed, state.previous].compactMap { $0?.sha256 }
        state.tried = state.tried?.filter { named.contains($0.key) && $0.value.by == by(device) }
        state.trust = trust
        state.index = index.data
    }

    private var stateFile: URL { folder.appendingPathComponent("state.json") }

    /// nil: it is damaged.
    private func remembered() -> State? {
        guard FileManager.default.fileExists(atPath: stateFile.path) else { return State() }
        let found = try? JSONDecoder().decode(State.self, from: Data(contentsOf: stateFile))
        return found?.trust == nil || found?.index == nil ? nil : found  // each that was written has both
    }

    private func write(_ state: State) throws {
        try JSONEncoder().encode(state).write(to: stateFile, options: .atomic)
    }

    private func download(_ wanted: Installed) async throws {
        let path = bundlePath(wanted.sha256)
        let partial = folder.appendingPathComponent("\(wanted.sha256).partial")
        defer { try? FileManager.default.removeItem(at: partial) }
        guard FileManager.default.createFile(atPath: partial.path, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
        let sink = try FileHandle(forWritingTo: partial)
        defer { try? sink.close() }
        let transfer = Transfer(within: downloadS, silence: waitS, limit: wanted.sizeBytes, path: path, sink: sink)
        guard let found = try await transfer.run(base.appendingPathComponent(path))
        else { throw ChannelRefused(code: "missing", message: "\(path): is not there") }
        guard found.bytes == wanted.sizeBytes else {
            throw ChannelRefused(code: "truncated", message: "\(path): \(found.bytes) of \(wanted.sizeBytes) bytes came")
        }
        guard found.sha256 == wanted.sha256 else {
            throw ChannelRefused(code: "bundle-differs", message: "\(path): is not the bundle that the index names")
        }
        try sink.synchronize()
        guard rename(partial.path, bundle(wanted).path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private func tidy(_ state: State) {
        let kept = Set([state.installed, state.previous].compactMap { $0?.sha256 })
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
            let sha256 = name.prefix { $0 != "." }
            if sha256.count == 64, !kept.contains(String(sha256)) || name.hasSuffix(".partial") {
                try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
            }
        }
    }

    private func read(_ path: String, _ limit: Int, _ end: Date) async throws -> Data? {
        let within = min(waitS, end.timeIntervalSinceNow)
        if within <= 0 { throw ChannelRefused(code: "unreachable", message: "\(path): this look took longer than \(lookS) s") }
        let transfer = Transfer(within: within, silence: waitS, limit: limit, path: path, sink: nil)
        return try await transfer.run(base.appendingPathComponent(path))?.data
    }
}
