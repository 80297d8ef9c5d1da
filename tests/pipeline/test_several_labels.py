"""Pictures with any number of labels, from the table to the bundle: sigmoid answers, int8 files equal to the bit."""

import csv
import json
import zipfile

import numpy as np
import pytest

RECIPE = """\
schema: 1
name: several
data: {source: csv, path: t.csv, separator: ";"}
backbone: {name: mobilenet_v2, alpha: 0.35, input_px: 96, weights: bundled}
train:
  - {phase: head, freeze: all, epochs: 5, learning_rate: 5.0e-3}
  - {phase: tune, freeze: none, epochs: 6, learning_rate: 1.0e-3, batch_norm: update}
quantize: {scheme: w8a8_qat, epochs: 1, learning_rate: 1.0e-5}
targets: [{format: tflite, scheme: fp32}, {format: tflite, scheme: w8a8_qat}, {format: onnx, scheme: w8a8_qat},
          {format: coreml, scheme: w8a8_qat}]
benchmark: {runs: 10, warmup: 1, threads: [1]}
"""


def _pictures(folder, count):
    """Draw up to two digits of five classes into each picture."""
    from PIL import Image
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    pixels, digits = pixels[digits < 5].reshape(-1, 8, 8), digits[digits < 5]
    rng = np.random.default_rng(0)
    (folder / "p").mkdir()
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label"))
        for number in range(count):
            page, labels = rng.integers(0, 3, (16, 16)).astype(float), set()
            for place in rng.permutation(4)[: rng.choice([0, 1, 2], p=[0.1, 0.4, 0.5])]:
                row = rng.integers(len(pixels))
                labels.add("abcde"[digits[row]])
                page[8 * (place // 2) :, 8 * (place % 2) :][:8, :8] = pixels[row]
            Image.fromarray(np.round(page * 255 / 16).astype("uint8")).save(folder / "p" / f"{number:04d}.png")
            writer.writerow((f"p/{number:04d}.png", ";".join(sorted(labels))))


@pytest.mark.slow
def test_from_the_table_to_the_bundle(edgetl, tmp_path):
    _pictures(tmp_path, 700)
    (tmp_path / "r.yaml").write_text(RECIPE)
    done = edgetl("run", tmp_path / "r.yaml", "--json", timeout=590)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    evaluation = report["evaluation"]
    assert evaluation["mean_average_precision"]["value"] > 0.9
    assert evaluation["top1"]["value"] > 0.6  # all five answers of a picture; the commonest set of labels has a tenth
    artifacts = {(a["format"], a["scheme"]): a for a in report["artifacts"]}
    assert artifacts["tflite", "fp32"]["agreement"] == 1.0
    assert artifacts["tflite", "w8a8_qat"]["agreement"] > 0.9
    assert artifacts["onnx", "w8a8_qat"]["against_origin"]["max_steps"] == 0
    assert {artifacts[form, "w8a8_qat"]["int8_mac_share"] for form in ("tflite", "onnx", "coreml")} == {1.0}
    with zipfile.ZipFile(tmp_path / "runs" / "several" / "bundle.zip") as bundle:
        manifest = json.loads(bundle.read("several/manifest.json"))
        golden = json.loads(bundle.read("several/golden/golden.json"))["images"]
    assert manifest["answers"] == {"labels_per_image": "several", "function": "sigmoid", "named_from": 0.5}
    assert all(isinstance(image["label"], list) for image in golden)
    sums = [sum(image["probabilities"]["tflite/fp32"]) for image in golden]
    assert max(sums) > 1.2 or min(sums) < 0.8  # a softmax would make 1
    with (tmp_path / "runs" / "several" / "training" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = sum(row["label"] == row["predicted"] for row in rows)
    assert right == evaluation["top1"]["successes"]


def test_what_is_made_for_one_label_is_refused(edgetl, tmp_path):
    (tmp_path / "t.csv").write_text("path,label\n")
    text = RECIPE.replace("learning_rate: 1.0e-3,", "learning_rate: 1.0e-3, class_weights: balanced,")
    text += 'labels: {per_class: 3}\ntest: {source: csv, path: t.csv, separator: ","}\n'
    (tmp_path / "r.yaml").write_text(text)
    done = edgetl("plan", tmp_path / "r.yaml")
    assert done.returncode == 2
    assert "test.separator: must be the same as data.separator." in done.stderr
    (tmp_path / "r.yaml").write_text(
        text.replace('separator: ","', 'separator: ";"').replace("freeze: none", "method: pseudo_labels, freeze: none")
    )
    done = edgetl("plan", tmp_path / "r.yaml")
    assert done.returncode == 2
    for key in ("labels.per_class", "train[1].class_weights", "train[1].method"):
        assert f"{key}: " in done.stderr
