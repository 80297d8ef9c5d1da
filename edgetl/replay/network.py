"""A converted file that takes the values of its input as they are given, right or wrong, through the runtimes that there are."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from edgetl import declared, registry
from edgetl.errors import InputError, VerificationError
from edgetl.mistakes._base import Given, InputType
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

_FORMATS = {".tflite": "tflite", ".onnx": "onnx", ".mlpackage": "coreml"}


def given(path: Path, preprocess: Preprocess, class_names: tuple[str, ...]) -> Given:
    """Read what a file's input takes.

    Args:
        path: a .tflite, .onnx or .mlpackage.
        preprocess: how its pixels are prepared.
        class_names: in index order.

    Returns:
        What decides how mistakes show.

    Raises:
        InputError: it is no such file, or its input is no picture of the size that `preprocess` says.
    """
    dtype, shape = _entrance(path)
    side = preprocess.crop_px
    layout: Literal["NHWC", "NCHW"] = "NHWC" if dtype == "image" or shape[-1:] == (3,) else "NCHW"
    wanted = (3, side, side) if layout == "NCHW" else (side, side, 3)
    fits = len(shape) == 4 and all(have in (want, -1) for have, want in zip(shape[1:], wanted, strict=True))
    if dtype not in ("float32", "uint8", "int8", "image") or (dtype != "image" and not fits):
        raise InputError(
            f"{path.name}: its input is {dtype} {list(shape)}; must be float32, uint8 or int8 of {side} × {side} pixels "
            "with 3 channels, the size that its preprocessing makes."
        )
    kind: InputType = dtype
    return Given(preprocess=declared.of_file(path, preprocess), dtype=kind, layout=layout, class_names=class_names)


def runtimes(path: Path) -> tuple[str, ...]:
    """Name the runtimes that can run a file here: what an app runs first, then references; alphabetically."""
    form = format_of(path)
    able = [name for name in registry.names("runtimes") if form in registry.load("runtimes", name).FORMATS]
    able = [name for name in able if registry.load("runtimes", name).unavailable() is None]
    return tuple(sorted(able, key=lambda name: (registry.load("runtimes", name).REFERENCE, name)))


def format_of(path: Path) -> str:
    """Name the format of a file by its suffix; raises InputError where it has none of edgetl's."""
    if path.suffix not in _FORMATS:
        raise InputError(f"{path}: must be a converted file, its name ending in {', '.join(_FORMATS)}.")
    return _FORMATS[path.suffix]


class Network:
    """A file in one runtime."""

    def __init__(self, path: Path, given: Given, runtime: str | None = None) -> None:
        """Load it.

        Args:
            path: the file.
            given: of `given`.
            runtime: its plug-in; None = the first that can.

        Raises:
            VerificationError: no runtime can run it here, or it refuses the file.
        """
        import dataclasses

        names = runtimes(path)
        if runtime is None and not names:
            raise VerificationError(f"{path.name}: no runtime can run {format_of(path)} files here. Ask `edgetl doctor` why.")
        self.runtime = runtime or names[0]
        self._dtype = given.dtype
        self._classes = len(given.class_names)
        self._name = path.name
        # with mean 0 and std 1 a session hands float values on as they are
        plain = given.preprocess if given.dtype == "image" else dataclasses.replace(given.preprocess, mean=0.0, std=1.0)
        self._session: Any = registry.load("runtimes", self.runtime).open(path, 1, plain, given.class_names)

    def __enter__(self) -> Network:
        """Nothing more to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Free the file."""
        self.close()

    def close(self) -> None:
        """Free the file."""
        self._session.close()

    def answer(self, values: np.ndarray, *, right: bool = False) -> np.ndarray:
        """Run it once.

        Args:
            values: (px, px, 3) of the input's type.
            right: the values are what a right app gives.

        Returns:
            float32 (classes,); what is not finite is 0, as a mistake may well overflow the network.

        Raises:
            VerificationError: the file has another number of classes than its record, or right values overflow it.
        """
        import numpy as np

        # a session takes an int8 input's values as bytes, and subtracts 128 itself
        self._session.set_input(values.astype(np.int16) + 128 if self._dtype == "int8" else values)
        self._session.invoke()
        found = np.asarray(self._session.output(), np.float32).reshape(-1)
        if found.shape != (self._classes,):
            raise VerificationError(f"{self._name}: gives {found.size} values for {self._classes} classes.")
        if right and not np.isfinite(found).all():
            raise VerificationError(f"{self._name}: gives values that are not finite.")
        return np.nan_to_num(found.copy(), nan=0.0, posinf=0.0, neginf=0.0)


def _entrance(path: Path) -> tuple[Any, tuple[int, ...]]:
    """Type and shape of the first input; a free dimension is -1."""
    form = format_of(path)
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    if form == "coreml":
        return "image", ()
    if form == "tflite":
        from ai_edge_litert.interpreter import Interpreter

        try:
            detail = Interpreter(model_path=str(path), num_threads=1).get_input_details()[0]
        except (ValueError, RuntimeError, IndexError) as error:
            raise InputError(f"{path.name}: is not a TFLite file, or is damaged: {error}.") from error
        return detail["dtype"].__name__, tuple(int(side) for side in detail["shape"])
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
        constants = {constant.name for constant in graph.initializer}
        tensor = next(value for value in graph.input if value.name not in constants).type.tensor_type
    except (DecodeError, StopIteration, OSError) as error:
        raise InputError(f"{path.name}: is not an ONNX file, or is damaged ({error}).") from error
    kinds = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.UINT8: "uint8", onnx.TensorProto.INT8: "int8"}
    shape = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim)
    return kinds.get(tensor.elem_type, f"type {tensor.elem_type}"), shape
