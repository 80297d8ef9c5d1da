"""What a network computes, one step at a time, in terms that all formats share (NHWC, OHWI kernels, real numbers)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Kind = Literal[
    "input", "entry", "conv", "dense", "norm", "clip", "quantize", "move", "pad", "add", "mul", "mean", "max_pool", "mean_pool",
    "concat", "softmax", "other",
]  # fmt: skip
"""`entry`: normalises pixels, part of the input. `norm`: a factor and an offset for each channel. `move`: changes no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Integers that stand for real numbers: a step, and the first and last number that can be said."""

    step: float
    low: float
    high: float

    @classmethod
    def of(cls, scale: float, zero_point: int, limits: tuple[int, int]) -> Grid:
        """Make it from an integer type's terms.

        Args:
            scale: real size of one step.
            zero_point: integer that stands for 0.0.
            limits: smallest and largest integer.

        Returns:
            The grid.
        """
        return cls(step=scale, low=(limits[0] - zero_point) * scale, high=(limits[1] - zero_point) * scale)

    def round(self, values: np.ndarray) -> np.ndarray:
        """Bring real numbers to the nearest one on the grid; float32, the same shape."""
        import numpy as np

        steps = np.rint((np.clip(values, self.low, self.high) - self.low) / self.step)
        return np.asarray(steps * self.step + self.low, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is computed, by one operator or by several that belong together."""

    kind: Kind
    name: str
    """The (first) operator's, or its output's where operators have none."""
    output: str
    """Tensor that holds what it gives."""
    kernel: np.ndarray | None = None
    """float32 (out, height, width, in / groups); of a dense layer (out, 1, 1, in); of a product a factor, (1, 1, 1, 1)."""
    kernel_step: np.ndarray | None = None
    """float32 (out,), the size of one integer of each output channel's weights; None where they are no integers."""
    bias: np.ndarray | None = None
    """float32 (out,)."""
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Zeros above, left, below, right."""
    groups: int = 1
    window: tuple[int, int] = (1, 1)
    """Of a pooling."""
    clip: tuple[float, float] | None = None
    grid: Grid | None = None
    """What its output is rounded to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Work):
    """One operator. Tensors go by the names they have in the file."""

    inputs: tuple[str, ...]
    """What it reads that depends on the image."""
    factor: np.ndarray | None = None
    """Of a norm: float32 (1,) or (channels,)."""
    offset: np.ndarray | None = None
    leaves: bool = False
    """A quantize step that turns integers back into real numbers; `grid` is what it takes them for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer(Work):
    """Steps that belong together: a convolution with its bias, normalisation folded in, activation and rounding."""

    words: frozenset[str]
    """Names of Keras layers that its steps carry."""
    inputs: tuple[int, ...]
    """Layers that it reads, by their place."""
    taken: tuple[tuple[int, Grid], ...] = ()
    """Readers that take this layer's integers for other numbers than it wrote: reader's place, and what it takes them for."""

    @property
    def depthwise(self) -> bool:
        """Whether each channel is computed from one channel."""
        return self.kind == "conv" and self.kernel is not None and self.groups > 1 and self.kernel.shape[3] == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A network, and what each of its layers gave."""

    title: str
    """What it is, for people: "TFLite w8a8_qat.tflite"."""
    layers: tuple[Layer, ...]
    """In an order in which they can be run; the first is the input."""
    values: tuple[np.ndarray, ...]
    """Of each layer, float32 (images, height, width, channels) or (images, channels)."""

    def macs(self, place: int) -> int:
        """Multiply-accumulates of one layer for one image."""
        kernel = self.layers[place].kernel
        if kernel is None or self.layers[place].kind not in ("conv", "dense"):
            return 0
        out = self.values[place]
        return int(out[0].size) * int(kernel[0].size)
