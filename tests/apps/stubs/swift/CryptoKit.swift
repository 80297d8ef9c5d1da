// CryptoKit as the update client calls it: SHA256 and Ed25519, by libcrypto. Signatures: developer.apple.com/documentation/cryptokit.
import Foundation
import libcrypto

public struct SHA256Digest: Sequence, Equatable {
    let bytes: [UInt8]
    public func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}

public struct SHA256 {
    private final class Context {
        let pointer = EVP_MD_CTX_new()!
        deinit { EVP_MD_CTX_free(pointer) }
    }

    private var context = Context()

    public init() { EVP_DigestInit_ex(context.pointer, EVP_sha256(), nil) }

    public mutating func update<D: DataProtocol>(data: D) {
        let bytes = Array(data)
        EVP_DigestUpdate(context.pointer, bytes, bytes.count)
    }

    public func finalize() -> SHA256Digest {  // a copy is finished, as a value's would be
        let copy = Context()
        EVP_MD_CTX_copy_ex(copy.pointer, context.pointer)
        var out = [UInt8](repeating: 0, count: 32)
        EVP_DigestFinal_ex(copy.pointer, &out, nil)
        return SHA256Digest(bytes: out)
    }

    public static func hash<D: DataProtocol>(data: D) -> SHA256Digest {
        var sum = SHA256()
        sum.update(data: data)
        return sum.finalize()
    }
}

public enum CryptoKitError: Error { case incorrectKeySize }

public enum Curve25519 {
    public enum Signing {
        public struct PublicKey {
            private let raw: [UInt8]

            public init<D: ContiguousBytes>(rawRepresentation: D) throws {
                raw = rawRepresentation.withUnsafeBytes { Array($0) }
                if raw.count != 32 { throw CryptoKitError.incorrectKeySize }
            }

            public func isValidSignature<S: DataProtocol, D: DataProtocol>(_ signature: S, for data: D) -> Bool {
                guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, raw, raw.count) else { return false }
                defer { EVP_PKEY_free(key) }
                let context = EVP_MD_CTX_new()
                defer { EVP_MD_CTX_free(context) }
                guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
                let (sealed, text) = (Array(signature), Array(data))
                return EVP_DigestVerify(context, sealed, sealed.count, text, text.count) == 1
            }
        }
    }
}
