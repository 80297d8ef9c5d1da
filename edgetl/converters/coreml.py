"""Core ML (ML program package): an image goes in, a class label comes out; the preprocessing is inside. Needs no Mac."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.converters._base import INPUT_NAME, OUTPUT_NAME, Converted, Source, missing, versions
from edgetl.errors import ConversionError
from edgetl.types import TensorSpec

if TYPE_CHECKING:
    from edgetl.recipe import Target

TITLE = "Core ML on iPhone, iPad and Mac."
SUFFIX = ".mlpackage"
SCHEMES = (
    "fp32",
    "fp16",
    "w8",
    "w6_palette",
    "w4_palette",
    "w8a8_ptq",
    "w8a8_qat",
    "w8a8_pqat",
    "w8a8_cqat",
    "w8a8_pcqat",
    "sparse",
    "sparse_2_4",
    "cluster",
)
OPTIONS: tuple[str, ...] = ()
ORIGIN = dict.fromkeys(("w8a8_ptq", "w8a8_qat", "w8a8_pqat", "w8a8_cqat", "w8a8_pcqat"), "tflite")
PACKAGES = ("coremltools", "tensorflow")


def unavailable() -> str | None:
    """See `ConverterModule.unavailable`."""
    return missing("coremltools", "tensorflow")


def convert(source: Source, target: Target, out: Path) -> Converted:
    """See `ConverterModule.convert`. The package is written and read back, not compiled."""
    from coremltools.converters.mil import Builder

    from edgetl.converters import _mlpackage

    Builder.name_count.clear()  # a conversion that failed earlier in this process leaves its counts, and they are in the names
    px = source.preprocess.crop_px
    if source.origin is None:
        notes, share = _convert_float(source, target.scheme, out), 0.0
    else:
        notes, share = _convert_int8(source, source.origin, target.scheme, out)
    _mlpackage.check_labels(out, source.class_names)
    return Converted(
        inputs=(TensorSpec(name=INPUT_NAME, shape=(1, px, px, 3), dtype="image_rgb8", layout="NHWC"),),
        outputs=(TensorSpec(name="classLabel_probs", shape=(len(source.class_names),), dtype="float32", layout="NC"),),
        converter=versions("coremltools", "tensorflow"),
        notes=notes,
        int8_mac_share=share,
    )


def _image(source: Source, shape: tuple[int, ...]) -> Any:
    import coremltools as ct

    spec = source.preprocess
    bias = [-spec.mean / spec.std] * 3
    return ct.ImageType(name=INPUT_NAME, shape=shape, color_layout=ct.colorlayout.RGB, scale=1.0 / spec.std, bias=bias)


def _convert_float(source: Source, scheme: str, out: Path) -> tuple[str, ...]:
    import coremltools as ct

    from edgetl.converters import _mlpackage
    from edgetl.grid import reading_mil, sparsity

    px = source.preprocess.crop_px
    compressed = scheme in _mlpackage.STORAGE
    half = scheme == "fp16" or compressed
    model = ct.convert(
        [source.function()],
        source="tensorflow",
        inputs=[_image(source, (1, px, px, 3))],
        classifier_config=ct.ClassifierConfig(list(source.class_names)),
        convert_to="mlprogram",
        compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
        minimum_deployment_target=ct.target.iOS16 if compressed else ct.target.iOS15,
        skip_model_load=True,
    )
    if compressed:
        model = _mlpackage.compress(model, scheme)
    _mlpackage.save(model, out, source.words)
    promised = sparsity.insist(scheme, lambda: reading_mil.kernels(reading_mil.program(out)), out.name)
    return (*_mlpackage.audit_float(out, scheme), *promised)


def _convert_int8(source: Source, origin: Path, scheme: str, out: Path) -> tuple[tuple[str, ...], float]:
    import coremltools as ct

    from edgetl.converters import _mlpackage
    from edgetl.grid import compare, mil, reader, reading_mil
    from edgetl.grid.audit import audit

    graph = reader.read(origin.read_bytes())
    facts = audit(graph, scheme, origin.name, source.keep_float)
    px = source.preprocess.crop_px
    program, precision = mil.write(graph, OUTPUT_NAME)
    model = ct.convert(
        program,
        inputs=[_image(source, (1, 3, px, px))],
        classifier_config=ct.ClassifierConfig(list(source.class_names)),
        convert_to="mlprogram",
        compute_precision=precision,
        minimum_deployment_target=ct.target.iOS17,
        pass_pipeline=mil.passes(),
        skip_model_load=True,
    )
    _mlpackage.save(model, out, source.words)
    stems = tuple(graph.stem(i) for i in range(len(graph.operators)))
    faults = compare.differences(graph, reading_mil.read(reading_mil.program(out), stems))
    if faults:
        raise ConversionError(f"{out.name}: is not on the grid of {origin.name}: {compare.listing(faults)}.")
    kept, scales = compare.halves(graph)
    rounded = "" if kept == scales else "; the others are rounded to half precision, or their layers computed in float32"
    told = f"{kept} of {scales} scales are half-precision numbers{rounded}"
    return (*_mlpackage.audit_int8(out, graph.float_layers()), told), facts.int8_mac_share
