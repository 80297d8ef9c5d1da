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
        // the model was trained on colours as they lie in files, so grey and RGB get the context's space and nothing is converted
        let grey = image.colorSpace?.model == .monochrome
        let space = grey ? CGColorSpaceCreateDeviceGray() : CGColorSpace(name: CGColorSpace.sRGB)!
        let kept = grey || image.colorSpace?.model == .rgb
        guard let plain = kept ? image.copy(colorSpace: space) : image else { throw PhotoFault(reason: "its colours cannot be read") }
        let channels = grey ? 1 : 4
        var drawing = [UInt8](repeating: 255, count: plain.width * plain.height * channels)
        let drawn: Bool = drawing.withUnsafeMutableBytes { bytes in
            guard let context = CGContext(
                data: bytes.baseAddress, width: plain.width, height: plain.height, bitsPerComponent: 8,
                bytesPerRow: plain.width * channels, space: space,
                bitmapInfo: (grey ? CGImageAlphaInfo.none : CGImageAlphaInfo.noneSkipLast).rawValue
            ) else { return false }
            let whole = CGRect(x: 0, y: 0, width: plain.width, height: plain.height)
            context.interpolationQuality = .none
            context.setFillColor(CGColor(colorSpace: space, components: grey ? [1, 1] : [1, 1, 1, 1])!)
            context.fill(whole)
            context.draw(plain, in: whole)
            return true
        }
        guard drawn else { throw PhotoFault(reason: "its colours cannot be drawn") }
        var rgba = [UInt8](repeating: 255, count: plain.width * plain.height * 4)
        for place in 0..<(plain.width * plain.height) {
            for channel in 0..<3 { rgba[4 * place + channel] = drawing[grey ? place : 4 * place + channel] }
        }
        let turn = facts[kCGImagePropertyOrientation] as? Int ?? 1
        return Pixels.upright(Picture(width: plain.width, height: plain.height, rgba: rgba), orientation: turn)
    }
}
