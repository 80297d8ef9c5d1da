"""A whole network that Keras saved, made anew flat, with its own classifier and the preparation of pixels that it needs.

Rescaling and Normalization right behind the image become edgetl's preparation, `(byte - mean) / std`, where one mean and one
deviation say it; else the convolution `normalise`. So the files take what an app computes in one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetl.errors import InputError
from edgetl.nn.saved import endings, hard_gates, keras_file, keras_graph, keras_layers, keras_settings
from edgetl.types import Preprocess

if TYPE_CHECKING:
    from edgetl.nn.saved.endings import Answers
    from edgetl.nn.saved.keras_graph import Node

_LARGEST_INPUT = 16.0
"""Networks are trained on inputs of about one; bytes that come out larger than this were meant to be scaled before."""
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How the network's own input is made from bytes: (byte - mean) / std, one value a channel, RGB."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """What the network is fed: float32 of the pixels' shape.

        Args:
            pixels: uint8 (..., 3).
        """
        values: np.ndarray = (pixels.astype(np.float64) - np.array(self.mean)) / np.array(self.std)
        return values.astype(np.float32)


BYTES = Feed(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was read of a file, before anything is built."""

    nodes: tuple[Node, ...]
    """From the image to the logits."""
    arrays: keras_file.Arrays
    answers: Answers
    doubled: bool
    """One sigmoid was made two classes."""
    classes: int | None
    px: int
    feed: Feed
    preprocess: Preprocess
    normalised: bool
    """A convolution `normalise` does what the preparation cannot say."""
    notes: tuple[str, ...]
    unread: tuple[str, ...]
    """Layers of the file that do not lead to its answers; nobody looked at their settings."""


def plan(path: Path, px: int | None, feed: Feed | None) -> Plan:
    """Read a file and decide how it will be built.

    Args:
        path: a `.keras` or `.h5`.
        px: side of the input, where the file leaves it open.
        feed: how its input is made from bytes; None where Rescaling or Normalization in the network say it.

    Returns:
        All that `build` needs.

    Raises:
        InputError: the file or a layer cannot be used (all layers at once), or something must be said that the file leaves open.
    """
    saved = keras_file.read_config(path)
    kind = saved.get("class_name") if isinstance(saved, dict) else None
    if kind not in keras_graph.NETWORKS:
        raise InputError(
            f"{path.name}: its network is of class {kind!s:.80}, which is code, not a list of layers: nothing can be made anew. "
            "Write it as a functional network, keras.Model(inputs, outputs), for int8; or export it, model.export('folder'), "
            "and convert that folder in a scheme that keeps activations in float (fp32, fp16, w8, w8a8_dynamic)."
        )
    try:
        network = keras_graph.flatten(saved)
        images = [node.name for node in network.nodes.values() if node.kind == "InputLayer"]
        if not network.output:
            also = f" and {len(images)} inputs ({', '.join(images[:8])})" if len(images) > 1 else ""
            raise InputError(
                f"the network has several outputs{also}; save one with the classifier's alone, and with one image: "
                "keras.Model(inputs, output)."
            )
        nodes = network.before(network.output)
        unread = tuple(sorted(set(network.nodes) - {node.name for node in nodes}))
        inputs = [node for node in nodes if node.kind == "InputLayer"]
        if len(inputs) > 1:
            raise InputError(f"the network has {len(inputs)} inputs ({', '.join(n.name for n in inputs)}); one image is wanted.")
        nodes, answers = endings.split(nodes)
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    found = keras_settings.faults(nodes, whole=True)
    if found:
        more = [f"and {len(found) - _SHOWN} more."] if len(found) > _SHOWN else []
        raise InputError(f"{path.name}: layers that cannot be made anew for quantization:", [*found[:_SHOWN], *more])
    half = sorted({policy for node in nodes if (policy := keras_settings.policy(node)).startswith("mixed_")})
    if half:
        raise InputError(
            f"{path.name}: computes in {', '.join(half)}, so its own answers are rounded to half precision and no "
            "file can be held against them. Build it again under keras.mixed_precision.set_global_policy('float32'), give it "
            "these weights (set_weights), and save that."
        )
    arrays = keras_file.read_arrays(path, nodes)
    classes, doubled, notes = endings.width(nodes), False, []
    if classes == 1:
        if answers != "sigmoid":
            raise InputError(f"{path.name}: gives one value without a sigmoid: not the answer of a classifier.")
        nodes, arrays = endings.as_two_classes(nodes, arrays)
        classes, doubled = 2, True
        notes.append("its one sigmoid became two classes: without it, with it")
    elif answers == "logits":
        notes.append("it ends with logits; a softmax was added, which changes no order")
    before = len(nodes)
    nodes, arrays = hard_gates.rewrite(nodes, arrays)
    if len(nodes) < before:
        notes.append(f"{before} layers rewritten as {len(nodes)}: hard-swish as one layer, hard-sigmoid gates as ReLU6")
    if any(len(node.path) > 1 for node in nodes):
        notes.append("its nested networks were flattened")
    side = _side(nodes, px, path.name)
    used, preprocess, plain = _prepared(nodes, arrays, side, feed, path.name, notes)
    return Plan(
        nodes=tuple(nodes), arrays=arrays, answers=answers, doubled=doubled, classes=classes, px=side, feed=used,
        preprocess=preprocess, normalised=not plain, notes=tuple(notes), unread=unread,
    )  # fmt: skip


