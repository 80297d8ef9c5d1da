// Reads the zips that edgetl publishes, strictly: entries stored or deflated, all in one folder; anything else is refused.
import Compression
import Foundation

struct BundleZip {
    private struct Entry {
        let path: String
        let deflated: Bool
        let crc: UInt32
        let packedBytes: Int
        let bytes: Int
        let header: Int
    }

    private static let mostEntries = 10_000
    private static let mostBytes = 4_000_000_000
    private let data: Data
    private var entries: [Entry] = []

    init(_ file: URL) throws {
        data = try Data(contentsOf: file, options: .alwaysMapped)
        let end = data.count - 22
        guard try number(end, 4) == 0x0605_4b50, try number(end + 4, 4) == 0, try number(end + 20, 2) == 0,
            case let count = try number(end + 10, 2), count <= BundleZip.mostEntries, try number(end + 8, 2) == count
        else { throw BundleZip.fault("is no zip, or not a whole one") }
        var place = try number(end + 16, 4)
        for _ in 0..<count {
            let (entry, next) = try listed(place)
            entries.append(entry)
            place = next
        }
        guard place == end, entries.reduce(0, { $0 + $1.bytes }) <= BundleZip.mostBytes
        else { throw BundleZip.fault("its list of files does not hold, or they are too large") }
        guard Set(entries.map { $0.path.lowercased() }).count == count else { throw BundleZip.fault("holds a file twice") }
    }

    /// Write files into a new folder.
    ///
    /// - Parameter needed: paths below the zip's one folder; those that end in a slash are folders.
    func unpack(_ needed: [String], into folder: URL) throws {
        for entry in entries {
            let path = entry.path.split(separator: "/").dropFirst().joined(separator: "/")
            guard needed.contains(where: { path == $0 || $0.hasSuffix("/") && path.hasPrefix($0) }) else { continue }
            let file = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            guard FileManager.default.createFile(atPath: file.path, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
            let sink = try FileHandle(forWritingTo: file)
            defer { try? sink.close() }
            try sink.write(contentsOf: contents(entry))
            try sink.synchronize()
        }
    }

    private static func fault(_ why: String) -> ChannelRefused { ChannelRefused(code: "malformed", message: "the bundle's zip \(why)") }

    /// A little-endian number.
    private func number(_ place: Int, _ bytes: Int) throws -> Int {
        guard place >= 0, place <= data.count - bytes else { throw BundleZip.fault("ends early") }
        return (0..<bytes).reduce(0) { $0 | Int(data[data.startIndex + place + $1]) << (8 * $1) }
    }

    private func slice(_ place: Int, _ bytes: Int) throws -> Data {
        guard place >= 0, bytes >= 0, place <= data.count - bytes else { throw BundleZip.fault("ends early") }
        return data[(data.startIndex + place)..<(data.startIndex + place + bytes)]
    }

    private func listed(_ place: Int) throws -> (Entry, Int) {
        guard try number(place, 4) == 0x0201_4b50, case let flags = try number(place + 8, 2), flags & ~0x0800 == 0,
            case let method = try number(place + 10, 2), method == 0 || method == 8, try number(place + 34, 2) == 0,
            case let nameBytes = try number(place + 28, 2), let path = String(data: try slice(place + 46, nameBytes), encoding: .utf8)
        else { throw BundleZip.fault("holds an entry of a kind that edgetl does not write") }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.allSatisfy({ !["", ".", ".."].contains($0) }),
            !path.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 || $0 == "\\" || $0 == ":" })
        else { throw BundleZip.fault("holds a path that leaves its folder") }
        let entry = Entry(
            path: path, deflated: method == 8, crc: UInt32(try number(place + 16, 4)), packedBytes: try number(place + 20, 4),
            bytes: try number(place + 24, 4), header: try number(place + 42, 4))
        guard entry.deflated || entry.packedBytes == entry.bytes else { throw BundleZip.fault("holds an entry of two sizes") }
        return (entry, place + 46 + nameBytes + (try number(place + 30, 2)) + (try number(place + 32, 2)))
    }

    private func contents(_ entry: Entry) throws -> Data {
        let nameBytes = try number(entry.header + 26, 2)
        guard try number(entry.header, 4) == 0x0403_4b50, try slice(entry.header + 30, nameBytes).elementsEqual(entry.path.utf8)
        else { throw BundleZip.fault("holds \(entry.path) under two names") }
        let packed = try slice(entry.header + 30 + nameBytes + (try number(entry.header + 28, 2)), entry.packedBytes)
        let found = entry.deflated ? inflated(packed, entry.bytes) : packed
        guard found.count == entry.bytes, crc32(found) == entry.crc else { throw BundleZip.fault("holds \(entry.path) damaged") }
        return found
    }

    /// As many bytes as the list promises, or fewer; one is asked for in addition, so that more is noticed.
    private func inflated(_ packed: Data, _ bytes: Int) -> Data {
        guard !packed.isEmpty else { return Data() }
        var out = Data(count: bytes + 1)
        let written = out.withUnsafeMutableBytes { target in
            packed.withUnsafeBytes { source in
                compression_decode_buffer(
                    target.bindMemory(to: UInt8.self).baseAddress!, bytes + 1, source.bindMemory(to: UInt8.self).baseAddress!,
                    packed.count, nil, COMPRESSION_ZLIB)  // raw DEFLATE, without zlib's head
            }
        }
        out.removeLast(bytes + 1 - written)
        return out
    }
}

private let crcTable: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xedb8_8320 ^ sum >> 1 : sum >> 1 }
}

private func crc32(_ data: Data) -> UInt32 {
    ~data.withUnsafeBytes { bytes in
        crcTable.withUnsafeBufferPointer { table in
            bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
        }
    }
}
