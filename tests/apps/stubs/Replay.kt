// Beside the generated code, in its package: bundles and the app's own files through it, on a JVM.
package PACKAGE

import edgetl.update.*
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import javax.imageio.ImageIO

/** Photos lie in a folder under their sha256: <sha256>.raw (width, height, orientation, ARGB; big-endian), or as they are with <sha256>.turn. */
class Decoder(private val folder: File) {
    fun decode(data: ByteArray): Pair<Picture, Int> {
        val name = sha256(data)
        val raw = File(folder, "$name.raw")
        return if (raw.exists()) raw(raw) else decoded(data, File(folder, "$name.turn").readText().trim().toInt())
    }

    private fun raw(file: File): Pair<Picture, Int> {
        val data = ByteBuffer.wrap(file.readBytes())
        val width = data.getInt()
        val height = data.getInt()
        val orientation = data.getInt()
        return Pair(Picture(width, height, IntArray(width * height) { data.getInt() }), orientation)
    }

    private fun decoded(data: ByteArray, orientation: Int): Pair<Picture, Int> {
        val image = ImageIO.read(data.inputStream())
        return Pair(Picture(image.width, image.height, image.getRGB(0, 0, image.width, image.height, null, 0, image.width)), orientation)
    }
}

class Rising(private val classes: Int) : Network {
    override fun run(input: ByteBuffer) = FloatArray(classes) { it / 100f }
    override fun close() = Unit
}

/** In place of a runtime: a "model" is a list of inputs, by sha256, with the answers to them. */
class Answers(data: ByteArray) : Network {
    init {
        if (String(data) == "crash") Runtime.getRuntime().halt(9)
        if (String(data) == "huge") throw OutOfMemoryError()
    }

    private val rows = String(data).lines().filter { it != "" }.associate { it.substringBefore(" ") to it.substringAfter(" ") }

    override fun run(input: ByteBuffer): FloatArray {
        val found = bytes(input)
        return rows.getValue(sha256(found)).split(" ").map { it.toFloat() }.toFloatArray()
    }

    override fun close() = Unit
}

fun bytes(input: ByteBuffer): ByteArray {
    input.rewind()
    return ByteArray(input.remaining()).also { input.order(ByteOrder.LITTLE_ENDIAN).get(it) }
}

object Replay {
    /** Every golden photo through the code; what came of it lies in `to`. */
    private fun replay(files: ModelFiles, photos: File, to: File) {
        to.mkdirs()
        val photo = Decoder(photos)::decode
        val contract = files.contract
        for (golden in contract.golden) {
            val (picture, orientation) = photo(files.golden(golden))
            File(to, "${golden.file}.input").writeBytes(bytes(Input(contract).of(picture, orientation)))
        }
        val found = SelfTest.run(files, null, photo)
        File(to, "log.json").writeText(found.log)
        File(to, "faults.txt").writeText(found.faults.joinToString("\n"))
        File(to, "labels.bin").writeText(contract.labels.joinToString("\u0000"))
        val rising = Rising(contract.labels.size)
        val first = photo(files.golden(contract.golden[0]))
        File(to, "top.bin").writeText(Classifier(rising, contract).classify(first.first, first.second, 2).joinToString("\u0000") { it.label })
        val wrong = SelfTest.run(files, rising, photo)
        File(to, "wrong.txt").writeText(wrong.faults.joinToString("\n"))
        File(to, "wrong.json").writeText(wrong.log)
    }

    /** An app with updates, started once: fetch, open, say what is used and what is not. */
    private fun start(base: String, key: String, home: File, app: File, photos: File, version: String) {
        val client = UpdateClient(base, "beta", Trust(0, listOf(ListedKey(publicKey(key), true))), home)
        val me = Device(version, "android", "14", "Pixel 8", "c1", setOf("tflite"))
        var loads = 0
        val load = { data: ByteArray, _: Contract -> loads++; Answers(data) }
        val models = Models(BuiltIn { File(app, it).inputStream() }, load, Decoder(photos)::decode)
        val outcome = client.update(me, 1_790_000_000, models.proof)
        println("${outcome.status} ${outcome.code}: ${outcome.message}")
        val opened = models.open(client, me)
        println("${opened.files.says}, ${opened.classifier.contract.labels.size} labels, $loads loads")
        opened.notUsed.forEach { println("not $it") }
    }

    @JvmStatic
    fun main(arguments: Array<String>) = when (arguments[0]) {
        "app" -> replay(BuiltIn { File(arguments[1], it).inputStream() }, File(arguments[2]), File(arguments[3]))
        "zip" -> replay(InBundle(File(arguments[1]), arguments[4], "x"), File(arguments[2]), File(arguments[3]))
        "contracts" -> for (path in arguments.drop(1)) { // of each: what is said when it is read
            println(try { "read ${Contract.read(File(path).readBytes()).artifact}" } catch (refused: ModelRefused) { "refused ${refused.message}" })
        }
        else -> start(arguments[1], arguments[2], File(arguments[3]), File(arguments[4]), File(arguments[5]), arguments[6])
    }
}
