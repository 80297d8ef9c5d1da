"""Core ML for the runner, which loads this file when its job names it. Copied to a Mac beside it; needs coremltools there."""

from __future__ import annotations

import platform
from typing import Any

_TYPES = {65568: "float32", 65552: "float16", 65600: "float64", 131104: "int32"}
"""Source: Core ML, FeatureTypes.proto, ArrayFeatureType.ArrayDataType."""


class _CoreML:
    """An .mlpackage in Core ML; macOS only. Core ML chooses its own threads."""

    def __init__(self, path: str, threads: int, units: str = "all") -> None:
        if platform.system() != "Darwin":
            raise RuntimeError("Core ML runs on macOS; this is " + platform.system())
        import coremltools

        self.engine = "coremltools " + coremltools.__version__ + ", macOS " + platform.mac_ver()[0]
        self._path, self._units = path, coremltools.ComputeUnit[units.upper()]

    def load(self) -> None:
        import coremltools

        self._model = coremltools.models.MLModel(self._path, compute_units=self._units)
        self._feed: dict[str, Any] = {}

    def invoke(self) -> Any:
        return self._model.predict(self._feed)

    def inputs(self) -> list[dict[str, Any]]:
        self._given = list(self._model.get_spec().description.input)
        return [input_of(given) for given in self._given]

    def set_inputs(self, values: list[Any]) -> None:
        self._feed = {}
        for given, value in zip(self._given, values):  # noqa: B905 - Python 3.9
            if given.type.WhichOneof("Type") == "imageType":
                from PIL import Image

                value = Image.fromarray(value[0])
            self._feed[given.name] = value

    def outputs(self) -> list[Any]:
        return arrays_of(self.invoke())

    def facts(self) -> dict[str, Any]:
        """Compute units asked for, and the share of the operations that Core ML plans for each of them."""
        from coremltools.models.compute_plan import MLComputePlan

        found: dict[str, Any] = {"compute_units": self._units.name.lower(), "compute_plan": None}
        try:
            plan = MLComputePlan.load_from_path(self._model.get_compiled_model_path(), self._units)
        except (RuntimeError, ValueError) as error:  # before macOS 14.4 there is none
            return {**found, "compute_plan_error": str(error)[:200]}
        program = plan.model_structure.program
        if program is not None:
            names = []
            for operation in program.functions["main"].block.operations:
                usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
                if usage is not None:  # constants run nowhere
                    names.append(type(usage.preferred_compute_device).__name__)
            found["compute_plan"] = shares(names)
        return found


def input_of(given: Any) -> dict[str, Any]:
    """Name, shape and type of an input of a Core ML model, from its specification; an image is one of bytes, RGB."""
    kind = given.type.WhichOneof("Type")
    if kind == "imageType":
        image = given.type.imageType
        return {"name": given.name, "shape": [1, int(image.height), int(image.width), 3], "dtype": "uint8"}
    if kind != "multiArrayType":
        raise ValueError("input " + given.name + ": neither an image nor an array")
    array = given.type.multiArrayType
    return {"name": given.name, "shape": [int(size) for size in array.shape], "dtype": _TYPES[int(array.dataType)]}


def arrays_of(found: dict[str, Any]) -> list[Any]:
    """Arrays of a prediction in the order of their names; of a classifier's probabilities those of the labels in order."""
    import numpy as np

    arrays = []
    for name in sorted(found):
        value = found[name]
        if isinstance(value, dict):
            value = np.array([[value[label] for label in sorted(value)]], np.float32)
        if not isinstance(value, (str, int)):  # the label itself
            arrays.append(np.asarray(value))
    return arrays


def shares(names: list[str]) -> dict[str, float]:
    """Share of each kind of compute device: "cpu", "gpu", "neural_engine"."""
    words = {"MLCPUComputeDevice": "cpu", "MLGPUComputeDevice": "gpu", "MLNeuralEngineComputeDevice": "neural_engine"}
    return {word: names.count(name) / len(names) for name, word in words.items() if names}


RUNTIMES: dict[str, Any] = {"coreml": _CoreML}
