"""Mixup and CutMix: labels go with pixels, in the same shares."""

import numpy as np
import pytest


def _mix(mixup, cutmix, count=64, px=16, seed=(3, 4)):
    import tensorflow as tf

    from edgetl.nn.mixing import mix

    shade = np.linspace(0.0, 1.0, count, dtype=np.float32)
    images = np.broadcast_to(shade[:, None, None, None], (count, px, px, 3)).astype(np.float32)
    targets = np.stack([1.0 - shade, shade], axis=1)  # the label is the shade, so a mixed label must be the mean shade
    mixed, wanted = mix(tf.constant(images), tf.constant(targets), tf.constant(seed), mixup, cutmix)
    return shade, mixed.numpy(), wanted.numpy()


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.4, 0.0), (0.0, 1.0), (0.4, 1.0), (2.0, 0.5)])
def test_a_label_is_the_mean_of_what_the_image_holds(mixup, cutmix):
    shade, mixed, wanted = _mix(mixup, cutmix)
    assert np.allclose(wanted.sum(axis=1), 1.0, atol=1e-5)
    assert np.allclose(mixed.mean(axis=(1, 2, 3)), wanted[:, 1], atol=1e-4)
    assert not np.allclose(wanted[:, 1], shade, atol=1e-3)


def test_mixup_blends_and_cutmix_pastes():
    shade, blended, _ = _mix(0.4, 0.0)
    assert np.allclose(blended.std(axis=(1, 2, 3)), 0.0, atol=1e-5)
    shade, pasted, _ = _mix(0.0, 1.0)
    for row, image in enumerate(pasted):
        assert set(np.unique(image.round(5))) <= set(np.float32([shade[row], shade[63 - row]]).round(5))


def test_nothing_asked_nothing_done_and_the_seed_decides():
    shade, mixed, wanted = _mix(0.0, 0.0)
    assert np.array_equal(wanted[:, 1], shade)
    assert np.array_equal(_mix(0.4, 1.0)[1], _mix(0.4, 1.0)[1])
    assert not np.array_equal(_mix(0.4, 1.0)[1], _mix(0.4, 1.0, seed=(3, 5))[1])


def test_shares_follow_the_beta_distribution():
    _, _, wanted = _mix(1.0, 0.0, count=2001)
    shade = np.linspace(0.0, 1.0, 2001)
    share = (wanted[:900, 1] - shade[::-1][:900]) / (shade[:900] - shade[::-1][:900])
    assert abs(share.mean() - 0.5) < 0.05  # Beta(1, 1) is uniform: mean 1/2, variance 1/12
    assert abs(share.var() - 1 / 12) < 0.01
