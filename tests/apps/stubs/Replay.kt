// Beside the generated code, in its package: the golden photos through it, on a JVM.
package PACKAGE

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import javax.imageio.ImageIO

/** `folder` holds <photo>.raw (width, height, orientation, ARGB; big-endian) or, where it does not, the photo and <photo>.turn. */
object Replay {
    private fun raw(file: File): Pair<Picture, Int> {
        val data = ByteBuffer.wrap(file.readBytes())
        val width = data.getInt()
        val height = data.getInt()
        val orientation = data.getInt()
        return Pair(Picture(width, height, IntArray(width * height) { data.getInt() }), orientation)
    }

    private fun decoded(file: File): Pair<Picture, Int> {
        val image = ImageIO.read(file)
        val pixels = image.getRGB(0, 0, image.width, image.height, null, 0, image.width)
        return Pair(Picture(image.width, image.height, pixels), File("$file.turn").readText().trim().toInt())
    }

    @JvmStatic
    fun main(arguments: Array<String>) {
        val (from, to) = arguments.map(::File)
        to.mkdirs()
        val photo = { name: String ->
            val file = File(from, "$name.raw")
            if (file.exists()) raw(file) else decoded(File(from, name))
        }
        for (golden in Contract.GOLDEN) {
            val (picture, orientation) = photo(golden.file)
            val input = Classifier.input(picture, orientation).order(ByteOrder.LITTLE_ENDIAN)
            val bytes = ByteArray(input.remaining())
            input.get(bytes)
            File(to, "${golden.file}.input").writeBytes(bytes)
        }
        val found = SelfTest.run(null, photo)
        File(to, "log.json").writeText(found.log)
        File(to, "faults.txt").writeText(found.faults.joinToString("\n"))
        File(to, "labels.bin").writeText(Contract.LABELS.joinToString("\u0000"))
        val rising = object : Network {
            override fun run(input: ByteBuffer) = FloatArray(Contract.LABELS.size) { it / 100f }
        }
        val first = Contract.GOLDEN[0].let { photo(it.file) }
        File(to, "top.bin").writeText(Classifier(rising).classify(first.first, first.second, 2).joinToString("\u0000") { it.label })
        val wrong = SelfTest.run(rising, photo)
        File(to, "wrong.txt").writeText(wrong.faults.joinToString("\n"))
        File(to, "wrong.json").writeText(wrong.log)
    }
}
