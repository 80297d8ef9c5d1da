// Written by `edgetl ship app`. Do not edit: write it again instead.
import CoreGraphics
import Foundation
import ImageIO

/// A photo that cannot be read.
public struct PhotoFault: Error {
    public let reason: String
}

/// Photos on Apple's systems.
public enum Photo {
    private static let mostPixels = 100_000_000

    /// Decode a photo: its first frame, upright, transparent pixels over white, its colours as they lie in the file.
    public static func decode(_ data: Data) throws -> Picture {
        guard let source = CGImageSourceCreateWithData(data as CFData, nil),
              let facts = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
              let width = facts[kCGImagePropertyPixelWidth] as? Int,
              let height = facts[kCGImagePropertyPixelHeight] as? Int
        else { throw PhotoFault(reason: "not a photo that this system can read") }
        guard width * height <= mostPixels else { throw PhotoFault(reason: "more pixels than are decoded") }
        guard let image = CGImageSourceCreateImageAtIndex(source, 0, [kCGImageSourceShouldCache: false] as CFDictionary)
        else { throw PhotoFault(reason: "a damaged photo") }
        // drawn in its own colour space nothing is converted; the model was trained on colours as they lie in files
        let own = image.colorSpace.flatMap { $0.model == .rgb ? $0 : nil }
        let space = own ?? CGColorSpace(name: CGColorSpace.sRGB)!
        var rgba = [UInt8](repeating: 255, count: image.width * image.height * 4)
        let drawn: Bool = rgba.withUnsafeMutableBytes { bytes in
            guard let context = CGContext(
                data: bytes.baseAddress, width: image.width, height: image.height, bitsPerComponent: 8,
                bytesPerRow: image.width * 4, space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue
            ) else { return false }
            let whole = CGRect(x: 0, y: 0, width: image.width, height: image.height)
            context.interpolationQuality = .none
            context.setFillColor(CGColor(colorSpace: space, components: [1, 1, 1, 1])!)
            context.fill(whole)
            context.draw(image, in: whole)
            return true
        }
        guard drawn else { throw PhotoFault(reason: "its colours cannot be drawn") }
        for place in stride(from: 3, to: rgba.count, by: 4) { rgba[place] = 255 }
        let turn = facts[kCGImagePropertyOrientation] as? Int ?? 1
        return Pixels.upright(Picture(width: image.width, height: image.height, rgba: rgba), orientation: turn)
    }
}
