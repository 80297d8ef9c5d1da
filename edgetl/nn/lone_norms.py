"""Batch normalisation that no convolution can take up, in a form that a quantizer knows.

After a convolution, batch normalisation is folded into its weights. After an addition or a concatenation (DenseNet, ResNet V2,
NASNet) there is nothing to fold it into, and tensorflow-model-optimization refuses it. At inference it is a factor and a shift
for each channel: a depthwise 1x1 convolution with a bias, int8 with a scale for each channel, so its weights are exact.

It is rewritten here, just before fake quantization, and not when published weights are loaded: until then the network keeps
its batch normalisation, whose statistics training from scratch needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras

_LEAST = 1e-8
"""Smallest magnitude of a factor: weights of zero would have no range at all."""


def as_depthwise(model: tf_keras.Model) -> tf_keras.Model:
    """Rewrite every batch normalisation that does not follow a convolution of its own.

    Args:
        model: a flat float network; it is left as it is.

    Returns:
        A network of the same function at inference, layers under the same names; the very same when there is none to rewrite.
    """
    lone = {layer.name for layer in model.layers if _is_lone(model, layer)}
    if not lone:
        return model

    def copy(layer: Any) -> Any:
        if layer.name in lone:
            return tf_keras.layers.DepthwiseConv2D(1, name=layer.name)
        return type(layer).from_config(layer.get_config())

    written = tf_keras.models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        twin = written.get_layer(layer.name)
        twin.set_weights(_affine(layer) if layer.name in lone else layer.get_weights())
        twin.trainable = layer.trainable
    return written


def _is_lone(model: tf_keras.Model, layer: Any) -> bool:
    """Whether a layer is a batch normalisation that is not the only reader of a convolution."""
    if not isinstance(layer, tf_keras.layers.BatchNormalization) or len(layer.input.shape) != 4:
        return False
    maker = layer.input._keras_history.layer
    if not isinstance(maker, tf_keras.layers.Conv2D | tf_keras.layers.DepthwiseConv2D):
        return True
    if maker.activation is not tf_keras.activations.linear:
        return True
    return len([node for node in maker.outbound_nodes if node.layer in model.layers]) > 1


def _affine(norm: Any) -> list[np.ndarray]:
    """Kernel (1, 1, channels, 1) and bias (channels,) that do what a batch normalisation does at inference."""
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    gamma = norm.gamma.numpy() if norm.scale else np.ones_like(mean)
    beta = norm.beta.numpy() if norm.center else np.zeros_like(mean)
    factor = gamma / np.sqrt(variance + norm.epsilon)
    factor = np.where(np.abs(factor) < _LEAST, np.where(factor < 0.0, -_LEAST, _LEAST), factor).astype(np.float32)
    return [factor.reshape(1, 1, -1, 1), (beta - mean * factor).astype(np.float32)]
