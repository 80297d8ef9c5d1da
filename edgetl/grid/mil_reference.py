"""A saved Core ML package, evaluated without a Mac: what its program computes, by its definition, in software.

It says what the file means, not what a phone's Neural Engine makes of it: half precision is rounded behind every operation and
sums are float32 (`mil_lowering`). The package is read from disk; onnxruntime computes, one thread, no rewriting of the graph.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import VerificationError
from edgetl.grid.mil_lowering import Arithmetic, Lowering, is_half, lower

if TYPE_CHECKING:
    import numpy as np

_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError, NotImplementedError, AssertionError)
"""What coremltools raises for a package that it cannot read."""


class Reference:
    """A package, ready to answer."""

    def __init__(self, loaded: Any, image: _Image, name: str, arithmetic: Arithmetic) -> None:
        """Prepare a program.

        Args:
            loaded: coremltools' `Program`.
            image: its input.
            name: of the package, for errors.
            arithmetic: see `open_package`.

        Raises:
            VerificationError: an operation that is not known, or an input that is no such image.
        """
        self.function = loaded.functions["main"]
        """The program, as coremltools loads it."""
        self._image, self._name, self._arithmetic = image, name, arithmetic
        given = [v.name for v in self.function.inputs.values()]
        if given != [image.name]:
            raise VerificationError(f"{name}: has the inputs {', '.join(given)}; one image is known.")
        self._shape = tuple(int(d) for d in next(iter(self.function.inputs.values())).shape)
        if self._shape != (1, 3, image.height, image.width):
            raise VerificationError(f"{name}: its image is a tensor of shape {self._shape}; must be (1, 3, height, width).")
        self.class_names, answer = _answer(self.function)
        lowered = self.lowered(every=False)
        self._answer = lowered.names[answer]
        self._session: Any = self._opened(lowered, [self._answer])
        self._every: dict[tuple[str, ...] | None, Any] = {}

    def lowered(self, *, every: bool = True, replaced: frozenset[str] = frozenset()) -> Lowering:
        """The program in ONNX; see `mil_lowering.lower`."""
        try:
            return lower(self.function, arithmetic=self._arithmetic, every=every, replaced=replaced)
        except VerificationError as error:
            raise VerificationError(f"{self._name}: cannot be evaluated here: {error}") from error

    def _opened(self, lowered: Lowering, outputs: list[str]) -> Any:
        inputs = {self._image.name: ("float32", self._shape)}
        return open_session(lowered.model(inputs, outputs), self._name)

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """Answer one image.

        Args:
            pixels: uint8 (height, width, 3), RGB.

        Returns:
            float32 (classes,), probabilities in the order of `class_names`.

        Raises:
            VerificationError: the image has another size.
        """
        import numpy as np

        (values,) = self._session.run(None, self._feed(pixels))
        return np.asarray(values, np.float32).reshape(-1)

    def tensors(self, pixels: np.ndarray, names: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
        """What each operation computes of one image.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            names: operations that are asked for; None = all.

        Returns:
            Operation's name → its (first) result as float32, images NCHW, in the program's order. Casts and constants are left
            out; of `quantize` the integers.

        Raises:
            VerificationError: the image has another size.
        """
        import numpy as np

        if names not in self._every:
            lowered = self.lowered(every=True)
            made = {o: name for o, (name, _) in lowered.results.items() if names is None or o in names}
            self._every[names] = (self._opened(lowered, list(dict.fromkeys(made.values()))), made)
        session, made = self._every[names]
        asked = [output.name for output in session.get_outputs()]
        values = dict(zip(asked, session.run(asked, self._feed(pixels)), strict=True))
        return {operation: np.asarray(values[name], np.float32) for operation, name in made.items()}

    def alone(self, pixels: np.ndarray, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What each operation computes when those before it answer something else than they do.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            given: operation's name → what its readers get in place of its own result, in that result's shape; integers of
                `quantize`, else float32, which are rounded where the program holds half precision.

        Returns:
            As `tensors`; each operation's own result, of what is given as well.

        Raises:
            VerificationError: the image has another size.
        """
        import numpy as np
        from coremltools.converters.mil.mil import types

        lowered = self.lowered(every=True, replaced=frozenset(given))
        feed, inputs = self._feed(pixels), {self._image.name: ("float32", self._shape)}
        for name, values in given.items():
            variable = lowered.results[name][1]
            if types.is_float(variable.dtype):
                half = self._arithmetic == "stored" and is_half(variable)
                values = values.astype(np.float16 if half else np.float32).astype(np.float32)
            else:
                values = values.astype(types.nptype_from_builtin(variable.dtype))
            feed[f"given_{name}"] = values.reshape(tuple(int(d) for d in variable.shape))
            inputs[f"given_{name}"] = (values.dtype.name, feed[f"given_{name}"].shape)
        made = {operation: name for operation, (name, _) in lowered.results.items() if not name.startswith("given_")}
        asked = list(dict.fromkeys(made.values()))
        session = open_session(lowered.model(inputs, asked), self._name)
        used = {v.name for v in session.get_inputs()}
        found = dict(zip(asked, session.run(asked, {k: v for k, v in feed.items() if k in used}), strict=True))
        return {operation: np.asarray(found[name], np.float32) for operation, name in made.items()}

    def _feed(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        import numpy as np

        if pixels.shape != (self._image.height, self._image.width, 3) or pixels.dtype != np.uint8:
            wanted = f"uint8 ({self._image.height}, {self._image.width}, 3)"
            raise VerificationError(f"{self._name}: takes {wanted}, not {pixels.dtype} {pixels.shape}.")
        ordered = pixels[..., ::-1] if self._image.bgr else pixels
        return {self._image.name: np.ascontiguousarray(ordered.transpose(2, 0, 1)[None]).astype(np.float32)}


class _Image:
    """The image that a package takes. Scale and bias are operations of its program."""

    def __init__(self, spec: Any, package: str) -> None:
        from coremltools.proto import FeatureTypes_pb2

        kinds = {v.name: v.type.WhichOneof("Type") for v in spec.description.input}
        if list(kinds.values()) != ["imageType"]:
            found = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
            raise VerificationError(f"{package}: takes {found or 'nothing'}; one image is known.")
        described = spec.description.input[0]
        image = described.type.imageType
        if image.WhichOneof("SizeFlexibility") is not None:
            raise VerificationError(f"{package}: takes images of several sizes; one fixed size is known.")
        colours = FeatureTypes_pb2.ImageFeatureType.ColorSpace
        if image.colorSpace not in (colours.Value("RGB"), colours.Value("BGR")):
            raise VerificationError(f"{package}: takes {colours.Name(image.colorSpace)} images; RGB and BGR are known.")
        self.name, self.height, self.width = described.name, int(image.height), int(image.width)
        self.bgr = image.colorSpace == colours.Value("BGR")


def open_package(path: Path, *, arithmetic: Arithmetic = "stored") -> Reference:
    """Open a package.

    Args:
        path: an `.mlpackage` folder with an ML program that takes one image.
        arithmetic: `stored` as the package says (half precision: operands and results, sums in float32); `float32` all
            arithmetic in float32, with the constants as they are stored.

    Returns:
        What answers images.

    Raises:
        VerificationError: it is not such a package, is damaged, or has an operation that is not known, each by name.
    """
    from edgetl.grid import reading_mil
    from edgetl.quiet import quiet

    with quiet():
        import coremltools as ct
        from google.protobuf.message import DecodeError
    if not path.is_dir():
        raise VerificationError(f"{path}: is no .mlpackage folder.")
    try:
        spec = ct.models.MLModel(str(path), skip_model_load=True).get_spec()
        kind = spec.WhichOneof("Type")
        if kind != "mlProgram":
            raise VerificationError(f"{path.name}: is a model of the kind {kind}; an ML program (mlProgram) is known.")
        image, loaded = _Image(spec, path.name), reading_mil.program(path)
    except (OSError, DecodeError, *_UNREADABLE) as error:
        what = " ".join(str(error).split())[:160]
        raise VerificationError(
            f"{path.name}: is not an ML program package, is damaged, or has what is not known: {what}."
        ) from error
    if "main" not in loaded.functions:
        raise VerificationError(f"{path.name}: has no function main.")
    return Reference(loaded, image, path.name, arithmetic)


def open_session(model: bytes, name: str) -> Any:
    """Load a lowered program into onnxruntime: one thread, nothing rewritten.

    Args:
        model: a serialized `onnx.ModelProto`.
        name: of what it was written from, for the error.

    Returns:
        An `onnxruntime.InferenceSession`.

    Raises:
        VerificationError: onnxruntime refuses it.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    refusals = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (RuntimeError, *refusals) as error:
        raise VerificationError(
            f"{name}: cannot be evaluated here: onnxruntime: {' '.join(str(error).split())[:200]}."
        ) from error


def _answer(function: Any) -> tuple[tuple[str, ...], Any]:
    """Names of the classes, and the variable of their probabilities; without a classifier, no names and the only output."""
    import numpy as np

    for operation in function.operations:
        if operation.op_type == "classify":
            names = np.asarray(operation.inputs["classes"].val).reshape(-1)
            return tuple(str(name) for name in names), operation.inputs["probabilities"]
    if len(function.outputs) != 1:
        raise VerificationError(f"has {len(function.outputs)} outputs; a classifier or one output is known.")
    return (), function.outputs[0]
