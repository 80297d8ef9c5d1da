// ImageIO as photos are decoded with it. It decodes nothing: pixels lie in $EDGETL_PIXELS/<sha256 of the photo>.raw, as Pillow decoded them:
// width, height, orientation, 1 where grey (four little-endian 32-bit numbers), then RGBA. Signatures: developer.apple.com/documentation/imageio.
@_exported import CoreGraphics
import CryptoKit

public final class CGImageSource {
    let numbers: [Int]
    let rgba: [UInt8]

    init?(_ photo: Data) {
        let name = SHA256.hash(data: photo).map { String(format: "%02x", $0) }.joined()
        let folder = ProcessInfo.processInfo.environment["EDGETL_PIXELS"]!
        guard let raw = FileManager.default.contents(atPath: "\(folder)/\(name).raw") else { return nil }
        numbers = (0..<4).map { word in (0..<4).reduce(0) { $0 | Int(raw[4 * word + $1]) << (8 * $1) } }
        rgba = Array(raw[16...])
    }
}

nonisolated(unsafe) public let kCGImagePropertyPixelWidth: CFString = "PixelWidth"
nonisolated(unsafe) public let kCGImagePropertyPixelHeight: CFString = "PixelHeight"
nonisolated(unsafe) public let kCGImagePropertyOrientation: CFString = "Orientation"
nonisolated(unsafe) public let kCGImageSourceShouldCache: CFString = "kCGImageSourceShouldCache"

public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? {
    CGImageSource(Data(referencing: data))
}

public func CGImageSourceCopyPropertiesAtIndex(_ isrc: CGImageSource, _ index: Int, _ options: CFDictionary?) -> CFDictionary? {
    [
        kCGImagePropertyPixelWidth: NSNumber(value: isrc.numbers[0]), kCGImagePropertyPixelHeight: NSNumber(value: isrc.numbers[1]),
        kCGImagePropertyOrientation: NSNumber(value: isrc.numbers[2]),
    ] as NSDictionary
}

public func CGImageSourceCreateImageAtIndex(_ isrc: CGImageSource, _ index: Int, _ options: CFDictionary?) -> CGImage? {
    CGImage(stubOf: isrc.rgba, width: isrc.numbers[0], height: isrc.numbers[1], grey: isrc.numbers[3] == 1)
}
