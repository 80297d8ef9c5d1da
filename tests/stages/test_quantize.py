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
    assert set(simulated) - set(plain) == {"quantize.bias_correction", "quantize.calibration_images", "quantize.ranges"}
    assert {"quantize.epochs", "quantize.learning_rate", "seed"} <= set(plain)
    assert "tensorflow_model_optimization" not in quantize.packages(recipe, "sparse")
    assert "tensorflow_model_optimization" in quantize.packages(recipe, "w8a8_pqat")
