// Core Graphics as photos are decoded with it: an image of bytes that is drawn, unscaled, over what is there.
// Signatures: developer.apple.com/documentation/coregraphics. Assumed: drawing blends as Pillow does.
@_exported import Foundation

public enum CGColorSpaceModel: Int32, Sendable { case unknown = -1, monochrome, rgb, cmyk }

public final class CGColorSpace: @unchecked Sendable {
    public static let sRGB: CFString = "kCGColorSpaceSRGB"
    public let model: CGColorSpaceModel
    init(model: CGColorSpaceModel) { self.model = model }
    public init?(name: CFString) { model = .rgb }
}

public func CGColorSpaceCreateDeviceGray() -> CGColorSpace { CGColorSpace(model: .monochrome) }

public typealias CFString = NSString
public typealias CFData = NSData
public typealias CFDictionary = NSDictionary

public final class CGImage {
    public let width: Int
    public let height: Int
    public let colorSpace: CGColorSpace?
    let rgba: [UInt8]

    public init(stubOf rgba: [UInt8], width: Int, height: Int, grey: Bool) {
        self.rgba = rgba
        self.width = width
        self.height = height
        colorSpace = CGColorSpace(model: grey ? .monochrome : .rgb)
    }

    public func copy(colorSpace: CGColorSpace) -> CGImage? { colorSpace.model == self.colorSpace?.model ? self : nil }
}

public enum CGImageAlphaInfo: UInt32, Sendable {
    case none, premultipliedLast, premultipliedFirst, last, first, noneSkipLast, noneSkipFirst, alphaOnly
}

public enum CGInterpolationQuality: Int32, Sendable { case `default`, none, low, medium, high }

public final class CGColor {
    let components: [CGFloat]
    public init?(colorSpace space: CGColorSpace, components: UnsafePointer<CGFloat>) {
        self.components = (0..<(space.model == .monochrome ? 2 : 4)).map { components[$0] }
    }
}

public final class CGContext {
    public var interpolationQuality = CGInterpolationQuality.default
    private let bytes: UnsafeMutablePointer<UInt8>
    private let channels: Int
    private let width: Int
    private let height: Int
    private var fillColor: CGColor?

    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int, space: CGColorSpace,
        bitmapInfo: UInt32
    ) {
        let grey = space.model == .monochrome
        let wanted: CGImageAlphaInfo = grey ? .none : .noneSkipLast
        guard let data, bitsPerComponent == 8, bitmapInfo == wanted.rawValue, bytesPerRow == width * (grey ? 1 : 4) else { return nil }
        bytes = data.assumingMemoryBound(to: UInt8.self)
        channels = grey ? 1 : 4
        self.width = width
        self.height = height
    }

    public func setFillColor(_ color: CGColor) { fillColor = color }

    public func fill(_ rect: CGRect) {
        precondition(rect == CGRect(x: 0, y: 0, width: width, height: height))
        for place in 0..<(width * height * channels) {
            bytes[place] = UInt8((fillColor!.components[place % channels] * 255).rounded())
        }
    }

    public func draw(_ image: CGImage, in rect: CGRect, byTiling: Bool = false) {
        precondition(rect == CGRect(x: 0, y: 0, width: width, height: height) && image.width == width && image.height == height)
        for place in 0..<(width * height) {
            let alpha = Int(image.rgba[4 * place + 3])
            for channel in 0..<min(3, channels) {
                let sum = Int(image.rgba[4 * place + channel]) * alpha + Int(bytes[place * channels + channel]) * (255 - alpha)
                let wide = 128 * (sum + 128)
                bytes[place * channels + channel] = UInt8(((wide >> 8) + wide) >> 15)
            }
        }
    }
}
