"""More than one device: all visible GPUs of this machine, or several machines named in `TF_CONFIG`.

Every worker runs the same command in a folder of its own; each batch is divided among them, their gradients are summed, and all
end with the same weights. On one CPU nothing of this happens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from edgetl.errors import InputError
from edgetl.recipe import Distribute, Phase, Recipe


def strategy() -> Any:
    """Choose how to divide the work.

    Returns:
        `MultiWorkerMirroredStrategy` when `TF_CONFIG` names workers, `MirroredStrategy` when there are several GPUs, else
        TensorFlow's default, which divides nothing. Must be called before the first operation.

    Raises:
        InputError: `TF_CONFIG` cannot be read.
    """
    text = os.environ.get("TF_CONFIG")
    if text:
        try:
            workers = json.loads(text)["cluster"]["worker"]
            if not isinstance(workers, list) or not workers:
                raise ValueError("cluster.worker is no list of addresses")
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"TF_CONFIG: cannot be read ({error}). It must be JSON such as "
                '{"cluster": {"worker": ["host1:1234", "host2:1234"]}, "task": {"type": "worker", "index": 0}}; '
                "unset it to train on this machine alone."
            ) from error
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def scaled(recipe: Recipe, replicas: int) -> Recipe:
    """Change batch size and learning rate as the recipe's `distribute` says.

    Args:
        recipe: the recipe.
        replicas: devices that learn together.

    Returns:
        The recipe whose phases hold the size of the whole batch and the rate that goes with it.

    Raises:
        InputError: a phase asks for what cannot be divided.
    """
    if replicas == 1:
        return recipe
    section: Distribute = recipe.distribute
    for phase in recipe.train:
        for name in ("ema", "layer_decay"):
            if getattr(phase, name) != Phase.__dataclass_fields__[name].default:
                raise InputError(
                    f"phase {phase.phase}: {name} does not go with {replicas} devices; leave it out, or train on one."
                )
    size = replicas if section.batch_size == "per_device" else 1
    rate = replicas if section.learning_rate == "linear" else 1
    phases = tuple(
        replace(phase, batch_size=phase.batch_size * size, learning_rate=min(1.0, phase.learning_rate * rate))
        for phase in recipe.train
    )
    return replace(recipe, train=phases)


def divided(parts: Sequence[np.ndarray], moment: np.ndarray) -> list[Any]:
    """Give each device its part of a batch.

    Args:
        parts: arrays of one batch, of the same length.
        moment: int32 (2,), for all alike.

    Returns:
        What `strategy.run` takes: the parts, the moment, and each device's share of the batch (its gradient counts so much).
    """
    current = tf.distribute.get_strategy()
    replicas, count = current.num_replicas_in_sync, len(parts[0])
    edges = [count * number // replicas for number in range(replicas + 1)]

    def of(context: Any, values: np.ndarray) -> Any:
        number = context.replica_id_in_sync_group
        return tf.constant(values[edges[number] : edges[number + 1]])

    def share(context: Any) -> Any:
        number = context.replica_id_in_sync_group
        return tf.constant((edges[number + 1] - edges[number]) / count, tf.float32)

    spread = current.experimental_distribute_values_from_function
    return [*(spread(lambda context, v=values: of(context, v)) for values in parts), tf.constant(moment), spread(share)]
