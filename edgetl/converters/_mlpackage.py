"""Save a Core ML package so that the same network gives the same bytes, and check what lies in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from edgetl import registry, versions
from edgetl.converters._base import INPUT_NAME, Words
from edgetl.errors import ConversionError
from edgetl.grid.weights_only import LEAST_ELEMENTS

_EMULATION = ("round", "floor")
"""What coremltools makes of fake quantization, besides arithmetic: int8 that is only emulated."""
STORAGE = {
    "w8": "constexpr_affine_dequantize",
    "w6_palette": "constexpr_lut_to_dense",
    "w4_palette": "constexpr_lut_to_dense",
}
"""Scheme of compressed weights → the operator that a package unpacks each of them with."""
_LEAST_ELEMENTS = {"w8": LEAST_ELEMENTS, "w6_palette": 2048, "w4_palette": 2048}
"""Weights of so many elements or fewer stay in half precision (of palettes: coremltools' own default)."""
_PREVIEW = "com.apple.coreml.model.preview.type"
"""Key that makes Xcode offer its preview of classifiers. Source: coremltools guide, "Xcode Model Preview Types"."""
_LAYERS = ("conv", "linear", "matmul")
_FLOAT16, _FLOAT32 = 10, 11
"""Types of values, as in MIL.proto."""


def save(model: Any, package: Path, words: Words | None = None) -> None:
    """Write the package, its specification and manifest in a fixed order.

    Why: coremltools serializes maps in no order, names the package's items at random and stamps the day.

    Args:
        model: `ct.models.MLModel`.
        package: folder to write.
        words: what Xcode shows of it; None: nothing.
    """
    import json
    import uuid

    from coremltools.proto import Model_pb2

    words = words or Words()
    model.short_description = words.description or words.title or "Made by edgetl."
    model.author, model.license, model.version = words.author, words.licence, words.version
    if words.title:
        model.user_defined_metadata["title"] = words.title
    if model.get_spec().description.predictedFeatureName:
        model.user_defined_metadata[_PREVIEW] = "imageClassifier"
        model.input_description[INPUT_NAME] = "An upright picture; the part of it that is classified fills the square."
        model.output_description["classLabel"] = "The likeliest class."
        model.output_description["classLabel_probs"] = "Probability of each class."
    model.user_defined_metadata.pop("com.github.apple.coremltools.conversion_date", None)
    model.save(str(package))
    (file,) = package.rglob("model.mlmodel")
    spec = Model_pb2.Model()
    spec.ParseFromString(file.read_bytes())
    file.write_bytes(spec.SerializeToString(deterministic=True))
    manifest = json.loads((package / "Manifest.json").read_text(encoding="utf-8"))
    names = {old: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])) for old, item in manifest["itemInfoEntries"].items()}
    manifest["itemInfoEntries"] = {names[old]: item for old, item in manifest["itemInfoEntries"].items()}
    manifest["rootModelIdentifier"] = names[manifest["rootModelIdentifier"]]
    (package / "Manifest.json").write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n", encoding="utf-8")


def compress(model: Any, scheme: str) -> Any:
    """Store the weights of a half-precision package in fewer bits.

    Args:
        model: `ct.models.MLModel`.
        scheme: a key of `STORAGE`: `w8` is int8, symmetric, per channel; a palette is chosen for each layer by k-means.

    Returns:
        The compressed model. Its integers are coremltools' own rounding, at most one step from the other formats' `w8`.
    """
    import coremltools.optimize.coreml as cto

    if scheme == "w8":
        options = cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", weight_threshold=_LEAST_ELEMENTS[scheme])
        return cto.linear_quantize_weights(model, cto.OptimizationConfig(global_config=options))
    bits = registry.load("schemes", scheme).WEIGHT_BITS
    palette = cto.OpPalettizerConfig(mode="kmeans", nbits=bits, weight_threshold=_LEAST_ELEMENTS[scheme])
    return cto.palettize_weights(model, cto.OptimizationConfig(global_config=palette))


def _stored_otherwise(operations: Any, scheme: str) -> list[str]:
    """Large weights of a package that are not stored as the scheme says, and palettes that are too large."""
    makers = {output.name: o for o in operations for output in o.outputs}
    found, stored = [], 0
    for operation in operations:
        if operation.type not in _LAYERS:
            continue
        role = "y" if operation.type == "matmul" else "weight"
        names = [a.name for a in operation.inputs[role].arguments]  # none for a weight written in place
        maker = makers.get(names[0]) if names else None
        if maker is not None and maker.type == STORAGE[scheme]:
            stored += 1
            if (
                "lut" in maker.attributes
                and _elements(maker.attributes["lut"].type) > 2 ** registry.load("schemes", scheme).WEIGHT_BITS
            ):
                found.append(f"the palette of {operation.outputs[0].name} holds {_elements(maker.attributes['lut'].type)} values")
        elif maker is None or _elements(maker.outputs[0].type) > _LEAST_ELEMENTS[scheme]:
            found.append(f"the weight of {operation.outputs[0].name} is stored as float")
    return found if stored else [*found, "no weight is large enough to be compressed"]


