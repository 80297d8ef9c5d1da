"""Faults planted into real files are named at their layer, in every format; sound files get none."""

import numpy as np
import pytest

SOUND = ("net_fp32.tflite", "net_w8a8_ptq.tflite", "net_fp32.onnx", "net_w8a8_ptq.onnx", "net_fp16.mlpackage", "net_w8a8_ptq.mlpackage")


def named(found):
    return [(cause.rule, cause.layer) for cause in found.causes]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_gets_no_fault_and_all_its_layers_are_tied(compare, name):
    found = compare(name)
    assert found.tied == found.layers
    assert named(found) == []
    own = [m.local_db for m in found.measures if m.local_db is not None]
    assert len(own) >= 14
    assert min(own) > (100 if "fp32" in name else 50 if "fp16" in name else 20)


def test_a_depthwise_channel_of_zeros_is_a_dead_channel(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        file.data(file.operator("b2_depthwise/").inputs[1], np.int8)[..., 7] = 0
        file.save()

    def onnx(path):
        file = plants.Onnx(path)
        name = depthwise(file, 2)
        kernel = file.constant(f"{name}_weight")
        kernel[7] = kernel[7] * 0 + (128 if kernel.dtype == np.uint8 else 0)
        file.put(f"{name}_weight", kernel)
        file.save()

    def coreml(path):
        from edgetl.grid import reading_mil

        operations = reading_mil.program(path).functions["main"].operations
        makers = [o for o in operations if o.op_type == "constexpr_affine_dequantize" and o.name.startswith("depthwise")]
        kernel = makers[1].inputs["quantized_data"].val
        changed = kernel.copy()
        changed[7] = 0
        plants.CoreML(path).replace(kernel.tobytes(), changed.tobytes())

    for name, plant in (("net_w8a8_ptq.tflite", tflite), ("net_w8a8_ptq.onnx", onnx), ("net_w8a8_ptq.mlpackage", coreml)):
        found = compare(name, plant)
        assert named(found) == [("dead channel", "b2_depthwise")], name
        assert "depthwise channel 7 of 48 is constant" in found.causes[0].evidence
        assert "all zeros" in found.causes[0].evidence


def depthwise(file, number):
    """Stem of the depthwise convolution of a block in an ONNX file that the converter wrote."""
    return [n.name for n in file.model.graph.node if n.name.startswith("depthwise") and n.op_type == "Conv"][number - 1]


def test_a_range_of_a_tenth_is_a_clipped_range(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        file.rescale(file.operator("b3_expand_relu").outputs[0], 0.1)
        file.save()

    def onnx(path):
        file = plants.Onnx(path)
        nodes = {n.name: n for n in file.model.graph.node}
        (reader,) = [n for n in file.model.graph.node if n.name == depthwise(file, 3)]
        scale = nodes[reader.input[0]].input[1]
        file.put(scale, file.constant(scale) * np.float32(0.1))
        file.save()

    def coreml(path):
        file = plants.CoreML(path)
        (target,) = [o.outputs[0].name for o in file.operations if o.type == "conv" and "depthwise" in o.outputs[0].name][2:]
        back = file.named(file.named(target).inputs["x"].arguments[0].name)
        there = file.named(back.inputs["input"].arguments[0].name)
        for operation in (back, there):
            file.times(file.named(operation.inputs["scale"].arguments[0].name), 0.1)
        file.save()

    for name, plant in (("net_w8a8_ptq.tflite", tflite), ("net_w8a8_ptq.onnx", onnx), ("net_w8a8_ptq.mlpackage", coreml)):
        found = compare(name, plant)
        assert named(found) == [("clipped range", "b3_expand")], name
        assert "10% of the largest value" in found.causes[0].evidence or "9% of the largest value" in found.causes[0].evidence
