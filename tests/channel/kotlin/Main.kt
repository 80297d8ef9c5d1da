// For tests: does what the lines of standard input say, and prints what came of each.
import edgetl.update.*
import java.io.File

fun device(row: List<String>) = Device(row[0], row[1], row[2], row[3], row[4], row[5].split(",").toSet())

fun client(row: List<String>): UpdateClient {
    val trust = Trust(0, listOf(ListedKey(base64(row[3]), true)))
    return UpdateClient(row[1], "beta", trust, File(row[2]), waitMs = 1000, downloadMs = 1500)
}

fun main() {
    lines@ for (line in generateSequence(::readLine)) {
        val row = line.split("\t")
        when (row[0]) {
            "update" -> { // base, folder, key, now, then the device, then releases that are wrong on it
                val client = client(row)
                val proof = row.getOrNull(11)?.split(",")?.let { wrong -> { _: File, it: Installed -> if ("${it.release}" in wrong) "no" else "" } }
                val outcome = client.update(device(row.drop(5)), row[4].toLong(), proof)
                val installed = outcome.installed
                val whole = installed == null || sha256(client.bundle(installed).readBytes()) == installed.sha256
                println("${outcome.status} ${outcome.code} ${outcome.indexVersion} ${installed?.release} ${installed?.file} $whole")
                System.err.println(outcome.message)
            }
            "candidates" -> println(client(row).candidates().joinToString(",") { "${it.release}" })
            "choose" -> { // file of an index, key, then the device
                val trust = Trust(1, listOf(ListedKey(base64(row[2]), true)))
                val me = try { device(row.drop(3)) } catch (refused: IllegalArgumentException) { println("fault ${refused.message}"); null } ?: continue@lines
                val choice = choose(Reader(platformEd25519).index(File(row[1]).readBytes(), "beta", trust, "index"), me)
                println("${choice.release?.number} ${choice.file?.path} ${choice.passedOver.joinToString(",") { "${it.first}:${it.second}" }}")
            }
            "place" -> println(place(row[1], row[2]))
        }
    }
}
