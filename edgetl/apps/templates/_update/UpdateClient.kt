// The client of an update channel of edgetl: look, decide, prove, install. Run it off the main thread; its state is one folder's.
//
//     val client = UpdateClient("https://models.example.com", "stable", Trust(0, listOf(ListedKey(publicKey("MCow…"), true))), folder)
//     val me = Device("2.1", "android", Build.VERSION.RELEASE, Build.MODEL, id, setOf("tflite"))
//     val outcome = client.update(me, System.currentTimeMillis() / 1000, proof)
//
// Code that `edgetl ship app` wrote has the proof, `Models.proof`, and opens what was installed: `Models.open`.
package edgetl.update

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.net.HttpURLConnection
import java.net.URL
import java.security.DigestInputStream
import java.security.MessageDigest
import java.util.Properties
import java.util.Timer
import java.util.concurrent.atomic.AtomicReference
import kotlin.concurrent.timerTask

/** `key`: id of the key that signed the index which brought it. */
class Installed(val release: Long, val version: String, val sha256: String, val sizeBytes: Long, val file: String, val key: String)

/** `status`: installed, unchanged, or kept (something was refused, or nothing is offered: what was installed stays). */
class Outcome(val status: String, val code: String, val message: String, val installed: Installed?, val indexVersion: Long)

/** A bundle's zip, and what would be installed → what is wrong with it on this phone; empty = nothing. */
typealias Proof = (File, Installed) -> String

private const val MAX_TRIES = 3

