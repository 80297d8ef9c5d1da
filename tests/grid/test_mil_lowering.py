"""Each operation of MIL, written as ONNX and run, against what it is defined to compute, in numpy."""

import numpy as np
import pytest

from edgetl.errors import VerificationError
from edgetl.grid import mil_reference
from edgetl.grid.mil_lowering import lower

X = np.random.default_rng(0).uniform(-3, 3, (1, 4, 6, 6)).astype(np.float32)
W = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(np.float32)
FLAT = X.reshape(1, 144)[:, :12].copy()


def _function(build, x):
    import coremltools as ct
    from coremltools.converters.mil import Builder as mb

    spec = [mb.TensorSpec(shape=x.shape)]
    return mb.program(input_specs=spec, opset_version=ct.target.iOS17)(_of_one(build)).functions["main"]


def _run(build, x):
    function = _function(build, x)
    lowering = lower(function, arithmetic="stored")
    (name,) = function.inputs
    outputs = [lowering.names[variable] for variable in function.outputs]
    return mil_reference.open_session(lowering.model({name: ("float32", x.shape)}, outputs), "test").run(outputs, {name: x})


def _of_one(build):
    from coremltools.converters.mil import Builder as mb

    return lambda x: build(mb, x)


def _windows(x, size, stride, pads, fill):
    """All windows of NCHW: (1, C, rows, columns, size, size)."""
    padded = np.pad(x, ((0, 0), (0, 0), pads[:2], pads[2:]), constant_values=fill)
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), (2, 3))[:, :, ::stride, ::stride]


def _convolved(x, w, stride, pads, groups):
    parts = np.split(_windows(x, w.shape[2], stride, pads, 0), groups, axis=1)
    return np.concatenate([np.einsum("nchwij,ocij->nohw", p, k) for p, k in zip(parts, np.split(w, groups), strict=True)], 1)


def _mean(pads, excluded):
    windows = _windows(X, 3, 2, pads, 0).sum((-1, -2))
    counts = _windows(np.ones_like(X), 3, 2, pads, 0).sum((-1, -2)) if excluded else 9
    return windows / counts


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _resized(mode):
    """Bilinear to 5 places, by the grid points of coremltools' documentation."""
    count, out = 6, 5
    points = {
        "DEFAULT": np.arange(5) * (count - count / out) / (out - 1),
        "STRICT_ALIGN_CORNERS": np.arange(5) * (count - 1) / (out - 1),
        "UNALIGN_CORNERS": (np.arange(5) + 0.5) * count / out - 0.5,
        "OFFSET_CORNERS": (np.arange(5) + 0.5) * (count - 1) / out,
    }[mode]
    points = np.clip(points, 0, count - 1)
    columns = np.stack([[[np.interp(points, np.arange(6), row) for row in plane] for plane in X[0]]])
    return np.stack([[np.stack([np.interp(points, np.arange(6), c) for c in plane.T], 1) for plane in columns[0]]])


def _normed(axes, epsilon=1e-5):
    centred = X - X.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + epsilon)


