package androidx.test.platform.app

import android.content.Context
import android.os.Bundle

abstract class Instrumentation {
    abstract val context: Context
    abstract val targetContext: Context
}

object InstrumentationRegistry {
    @JvmStatic fun getInstrumentation(): Instrumentation = throw UnsupportedOperationException()
    @JvmStatic fun getArguments(): Bundle = throw UnsupportedOperationException()
}
