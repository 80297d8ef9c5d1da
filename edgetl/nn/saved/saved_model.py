"""A SavedModel's feature extractor as one frozen graph: looked at before anything of it runs.

Loading a SavedModel executes what it says: initialisers of tables, functions that restore objects, and any operation of the
graph, among them some that read and write files. So the folder is read as data first: it may hold variables and functions only,
and all operations that the wanted function can reach must be on a list of arithmetic. Then it is frozen, weights and all.
Source of the format: tensorflow/core/protobuf/saved_object_graph.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetl.errors import InputError

MAX_BYTES = 2_000_000_000
"""Of all files together."""
_OBJECTS = ("user_object", "function", "bare_concrete_function", "variable", "constant", "captured_tensor")
_OPERATIONS = (
    "Abs", "Add", "AddN", "AddV2", "AvgPool", "BatchMatMulV2", "BatchToSpaceND", "BiasAdd", "BroadcastTo", "Cast",
    "Concat", "ConcatV2", "Const", "Conv2D", "DepthwiseConv2dNative", "Div", "Einsum", "Elu", "Erf", "Erfc", "Exp",
    "ExpandDims", "Fill", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "GatherV2", "Identity", "IdentityN",
    "LeakyRelu", "Log", "MatMul", "Max", "MaxPool", "Maximum", "Mean", "Min", "Minimum", "MirrorPad", "Mul", "Neg",
    "NoOp", "Pack", "Pad", "PadV2", "PartitionedCall", "Placeholder", "PlaceholderWithDefault", "Pow", "Prod", "Range",
    "ReadVariableOp", "RealDiv", "Reciprocal", "Relu", "Relu6", "Reshape", "Rsqrt", "Selu", "Shape", "Sigmoid", "Slice",
    "Softmax", "Softplus", "SpaceToBatchND", "Split", "SplitV", "Sqrt", "Square", "SquaredDifference", "Squeeze",
    "StatefulPartitionedCall", "StopGradient", "StridedSlice", "Sub", "Sum", "Swish", "Tanh", "Transpose", "Unpack",
)  # fmt: skip
"""Operations that compute with what they are given, and nothing else."""


def check(folder: Path) -> None:
    """Look at a folder without running any of it.

    Args:
        folder: of the SavedModel.

    Raises:
        InputError: it is none, or is of a kind whose loading runs code; with the fault.
    """
    _read(folder)


def frozen(folder: Path, px: int) -> Any:
    """Freeze the function that makes features of images.

    Args:
        folder: of the SavedModel.
        px: side of the input.

    Returns:
        tf.ConcreteFunction without variables: float32 (N, px, px, 3) → one float32 tensor.

    Raises:
        InputError: see `check`; or no function takes one batch of images of that size and gives one tensor, or it uses operations
            that are not known.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    meta = _read(folder)
    names, faults = [], []
    for where, name in _candidates(meta):
        unknown = sorted({op for op in _reachable(meta, name) if op not in _OPERATIONS})
        if unknown:
            faults.append(f"{where}: operations that edgetl does not run from a file: {', '.join(unknown[:12])}.")
        else:
            names.append((where, name))
    if not names:
        raise InputError(f"{folder}: holds no function of images that can be used.", faults[:8])
    loaded = tf.saved_model.load(str(folder))
    functions = _functions(loaded)
    for where, _ in names:
        function = functions.get(where)
        specs = [] if function is None else [s for s in tf.nest.flatten(function.structured_input_signature) if _is_spec(s)]
        shape = tf.TensorShape([2, px, px, 3])
        if function is None or len(specs) != 1 or specs[0].dtype != tf.float32 or not specs[0].shape.is_compatible_with(shape):
            given = ", ".join(f"{spec.dtype.name} {spec.shape}" for spec in specs) or "no tensor"
            sides = specs[0].shape.as_list() if len(specs) == 1 and specs[0].shape.rank == 4 else []
            hint = f" Set backbone.input_px: {sides[1]}." if sides and sides[1] == sides[2] not in (None, px) else ""
            faults.append(f"{where}: takes {given}; wanted is float32 (None, {px}, {px}, 3).{hint}")
            continue
        outputs = tf.nest.flatten(function.structured_outputs)
        if len(outputs) != 1 or outputs[0].dtype != tf.float32:
            faults.append(f"{where}: gives {len(outputs)} tensors; wanted is one of float32.")
            continue

        def call(image: Any, function: Any = function) -> Any:
            """Call it by the name of its argument where it has only that, as signatures do."""
            keywords = function.structured_input_signature[1]
            found = function(**{str(next(iter(keywords))): image}) if keywords else function(image)
            return tf.nest.flatten(found)[0]

        traced = tf.function(call, autograph=False).get_concrete_function(tf.TensorSpec((None, px, px, 3), tf.float32))
        constant = convert_variables_to_constants_v2(traced)
        complaint = _complaint(constant, px)
        if complaint is None:
            return constant
        faults.append(f"{where}: {complaint}.")
    raise InputError(f"{folder}: holds no function of images that can be used.", faults[:8])


