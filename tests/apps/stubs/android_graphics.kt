@file:Suppress("UNUSED_PARAMETER", "unused")

package android.graphics

abstract class Bitmap {
    enum class Config { ALPHA_8, RGB_565, ARGB_8888, RGBA_F16, HARDWARE }

    abstract val width: Int
    abstract val height: Int
    abstract fun setColorSpace(colorSpace: ColorSpace)
    abstract fun getPixels(pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int)
    abstract fun recycle()
}

object BitmapFactory {
    class Options {
        @JvmField var inJustDecodeBounds = false
        @JvmField var inPremultiplied = true
        @JvmField var inScaled = true
        @JvmField var inPreferredConfig: Bitmap.Config? = Bitmap.Config.ARGB_8888
        @JvmField var outWidth = 0
        @JvmField var outHeight = 0
    }

    fun decodeByteArray(data: ByteArray, offset: Int, length: Int, opts: Options?): Bitmap? = null
}

abstract class ColorSpace {
    enum class Named { SRGB, DISPLAY_P3 }

    companion object {
        fun get(name: Named): ColorSpace = throw UnsupportedOperationException()
    }
}
