"""Bundles of small networks that read every pixel, with photos of every kind, and what the code made of them needs to run."""

import hashlib
import io
import json
import os
import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from edgetl.types import Preprocess, to_json

NEED = runpy.run_path(str(Path(__file__).parents[1] / "clients" / "need.py"))
LABELS = (
    'plain "quoted" \\ $name ${1 + 1}',
    "`ticks` and 'single' ones \u2029",
    "emoji \U0001f34e e\u0301 \u2028",
    "</script><b>&amp;",
    "#{x} \\(y) `z`",
)
"""Names that would leave a string literal, a template or a tag."""


@pytest.fixture(scope="session")
def need():
    return NEED


def _photo(rng, size, mode="RGB"):
    small = rng.integers(0, 256, (5, 6, len(mode)), np.uint8)
    rough = rng.integers(-20, 20, (size[1], size[0], len(mode)))
    smooth = np.asarray(Image.fromarray(small, mode).resize(size, Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(np.clip(smooth + rough, 0, 255).astype(np.uint8), mode)


def _encoded(image, form, orientation=None, **options):
    out = io.BytesIO()
    if orientation is not None:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    image.save(out, form, **options)
    return out.getvalue()


def photos():
    """name → bytes: square, oblong, tall, smaller than the crop, transparent, grey, and turned in each way."""
    rng = np.random.default_rng(5)
    found = {
        "square.png": _encoded(_photo(rng, (90, 90)), "PNG"),
        "oblong.jpg": _encoded(_photo(rng, (301, 97)), "JPEG", quality=90),
        "tall.png": _encoded(_photo(rng, (90, 500)), "PNG"),
        "small.png": _encoded(_photo(rng, (13, 9)), "PNG"),
        "clear.png": _encoded(_photo(rng, (70, 61), "RGBA"), "PNG"),
        "grey.png": _encoded(_photo(rng, (64, 48)).convert("L"), "PNG"),
    }
    for orientation in range(2, 9):
        found[f"turned{orientation}.jpg"] = _encoded(_photo(rng, (120, 80)), "JPEG", orientation, quality=92)
    return found


def many(count):
    """As many photos: PNG and JPEG in turn, of many sizes."""
    rng = np.random.default_rng(17)
    found = {}
    for number in range(count):
        image = _photo(rng, (int(rng.integers(40, 160)), int(rng.integers(40, 160))))
        form = "png" if number % 2 else "jpg"
        found[f"{number:03d}.{form}"] = _encoded(image, "PNG" if number % 2 else "JPEG")
    return found


def _weights(px, classes):
    """Columns that lie far apart, so that answers are sure, and small enough that a level of a byte is not an answer."""
    return np.random.default_rng(11).normal(0, 3.0 / px, (classes, px * px * 3)).astype(np.float32)


def tflite(path, px, classes, io_type="float32"):
    """Write a TFLite file: every pixel → one dense layer → softmax; `io_type` at both ends."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as s

    model, graph = s.ModelT(), s.SubGraphT()
    model.version, model.buffers, graph.tensors, graph.operators, model.operatorCodes = 3, [s.BufferT()], [], [], []
    kinds = {"float32": s.TensorType.FLOAT32, "uint8": s.TensorType.UINT8, "int8": s.TensorType.INT8}

    def tensor(name, shape, kind="float32", data=None, grid=None):
        made = s.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), kinds[kind], 0
        if data is not None:
            buffer = s.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
            made.buffer = len(model.buffers) - 1
        if grid is not None:
            made.quantization = s.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [grid[0]], [grid[1]]
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(code, inputs, outputs, options=None, kind=0):
        entry, made = s.OperatorCodeT(), s.OperatorT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = (
            code,
            min(code, 127),
            2 if code != s.BuiltinOperator.SOFTMAX else 1,
        )
        if code == s.BuiltinOperator.FULLY_CONNECTED:
            entry.version = 1
        model.operatorCodes.append(entry)
        made.opcodeIndex, made.inputs, made.outputs = len(model.operatorCodes) - 1, inputs, outputs
        made.builtinOptions, made.builtinOptionsType = options, kind
        graph.operators.append(made)

    zero = {"uint8": 128, "int8": 0}.get(io_type, 0)
    lowest = {"uint8": 0, "int8": -128}.get(io_type, 0)
    outer = tensor("image", (1, px, px, 3), io_type, grid=None if io_type == "float32" else (1 / 127.5, zero))
    image = outer
    if io_type != "float32":
        image = tensor("real", (1, px, px, 3))
        operator(s.BuiltinOperator.DEQUANTIZE, [outer], [image], s.DequantizeOptionsT(), s.BuiltinOptions.DequantizeOptions)
    weights = tensor("weights", (classes, px * px * 3), data=_weights(px, classes))
    bias = tensor("bias", (classes,), data=np.zeros(classes, np.float32))
    logits, answer = tensor("logits", (1, classes)), tensor("probabilities", (1, classes))
    dense, soft = s.FullyConnectedOptionsT(), s.SoftmaxOptionsT()
    soft.beta = 1.0
    operator(s.BuiltinOperator.FULLY_CONNECTED, [image, weights, bias], [logits], dense, s.BuiltinOptions.FullyConnectedOptions)
    operator(s.BuiltinOperator.SOFTMAX, [logits], [answer], soft, s.BuiltinOptions.SoftmaxOptions)
    last = answer
    if io_type != "float32":
        last = tensor("stored", (1, classes), io_type, grid=(1 / 256, lowest))
        operator(s.BuiltinOperator.QUANTIZE, [answer], [last], s.QuantizeOptionsT(), s.BuiltinOptions.QuantizeOptions)
    graph.inputs, graph.outputs = [outer], [last]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    grid = {"scale": None, "zero_point": None}
    entrance, exit_ = (
        (grid, grid)
        if io_type == "float32"
        else ({"scale": 1 / 127.5, "zero_point": zero}, {"scale": 1 / 256, "zero_point": lowest})
    )
    return (
        {"name": "image", "shape": [1, px, px, 3], "dtype": io_type, "layout": "NHWC", **entrance},
        {"name": "probabilities", "shape": [1, classes], "dtype": io_type, "layout": "NC", **exit_},
    )


def onnx(path, px, classes, io_type="float32", layout="NHWC"):
    """Write the same network as ONNX."""
    import onnx as o
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper as n

    kind = {"float32": T.FLOAT, "uint8": T.UINT8, "int8": T.INT8}[io_type]
    numpy_kind = {"uint8": np.uint8, "int8": np.int8}.get(io_type, np.uint8)
    shape = (1, px, px, 3) if layout == "NHWC" else (1, 3, px, px)
    nodes, constants, now = [], [], "image"
    zero, lowest = {"uint8": (128, 0), "int8": (0, -128)}.get(io_type, (0, 0))
    if io_type != "float32":
        constants += [n.from_array(np.float32(1 / 127.5), "s"), n.from_array(numpy_kind(zero), "z")]
        nodes.append(h.make_node("DequantizeLinear", [now, "s", "z"], ["real"]))
        now = "real"
    if layout == "NCHW":
        nodes.append(h.make_node("Transpose", [now], ["turned"], perm=[0, 2, 3, 1]))
        now = "turned"
    constants.append(n.from_array(_weights(px, classes).T.copy(), "w"))
    last = "probabilities" if io_type == "float32" else "soft"
    nodes += [
        h.make_node("Flatten", [now], ["flat"], axis=1),
        h.make_node("MatMul", ["flat", "w"], ["logits"]),
        h.make_node("Softmax", ["logits"], [last], axis=-1),
    ]
    if io_type != "float32":
        constants += [n.from_array(np.float32(1 / 256), "so"), n.from_array(numpy_kind(lowest), "zo")]
        nodes.append(h.make_node("QuantizeLinear", [last, "so", "zo"], ["probabilities"]))
    graph = h.make_graph(
        nodes,
        "net",
        [h.make_tensor_value_info("image", kind, shape)],
        [h.make_tensor_value_info("probabilities", kind, (1, classes))],
        constants,
    )
    o.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8), str(path))
    entrance = {"scale": None, "zero_point": None} if io_type == "float32" else {"scale": 1 / 127.5, "zero_point": zero}
    exit_ = {"scale": None, "zero_point": None} if io_type == "float32" else {"scale": 1 / 256, "zero_point": lowest}
    return (
        {"name": "image", "shape": list(shape), "dtype": io_type, "layout": layout, **entrance},
        {"name": "probabilities", "shape": [1, classes], "dtype": io_type, "layout": "NC", **exit_},
    )


def seal(folder, manifest):
    """Write the manifest of what lies there."""
    (folder / "manifest.json").unlink(missing_ok=True)
    files = {
        p.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "size_bytes": p.stat().st_size}
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, **manifest, "files": files}))


def bundle(folder, artifacts, preprocess, labels=LABELS, several=False, images=None, after=None):
    """Ship a bundle of such files: artifact (`tflite/fp32`) → `io`, `layout`."""
    from edgetl.bundle import contracts
    from edgetl.golden import contract
    from edgetl.preprocess import to_pixels
    from edgetl.replay import network
    from edgetl.replay.hypotheses import as_values

    (folder / "artifacts").mkdir(parents=True)
    (folder / "golden").mkdir()
    files, places, rows = {}, {}, []
    for name, options in artifacts.items():
        form, _, scheme = name.partition("/")
        path = folder / "artifacts" / f"net_{scheme}.{form}"
        entrance, exit_ = {"tflite": tflite, "onnx": onnx}[form](path, preprocess.crop_px, len(labels), **options)
        if after is not None:
            after(path, preprocess, labels)
        files[name], places[name] = path, f"artifacts/{path.name}"
        rows.append({"format": form, "scheme": scheme, "path": places[name], "inputs": [entrance], "outputs": [exit_]})
    golden = []
    for name, data in (images or photos()).items():
        (folder / "golden" / name).write_bytes(data)
        answers = {}
        for artifact, path in files.items():
            given = network.given(path, preprocess, labels)
            with network.Network(path, given) as loaded:
                answers[artifact] = loaded.answer(as_values(to_pixels(data, preprocess), given))
        golden.append(contract.Golden(file=name, data=data, label=labels[0], probabilities=answers))
    made = contract.contract(golden, files, preprocess, labels, places)
    (folder / "golden" / "golden.json").write_text(json.dumps(made))
    (folder / "preprocess.json").write_text(json.dumps({"schema": 1, **to_json(preprocess), "steps": []}))
    answers = {"labels_per_image": "one", "function": "softmax", "named_from": None}
    if several:
        answers = {"labels_per_image": "several", "function": "sigmoid", "named_from": 0.5}
    manifest = {
        "name": "fruit $bowl",
        "version": "1.0",
        "description": "",
        "classes": list(labels),
        "answers": answers,
        "preprocess": to_json(preprocess),
        "artifacts": rows,
    }
    for file, value in contracts.derive(manifest, made).items():
        contracts.checked(value, file, folder)
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(json.dumps(value))
    seal(folder, manifest)
    return folder


SQUARE = Preprocess(resize_px=40, crop_px=32)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory):
    """A bundle of six files: float, uint8 and int8 ends; NHWC and NCHW."""
    artifacts = {
        "tflite/fp32": {},
        "tflite/w8a8_ptq": {"io_type": "uint8"},
        "tflite/w8a8_qat": {"io_type": "int8"},
        "onnx/fp32": {},
        "onnx/w8a8_ptq": {"io_type": "uint8", "layout": "NCHW"},
        "onnx/w8a8_qat": {"io_type": "int8"},
    }
    return bundle(tmp_path_factory.mktemp("shipped") / "bundle", artifacts, SQUARE)


@pytest.fixture(scope="session")
def making():
    """The functions above, for tests that ship bundles of their own."""
    return SimpleNamespace(bundle=bundle, seal=seal, photos=photos, many=many, labels=LABELS, square=SQUARE)


@pytest.fixture(scope="session")
def jvm(shipped, tmp_path_factory):
    """The Kotlin of an app, compiled: what the compiler `said`, `run` (arguments of `Replay`) → what it prints."""
    from edgetl.apps import _generate

    folder, package = tmp_path_factory.mktemp("kotlin"), "com.example.fruit"
    kotlinc, java = NEED["kotlinc"](), NEED["java"]()
    _generate.generate(shipped, "android", "tflite/fp32", folder / "app", package)
    stubs = Path(__file__).parent / "stubs"
    replay = folder / "Replay.kt"
    replay.write_text((stubs / "Replay.kt").read_text().replace("PACKAGE", package))
    sources = [*sorted((folder / "app").rglob("*.kt")), *sorted(set(stubs.glob("*.kt")) - {stubs / "Replay.kt"}), replay]
    environment = {**os.environ, "JAVA_OPTS": "-Xmx1500M -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}  # starts in half the time
    command = [kotlinc, "-jvm-target", "1.8", "-d", folder / "classes", *sources]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=500, env=environment)
    assert done.returncode == 0, done.stderr
    runtime = next(p for p in (Path(kotlinc).resolve().parents[1] / "lib/kotlin-stdlib.jar", *_JARS) if p.exists())

    def run(*arguments, ends=0):
        call = [java, "-Dfile.encoding=UTF-8", "-XX:TieredStopAtLevel=1", "-cp", f"{folder / 'classes'}:{runtime}"]
        call += [f"{package}.Replay", *arguments]
        done = subprocess.run([*map(str, call)], capture_output=True, text=True, timeout=120)
        assert done.returncode == ends, done.stderr
        return done.stdout

    said = [line for line in done.stderr.splitlines() if "OpenJDK" not in line]
    return SimpleNamespace(package=package, said=said, run=run, sources=folder / "app")


_JARS = (Path("/usr/share/java/kotlin-stdlib.jar"),)  # where Debian puts it


@pytest.fixture(scope="session")
def phone_photos(material, tmp_path_factory):
    """A bundle with phone photos as golden ones, as they are shipped: 224 of 256 pixels, int8."""
    files = [*sorted((material / "data" / "grocery10" / "train").glob("*/*_007.jpg"))[:8], *_turned(material)]
    images = {f"{number:02d}.jpg": file.read_bytes() for number, file in enumerate(files)}
    preprocess = Preprocess(resize_px=256, crop_px=224)
    folder = tmp_path_factory.mktemp("photos") / "bundle"
    return bundle(folder, {"tflite/w8a8_qat": {"io_type": "int8"}}, preprocess, images=images)


def _turned(material):
    found = []
    for path in sorted((material / "hostile" / "images").rglob("*.jp*g")):
        try:
            with Image.open(path) as image:
                if image.mode == "RGB" and image.getexif().get(0x0112, 1) in range(2, 9):
                    found.append(path)
        except OSError:  # some of them are damaged
            continue
    return found[:4]


@pytest.fixture(scope="session")
def others(tmp_path_factory):
    """Bundles of other filters, sizes, labels and means: name → folder; each of one file, tflite/fp32."""
    folder = tmp_path_factory.mktemp("others")
    kinds = {
        "bicubic": (Preprocess(resize_px=33, crop_px=28, interpolation="bicubic", mean=127.5), {}, True),
        "nearest": (Preprocess(resize_px=29, crop_px=29, interpolation="nearest"), {"io_type": "int8"}, False),
    }
    names = ("apple", "pear", "plum", "quince")
    return {
        name: bundle(folder / name, {"tflite/fp32": options}, preprocess, names, several=several)
        for name, (preprocess, options, several) in kinds.items()
    }
