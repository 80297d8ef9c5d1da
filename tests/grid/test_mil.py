"""Core ML W8A8 from the int8 TFLite: int8 weights, real quantize operators, the same integers and scales."""

from dataclasses import replace

import numpy as np
import pytest

from edgetl.converters import _mlpackage, coreml
from edgetl.errors import ConversionError
from edgetl.grid import compare, mil, reading_mil
from edgetl.recipe import Target


@pytest.fixture(scope="module")
def package(source, int8_tflite, tmp_path_factory):
    path = tmp_path_factory.mktemp("coreml") / "net.mlpackage"
    target = Target(format="coreml", scheme="w8a8_qat")
    converted = coreml.convert(replace(source, origin=int8_tflite), target, path)
    return path, converted


def _stems(graph):
    return tuple(graph.stem(i) for i in range(len(graph.operators)))


def test_it_is_int8_and_says_so(package):
    path, converted = package
    counts = {name: int(count) for count, _, name in (note.partition(" ") for note in converted.notes[1:])}
    assert converted.notes[0] == "specification 8, for iOS 17 and macOS 14"
    assert counts["constexpr_affine_dequantize"] == counts["conv"] + counts["linear"] == 7
    assert counts["quantize"] >= 7
    assert not {"round", "floor"} & set(counts)
    assert converted.int8_mac_share == 1.0
    _mlpackage.audit_int8(path)


def test_the_same_graph_gives_the_same_package(source, int8_tflite, package, tmp_path):
    from coremltools.converters.mil import Builder

    Builder.name_count["cast"] = 17  # as a conversion that failed leaves it
    coreml.convert(replace(source, origin=int8_tflite), Target(format="coreml", scheme="w8a8_qat"), tmp_path / "again.mlpackage")
    files = [
        {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (package[0], tmp_path / "again.mlpackage")
    ]
    assert files[0] == files[1]


def test_a_float_package_is_not_int8(source, tmp_path):
    coreml.convert(source, Target(format="coreml", scheme="fp16"), tmp_path / "f.mlpackage")
    with pytest.raises(ConversionError, match=r"f\.mlpackage: is not what its scheme says: .* emulates quantization|is float"):
        _mlpackage.audit_int8(tmp_path / "f.mlpackage")


def test_one_flipped_number_is_caught(graph, package):
    found = reading_mil.read(reading_mil.program(package[0]), _stems(graph))
    assert compare.differences(graph, found) == []
    stem = graph.stem(1)
    edge = found[stem, "weight"]
    integers, scales = edge.data.copy(), edge.scale.copy()
    integers.reshape(-1)[3] ^= 1
    scales[-1] = np.nextafter(scales[-1], np.float16(1))
    for changed, words in (
        (replace(edge, data=integers), "1 of 216 integers differ"),
        (replace(edge, scale=scales), "scale"),
        (replace(edge, zero_point=edge.zero_point + 1), "zero point 1 instead of 0"),
    ):
        (fault,) = compare.differences(graph, {**found, (stem, "weight"): changed})
        assert fault.startswith(f"{stem} weight: {words}")
    bias = found[stem, "bias"]
    other = bias.data.copy()
    other[0] += 0.5
    (fault,) = compare.differences(graph, {**found, (stem, "bias"): replace(bias, data=other)})
    assert fault == f"{stem} bias: 1 of 8 values differ"
    (fault,) = compare.differences(graph, {place: e for place, e in found.items() if place != (stem, "output")})
    assert fault == f"{stem}: nothing is quantized at its output"


def test_one_flipped_byte_of_the_weights_file_is_caught(graph, package, tmp_path):
    import shutil

    copy = tmp_path / "copy.mlpackage"
    shutil.copytree(package[0], copy)
    (weights,) = copy.rglob("weight.bin")
    kernel = graph.tensors[graph.operators[1].inputs[1]].data.transpose(0, 3, 1, 2).tobytes()
    content = weights.read_bytes()
    place = content.index(kernel)
    weights.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    faults = compare.differences(graph, reading_mil.read(reading_mil.program(copy), _stems(graph)))
    assert faults == [f"{graph.stem(1)} weight: 1 of {len(kernel)} integers differ"]


def test_scales_that_half_precision_cannot_hold_stay_single(graph, source, tmp_path):
    import coremltools as ct

    number = graph.operators[1].inputs[1]
    tensors = list(graph.tensors)
    tensors[number] = replace(tensors[number], scale=tensors[number].scale * np.float32(1e-4))
    small = replace(graph, tensors=tuple(tensors))
    program, precision = mil.write(small, "probabilities")
    image = ct.ImageType(name="image", shape=(1, 3, 32, 32), scale=1 / 127.5, bias=[-128 / 127.5] * 3)
    model = ct.convert(
        program, inputs=[image], compute_precision=precision, pass_pipeline=mil.passes(), skip_model_load=True,
        minimum_deployment_target=ct.target.iOS17,
    )  # fmt: skip
    _mlpackage.save(model, tmp_path / "s.mlpackage")
    found = reading_mil.read(reading_mil.program(tmp_path / "s.mlpackage"), _stems(small))
    assert compare.differences(small, found) == []
    assert found[graph.stem(1), "weight"].scale.dtype == np.float32
    assert found[graph.stem(4), "weight"].scale.dtype == np.float16


def test_an_operator_that_cannot_be_written_is_named(graph):
    odd = replace(graph, operators=tuple(replace(o, kind="COS") if o.kind == "SOFTMAX" else o for o in graph.operators))
    with pytest.raises(ConversionError, match=r"operator cos_\d+ \(COS\) cannot be written\. Known: ADD"):
        mil.write(odd, "probabilities")


def test_a_bias_that_half_precision_would_lose_may_be_the_least_number_and_nothing_else():
    scale = np.full(1, 1e-8, np.float32)
    given = compare.Edge(scale=scale, zero_point=np.zeros(1, np.int64), data=np.array([2, -2, 0, 10**8]))
    least = float(np.nextafter(np.float16(0), np.float16(1)))

    def faults(*values):
        found = compare.Edge(scale=np.ones(1), zero_point=np.zeros(1, np.int64), data=np.array(values, np.float16))
        return compare._compare(given, found)

    assert faults(0.0, 0.0, 0.0, 1.0) == faults(least, -least, 0.0, 1.0) == []
    for values in ((least, least, 0.0, 1.0), (0.0, 0.0, least, 1.0), (2 * least, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.001)):
        assert faults(*values) == ["1 of 4 values differ"]