def build(asked: Plan, name: str) -> Any:
    """Build what was planned.

    Args:
        asked: from `plan`.
        name: of the file, for messages.

    Returns:
        Flat tf_keras model: float32 (N, px, px, 3), prepared as `asked.preprocess` says → float32 (N, classes) logits.

    Raises:
        InputError: weights do not fit, layers do not go together, or the network is no classifier.
    """
    import tf_keras

    mean, std = (np.array(values, np.float64) for values in (asked.feed.mean, asked.feed.std))
    own = asked.preprocess
    first = np.diag(own.std / std), (own.mean - mean) / std
    try:
        model = keras_layers.made(asked.nodes, asked.arrays, asked.px, first)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except ValueError as error:  # Keras' word for shapes that do not go together
        what = " ".join(str(error).split())[:200]
        raise InputError(f"{name}: its layers do not go together at {asked.px} px: {what}.") from error
    shape = tuple(model.output.shape[1:])
    if shape[:2] != (1, 1) or shape[2] < 2:
        raise InputError(f"{name}: gives {shape} for an image; a classifier gives one value a class.")
    free = "vector" if "vector" not in {layer.name for layer in model.layers} else "vector_of_logits"
    return tf_keras.Model(model.input, tf_keras.layers.Flatten(name=free)(model.output), name="network")


def _side(nodes: list[Node], px: int | None, name: str) -> int:
    image = next(node for node in nodes if node.kind == "InputLayer")
    shape = list(image.config.get("batch_shape") or image.config["batch_input_shape"])
    sides = [side for side in shape[1:3] if side is not None]
    if len(set(sides)) > 1:
        raise InputError(f"{name}: takes images of {shape[1]} × {shape[2]}; photos are cut square. Save it with a square input.")
    if not sides and px is None:
        raise InputError(f"{name}: leaves the size of its input open. Say it: --px 224.")
    if sides and px not in (None, sides[0]):
        raise InputError(f"{name}: takes images of {sides[0]} px, --px says {px}. Leave --px out.")
    side = sides[0] if sides else px
    if not isinstance(side, int) or not 8 <= side <= 1024:
        raise InputError(f"{name}: an input of {side!r:.40} px is not from 8 to 1024.")
    return side


def _prepared(
    nodes: list[Node], arrays: keras_file.Arrays, px: int, feed: Feed | None, name: str, notes: list[str]
) -> tuple[Feed, Preprocess, bool]:
    """Decide what is done to a byte outside the network: all of it where one mean and one deviation say it."""
    kinds = [node.kind for node in nodes if node.kind in ("Rescaling", "Normalization")]
    used = feed or BYTES
    mean, std = (np.array(values, np.float64) for values in (used.mean, used.std))
    seen = keras_layers.seen_pixels(nodes, arrays, (np.diag(1.0 / std), -mean / std))
    if seen is None:
        raise InputError(f"{name}: reads the image in several ways, before and after it is rescaled.")
    scale, shift = np.diag(seen[0]), seen[1]
    behind = not np.allclose(scale * std, 1.0) or not np.allclose(shift, -mean / std)
    ends = np.stack([shift, scale * 255.0 + shift])
    if feed is None and (not behind or np.abs(ends).max() > _LARGEST_INPUT):
        raise InputError(f"{name}: {need_of_feed(bool(kinds) and behind, float(ends.min()), float(ends.max()))}")
    if feed is not None and behind and np.ptp(ends) < 0.1:
        notes.append(
            f"it rescales its input itself: as it is fed, its first layer sees {ends.min():.4g} to {ends.max():.4g} only"
        )
    plain = bool(np.allclose(scale, scale[0], rtol=1e-6) and np.allclose(shift, shift[0], rtol=1e-6, atol=1e-9) and scale[0] > 0)
    if plain:
        centre, deviation = _rounded(float(-shift[0] / scale[0])), _rounded(float(1.0 / scale[0]))
        plain = 0.0 <= centre <= 255.0
    if not plain:
        notes.append("a convolution named normalise does what one mean and one deviation cannot say")
        return used, Preprocess(resize_px=px, crop_px=px), False
    return used, Preprocess(resize_px=px, crop_px=px, mean=centre, std=deviation), True


def _rounded(value: float) -> float:
    """Take the noise of float32 constants out of a figure that people will type: 127.50000191 is 127.5."""
    near = round(value, 4)
    return (near if abs(near - value) <= 1e-6 * max(1.0, abs(value)) else value) + 0.0


def need_of_feed(held: bool, low: float = 0.0, high: float = 0.0) -> str:
    """Ask how the network is to be fed.

    Args:
        held: it rescales its input itself, yet not to what networks are trained on.
        low: smallest value that its first layer would see of bytes.
        high: largest one.

    Returns:
        What is missing, and what is usual.
    """
    why = (
        f"fed with bytes, its first layer would see {low:.4g} to {high:.4g}"
        if held
        else "does not say how pixels become its input"
    )
    return (
        f"{why}. Say it: --range 0..1 (byte / 255), -1..1 (byte / 127.5 - 1), 0..255 (the byte), or --mean M --std S "
        "for (byte - M) / S, one number or three (red, green, blue). Usual: MobileNet, Inception, NASNet and most TFLite files "
        "-1..1; models of TensorFlow Hub 0..1; EfficientNet and MobileNetV3 of Keras 0..255 (they rescale inside); torchvision "
        "--mean 123.675,116.28,103.53 --std 58.395,57.12,57.375."
    )
