"""Operators of a TFLite file with their options, for delegates whose rules ask for more than a type."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from edgetl.errors import ConversionError, InputError


def parts(path: Path) -> tuple[tuple[Any, ...], tuple[Any, ...], Any]:
    """Read a file.

    Args:
        path: a `.tflite`.

    Returns:
        See `edgetl.grid.reader.parts`.

    Raises:
        InputError: it is damaged.
    """
    from edgetl.grid import reader

    try:
        return reader.parts(path.read_bytes())
    except (ConversionError, struct.error, IndexError, TypeError, ValueError, AttributeError, KeyError) as error:
        raise InputError(f"{path.name}: is not a TFLite file, or is damaged: {error}.") from error


def constants(tensors: tuple[Any, ...], operators: tuple[Any, ...]) -> set[int]:
    """Tensors that are constants, or made of constants by DEQUANTIZE or DENSIFY."""
    found = {place for place, tensor in enumerate(tensors) if tensor.data is not None}
    for operator in operators:
        if operator.kind in ("DEQUANTIZE", "DENSIFY") and set(operator.inputs) <= found:
            found |= set(operator.outputs)
    return found
