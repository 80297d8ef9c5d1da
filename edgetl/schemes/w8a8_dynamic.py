"""int8 weights; each activation is quantized when it is computed, in the range it happens to have.

Only TFLite holds it: onnxruntime's dynamic convolution has one range for all channels of a kernel (a measured fall of top-1
from 66.9 % to 8.6 % on MobileNetV1, ten times slower), and Core ML has no such operator.
"""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "8-bit weights, activations quantized on the fly; needs no images."
WEIGHT_BITS = 8
ACTIVATION_BITS = 32
ARITHMETIC = ("float32", "int8")
NEEDS: Needs = "nothing"
