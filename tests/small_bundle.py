"""A small bundle, made by edgetl's own functions of files that are no models; run as a script, it makes one in a folder."""

import hashlib
import io
import random
import sys
import zipfile
from pathlib import Path

from PIL import Image

from edgetl import tensors
from edgetl.bundle import archive, building, provenance
from edgetl.preprocess import to_pixels
from edgetl.recipefile import load_recipe
from edgetl.types import Artifact, TensorSpec

CLASSES = ["blé", "green", "red"]
RECIPE = """\
schema: 1
name: small
description: Tell colours apart.
data: {source: folder, path: /home/someone/secret place/photos}
backbone: {name: mobilenet_v2, alpha: 0.35, input_px: 32, weights: bundled}
train:
  - {phase: all, freeze: none, epochs: 1, learning_rate: 1.0e-3, batch_size: 8}
targets: [{format: tflite, scheme: fp32}, {format: coreml, scheme: fp16}]
ship: {title: "Colours | <b>", version: 1.2.0, author: Ann, licence: Apache-2.0}
"""


def _photos(folder: Path) -> list[bytes]:
    rng = random.Random(0)
    found = []
    for number in range(2):
        image = Image.frombytes("RGB", (40, 48), rng.randbytes(40 * 48 * 3))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        (folder / f"{number}.png").write_bytes(buffer.getvalue())
        found.append(buffer.getvalue())
    return found


def _artifacts(folder: Path) -> dict[str, Artifact]:
    from edgetl import content

    rng = random.Random(1)
    (folder / "small.mlpackage" / "Data").mkdir(parents=True)
    (folder / "small.mlpackage" / "Manifest.json").write_text("{}")
    (folder / "small.mlpackage" / "Data" / "weight.bin").write_bytes(rng.randbytes(3000))
    with zipfile.ZipFile(folder / "small.tflite", "w") as packed:
        packed.writestr(zipfile.ZipInfo("labels.txt"), "".join(f"{name}\n" for name in CLASSES))
    (folder / "small.tflite").write_bytes(rng.randbytes(5000) + (folder / "small.tflite").read_bytes())
    found = {}
    for name, file in (("tflite/fp32", "small.tflite"), ("coreml/fp16", "small.mlpackage")):
        path = folder / file
        size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size
        form, _, scheme = name.partition("/")
        kind = "image_rgb8" if form == "coreml" else "float32"
        found[name] = Artifact(
            format=form, scheme=scheme, path=file, sha256=content.digest(path, file), size_bytes=size, converter="none 1.0",
            inputs=(TensorSpec(name="image", shape=(1, 32, 32, 3), dtype=kind, layout="NHWC"),),
            outputs=(TensorSpec(name="probabilities", shape=(1, 3), dtype="float32", layout="NC"),),
        )  # fmt: skip
    return found


def _rate(value):
    return {"value": value, "low": max(0.0, value - 0.1), "high": min(1.0, value + 0.1)}


def _told(loaded, names, failed):
    facts, text = provenance.of_recipe(loaded)
    accuracy = {
        "status": "verified", "evidence": "measured", "reason": None, "runtime": "none", "n": 3, "top1": 0.9,
        "top1_interval": [0.8, 1.0], "top1_drop": 0.0, "top1_drop_interval": [-0.1, 0.1], "agreement": 1.0,
        "source_agreement": 1.0, "max_abs_err": 0.001,
    }  # fmt: skip
    verdict = {
        "format": "tflite", "scheme": "fp32", "device": "pixel-4", "gate": "latency_p90_ms", "outcome": "unsure",
        "value": 3.0, "interval": [1.0, 20.0], "limit": 16.0, "evidence": "estimated",
        "reason": "3 ms | straddles <16>.", "images_needed": None,
    }  # fmt: skip
    classes = [{"name": n, "support": 1, "precision": _rate(0.9), "recall": _rate(0.8), "f1": 0.85} for n in CLASSES]
    evaluation = {
        "n": 3, "top1": _rate(0.9), "top5": _rate(1.0), "top5_k": 3, "balanced_accuracy": _rate(0.9), "ece": _rate(0.1),
        "classes": classes, "abstain": {"threshold": None, "wanted_precision": 0.95, "reason": "too few"},
    }  # fmt: skip
    return {
        "verdicts": [verdict], "failed": list(failed), "accuracy": dict.fromkeys(names, accuracy), "evaluation": evaluation,
        "recipe": {"facts": facts, "text": text},
        "made_by": {"tools": {"pillow": "1", "packaging": "2"}, "steps": {"prepare": "0" * 20}},
        "host": {"system": "Linux", "machine": "x86_64", "cpu": "none", "python": "3"},
    }  # fmt: skip


