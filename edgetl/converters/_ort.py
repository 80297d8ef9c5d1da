"""The `.ort` file of an ONNX file, for minimal builds of onnxruntime, and the operators that such a build must have."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from edgetl.errors import ConversionError


def write(path: Path, *, int8_activations: bool) -> tuple[Path, ...]:
    """Write `<name>.ort` and `<name>.required_operators.config` beside an ONNX file.

    Optimisations that only the processor at hand has are left out, so one file serves x86 and ARM.

    Args:
        path: the ONNX file.
        int8_activations: the values between its operators are int8, which ARM computes with as they are.

    Returns:
        The two files.

    Raises:
        ConversionError: onnxruntime's converter refuses the file.
    """
    from onnxruntime.tools import convert_onnx_models_to_ort as tool

    made = path.with_suffix(".ort"), path.with_suffix(".required_operators.config")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            tool.convert_onnx_models_to_ort(
                path,
                optimization_styles=[tool.OptimizationStyle.Fixed],
                target_platform="arm" if int8_activations else None,
            )
        except Exception as error:  # onnxruntime's exceptions share no base
            raise ConversionError(f"{path.name}: onnxruntime makes no .ort file of it: {error}. Leave ort out.") from error
    if not all(file.is_file() for file in made):
        raise ConversionError(f"{path.name}: onnxruntime made no .ort file of it: {said.getvalue()[-300:]}. Leave ort out.")
    text = made[1].read_text(encoding="utf-8")
    made[1].write_text(re.sub(r"^# - .*[/\\]", "# - ", text, flags=re.MULTILINE), encoding="utf-8")  # names, no folders
    return made
