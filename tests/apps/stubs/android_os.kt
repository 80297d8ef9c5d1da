@file:Suppress("unused")

package android.os

object Build {
    object VERSION {
        @JvmField val SDK_INT: Int = 0
    }
}

abstract class Bundle {
    abstract fun getString(key: String): String?
}
