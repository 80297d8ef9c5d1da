"""A Keras network as ONNX by tf2onnx, its input left as it is (NHWC)."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write(model: Any, path: Path) -> Path:
    """Convert with tf2onnx.

    Args:
        model: tf_keras model of one input.
        path: file to write.

    Returns:
        `path`.
    """
    import tensorflow as tf
    import tf2onnx

    from benchmarks.peers._base import OPSET

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")]
    function = tf.function(lambda image: model(image, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET, output_path=str(path))
    return path
