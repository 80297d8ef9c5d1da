// JSON as an update channel writes it: objects, lists, texts, whole numbers, true, false and null. Strict, unlike JSONSerialization, which
// takes a key that stands twice: what one client reads, all read.

/// What is wrong with a text that is no such JSON.
struct NoJSON: Error {}

/// Values are [String: Any], [Any], String, Int, Bool and NoValue.
struct StrictJSON {
    struct NoValue {}

    private static let deepest = 20
    private static let mostDigits = 18
    private let bytes: [UInt8]
    private var at = 0

    static func value<Bytes: Sequence>(_ bytes: Bytes) throws -> Any where Bytes.Element == UInt8 {
        var reader = StrictJSON(Array(bytes))
        let found = try reader.value(0)
        reader.space()
        guard reader.at == reader.bytes.count else { throw NoJSON() }
        return found
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func space() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { at += 1 }
    }

    private mutating func took(_ letter: Unicode.Scalar) -> Bool {
        space()
        guard next == UInt8(ascii: letter) else { return false }
        at += 1
        return true
    }

    private mutating func take(_ letter: Unicode.Scalar) throws {
        guard took(letter) else { throw NoJSON() }
    }

    private mutating func value(_ depth: Int) throws -> Any {
        guard depth < StrictJSON.deepest else { throw NoJSON() }
        space()
        switch next {
        case UInt8(ascii: "{"): return try members(depth)
        case UInt8(ascii: "["): return try items(depth)
        case UInt8(ascii: "\""): return try text()
        default: return try word()
        }
    }

    private mutating func members(_ depth: Int) throws -> [String: Any] {
        var found: [String: Any] = [:]
        try take("{")
        if took("}") { return found }
        repeat {
            space()
            let name = try text()
            try take(":")
            guard found.updateValue(try value(depth + 1), forKey: name) == nil else { throw NoJSON() }
        } while took(",")
        try take("}")
        return found
    }

    private mutating func items(_ depth: Int) throws -> [Any] {
        var found: [Any] = []
        try take("[")
        if took("]") { return found }
        repeat { found.append(try value(depth + 1)) } while took(",")
        try take("]")
        return found
    }

    private mutating func word() throws -> Any {
        let start = at
        while let byte = next, !" \t\r\n,]}".utf8.contains(byte) { at += 1 }
        let word = String(decoding: bytes[start..<at], as: UTF8.self)
        switch word {
        case "true": return true
        case "false": return false
        case "null": return NoValue()
        default:
            let digits = word.utf8.drop { $0 == UInt8(ascii: "-") }
            guard word.utf8.count - digits.count <= 1, (1...StrictJSON.mostDigits).contains(digits.count),
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                digits.first != UInt8(ascii: "0") || digits.count == 1, let number = Int(word)
            else { throw NoJSON() }
            return number
        }
    }

    private mutating func text() throws -> String {
        guard next == UInt8(ascii: "\"") else { throw NoJSON() }
        at += 1
        var units: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let found = StrictJSON.utf8(units) else { throw NoJSON() }
                return found
            case 0..<0x20: throw NoJSON()
            case UInt8(ascii: "\\"): try units.append(contentsOf: String(escaped()).utf8)
            default: units.append(byte)
            }
        }
        throw NoJSON()
    }

    private mutating func escaped() throws -> Character {
        guard let letter = next else { throw NoJSON() }
        at += 1
        let plain: [UInt8: Character] = [
            UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
            UInt8(ascii: "f"): "\u{c}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
        ]
        if let found = plain[letter] { return found }
        guard letter == UInt8(ascii: "u") else { throw NoJSON() }
        let first = try unit()
        var scalar = first
        if (0xd800..<0xdc00).contains(first) {  // half of a pair
            guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else { throw NoJSON() }
            at += 2
            let second = try unit()
            guard (0xdc00..<0xe000).contains(second) else { throw NoJSON() }
            scalar = 0x1_0000 + (first - 0xd800) << 10 + (second - 0xdc00)
        }
        guard let found = Unicode.Scalar(scalar) else { throw NoJSON() }
        return Character(found)
    }

    private mutating func unit() throws -> UInt32 {
        guard at + 4 <= bytes.count, bytes[at] != UInt8(ascii: "+"), bytes[at] != UInt8(ascii: "-"),
            let found = UInt32(String(decoding: bytes[at..<(at + 4)], as: UTF8.self), radix: 16)
        else { throw NoJSON() }
        at += 4
        return found
    }

    private static func utf8(_ units: [UInt8]) -> String? {
        let found = String(decoding: units, as: UTF8.self)
        return found.utf8.elementsEqual(units) ? found : nil  // decoding repairs what is malformed
    }
}
