"""MIL's operations that move values in ONNX, and resizing. Moving rounds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetl.grid.mil_lowering import Lowering, Way, given, integers, refuse

if TYPE_CHECKING:
    import numpy as np

_END = 2**31 - 1


def _reshape(low: Lowering, operation: Any) -> str:
    """`reshape`, `expand_dims`, `squeeze`, `flatten2d`: the shape that coremltools worked out is the shape."""
    return low.emit("Reshape", [low.read(operation.inputs["x"]), low.numbers(*map(int, operation.outputs[0].shape))])


def _transpose(low: Lowering, operation: Any) -> str:
    rank = len(operation.inputs["x"].shape)
    return low.emit("Transpose", [low.read(operation.inputs["x"])], perm=[a % rank for a in integers(operation, "perm")])


def _concat(low: Lowering, operation: Any) -> str:
    if bool(given(operation, "interleave", False)):
        raise refuse("interleave is not known")
    values = [low.read(v) for v in operation.inputs["values"]]
    return low.emit("Concat", values, axis=int(given(operation, "axis")))


def _stack(low: Lowering, operation: Any) -> str:
    axis = int(given(operation, "axis"))
    rank = len(operation.outputs[0].shape)
    values = [low.emit("Unsqueeze", [low.read(v), low.numbers(axis % rank)]) for v in operation.inputs["values"]]
    return low.emit("Concat", values, axis=axis % rank)


def _split(low: Lowering, operation: Any) -> list[str]:
    axis = int(given(operation, "axis")) % len(operation.inputs["x"].shape)
    sizes = [int(v.shape[axis]) for v in operation.outputs]
    first = low.emit("Split", [low.read(operation.inputs["x"]), low.numbers(*sizes)], outputs=len(sizes), axis=axis)
    return [first, *(f"{first}_{i}" for i in range(1, len(sizes)))]


def _slice_by_index(low: Lowering, operation: Any) -> str:
    shape = operation.inputs["x"].shape
    rank = len(shape)
    begin, end = integers(operation, "begin"), integers(operation, "end")
    stride = integers(operation, "stride", [1] * rank)
    masks = {place: integers(operation, f"{place}_mask", [0] * rank) for place in ("begin", "end", "squeeze")}
    for axis in range(rank):
        if masks["squeeze"][axis]:
            at = begin[axis] % shape[axis]
            begin[axis], end[axis], stride[axis] = at, at + 1, 1
            continue
        if masks["begin"][axis]:
            begin[axis] = 0 if stride[axis] > 0 else shape[axis] - 1
        if masks["end"][axis]:
            end[axis] = _END if stride[axis] > 0 else -_END
    parts = [low.numbers(*begin), low.numbers(*end), low.numbers(*range(rank)), low.numbers(*stride)]
    cut = low.emit("Slice", [low.read(operation.inputs["x"]), *parts])
    return low.emit("Reshape", [cut, low.numbers(*map(int, operation.outputs[0].shape))]) if any(masks["squeeze"]) else cut


def _slice_by_size(low: Lowering, operation: Any) -> str:
    begin = integers(operation, "begin")
    end = [b + int(n) for b, n in zip(begin, operation.outputs[0].shape, strict=True)]
    parts = [low.numbers(*begin), low.numbers(*end), low.numbers(*range(len(begin)))]
    return low.emit("Slice", [low.read(operation.inputs["x"]), *parts])


def _pad(low: Lowering, operation: Any) -> str:
    pads, mode = integers(operation, "pad"), given(operation, "mode", "constant")
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
    if mode not in modes:
        raise refuse(f"mode {mode} is not known")
    rank = len(operation.inputs["x"].shape)
    axes = range(rank - len(pads) // 2, rank)
    inputs = [low.read(operation.inputs["x"]), low.numbers(*pads[0::2], *pads[1::2])]
    fill = low.real(float(given(operation, "constant_val", 0.0))) if mode == "constant" else ""
    return low.emit("Pad", [*inputs, fill, low.numbers(*axes)], mode=modes[mode])


def _tile(low: Lowering, operation: Any) -> str:
    return low.emit("Tile", [low.read(operation.inputs["x"]), low.numbers(*integers(operation, "reps"))])


def _reverse(low: Lowering, operation: Any) -> str:
    rank = len(operation.inputs["x"].shape)
    axes = [a % rank for a in integers(operation, "axes", range(rank))]
    ends = [low.numbers(*[value] * len(axes)) for value in (-1, -_END)]
    parts = [*ends, low.numbers(*axes), low.numbers(*[-1] * len(axes))]
    return low.emit("Slice", [low.read(operation.inputs["x"]), *parts])


def _gather(low: Lowering, operation: Any) -> str:
    if int(given(operation, "batch_dims", 0)):
        raise refuse("batch_dims is not known")
    indices = _index(low, operation)
    return low.emit("Gather", [low.read(operation.inputs["x"]), indices], axis=int(given(operation, "axis", 0)))


def _gather_along_axis(low: Lowering, operation: Any) -> str:
    axis = int(given(operation, "axis", 0))
    return low.emit("GatherElements", [low.read(operation.inputs["x"]), _index(low, operation)], axis=axis)


def _index(low: Lowering, operation: Any) -> str:
    from onnx import TensorProto

    return low.emit("Cast", [low.read(operation.inputs["indices"])], to=TensorProto.INT64)


def _blocks(kind: str, place: str, **attributes: Any) -> Any:
    def write(low: Lowering, operation: Any) -> str:
        return low.emit(kind, [low.read(operation.inputs["x"])], blocksize=int(given(operation, place)), **attributes)

    return write


def _crop(low: Lowering, operation: Any) -> str:
    shape = operation.inputs["x"].shape
    rank = len(shape)
    cuts = [integers(operation, place, [0, 0]) for place in ("crop_height", "crop_width")]
    begin, end = [c[0] for c in cuts], [int(n) - c[1] for c, n in zip(cuts, shape[-2:], strict=True)]
    return low.emit(
        "Slice", [low.read(operation.inputs["x"]), low.numbers(*begin), low.numbers(*end), low.numbers(rank - 2, rank - 1)]
    )


def _nearest(low: Lowering, operation: Any) -> str:
    import numpy as np

    value = low.read(operation.inputs["x"])
    rank = len(operation.inputs["x"].shape)
    for axis in (rank - 2, rank - 1):
        count, out = (int(v.shape[axis]) for v in (operation.inputs["x"], operation.outputs[0]))
        if out % count:
            raise refuse(f"nearest neighbours of {count} places at {out} are not known; a multiple is")
        if out != count:
            value = low.emit("Gather", [value, low.constant(np.arange(out) // (out // count))], axis=axis)
    return value


def _bilinear(low: Lowering, operation: Any) -> str:
    """Linear interpolation along height and width, as products with constant matrices."""
    value = low.read(operation.inputs["x"])
    rank = len(operation.inputs["x"].shape)
    if operation.op_type == "upsample_bilinear":
        mode = "STRICT_ALIGN_CORNERS" if bool(given(operation, "align_corners", True)) else "UNALIGN_CORNERS"
    else:
        mode = str(given(operation, "sampling_mode", "DEFAULT"))
    rows, columns = (
        _interpolation(int(operation.inputs["x"].shape[axis]), int(operation.outputs[0].shape[axis]), mode)
        for axis in (rank - 2, rank - 1)
    )
    return low.emit("MatMul", [low.constant(rows), low.emit("MatMul", [value, low.constant(columns.T)])])


def _interpolation(count: int, out: int, mode: str) -> np.ndarray:
    """Weights of `count` places in each of `out` places, float32 (out, count).

    Source: coremltools, MIL ops `resize_bilinear` and `upsample_bilinear`, their notes on grid points.
    """
    import numpy as np

    steps, last = np.arange(out, dtype=np.float64), max(out - 1, 1)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        points = steps * (count - 1) / last
        if mode == "ALIGN_CORNERS" and out == 1:
            points = np.array([(count - 1) / 2])
    elif mode == "DEFAULT":
        points = steps * (count - count / out) / last
    elif mode == "OFFSET_CORNERS":
        delta = max(1, count - 1) / out
        points = 0.5 * delta + steps * delta
    elif mode == "UNALIGN_CORNERS":
        points = (steps + 0.5) * count / out - 0.5
    else:
        raise refuse(f"sampling_mode {mode} is not known")
    points = np.clip(points, 0, count - 1)
    low = np.floor(points).astype(int)
    high, share = np.minimum(low + 1, count - 1), points - low
    weights = np.zeros((out, count))
    np.add.at(weights, (np.arange(out), low), 1 - share)
    np.add.at(weights, (np.arange(out), high), share)
    return weights.astype(np.float32)


WAYS = {
    **{name: Way(write=_reshape, exact=True) for name in ("reshape", "expand_dims", "squeeze", "flatten2d")},
    "transpose": Way(write=_transpose, exact=True),
    "concat": Way(write=_concat, exact=True),
    "stack": Way(write=_stack, exact=True),
    "split": Way(write=_split, exact=True),
    "slice_by_index": Way(write=_slice_by_index, exact=True),
    "slice_by_size": Way(write=_slice_by_size, exact=True),
    "pad": Way(write=_pad, exact=True),
    "tile": Way(write=_tile, exact=True),
    "reverse": Way(write=_reverse, exact=True),
    "gather": Way(write=_gather, exact=True),
    "gather_along_axis": Way(write=_gather_along_axis, exact=True),
    "depth_to_space": Way(write=_blocks("DepthToSpace", "block_size", mode="DCR"), exact=True),
    "space_to_depth": Way(write=_blocks("SpaceToDepth", "block_size"), exact=True),
    "pixel_shuffle": Way(write=_blocks("DepthToSpace", "upscale_factor", mode="CRD"), exact=True),
    "crop": Way(write=_crop, exact=True),
    "upsample_nearest_neighbor": Way(write=_nearest, exact=True),
    "resize_nearest_neighbor": Way(write=_nearest, exact=True),
    "upsample_bilinear": Way(write=_bilinear),
    "resize_bilinear": Way(write=_bilinear),
}
"""MIL's name → how it is written."""
