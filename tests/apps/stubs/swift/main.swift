// For tests, in one module with the code of an app: does what the lines of standard input say, and prints what came of each.
import Foundation

func device(_ row: ArraySlice<String>) throws -> Device {
    let row = Array(row)
    return try Device(
        app: row[0], system: row[1], systemVersion: row[2], model: row[3], id: row[4],
        formats: Set(row[5].split(separator: ",").map(String.init)))
}

func client(_ row: [String]) -> UpdateClient {
    let trust = Trust(version: 0, keys: [ListedKey(key: Data(base64Encoded: row[3])!, rotates: true)])
    let folder = URL(fileURLWithPath: row[2], isDirectory: true)
    return UpdateClient(base: URL(string: row[1])!, channel: "beta", builtIn: trust, folder: folder, waitS: 1, downloadS: 1.5)
}

func update(_ row: [String], _ proof: Proof?) async throws -> String {
    let mine = client(row)
    let outcome = try await mine.update(try device(row[5...]), nowS: Int(row[4])!, proof: proof)
    var whole = true
    if let installed = outcome.installed { whole = sha256(try Data(contentsOf: mine.bundle(installed))) == installed.sha256 }
    FileHandle.standardError.write(Data("\(outcome.message)\n".utf8))
    let (release, file) = (outcome.installed.map { "\($0.release)" } ?? "null", outcome.installed?.file ?? "null")
    return "\(outcome.status) \(outcome.code) \(outcome.indexVersion) \(release) \(file) \(whole)"
}

func choice(_ row: [String]) throws -> String {
    let trust = Trust(version: 1, keys: [ListedKey(key: Data(base64Encoded: row[2])!, rotates: true)])
    let found = choose(try index(Data(contentsOf: URL(fileURLWithPath: row[1])), "beta", trust, "index"), try device(row[3...]))
    let passed = found.passedOver.map { "\($0.number):\($0.reason)" }.joined(separator: ",")
    return "\(found.release.map { "\($0.number)" } ?? "null") \(found.file?.path ?? "null") \(passed)"
}

/// Everything that these files give, into a folder: inputs, the log, the faults, the labels, the first answers.
func replay(_ files: ModelFiles, _ out: URL) throws {
    try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
    let classifier = try Classifier(files)
    let input = classifier.contract.input
    for photo in classifier.contract.golden {
        let data = try Data(contentsOf: files.golden.appendingPathComponent(photo.file))
        let values = Input.values(try Pixels.square(Photo.decode(data), input), input)
        let bytes: Data
        switch input.dtype {
        case .float32: bytes = values.withUnsafeBytes { Data($0) }
        case .int8: bytes = Data(values.map { UInt8(bitPattern: Int8($0)) })
        case .uint8, .image: bytes = Data(values.map { UInt8($0) })
        }
        try bytes.write(to: out.appendingPathComponent("\(photo.file).input"))
        let top = try classifier.classify(data, most: 2).map { "\($0.label)\0\($0.probability)" }
        try Data(top.joined(separator: "\0").utf8).write(to: out.appendingPathComponent("\(photo.file).top"))
    }
    let (log, faults) = try SelfTest.run(files)
    try log.write(to: out.appendingPathComponent("log.json"))
    try Data(faults.joined(separator: "\n").utf8).write(to: out.appendingPathComponent("faults.txt"))
    try Data(classifier.contract.labels.joined(separator: "\0").utf8).write(to: out.appendingPathComponent("labels.bin"))
}

while let line = readLine() {
    let row = line.components(separatedBy: "\t")
    do {
        switch row[0] {
        case "place": print(place(salt: row[1], id: row[2]))
        case "choose": print(try choice(row))
        case "update":  // base, folder, key, now, then the device, then releases that are wrong on it
            let wrong = row.count > 11 ? row[11].split(separator: ",") : []
            let proof: Proof = { _, installed in wrong.contains("\(installed.release)") ? "no" : "" }
            print(try await update(row, row.count > 11 ? proof : nil))
        case "candidates": print(await client(row).candidates().map { "\($0.release)" }.joined(separator: ","))
        case "device":  // the app's version, the client's folder
            let me = try OnApple.device(app: row[1], beside: URL(fileURLWithPath: row[2]), formats: ["onnx"])
            print("\(me.app)|\(me.system)|\(me.systemVersion)|\(me.model)|\(me.id)")
        case "proved": print(try await update(row, Models.proof))
        case "open", "opened":
            let opened = try await Models.open(client(row), try device(row[5...]))
            print("\(opened.files.says)|\(opened.classifier.contract.labels.count)|\(opened.notUsed.joined(separator: "|"))")
            if row[0] == "opened" { try replay(opened.files, URL(fileURLWithPath: "\(row[2]).opened")) }
        case "replay":
            try replay(BuiltIn(), URL(fileURLWithPath: row[1]))
            print("done")
        case "contract":
            let found = try Contract.read(URL(fileURLWithPath: row[1]))
            print("taken \(found.artifact)")
        case "unpack":
            try BundleZip(URL(fileURLWithPath: row[1])).unpack(row[3...].map { $0 }, into: URL(fileURLWithPath: row[2]))
            print("unpacked")
        default: fatalError(row[0])
        }
    } catch {
        print("fault \(error)".replacingOccurrences(of: "\n", with: " "))
    }
}
