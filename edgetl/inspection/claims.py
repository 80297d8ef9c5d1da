"""What a file should be, when nobody says: what its run wrote down, or else what its name claims."""

from __future__ import annotations

import re
from pathlib import Path

from edgetl import origins, registry
from edgetl.inspection.records import Asked

INTEGERS = "integers"
"""A scheme that is only a claim of a name: some integers, at least as weights."""
_WORDS = re.compile(r"(?:^|[_\-. ])(int8|uint8|i8|quant|quantized|quantised|ptq|qat)(?=$|[_\-. ])")
_FLOAT = re.compile(r"(?:^|[_\-. ])(fp16|float16|f16)(?=$|[_\-. ])")


def find(path: Path) -> Asked:
    """Find out what was asked of a file.

    Args:
        path: the file.

    Returns:
        What `report.json` or a bundle's manifest beside it says; else what the name says; else nothing.

    Raises:
        InputError: there is a record that names the file and cannot be read.
    """
    origin = origins.find(path)
    if origin is None:
        return of_name(path.stem)
    source = f"{origin.record.name} of its run"
    return of_target(origin.format, origin.scheme, origin.asked, source, origin.keep_float)


def of_target(form: str, scheme: str, options: dict[str, str], source: str = "", keep_float: tuple[str, ...] = ()) -> Asked:
    """Say what a recipe's target asks of its file, in as far as the format knows the choice.

    Args:
        form: format.
        scheme: quantization scheme.
        options: `io`, `layout`, `batch`, `activation`, `client`, `runtime` of the target; others are not looked at.
        source: see `Asked`.
        keep_float: see `Asked`.

    Returns:
        The wishes.
    """
    known = registry.load("converters", form).OPTIONS
    told = {name: options[name] for name in ("io", "layout", "batch", "activation") if name in known and name in options}
    integer = registry.load("schemes", scheme).ARITHMETIC[0] != "float32"
    if not integer or told.get("activation") == "auto":
        told.pop("activation", None)
        if integer and form == "onnx":
            told["activation"] = "uint8"  # what `auto` means
    client = "mediapipe" if options.get("client") == "mediapipe" else None
    runtime = options.get("runtime", "None")
    oldest = None if runtime == "None" else f"onnxruntime=={runtime}"
    return Asked(scheme=scheme, keep_float=keep_float, source=source, client=client, runtime=oldest, **told)


def of_name(stem: str) -> Asked:
    """Read a claim from a file's name.

    Args:
        stem: the name without its ending.

    Returns:
        The scheme that it names, or `integers`; nothing when it claims nothing.
    """
    text = stem.lower()
    named = [name for name in registry.names("schemes") if re.search(rf"(?:^|[_\-. ]){name}(?=$|[_\-. ])", text)]
    named = [name for name in named if name not in ("sparse", "cluster")]  # words of ordinary names
    if named:
        return Asked(scheme=max(named, key=len), source="its name")
    if re.search(r"(?:^|[_\-. ])w8a8(?=$|[_\-. ])", text):
        return Asked(scheme="w8a8_ptq", source="its name")
    if _WORDS.search(text):
        return Asked(scheme=INTEGERS, source="its name")
    return Asked(scheme="fp16", source="its name") if _FLOAT.search(text) else Asked()