CASES = {
    "conv valid": (lambda mb, x: mb.conv(x=x, weight=W, groups=2, pad_type="valid"), _convolved(X, W, 1, (0, 0, 0, 0), 2)),
    "conv same": (
        lambda mb, x: mb.conv(x=x, weight=W, groups=2, strides=[2, 2], pad_type="same"),
        _convolved(X, W, 2, (0, 1, 0, 1), 2),
    ),
    "conv same_lower": (
        lambda mb, x: mb.conv(x=x, weight=W, groups=2, strides=[2, 2], pad_type="same_lower"),
        _convolved(X, W, 2, (1, 0, 1, 0), 2),
    ),
    "conv custom": (
        lambda mb, x: mb.conv(x=x, weight=W, groups=2, bias=np.float32([1, 2, 3, 4]), pad_type="custom", pad=[2, 0, 0, 1]),
        _convolved(X, W, 1, (2, 0, 0, 1), 2) + np.float32([1, 2, 3, 4])[:, None, None],
    ),
    "conv_transpose": (
        lambda mb, x: mb.conv_transpose(x=x, weight=np.ones((4, 2, 2, 2), np.float32), strides=[2, 2]),
        np.repeat(np.repeat(X.sum(1, keepdims=True), 2, 2), 2, 3).repeat(2, 1),
    ),
    "avg_pool counts the border": (
        lambda mb, x: mb.avg_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="same"),
        _mean((0, 1, 0, 1), False),
    ),
    "avg_pool without the border": (
        lambda mb, x: mb.avg_pool(
            x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1], exclude_padding_from_average=True
        ),
        _mean((1, 1, 1, 1), True),
    ),
    "max_pool": (
        lambda mb, x: mb.max_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="same_lower"),
        _windows(X, 3, 2, (1, 0, 1, 0), -np.inf).max((-1, -2)),
    ),
    "max_pool ceil": (
        lambda mb, x: mb.max_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="valid", ceil_mode=True),
        _windows(X, 3, 2, (0, 1, 0, 1), -np.inf).max((-1, -2)),
    ),
    "linear": (
        lambda mb, x: mb.linear(x=mb.reshape(x=x, shape=[1, 144]), weight=np.ones((2, 144), np.float32), bias=np.float32([1, 2])),
        X.sum() + np.float32([[1, 2]]),
    ),
    "matmul": (
        lambda mb, x: mb.matmul(x=x, y=np.eye(6, dtype=np.float32) * 2, transpose_x=True, transpose_y=True),
        X.transpose(0, 1, 3, 2) * 2,
    ),
    "batch_norm": (
        lambda mb, x: mb.batch_norm(
            x=x, mean=np.float32([1, 2, 3, 4]), variance=np.float32([1, 4, 9, 16]), gamma=np.float32([2, 2, 2, 2]), epsilon=0.0
        ),
        (X - np.arange(1, 5)[:, None, None]) / np.arange(1, 5)[:, None, None] * 2,
    ),
    "instance_norm": (lambda mb, x: mb.instance_norm(x=x, epsilon=1e-5), _normed((2, 3))),
    "layer_norm": (
        lambda mb, x: mb.layer_norm(
            x=x, axes=[3], gamma=np.arange(6).astype(np.float32), beta=np.ones(6, np.float32), epsilon=1e-5
        ),
        _normed((3,)) * np.arange(6) + 1,
    ),
    "l2_norm": (lambda mb, x: mb.l2_norm(x=x, epsilon=1e-6), X / np.sqrt((X**2).sum() + 1e-6)),
    "relu": (lambda mb, x: mb.relu(x=x), np.maximum(X, 0)),
    "relu6": (lambda mb, x: mb.relu6(x=mb.mul(x=x, y=np.float32(3))), np.clip(X * 3, 0, 6)),
    "leaky_relu": (lambda mb, x: mb.leaky_relu(x=x, alpha=0.2), np.where(X > 0, X, 0.2 * X)),
    "prelu": (
        lambda mb, x: mb.prelu(x=x, alpha=np.float32([0.1, 0.2, 0.3, 0.4])),
        np.where(X > 0, X, X * np.float32([0.1, 0.2, 0.3, 0.4])[:, None, None]),
    ),
    "elu": (lambda mb, x: mb.elu(x=x, alpha=0.5), np.where(X > 0, X, 0.5 * np.expm1(X))),
    "sigmoid": (lambda mb, x: mb.sigmoid(x=x), _sigmoid(X)),
    "sigmoid_hard": (lambda mb, x: mb.sigmoid_hard(x=x, alpha=0.25, beta=0.4), np.clip(0.25 * X + 0.4, 0, 1)),
    "silu": (lambda mb, x: mb.silu(x=x), X * _sigmoid(X)),
    "gelu tanh": (
        lambda mb, x: mb.gelu(x=x, mode="TANH_APPROXIMATION"),
        0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))),
    ),
    "gelu sigmoid": (lambda mb, x: mb.gelu(x=x, mode="SIGMOID_APPROXIMATION"), X * _sigmoid(1.702 * X)),
    "softmax": (lambda mb, x: mb.softmax(x=x, axis=1), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "rsqrt": (lambda mb, x: mb.rsqrt(x=mb.abs(x=x), epsilon=0.5), 1 / np.sqrt(np.abs(X) + 0.5)),
    "inverse": (lambda mb, x: mb.inverse(x=mb.abs(x=x), epsilon=0.5), 1 / (np.abs(X) + 0.5)),
    "log": (lambda mb, x: mb.log(x=mb.abs(x=x), epsilon=0.5), np.log(np.abs(X) + 0.5)),
    "mod": (lambda mb, x: mb.mod(x=x, y=np.float32(1.5)), np.mod(X, np.float32(1.5))),
    "floor_div": (lambda mb, x: mb.floor_div(x=x, y=np.float32(0.7)), np.floor(X / np.float32(0.7))),
    "select": (lambda mb, x: mb.select(cond=mb.greater(x=x, y=np.float32(1)), a=x, b=mb.square(x=x)), np.where(X > 1, X, X * X)),
    "reduce_mean": (lambda mb, x: mb.reduce_mean(x=x, axes=[2, 3]), X.mean((2, 3))),
    "reduce_l2_norm": (lambda mb, x: mb.reduce_l2_norm(x=x, axes=[1], keep_dims=True), np.sqrt((X**2).sum(1, keepdims=True))),
    "reduce_argmax": (lambda mb, x: mb.reduce_argmax(x=x, axis=2), X.argmax(2)),
    "concat": (lambda mb, x: mb.concat(values=[x, mb.relu(x=x)], axis=-1), np.concatenate([X, np.maximum(X, 0)], -1)),
    "stack": (lambda mb, x: mb.stack(values=[x, x], axis=2), np.stack([X, X], 2)),
    "split": (lambda mb, x: mb.add(x=mb.split(x=x, split_sizes=[1, 3], axis=1)[1], y=np.float32(1)), X[:, 1:] + 1),
    "slice_by_index": (
        lambda mb, x: mb.slice_by_index(
            x=x,
            begin=[0, 1, 5, 0],
            end=[1, 3, 0, 6],
            stride=[1, 1, -2, 1],
            end_mask=[False, False, True, False],
            squeeze_mask=[True, False, False, False],
        ),
        X[0, 1:3, 5::-2],
    ),
    "slice_by_size": (lambda mb, x: mb.slice_by_size(x=x, begin=[0, 1, 2, 3], size=[1, 2, -1, 2]), X[:, 1:3, 2:, 3:5]),
    "pad": (
        lambda mb, x: mb.pad(x=x, pad=[1, 0, 0, 2], mode="constant", constant_val=7.0),
        np.pad(X, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=7),
    ),
    "pad reflect": (lambda mb, x: mb.pad(x=x, pad=[1, 2], mode="reflect"), np.pad(X, ((0, 0),) * 3 + ((1, 2),), mode="reflect")),
    "tile": (lambda mb, x: mb.tile(x=x, reps=[1, 2, 1, 3]), np.tile(X, (1, 2, 1, 3))),
    "reverse": (lambda mb, x: mb.reverse(x=x, axes=[1, 3]), X[:, ::-1, :, ::-1]),
    "gather": (lambda mb, x: mb.gather(x=x, indices=np.int32([3, 0]), axis=1), X[:, [3, 0]]),
    "transpose": (lambda mb, x: mb.transpose(x=x, perm=[0, 2, 3, 1]), X.transpose(0, 2, 3, 1)),
    "pixel_shuffle": (
        lambda mb, x: mb.pixel_shuffle(x=x, upscale_factor=2),
        X.reshape(1, 1, 2, 2, 6, 6).transpose(0, 1, 4, 2, 5, 3).reshape(1, 1, 12, 12),
    ),
    "upsample_nearest": (
        lambda mb, x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=3),
        X.repeat(2, 2).repeat(3, 3),
    ),
    **{
        f"resize_bilinear {mode}": (
            lambda mb, x, mode=mode: mb.resize_bilinear(x=x, target_size_height=5, target_size_width=5, sampling_mode=mode),
            _resized(mode),
        )
        for mode in ("DEFAULT", "STRICT_ALIGN_CORNERS", "UNALIGN_CORNERS", "OFFSET_CORNERS")
    },
    "cast": (lambda mb, x: mb.cast(x=mb.cast(x=x, dtype="int32"), dtype="fp32"), np.trunc(X)),
}