def make(folder: Path, title: str = "Colours | <b>", failed: tuple[str, ...] = ()) -> Path:
    """Make `bundle` and `bundle.zip` in a folder; `failed`: gates that were not met."""
    bundle = folder / "bundle"
    for name in ("artifacts", "golden"):
        (bundle / name).mkdir(parents=True)
    (folder / "small.yaml").write_text(RECIPE.replace("Colours | <b>", title), encoding="utf-8")
    loaded = load_recipe(str(folder / "small.yaml"), ("data.path=/home/someone/other/photos",))
    artifacts, photos = _artifacts(bundle / "artifacts"), _photos(bundle / "golden")
    images = [
        {"name": f"{split}{n}", "class_index": n, "split": split, "sha256": hashlib.sha256(f"{split}{n}".encode()).hexdigest()}
        for split in ("train", "val", "test")
        for n in range(3)
    ]
    index = {"class_names": CLASSES, "label_sets": None, "licence": "CC BY 4.0", "images": images}
    steps = loaded.recipe.preprocess
    left = {"coreml": ("image", 0.0, 1.0)}
    inputs = {name: left.get(a.format, ("float32", steps.mean, steps.std)) for name, a in artifacts.items()}
    golden = {"schema": 1, "artifacts": {}, "images": []}
    for name, (dtype, mean, std) in inputs.items():
        places = list(tensors.sample_at(steps.crop_px, "NHWC"))
        facts = {"dtype": dtype, "layout": "NHWC", "mean": mean, "std": std, "sample_at": places}
        golden["artifacts"][name] = {"path": f"artifacts/{artifacts[name].path}", **facts}
    for number, data in enumerate(photos):
        pixels = to_pixels(data, steps)
        seen = {
            "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
            "mean": [float(m) for m in pixels.reshape(-1, 3).mean(axis=0)],
            "samples": pixels.reshape(-1)[places].tolist(),
            "tolerance": {"samples": 2, "mean": 0.5},
            "measured": {"other": {"samples": 1, "mean": 0.1}},
        }
        digest = hashlib.sha256(data).hexdigest()
        top = [{"label": label, "probability": p} for label, p in zip(("red", "blé", "green"), (0.7, 0.2, 0.1), strict=True)]
        golden["images"].append({
            "file": f"{number}.png", "sha256": digest, "label": CLASSES[number], "pixels": seen,
            "tensors": {n: tensors.told(tensors.of_pixels(pixels, kind, steps), "NHWC") for n, (kind, *_) in inputs.items()},
            "probabilities": dict.fromkeys(artifacts, [0.2, 0.1, 0.7]), "top": dict.fromkeys(artifacts, top),
            "tolerance": dict.fromkeys(artifacts, 0.01), "measured": dict.fromkeys(artifacts, {"other": 0.005}),
        })  # fmt: skip
    building.build(bundle, loaded.recipe, index, artifacts, golden, _told(loaded, artifacts, failed))
    archive.pack(bundle, folder / "bundle.zip", "small")
    return bundle


if __name__ == "__main__":
    make(Path(sys.argv[1]))
