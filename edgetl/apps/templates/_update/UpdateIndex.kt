// What an update channel of edgetl serves, and which release this device gets. Decides as edgetl/channel does in Python.
package edgetl.update

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.MessageDigest
import java.security.Signature
import java.security.spec.X509EncodedKeySpec

/** Something that was served is not taken; what is installed stays. `code` is one word, the same in every client. */
class ChannelRefused(val code: String, message: String) : Exception(message)

/** Key (32 bytes), message, signature (64 bytes) → whether it holds. */
typealias Verifier = (ByteArray, ByteArray, ByteArray) -> Boolean

/**
 * Ed25519 of the platform: Java 15, Android 13 (API 33). Below Android 13 give another `Verifier`: Tink's
 * `com.google.crypto.tink.subtle.Ed25519Verify(key).verify(signature, message)`, or Bouncy Castle's `Ed25519Signer`.
 */
val platformEd25519: Verifier = { key, message, signature ->
    try {
        val public = KeyFactory.getInstance("Ed25519").generatePublic(X509EncodedKeySpec(ED25519 + key))
        val check = Signature.getInstance("Ed25519")
        check.initVerify(public)
        check.update(message)
        check.verify(signature)
    } catch (error: java.security.NoSuchAlgorithmException) {
        throw IllegalStateException("this system has no Ed25519; give UpdateClient another Verifier", error)
    } catch (error: GeneralSecurityException) {
        false
    }
}

private val ED25519 = byteArrayOf(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00) // RFC 8410

/** The key of a `.pub` file: the line between BEGIN and END → 32 bytes. */
fun publicKey(line: String): ByteArray {
    val data = base64(line)
    require(data.size == 44 && data.copyOf(12).contentEquals(ED25519)) { "no Ed25519 key of a .pub file" }
    return data.copyOfRange(12, 44)
}

const val MAX_SIGNED_BYTES = 1_000_000
private const val MAX_LISTS = 100
private const val MAX_STEPS = 1000
private const val WHOLE = 10_000L
private const val MAX_BUNDLE_BYTES = 4_000_000_000L
private val WORD = Regex("-?(0|[1-9][0-9]{0,17})|true|false|null")
private val REAL = Regex("-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?|true|false|null")
private val NAME = Regex("[a-z0-9][a-z0-9._-]{0,63}")
private val VERSION = Regex("[0-9]{1,9}(\\.[0-9]{1,9}){0,3}")
private val LEADING = Regex("^[0-9]{1,9}(\\.[0-9]{1,9}){0,3}(?![0-9])")
private val HEX = Regex("[0-9a-f]{64}")
private const val LETTER = "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]"
private val LINE = Regex("$LETTER{1,200}")
private val TEXT = Regex("$LETTER{0,512}")
private val PATH = Regex("(?s)(?!.*(?:^|/)\\.{0,2}(?:/|\$))(?:(?![\\\\:])$LETTER){1,300}")

class ListedKey(val public: ByteArray, val rotates: Boolean) {
    val id: String get() = sha256(public).substring(0, 16)
}

/** Keys that are trusted: version 0 is a key the app was built with, from before any list. */
class Trust(val version: Long, val keys: List<ListedKey>, val sha256: String = "")

class ModelFile(val path: String, val format: String, val sizeBytes: Long, val devices: List<String>)

class Release(
    val number: Long, val version: String, val title: String, val sha256: String, val sizeBytes: Long, val rollout: Long,
    val salt: String, val minApp: String, val systems: List<Pair<String, String>>, val devices: List<String>, val files: List<ModelFile>
)

/** `digest`: of the signed text. Two files are the same when it is: anybody can write what lies around the text in another way. */
class Index(
    val version: Long, val previous: String, val keys: Long, val createdS: Long, val expiresS: Long, val releases: List<Release>,
    val data: ByteArray, val keyId: String, val digest: String
)

