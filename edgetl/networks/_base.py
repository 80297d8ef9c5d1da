"""A network as a list of layers with their work and traffic, drawn without any framework.

`Drawing` follows one image through a network and writes down each layer. Sizes are counts of elements, not bytes: how many
bytes an element has is the precision's affair. Multiply-accumulates count kernels only (the convention of papers).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from edgetl.errors import InputError

LayerKind = Literal["conv", "depthwise", "dense", "matmul", "pool", "elementwise", "activation", "reshape"]
"""`conv`: any convolution that is not depthwise, grouped ones included. `matmul`: two activations are multiplied (attention).
`elementwise`: additions, products, norms. `activation`: one that runtimes do not fuse into the layer before (hard-swish, swish,
sigmoid, gelu, softmax). `reshape`: concatenation, slice, shuffle, resize, pad: only moves data."""

Shape = tuple[int, int, int]
"""Height, width, channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer, for one image."""

    kind: LayerKind
    macs: int = 0
    """Multiply-accumulates."""
    weights: int = 0
    """Elements of kernel and bias."""
    inputs: int
    """Elements of activations that it reads."""
    outputs: int
    """Elements of activations that it writes."""
    kernel: int = 1
    """Longer side of the kernel in pixels."""
    stride: int = 1
    fan_in: int = 0
    """Products that make one output: kernel height x width x channels of a group."""
    groups: int = 1
    """Groups of channels; as many as channels where it is depthwise."""
    channels: int = 0
    """Channels of the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """All layers of a network, in order."""

    layers: tuple[Layer, ...]
    input_px: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Elements of all kernels and biases (batch normalisation folded into them)."""
        return sum(layer.weights for layer in self.layers)


class NetworkModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def PAPER(self) -> str:
        """Where the layers were read: paper, and implementation where it decides."""

    @property
    def MODELS(self) -> Mapping[str, int]:
        """Name of each member as in devices/measurements, and its usual input side in pixels. No other family has the name."""

    @property
    def WIDTHS(self) -> Mapping[str, tuple[float, ...]]:
        """Members that come in other widths than 1.0, and in which; () is any width."""

    def draw(self, model: str, alpha: float, px: int) -> Drawing:
        """Follow an image of px x px through a member of width `alpha`.

        Raises:
            InputError: the image is too small.
        """


def divisible(value: float, by: int = 8) -> int:
    """Round channels to a multiple, never below nine tenths of what was asked. Source: TF-slim, `_make_divisible`."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


