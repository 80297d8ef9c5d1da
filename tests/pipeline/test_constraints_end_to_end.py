"""A trained float scheme through the whole pipeline: its own checkpoint is converted, verified against, and holds its zeros."""

import json

import numpy as np
import pytest


@pytest.mark.slow
def test_sparse_files_come_from_the_sparse_checkpoint(tiny, edgetl, tmp_path):
    recipe = tiny("tflite/sparse", "onnx/sparse", "tflite/fp32")
    options = ("--set", "quantize.scheme=sparse", "--set", "quantize.epochs=2", "--set", "quantize.learning_rate=1e-3", "--json")
    run = edgetl("run", recipe, *options)
    assert run.returncode == 0, run.stderr
    artifacts = {f"{a['format']}/{a['scheme']}": a for a in json.loads(run.stdout)["artifacts"]}
    for name in ("tflite/sparse", "onnx/sparse"):
        assert artifacts[name]["max_abs_err"] < 1e-4, "against the sparse checkpoint, not the float one"
        assert artifacts[name]["top1"] >= 0.9
    (folder,) = (tmp_path / ".edgetl" / "tiny" / "quantize" / "sparse").iterdir()
    assert not (folder / "calibration.json").exists()
    with np.load(folder / "weights.npz") as file:
        large = [file[name] for name in file.files if file[name].ndim == 4 and file[name].size >= 1024]
    halves = [kernel for kernel in large if np.mean(kernel == 0) >= 0.5]
    assert len(halves) >= 20
