@file:Suppress("unused")

package android.os

object Build {
    object VERSION {
        @JvmField val SDK_INT: Int = 0
        @JvmField val RELEASE: String = ""
    }

    @JvmField val MODEL: String = ""
}

abstract class Bundle {
    abstract fun getString(key: String): String?
}
