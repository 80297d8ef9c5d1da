// The client of an update channel of edgetl: look, decide, install. It keeps its state in one folder.
//
//     let client = UpdateClient(base: URL(string: "https://models.example.com")!, channel: "stable", builtIn: trust, folder: folder)
//     let outcome = try await client.update(device, nowS: Int(Date().timeIntervalSince1970))
//     let files = try await outcome.installed.map { try await client.files($0) }  // its model, contract and golden photos
import Foundation

public struct Installed: Codable, Equatable, Sendable {
    public let release: Int
    public let version: String
    public let sha256: String
    public let sizeBytes: Int
    public let file: String
}

/// `status`: installed, unchanged, or kept (something was refused, or nothing is offered: what was installed stays).
public struct Outcome: Sendable {
    public let status: String
    public let code: String
    public let message: String
    public let installed: Installed?
    public let indexVersion: Int
}

public actor UpdateClient {
    private struct State: Codable {
        var trust: Trust?
        var index: Data?
        var installed: Installed?
        var previous: Installed?
    }

    private let base: URL
    private let channel: String
    private let builtIn: Trust
    private let folder: URL
    private let waitS: TimeInterval
    private let downloadS: TimeInterval
    private var running: Task<Outcome, Error>?

    public init(base: URL, channel: String, builtIn: Trust, folder: URL, waitS: TimeInterval = 20, downloadS: TimeInterval = 900) {
        self.base = base
        self.channel = channel
        self.builtIn = builtIn
        self.folder = folder
        self.waitS = waitS
        self.downloadS = downloadS
    }

    public func bundle(_ installed: Installed) -> URL { folder.appendingPathComponent("\(installed.sha256).zip") }

    public func installed() throws -> Installed? { try state().installed }

    /// What is installed, then what it replaced: not, though, after a rollback, since the publisher took that back.
    public func kept() throws -> [Installed] {
        let state = try self.state()
        guard let installed = state.installed else { return [] }
        guard let previous = state.previous, previous.release < installed.release else { return [installed] }
        return [installed, previous]
    }

    /// Unpack what an app needs of an installed bundle, once.
    public func files(_ installed: Installed) throws -> InBundle {
        let whole = folder.appendingPathComponent(installed.sha256, isDirectory: true)
        if !FileManager.default.fileExists(atPath: whole.path) {
            let partial = folder.appendingPathComponent("\(installed.sha256).partial", isDirectory: true)
            defer { try? FileManager.default.removeItem(at: partial) }
            try? FileManager.default.removeItem(at: partial)
            try BundleZip(bundle(installed)).unpack(InBundle.needed(installed.file), into: partial)
            guard rename(partial.path, whole.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        }
        return InBundle(folder: whole, file: installed.file, name: "release \(installed.release) (\(installed.version))")
    }

    /// A refusal is an outcome; what is thrown means that the folder itself cannot be read or written.
    /// A call while another runs gets what that one gets.
    public func update(_ device: Device, nowS: Int) async throws -> Outcome {
        if let running = running { return try await running.value }
        let mine = Task { try await self.updated(device, nowS) }
        running = mine
        defer { running = nil }
        return try await mine.value
    }

    private func updated(_ device: Device, _ nowS: Int) async throws -> Outcome {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var state = try self.state()
        var trust = builtIn
        if let kept = state.trust, kept.version >= builtIn.version { trust = kept }
        var held = state.index.flatMap { try? index($0, channel, trust, "state") }
        do {
            let (newTrust, newest) = try await latest({ try await self.read($0, $1) }, channel, trust, held, nowS: nowS)
            held = newest
            state.trust = newTrust
            state.index = newest.data
            try write(state)
            let choice = choose(newest, device)
            guard let release = choice.release, let file = choice.file else {
                let reasons = choice.passedOver.map { "release \($0.number): \($0.reason)" }.joined(separator: ", ")
                let message = "nothing is offered to this device (\(reasons))"
                return Outcome(
                    status: "kept", code: "not-offered", message: message, installed: state.installed, indexVersion: newest.version)
            }
            let wanted = Installed(
                release: release.number, version: release.version, sha256: release.sha256, sizeBytes: release.sizeBytes,
                file: file.path)
            if state.installed == wanted, whole(wanted) {
                return Outcome(status: "unchanged", code: "", message: "", installed: wanted, indexVersion: newest.version)
            }
            if !whole(wanted) { try await download(wanted) }
            if let before = state.installed, before.sha256 != wanted.sha256 { state.previous = before }
            state.installed = wanted
            try write(state)
            tidy(state)
            return Outcome(status: "installed", code: "", message: "", installed: wanted, indexVersion: newest.version)
        } catch let refused as ChannelRefused {
            return Outcome(
                status: "kept", code: refused.code, message: refused.message, installed: state.installed,
                indexVersion: held?.version ?? 0)
        }
    }

    private var stateFile: URL { folder.appendingPathComponent("state.json") }

    private func state() throws -> State {
        guard FileManager.default.fileExists(atPath: stateFile.path) else { return State() }
        return try JSONDecoder().decode(State.self, from: Data(contentsOf: stateFile))
    }

    private func write(_ state: State) throws {
        try JSONEncoder().encode(state).write(to: stateFile, options: .atomic)
    }

    private func whole(_ wanted: Installed) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: bundle(wanted).path)[.size] as? Int) == wanted.sizeBytes
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
        let kept = Set([state.installed, state.previous].compactMap { $0 }.flatMap { ["\($0.sha256).zip", $0.sha256] } + ["state.json"])
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] where !kept.contains(name) {
            try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        }
    }

    private func read(_ path: String, _ limit: Int) async throws -> Data? {
        let transfer = Transfer(within: waitS, silence: waitS, limit: limit, path: path, sink: nil)
        return try await transfer.run(base.appendingPathComponent(path))?.data
    }
}
