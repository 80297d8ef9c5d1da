"""Hard-swish on a grid: the copy of LiteRT's kernel is LiteRT's kernel, and a settled range makes all runtimes agree."""

import numpy as np
import pytest

from edgetl.nn.half_steps import widened
from edgetl.nn.swish_ranges import _WIDENING, _grid, agrees, fixed_point


def _litert(step, zero, out_step, out_zero):
    """All 256 inputs through one HARD_SWISH operator of LiteRT."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    tensors = []
    for name, scale, zero_point in ((b"x", step, zero), (b"y", out_step, out_zero)):
        tensor, table = schema.TensorT(), schema.QuantizationParametersT()
        table.scale, table.zeroPoint = [scale], [zero_point]
        tensor.name, tensor.shape, tensor.type, tensor.buffer, tensor.quantization = (
            name,
            [1, 256],
            schema.TensorType.INT8,
            0,
            table,
        )
        tensors.append(tensor)
    operator, code, graph, model = schema.OperatorT(), schema.OperatorCodeT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.HARD_SWISH
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0], [1], [operator]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()))
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.arange(-128, 128, dtype=np.int8)[None])
    interpreter.invoke()
    return interpreter.get_tensor(1)[0].astype(np.int64)


GRIDS = [
    (0.336449, -24, 0.200853, -126),
    (0.184, -34, 0.117, -125),
    (0.02, 3, 0.01, -90),
    (1.5, -100, 1.4, -127),
    (0.05, 127, 0.02, 100),
]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_copy_of_the_kernel_is_the_kernel(grid):
    assert np.array_equal(fixed_point(*grid), _litert(*grid))


def test_random_grids_too():
    rng = np.random.default_rng(0)
    for _ in range(100):
        step = float(rng.uniform(0.005, 2))
        grid = (step, int(rng.integers(-128, 128)), step * float(rng.uniform(0.2, 3)), int(rng.integers(-128, 128)))
        assert np.array_equal(fixed_point(*grid), _litert(*grid)), grid


def test_nearly_every_range_can_be_settled():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        high = float(rng.uniform(2, 60))
        source = _grid((-high * float(rng.uniform(0.5, 1.5)), high))
        found.append(any(agrees(*source, *_grid(limits)) for limits in widened((-0.375, high), _WIDENING)))
    assert np.mean(found) > 0.95


def test_a_grid_on_which_runtimes_part_is_not_settled():
    step, zero, out_step, out_zero = GRIDS[0]
    exact = (np.arange(-128, 128) - zero) * step
    exact = np.clip(np.rint(exact * np.clip(exact + 3, 0, 6) / 6 / out_step) + out_zero, -128, 127)
    assert (exact != fixed_point(*GRIDS[0])).sum() == 2
    assert not agrees(*GRIDS[0])
