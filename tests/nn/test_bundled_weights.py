"""The weights in the package are those of the card, small, finite, and fit the backbone."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import edgetl
from edgetl import registry
from edgetl.recipe import Backbone

FOLDER = Path(next(iter(edgetl.__path__))) / "backbones" / "weights"
BUNDLED = [(name, alpha) for name in registry.names("backbones") for alpha in registry.load("backbones", name).BUNDLED]


@pytest.mark.parametrize(("name", "alpha"), BUNDLED)
def test_the_file_is_the_cards_and_small(name, alpha):
    data = (FOLDER / f"{name}_{alpha:g}.npz").read_bytes()
    card = json.loads((FOLDER / f"{name}_{alpha:g}.card.json").read_text())
    assert hashlib.sha256(data).hexdigest() == card["sha256"]
    assert len(data) == card["size_bytes"] <= 2_000_000
    for key in ("data", "training", "licence", "citations", "versions"):
        assert card[key]


@pytest.mark.parametrize(("name", "alpha"), BUNDLED)
def test_it_fits_the_backbone(name, alpha):
    from edgetl.nn.weights import load_backbone_weights

    section = Backbone(name=name, alpha=alpha, input_px=64, weights="bundled")
    model = registry.load("backbones", name).build(section)
    load_backbone_weights(model, section)
    image = np.random.default_rng(0).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    features = model(image).numpy().mean(axis=(1, 2))
    assert np.isfinite(features).all()
    assert features.std(axis=0).max() > 0.05
