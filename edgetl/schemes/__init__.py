"""Quantization schemes: one per file. The name says it all: `w<weight bits>a<activation bits>_<how>`.

`_ptq`: ranges from a calibration set after training. `_qat`: ranges and weights trained with simulated rounding.
`fp32`, `fp16`: floating point of that width throughout. "int8 model" means four different things and is not used.
"""
