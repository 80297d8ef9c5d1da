"""What the bundled weights are worth: `python -m edgetl.nn.pretrain_worth [--json]`.

scikit-learn's digits with ten labels a class to learn from and all others to be tested on, five seeds; bundled against random
weights, with the same code, the same images and the same budget (the whole network learns for `--epochs`, batch normalisation
follows the batches: what random weights need).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import tf_keras

from edgetl import registry
from edgetl.nn import inference, supervised, training
from edgetl.nn.batches import Examples
from edgetl.nn.classifier import build_classifier
from edgetl.nn.weights import load_backbone_weights
from edgetl.preprocess import to_pixels
from edgetl.recipe import Backbone, Data, Head, Phase, Recipe, Target

LABELS_PER_CLASS = 10
SEEDS = range(5)


def images() -> inference.Images:
    """All digits, prepared as the quickstart does: uint8 (1797, 64, 64, 3)."""
    spec = Data(source="builtin", name="digits")
    dataset = registry.load("datasets", "builtin").load(spec)
    preprocess = recipe("bundled", 0, 1).preprocess
    pixels = np.stack([to_pixels(sample.read(), preprocess) for sample in dataset.samples])
    return inference.Images(pixels=pixels, labels=np.array([s.class_index for s in dataset.samples], np.int64))


def recipe(weights: str, seed: int, epochs: int) -> Recipe:
    """The recipe of one run: MobileNetV2 0.35 at 64 px.

    Args:
        weights: `bundled` or `none`.
        seed: of head, shuffling and dropout.
        epochs: of the one phase.

    Returns:
        The recipe.
    """
    phase = Phase(phase="all", freeze="none", epochs=epochs, learning_rate=1e-3, batch_size=20, batch_norm="update")
    return Recipe(
        schema=1,
        name="worth",
        data=Data(source="builtin", name="digits"),
        backbone=Backbone(name="mobilenet_v2", alpha=0.35, input_px=64, weights=weights),  # type: ignore[arg-type]
        head=Head(dropout=0.2),
        train=(phase,),
        targets=(Target(format="tflite", scheme="fp32"),),
        seed=seed,
    )


def top1(digits: inference.Images, weights: str, seed: int, epochs: int) -> float:
    """Learn from ten images a class and test on all others.

    Args:
        digits: all images.
        weights: `bundled` or `none`.
        seed: chooses the ten, and everything else that is random.
        epochs: budget.

    Returns:
        Top-1 on the other images.
    """
    chosen: list[int] = []
    for label in range(10):
        rows = [int(r) for r in np.flatnonzero(digits.labels == label)]
        chosen += random.Random(f"{seed}:{label}").sample(rows, LABELS_PER_CLASS)
    rest = np.setdiff1d(np.arange(len(digits.labels)), chosen)
    few = inference.Images(pixels=digits.pixels[chosen], labels=digits.labels[chosen])
    tf_keras.utils.set_random_seed(seed)
    wanted = recipe(weights, seed, epochs)
    model = build_classifier(wanted, 10, training=True)
    load_backbone_weights(model, wanted.backbone)
    phase = wanted.train[0]
    examples = Examples(inputs=few.pixels, labels=few.labels)
    with tempfile.TemporaryDirectory() as folder:
        training.train(
            model,
            [lambda: supervised.on_images(model, phase, examples, few, wanted.preprocess)],
            seed=seed,
            checkpoint=Path(folder) / "c.npz",
            progress=lambda e: None,
        )
    answers = inference.predict(model, digits.pixels[rest], wanted.preprocess).argmax(1)
    return float((answers == digits.labels[rest]).mean())


def main(arguments: list[str] | None = None) -> None:
    """Run all and print the table.

    Args:
        arguments: command line; None = the process's.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args(arguments)
    training.deterministic()
    digits = images()
    found: dict[str, list[float]] = {"bundled": [], "none": []}
    for seed in SEEDS:
        for weights, scores in found.items():
            scores.append(top1(digits, weights, seed, options.epochs))
            print(f"seed {seed}, {weights}: {scores[-1]:.3f}", file=sys.stderr)
    if options.json:
        print(json.dumps({"epochs": options.epochs, "labels_per_class": LABELS_PER_CLASS, "top1": found}))
        return
    print(f"| weights | {' | '.join(f'seed {s}' for s in SEEDS)} | mean ± sd |")
    print(f"|---|{'---|' * (len(SEEDS) + 1)}")
    for weights, scores in found.items():
        cells = " | ".join(f"{score:.3f}" for score in scores)
        spread = f"{statistics.mean(scores):.3f} ± {statistics.stdev(scores):.3f}"
        print(f"| {'random' if weights == 'none' else weights} | {cells} | {spread} |")


if __name__ == "__main__":
    main()
