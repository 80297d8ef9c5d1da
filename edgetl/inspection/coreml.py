"""What a Core ML package says of itself."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.errors import InputError
from edgetl.inspection import coreml_package, repeated
from edgetl.inspection.records import End, Facts, text

_BLOB = struct.Struct("<IIQQ")
"""Head of a stored weight: sentinel, type, bytes, place. Source: coremltools, MILBlob/Blob/StorageFormat.hpp."""
_SENTINEL = 0xDEADBEEF
_COLOURS = {10: "image_grey8", 20: "image_rgb8", 30: "image_bgr8", 40: "image_grey16"}
"""FeatureTypes.proto, ImageFeatureType.ColorSpace."""
_ARRAYS = {65600: "float64", 65568: "float32", 65552: "float16", 131104: "int32", 131080: "int8"}
"""FeatureTypes.proto, ArrayFeatureType.ArrayDataType."""


def read(path: Path) -> Facts:
    """See `edgetl.inspection.read`."""
    file = coreml_package.specification(path)
    graph = registry.load("graphs", "coreml").read(path)
    from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    try:
        spec.ParseFromString(file.read_bytes())
        operations = [op for f in spec.mlProgram.functions.values() for b in f.block_specializations.values() for op in _walk(b)]
        groups, wasted = repeated.groups(_blobs(file.parent / "weights", operations))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RuntimeError, IndexError, struct.error) as error:
        what = " ".join(str(error).split())[:160]
        raise InputError(f"{path.name}: is not an ML program package, or is damaged: {what}.") from error
    told = spec.description.metadata
    fields = {"description": told.shortDescription, "author": told.author, "licence": told.license, "version": told.versionString}
    labels = _labels(spec, operations)
    own = {key: text(value) for key, value in sorted(told.userDefined.items())[:32]}
    makers = [own.get(f"com.github.apple.coremltools.{word}", "") for word in ("source", "version")]
    return Facts(
        graph=graph,
        inputs=tuple(map(_end, spec.description.input)),
        outputs=tuple(map(_end, spec.description.output)),
        producer=f"coremltools {makers[1]} from {makers[0]}" if makers[1] else "",
        versions={"specification": str(spec.specificationVersion)},
        metadata={
            **{key: text(value) for key, value in fields.items() if value},
            **({"labels": str(labels)} if labels else {}),
            **{key: value for key, value in own.items() if not key.startswith("com.github.apple.")},
        },
        custom=tuple(sorted({op.type for op in operations if op.type.startswith("custom")})),
        activations=tuple(sorted(_integers(operations))),
        duplicates=groups,
        duplicate_bytes=wasted,
    )


def _walk(block: Any) -> Iterator[Any]:
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _walk(inner)


def _blobs(folder: Path, operations: list[Any]) -> Iterator[tuple[str, bytes]]:
    """Weights that the package stores beside its specification, each once for each place where it is stored."""
    file = folder / "weight.bin"
    if not file.is_file():
        return
    data, seen = file.read_bytes(), set()
    for operation in operations:
        for value in operation.attributes.values():
            if value.WhichOneof("value") != "blobFileValue" or value.blobFileValue.offset in seen:
                continue
            seen.add(value.blobFileValue.offset)
            sentinel, _, size, start = _BLOB.unpack_from(data, value.blobFileValue.offset)
            if sentinel != _SENTINEL or start + size > len(data):
                raise ValueError("a weight lies outside of weight.bin")
            yield operation.outputs[0].name, data[start : start + size]


def _labels(spec: Any, operations: list[Any]) -> int:
    given = (a.value.immediateValue for o in operations if o.type == "classify" for a in o.inputs["classes"].arguments)
    return sum(len(item.immediateValue.tensor.strings.values) for value in given for item in value.list.values)


def _integers(operations: list[Any]) -> set[str]:
    words = {21: "int8", 31: "uint8"}  # MIL.proto, DataType
    return {words.get(o.outputs[0].type.tensorType.dataType, "other") for o in operations if o.type == "quantize" and o.outputs}


def _end(feature: Any) -> End:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        flexible = image.WhichOneof("SizeFlexibility") is not None
        sides = (1, -1, -1) if flexible else (1, image.height, image.width)
        return End(name=feature.name, shape=sides, dtype=_COLOURS.get(image.colorSpace, "image"))
    if kind == "multiArrayType":
        array = feature.type.multiArrayType
        flexible = array.WhichOneof("ShapeFlexibility") is not None
        shape = tuple(-1 if flexible else int(side) for side in array.shape)
        return End(name=feature.name, shape=shape, dtype=_ARRAYS.get(array.dataType, "other"))
    return End(name=feature.name, shape=(), dtype={"stringType": "label", "dictionaryType": "probabilities"}.get(kind, str(kind)))