def _elements(kind: Any) -> int:
    return math.prod(d.constant.size for d in kind.tensorType.dimensions)


def audit_float(package: Path, scheme: str) -> tuple[str, ...]:
    """Reopen a float package and check the type its layers compute in.

    Args:
        package: the folder.
        scheme: one whose layers compute in floating point.

    Returns:
        Specification version and operator counts.

    Raises:
        ConversionError: a layer computes in another type.
    """
    version, operations = _open(package)
    types = Counter(o.outputs[0].type.tensorType.dataType for o in operations if o.type in _LAYERS)
    wanted = _FLOAT16 if scheme == "fp16" or scheme in STORAGE else _FLOAT32
    wrong = [] if set(types) == {wanted} else [f"its layers compute in MIL types {dict(types)}"]
    wrong += _stored_otherwise(operations, scheme) if scheme in STORAGE else []
    if wrong:
        raise ConversionError(f"{package.name}: is not what {scheme} says: {'; '.join(wrong[:4])}.")
    return _notes(version, operations)


def audit_int8(package: Path, floats: Collection[str] = ()) -> tuple[str, ...]:
    """Reopen an int8 package: every layer's weight is stored as int8, its input and output are integers, nothing is emulated.

    Args:
        package: the folder.
        floats: names of the layers with weights that were to stay in float.

    Returns:
        Specification version and operator counts.

    Raises:
        ConversionError: something is float under an int8 name, or a layer that was to stay in float is not.
    """
    version, operations = _open(package)
    makers = {output.name: o for o in operations for output in o.outputs}
    wrong = []
    for operation in operations:
        if operation.type not in _LAYERS:
            continue
        if operation.outputs[0].name in floats:
            if operation.outputs[0].type.tensorType.dataType != _FLOAT32:
                wrong.append(f"{operation.outputs[0].name} is not float32")
            continue
        for role, kind in (("x", "dequantize"), ("weight", "constexpr_affine_dequantize")):
            names = [argument.name for argument in operation.inputs[role].arguments]  # none for a weight written in place
            maker = makers.get(names[0]) if names else None
            while maker is not None and maker.type in ("cast", "reshape", "transpose"):
                maker = makers.get(maker.inputs["x"].arguments[0].name)
            if maker is None or maker.type != kind:
                wrong.append(f"{role} of {operation.outputs[0].name} is float")
            elif role == "weight" and maker.attributes["quantized_data"].type.tensorType.dataType != 21:  # MIL.proto: INT8
                wrong.append(f"weight of {operation.outputs[0].name} is not stored as int8")
    wrong += [f"{o.type} {o.outputs[0].name} emulates quantization" for o in operations if o.type in _EMULATION]
    if wrong:
        raise ConversionError(f"{package.name}: is not what its scheme says: {'; '.join(wrong[:4])}.")
    return _notes(version, operations)


def check_labels(package: Path, class_names: tuple[str, ...]) -> None:
    """Raise ConversionError unless the package's `classify` operation carries exactly these class labels.

    Args:
        package: the folder.
        class_names: in the order of the network's outputs.
    """
    values = (a.value.immediateValue for o in _open(package)[1] if o.type == "classify" for a in o.inputs["classes"].arguments)
    found = tuple(t for value in values for item in value.list.values for t in item.immediateValue.tensor.strings.values)
    if found != class_names:
        raise ConversionError(f"{package.name}: carries other class labels than the network.")


def _open(package: Path) -> tuple[int, Any]:
    import coremltools as ct

    spec = ct.models.MLModel(str(package), skip_model_load=True).get_spec()
    function = spec.mlProgram.functions["main"]
    return spec.specificationVersion, function.block_specializations[function.opset].operations


def _notes(version: int, operations: Any) -> tuple[str, ...]:
    counts = Counter(operation.type for operation in operations if operation.type != "const")
    ios, macos = versions.COREML[version]
    return (
        f"specification {version}",
        f"needs iOS {ios} or macOS {macos}",
        *(f"{count} {name}" for name, count in counts.most_common()),
    )
