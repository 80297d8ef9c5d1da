"""One step of an optimizer, with what tf_keras' own do not have: clipping over all gradients, and a rate for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from edgetl.recipe import Phase

_SGD_MOMENTUM = 0.9
_WEIGHT_DECAY = 0.01
"""AdamW's in its paper's reference code (Loshchilov and Hutter, 2019, arXiv:1711.05101)."""


def make(phase: Phase) -> Any:
    """Make the optimizer of a phase.

    Args:
        phase: which, and its settings.

    Returns:
        A tf_keras optimizer, not yet built.
    """
    rate = phase.learning_rate
    if phase.optimizer == "adamw":
        decay = _WEIGHT_DECAY if phase.weight_decay is None else phase.weight_decay
        return tf_keras.optimizers.AdamW(rate, weight_decay=decay)
    if phase.optimizer == "sgd":
        return tf_keras.optimizers.SGD(rate, momentum=_SGD_MOMENTUM if phase.momentum is None else phase.momentum)
    if phase.optimizer == "rmsprop":
        return tf_keras.optimizers.RMSprop(rate, momentum=phase.momentum or 0.0)
    return tf_keras.optimizers.Adam(rate)


def apply(
    optimizer: Any,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
    clip_norm: float | None,
    shares: Mapping[str, float],
) -> None:
    """Do one step.

    A layer's rate cannot be had by scaling its gradient (Adam does not notice that), so what the optimizer did is scaled: each
    of the four moves a variable in proportion to the learning rate.

    Args:
        optimizer: built for these variables, and possibly more.
        gradients: one for each variable; None where the loss does not depend on it.
        variables: what learns.
        clip_norm: most that the gradients' norm may be, over all of them; None = no limit.
        shares: name of a variable → its share of the learning rate; 1 when it is not there.
    """
    pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
    context = tf.distribute.get_replica_context()
    several = context is not None and context.num_replicas_in_sync > 1
    if several:  # before clipping, which must see the whole batch's gradient
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, [g for g, _ in pairs])
        pairs = [(g, v) for g, (_, v) in zip(summed, pairs, strict=True)]
    if clip_norm is not None:
        clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], clip_norm)
        pairs = [(g, v) for g, (_, v) in zip(clipped, pairs, strict=True)]
    slow = [(v, shares[v.name]) for _, v in pairs if shares.get(v.name, 1.0) != 1.0]
    before = [tf.identity(v) for v, _ in slow]
    with tf.control_dependencies(before):
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=several)
    for (variable, share), old in zip(slow, before, strict=True):
        variable.assign(old + share * (variable - old))
