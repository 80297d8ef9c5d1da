"""Constraints: known answers on small arrays, the same choice from the same weights, a resumed run equals an undisturbed one."""

import numpy as np
import pytest

from edgetl.recipe import Phase
from edgetl.types import Preprocess


def _variable(values):
    import tensorflow as tf

    return tf.Variable(np.asarray(values, np.float32))


def test_the_smaller_half_becomes_zero_on_a_cubic_ramp():
    from edgetl.nn.constraints import Sparse

    kernel = _variable(np.array([[8, -1], [2, 7], [-3, 4], [5, -6]]))
    constraint = Sparse(0.5)
    assert constraint.settle({"dense": kernel}) == ()
    zeros = []
    for part in (0.0, 0.05, 0.25, 0.5, 1.0):
        constraint.apply(part)
        zeros.append(int((kernel.numpy() == 0).sum()))
    assert zeros == [0, 2, 4, 4, 4], "8 weights · 0.5 · (1 - (1 - 2 part)³), rounded up"
    assert np.array_equal(kernel.numpy(), [[8, 0], [0, 7], [0, 0], [5, -6]])
    assert not constraint.holds(0.49)
    assert constraint.holds(0.5)
    kernel.assign(np.full((4, 2), 9.0))
    constraint.apply()
    assert np.array_equal(kernel.numpy() == 0, [[0, 1], [1, 0], [1, 1], [0, 0]]), (
        "the mask is that of the weights it was settled on"
    )


def test_no_channel_is_emptied():
    from edgetl.nn.constraints import Sparse

    kernel = _variable(np.random.default_rng(0).normal(size=(3, 3, 8, 4)) * [1.0, 1.0, 1.0, 1e-9])
    largest = np.abs(kernel.numpy()[..., 3]).max()
    constraint = Sparse(0.9)
    constraint.settle({"conv": kernel})
    constraint.apply()
    assert np.mean(kernel.numpy() == 0) == pytest.approx(0.9, abs=1 / kernel.numpy().size)
    assert np.flatnonzero(kernel.numpy()[..., 3]).size == 1
    assert np.abs(kernel.numpy()[..., 3]).max() == largest


def test_two_of_four_along_the_input_channels():
    from edgetl.nn.constraints import TwoOfFour

    dense = _variable(np.array([[1, -9], [-4, 2], [3, 2], [2, 2]]))
    conv = _variable(np.random.default_rng(0).normal(size=(3, 3, 8, 5)))
    odd = _variable(np.ones((1, 1, 6, 2)))
    before = conv.numpy()
    constraint = TwoOfFour()
    assert constraint.settle({"dense": dense, "conv": conv, "odd": odd}) == ("odd",)
    constraint.apply()
    assert np.array_equal(dense.numpy(), [[0, -9], [-4, 0], [3, 0], [0, 2]]), "of equal weights the later ones stay"
    groups = np.moveaxis(conv.numpy(), 2, -1).reshape(-1, 4)
    original = np.moveaxis(before, 2, -1).reshape(-1, 4)
    assert ((groups != 0).sum(axis=1) == 2).all()
    assert np.allclose(np.abs(groups).sum(axis=1), np.sort(np.abs(original), axis=1)[:, 2:].sum(axis=1))
    assert (odd.numpy() == 1).all()


def test_clusters_are_the_means_of_their_members_and_move_together():
    from edgetl.nn.constraints import Clusters

    kernel = _variable(np.array([[0.9, 5.0], [1.1, 5.2], [-3.0, 1.0]]))
    constraint = Clusters(3)
    constraint.settle({"dense": kernel})
    constraint.apply()
    assert np.allclose(kernel.numpy(), [[1.0, 5.1], [1.0, 5.1], [-3.0, 1.0]])
    kernel.assign_add(np.array([[3, 0], [0, 0.2], [0, 0]], np.float32))
    constraint.apply()
    assert np.allclose(kernel.numpy(), [[2.0, 5.2], [2.0, 5.2], [-3.0, 2.0]])
    settled = kernel.numpy()
    for _ in range(50):
        constraint.apply()
    assert np.array_equal(kernel.numpy(), settled), "projecting what obeys changes nothing"


def test_clusters_lose_little_and_need_no_more_than_the_distinct_values():
    from edgetl.nn.constraints import Clusters

    kernel = _variable(np.random.default_rng(1).normal(size=(64, 64)))
    before = kernel.numpy()
    constraint = Clusters(16)
    constraint.settle({"dense": kernel})
    constraint.apply()
    assert len(np.unique(kernel.numpy())) == 16
    assert np.mean((kernel.numpy() - before) ** 2) < 0.0115, "Max 1960: the best 16 levels of a normal variable leave 0.0095"
    few = _variable(np.tile([1.0, 2.0], (4, 4)))
    constraint = Clusters(16)
    constraint.settle({"dense": few})
    constraint.apply()
    assert np.array_equal(few.numpy(), np.tile([1.0, 2.0], (4, 4)))


