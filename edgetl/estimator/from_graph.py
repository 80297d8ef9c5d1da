"""A converted file's operators as the layers that the estimator counts.

Input: `GraphFacts` of a TFLite, ONNX or Core ML file. Output: a `Network`. What runtimes fuse into the layer before it (ReLU and
its kin, the quantize and dequantize pairs of ONNX, reshapes that move nothing) is left out, as it is in the tables of published
networks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edgetl.networks._base import Layer, LayerKind, Network

if TYPE_CHECKING:
    from edgetl.graphs._base import GraphFacts, OperatorFacts

_FUSED = {
    "relu", "relu6", "relu_n1_to_1", "relu_0_to_1", "clip", "leakyrelu", "leaky_relu", "prelu", "quantize", "dequantize",
    "quantizelinear", "dequantizelinear", "reshape", "flatten", "squeeze", "unsqueeze", "expand_dims", "identity", "const",
    "constant", "cast", "shape", "batchnormalization", "batch_norm", "batchnorm", "constexpr_affine_dequantize",
    "constexpr_lut_to_dense", "constexpr_sparse_to_dense", "constexpr_blockwise_shift_scale", "densify",
}  # fmt: skip
_POOLS = ("pool", "mean", "reduce_mean", "reducemean", "reduce_max")
_ACTIVATIONS = ("softmax", "logistic", "sigmoid", "hard_swish", "hardswish", "hardsigmoid", "sigmoid_hard", "tanh", "gelu",
"silu",
                "elu", "exp", "log_softmax")  # fmt: skip
_MOVES = ("concat", "pad", "slice", "split", "transpose", "gather", "resize", "upsample", "pack", "tile", "depth_to_space",
          "space_to_depth", "stack")  # fmt: skip


def network_of(facts: GraphFacts) -> Network:
    """Read a graph as a network.

    Args:
        facts: of the file.

    Returns:
        Its layers; `input_px` is the longest side of the first operator's input.
    """
    layers = tuple(layer for layer in map(_layer, facts.operators) if layer is not None)
    shapes = [shape for operator in facts.operators for shape in operator.inputs if len(shape) == 4]
    return Network(layers=layers, input_px=max(_sides(shapes[0])) if shapes else 1)


def _sides(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width, whichever order the axes are in: channels of an image are the odd one out."""
    first, last = shape[1:3], shape[2:4]
    return (first[0], first[1]) if shape[3] <= shape[1] else (last[0], last[1])


def _layer(operator: OperatorFacts) -> Layer | None:
    name = operator.type.lower()
    reads = sum(math.prod(shape) for shape in operator.inputs)
    writes = sum(math.prod(shape) for shape in operator.outputs)
    if operator.macs and operator.kernel:
        return _with_kernel(operator, name, reads, writes)
    if operator.macs:
        return Layer(kind="matmul", macs=operator.macs, inputs=reads, outputs=writes)
    if name in _FUSED:
        return None
    return Layer(kind=_kind(name), inputs=reads, outputs=writes)


def _kind(name: str) -> LayerKind:
    if any(word in name for word in _ACTIVATIONS):
        return "activation"
    if any(word in name for word in _POOLS):
        return "pool"
    if any(word in name for word in _MOVES):
        return "reshape"
    return "elementwise"


def _with_kernel(operator: OperatorFacts, name: str, reads: int, writes: int) -> Layer:
    shape = operator.kernel
    weights = math.prod(shape)
    if len(shape) != 4:
        fan_in = max(1, operator.macs // max(1, writes))
        return Layer(kind="dense", macs=operator.macs, weights=weights, inputs=reads, outputs=writes, fan_in=fan_in)
    if operator.type.isupper():  # TFLite: (out, height, width, in), depthwise (1, height, width, out)
        depthwise = name == "depthwise_conv_2d"
        high, wide, channels = shape[1], shape[2], shape[3] if depthwise else shape[0]
        fan_in = high * wide * (1 if depthwise else shape[3])
    else:  # ONNX and Core ML: (out, in / groups, height, width)
        high, wide, channels = shape[2], shape[3], shape[0]
        fan_in = high * wide * shape[1]
        depthwise = shape[1] == 1 and channels > 1 and _entering(operator, channels) > 1
    entering = channels if depthwise else _entering(operator, fan_in // (high * wide))
    groups = max(1, entering * high * wide // fan_in)
    return Layer(
        kind="depthwise" if depthwise else "conv",
        macs=operator.macs,
        weights=weights,
        inputs=reads,
        outputs=writes,
        kernel=max(high, wide),
        fan_in=fan_in,
        groups=groups,
        channels=channels,
    )


def _entering(operator: OperatorFacts, expected: int) -> int:
    """Channels of the input; `expected` where the shape does not tell."""
    if not operator.inputs or len(operator.inputs[0]) != 4:
        return expected
    shape = operator.inputs[0]
    return shape[3] if operator.type.isupper() else shape[1]
