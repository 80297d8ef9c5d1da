// The client of an update channel of edgetl: look, decide, install. It keeps its state in one folder.
//
//     let client = UpdateClient(base: URL(string: "https://models.example.com")!, channel: "stable", builtIn: trust, folder: folder)
//     let outcome = try await client.update(device, nowS: Int(Date().timeIntervalSince1970))
//
// What is installed is a zip. Foundation has no reader of zips: unpack it with one of yours (ZIPFoundation, say)
// into a folder beside it; its bytes are what the publisher signed.
import CryptoKit
import Foundation

public struct Installed: Codable, Equatable {
    public let release: Int
    public let version: String
    public let sha256: String
    public let sizeBytes: Int
    public let file: String
}

/// `status`: installed, unchanged, or kept (something was refused, or nothing is offered: what was installed stays).
public struct Outcome {
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
    private let files = FileManager.default

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

    /// A refusal is an outcome; what is thrown means that the folder itself cannot be read or written.
    public func update(_ device: Device, nowS: Int) throws -> Outcome {
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        var state = try self.state()
        var trust = builtIn
        if let kept = state.trust, kept.version >= builtIn.version { trust = kept }
        var held = state.index.flatMap { try? index($0, channel, trust, "state") }
        do {
            let (newTrust, newest) = try latest({ try self.read($0, $1) }, channel, trust, held, nowS: nowS)
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
            if !whole(wanted) { try download(wanted) }
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
        guard files.fileExists(atPath: stateFile.path) else { return State() }
        return try JSONDecoder().decode(State.self, from: Data(contentsOf: stateFile))
    }

    private func write(_ state: State) throws {
        try JSONEncoder().encode(state).write(to: stateFile, options: .atomic)
    }

    private func whole(_ wanted: Installed) -> Bool {
        (try? files.attributesOfItem(atPath: bundle(wanted).path)[.size] as? Int) == wanted.sizeBytes
    }

    private func download(_ wanted: Installed) throws {
        let path = bundlePath(wanted.sha256)
        let partial = folder.appendingPathComponent("\(wanted.sha256).partial")
        defer { try? files.removeItem(at: partial) }
        guard files.createFile(atPath: partial.path, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
        let sink = try FileHandle(forWritingTo: partial)
        defer { try? sink.close() }
        var digest = SHA256()
        var bytes = 0
        let there = try Transfer(within: downloadS, silence: waitS, limit: wanted.sizeBytes, path: path) { chunk in
            digest.update(data: chunk)
            bytes += chunk.count
            try sink.write(contentsOf: chunk)
        }.run(base.appendingPathComponent(path))
        guard there else { throw ChannelRefused(code: "missing", message: "\(path): is not there") }
        guard bytes == wanted.sizeBytes else {
            throw ChannelRefused(code: "truncated", message: "\(path): \(bytes) of \(wanted.sizeBytes) bytes came")
        }
        guard digest.finalize().map({ String(format: "%02x", $0) }).joined() == wanted.sha256 else {
            throw ChannelRefused(code: "bundle-differs", message: "\(path): is not the bundle that the index names")
        }
        try sink.synchronize()
        guard rename(partial.path, bundle(wanted).path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private func tidy(_ state: State) {
        let kept = Set([state.installed, state.previous].compactMap { $0 }.map { bundle($0).lastPathComponent })
        for name in (try? files.contentsOfDirectory(atPath: folder.path)) ?? [] {
            if name.hasSuffix(".zip") || name.hasSuffix(".partial"), !kept.contains(name) {
                try? files.removeItem(at: folder.appendingPathComponent(name))
            }
        }
    }

    private func read(_ path: String, _ limit: Int) throws -> Data? {
        var found = Data()
        let there = try Transfer(within: waitS, silence: waitS, limit: limit, path: path) { found.append($0) }
            .run(base.appendingPathComponent(path))
        return there ? found : nil
    }
}

/// One request, bounded in size, time and redirects. It blocks its thread: an actor's, never the main one.
private final class Transfer: NSObject, URLSessionDataDelegate {
    private let within: TimeInterval
    private let silence: TimeInterval
    private let limit: Int
    private let path: String
    private let take: (Data) throws -> Void
    private let done = DispatchSemaphore(value: 0)
    private var bytes = 0
    private var hops = 0
    private var there = false
    private var fault: Error?

    init(within: TimeInterval, silence: TimeInterval, limit: Int, path: String, take: @escaping (Data) throws -> Void) {
        self.within = within
        self.silence = silence
        self.limit = limit
        self.path = path
        self.take = take
    }

    /// Whether there is such a file.
    func run(_ url: URL) throws -> Bool {
        let settings = URLSessionConfiguration.ephemeral
        settings.timeoutIntervalForRequest = silence
        settings.timeoutIntervalForResource = within
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.httpAdditionalHeaders = ["Accept-Encoding": "identity"]
        let session = URLSession(configuration: settings, delegate: self, delegateQueue: nil)
        defer { session.invalidateAndCancel() }
        session.dataTask(with: url).resume()
        done.wait()
        if let fault = fault { throw fault }
        return there
    }

    private func refuse(_ code: String, _ why: String) {
        if fault == nil { fault = ChannelRefused(code: code, message: "\(path): \(why)") }
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        there = status == 200
        if ![200, 403, 404, 410].contains(status) {  // 403: S3 gives it for a missing file to those who may not list
            refuse("unreachable", "the server answers \(status)")
        }
        completionHandler(there ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        bytes += data.count
        do {
            if bytes > limit { throw ChannelRefused(code: "too-large", message: "\(path): is larger than the \(limit) bytes it may have") }
            try take(data)
        } catch {
            fault = fault ?? error
            dataTask.cancel()
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        hops += 1
        let (before, after) = (response.url?.scheme ?? "", request.url?.scheme ?? "")
        let weaker = !["http", "https"].contains(after) || (before == "https" && after == "http")
        if weaker || hops > 3 {
            refuse("unreachable", weaker ? "redirects to \(after); not followed" : "redirects too often")
            task.cancel()
            completionHandler(nil)
        } else {
            completionHandler(request)
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
        if let error = error, fault == nil, there {
            let lost = (error as? URLError)?.code == .networkConnectionLost
            refuse(lost ? "truncated" : "unreachable", error.localizedDescription)
        } else if let error = error as? URLError, fault == nil, error.code != .cancelled {
            refuse("unreachable", error.localizedDescription)
        }
        done.signal()
    }
}