/**
 * What this device says of itself; nothing of it is sent. `id` is drawn at random once and kept. Versions are as they are named: the one
 * to four numbers that they begin with count, of `2.1-beta` 2.1. One that begins with none is refused: IllegalArgumentException.
 */
class Device(
    val app: String, val system: String, val systemVersion: String, val model: String, val id: String, val formats: Set<String>
) {
    init {
        for (version in listOf(app, systemVersion)) {
            require(LINE.matches(version) && LEADING.find(version) != null) { "the version '$version' does not begin with a number like 2.1" }
        }
        require(NAME.matches(system) && LINE.matches(id)) { "the system is a short name, the id one line" }
    }
}

/** `passedOver`: numbers of newer releases, and why not: app, system, device, rollout, format or refused. */
class Choice(val release: Release?, val file: ModelFile?, val passedOver: List<Pair<Long, String>>)

fun sha256(data: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(data))

internal fun hex(data: ByteArray): String = data.joinToString("") { "%02x".format(it.toInt() and 0xff) }

/** 0 to 2^32 - 1: the first four bytes, big-endian, of sha256(salt, a line end, id) in UTF-8. */
fun place(salt: String, id: String): Long {
    val digest = MessageDigest.getInstance("SHA-256").digest("$salt\n$id".toByteArray(Charsets.UTF_8))
    return ByteBuffer.wrap(digest).int.toLong() and 0xffffffffL
}

/** `refused`: sha256 of bundles that did not come out right on this very phone. */
fun choose(index: Index, device: Device, refused: Set<String> = emptySet()): Choice {
    val passed = ArrayList<Pair<Long, String>>()
    for (release in index.releases) {
        val file = release.files.firstOrNull { it.format in device.formats && names(it.devices, device.model) }
        val reason = refuses(release, device) ?: (if (file == null) "format" else if (release.sha256 in refused) "refused" else null)
        if (reason == null) return Choice(release, file, passed)
        passed.add(Pair(release.number, reason))
    }
    return Choice(null, null, passed)
}

private fun refuses(release: Release, device: Device): String? {
    if (release.minApp != "" && below(device.app, release.minApp)) return "app"
    if (release.systems.isNotEmpty()) {
        val least = release.systems.firstOrNull { it.first == device.system }
        if (least == null || below(device.systemVersion, least.second)) return "system"
    }
    if (!names(release.devices, device.model)) return "device"
    return if (place(release.salt, device.id) * WHOLE < (release.rollout shl 32)) null else "rollout"
}

private fun names(devices: List<String>, model: String): Boolean =
    devices.isEmpty() || devices.any { if (it.endsWith("*")) model.startsWith(it.dropLast(1)) else model == it }

private fun below(version: String, least: String): Boolean {
    val ours = LEADING.find(version)!!.value.split(".").map { it.toInt() } + listOf(0, 0, 0)
    val theirs = least.split(".").map { it.toInt() } + listOf(0, 0, 0)
    for (place in 0..3) if (ours[place] != theirs[place]) return ours[place] < theirs[place]
    return false
}

/** What is known of a channel, kept from one time to the next. */
class Known(val trust: Trust, val held: Index?)

/** Path and most bytes → what lies there; null = nothing. */
typealias Read = (String, Int) -> ByteArray?

fun indexPath(channel: String, version: Long) = "$channel/index/$version.json"

fun bundlePath(sha256: String) = "bundles/$sha256.zip"

