"""A run with hostile names: its report, a contact sheet, a bundle of two small ONNX files, photos as cameras write them."""

import hashlib
import json
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgetl.bundle import contracts, plain
from edgetl.golden import contract
from edgetl.types import Preprocess, to_json

CLIENTS = Path(__file__).parents[2] / "clients"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
CLASSES = (EVIL, "a b", "ß→🍎")
STEPS = Preprocess(resize_px=40, crop_px=32)


@pytest.fixture(scope="session")
def need():
    """Functions of tests/clients/need.py."""
    return runpy.run_path(str(CLIENTS / "need.py"))


@pytest.fixture(scope="session")
def look(need):
    """Look at a page in headless Chromium; see tests/clients/look.mjs."""

    def seen(url, views=({"scheme": "light", "width": 1280, "height": 900},), **more):
        modules, chromium, node = need["node_modules"](), need["chromium"](), need["node"]()
        asked = {"modules": str(modules), "chromium": str(chromium), "url": url, "views": list(views), **more}
        command = [node, CLIENTS / "look.mjs"]
        done = subprocess.run(command, input=json.dumps(asked), text=True, capture_output=True, timeout=180)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return seen


def network(path, layout, dtype):
    """Mean of each channel → three classes: which colour a photo has most of."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kind = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8}[dtype]
    shape = [1, 3, 32, 32] if layout == "NCHW" else [1, 32, 32, 3]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    factor = 8.0 if dtype == "float32" else 8.0 / 127.5
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["means"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["means", "factor"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    inputs, outputs = (
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 3])],
    )
    graph = helper.make_graph(nodes, "colour", inputs, outputs, [numpy_helper.from_array(np.float32(factor), "factor")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _photos(folder):
    """As phones write them: a long JPEG, one turned by EXIF, a transparent PNG, a tall one."""
    rng = np.random.default_rng(3)
    turned = Image.Exif()
    turned[0x0112] = 6
    for number, (size, most) in enumerate((((300, 200), 0), ((160, 240), 1), ((50, 61), 2), ((90, 400), 0))):
        small = rng.integers(0, 120, (6, 5, 3), np.uint8)
        small[..., most] += 100
        image = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))
        if number == 2:
            image.putalpha(255)
            image.save(folder / f"{number}.png")
        else:
            image.save(folder / f"{number}.jpg", quality=88, **({"exif": turned} if number == 1 else {}))
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """A folder `bundle` of two ONNX files, with the golden contract that edgetl writes."""
    from edgetl.preprocess import to_pixels
    from edgetl.replay import network as networks
    from edgetl.replay.hypotheses import as_values

    folder = tmp_path_factory.mktemp("page") / "bundle"
    for name in ("artifacts", "golden"):
        (folder / name).mkdir(parents=True)
    kinds = {"onnx/fp32": ("NCHW", "float32"), "onnx/w8a8_ptq": ("NHWC", "uint8")}
    files = {name: folder / "artifacts" / f"{name[5:]}.onnx" for name in kinds}
    for name, kind in kinds.items():
        network(files[name], *kind)
    images = []
    photos = _photos(folder / "golden")
    for path in photos:
        data, answers = path.read_bytes(), {}
        for name, file in files.items():
            given = networks.given(file, STEPS, CLASSES)
            with networks.Network(file, given) as opened:
                answers[name] = opened.answer(as_values(to_pixels(data, STEPS), given))
        images.append(contract.Golden(file=path.name, data=data, label=CLASSES[0], probabilities=answers))
    places = {name: f"artifacts/{path.name}" for name, path in files.items()}
    golden = contract.contract(images, files, STEPS, CLASSES, places)
    assert {a["dtype"] for a in golden["artifacts"].values()} == {"float32", "uint8"}
    (folder / "golden" / "golden.json").write_text(json.dumps(golden))
    (folder / "preprocess.json").write_text(json.dumps({"schema": 1, **to_json(STEPS), "steps": []}))
    output = {"name": "probabilities", "shape": [1, 3], "dtype": "float32", "layout": "NC", "scale": None, "zero_point": None}
    made = [{"format": "onnx", "scheme": n[5:], "path": places[n], "inputs": [{"name": "x"}], "outputs": [output]} for n in files]
    manifest = {"name": "page", "version": "1", "classes": list(CLASSES), "answers": {"named_from": None}, "artifacts": made}
    for name, value in contracts.derive({**manifest, "preprocess": to_json(STEPS)}, golden).items():
        contracts.checked(value, name, folder)
        plain.write(folder / name, value)
    listed = {
        p.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "size_bytes": p.stat().st_size}
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    manifest |= {"schema": 1, "files": listed}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _artifact(form, scheme, **more):
    flip = {
        "name": f"{EVIL}.png", "row": 0, "kind": "lost", "right": EVIL,
        "reference": {"answer": EVIL, "probability": 0.6}, "candidate": {"answer": "a b", "probability": 0.5},
    }  # fmt: skip
    paired = {
        "n": 200, "lost": 3, "won": 1, "changed": 5, "drop": {"value": 0.01, "low": -0.01, "high": 0.03},
        "bootstrap": {"low": 0.0, "high": 0.02}, "mcnemar_p": 0.3,
        "worst_class": {"name": EVIL, "n": 60, "drop": 0.02, "low": -0.1, "high": 0.2, "classes": 3}, "images_to_resolve": 900,
    }  # fmt: skip
    timing = {
        "runtime": "onnxruntime", "threads": 1, "evidence": "host", "environment": {}, "load_ms": 5.0, "first_inference_ms": 2.0,
        "peak_memory_mib": 9.0, "unstable": ["the standard deviation is 30% of the mean"],
        "latency_ms": {"p50": 1.0, "p90": 1.4, "p99": 2.0, "mean": 1.1, "min": 0.9, "values": [1.0]},
    }  # fmt: skip
    return {
        "format": form, "scheme": scheme, "asked": {}, "path": f"artifacts/x_{scheme}.{form}", "sha256": "0" * 64,
        "evidence": "measured", "size_bytes": 2_000_000, "delivered_bytes": 1_500_000, "int8_mac_share": 0.0,
        "status": "verified", "reason": None,
        "top1": 0.9, "top1_drop": 0.01, "agreement": 0.98, "source_agreement": 1.0, "max_abs_err": 1e-6, "against_origin": None,
        "paired": paired, "flips": [flip], "converter": EVIL, "notes": [EVIL], "keep_float": [], "benchmark": [timing], **more,
    }  # fmt: skip


def _verdict(form, scheme, device, gate, outcome, value=None, evidence="estimated", interval=None, limit=33.0):
    return {
        "format": form, "scheme": scheme, "device": device, "gate": gate, "outcome": outcome, "value": value,
        "interval": interval, "limit": limit, "evidence": evidence, "reason": f"because {EVIL}{' and so on' * 90}",
        "images_needed": 300 if outcome == "unsure" else None,
    }  # fmt: skip


def report():
    """A report.json in which everything has something to show."""
    rate = {"value": 0.9, "low": 0.85, "high": 0.94, "successes": 180, "of": 200}
    error = {"value": 0.02, "low": 0.01, "high": 0.04}
    bins = [{"low": 0.4, "high": 0.5, "count": 20, "confidence": 0.45, "accuracy": 0.5}]
    classes = [{"name": name, "support": 60, "precision": rate, "recall": rate, "f1": 0.9} for name in CLASSES]
    cost = {"what": "weights", "layer": EVIL, "sqnr_db": 11.0, "units": ["u"]}
    phone = "phone <b>"
    return {
        "schema": 1,
        "recipe": {"name": EVIL, "file": "fruit.yaml", "sha256": "1" * 64, "overrides": [EVIL]},
        "devices": [phone],
        "preprocess": to_json(STEPS),
        "answers": {"labels_per_image": "one"},
        "data": {"classes": list(CLASSES), "images": {"train": 9, "test": 200}, "skipped": [], "warnings": [EVIL]},
        "checkpoint": {"backbone": "mobilenet_v2", "weights": EVIL, "top1": 0.91, "n": 200},
        "training": [
            {"phase": EVIL, "epoch": n, "loss": 2.0 / n, "val_loss": float("nan") if n == 2 else 1.5 / n, "val_top1": 0.3 * n}
            for n in (1, 2, 3)
        ],
        "evaluation": {
            "n": 200, "top1": rate, "top5": rate, "top5_k": 3, "balanced_accuracy": error, "classes": classes, "ece": error,
            "confusion": [[50, 9, 1], [0, 60, 0], [0, 20, 40]], "reliability": bins, "temperature": {"value": 1.5},
            "calibrated": {"ece": error, "reliability": bins}, "abstain": {},
        },
        "kept_in_float": {
            "w8a8_ptq": {
                "asked": "auto", "units": ["u"], "met": True, "allowed": 0.02, "before": {"drop": 0.2, "n": 100},
                "after": {"drop": 0.01, "n": 100, "interval": [-0.01, 0.03]}, "sensitivity": [cost, {**cost, "sqnr_db": 4.0}],
            }
        },
        "artifacts": [
            _artifact("onnx", "fp32"),
            _artifact("onnx", "w8a8_ptq", int8_mac_share=0.97, delivered_bytes=500_000),
            _artifact("coreml", EVIL.replace("/", ""), path=None, status="failed", reason=EVIL, size_bytes=None, flips=[],
                      paired=None, top1=None, agreement=None, delivered_bytes=None, benchmark=[]),
        ],
        "coverage": [{"device": phone, "format": "onnx", "scheme": "fp32", "delegate": "nnapi", "operators": 9,
                      "leaving": {EVIL: 2}, "rules": [], "mac_share": 0.5, "partitions": 2}],
        "verdicts": [
            _verdict("onnx", "fp32", None, "min_top1", "pass", 0.9, "measured", [0.85, 0.94], 0.8),
            _verdict("onnx", "w8a8_ptq", None, "min_top1", "unsure", 0.9, "measured", [0.85, 0.94], 0.9),
            _verdict("onnx", "fp32", phone, "latency_p90_ms", "fail", 50.0, "measured", [45.0, 61.0]),
            _verdict("onnx", "w8a8_ptq", phone, "latency_p90_ms", "pass", 9.0, "estimated", [3.0, 30.0]),
        ],
        "failed": [EVIL],
        "bundle": {"path": "bundle.zip", "sha256": "2" * 64},
        "stages": [{"name": f"convert{n}", "target": EVIL, "status": "ran", "seconds": 0.5 * n} for n in range(12)],
        "provenance": {"edgetl": "0.1", "python": "3", "system": "x", "packages": {"numpy": "2"}, "recipe_text": EVIL,
                       "plan": [{"step": EVIL, "key": "abc"}]},
    }  # fmt: skip


@pytest.fixture
def run(bundle, tmp_path):
    """Folder of the run; its bundle is a link to the shared one."""
    folder = tmp_path / "run"
    (folder / "flips").mkdir(parents=True)
    (folder / "bundle").symlink_to(bundle)
    (folder / "report.json").write_text(json.dumps(report()))
    Image.new("RGB", (64, 64), (200, 30, 30)).save(folder / "flips" / "onnx_fp32.jpg")
    return folder
