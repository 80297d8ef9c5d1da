"""Train the bundled backbone on images drawn by formula: `python -m edgetl.nn.pretrain --out FOLDER`.

Writes `mobilenet_v2_0.35.npz` (float16, one array per backbone weight, `<layer>/<index>`) and its card. Fixed seeds; the same
machine and versions give the same file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl import packages
from edgetl.nn.formula_images import render_batch

NAME = "mobilenet_v2_0.35"
ALPHA = 0.35
BATCH = 128
BATCH_NORM_MOMENTUM = 0.95
"""Settles the statistics within a few hundred steps; the network is used with them frozen."""
CITATIONS = (
    "Kataoka et al., Pre-training without Natural Images, ACCV 2020",
    "Anderson and Farrell, Improving Fractal Pre-training, WACV 2022",
    "Kataoka et al., Replacing Labeled Real-image Datasets with Auto-generated Contours, CVPR 2022",
)


def build(px: int, classes: int) -> tf_keras.Model:
    """Build backbone, pooling and classifier.

    Args:
        px: side of the input.
        classes: number of formulas.

    Returns:
        tf_keras model, float32 (N, px, px, 3) in [-1, 1] → float32 (N, classes) logits.
    """
    backbone = tf_keras.applications.MobileNetV2(input_shape=(px, px, 3), alpha=ALPHA, include_top=False, weights=None)
    for layer in backbone.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    pooled = tf_keras.layers.GlobalAveragePooling2D()(backbone.output)
    dropped = tf_keras.layers.Dropout(0.1, seed=1)(pooled)
    return tf_keras.Model(backbone.input, tf_keras.layers.Dense(classes, name="formula_logits")(dropped))


def draw(classes: int, first: int, count: int, px: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` instances of every class on all cores.

    Args:
        classes: number of formulas.
        first: number of the first instance.
        count: instances of each class.
        px: side of the images.

    Returns:
        uint8 (classes · count, px, px, 3) and int64 (classes · count,).
    """
    seeds = list(range(first, first + count))
    jobs = [([c] * count, seeds, px) for c in range(classes)]
    with multiprocessing.get_context("spawn").Pool() as pool:
        parts = pool.starmap(render_batch, jobs)
    return np.concatenate(parts), np.repeat(np.arange(classes, dtype=np.int64), count)


def main(arguments: list[str] | None = None) -> None:
    """Draw, train, write.

    Args:
        arguments: command line; None = the process's.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--classes", type=int, default=144)
    parser.add_argument("--images-per-class", type=int, default=250)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--px", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    tf_keras.utils.set_random_seed(options.seed)
    tf.config.experimental.enable_op_determinism()
    begun = time.monotonic()
    pixels, labels = draw(options.classes, 0, options.images_per_class, options.px)
    held_pixels, held_labels = draw(options.classes, options.images_per_class, 10, options.px)
    print(f"{len(labels)} images drawn in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    model = build(options.px, options.classes)
    steps = len(labels) // BATCH
    model.compile(
        optimizer=tf_keras.optimizers.AdamW(
            tf_keras.optimizers.schedules.CosineDecay(
                options.learning_rate / 10,
                decay_steps=options.epochs * steps,
                warmup_target=options.learning_rate,
                warmup_steps=steps,
            ),
            weight_decay=0.01,
        ),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    rng = np.random.default_rng(options.seed)
    for epoch in range(options.epochs):
        order = rng.permutation(len(labels))[: steps * BATCH].reshape(steps, BATCH)
        for number, rows in enumerate(order):
            images = pixels[rows].astype(np.float32) / 127.5 - 1.0
            loss = model.train_on_batch(images, labels[rows], reset_metrics=number == 0)
        print(
            f"epoch {epoch + 1}: loss {loss[0]:.3f}, top-1 {loss[1]:.3f}, {time.monotonic() - begun:.0f} s",
            file=sys.stderr,
        )
    held = model.evaluate(held_pixels.astype(np.float32) / 127.5 - 1.0, held_labels, batch_size=BATCH, verbose=0)[1]
    print(f"held-out top-1 {held:.3f}", file=sys.stderr)
    facts = {**{k: v for k, v in vars(options).items() if k != "out"}, "held_out_top1": round(float(held), 4)}
    write(options.out, model, {**facts, "wall_s": round(time.monotonic() - begun)})


def write(out: Path, model: tf_keras.Model, facts: dict[str, Any]) -> None:
    """Write weights and card; each file whole or not at all.

    Args:
        out: folder.
        model: what `build` made, trained.
        facts: how it was trained.
    """
    out.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{layer.name}/{index}": weight.astype(np.float16)
        for layer in model.layers
        if layer.name != "formula_logits"
        for index, weight in enumerate(layer.get_weights())
    }
    temporary = out / f"{NAME}.writing"
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    weights = out / f"{NAME}.npz"
    os.replace(temporary, weights)
    data = weights.read_bytes()
    card = {
        "schema": 1,
        "name": NAME,
        "data": "images drawn by formula (edgetl/nn/formula_images.py): glyphs, contours, fractals, Lissajous figures, textures",
        "training": facts,
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}, no GPU",
        "versions": {name: packages.version(name) for name in ("tensorflow", "tf_keras", "numpy", "pillow")},
        "licence": "Apache-2.0",
        "citations": CITATIONS,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
    }
    temporary.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, out / f"{NAME}.card.json")


if __name__ == "__main__":
    main()
