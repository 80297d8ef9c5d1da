"""A small network's files, and what a delegate says of one."""

from types import SimpleNamespace

import numpy as np
import pytest

from edgetl import registry
from edgetl.delegates import _base

PX = 16


@pytest.fixture(scope="session")
def network():
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((PX, PX, 3), batch_size=1, name="image")
    x = layers.ReLU(6.0)(layers.Conv2D(16, 3, strides=2, padding="same")(image))
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Add()([x, layers.Conv2D(16, 1)(x)])
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(image, layers.Dense(5, activation="softmax")(x))


@pytest.fixture(scope="session")
def tflite(network, tmp_path_factory, tflite_converter):
    """Write a network as TFLite, float or int8, with float or uint8 ends."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("delegates")

    def convert(name, *, model=None, int8=False, io=None):
        model = network if model is None else model
        converter = tflite_converter(model)
        if int8:
            images = np.random.default_rng(0).uniform(-1, 1, (8, 1, *model.input.shape[1:])).astype(np.float32)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image] for image in images)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if io:
            converter.inference_input_type = converter.inference_output_type = getattr(tf, io)
        (folder / f"{name}.tflite").write_bytes(converter.convert())
        return folder / f"{name}.tflite"

    return convert


@pytest.fixture(scope="session")
def covered():
    """What a delegate takes of a file; `left` counts what leaves by type."""

    def ask(delegate, path, form):
        module = registry.load("delegates", delegate)
        found = _base.coverage(delegate, module, path, registry.load("graphs", form).read(path))
        assert all(one.rule.endswith(".") or ":" in one.rule for one in found.leaving)
        assert all(one.source for one in found.leaving)
        return SimpleNamespace(coverage=found, left=_base.types(found.leaving))

    return ask


@pytest.fixture(scope="session")
def onnx_network(tmp_path_factory):
    """Three convolutions, an operator of choice behind the first; free batch where wished."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def write(odd="Relu", domain="", batch=1):
        kernel = numpy_helper.from_array(np.ones((4, 4, 1, 1), np.float32), "k")
        nodes = [
            helper.make_node("Conv", ["x", "k"], ["a"], name="first"),
            helper.make_node(odd, ["a"], ["b"], name="odd", domain=domain),
            helper.make_node("Conv", ["b", "k"], ["c"], name="second"),
            helper.make_node("Conv", ["c", "k"], ["y"], name="third"),
        ]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 4, 8, 8]) for name in ("x", "y")]
        graph = helper.make_graph(nodes, "g", [ends[0]], [ends[1]], [kernel])
        sets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
        path = tmp_path_factory.mktemp("onnx") / "m.onnx"
        onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=8), path)
        return path

    return write


@pytest.fixture(scope="session")
def checkers_words():
    """What onnxruntime's usability checker says of a file as it is: provider → parts, nodes taken, nodes."""
    import logging
    import re

    from onnxruntime.tools.mobile_helpers import usability_checker

    def ask(path):
        lines, logger = [], logging.getLogger("checkers_words")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.handlers = [logging.Handler()]
        logger.handlers[0].emit = lambda record: lines.append(record.getMessage())
        usability_checker.analyze_model(path, logger=logger)
        said = re.findall(r"(\d+) partitions with a total of (\d+)/(\d+) nodes can be handled by the (.+?) EP", "\n".join(lines))
        found = {}
        for parts, taken, nodes, provider in said:
            found.setdefault(provider, (int(parts), int(taken), int(nodes)))  # the first: shapes as they are
        return found

    return ask
