// One request of the client of an update channel.
import CryptoKit
import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What came: `data` is empty where it went into a file.
struct Received {
    let data: Data
    let bytes: Int
    let sha256: String
}

/// One request, bounded in size, time and redirects. All but `run` is called by the session's one queue, so nothing is locked.
final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let within: TimeInterval
    private let silence: TimeInterval
    private let limit: Int
    private let path: String
    private let sink: FileHandle?
    private var data = Data()
    private var digest = SHA256()
    private var bytes = 0
    private var promised: Int64 = -1
    private var hops = 0
    private var there = false
    private var fault: Error?
    private var done: CheckedContinuation<Received?, Error>?

    /// - Parameters:
    ///   - within: seconds for all of it.
    ///   - silence: seconds without a byte.
    ///   - limit: most bytes.
    ///   - path: for messages.
    ///   - sink: where the bytes go; nil = they are given back.
    init(within: TimeInterval, silence: TimeInterval, limit: Int, path: String, sink: FileHandle?) {
        self.within = within
        self.silence = silence
        self.limit = limit
        self.path = path
        self.sink = sink
    }

    /// nil = there is no such file. Once an object.
    func run(_ url: URL) async throws -> Received? {
        let settings = URLSessionConfiguration.ephemeral
        settings.timeoutIntervalForRequest = silence
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.httpAdditionalHeaders = ["Accept-Encoding": "identity"]
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 1
        let session = URLSession(configuration: settings, delegate: self, delegateQueue: queue)
        let late = DispatchWorkItem {  // not timeoutIntervalForResource: Foundation on Linux does not heed it
            queue.addOperation {
                self.refuse("unreachable", "did not arrive within \(self.within) s")
                self.finish()
            }
        }
        defer {
            late.cancel()
            session.invalidateAndCancel()
        }
        return try await withCheckedThrowingContinuation { continuation in
            done = continuation
            DispatchQueue.global().asyncAfter(deadline: .now() + within, execute: late)
            session.dataTask(with: url).resume()
        }
    }

    private func refuse(_ code: String, _ why: String) {
        if fault == nil { fault = ChannelRefused(code: code, message: "\(path): \(why)") }
    }

    private func finish() {
        if let fault = fault {
            done?.resume(throwing: fault)
        } else {
            let sum = digest.finalize().map { String(format: "%02x", $0) }.joined()
            done?.resume(returning: there ? Received(data: data, bytes: bytes, sha256: sum) : nil)
        }
        done = nil
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        there = status == 200
        promised = response.expectedContentLength
        if ![200, 403, 404, 410].contains(status) {  // 403: S3 gives it for a missing file to those who may not list
            refuse("unreachable", "the server answers \(status)")
        }
        completionHandler(there ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        guard fault == nil else { return }
        bytes += data.count
        do {
            if bytes > limit { throw ChannelRefused(code: "too-large", message: "\(path): is larger than the \(limit) bytes it may have") }
            digest.update(data: data)
            if let sink = sink { try sink.write(contentsOf: data) } else { self.data += data }
        } catch {
            fault = error
            finish()  // whoever waits cancels the rest
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
            completionHandler(nil)
        } else {
            completionHandler(request)
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
        if let error = error as NSError?, there || error.code != NSURLErrorCancelled {  // what is not there is cancelled by us
            let early = there && Int64(bytes) < promised && error.code != NSURLErrorTimedOut
            refuse(early ? "truncated" : "unreachable", error.localizedDescription)
        }
        finish()
    }
}