def test_a_stack_keeps_zeros_beside_the_other_values():
    from edgetl.nn.constraints import Clusters, Sparse, Stack

    kernel = _variable(np.random.default_rng(2).normal(size=(64, 32)))
    before = kernel.numpy()
    constraint = Stack(Sparse(0.5), Clusters(16, keep_zero=True))
    constraint.settle({"dense": kernel})
    assert np.array_equal(kernel.numpy(), before)
    constraint.apply(0.01)
    assert constraint.holds(0.01)
    assert np.mean(kernel.numpy() == 0) == 0.5
    kernel.assign_add(np.random.default_rng(3).normal(size=kernel.shape).astype(np.float32))
    constraint.apply()
    assert np.mean(kernel.numpy() == 0) == 0.5
    assert len(np.unique(kernel.numpy())) == 16


def test_only_large_kernels_inside_the_network_are_held():
    import tf_keras

    from edgetl.nn import constraints, fake_quant

    layers = tf_keras.layers
    image = tf_keras.Input((8, 8, 16))
    x = layers.Conv2D(64, 3, name="first")(image)
    x = layers.DepthwiseConv2D(5, name="depthwise")(x)
    x = layers.Conv2D(8, 1, name="small")(x)
    x = layers.Conv2D(16, 3, padding="same", name="large")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    model = tf_keras.Model(image, layers.Dense(100, name="logits")(x))
    quantized = fake_quant.quantize_model(model, (-1.0, 1.0))
    for network in (model, quantized):
        found = constraints.kernels(network)
        assert {name: tuple(kernel.shape) for name, kernel in found.items()} == {"large": (3, 3, 8, 16), "dense": (16, 64)}
        trainable = {id(v) for v in network.trainable_variables}
        assert all(id(kernel) in trainable for kernel in found.values()), "it is the variable that learns"


@pytest.fixture(scope="module")
def images():
    from edgetl.nn import inference

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 48)
    pixels = np.clip(rng.normal(0, 40, (48, 16, 16, 3)) + 60 + 60 * labels[:, None, None, None], 0, 255)
    return inference.Images(pixels=pixels.astype(np.uint8), labels=labels.astype(np.int64))


def _train(images, path, constraint, stop_after=None):
    import tf_keras

    from edgetl.nn import constraints, supervised, training
    from edgetl.nn.batches import Examples

    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((16, 16, 3))
    x = tf_keras.layers.Conv2D(16, 3, strides=2, activation="relu", name="first")(image)
    x = tf_keras.layers.Conv2D(64, 1, activation="relu", name="conv")(x)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = tf_keras.Model(image, tf_keras.layers.Dense(3, name="logits")(x))
    constraint.settle(constraints.kernels(model))
    phase = Phase(phase="quantize", epochs=4, learning_rate=1e-2, batch_size=16)
    examples = Examples(inputs=images.pixels, labels=images.labels)
    epochs = []

    def progress(event):
        epochs.append(event)
        if len(epochs) == stop_after:
            raise KeyboardInterrupt

    spec = Preprocess(resize_px=16, crop_px=16)
    try:
        starts = [lambda: supervised.on_images(model, phase, examples, images, spec, constraint=constraint)]
        training.train(model, starts, seed=5, checkpoint=path, progress=progress)
    except KeyboardInterrupt:
        return None
    return model


@pytest.mark.parametrize("name", ["w8a8_pqat", "w8a8_pcqat", "sparse_2_4"])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_an_interrupted_run_chooses_the_same_and_ends_the_same(images, tmp_path, name, stop_after):
    from edgetl import registry

    scheme = registry.load("schemes", name)
    calm = _train(images, tmp_path / "calm.npz", scheme.constraint())
    assert _train(images, tmp_path / "hasty.npz", scheme.constraint(), stop_after) is None
    hasty = _train(images, tmp_path / "hasty.npz", scheme.constraint())
    for one, other in zip(calm.get_weights(), hasty.get_weights(), strict=True):
        assert np.array_equal(one, other)
    kernel = calm.get_layer("conv").kernel.numpy()
    assert np.mean(kernel == 0) == 0.5
    assert np.mean(calm.get_layer("first").kernel.numpy() == 0) == 0.0


def test_the_best_epoch_is_one_in_which_the_constraint_holds(images, tmp_path):
    from edgetl.nn.constraints import Sparse

    model = _train(images, tmp_path / "c.npz", Sparse(0.75), stop_after=1)
    assert model is None
    with np.load(tmp_path / "c.npz") as file:
        first = {name: file[name] for name in file.files}
    assert (first["weights/2"] == 0).mean() > 0.3, "the ramp has begun"
    assert (first["best/2"] == 0).mean() == 0.0, "an epoch of the ramp is never the best"
