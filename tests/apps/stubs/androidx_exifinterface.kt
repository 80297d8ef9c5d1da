@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.exifinterface.media

import java.io.InputStream

class ExifInterface(inputStream: InputStream) {
    fun getAttributeInt(tag: String, defaultValue: Int): Int = defaultValue

    companion object {
        const val TAG_ORIENTATION: String = "Orientation"
    }
}