class Drawing:
    """A network being drawn: `shape` is where the image is, `layers` what it went through."""

    def __init__(self, px: int, channels: int = 3) -> None:
        """Begin at the input.

        Args:
            px: side of the square image.
            channels: of the image.
        """
        self.px, self.shape = px, (px, px, channels)
        self.layers: list[Layer] = []

    def network(self) -> Network:
        """Finish."""
        return Network(layers=tuple(self.layers), input_px=self.px)

    @property
    def elements(self) -> int:
        """Elements of the activation where the image is."""
        return math.prod(self.shape)

    def conv(
        self,
        channels: int,
        kernel: int | tuple[int, int] = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        valid: bool = False,
        pad: int | None = None,
        act: str = "",
        bias: bool = True,
    ) -> None:
        """Convolve, batch normalisation folded in.

        Args:
            channels: of the output.
            kernel: side in pixels, or (height, width).
            stride: in pixels.
            groups: of channels; as many as there are in and out makes it depthwise.
            valid: no padding; else as much as keeps the size at stride 1 (TensorFlow's "same": sizes are rounded up).
            pad: pixels on each side, where that is neither (PyTorch).
            act: "" or "relu" are free; others are a layer of their own, see `activate`.
            bias: whether there is one once batch normalisation is folded in.
        """
        high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
        height, width, entering = self.shape
        out = (
            _size(height, high, stride, valid, pad),
            _size(width, wide, stride, valid, pad),
            channels,
        )
        fan_in = high * wide * entering // groups
        self._add(
            out,
            kind="depthwise" if groups == entering and groups > 1 else "conv",
            macs=math.prod(out) * fan_in,
            weights=channels * (fan_in + bias),
            kernel=max(high, wide),
            stride=stride,
            fan_in=fan_in,
            groups=groups,
        )
        self.activate(act)

    def depthwise(self, kernel: int, stride: int = 1, *, valid: bool = False, act: str = "") -> None:
        """Convolve each channel by itself."""
        self.conv(self.shape[2], kernel, stride, groups=self.shape[2], valid=valid, act=act)

    def dense(self, units: int, *, tokens: int = 1, act: str = "") -> None:
        """Multiply by a matrix; what is there is flattened into `tokens` vectors."""
        fan_in = self.elements // tokens
        self._add((1, tokens, units), kind="dense", macs=tokens * fan_in * units, weights=units * (fan_in + 1), fan_in=fan_in)
        self.activate(act)

    def matmul(self, macs: int, out: Shape, *, reads: int | None = None) -> None:
        """Multiply two activations, as attention does; `reads` elements are read (where not all that is there)."""
        self._add(out, kind="matmul", macs=macs, reads=reads)

    def pool(
        self, kernel: int, stride: int | None = None, *, valid: bool = False, pad: int | None = None, ceil: bool = False
    ) -> None:
        """Take the maximum or average of windows."""
        step = stride or kernel
        height, width, channels = self.shape
        sizes = [_size(s, kernel, step, valid, pad, ceil) for s in (height, width)]
        self._add((sizes[0], sizes[1], channels), kind="pool", kernel=kernel, stride=step)

    def global_pool(self) -> None:
        """Average over all places."""
        self._add((1, 1, self.shape[2]), kind="pool", kernel=max(self.shape[:2]))

    def activate(self, act: str) -> None:
        """Apply an activation: "" and "relu" (and its clipped kin) are fused and free; "swish" is a sigmoid and a product."""
        if act in ("", "relu"):
            return
        self._add(self.shape, kind="activation")
        if act == "swish":
            self.combine()

    def combine(self, *, others: int = 1) -> None:
        """Add or multiply with `others` activations of the same shape."""
        self._add(self.shape, kind="elementwise", reads=self.elements * (1 + others))

    def scale(self) -> None:
        """Multiply each channel by a number of its own (the end of squeeze-and-excite)."""
        self._add(self.shape, kind="elementwise", reads=self.elements + self.shape[2])

    def add_constant(self, weights: int) -> None:
        """Add learned numbers, `weights` of them, repeated where that is fewer (positions, biases of attention)."""
        self._add(self.shape, kind="elementwise", weights=weights, reads=self.elements + weights)

    def norm(self) -> None:
        """Normalise over channels in the running network (layer norm): several passes, counted as one layer."""
        self._add(self.shape, kind="elementwise", weights=2 * self.shape[2])

    def move(self, shape: Shape | None = None) -> None:
        """Copy into another shape or order: slice, shuffle, transpose, resize, pad."""
        self._add(shape or self.shape, kind="reshape")

    def concatenate(self, shape: Shape) -> None:
        """Copy several activations, which are as large as `shape` together, into one."""
        self._add(shape, kind="reshape", reads=math.prod(shape))

    def squeeze_excite(self, squeezed: int, *, act: str = "relu", gate: str = "sigmoid") -> None:
        """Weigh each channel by what the whole picture says: mean, two 1x1 convolutions, gate, product."""
        shape = self.shape
        self.global_pool()
        self.conv(squeezed, act=act)
        self.conv(shape[2])
        self.activate(gate)
        self.shape = shape
        self.scale()

    def _add(
        self,
        out: Shape,
        *,
        kind: LayerKind,
        macs: int = 0,
        weights: int = 0,
        kernel: int = 1,
        stride: int = 1,
        fan_in: int = 0,
        groups: int = 1,
        reads: int | None = None,
    ) -> None:
        if min(out) < 1:
            raise InputError(f"input of {self.px} px: too small for this network. Give a larger one.")
        self.layers.append(
            Layer(
                kind=kind,
                macs=macs,
                weights=weights,
                inputs=self.elements if reads is None else reads,
                outputs=math.prod(out),
                kernel=kernel,
                stride=stride,
                fan_in=fan_in,
                groups=groups,
                channels=out[2],
            )
        )
        self.shape = out


def _size(size: int, kernel: int, stride: int, valid: bool, pad: int | None, ceil: bool = False) -> int:
    """Length of an output axis."""
    if pad is not None:
        span = size + 2 * pad - kernel
        return (-(-span // stride) if ceil else span // stride) + 1
    if valid:
        return (-(-(size - kernel) // stride) if ceil else (size - kernel) // stride) + 1
    return -(-size // stride)
