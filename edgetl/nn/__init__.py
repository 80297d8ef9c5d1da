"""Networks: building, training, fake quantization. The only package that imports TensorFlow at module level."""

from __future__ import annotations

import os

# tensorflow-model-optimization works on Keras 2 only; must be said before TensorFlow is imported anywhere.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
