"""A trained network as one frozen TensorFlow graph: what converters read, without building the network again.

Wrapping a network in fake quantization takes longer than converting it; it is done once, when it is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from edgetl.errors import StageError

NETWORK = "network.pb"
_INPUT, _ONE, _SEVERAL = "image", "softmax", "sigmoid"


def freeze(model: Any, px: int, path: Path, *, several: bool = False, ended: bool = False) -> None:
    """Write a network with its weights as constants.

    Args:
        model: tf_keras model, or a function of (values, training): float32 (N, px, px, 3) → float32 (N, classes) logits.
        px: side of the input.
        path: file to write: a GraphDef, `image` → `softmax` or `sigmoid`, any batch.
        several: images may have several labels, so each class is answered on its own.
        ended: it gives probabilities already; none are made of them.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    @tf.function(input_signature=[tf.TensorSpec((None, px, px, 3), tf.float32, name=_INPUT)])  # type: ignore[untyped-decorator]
    def infer(image: tf.Tensor) -> tf.Tensor:
        logits = model(image, training=False)
        if ended:
            return tf.identity(logits, name=_SEVERAL if several else _ONE)
        return tf.nn.sigmoid(logits, name=_SEVERAL) if several else tf.nn.softmax(logits, name=_ONE)

    frozen = convert_variables_to_constants_v2(infer.get_concrete_function())
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString(deterministic=True))


def thaw(
    path: Path,
    px: int,
    batch: int | None = 1,
    change: Callable[[Any], None] | None = None,
    feed: tuple[float, float] | None = None,
) -> Any:
    """Read what `freeze` wrote.

    Args:
        path: the file.
        px: side of the input.
        batch: images at a time; None for any number.
        change: changes the `GraphDef`, in place, before it is used.
        feed: mean and deviation with which the function normalises bytes itself; None: `image` is normalised.

    Returns:
        A concrete function, float32 (batch, px, px, 3) `image` → {`probabilities`: float32 (batch, classes)}.

    Raises:
        StageError: the file cannot be read.
    """
    from google.protobuf.message import DecodeError

    try:
        definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise StageError("convert", "", f"the trained network {path} cannot be read: {error}.") from error
    if change is not None:
        change(definition)
    output = _SEVERAL if any(node.name == _SEVERAL for node in definition.node) else _ONE

    def infer(image: tf.Tensor) -> dict[str, tf.Tensor]:
        if feed is not None:
            image = (image - feed[0]) / feed[1]
        (result,) = tf.graph_util.import_graph_def(
            definition, input_map={f"{_INPUT}:0": image}, return_elements=[f"{output}:0"], name=""
        )
        return {"probabilities": result}

    spec = tf.TensorSpec((batch, px, px, 3), tf.float32, name=_INPUT)
    return tf.function(infer, input_signature=[spec]).get_concrete_function()
