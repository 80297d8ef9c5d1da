"""A file's ends and stamps against what was asked: types, layout, batch, versions, metadata."""

from __future__ import annotations

from collections.abc import Iterator

from edgetl import versions
from edgetl.inspection.records import Asked, End, Facts, Finding, Level


def judge(facts: Facts, asked: Asked) -> Iterator[Finding]:
    """Compare the ends and the stamps.

    Args:
        facts: of the file.
        asked: what it should be.

    Returns:
        Findings.
    """
    from edgetl.inspection.rules import finding, said

    if asked.io is not None:
        for one, what in (*((e, "input") for e in facts.inputs[:1]), *((e, "output") for e in facts.outputs[:1])):
            if one.dtype != asked.io:
                message = f"the {what} is {one.dtype}; {said(asked, asked.io)} was asked."
                yield finding("io", "error", one.name, message, f"Convert with io: {asked.io}, or feed it {one.dtype}.")
    image = facts.inputs[0] if facts.inputs else None
    if asked.layout is not None and image is not None and (found := layout(image)) not in (None, asked.layout):
        message = f"the input is {found} {list(image.shape)}; {said(asked, asked.layout)} was asked."
        yield finding("layout", "error", image.name, message, f"Convert with layout: {asked.layout}.")
    if asked.batch is not None and image is not None and image.shape:
        free = image.shape[0] == -1
        if free != (asked.batch == "dynamic"):
            there = "free" if free else f"fixed to {image.shape[0]}"
            message = f"the batch is {there}; {said(asked, asked.batch)} was asked."
            yield finding("batch", "error", image.name, message, f"Convert with batch: {asked.batch}.")
    for end in facts.inputs:
        judged = asked.batch is not None and end is image  # its batch was told above
        if -1 in (end.shape[1:] if judged else end.shape):
            message = f"has free dimensions: {list(end.shape)}."
            yield finding("dynamic", "note", end.name, message, "Accelerators want fixed shapes; fix them where they are known.")
    if asked.activation is not None and facts.activations and asked.activation not in facts.activations:
        message = f"values between operators are {' and '.join(facts.activations)}; {said(asked, asked.activation)} was asked."
        yield finding("activation", "error", "the file", message, f"Convert with activation: {asked.activation}.")
    if asked.runtime is not None:
        yield from _runtime(facts, *versions.wanted(asked.runtime))
    newest = max(versions.ONNXRUNTIME.values())[0]
    if facts.graph.format == "onnx" and asked.runtime is None and int(facts.versions.get("opset", 0)) > newest:
        message = (
            f"opset {facts.versions['opset']} is newer than the table knows (opset {newest}): the version it needs is not told."
        )
        yield finding("opset", "warning", "the file", message, f"Convert with opset {newest}, or try it with your runtime.")
    if facts.graph.format != "keras" and not any(key in facts.metadata for key in ("labels", "normalisation", "description")):
        message = "says neither its labels nor how pixels are normalised; an app must know both from elsewhere."
        yield finding("metadata", "note", "the file", message, "Ship it in edgetl's bundle, which has both, or add metadata.")


def layout(end: End) -> str | None:
    """Order of an image's axes.

    Args:
        end: an input.

    Returns:
        "NHWC" or "NCHW"; None where its shape does not say.
    """
    if len(end.shape) != 4 or (end.shape[1] in (1, 3)) == (end.shape[3] in (1, 3)):
        return None
    return "NCHW" if end.shape[1] in (1, 3) else "NHWC"


def _runtime(facts: Facts, name: str, version: str) -> Iterator[Finding]:
    """Whether a version of a runtime, or of a system, loads the file."""
    from edgetl.inspection.rules import finding

    form, have = facts.graph.format, versions.number(version)
    if versions.FORMAT[name] != form:
        message = f"{name} does not load {form} files."
        yield finding("runtime", "error", "the file", message, f"Ask for a runtime of {form}.")
        return
    if form == "onnx":
        row = max((known for known in versions.ONNXRUNTIME if known <= have[:2]), default=None)
        most = dict(zip(("opset", "ir"), versions.ONNXRUNTIME[row] if row else (0, 0), strict=True))
        newer = have[:2] > max(versions.ONNXRUNTIME)
        for what, limit in most.items():
            if int(facts.versions.get(what, 0)) > limit:
                more = ", and is newer than the table" if newer else ""
                message = f"{what} {facts.versions[what]}; {name} {version} is known to load up to {limit}{more}."
                level: Level = "note" if newer else "error"
                yield finding("runtime", level, "the file", message, f"Convert with {what} {limit}, or raise the runtime.")
        return
    least = minimum(facts).get("tflite" if form == "tflite" else "macos" if name == "macos" else "ios")
    if least is None:
        message = "carries no stamp of the least version, and the table lacks one of its operators."
        yield finding("runtime", "warning", "the file", message, f"Try it with {name} {version}.")
        return
    if versions.number(least) > (max(have, versions.LITERT_FROM) if name == "litert" else have):
        what = "TFLite" if form == "tflite" else {"macos": "macOS", "ios": "iOS", "ipados": "iPadOS"}[name]
        message = f"needs {what} {least}; {name} {version} was asked."
        yield finding("runtime", "error", "the file", message, "Raise the version, or convert for the older one.")


def minimum(facts: Facts) -> dict[str, str]:
    """Least versions that load a file.

    Args:
        facts: of the file.

    Returns:
        `tflite`, `onnxruntime`, `ios` and `macos`, as far as they apply and are known.
    """
    stamps, form = facts.versions, facts.graph.format
    if form == "tflite":
        least = stamps.get("min_runtime_version") or stamps.get("least_runtime")
        return {"tflite": least} if least else {}
    if form == "onnx":
        opset, ir = int(stamps.get("opset", 0)), int(stamps.get("ir", 0))
        fit = [v for v, (most_opset, most_ir) in versions.ONNXRUNTIME.items() if most_opset >= opset and most_ir >= ir]
        return {"onnxruntime": ".".join(map(str, min(fit)))} if fit else {}
    row = versions.COREML.get(int(stamps.get("specification", 0)))
    return {"ios": row[0], "macos": row[1]} if row and form == "coreml" else {}
