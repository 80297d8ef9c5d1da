// XCTest as the golden photos' test calls it. Signatures: developer.apple.com/documentation/xctest.
@_exported import Foundation

open class XCTAttachment: NSObject {
    public enum Lifetime: Int { case keepAlways, deleteOnSuccess }
    open var name: String?
    open var lifetime = Lifetime.deleteOnSuccess
    public init(data payload: Data, uniformTypeIdentifier identifier: String) {}
}

open class XCTestCase: NSObject {
    open func add(_ attachment: XCTAttachment) {}
}

public func XCTAssertEqual<T: Equatable>(_ expression1: @autoclosure () throws -> T, _ expression2: @autoclosure () throws -> T) {}
