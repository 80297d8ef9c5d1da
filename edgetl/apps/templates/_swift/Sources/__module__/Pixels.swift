// Written by `edgetl ship app`. Do not edit: write it again instead.

/// A decoded picture: rows of RGBA bytes, alpha not multiplied into the colours.
public struct Picture {
    public let width: Int
    public let height: Int
    public let rgba: [UInt8]

    public init(width: Int, height: Int, rgba: [UInt8]) {
        precondition(width >= 1 && height >= 1 && rgba.count == width * height * 4)
        self.width = width
        self.height = height
        self.rgba = rgba
    }
}

/// The picture is not the shape of a photo: sides of more than 50 to 1.
public struct NotAPhoto: Error {}

/// From a decoded picture to the square of bytes that the network sees, as the model was trained: turned by EXIF, alpha over white,
/// the shorter side resized with antialiasing in Pillow's fixed-point arithmetic, the centre cut out.
public enum Pixels {
    private static let precisionBits = 22
    private static let mostOblong = 50

    /// Turn and mirror a picture as its EXIF orientation (1 to 8) says.
    public static func upright(_ picture: Picture, orientation: Int) -> Picture {
        guard (2...8).contains(orientation) else { return picture }
        let w = picture.width
        let h = picture.height
        let turned = orientation >= 5
        let width = turned ? h : w
        let height = turned ? w : h
        var out = [UInt8](repeating: 255, count: width * height * 4)
        picture.rgba.withUnsafeBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                for y in 0..<height {
                    for x in 0..<width {
                        let fromX: Int
                        let fromY: Int
                        switch orientation {
                        case 2: (fromX, fromY) = (w - 1 - x, y)
                        case 3: (fromX, fromY) = (w - 1 - x, h - 1 - y)
                        case 4: (fromX, fromY) = (x, h - 1 - y)
                        case 5: (fromX, fromY) = (y, x)
                        case 6: (fromX, fromY) = (y, h - 1 - x)
                        case 7: (fromX, fromY) = (w - 1 - y, h - 1 - x)
                        default: (fromX, fromY) = (w - 1 - y, x)
                        }
                        let from = (fromY * w + fromX) * 4
                        let to = (y * width + x) * 4
                        for channel in 0..<4 { target[to + channel] = source[from + channel] }
                    }
                }
            }
        }
        return Picture(width: width, height: height, rgba: out)
    }

    /// An upright picture to the RGB bytes of the square: `cropPx` rows of `cropPx` pixels of 3.
    public static func square(_ picture: Picture, _ input: Contract.Input) throws -> [UInt8] {
        let shorter = min(picture.width, picture.height)
        guard max(picture.width, picture.height) <= mostOblong * shorter else { throw NotAPhoto() }
        let side = input.cropPx
        let width = resized(picture.width, shorter, input.resizePx)
        let height = resized(picture.height, shorter, input.resizePx)
        let columns = filter(picture.width, width, (width - side) / 2, side, input.interpolation)
        let rows = filter(picture.height, height, (height - side) / 2, side, input.interpolation)
        let solid = overWhite(picture)
        if picture.height - height > 2 * max(0, picture.width - width) { // Pillow's order since 13.0; the other differs by a level
            let narrow = pass(solid, picture.width, 0..<picture.height, rows, alongX: false, columns.span)
            return pass(narrow, columns.span.count, columns.span, columns, alongX: true, 0..<side)
        }
        let narrow = pass(solid, picture.width, 0..<picture.width, columns, alongX: true, rows.span)
        return pass(narrow, side, rows.span, rows, alongX: false, 0..<side)
    }

    private static func resized(_ length: Int, _ shorter: Int, _ px: Int) -> Int {
        (2 * length * px + shorter) / (2 * shorter)
    }

    /// RGB bytes of a picture on white.
    private static func overWhite(_ picture: Picture) -> [UInt8] {
        var out = [UInt8](repeating: 255, count: picture.width * picture.height * 3)
        picture.rgba.withUnsafeBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                var (from, to) = (source.baseAddress!, target.baseAddress!)
                let end = from + source.count
                while from < end {
                    let alpha = Int(from[3])
                    if alpha == 255 {
                        to[0] = from[0]
                        to[1] = from[1]
                        to[2] = from[2]
                    } else {
                        for channel in 0..<3 {
                            let sum = 128 * (Int(from[channel]) * alpha + 255 * (255 - alpha) + 128)
                            to[channel] = UInt8((((sum >> 8) + sum) >> 8) >> 7)
                        }
                    }
                    from += 4
                    to += 3
                }
            }
        }
        return out
    }

    /// One pass over RGB bytes: pixels along one axis, `places` of the other. Pointers: a debug build takes a third of the time.
    ///
    /// - Parameters:
    ///   - width: of what is read, in pixels.
    ///   - have: which pixels of the picture it holds, along the filter's axis.
    private static func pass(
        _ source: [UInt8], _ width: Int, _ have: Range<Int>, _ filter: Filter, alongX: Bool, _ places: Range<Int>
    ) -> [UInt8] {
        let side = filter.starts.count
        let step = alongX ? 3 : 3 * width
        let half = 1 << (precisionBits - 1)
        var out = [UInt8](repeating: 0, count: places.count * side * 3)
        source.withUnsafeBufferPointer { source in
            out.withUnsafeMutableBufferPointer { target in
                for place in places {
                    let row = place - places.lowerBound
                    for line in 0..<side {
                        let start = filter.starts[line] - have.lowerBound
                        var from = source.baseAddress! + 3 * (alongX ? place * width + start : start * width + place)
                        let to = target.baseAddress! + 3 * (alongX ? row * side + line : line * places.count + row)
                        filter.weights[line].withUnsafeBufferPointer { weights in
                            var (red, green, blue) = (half, half, half)
                            var weight = weights.baseAddress!
                            let end = weight + weights.count
                            while weight < end {
                                red += weight[0] * Int(from[0])
                                green += weight[0] * Int(from[1])
                                blue += weight[0] * Int(from[2])
                                from += step
                                weight += 1
                            }
                            to[0] = UInt8(min(255, max(0, red >> precisionBits)))
                            to[1] = UInt8(min(255, max(0, green >> precisionBits)))
                            to[2] = UInt8(min(255, max(0, blue >> precisionBits)))
                        }
                    }
                }
            }
        }
        return out
    }

    /// Of each output pixel of one axis: its first input pixel, and the weights of that one and those behind it, times 2^22.
    private struct Filter {
        let starts: [Int]
        let weights: [[Int]]

        /// The input pixels that any of them reads.
        var span: Range<Int> { starts[0]..<(starts[starts.count - 1] + weights[weights.count - 1].count) }
    }

    private static func filter(
        _ length: Int, _ goal: Int, _ skipped: Int, _ count: Int, _ form: Contract.Input.Interpolation
    ) -> Filter {
        let scale = Double(length) / Double(goal)
        if form == .nearest {
            var centre = scale * 0.5
            for _ in 0..<skipped { centre += scale }
            var starts: [Int] = []
            for _ in 0..<count {
                starts.append(min(length - 1, Int(centre)))
                centre += scale
            }
            return Filter(starts: starts, weights: Array(repeating: [1 << precisionBits], count: count))
        }
        let stretch = max(scale, 1.0)
        let support = (form == .bicubic ? 2.0 : 1.0) * stretch
        var starts: [Int] = []
        var weights: [[Int]] = []
        for place in 0..<count {
            let centre = (Double(place + skipped) + 0.5) * scale
            let start = max(0, Int(centre - support + 0.5))
            let end = min(length, Int(centre + support + 0.5))
            let real = (start..<end).map { kernel((Double($0) - centre + 0.5) * (1.0 / stretch), form) }
            let sum = real.reduce(0.0, +)
            starts.append(start)
            weights.append(real.map { value in
                let whole = (sum != 0 ? value / sum : value) * Double(1 << precisionBits)
                return Int(whole < 0 ? whole - 0.5 : whole + 0.5)
            })
        }
        return Filter(starts: starts, weights: weights)
    }

    private static func kernel(_ distance: Double, _ form: Contract.Input.Interpolation) -> Double {
        let x = abs(distance)
        if form == .bilinear { return x < 1 ? 1 - x : 0 }
        let a = -0.5
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
}
