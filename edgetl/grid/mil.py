"""`Graph` → Core ML: an ML program of iOS 17 whose weights are stored as int8 and whose activations pass quantize/dequantize.

Written by hand because coremltools turns Keras' fake quantization into six float operators each, and its own weight
quantizer rounds to another grid. Activations are NCHW. Arithmetic between the integers is half precision, as the Neural
Engine wants it, save for what it would spoil: layers with a weight scale below its smallest number, averages of even windows
(many are halves, see `operators_mil`), and layers that stay in float, which compute in float32 in the other formats too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.errors import ConversionError
from edgetl.grid import operators_mil
from edgetl.grid.graph import Graph, core
from edgetl.grid.qdq import channels_first

if TYPE_CHECKING:
    import numpy as np

SMALLEST_HALF = 2.0**-14
"""Smallest normal half-precision number; what is smaller loses digits (IEEE 754 binary16)."""
_REWRITES = {
    "common::distributive_quantized_binary_op_scale_normalization",  # changes the scales of additions
    "common::dequantize_quantize_pair_elimination",  # takes a requantization away
}
"""coremltools' passes that would move the network to another grid."""


def write(graph: Graph, output: str, *, half: bool = True) -> tuple[Any, Any]:
    """Write the graph as a MIL program.

    Args:
        graph: an int8 network whose input is a square image.
        output: name of the output; the input is called `image`.
        half: half-precision arithmetic between the integers, where the scales allow it.

    Returns:
        The program for `ct.convert`, and the `compute_precision` to give it.

    Raises:
        ConversionError: an operator that cannot be written, by name.
    """
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb

    first, last, inside = core(graph)
    shape = graph.tensors[first].shape
    if len(shape) != 4:
        raise ConversionError(f"coreml: the input has shape {shape}; must be an image (1, height, width, channels).")

    @mb.program(  # type: ignore[untyped-decorator]
        input_specs=[mb.TensorSpec(shape=(1, shape[3], shape[1], shape[2]))], opset_version=ct.target.iOS17
    )
    def program(image: Any) -> Any:
        writer = Writer(graph)
        writer.settle(image, first, "image")
        for index in inside:
            operators_mil.write(writer, index)
        return writer.real(last, output, name=output)

    floats = [graph.stem(i) for i in inside if not all(graph.tensors[t].quantized for t in _ends(graph, i))]
    floats += [graph.stem(i) for i in inside if operators_mil.averages_halves(graph, graph.operators[i])]
    precision = ct.precision.FLOAT32
    if half:
        precision = ct.transform.FP16ComputePrecision(op_selector=lambda o: _fits_half(o) and not _is_of(o, floats))
    return program, precision


def passes() -> Any:
    """The pipeline of passes for `ct.convert`: coremltools' own without those that would change the grid."""
    import coremltools as ct

    pipeline = ct.PassPipeline.DEFAULT
    pipeline.remove_passes(_REWRITES)
    return pipeline


def _ends(graph: Graph, index: int) -> tuple[int, int]:
    """First input and output of an operator."""
    return graph.operators[index].inputs[0], graph.operators[index].outputs[0]


def _is_of(operation: Any, stems: list[str]) -> bool:
    """Whether an operation was written for one of some operators: named after it, or reading for it."""
    return any(f"{operation.name}_".startswith(f"{stem}_") or operation.name.endswith(f"_for_{stem}") for stem in stems)


def _fits_half(operation: Any) -> bool:
    """Whether half precision can hold the scales that an operation reads."""
    import numpy as np

    for value in operation.inputs.values():
        for var in value if isinstance(value, list | tuple) else [value]:
            source = operation if operation.op_type == "constexpr_affine_dequantize" else getattr(var, "op", None)
            if source is not None and source.op_type == "constexpr_affine_dequantize":
                scale = np.abs(np.asarray(source.inputs["scale"].val))
                if scale.min() < SMALLEST_HALF:
                    return False
    return True


class Writer:
    """Builds operations inside a `mb.program` function."""

    def __init__(self, graph: Graph) -> None:
        """Start with nothing."""
        self.graph = graph
        self.values: dict[int, Any] = {}
        """Tensor → variable of its integers, or of its real numbers where it stays in float; rank 4 in NCHW."""

    def real(self, tensor: int, reader: str, name: str | None = None) -> Any:
        """Dequantize an activation that is not real already, or a constant one, for one reader."""
        import numpy as np
        from coremltools.converters.mil import Builder as mb

        spec = self.graph.tensors[tensor]
        if tensor not in self.values:
            if spec.data is None:
                raise ConversionError(f"coreml: {reader} reads a tensor that nothing computes: {spec.name}.")
            return self.weight(tensor, f"{reader}_constant", channels_first(spec.data))
        if not spec.quantized:
            return self.values[tensor]
        return mb.dequantize(
            input=self.values[tensor],
            scale=np.float32(spec.step),
            zero_point=np.int8(spec.zero),
            name=name or f"{self.values[tensor].name}_for_{reader}",
        )

    def weight(self, tensor: int, name: str, data: np.ndarray) -> Any:
        """Add an int8 constant with its scales along axis 0, or a float one."""
        import numpy as np
        from coremltools.converters.mil import Builder as mb

        spec = self.graph.tensors[tensor]
        if not spec.quantized:
            return mb.const(val=np.ascontiguousarray(data), name=name)
        assert spec.scale is not None and spec.zero_point is not None
        if len(set(spec.zero_point.tolist())) > 1:
            raise ConversionError(f"coreml: {name} has a zero point for each channel; one for all can be written.")
        scalar = len(spec.scale) == 1
        return mb.constexpr_affine_dequantize(
            quantized_data=np.ascontiguousarray(data),
            zero_point=spec.zero_point[0].astype(spec.dtype),
            scale=spec.scale.reshape(() if scalar else -1),
            axis=0,
            name=name,
        )

    def settle(self, value: Any, tensor: int, name: str) -> None:
        """Quantize a float value into the tensor it stands for, unless that is real too."""
        import numpy as np
        from coremltools.converters.mil import Builder as mb

        spec = self.graph.tensors[tensor]
        if not spec.quantized:
            self.values[tensor] = value
            return
        self.values[tensor] = mb.quantize(
            input=value,
            scale=np.float32(spec.step),
            zero_point=np.int8(spec.zero),
            output_dtype="int8",
            name=f"{name}_q",
        )
