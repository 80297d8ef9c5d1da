"""Faults planted into real files are named at their layer, in every format; sound files get none."""

import numpy as np
import pytest

SOUND = (
    "net_fp32.tflite",
    "net_w8a8_ptq.tflite",
    "net_fp32.onnx",
    "net_w8a8_ptq.onnx",
    "net_fp16.mlpackage",
    "net_w8a8_ptq.mlpackage",
)


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


def test_a_branch_taken_for_other_numbers_is_a_residual_scale_mismatch(compare, plants):
    def onnx(path):
        file = plants.Onnx(path)
        (add,) = [n for n in file.model.graph.node if n.op_type == "Add"][1:]
        reader = next(n for n in file.model.graph.node if n.output[0] == add.input[1])
        file.put("another_scale", file.constant(reader.input[1]) * np.float32(2))
        reader.input[1] = "another_scale"
        file.save()

    def coreml(path):
        file = plants.CoreML(path)
        add = [o for o in file.operations if o.type == "add" and "scaled" not in o.inputs["x"].arguments[0].name][-1]
        back = file.named(add.inputs["y"].arguments[0].name)
        file.times(file.named(back.inputs["scale"].arguments[0].name), 2)
        file.save()

    for name, plant in (("net_w8a8_ptq.onnx", onnx), ("net_w8a8_ptq.mlpackage", coreml)):
        found = compare(name, plant)
        assert named(found) == [("residual scale mismatch", "b3_add")], name
        assert "takes the integers of b3_project" in found.causes[0].evidence or "of b2_add" in found.causes[0].evidence


