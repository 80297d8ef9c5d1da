// Compression as the zip reader calls it, by zlib. COMPRESSION_ZLIB is raw DEFLATE; a buffer that is too small is filled and its size
// given back (developer.apple.com/documentation/compression/compression_decode_buffer).
import libz

public struct compression_algorithm: RawRepresentable, Equatable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

public let COMPRESSION_ZLIB = compression_algorithm(rawValue: 0x205)

public func compression_decode_buffer(
    _ dst_buffer: UnsafeMutablePointer<UInt8>, _ dst_size: Int, _ src_buffer: UnsafePointer<UInt8>, _ src_size: Int,
    _ scratch_buffer: UnsafeMutableRawPointer?, _ algorithm: compression_algorithm
) -> Int {
    precondition(algorithm == COMPRESSION_ZLIB)
    var stream = z_stream()
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return 0 }
    defer { inflateEnd(&stream) }
    stream.next_in = UnsafeMutablePointer(mutating: src_buffer)
    stream.avail_in = UInt32(src_size)
    stream.next_out = dst_buffer
    stream.avail_out = UInt32(dst_size)
    let code = inflate(&stream, Z_FINISH)
    return code == Z_STREAM_END || code == Z_BUF_ERROR && stream.avail_out == 0 ? dst_size - Int(stream.avail_out) : 0
}
