"""Steps → layers: what runs as one kernel on a phone is one layer, however many operators a format writes it in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edgetl.layers.steps import Grid, Kind, Layer, Step

if TYPE_CHECKING:
    import numpy as np

_PASSED: tuple[Kind, ...] = ("move", "quantize")
"""Steps that give what they are given, but for rounding; they are part of the layer before them."""
_ABSORBED: tuple[Kind, ...] = ("norm", "clip", "quantize", "move", "entry")
_WEIGHTED: tuple[Kind, ...] = ("conv", "dense")


def fuse(steps: Sequence[Step]) -> tuple[Layer, ...]:
    """Put steps together that belong together.

    Args:
        steps: in an order in which they can be run; the first is of kind `input`.

    Returns:
        The layers, in the order of their first steps.
    """
    return _Fusing(steps).layers()


def keras_words(name: str) -> frozenset[str]:
    """Names of Keras layers in a tensor's name: `net/quant_Conv1_relu/Relu6;net/bn_Conv1/Fused` → Conv1_relu, bn_Conv1.

    Args:
        name: of a tensor or operator, as TensorFlow and its converters write them.

    Returns:
        The names, without what quantization-aware training puts before them; empty where there are none.
    """
    found = set()
    for part in name.split(";"):
        scopes = part.removeprefix("PartitionedCall/").split("/")
        if len(scopes) >= 2:
            found.add(scopes[-2].removeprefix("quant_") if len(scopes) == 2 else scopes[1].removeprefix("quant_"))
    return frozenset(re.sub(r":\d+$", "", word) for word in found)


class _Fusing:
    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._readers: dict[str, list[int]] = {}
        for place, step in enumerate(steps):
            for name in dict.fromkeys(step.inputs):
                self._readers.setdefault(name, []).append(place)
        self._used: set[int] = set()
        self._owner: dict[str, int] = {}  # tensor → layer that gives it
        self._pads: dict[str, tuple[int, int, int, int]] = {}
        self._written: dict[str, Grid] = {}  # tensor of integers → what they stand for
        self._taken: dict[int, list[tuple[str, Grid]]] = {}

    def layers(self) -> tuple[Layer, ...]:
        found: list[Layer] = []
        for place, step in enumerate(self._steps):
            if place in self._used:
                continue
            if self._passes(step):
                self._alias(step)
                continue
            found.append(self._layer(place, len(found)))
        return tuple(
            replace(layer, taken=tuple(self._misread(number))) if number in self._taken else layer
            for number, layer in enumerate(found)
        )

    def _passes(self, step: Step) -> bool:
        if len(step.inputs) != 1 or step.inputs[0] not in self._owner:
            return False
        if step.kind == "pad":
            readers = [self._steps[i] for i in self._readers.get(step.output, [])]
            return bool(readers) and all(reader.kind == "conv" for reader in readers)
        return step.kind in _PASSED

    def _alias(self, step: Step) -> None:
        source = step.inputs[0]
        self._owner[step.output] = self._owner[source]
        if step.kind == "pad":
            self._pads[step.output] = step.pads
        elif source in self._pads:
            self._pads[step.output] = self._pads[source]
        self._follow(step, self._owner[source])

    def _follow(self, step: Step, layer: int) -> None:
        """Keep what integers stand for, and see who takes them for something else."""
        written = self._written.get(step.inputs[0]) if step.inputs else None
        if step.kind == "quantize" and not step.leaves and step.grid is not None:
            self._written[step.output] = step.grid
        elif step.leaves and step.grid is not None:
            if written is not None and not _alike(step.grid, written):
                self._taken.setdefault(layer, []).append((step.output, step.grid))
        elif written is not None:
            self._written[step.output] = written

    def _layer(self, place: int, number: int) -> Layer:
        step = self._steps[place]
        chain = [step, *self._chain(place)]
        fields: dict[str, Any] = {key: getattr(step, key) for key in ("strides", "dilations", "groups", "window")}
        kernel, kernel_step, bias, clip, grid, kind = step.kernel, step.kernel_step, step.bias, step.clip, step.grid, step.kind
        for part in chain[0 if kind == "norm" else 1 :]:
            if part.kind == "norm":
                kernel, kernel_step, bias = _folded(kernel, kernel_step, bias, part)
            elif part.kind == "clip" and part.clip is not None:
                clip = part.clip if clip is None else (max(clip[0], part.clip[0]), min(clip[1], part.clip[1]))
            elif part.kind == "quantize" and not part.leaves:
                grid = part.grid
        output = chain[-1].output
        for part in chain:
            self._owner[part.output] = number
            self._follow(part, number)
        pads = step.pads
        for name in step.inputs:
            extra = self._pads.get(name)
            if extra is not None and kind == "conv":
                pads = (pads[0] + extra[0], pads[1] + extra[1], pads[2] + extra[2], pads[3] + extra[3])
        inputs = tuple(self._owner[name] for name in step.inputs if name in self._owner)
        words = frozenset().union(*(keras_words(part.name) | keras_words(part.output) for part in chain))
        return Layer(
            kind=kind, name=step.name, words=words, inputs=inputs, output=output, kernel=kernel, kernel_step=kernel_step,
            bias=bias, clip=clip, grid=grid, pads=pads, **fields,
        )  # fmt: skip

    def _chain(self, place: int) -> Iterator[Step]:
        """Steps that follow one, as long as each is read by nothing else."""
        step, clipped = self._steps[place], self._steps[place].clip is not None
        head = step.kind
        rounded = step.grid is not None
        while True:
            readers = self._readers.get(step.output, [])
            if len(readers) != 1:
                return
            after = self._steps[readers[0]]
            if after.kind not in _ABSORBED or len(after.inputs) != 1 or not self._fits(after, head, clipped, rounded):
                return
            self._used.add(readers[0])
            clipped |= after.kind == "clip"
            rounded |= after.kind == "quantize"
            step = after
            yield step

    @staticmethod
    def _fits(after: Step, head: Kind, clipped: bool, rounded: bool) -> bool:
        if after.kind == "entry":
            return head == "input"
        if after.kind == "norm" and head == "mul":  # x · relu6(x + 3) / 6, as a hard-swish is written
            return after.factor is not None and len(after.factor) == 1 and not clipped and not rounded
        if after.kind == "norm":
            return head in (*_WEIGHTED, "norm") and not clipped and not rounded
        if after.kind == "clip":
            return head not in ("input", "softmax", "concat", "max_pool")
        return not (after.kind == "quantize" and rounded and not after.leaves)  # rounded anew: to be seen as a layer of its own

    def _misread(self, number: int) -> Iterator[tuple[int, Grid]]:
        for tensor, grid in self._taken[number]:
            readers = {self._owner[self._steps[i].output] for i in self._readers.get(tensor, ())} - {number}
            yield from ((reader, grid) for reader in sorted(readers))


def _alike(one: Grid, other: Grid) -> bool:
    near = 0.005  # half precision keeps 11 bits of a scale
    return all(
        abs(a - b) <= near * max(abs(a), abs(b), one.step)
        for a, b in ((one.step, other.step), (one.low, other.low), (one.high, other.high))
    )


def _folded(
    kernel: np.ndarray | None, step: np.ndarray | None, bias: np.ndarray | None, norm: Step
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Fold a factor and an offset for each channel into the weights before it; of none, make a depthwise 1x1 kernel."""
    import numpy as np

    factor, offset = norm.factor, norm.offset
    assert factor is not None and offset is not None
    if kernel is None:
        channels = max(len(factor), len(offset))
        kernel = np.ones((channels, 1, 1, 1), np.float32)
    shape = (-1, 1, 1, 1)
    kernel = (kernel * factor.reshape(shape)).astype(np.float32)
    step = None if step is None else np.abs(np.broadcast_to(step, (len(kernel),)) * factor).astype(np.float32)
    bias = (np.zeros(len(kernel), np.float32) if bias is None else bias) * factor + offset
    return kernel, step, bias.astype(np.float32)