def test_a_branch_of_much_larger_steps_is_a_residual_scale_mismatch(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        file.rescale(file.operator("b3_project_bn").outputs[0], 64)
        file.save()

    found = compare("net_w8a8_ptq.tflite", tflite)
    assert named(found) == [("residual scale mismatch", "b3_add")]
    assert "one step of b3_project" in found.causes[0].evidence


def test_kernels_times_a_factor_for_each_channel_are_a_batch_norm_fold(compare, plants):
    factors = np.random.default_rng(0).uniform(0.6, 1.4, 48).astype(np.float32)

    def tflite(path):
        file = plants.TFLite(path)
        operator = file.operator("b2_expand_relu")
        for tensor in operator.inputs[1:]:
            table = file.graph.tensors[tensor].quantization
            table.scale = [float(s) for s in np.array(table.scale) * factors]
        file.save()

    def onnx(path):
        file = plants.Onnx(path)
        (target,) = [n for n in file.model.graph.node if n.name.endswith("b2_expand/Conv2D")]
        file.put(target.input[1], file.constant(target.input[1]) * factors.reshape(-1, 1, 1, 1))
        file.save()

    for name, plant in (("net_w8a8_ptq.tflite", tflite), ("net_fp32.onnx", onnx)):
        found = compare(name, plant)
        assert named(found) == [("batch norm fold", "b2_expand")], name
        assert "times a factor of their own" in found.causes[0].evidence


def test_a_bias_that_is_another_is_a_batch_norm_fold(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        data = file.data(file.operator("b3_project_bn").inputs[2], np.int32)
        data[...] = -data
        file.save()

    found = compare("net_w8a8_ptq.tflite", tflite)
    assert named(found) == [("batch norm fold", "b3_project")]
    assert "the bias is another" in found.causes[0].evidence


def test_weights_that_are_no_rounding_of_the_reference_are_named_with_their_channels(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        kernel = file.data(file.operator("b2_project_bn").inputs[1], np.int8)
        kernel[5, 0, 0, 3] += 40 if kernel[5, 0, 0, 3] < 0 else -40
        file.save()

    def onnx(path):
        file = plants.Onnx(path)
        (target,) = [n for n in file.model.graph.node if n.name.endswith("b2_project/Conv2D")]
        kernel = file.constant(target.input[1])
        kernel[5, 3] += 0.3
        file.put(target.input[1], kernel)
        file.save()

    for name, plant in (("net_w8a8_ptq.tflite", tflite), ("net_fp32.onnx", onnx)):
        found = compare(name, plant)
        assert named(found) == [("weights differ", "b2_project")], name
        assert (
            f"1 of {16 * 48} weights are not the reference's, in 1 of 16 output channels (first: 5)" in found.causes[0].evidence
        )


@pytest.mark.parametrize(("part", "value"), [(1, np.nan), (2, np.inf)])
def test_a_weight_or_a_hidden_bias_that_is_not_finite_is_named_at_its_layer(compare, plants, part, value):
    def onnx(path):
        file = plants.Onnx(path)
        (target,) = [n for n in file.model.graph.node if n.name.endswith("b2_expand/Conv2D")]
        constant = file.constant(target.input[part])
        constant.reshape(-1)[3] = value
        file.put(target.input[part], constant)
        file.save()

    found = compare("net_fp32.onnx", onnx)
    assert named(found) == [("not finite", "b2_expand")]
    assert "weights or biases" in found.causes[0].evidence


def conv(file, word):
    (node,) = [n for n in file.model.graph.node if n.name.endswith(f"{word}/Conv2D")]
    return node


def test_an_activation_that_ends_too_early_is_a_clipped_range_without_any_integers(compare, plants):
    def onnx(path):
        file = plants.Onnx(path)
        clip = next(n for n in file.model.graph.node if n.input[0] == conv(file, "b2_expand").output[0])
        assert clip.op_type == "Clip"
        file.put("early", np.float32(0.3).reshape(()))
        clip.input[2] = "early"
        file.save()

    found = compare("net_fp32.onnx", onnx)
    assert named(found) == [("clipped range", "b2_expand")]
    assert "its activation ends at 0 and 0.3" in found.causes[0].evidence


def test_a_layer_of_floats_that_no_known_cause_explains_computes_something_else(compare, plants):
    def onnx(path):
        file = plants.Onnx(path)
        stem = next(n for n in file.model.graph.node if n.op_type == "Conv")
        (pads,) = [a for a in stem.attribute if a.name == "pads"]
        pads.ints[:] = [pads.ints[2], pads.ints[3], pads.ints[0], pads.ints[1]]
        file.save()

    found = compare("net_fp32.onnx", onnx)
    assert named(found) == [("computes something else", "stem")]
    assert found.agreement > 0.5


def test_answers_that_are_lost_in_noise_are_a_fault_of_all_layers_together(compare, plants):
    def onnx(path):
        file = plants.Onnx(path)
        for node in file.model.graph.node:
            if node.op_type in ("Conv", "Gemm", "MatMul"):
                kernel = file.constant(node.input[1])
                few = np.linspace(kernel.min(), kernel.max(), 3, dtype=np.float32)
                file.put(node.input[1], few[np.abs(kernel[..., None] - few).argmin(-1)])
        file.save()

    found = compare("net_fp32.onnx", onnx)
    assert found.agreement < 0.5 or found.logits_db < 0
    assert [rule for rule, _ in named(found)] == ["noise of all layers"]


def test_classes_in_another_order_are_named_with_the_order(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        operator = next(
            o for o in file.graph.operators if len(file.graph.tensors[o.outputs[0]].shape) == 2 and len(o.inputs) == 3
        )
        for tensor, dtype in zip(operator.inputs[1:], (np.float32, np.float32), strict=True):
            data = file.data(tensor, dtype)
            data[...] = np.roll(data, 1, 0)
        file.save()

    found = compare("net_fp32.tflite", tflite)
    assert named(found) == [("classes in another order", "logits")]
    assert "1 place later" in found.causes[0].evidence


def test_biases_of_zero_are_named_before_the_channels_that_they_end(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        operator = file.operator("b3_expand_relu")
        file.data(operator.inputs[2], np.int32)[...] = -(2**16)
        file.save()

    found = compare("net_w8a8_ptq.tflite", tflite)
    assert any(m.dead for m in found.measures if m.name == "b3_expand")
    assert named(found) == [("batch norm fold", "b3_expand")]


def test_kernels_of_floats_times_one_factor_are_a_batch_norm_fold(compare, plants):
    def onnx(path):
        file = plants.Onnx(path)
        name = conv(file, "b2_expand").input[1]
        file.put(name, file.constant(name) * np.float32(1.05))
        file.save()

    found = compare("net_fp32.onnx", onnx)
    assert named(found) == [("batch norm fold", "b2_expand")]
    assert "1.05 to 1.05" in found.causes[0].evidence


def test_a_softmax_that_rounds_its_answers_together_is_named_and_the_logits_are_not(compare, plants):
    def tflite(path):
        file = plants.TFLite(path)
        next(o for o in file.graph.operators if hasattr(o.builtinOptions, "beta")).builtinOptions.beta = 0.002
        file.save()

    found = compare("net_w8a8_ptq.tflite", tflite)
    assert [rule for rule, _ in named(found)] == ["softmax in int8"]
    assert found.logits_db > 20


def test_an_input_that_is_normalised_otherwise_is_named_with_its_constants(compare, plants):
    def coreml(path):
        file = plants.CoreML(path)
        scaled = next(o for o in file.operations if o.type == "mul")
        file.times(file.named(scaled.inputs["y"].arguments[0].name), 0.5)
        file.save()

    found = compare("net_fp16.mlpackage", coreml)
    assert named(found) == [("wrong preprocessing", "image")]
    assert "the reference's × 0.5 - 0.502" in found.causes[0].evidence
    assert "edgetl diagnose preprocessing" in found.causes[0].remedy


def test_another_network_is_refused(run, images):
    from edgetl.errors import InputError
    from edgetl.layers import read_tflite, tying
    from edgetl.layers.steps import Layer, Walk

    found = read_tflite.read(run.artifact("net_fp32.tflite"), images[:2], run.preprocess)
    kernel = np.ones((7, 1, 1, 3), np.float32)
    other = Layer(kind="conv", name="c", words=frozenset(), inputs=(0,), output="c", kernel=kernel)
    reference = Walk(
        title="another", layers=(found.layers[0], other), values=(found.values[0], np.ones((2, 8, 8, 7), np.float32))
    )
    with pytest.raises(InputError, match="only 0 of its 11 layers with weights could be tied to a layer of another"):
        tying.tie(found, reference)


def test_advice_names_the_layer_that_costs_most_and_its_gain_is_what_the_error_takes(compare, run, images, plants, tmp_path):
    import shutil
    from dataclasses import replace

    from edgetl.layers import diagnosis
    from edgetl.layers.subject import subject

    path = tmp_path / "net.tflite"
    shutil.copy(run.artifact("net_w8a8_ptq.tflite"), path)
    file = plants.TFLite(path)
    file.rescale(file.operator("b2_expand_relu").outputs[0], 0.1)
    file.save()
    asked = subject(path, run.folder / "checkpoint")
    found = diagnosis.diagnose(replace(asked, preprocess=run.preprocess), images[:12])
    assert found.advice
    best = max(found.advice, key=lambda one: one.gain_db)
    assert best.layer == "b2_expand"
    assert best.size_bytes == 3 * 16 * 48
    sound = compare("net_w8a8_ptq.tflite")
    assert best.gain_db > 0.5 * (sound.logits_db - found.logits_db) > 1


def test_a_reference_of_another_input_size_is_refused_in_plain_words(run, images, tmp_path):

    import onnx

    from edgetl.errors import InputError
    from edgetl.layers import read_frozen
    from edgetl.layers.subject import subject

    with pytest.raises(InputError, match="it takes images of 32 pixels, and the file that is held against it takes 16"):
        read_frozen.read(run.folder / "checkpoint", images[:2, :16, :16], run.preprocess)
    model = onnx.load(str(run.artifact("net_fp32.onnx")))
    for dimension in model.graph.input[0].type.tensor_type.shape.dim:
        if dimension.dim_value == 32:
            dimension.dim_value = 64
    other = tmp_path / "other.onnx"
    other.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="takes images of 64 pixels, .*net_fp32.tflite takes 32"):
        subject(run.artifact("net_fp32.tflite"), other)


def test_the_table_fits_eighty_columns_and_the_advice_keeps_what_is_kept(compare, capsys):
    from dataclasses import replace

    from edgetl.cli import diagnose_layers
    from edgetl.layers.case import Cause
    from edgetl.layers.remedies import Advice

    found = compare("net_w8a8_ptq.tflite")
    one = Advice(layer="stem", gain_db=1.0, agreement_gain=0.0, macs_share=0.1, size_bytes=9, latency_ms=None)
    fault = Cause(rule="computes something else", place=1, layer="l", evidence="e", remedy="r")
    long = tuple(
        replace(m, name=f"block_{m.place}_depthwise_and_more", sqnr_db=-120.0, local_db=-120.0, mean_shift=-0.001)
        for m in found.measures
    )
    diagnose_layers._show(
        replace(found, measures=long * 8, causes=(fault,), advice=(one,), keep_float=("b1_expand",)), every=True
    )
    shown = capsys.readouterr().out
    table = shown[shown.index("SQNR by depth") : shown.index("SQNR, own")].splitlines()
    assert max(map(len, table)) <= 80
    assert "-0.00" not in shown
    assert "keep_float: [b1_expand, stem]" in shown


def test_the_command_says_it_in_words_and_in_json(edgetl, run, photos, tmp_path):
    import json

    from PIL import Image

    folder = tmp_path / "photos"
    for source in photos.iterdir():
        name = dict(zip(("blue", "green", "red"), "abc", strict=True))[source.name]
        (folder / name).mkdir(parents=True)
        for photo in sorted(source.iterdir())[:3]:
            Image.open(photo).save(folder / name / photo.name)
    against = run.artifact("net_fp32.tflite")
    answer = edgetl(
        "diagnose", "layers", run.artifact("net_w8a8_ptq.onnx"), "--against", against, "--data", folder, "--limit", "6", "--json"
    )
    assert answer.returncode in (0, 1), answer.stderr
    told = json.loads(answer.stdout)
    assert (told["schema"], told["tied"], told["layers"], told["images"]) == (1, 16, 16, 6)
    assert answer.returncode == (1 if told["causes"] else 0)
    assert {m["name"] for m in told["measures"]} > {"stem", "b1_depthwise", "b3_add", "logits"}
    refused = edgetl("diagnose", "layers", run.artifact("net_w8a8_ptq.onnx"))
    assert refused.returncode == 2
    assert "Give a folder of them with --data" in refused.stderr
