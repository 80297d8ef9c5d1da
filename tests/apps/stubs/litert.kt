// LiteRT's Interpreter as com.google.ai.edge.litert:litert 1.x and 2.x have it, in the package that it kept from TensorFlow Lite.
@file:Suppress("UNUSED_PARAMETER", "unused")

package org.tensorflow.lite

import java.nio.ByteBuffer

enum class DataType { FLOAT32, INT32, UINT8, INT64, STRING, BOOL, INT16, INT8 }

interface Tensor {
    fun shape(): IntArray
    fun dataType(): DataType
    fun numBytes(): Int
}

class Interpreter(byteBuffer: ByteBuffer, options: Options?) : AutoCloseable {
    class Options {
        fun setNumThreads(numThreads: Int): Options = this
    }

    fun getInputTensor(inputIndex: Int): Tensor = throw UnsupportedOperationException()
    fun getOutputTensor(outputIndex: Int): Tensor = throw UnsupportedOperationException()
    fun run(input: Any, output: Any) {}
    override fun close() {}
}