class Reader(private val verifier: Verifier) {
    /** Finds the newest index that can be trusted; a clock behind what was seen counts as that index' time. */
    fun latest(read: Read, channel: String, known: Known, nowS: Long): Known {
        val trust = follow(known.trust, read)
        var held = known.held
        val signer = held?.keyId
        if (signer != null && trust.keys.none { it.id == signer }) held = null // its key was withdrawn
        val newest = "$channel/newest.json"
        val data = read(newest, MAX_SIGNED_BYTES)
        if (data != null) {
            val found = index(data, channel, trust, newest)
            val seen = held
            if (seen == null || found.version > seen.version) {
                held = found
            } else if (found.version < seen.version) {
                val where = indexPath(channel, seen.version)
                val there = read(where, MAX_SIGNED_BYTES)
                if (there == null || index(there, channel, trust, where).digest != seen.digest) {
                    throw ChannelRefused("older-index", "$newest: version ${seen.version}, seen before, is gone")
                }
            } else if (found.digest != seen.digest) {
                throw ChannelRefused("other-history", "$newest: is another version ${seen.version} than the one seen before")
            }
        }
        val following = followed(read, channel, trust, held)
            ?: throw ChannelRefused("missing", "$newest: is not there")
        if (following.expiresS <= maxOf(nowS, held?.createdS ?: 0)) {
            throw ChannelRefused("expired", "$newest: version ${following.version} has expired by this clock")
        }
        return Known(trust, following)
    }

    private fun followed(read: Read, channel: String, trust: Trust, first: Index?): Index? {
        var held = first
        for (step in 0 until MAX_STEPS) {
            val version = held?.version ?: 0
            val where = indexPath(channel, version + 1)
            val data = read(where, MAX_SIGNED_BYTES) ?: return held
            val found = index(data, channel, trust, where)
            if (found.version != version + 1 || found.previous != (held?.digest ?: "")) {
                throw ChannelRefused("other-history", "$where: does not follow version $version")
            }
            held = found
        }
        throw ChannelRefused("malformed", "$channel/newest.json: is more than $MAX_STEPS versions behind")
    }

    fun follow(first: Trust, read: Read): Trust {
        var trust = first
        for (step in 0 until MAX_LISTS) {
            val where = "keys/${trust.version + 1}.json"
            val data = read(where, MAX_SIGNED_BYTES) ?: return trust
            val (payload, _, digest) = unseal("channel keys", data, trust.keys.filter { it.rotates }, where)
            trust = strictly(where) {
                payload.only("schema", "version", "previous", "keys")
                val keys = payload.list("keys").map {
                    val row = it.asObject()
                    row.only("public", "rotates")
                    val key = base64(row.text("public"))
                    check(key.size == 32)
                    ListedKey(key, row["rotates"] as Boolean)
                }
                check(payload["schema"] == 1L && keys.any { it.rotates } && keys.size <= MAX_LISTS)
                check(keys.map { it.public.toList() }.toSet().size == keys.size) { "a key stands twice" }
                val next = Trust(payload.number("version"), keys, digest)
                if (next.version != trust.version + 1 || (trust.version > 0 && payload.text("previous") != trust.sha256)) {
                    throw ChannelRefused("other-history", "$where: is no list that follows version ${trust.version}")
                }
                next
            }
        }
        throw ChannelRefused("malformed", "keys: more than $MAX_LISTS lists follow")
    }

    fun index(data: ByteArray, channel: String, trust: Trust, where: String): Index {
        val (payload, keyId, digest) = unseal("channel index", data, trust.keys, where)
        val found = strictly(where) { indexOf(payload, data, keyId, digest) }
        if (payload.text("channel") != channel) {
            throw ChannelRefused("other-channel", "$where: is the index of the channel ${payload["channel"]}")
        }
        if (found.keys > trust.version) {
            throw ChannelRefused("keys-withheld", "$where: knows key list ${found.keys}, but only ${trust.version} is served")
        }
        return found
    }

    private fun unseal(purpose: String, data: ByteArray, keys: List<ListedKey>, where: String): Triple<Map<String, Any?>, String, String> {
        val outer = strictly(where) {
            check(data.size <= MAX_SIGNED_BYTES)
            Json(data).whole().also {
                it.only("schema", "key", "signature", "signed")
                check(it["schema"] == 1L)
                it.text("key") + it.text("signature") + it.text("signed")
            }
        }
        val key = keys.firstOrNull { it.id == outer["key"] }
            ?: throw ChannelRefused("key-unknown", "$where: is signed by the key ${outer.text("key").take(16)}, which may not")
        val signature = strictly(where) { base64(outer.text("signature")) }
        val signed = outer.text("signed").toByteArray(Charsets.UTF_8)
        val message = "edgetl $purpose 1\n".toByteArray(Charsets.UTF_8) + signed
        if (signature.size != 64 || !verifier(key.public, message, signature)) {
            throw ChannelRefused("bad-signature", "$where: is not what the key ${key.id} signed")
        }
        return Triple(strictly(where) { Json(signed).whole() }, key.id, sha256(signed))
    }

