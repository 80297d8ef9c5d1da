"""Quantization-aware training as tensorflow-model-optimization does it out of the box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers._base import Material

WEIGHTS = "stock_qat.npz"


def train(material: Material) -> None:
    """Train the whole network with simulated rounding; epochs, learning rate and batch size are the recipe's.

    Args:
        material: the float network and the training split; receives the trained weights.
    """
    import numpy as np
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(material.seed)
    model = _network(material)
    pixels, labels = material.split("train")
    model.compile(
        optimizer=tf_keras.optimizers.Adam(material.learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    images = tf.data.Dataset.from_tensor_slices((np.asarray(pixels), labels)).shuffle(len(labels), seed=material.seed)
    images = images.batch(material.batch_size).map(lambda x, y: ((tf.cast(x, tf.float32) - material.mean) / material.std, y))
    model.fit(images, epochs=material.epochs, verbose=0)
    np.savez(Path(material.folder) / WEIGHTS, **{str(i): w for i, w in enumerate(model.get_weights())})


def trained(material: Material) -> Any:
    """Load what `train` left.

    Args:
        material: the float network.

    Returns:
        tf_keras model with fake quantization, float32 (N, px, px, 3) → softmax.
    """
    import numpy as np

    model = _network(material)
    with np.load(Path(material.folder) / WEIGHTS, allow_pickle=False) as file:
        model.set_weights([file[str(i)] for i in range(len(file.files))])
    return model


def _network(material: Material) -> Any:
    import tensorflow_model_optimization as tfmot

    return tfmot.quantization.keras.quantize_model(material.network())
