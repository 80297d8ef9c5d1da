// The few names of Android that the generated code calls, so that it compiles here. Nothing of it runs.
@file:Suppress("UNUSED_PARAMETER", "unused")

package android.content

import java.io.File
import java.io.InputStream

abstract class Context {
    abstract val assets: android.content.res.AssetManager
    abstract val noBackupFilesDir: File
    abstract fun getExternalFilesDir(type: String?): File?
}