def side(folder: Path) -> int | None:
    """Side of the square image that the default signature says it takes.

    Args:
        folder: of the SavedModel.

    Returns:
        Pixels; None where it leaves the size open or says none.

    Raises:
        InputError: see `check`.
    """
    signatures = _read(folder).signature_def
    found = signatures["serving_default"].inputs if "serving_default" in signatures else {}
    shapes = [[dim.size for dim in tensor.tensor_shape.dim] for tensor in found.values()]
    sides = shapes[0][1:3] if len(shapes) == 1 and len(shapes[0]) == 4 else []
    return int(sides[0]) if sides and sides[0] == sides[1] > 0 else None


def _complaint(function: Any, px: int) -> str | None:
    """Try it on two images; say what makes it of no use."""
    import tensorflow as tf

    images = tf.random.stateless_uniform((2, px, px, 3), seed=(1, 2))
    try:
        both, one = (tf.nest.flatten(function(given))[0] for given in (images, images[:1]))
    except tf.errors.OpError as error:
        return f"fails on a batch of two images: {' '.join(str(error.message).split())[:160]}"
    if both.shape.rank not in (2, 4) or function.outputs[0].shape[-1] is None or both.shape[0] != 2:
        return f"gives {tuple(both.shape)} for two images; wanted is a vector or a feature map of fixed size for each"
    if not bool(tf.reduce_all(tf.math.is_finite(both))):
        return "gives values that are not finite"
    scale = float(tf.reduce_max(tf.abs(both))) or 1.0
    if float(tf.reduce_max(tf.abs(both[:1] - one))) > 1e-3 * scale:
        return "gives an image other features beside other images; save it as it is at inference"
    return None


def _is_spec(value: Any) -> bool:
    import tensorflow as tf

    return isinstance(value, tf.TensorSpec)


def _read(folder: Path) -> Any:
    """Parse the folder's graph; refuse what loading would execute."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    if not path.is_file():
        raise InputError(f"{folder}: holds no saved_model.pb; a SavedModel's folder is wanted.")
    files = [file for file in folder.rglob("*") if not file.is_dir()]
    outside = [file for file in files if not file.resolve().is_relative_to(folder.resolve())]
    if outside:
        raise InputError(f"{outside[0]}: points out of the folder.")
    if sum(file.stat().st_size for file in files) > MAX_BYTES:
        raise InputError(f"{folder}: is larger than {MAX_BYTES} bytes.")
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise InputError(f"{path}: is not a SavedModel.") from error
    if len(saved.meta_graphs) != 1 or not saved.meta_graphs[0].HasField("object_graph_def"):
        raise InputError(
            f"{path}: was not saved by TensorFlow 2 (tf.saved_model.save); older ones run a graph when they are loaded."
        )
    meta = saved.meta_graphs[0]
    for number, node in enumerate(meta.object_graph_def.nodes):
        kind = node.WhichOneof("kind")
        if kind not in _OBJECTS:
            raise InputError(
                f"{path}: object {number} is a {kind}, which loading would run; only variables and functions may be in it."
            )
        if node.registered_saver or any(s.restore_function for s in node.saveable_objects.values()):
            raise InputError(f"{path}: object {number} restores itself by a function of its own, which loading would run.")
    return meta


def _candidates(meta: Any) -> Iterator[tuple[str, str]]:
    """What may be the feature extractor, best first: where it stands, and its name in the library of functions."""
    nodes = meta.object_graph_def.nodes
    children = {child.local_name: nodes[child.node_id] for child in nodes[0].children}
    if "signatures" in children:
        found = {child.local_name: nodes[child.node_id] for child in children["signatures"].children}
        for name in sorted(found, key=lambda name: (name != "serving_default", name)):
            if found[name].WhichOneof("kind") == "bare_concrete_function":
                yield f"signature {name}", found[name].bare_concrete_function.concrete_function_name
    if "__call__" in children and children["__call__"].WhichOneof("kind") == "function":
        for number, name in enumerate(children["__call__"].function.concrete_functions):
            yield f"call {number}", name


def _reachable(meta: Any, name: str) -> set[str]:
    """Operations of a function and of all that it calls."""
    library = {function.signature.name: function for function in meta.graph_def.library.function}
    found, seen, stack = set[str](), set[str](), [name]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        if current not in library:
            found.add(f"a call of {current}, which is not there")
            continue
        for node in library[current].node_def:
            found.add(node.op)
            if node.op in library:
                found.discard(node.op)
                stack.append(node.op)
            for value in node.attr.values():
                stack += [value.func.name] if value.HasField("func") else [func.name for func in value.list.func]
    return found


def _functions(loaded: Any) -> dict[str, Any]:
    found = {f"signature {name}": function for name, function in getattr(loaded, "signatures", {}).items()}
    calls = getattr(vars(loaded).get("__call__"), "concrete_functions", ())
    return {**found, **{f"call {number}": function for number, function in enumerate(calls)}}
