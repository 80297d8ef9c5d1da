"""Blocks that several families are made of: branches, inverted residuals, transformers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgetl.networks._base import Drawing


def branched(net: Drawing, *paths: Callable[[], object]) -> None:
    """Draw several paths from where the image is, and concatenate what they give."""
    start, channels = net.shape, 0
    for path in paths:
        net.shape = start
        path()
        channels += net.shape[2]
    net.concatenate((*net.shape[:2], channels))


def inverted_residual(
    net: Drawing,
    leaving: int,
    *,
    within: int,
    kernel: int = 3,
    stride: int = 1,
    act: str = "relu",
    squeezed: int = 0,
    squeeze_act: str = "relu",
    gate: str = "sigmoid",
    add: bool = True,
) -> None:
    """Widen, filter each channel, weigh, narrow; add what came in where the shape is the same.

    Args:
        net: where to draw.
        leaving: channels at the end.
        within: channels in the middle; as many as come in: nothing is widened.
        kernel: of the depthwise convolution, side in pixels.
        stride: in pixels.
        act: after the first two convolutions.
        squeezed: channels in the middle of squeeze-and-excite; 0: there is none.
        squeeze_act: its activation.
        gate: its gate.
        add: whether there is a shortcut at all.
    """
    entering = net.shape
    if within != entering[2]:
        net.conv(within, act=act)
    net.depthwise(kernel, stride, act=act)
    if squeezed:
        net.squeeze_excite(squeezed, act=squeeze_act, gate=gate)
    net.conv(leaving)
    if add and stride == 1 and net.shape == entering:
        net.combine()


def linear(net: Drawing, units: int, act: str = "") -> None:
    """Multiply the channels of each place by a matrix."""
    height, width, _ = net.shape
    net.dense(units, tokens=height * width)
    net.shape = (height, width, units)
    net.activate(act)


def attention(
    net: Drawing, heads: int, *, window: int = 0, qk: int = 0, value: int = 0, biased: bool = False, act: str = ""
) -> None:
    """Let each place look at all others, or at those of its window.

    Args:
        net: where to draw.
        heads: attention maps.
        window: places that each place looks at; 0: all.
        qk: channels of queries, and of keys, all heads together; 0: as many as come in.
        value: channels of values; 0: as many as come in.
        biased: whether a learned bias is added to the maps.
        act: before the last matrix.
    """
    height, width, channels = net.shape
    places, qk, value = height * width, qk or channels, value or channels
    seen = window or places
    linear(net, 2 * qk + value)
    net.move()
    net.matmul(places * seen * qk, (heads, places, seen), reads=2 * places * qk)
    if biased:
        net.add_constant(heads * seen * seen)
    net.activate("softmax")
    net.matmul(places * seen * value, (height, width, value), reads=heads * places * seen + places * value)
    net.move()
    net.activate(act)
    linear(net, channels)


def transformer(net: Drawing, heads: int, hidden: int, *, window: int = 0, biased: bool = False, act: str = "gelu") -> None:
    """Attention, then two matrices at each place, each behind a norm and beside a shortcut.

    Args:
        net: where to draw.
        heads: attention maps.
        hidden: channels between the two matrices.
        window: places that each place looks at; 0: all.
        biased: whether a learned bias is added to the maps.
        act: between the two matrices.
    """
    channels = net.shape[2]
    net.norm()
    attention(net, heads, window=window, biased=biased)
    net.combine()
    net.norm()
    linear(net, hidden, act)
    linear(net, channels)
    net.combine()


def fused_residual(net: Drawing, leaving: int, *, within: int, kernel: int = 3, stride: int = 1, act: str = "relu") -> None:
    """Widen with a full convolution, narrow; one convolution where nothing is widened; add what came in if it fits.

    Args:
        net: where to draw.
        leaving: channels at the end.
        within: channels in the middle.
        kernel: of the first convolution, side in pixels.
        stride: in pixels.
        act: after it.
    """
    entering = net.shape
    if within == entering[2]:
        net.conv(leaving, kernel, stride, act=act)
    else:
        net.conv(within, kernel, stride, act=act)
        net.conv(leaving)
    if stride == 1 and net.shape == entering:
        net.combine()


def scaled_shortcut(net: Drawing) -> None:
    """Scale each channel by a learned number, add what came in."""
    net.add_constant(net.shape[2])
    net.combine()


def two_heads(net: Drawing) -> None:
    """Two classifiers on the pooled features, the second one distilled; their mean."""
    features = net.shape
    net.dense(1000)
    net.shape = features
    net.dense(1000)
    net.combine()
    net.activate("softmax")


def shared(net: Drawing, since: int) -> None:
    """Count no weights for the layers from number `since` on: they use those of layers before."""
    net.layers[since:] = [replace(layer, weights=0) for layer in net.layers[since:]]
