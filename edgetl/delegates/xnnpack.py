"""XNNPACK, LiteRT's fast path on every CPU: LiteRT itself is asked, for it deals the operators when it loads the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.delegates._base import Leaving, all_of, leave, missing

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts

TITLE = "CPU, by the XNNPACK kernels of LiteRT; what leaves runs in its plain kernels."
FORMATS = ("tflite",)
UNCHECKED = "Another version of LiteRT, or another kind of CPU, may deal otherwise than this host's."

_RULE = "LiteRT leaves it to its plain kernels."


def unavailable() -> str | None:
    """See `DelegateModule.unavailable`."""
    return missing("ai_edge_litert")


def serves(profile: DeviceProfile) -> bool:
    """See `DelegateModule.serves`."""
    return "tflite" in profile.format_names


def leaves(path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
    """See `DelegateModule.leaves`."""
    from edgetl.packages import version
    from edgetl.quiet import quiet

    source = f"LiteRT {version('ai-edge-litert')} on this host, when it loaded the file"
    with quiet():
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreter = Interpreter(model_path=str(path), num_threads=1)
            interpreter.allocate_tensors()
            nodes = interpreter._get_ops_details()
        except (RuntimeError, ValueError) as error:
            return all_of(facts, f"LiteRT refuses the file: {' '.join(str(error).split())[:160]}", source)
    count = len(facts.operators)
    taken = _inside([node for node in nodes if node["index"] < count], [node for node in nodes if node["index"] >= count])
    return tuple(leave(facts, place, _RULE, source) for place in range(count) if place not in taken)


def _inside(nodes: list[dict[str, Any]], delegates: list[dict[str, Any]]) -> set[int]:
    """Operators between what a delegate's parts read and what they give."""
    makers = {int(name): node for node in nodes for name in node["outputs"]}
    found: set[int] = set()
    for part in delegates:
        if part["op_name"] != "DELEGATE":
            continue
        given, ahead = set(map(int, part["inputs"])), list(map(int, part["outputs"]))
        while ahead:
            name = ahead.pop()
            if name not in given and name in makers and makers[name]["index"] not in found:
                found.add(makers[name]["index"])
                ahead += map(int, makers[name]["inputs"])
    return found
