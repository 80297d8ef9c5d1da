"""What an ONNX file says of itself: stamps for the oldest runtime that must load it, and properties for people and apps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgetl import declared, versions
from edgetl.converters._base import Source
from edgetl.errors import ConversionError
from edgetl.types import to_json

if TYPE_CHECKING:
    from edgetl.recipe import Target


def stamp(model: Any, runtime: str | None, name: str) -> None:
    """Lower the opset and IR version of a model, in place, to what a runtime loads.

    An operator means the same in each opset from the one that defined it last to the one that defines it anew. So the number may
    be lowered as far as the youngest definition that the model uses, and no further.

    Args:
        model: `onnx.ModelProto` whose operators are all of the default set.
        runtime: oldest onnxruntime that must load it; None: nothing to do.
        name: of the file.

    Raises:
        ConversionError: an operator is too new for it.
    """
    import onnx

    limits = versions.onnx_limits(runtime) if runtime is not None else None
    if limits is None:
        return
    used = {node.domain for node in model.graph.node}
    for unused in [other for other in model.opset_import if other.domain and other.domain not in used]:
        model.opset_import.remove(unused)
    (entry,) = model.opset_import
    opset, ir = min(entry.version, limits[0]), min(model.ir_version, limits[1])
    since = {n.op_type: onnx.defs.get_schema(n.op_type, entry.version).since_version for n in model.graph.node}
    newer = sorted(f"{kind} (opset {version})" for kind, version in since.items() if version > opset)
    if newer:
        raise ConversionError(
            f"{name}: onnxruntime {runtime} loads up to opset {opset}, and the network needs {', '.join(newer[:6])}. "
            "Ask for a newer runtime, or another scheme."
        )
    entry.version, model.ir_version = opset, ir


def describe(model: Any, source: Source, target: Target) -> None:
    """Write a model's metadata properties, in place.

    Args:
        model: `onnx.ModelProto`.
        source: its words, preprocessing and labels.
        target: what was asked for.
    """
    words = source.words
    spec = declared.left_for_app(source.preprocess, graph=target.normalise == declared.GRAPH)
    plain = "byte" if (spec.mean, spec.std) == (0.0, 1.0) else "(byte - mean) / std"
    fed = {"uint8": "byte", "int8": "byte - 128"}.get(target.io, plain)
    told = {
        "name": words.title,
        "description": words.description,
        "version": words.version,
        "author": words.author,
        "licence": words.licence,
        "labels": json.dumps(source.class_names, ensure_ascii=False),
        "preprocessing": json.dumps({**to_json(spec), "input": fed, "dtype": target.io, "layout": target.layout}),
        "edgetl.scheme": target.scheme,
        **({declared.KEY: declared.GRAPH} if target.normalise == declared.GRAPH else {}),
    }
    model.doc_string = words.description
    del model.metadata_props[:]
    for key, value in told.items():
        if value:
            model.metadata_props.add(key=key, value=value)


def stamps(model: Any) -> str:
    """Tell a model's stamps: "opset 17, IR 8"."""
    return f"opset {next(o.version for o in model.opset_import if not o.domain)}, IR {model.ir_version}"
