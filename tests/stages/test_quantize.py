"""Which checkpoint a scheme's files come from, and what decides it."""

import pytest

from edgetl import registry
from edgetl.recipefile import load_recipe
from edgetl.schemes._base import origin
from edgetl.stages import quantize


@pytest.mark.parametrize(
    ("scheme", "stage"),
    [("fp32", "finetune"), ("fp16", "finetune"), ("w8a8_ptq", "quantize"), ("w8a8_pqat", "quantize"), ("sparse", "quantize")],
)
def test_what_is_trained_or_simulated_comes_from_the_quantize_step(scheme, stage):
    assert origin(registry.load("schemes", scheme)) == stage


def test_a_float_scheme_does_not_depend_on_calibration(tiny):
    recipe = load_recipe(str(tiny("tflite/fp32"))).recipe
    plain, simulated = quantize.decides(recipe, "sparse"), quantize.decides(recipe, "w8a8_pqat")
    own = ("bias_correction", "calibration_images", "ranges", "keep_float", "max_top1_drop")
    assert set(simulated) - set(plain) == {f"quantize.{key}" for key in own}
    assert {"quantize.epochs", "quantize.learning_rate", "seed"} <= set(plain)
    assert "tensorflow_model_optimization" not in quantize.packages(recipe, "sparse")
    assert "tensorflow_model_optimization" in quantize.packages(recipe, "w8a8_pqat")


def test_what_stays_in_float_concerns_every_simulated_scheme_and_no_other(tiny):
    wish = ("quantize.keep_float=[logits]",)
    recipe = load_recipe(str(tiny("tflite/w8a8_qat", "tflite/w8a8_ptq", "tflite/w8a16")), wish).recipe
    for scheme in ("w8a8_qat", "w8a8_ptq", "w8a8_pqat"):
        assert quantize.decides(recipe, scheme)["quantize.keep_float[0]"] == "logits"
    for scheme in ("w8a16", "sparse"):
        assert not any("keep_float" in key or "max_top1_drop" in key for key in quantize.decides(recipe, scheme))
