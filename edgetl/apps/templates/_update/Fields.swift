// What the signed files of an update channel hold, field by field.
import Foundation

func malformed(_ path: String) -> ChannelRefused {
    ChannelRefused(code: "malformed", message: "\(path): is no file of a channel that this version reads")
}

/// A JSON object whose fields are what is asked for, or it is malformed.
struct Fields {
    let values: [String: Any]
    let path: String

    init(_ data: Data, _ path: String) throws {
        guard let value = try? StrictJSON.value(data) else { throw malformed(path) }
        try self.init(value, path)
    }

    init(_ value: Any, _ path: String) throws {
        guard let values = value as? [String: Any] else { throw malformed(path) }
        self.values = values
        self.path = path
    }

    func only(_ names: Set<String>) throws {
        if Set(values.keys) != names { throw malformed(path) }
    }

    func number(_ name: String) throws -> Int {
        guard let value = values[name] as? Int, abs(value) <= 1 << 53 else { throw malformed(path) }
        return value
    }

    func flag(_ name: String) throws -> Bool {
        guard let value = values[name] as? Bool else { throw malformed(path) }
        return value
    }

    func text(_ name: String) throws -> String {
        guard let value = values[name] as? String else { throw malformed(path) }
        return value
    }

    func list(_ name: String) throws -> [Any] {
        guard let value = values[name] as? [Any] else { throw malformed(path) }
        return value
    }

    func texts(_ name: String) throws -> [String] {
        try list(name).map {
            guard let text = $0 as? String, matches(text, linePattern) else { throw malformed(path) }
            return text
        }
    }
}
