"""What onnxruntime really runs of an ONNX file, after its own optimisation: integer kernels, or float ones under an int8 name."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from edgetl.errors import ConversionError

_WEIGHTED = ("Conv", "Gemm", "MatMul", "FusedConv", "FusedGemm")


def operators(data: bytes) -> Counter[str]:
    """Count the operators of the graph as onnxruntime's CPU provider optimises it on this host.

    Args:
        data: an ONNX file.

    Returns:
        Operator type → how often it is run.

    Raises:
        ConversionError: onnxruntime refuses the file.
    """
    import onnx

    with optimised(data) as path:
        return Counter(node.op_type for node in onnx.load(path).graph.node)


@contextmanager
def optimised(source: bytes | Path, level: Literal["BASIC", "EXTENDED"] = "EXTENDED") -> Iterator[Path]:
    """Let onnxruntime's CPU provider optimise a graph.

    Args:
        source: an ONNX file, or its path; weights in other files are found by the path only.
        level: how far; `BASIC` is what onnxruntime does before it asks other providers what they take.

    Yields:
        A file of the optimised graph, while the block runs.

    Raises:
        ConversionError: onnxruntime refuses the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    with _scratch() as path:
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - onnxruntime's exceptions share no other base
            raise ConversionError(f"onnxruntime refuses the file: {error}.") from error
        yield path


@contextmanager
def _scratch() -> Iterator[Path]:
    """A place for the optimised graph, which onnxruntime only gives as a file: in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("optimised.onnx")
        try:
            yield Path(f"/proc/self/fd/{number}")
        finally:
            os.close(number)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "optimised.onnx"


def audit(data: bytes, name: str, *, strict: bool, floats: int = 0) -> tuple[str, ...]:
    """Check that the layers with weights run as integer kernels.

    Args:
        data: an int8 ONNX file.
        name: of the file, for the error.
        strict: refuse more of them in float. (With int8 activations an x86 host fuses only a part, an ARM one all.)
        floats: how many layers with weights were to stay in float.

    Returns:
        "as onnxruntime runs it: 52 QLinearConv", …

    Raises:
        ConversionError: more layers with weights run in float than were to, or fewer.
    """
    counts = operators(data)
    found = {kind: counts[kind] for kind in _WEIGHTED if counts[kind]}
    total = sum(found.values())
    if total < floats or (total > floats and strict):
        listing = ", ".join(f"{count} {kind}" for kind, count in found.items()) or "no layer"
        asked = f"; {floats} were to stay so" if floats else ""
        raise ConversionError(f"{name}: is not what its scheme says: onnxruntime runs {listing} in float{asked}.")
    return tuple(f"runs {count} {kind}" for kind, count in counts.most_common())