    private fun indexOf(payload: Map<String, Any?>, data: ByteArray, keyId: String, digest: String): Index {
        payload.only("schema", "channel", "version", "previous", "keys", "created_s", "expires_s", "action", "releases")
        val releases = payload.list("releases").map { releaseOf(it.asObject()) }
        val previous = payload.text("previous")
        val index = Index(
            payload.number("version"), previous, payload.number("keys"), payload.number("created_s"),
            payload.number("expires_s"), releases, data, keyId, digest
        )
        check(payload["schema"] == 1L && index.version >= 1 && index.keys >= 1 && index.createdS in 0 until index.expiresS)
        check((previous == "" || HEX.matches(previous)) && NAME.matches(payload.text("channel")) && releases.size <= 16)
        check(payload.text("action") in setOf("publish", "rollout", "rollback", "renew"))
        for (place in releases.indices) {
            check(releases[place].number <= if (place == 0) index.version else releases[place - 1].number - 1)
        }
        return index
    }

    private fun releaseOf(row: Map<String, Any?>): Release {
        row.only(
            "number", "version", "title", "sha256", "size_bytes", "rollout", "salt", "min_app", "systems", "devices", "files"
        )
        val files = row.list("files").map {
            val file = it.asObject()
            file.only("path", "format", "size_bytes", "devices")
            ModelFile(file.text("path"), file.text("format"), file.number("size_bytes"), file.texts("devices"))
        }
        val systems = row.list("systems").map {
            val system = it.asObject()
            system.only("name", "version")
            check(NAME.matches(system.text("name")) && VERSION.matches(system.text("version")))
            Pair(system.text("name"), system.text("version"))
        }
        val release = Release(
            row.number("number"), row.text("version"), row.text("title"), row.text("sha256"), row.number("size_bytes"),
            row.number("rollout"), row.text("salt"), row.text("min_app"), systems, row.texts("devices"), files
        )
        check(release.number >= 1 && HEX.matches(release.sha256) && release.sizeBytes in 1..MAX_BUNDLE_BYTES)
        check(TEXT.matches(release.version) && TEXT.matches(release.title))
        check(release.rollout in 0..WHOLE && LINE.matches(release.salt))
        check(release.minApp == "" || VERSION.matches(release.minApp))
        check(files.all { PATH.matches(it.path) && NAME.matches(it.format) && it.sizeBytes in 0..MAX_BUNDLE_BYTES })
        return release
    }
}

private fun <T> strictly(where: String, read: () -> T): T = try {
    read()
} catch (error: RuntimeException) {
    throw ChannelRefused("malformed", "$where: is no file of a channel that this version reads (${error.message})")
} catch (error: CharacterCodingException) {
    throw ChannelRefused("malformed", "$where: is no UTF-8")
}

internal fun Map<String, Any?>.only(vararg names: String) = check(keys == names.toSet()) { "fields $keys" }
internal fun Map<String, Any?>.text(name: String): String = this[name] as String
internal fun Map<String, Any?>.number(name: String): Long = (this[name] as Long).also { check(it in -(1L shl 53)..(1L shl 53)) }
internal fun Map<String, Any?>.list(name: String): List<Any?> = this[name] as List<Any?>
internal fun Map<String, Any?>.real(name: String): Double = (this[name] as Number).toDouble()
private fun Map<String, Any?>.texts(name: String): List<String> = list(name).map { (it as String).also { text -> check(LINE.matches(text)) } }

