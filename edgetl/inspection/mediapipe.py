"""Whether MediaPipe's ImageClassifier loads a TFLite file.

Source: mediapipe/tasks/cc, image_tensor_specs and classification_postprocessing_graph; tests/clients/test_mediapipe.py asks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgetl.inspection.records import Asked, Facts, Finding

_TYPES = ("uint8", "float32")


def judge(facts: Facts, asked: Asked) -> Iterator[Finding]:
    """Tell what it would refuse, where it was asked for.

    Args:
        facts: of a file.
        asked: what it should be.

    Returns:
        Findings.
    """
    from edgetl.inspection.rules import finding

    if asked.client != "mediapipe":
        return
    if facts.graph.format != "tflite":
        yield finding(
            "client", "error", "the file", f"MediaPipe loads TFLite files, not {facts.graph.format}.", "Convert to tflite."
        )
        return
    for what, ends in (("input", facts.inputs), ("output", facts.outputs)):
        if len(ends) != 1:
            yield finding("client", "error", "the file", f"has {len(ends)} {what}s; its ImageClassifier takes one.", "Cut it.")
        elif ends[0].dtype not in _TYPES:
            message = f"the {what} is {ends[0].dtype}; MediaPipe's ImageClassifier takes uint8 or float32."
            yield finding("client", "error", ends[0].name, message, "Convert with io: uint8, or with float32 ends.")
    image = facts.inputs[0] if facts.inputs else None
    if image is not None and (len(image.shape) != 4 or image.shape[0] not in (1, -1) or image.shape[3] != 3):
        message = f"the input is {list(image.shape)}; MediaPipe's ImageClassifier takes one RGB picture, channels last."
        yield finding("client", "error", image.name, message, "Convert with batch: fixed and layout: NHWC.")
    told = facts.metadata.get("normalisation", "")
    if image is not None and image.dtype == "float32" and not told:
        message = "a float input, and no metadata that says how pixels are normalised: MediaPipe's ImageClassifier refuses it."
        yield finding("client", "error", image.name, message, "Convert it with edgetl, which writes them.")
    elif any(len(set(half.split()[1:])) > 1 for half in told.split(", ")):
        message = f"is normalised otherwise for each channel ({told}), which MediaPipe does not do."
        yield finding(
            "client", "error", "the input", message, "Fold it into the file: edgetl convert MODEL with --mean R,G,B does."
        )
    if "labels" not in facts.metadata:
        message = "carries no labels, so MediaPipe answers with numbers alone."
        yield finding("client", "warning", "the file", message, "Convert it with edgetl, and --labels.")
