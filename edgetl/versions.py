"""Which version of a runtime or a system loads which file; each table with its source."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgetl.errors import InputError

RUNTIMES = ("onnxruntime", "tflite", "litert", "ios", "ipados", "macos")
"""What `--runtime NAME==VERSION` may name."""
FORMAT = {"onnxruntime": "onnx", "tflite": "tflite", "litert": "tflite", "ios": "coreml", "ipados": "coreml", "macos": "coreml"}
"""Runtime → format that it loads."""

ONNXRUNTIME = {
    (1, 0): (11, 6), (1, 1): (11, 6), (1, 2): (11, 6), (1, 3): (12, 7), (1, 4): (12, 7), (1, 5): (12, 7), (1, 6): (13, 7),
    (1, 7): (13, 7), (1, 8): (14, 7), (1, 9): (15, 8), (1, 10): (15, 8), (1, 11): (16, 8), (1, 12): (17, 8), (1, 13): (17, 8),
    (1, 14): (18, 8), (1, 15): (19, 8), (1, 16): (19, 9), (1, 17): (20, 9), (1, 18): (21, 10), (1, 19): (21, 10),
    (1, 20): (21, 10),
}  # fmt: skip
"""Version → highest opset and IR version. Source: ONNX Runtime documentation, Compatibility, "ONNX opset support",
onnxruntime.ai/docs/reference/compatibility.html; later versions load at least what 1.20 does."""

COREML = {
    1: ("11", "10.13"), 2: ("11.2", "10.13.2"), 3: ("12", "10.14"), 4: ("13", "10.15"), 5: ("14", "11"), 6: ("15", "12"),
    7: ("16", "13"), 8: ("17", "14"), 9: ("18", "15"), 10: ("26", "26"),
}  # fmt: skip
"""Specification version → least iOS (iPadOS) and macOS. Source: coremltools 9, comments of `Model.proto` and
`coremltools.target`."""

_TFLITE = """
ADD 1.5 1.14 2.4 2.6; AVERAGE_POOL_2D 1.5 1.14 2.3; BATCH_MATMUL 2.3 2.3 2.4 2.5; CAST 1.5 2.7 2.8 2.9;
CONCATENATION 1.5 1.14 2.3; CONV_2D 1.5 1.14 1.14 2.3 2.4 2.9; DEPTHWISE_CONV_2D 1.5 1.12 1.14 2.2 2.3 2.3; DIV 1.6 2.3;
DEPTH_TO_SPACE 2.1 2.5; DEQUANTIZE 1.13.1 1.14 1.15 2.2 2.7; ELU 1.14; EXP 1.7; EXPAND_DIMS 1.10; FILL 1.13 2.3 2.5;
FULLY_CONNECTED 1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3; GATHER 1.6 1.14 1.15 2.4 2.5; GELU 2.9 2.9; HARD_SWISH 1.15;
L2_NORMALIZATION 1.5 1.14; LEAKY_RELU 1.13.1 2.3; LOGISTIC 1.14 1.14 2.3; LOG_SOFTMAX 1.14 1.14; MAXIMUM 1.14 1.14 2.3 2.3;
MAX_POOL_2D 1.5 1.14 2.3; MEAN 1.6 1.14 2.4; MINIMUM 1.14 1.14 2.3 2.3; MIRROR_PAD 1.13.1 2.3; MUL 1.5 1.14 1.15 2.3 2.6;
PACK 1.11 1.14 2.3; PAD 1.5 1.14 2.4 2.6; PADV2 1.9 1.14 2.4 2.6; PRELU 1.8; QUANTIZE 1.14 1.15 2.7; REDUCE_MAX 1.11 1.14 2.5;
REDUCE_MIN 1.11 1.14 2.5; RELU 1.5 2.1 2.5; RELU6 1.5 1.14 2.5; RELU_0_TO_1 2.10; RESHAPE 1.5; RESIZE_BILINEAR 1.7 1.14 2.2 2.5;
RESIZE_NEAREST_NEIGHBOR 1.13.1 1.14 2.3 2.4; RSQRT 1.10 2.5; SHAPE 1.10; SLICE 1.14 1.14 1.14 2.4 2.5; SOFTMAX 1.5 1.14 2.3;
SPACE_TO_DEPTH 1.5 1.14; SPLIT 1.5 1.14 1.14 2.3; SPLIT_V 1.13.1 2.3; SQRT 1.10; SQUARED_DIFFERENCE 1.13.1 2.5; SQUEEZE 1.6 2.5;
STRIDED_SLICE 1.6 1.14 2.1 2.2 2.5 2.6; SUB 1.6 1.14 2.3 2.4 2.4; SUM 1.10 1.15; TANH 1.14 1.14 2.3; TILE 1.10.1 2.2 2.8;
TRANSPOSE 1.6 1.14 1.15 2.3 2.4; TRANSPOSE_CONV 1.9 2.2 2.3; UNPACK 1.11 1.14 2.2 2.3
"""
"""Operator, then the least TFLite version for its version 1, 2, 3 … Source: TensorFlow, tensorflow/lite/tools/versioning/
runtime_version.cc, those that vision networks use."""
TFLITE = {row.split()[0]: tuple(row.split()[1:]) for row in _TFLITE.split(";")}
LITERT_FROM = (2, 16)
"""LiteRT's numbers began anew after TFLite 2.16; each of them loads what that does."""


def onnx_limits(version: str) -> tuple[int, int] | None:
    """Say what a version of onnxruntime loads.

    Args:
        version: "1.16".

    Returns:
        Highest opset and IR version; those of the newest in the table for a newer one; None for one that is older than the table.
    """
    rows = [known for known in ONNXRUNTIME if known <= number(version)[:2]]
    return ONNXRUNTIME[max(rows)] if rows else None


def number(text: str) -> tuple[int, ...]:
    """Read a version, so that versions compare.

    Args:
        text: "1.16.3".

    Returns:
        Its numbers, without zeros at the end; () for what is none.
    """
    found = [int(part) for part in re.findall(r"\d{1,6}", re.match(r"[\d.]*", text.strip())[0])]  # type: ignore[index]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def wanted(text: str) -> tuple[str, str]:
    """Take `NAME==VERSION` apart.

    Args:
        text: as the command line has it.

    Returns:
        Name and version.

    Raises:
        InputError: it is not of this form, or no such runtime is known.
    """
    name, _, version = text.partition("==")
    if name not in RUNTIMES or not re.fullmatch(r"\d+(\.\d+){0,3}", version):
        raise InputError(f"--runtime {text}: must be NAME==VERSION, as onnxruntime==1.16. Known names: {', '.join(RUNTIMES)}.")
    return name, version


def tflite_least(operators: Iterable[tuple[str, int]]) -> str | None:
    """Work out the least TFLite version of a file without a stamp.

    Args:
        operators: builtin operators with their versions.

    Returns:
        The version; None where an operator is not in the table.
    """
    least = ""
    for name, version in operators:
        row = TFLITE.get(name, ())
        if not 1 <= version <= len(row):
            return None
        least = max(least, row[version - 1], key=number)
    return least or None