@Suppress("UNCHECKED_CAST")
internal fun Any?.asObject(): Map<String, Any?> = this as Map<String, Any?>

/** Base64 with padding, strictly; java.util.Base64 needs Android 8. */
fun base64(text: String): ByteArray {
    val letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    val body = text.trimEnd('=')
    require(text.length % 4 == 0 && text.length - body.length <= 2) { "no base64" }
    val bytes = ByteArray(body.length * 3 / 4)
    for (place in bytes.indices) {
        val bit = place * 8
        val first = letters.indexOf(body[bit / 6])
        val second = letters.indexOf(body[bit / 6 + 1])
        val third = if (bit % 6 == 0 || bit / 6 + 2 >= body.length) 0 else letters.indexOf(body[bit / 6 + 2])
        require(first >= 0 && second >= 0 && third >= 0) { "no base64" }
        val word = (first shl 12) or (second shl 6) or third
        bytes[place] = (word shr (10 - bit % 6)).toByte()
    }
    return bytes
}

/** JSON of objects, lists, texts, whole numbers, true, false and null; strict, and never deeper than 20. A contract has `fractions` too. */
internal class Json(data: ByteArray, private val fractions: Boolean = false) {
    private val text = Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data)).toString() // a decoder reports what is malformed
    private var at = 0

    fun whole(): Map<String, Any?> {
        val value = value(0).asObject()
        space()
        check(at == text.length) { "something follows" }
        return value
    }

    private fun space() {
        while (at < text.length && text[at] in " \t\r\n") at++
    }

    private fun take(letter: Char) {
        space()
        check(at < text.length && text[at] == letter) { "$letter is missing at $at" }
        at++
    }

    private fun next(letter: Char): Boolean {
        space()
        val found = at < text.length && text[at] == letter
        if (found) at++
        return found
    }

    private fun value(depth: Int): Any? {
        check(depth < 20) { "too deep" }
        space()
        check(at < text.length) { "it ends early" }
        return when (text[at]) {
            '{' -> members(depth)
            '[' -> items(depth)
            '"' -> string()
            else -> word()
        }
    }

    private fun members(depth: Int): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        take('{')
        if (next('}')) return found
        do {
            space()
            val name = string()
            take(':')
            check(name !in found) { "$name stands twice" }
            found[name] = value(depth + 1)
        } while (next(','))
        take('}')
        return found
    }

    private fun items(depth: Int): List<Any?> {
        val found = ArrayList<Any?>()
        take('[')
        if (next(']')) return found
        do found.add(value(depth + 1)) while (next(','))
        take(']')
        return found
    }

    private fun word(): Any? {
        val found = (if (fractions) REAL else WORD).find(text.substring(at, minOf(at + 32, text.length)))
        check(found != null && found.range.first == 0) { "no value at $at" }
        at += found.value.length
        return when (found.value) {
            "true" -> true
            "false" -> false
            "null" -> null
            else -> if (found.value.all { it == '-' || it in '0'..'9' }) found.value.toLong() else finite(found.value.toDouble())
        }
    }

    private fun finite(value: Double): Double = value.also { check(!it.isNaN() && !it.isInfinite()) { "a number without end" } }

    private fun string(): String {
        check(at < text.length && text[at] == '"') { "no text at $at" }
        val found = StringBuilder()
        while (true) {
            val letter = text[++at]
            when {
                letter == '"' -> { at++; return found.toString() }
                letter < ' ' -> error("a control character")
                letter != '\\' -> found.append(letter)
                else -> {
                    val place = "\"\\/bfnrt".indexOf(text[++at])
                    if (text[at] == 'u') {
                        val digits = text.substring(at + 1, at + 5)
                        check(digits.all { it in '0'..'9' || it in 'a'..'f' || it in 'A'..'F' }) { "no escape" }
                        found.append(digits.toInt(16).toChar())
                        at += 4
                    } else {
                        check(place >= 0) { "no escape" }
                        found.append("\"\\/\b\u000c\n\r\t"[place])
                    }
                }
            }
        }
    }
}
