// Core Video as a picture is handed to Core ML with it. Signatures: developer.apple.com/documentation/corevideo. Rows are padded, as there.
import Foundation

public struct CFAllocator {}
public let kCFAllocatorDefault: CFAllocator? = nil
public typealias CFDictionary = NSDictionary
public typealias OSType = UInt32
public typealias CVReturn = Int32
public let kCVPixelFormatType_32BGRA: OSType = 0x4247_5241

public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

public final class CVPixelBuffer {
    public let width: Int
    public let height: Int
    let bytes: UnsafeMutableRawPointer
    var locked = false
    var stride: Int { (width * 4 + 63) / 64 * 64 }

    init(_ width: Int, _ height: Int) {
        self.width = width
        self.height = height
        bytes = UnsafeMutableRawPointer.allocate(byteCount: (width * 4 + 63) / 64 * 64 * height, alignment: 64)
    }

    deinit { bytes.deallocate() }

    /// For the stub of Core ML.
    public var rgb: Data {
        Data((0..<(height * width * 3)).map { place in
            let (pixel, channel) = (place / 3, place % 3)
            return bytes.load(fromByteOffset: pixel / width * stride + pixel % width * 4 + 2 - channel, as: UInt8.self)
        })
    }
}

@discardableResult
public func CVPixelBufferCreate(
    _ allocator: CFAllocator?, _ width: Int, _ height: Int, _ pixelFormatType: OSType, _ pixelBufferAttributes: CFDictionary?,
    _ pixelBufferOut: UnsafeMutablePointer<CVPixelBuffer?>
) -> CVReturn {
    pixelBufferOut.pointee = CVPixelBuffer(width, height)
    return 0
}

@discardableResult
public func CVPixelBufferLockBaseAddress(_ pixelBuffer: CVPixelBuffer, _ lockFlags: CVPixelBufferLockFlags) -> CVReturn {
    pixelBuffer.locked = true
    return 0
}

@discardableResult
public func CVPixelBufferUnlockBaseAddress(_ pixelBuffer: CVPixelBuffer, _ unlockFlags: CVPixelBufferLockFlags) -> CVReturn {
    pixelBuffer.locked = false
    return 0
}

public func CVPixelBufferGetBytesPerRow(_ pixelBuffer: CVPixelBuffer) -> Int { pixelBuffer.stride }
public func CVPixelBufferGetBaseAddress(_ pixelBuffer: CVPixelBuffer) -> UnsafeMutableRawPointer? {
    pixelBuffer.locked ? pixelBuffer.bytes : nil
}