@pytest.mark.parametrize("case", CASES)
def test_it_computes_what_it_is_defined_to(case):
    build, expected = CASES[case]
    (found,) = _run(build, X)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_weights_are_unpacked_as_they_are_stored():
    """Affine int8, a palette, and sparse weights, of which only the numbers that are not zero are stored."""
    from coremltools.optimize import _utils

    integers = np.arange(-12, 12, dtype=np.int8).reshape(2, 12)
    dense = np.where(np.arange(24).reshape(2, 12) % 3, 0, np.arange(24).reshape(2, 12) + 1).astype(np.float32)
    indices = np.arange(24).reshape(2, 12) % 4

    def affine(mb, x):
        scale, zero = np.float32([0.5, 0.25]), np.int8([1, 1])
        weight = mb.constexpr_affine_dequantize(quantized_data=integers, zero_point=zero, scale=scale, axis=0)
        return mb.linear(x=x, weight=weight)

    def palette(mb, x):
        packed = _utils.pack_elements_into_bits(indices.reshape(-1).astype(np.uint8), 2)
        lut = np.float32([1, -2, 4, -8])
        return mb.linear(x=x, weight=mb.constexpr_lut_to_dense(lut=lut, indices=packed, shape=np.uint32([2, 12])))

    def sparse(mb, x):
        mask = np.packbits(dense.reshape(-1) != 0, bitorder="little")
        weight = mb.constexpr_sparse_to_dense(nonzero_data=dense[dense != 0], mask=mask, shape=np.uint32([2, 12]))
        return mb.linear(x=x, weight=weight)

    expected = {
        affine: (integers - 1) * np.float32([[0.5], [0.25]]),
        palette: np.float32([1, -2, 4, -8])[indices],
        sparse: dense,
    }
    for build, weight in expected.items():
        import coremltools as ct
        from coremltools.converters.mil import Builder as mb

        spec = [mb.TensorSpec(shape=FLAT.shape)]
        function = mb.program(input_specs=spec, opset_version=ct.target.iOS16)(_of_one(build)).functions["main"]
        lowering = lower(function, arithmetic="stored")
        (name,), output = function.inputs, lowering.names[function.outputs[0]]
        session = mil_reference.open_session(lowering.model({name: ("float32", FLAT.shape)}, [output]), "test")
        np.testing.assert_allclose(session.run([output], {name: FLAT})[0], FLAT @ weight.T, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda mb, x: mb.concat(values=[x, x], axis=1, interleave=True), "interleave"),
        (lambda mb, x: mb.resize_nearest_neighbor(x=x, target_size_height=9, target_size_width=9), "a multiple is"),
        (lambda mb, x: mb.avg_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="valid", ceil_mode=True), "ceil_mode"),
        (lambda mb, x: mb.gather(x=x, indices=np.int32([[0]]), axis=1, batch_dims=1), "batch_dims"),
    ],
)
def test_a_use_that_is_not_known_is_refused_with_the_operations_name(build, words):
    function = _function(build, X)
    with pytest.raises(VerificationError, match=rf"^{function.operations[-1].name}: .*{words}"):
        lower(function, arithmetic="stored")
