"""What stands in a file whatever was asked: operators that a runtime lacks, steps that cannot be, constants stored twice."""

from __future__ import annotations

from collections.abc import Iterator

from edgetl.inspection.records import Facts, Finding

_WORTH = 0.01
"""Share of a file that must be stored twice before it is more than a note."""


def judge(facts: Facts) -> Iterator[Finding]:
    """Tell what a runtime lacks, cannot use, or is given twice.

    Args:
        facts: of a file.

    Returns:
        Findings.
    """
    from edgetl.inspection.rules import finding, listing

    flex = [name for name in facts.custom if name.startswith("Flex")]
    if flex:
        message = f"needs TensorFlow's own operators: {listing(flex)}. LiteRT refuses the file without the Flex delegate."
        yield finding("flex", "error", flex[0], message, "Convert without SELECT_TF_OPS, or replace these layers.")
    others = [name for name in facts.custom if name not in flex and not name.startswith("com.microsoft")]
    if others:
        message = f"holds operators that the format does not define: {listing(others)}."
        yield finding("custom", "warning", others[0], message, "Ship the library that has them, or replace these layers.")
    own = [name for name in facts.custom if name.startswith("com.microsoft")]
    if own:
        message = f"holds operators that only onnxruntime has: {listing(own)}."
        yield finding("contrib", "note", own[0], message, "Other runtimes will refuse the file.")
    if facts.bad_scales:
        message = f"steps that are zero, negative or not finite: {listing(facts.bad_scales)}."
        remedy = "Calibrate again; the tensor's range was empty or infinite."
        yield finding("scale", "error", facts.bad_scales[0], message, remedy)
    if facts.outside:
        lost = [name for name, size in facts.outside.items() if size < 0]
        total = sum(max(0, size) for size in facts.outside.values())
        message = f"weights lie in other files, {total / 1e6:.2f} MB: {listing(list(facts.outside))}."
        message += f" Not there: {listing(lost)}." if lost else ""
        yield finding("outside", "error" if lost else "note", next(iter(facts.outside)), message, "Ship them beside the file.")
    yield from _waste(facts)


def _waste(facts: Facts) -> Iterator[Finding]:
    from edgetl.inspection.rules import finding, listing

    if not facts.duplicates:
        return
    share = facts.duplicate_bytes / max(1, facts.graph.file_bytes)
    names = [" = ".join(name or "unnamed" for name in group[:2]) for group in facts.duplicates]
    message = f"{facts.duplicate_bytes} bytes ({share:.1%}) are constants stored more than once: {listing(names)}."
    yield finding("duplicates", "warning" if share > _WORTH else "note", facts.duplicates[0][0], message, "Share the constant.")
