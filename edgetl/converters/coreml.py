"""Core ML (ML program package): an image goes in, a class label comes out; the preprocessing is inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetl.converters._base import INPUT_NAME, Converted, Source, missing, versions
from edgetl.errors import ConversionError
from edgetl.types import TensorSpec

TITLE = "Core ML on iPhone, iPad and Mac."
SUFFIX = ".mlpackage"
SCHEMES = ("fp32", "fp16")
ORIGIN: dict[str, str] = {}
PACKAGES = ("coremltools", "tensorflow")


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("coremltools", "tensorflow")


def convert(source: Source, scheme: str, out: Path) -> Converted:
    """See `ConverterModule.convert`. Needs no Mac: the package is written and read back, not compiled."""
    import coremltools as ct

    spec, px = source.preprocess, source.preprocess.crop_px
    image = ct.ImageType(
        name=INPUT_NAME,
        shape=(1, px, px, 3),
        color_layout=ct.colorlayout.RGB,
        scale=1.0 / spec.std,
        bias=[-spec.mean / spec.std] * 3,
    )
    model = ct.convert(
        [source.function],
        source="tensorflow",
        inputs=[image],
        classifier_config=ct.ClassifierConfig(list(source.class_names)),
        convert_to="mlprogram",
        compute_precision=ct.precision.FLOAT16 if scheme == "fp16" else ct.precision.FLOAT32,
        minimum_deployment_target=ct.target.iOS15,
        skip_model_load=True,
    )
    model.short_description = "Made by edgetl."
    model.user_defined_metadata.pop("com.github.apple.coremltools.conversion_date", None)
    model.save(str(out))
    _settle(out)
    notes = _audit(out, scheme, source.class_names)
    shape = (1, px, px, 3)
    return Converted(
        inputs=(TensorSpec(name=INPUT_NAME, shape=shape, dtype="image_rgb8", layout="NHWC"),),
        outputs=(TensorSpec(name="classLabel_probs", shape=(len(source.class_names),), dtype="float32", layout="NC"),),
        converter=versions("coremltools", "tensorflow"),
        notes=notes,
    )


def _settle(package: Path) -> None:
    """Write the specification and the manifest anew in a fixed order, so that the same network gives the same package.

    coremltools serializes maps in no order and names the package's items at random.
    """
    import json
    import uuid

    from coremltools.proto import Model_pb2

    (file,) = package.rglob("model.mlmodel")
    spec = Model_pb2.Model()
    spec.ParseFromString(file.read_bytes())
    file.write_bytes(spec.SerializeToString(deterministic=True))
    manifest = json.loads((package / "Manifest.json").read_text(encoding="utf-8"))
    names = {old: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])) for old, item in manifest["itemInfoEntries"].items()}
    manifest["itemInfoEntries"] = {names[old]: item for old, item in manifest["itemInfoEntries"].items()}
    manifest["rootModelIdentifier"] = names[manifest["rootModelIdentifier"]]
    (package / "Manifest.json").write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n", encoding="utf-8")


def _audit(path: Path, scheme: str, class_names: tuple[str, ...]) -> tuple[str, ...]:
    """Reopen the package and check its labels and the type its layers compute in."""
    from collections import Counter

    import coremltools as ct

    spec = ct.models.MLModel(str(path), skip_model_load=True).get_spec()
    function = spec.mlProgram.functions["main"]
    operations = function.block_specializations[function.opset].operations
    types = Counter(
        operation.outputs[0].type.tensorType.dataType
        for operation in operations
        if operation.type in ("conv", "linear", "matmul")
    )
    wanted = {"fp16": 10, "fp32": 11}[scheme]  # MIL.proto: FLOAT16 = 10, FLOAT32 = 11
    if set(types) != {wanted}:
        raise ConversionError(f"{path.name}: is not what {scheme} says: its layers compute in MIL types {dict(types)}.")
    if _labels(operations) != class_names:
        raise ConversionError(f"{path.name}: carries other class labels than the network.")
    counts = Counter(operation.type for operation in operations if operation.type != "const")
    return (f"specification {spec.specificationVersion}", *(f"{count} {name}" for name, count in counts.most_common()))


def _labels(operations: Any) -> tuple[str, ...]:
    """Class labels that the `classify` operation carries."""
    values = (a.value.immediateValue for o in operations if o.type == "classify" for a in o.inputs["classes"].arguments)
    return tuple(text for value in values for item in value.list.values for text in item.immediateValue.tensor.strings.values)
