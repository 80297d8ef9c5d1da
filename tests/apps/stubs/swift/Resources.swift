// What Swift's package manager writes beside a package's sources: where its resources are.
import Foundation

extension Bundle {
    static let module = Bundle(path: ProcessInfo.processInfo.environment["EDGETL_RESOURCES"]!)!
}
