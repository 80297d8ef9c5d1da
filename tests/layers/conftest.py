"""A small network with residuals, its float and fake-quantized checkpoints, and what the converters make of them."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

PX = 32
CLASSES = ("a", "b", "c", "d", "e")


def _network():
    """Depthwise blocks with two residuals, normalisations that are not one and zero, and logits that spread."""
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(5)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.ReLU(6.0, name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    for number in (1, 2, 3):
        stride = 2 if number == 1 else 1
        y = layers.Conv2D(48, 1, use_bias=False, name=f"b{number}_expand")(x)
        y = layers.ReLU(6.0, name=f"b{number}_expand_relu")(layers.BatchNormalization(name=f"b{number}_expand_bn")(y))
        if stride == 2:
            y = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"b{number}_pad")(y)
        y = layers.DepthwiseConv2D(
            3, strides=stride, padding="valid" if stride == 2 else "same", use_bias=False, name=f"b{number}_depthwise"
        )(y)
        y = layers.ReLU(6.0, name=f"b{number}_depthwise_relu")(layers.BatchNormalization(name=f"b{number}_depthwise_bn")(y))
        y = layers.Conv2D(16, 1, use_bias=False, name=f"b{number}_project")(y)
        y = layers.BatchNormalization(name=f"b{number}_project_bn")(y)
        x = y if stride == 2 else layers.Add(name=f"b{number}_add")([x, y])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = tf_keras.Model(image, layers.Dense(len(CLASSES), name="logits")(x))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            _, _, mean, variance = layer.get_weights()
            layer.set_weights([rng.uniform(0.7, 1.5, mean.shape), rng.uniform(0.0, 1.0, mean.shape), mean, variance])
            layer.momentum = 0.0
    return model


@pytest.fixture(scope="session")
def images():
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (48, 1, 1, 3)) + rng.integers(-100, 100, (48, PX, PX, 3)) * rng.uniform(0, 1, (48, 1, 1, 1))
    return np.clip(colours, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def run(images, tmp_path_factory):
    """A run's folder: checkpoints and artifacts of every format, as `edgetl run` lays them out."""
    import json

    from edgetl import content, registry
    from edgetl.converters._base import Source
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise
    from edgetl.recipe import Target
    from edgetl.types import Preprocess, to_json

    spec = Preprocess(resize_px=PX, crop_px=PX)
    network = _network()
    inputs = normalise(images, spec)
    network(inputs, training=True)  # statistics of a batch
    logits = network(inputs).numpy()
    last = network.get_layer("logits")
    last.set_weights([last.kernel.numpy() * 3 / logits.std(0), -logits.mean(0) * 3 / logits.std(0)])
    quantized = fake_quant.quantize_model(network, spec.input_range)
    fake_quant.calibrate(quantized, network, [inputs])
    folder = tmp_path_factory.mktemp("layers") / "net"
    for place, model in ((folder / "checkpoint", network), (folder / "checkpoint" / "w8a8_ptq", quantized)):
        place.mkdir(parents=True)
        frozen.freeze(model, PX, place / frozen.NETWORK)
    (folder / "artifacts").mkdir()
    entries = []
    for form, scheme in (
        ("tflite", "fp32"), ("tflite", "w8a8_ptq"), ("onnx", "fp32"), ("onnx", "w8a8_ptq"),
        ("coreml", "fp16"), ("coreml", "w8a8_ptq"),
    ):  # fmt: skip
        converter = registry.load("converters", form)
        path = folder / "artifacts" / f"net_{scheme}{converter.SUFFIX}"
        source = Source(
            network=folder / "checkpoint" / (scheme if scheme == "w8a8_ptq" else ""),
            preprocess=spec,
            class_names=CLASSES,
            calibration=None,
            origin=folder / "artifacts" / f"net_{scheme}.tflite" if scheme in converter.ORIGIN else None,
        )
        converter.convert(source, Target(format=form, scheme=scheme), path)
        entries.append(
            {
                "path": f"artifacts/{path.name}", "format": form, "scheme": scheme,
                "sha256": content.digest(path, str(path)), "asked": {},
            }
        )  # fmt: skip
    report = {
        "recipe": {"file": "net.yaml"}, "preprocess": to_json(spec), "data": {"classes": CLASSES},
        "answers": {"labels_per_image": "one"}, "artifacts": entries,
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return SimpleNamespace(folder=folder, preprocess=spec, artifact=lambda name: folder / "artifacts" / name)


@pytest.fixture(scope="session")
def references(run, images):
    """The float and the fake-quantized network, walked once."""
    from edgetl.layers import diagnosis
    from edgetl.layers.subject import subject

    return diagnosis.walk_references(subject(run.artifact("net_w8a8_ptq.tflite")), images[:12])


@pytest.fixture
def compare(run, references, images, tmp_path):
    """Compare a copy of an artifact with its references after a change to it; the change is given the copy's path."""
    from edgetl.layers import diagnosis, read_coreml, read_onnx, read_tflite

    readers = {".tflite": read_tflite, ".onnx": read_onnx, ".mlpackage": read_coreml}

    def make(name, plant=None):
        path, original = tmp_path / name, run.artifact(name)
        (shutil.copytree if original.is_dir() else shutil.copy)(original, path)
        if plant is not None:
            plant(path)
        found = readers[path.suffix].read(path, images[:12], run.preprocess)
        source = references.source if "w8a8" in name else None
        return diagnosis.compare(found, diagnosis.References(plain=references.plain, source=source), name)[0]

    return make


class TFLite:
    """A TFLite file, opened with the schema's own classes."""

    def __init__(self, path):
        from ai_edge_litert import schema_py_generated as schema

        self.path, self.schema = path, schema
        self.model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        self.graph = self.model.subgraphs[0]

    def operator(self, word):
        """The operator that writes the tensor with a word in its name."""
        return next(o for o in self.graph.operators if word in self.graph.tensors[o.outputs[0]].name.decode())

    def data(self, tensor, dtype):
        """A constant, to be changed in place."""
        buffer = self.model.buffers[self.graph.tensors[tensor].buffer]
        buffer.data = np.array(buffer.data, np.uint8)
        return buffer.data.view(dtype).reshape(self.graph.tensors[tensor].shape)

    def rescale(self, tensor, factor):
        """Give an activation another step; the biases of what reads it follow, as a converter would have them."""
        table = self.graph.tensors[tensor].quantization
        table.scale = [float(s) * factor for s in table.scale]
        for operator in self.graph.operators:
            if operator.inputs[0] == tensor and len(operator.inputs) == 3 and operator.inputs[2] >= 0:
                bias = self.graph.tensors[operator.inputs[2]]
                data = self.data(operator.inputs[2], np.int32)
                data[...] = np.rint(data / factor)
                bias.quantization.scale = [float(s) * factor for s in bias.quantization.scale]

    def save(self):
        import flatbuffers

        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        self.path.write_bytes(bytes(builder.Output()))


class Onnx:
    """An ONNX file."""

    def __init__(self, path):
        import onnx

        self.path, self.model = path, onnx.load(str(path))

    def constant(self, name):
        from onnx import numpy_helper

        return numpy_helper.to_array(next(i for i in self.model.graph.initializer if i.name == name)).copy()

    def put(self, name, value):
        from onnx import numpy_helper

        held = [i for i in self.model.graph.initializer if i.name == name]
        if held:
            held[0].CopyFrom(numpy_helper.from_array(value, name))
        else:
            self.model.graph.initializer.append(numpy_helper.from_array(value, name))

    def save(self):
        self.path.write_bytes(self.model.SerializeToString())


class CoreML:
    """An ML program package: its specification, and the file that holds the weights."""

    def __init__(self, path):
        from coremltools.proto import Model_pb2

        self.specification = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
        self.weights = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
        self.spec = Model_pb2.Model.FromString(self.specification.read_bytes())
        function = self.spec.mlProgram.functions["main"]
        self.operations = function.block_specializations[function.opset].operations

    def named(self, name):
        return next(o for o in self.operations if o.outputs and o.outputs[0].name == name)

    def scalars(self, kind, word):
        """Scale constants that operations of a kind read whose input's name holds a word."""
        names = {
            o.inputs["scale"].arguments[0].name
            for o in self.operations
            if o.type == kind and word in o.inputs["input"].arguments[0].name
        }
        return [self.named(name) for name in sorted(names)]

    def times(self, constant, factor):
        value = constant.attributes["val"].immediateValue.tensor
        field = value.WhichOneof("value")
        if field == "bytes":
            value.bytes.values = (np.frombuffer(value.bytes.values, np.float16) * np.float16(factor)).tobytes()
        else:
            value.floats.values[:] = [v * factor for v in value.floats.values]

    def replace(self, old, new):
        """Put other bytes where these stand in the weights."""
        data = self.weights.read_bytes()
        assert data.count(old) == 1 and len(old) == len(new)
        self.weights.write_bytes(data.replace(old, new))

    def save(self):
        self.specification.write_bytes(self.spec.SerializeToString())


@pytest.fixture(scope="session")
def plants():
    """Ways into a file of each format: faults are planted the way they happen, by another number where the right one was."""
    return SimpleNamespace(TFLite=TFLite, Onnx=Onnx, CoreML=CoreML)