class UpdateClient(
    private val base: String,
    private val channel: String,
    private val builtIn: Trust,
    private val folder: File,
    verifier: Verifier = platformEd25519,
    private val waitMs: Int = 20_000,
    private val downloadMs: Long = 900_000,
    private val lookMs: Long = 120_000
) {
    private val reader = Reader(verifier)
    private val stateFile = File(folder, "state.properties")

    fun bundle(installed: Installed) = File(folder, "${installed.sha256}.zip")

    fun installed(): Installed? = installed(state(), "installed")

    /** What may be used, the best first: what the channel gave last, and the older release that was there before it. */
    fun candidates(): List<Installed> {
        val state = state()
        val first = installed(state, "installed") ?: return emptyList()
        val before = installed(state, "previous")
        return if (before != null && before.release < first.release) listOf(first, before) else listOf(first)
    }

    /** Whether a bundle is still what was installed, to the byte. One that is not is deleted: the next update fetches it again. */
    fun intact(installed: Installed): Boolean {
        val file = bundle(installed)
        val digest = MessageDigest.getInstance("SHA-256")
        val chunk = ByteArray(1 shl 16)
        try {
            if (file.isFile) DigestInputStream(file.inputStream(), digest).use { while (it.read(chunk) >= 0) continue }
        } catch (error: IOException) {
            digest.update(0) // what cannot be read is not what was installed
        }
        if (hex(digest.digest()) == installed.sha256) return true
        file.delete()
        return false
    }

    /** What is wrong with an installed bundle here, as far as a proof can say; it runs once for each version of app and system. */
    fun proven(installed: Installed, device: Device, proof: Proof): String =
        if (state().getProperty("right.${installed.sha256}") == by(device)) "" else tried(installed, device, proof) // waits for no download

    @Synchronized
    private fun tried(installed: Installed, device: Device, proof: Proof): String {
        val state = state()
        if (tries(state, installed.sha256, device) >= MAX_TRIES) return "it was refused before"
        return prove(state, installed, device, proof).also { write(state) }
    }

    /**
     * Bring the folder up to date. A refusal is an outcome, no exception, also of the system (`platform`): no permission, no Ed25519, a
     * bad address, a full disk, a folder that cannot be written. A damaged state is none: this client begins anew, and says so.
     *
     * @param proof tries a bundle before it is installed; null = what the index names is taken
     */
    @Synchronized
    fun update(device: Device, nowS: Long, proof: Proof? = null): Outcome {
        val remembered = remembered()
        var state = remembered ?: Properties()
        var known = Known(builtIn, null)
        var there = installed(state, "installed")
        var withdrawn = false
        val notes = ArrayList<String>()
        fun outcome(status: String, code: String, message: String): Outcome {
            val said = (notes + message).filter { it != "" }.joinToString(" ")
            return Outcome(status, code, said, there, known.held?.version ?: 0)
        }
        fun kept(code: String, message: String) = outcome("kept", code, message)
        try {
            if (!folder.isDirectory && !folder.mkdirs()) throw IOException("$folder cannot be made")
            val before = if (remembered == null) null else known(state)
            if (before == null) {
                notes.add("what this client remembered was damaged: it began anew.")
                state = Properties()
                there = null
                tidy(state)
            } else {
                known = before
            }
            val end = System.nanoTime() + lookMs * 1_000_000
            known = reader.latest({ path, limit -> read(path, limit, end) }, channel, known, nowS)
            val index = known.held!!
            val last = there
            remember(state, known, device)
            write(state)
            there = installed(state, "installed")
            if (last != null && there == null) {
                withdrawn = true
                notes.add("release ${last.release} is withdrawn: the key that brought it may no longer sign. It is deleted.")
                tidy(state)
            }
            val choice = choose(index, device, index.releases.map { it.sha256 }.filter { tries(state, it, device) >= MAX_TRIES }.toSet())
            if (choice.release == null || choice.file == null) {
                val reasons = choice.passedOver.joinToString { "release ${it.first}: ${it.second}" }
                return kept(if (withdrawn) "withdrawn" else "not-offered", "nothing is offered to this device ($reasons)")
            }
            val release = choice.release
            val wanted = Installed(release.number, release.version, release.sha256, release.sizeBytes, choice.file.path, index.keyId)
            if (same(there, wanted) && intact(wanted)) {
                tidy(state)
                val passed = choice.passedOver.filter { it.second == "refused" }.joinToString { "release ${it.first}" }
                return outcome("unchanged", "", if (passed == "") "" else "passed over, as the proof refused it here: $passed.")
            }
            if (!intact(wanted)) download(wanted)
            val wrong = if (proof == null) "" else prove(state, wanted, device, proof)
            if (wrong != "") {
                write(state)
                tidy(state)
                return kept("refused", "release ${wanted.release} is not right here: $wrong")
            }
            there?.let { if (it.sha256 != wanted.sha256) put(state, "previous", it) }
            put(state, "installed", wanted)
            write(state)
            there = wanted
            tidy(state)
            return outcome("installed", "", "")
        } catch (refused: ChannelRefused) {
            return kept(refused.code, refused.message ?: "")
        } catch (error: RuntimeException) { // SecurityException: the app lacks android.permission.INTERNET
            return kept("platform", error.toString())
        } catch (error: IOException) {
            return kept("platform", error.toString())
        }
    }

    /** A model may end the app: a try is written down before it begins, and MAX_TRIES of them are a refusal. */
    private fun prove(state: Properties, wanted: Installed, device: Device, proof: Proof): String {
        state["tries.${wanted.sha256}"] = "${tries(state, wanted.sha256, device) + 1} ${by(device)}"
        write(state)
        val wrong = proof(bundle(wanted), wanted).take(500)
        if (wrong == "") {
            state.remove("tries.${wanted.sha256}")
            state["right.${wanted.sha256}"] = by(device)
        } else {
            state["tries.${wanted.sha256}"] = "$MAX_TRIES ${by(device)}"
        }
        return wrong
    }

    private fun tries(state: Properties, sha256: String, device: Device): Int {
        val row = state.getProperty("tries.$sha256") ?: return 0
        return if (row.substringAfter(" ") == by(device)) row.substringBefore(" ").toInt() else 0
    }

    /** Who tried a bundle; another version of the app or the system may fare better. */
    private fun by(device: Device) = "${device.app} ${device.systemVersion}"

    /** What was known last time; null: it is damaged. */
    private fun known(state: Properties): Known? {
        var trust = builtIn
        val version = state.getProperty("trust_version")?.toLong() ?: -1
        val sameRoot = builtIn.version > 0 || state.getProperty("trust_root") == builtIn.keys[0].id // another key: the app's maker lost the first
        if (version >= builtIn.version && sameRoot) {
            val keys = state.getProperty("trust_keys").split(" ").map { ListedKey(base64(it.substring(1)), it[0] == '+') }
            trust = Trust(version, keys, state.getProperty("trust_sha256"))
        }
        val held = state.getProperty("index")?.toByteArray(Charsets.UTF_8) ?: return Known(trust, null)
        return try {
            Known(trust, reader.index(held, channel, trust, "state"))
        } catch (refused: ChannelRefused) {
            if (refused.code in setOf("malformed", "bad-signature")) null else Known(trust, null) // another channel, or key, now
        }
    }

    private fun remember(state: Properties, known: Known, device: Device) {
        val held = known.held!!
        for (name in listOf("installed", "previous")) {
            val it = installed(state, name) ?: continue
            val stands = known.trust.keys.any { key -> key.id == it.key } || held.releases.any { release -> release.sha256 == it.sha256 }
            if (!stands) state.remove(name) // withdrawn: a key brought it that is no longer listed, and the index does not name it
        }
        val named = held.releases.map { it.sha256 } + listOf("installed", "previous").mapNotNull { installed(state, it)?.sha256 }
        for (name in state.stringPropertyNames().filter { it.startsWith("tries.") || it.startsWith("right.") }) {
            if (name.substringAfter(".") !in named || !state.getProperty(name).endsWith(by(device))) state.remove(name)
        }
        state["trust_version"] = known.trust.version.toString()
        if (builtIn.version == 0L) state["trust_root"] = builtIn.keys[0].id
        state["trust_sha256"] = known.trust.sha256
        state["trust_keys"] = known.trust.keys.joinToString(" ") { (if (it.rotates) "+" else "-") + encoded(it.public) }
        state["index"] = String(held.data, Charsets.UTF_8)
    }

    private fun same(one: Installed?, other: Installed) =
        one != null && one.release == other.release && one.sha256 == other.sha256 && one.file == other.file

    private fun installed(state: Properties, name: String): Installed? {
        val row = (state.getProperty(name) ?: return null).split("\n")
        return Installed(row[0].toLong(), row[1], row[2], row[3].toLong(), row[4], row[5])
    }

    private fun put(state: Properties, name: String, it: Installed) {
        state[name] = listOf(it.release, it.version, it.sha256, it.sizeBytes, it.file, it.key).joinToString("\n")
    }

    private fun state() = remembered() ?: Properties()

    /** null: it is damaged. */
    private fun remembered(): Properties? {
        val state = Properties()
        if (!stateFile.exists()) return state
        try {
            stateFile.inputStream().use(state::load)
        } catch (error: IOException) {
            return null
        } catch (error: IllegalArgumentException) { // half an escape
            return null
        }
        return if (state.remove("sum") == sum(state)) state else null
    }

    private fun sum(state: Properties) =
        sha256(state.stringPropertyNames().sorted().joinToString("\n") { "$it ${state.getProperty(it)}" }.toByteArray(Charsets.UTF_8))

    private fun write(remembered: Properties) {
        val state = Properties()
        state.putAll(remembered)
        state["sum"] = sum(remembered)
        val partial = File(folder, "state.partial")
        FileOutputStream(partial).use {
            state.store(it, null)
            it.fd.sync()
        }
        moved(partial, stateFile)
    }

    private fun download(wanted: Installed) {
        val partial = File(folder, "${wanted.sha256}.partial")
        try {
            val digest = MessageDigest.getInstance("SHA-256")
            var bytes = 0L
            FileOutputStream(partial).use { sink ->
                val there = open(bundlePath(wanted.sha256), downloadMs) { stream ->
                    bytes = copy(stream, sink, digest, wanted.sizeBytes, bundlePath(wanted.sha256), downloadMs)
                }
                if (!there) throw ChannelRefused("missing", "${bundlePath(wanted.sha256)}: is not there")
                sink.fd.sync()
            }
            if (bytes != wanted.sizeBytes) throw ChannelRefused("truncated", "${bundlePath(wanted.sha256)}: $bytes of ${wanted.sizeBytes} bytes came")
            if (hex(digest.digest()) != wanted.sha256) {
                throw ChannelRefused("bundle-differs", "${bundlePath(wanted.sha256)}: is not the bundle that the index names")
            }
            moved(partial, bundle(wanted))
        } finally {
            partial.delete()
        }
    }

    private fun moved(from: File, to: File) { // rename(2): whole, or not at all
        if (!from.renameTo(to)) throw IOException("$to cannot be written")
    }

    private fun tidy(state: Properties) {
        val kept = listOf("installed", "previous").mapNotNull { installed(state, it) }.map { bundle(it).name }
        folder.listFiles()?.filter { (it.name.endsWith(".zip") || it.name.endsWith(".partial")) && it.name !in kept }?.forEach { it.delete() }
    }

    private fun read(path: String, limit: Int, end: Long): ByteArray? {
        val sink = java.io.ByteArrayOutputStream()
        val longestMs = minOf(waitMs.toLong(), (end - System.nanoTime()) / 1_000_000)
        if (longestMs <= 0) throw ChannelRefused("unreachable", "$path: this look took longer than $lookMs ms")
        val there = open(path, longestMs) { copy(it, sink, null, limit.toLong(), path, longestMs) }
        return if (there) sink.toByteArray() else null
    }

    private fun copy(from: InputStream, to: OutputStream, digest: MessageDigest?, limit: Long, path: String, longestMs: Long): Long {
        val end = System.nanoTime() + longestMs * 1_000_000
        val chunk = ByteArray(1 shl 16)
        var bytes = 0L
        while (true) {
            val count = from.read(chunk)
            if (count < 0) return bytes
            bytes += count
            if (bytes > limit) throw ChannelRefused("too-large", "$path: is larger than the $limit bytes it may have")
            if (System.nanoTime() > end) throw ChannelRefused("unreachable", "$path: did not arrive within $longestMs ms")
            try {
                to.write(chunk, 0, count)
            } catch (error: IOException) { // not the network's
                throw ChannelRefused("platform", "$path: cannot be written ($error)")
            }
            digest?.update(chunk, 0, count)
        }
    }

    private fun cut(connection: HttpURLConnection?) = try {
        connection?.disconnect()
    } catch (error: RuntimeException) { // on Android what a thread throws ends the app
        null
    }

    /** Whether there is such a file; three redirects at most, none to a weaker protocol; cut off when the time is over. */
    private fun open(path: String, longestMs: Long, use: (InputStream) -> Unit): Boolean {
        var promised = -1L
        val current = AtomicReference<HttpURLConnection>()
        val watch = Timer(true) // a time limit of HttpURLConnection is one of silence: a byte of a header may come just before it
        watch.schedule(timerTask { cut(current.get()) }, longestMs, 500)
        try {
            var url = URL(base.trimEnd('/') + "/" + path)
            for (hop in 0..3) {
                val connection = url.openConnection() as HttpURLConnection
                current.set(connection)
                try {
                    connection.connectTimeout = waitMs
                    connection.readTimeout = waitMs
                    connection.instanceFollowRedirects = false
                    connection.useCaches = false
                    connection.setRequestProperty("Accept-Encoding", "identity")
                    when (connection.responseCode) {
                        200 -> {
                            promised = connection.getHeaderField("Content-Length")?.toLongOrNull() ?: -1
                            var bytes = 0L
                            connection.inputStream.use { use(Counting(it) { count -> bytes += count }) }
                            if (promised >= 0 && bytes < promised) throw ChannelRefused("truncated", "$path: the connection ended early")
                            return true
                        }
                        403, 404, 410 -> return false // 403: S3 gives it for a missing file to those who may not list
                        301, 302, 303, 307, 308 -> {
                            val next = URL(url, connection.getHeaderField("Location") ?: "")
                            val weaker = next.protocol !in setOf("http", "https") || (url.protocol == "https" && next.protocol == "http")
                            if (weaker) throw ChannelRefused("unreachable", "$path: redirects to ${next.protocol}; not followed")
                            url = next
                        }
                        else -> throw ChannelRefused("unreachable", "$path: the server answers ${connection.responseCode}")
                    }
                } finally {
                    connection.disconnect()
                }
            }
        } catch (error: IOException) {
            throw ChannelRefused(if (promised >= 0 && "remature" in (error.message ?: "")) "truncated" else "unreachable", "$path: $error")
        } finally {
            watch.cancel()
        }
        throw ChannelRefused("unreachable", "$path: redirects too often")
    }
}

private class Counting(private val from: InputStream, private val count: (Int) -> Unit) : InputStream() {
    override fun read(): Int = from.read().also { if (it >= 0) count(1) }
    override fun read(into: ByteArray, at: Int, most: Int): Int = from.read(into, at, most).also { if (it > 0) count(it) }
    override fun close() = from.close()
}

private fun encoded(data: ByteArray): String {
    val letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    val found = StringBuilder()
    for (place in data.indices step 3) {
        val word = (0..2).fold(0) { all, offset -> (all shl 8) or (data.getOrElse(place + offset) { 0 }.toInt() and 0xff) }
        for (shift in listOf(18, 12, 6, 0)) found.append(letters[(word shr shift) and 63])
        val missing = maxOf(0, place + 3 - data.size)
        if (missing > 0) found.replace(found.length - missing, found.length, "=".repeat(missing))
    }
    return found.toString()
}
