"""What several tests start from: a folder of easy photos, a tiny recipe, a trained tiny network."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_USE_LEGACY_KERAS"] = "1"
ROOT = Path(__file__).resolve().parent.parent
MATERIAL = ROOT.parent / "shared" / "material"

TINY = """\
schema: 1
name: tiny
data: {source: folder, path: photos, split: {train: 0.5, val: 0.25, test: 0.25, seed: 1}}
backbone: {name: mobilenet_v2, alpha: 0.35, input_px: 32, weights: bundled}
train:
  - {phase: all, freeze: none, epochs: 4, learning_rate: 1.0e-3, batch_size: 8}
quantize: {scheme: w8a8_qat, epochs: 1, learning_rate: 1.0e-5, calibration_images: 16}
targets: TARGETS
benchmark: {runs: 40, warmup: 2, threads: [1]}
devices: [pixel-4]
"""


@pytest.fixture(scope="session")
def material() -> Path:
    if not MATERIAL.is_dir():
        pytest.skip("the shared test material is not beside this checkout")
    return MATERIAL


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that differ in colour, 24 noisy photos each."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    rng = np.random.default_rng(0)
    for name, colour in (("blue", (40, 60, 200)), ("green", (40, 180, 60)), ("red", (200, 50, 40))):
        (folder / name).mkdir(parents=True)
        for number in range(24):
            pixels = np.clip(np.array(colour) + rng.normal(0, 30, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02d}.png")
    return folder


@pytest.fixture
def tiny(photos: Path, tmp_path: Path):
    """Write the tiny recipe with the given targets; returns its path."""

    def write(*targets: str) -> Path:
        rows = ", ".join(f"{{format: {t.split('/')[0]}, scheme: {t.split('/')[1]}}}" for t in targets)
        path = tmp_path / "tiny.yaml"
        path.write_text(TINY.replace("TARGETS", f"[{rows}]").replace("path: photos", f"path: {photos}"))
        return path

    return write


@pytest.fixture
def edgetl(tmp_path: Path):
    """Run the command line in a fresh process and an own folder."""

    def call(*arguments: object, timeout: float = 500, cwd: Path | None = None) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "edgetl", *map(str, arguments)]
        return subprocess.run(command, cwd=cwd or tmp_path, capture_output=True, text=True, timeout=timeout)

    return call
