"""Parts into which a graph falls."""

import pytest

from edgetl.delegates import _parts
from edgetl.graphs._base import GraphFacts, OperatorFacts


def _graph(*edges):
    """Operators by what they read and make: "a,b>c"."""
    made = []
    for number, edge in enumerate(edges):
        reads, _, makes = edge.partition(">")
        made.append(
            OperatorFacts(
                name=str(number),
                type="X",
                macs=1,
                weight_bytes=0,
                input_bytes=0,
                output_bytes=0,
                arithmetic="float32",
                inputs=(),
                outputs=(),
                reads=tuple(filter(None, reads.split(","))),
                makes=(makes,),
            )  # fmt: skip
        )
    return GraphFacts(format="tflite", file_bytes=0, operators=tuple(made))


LINE = ("x>a", "a>b", "b>c", "c>d")
FORK = ("x>a", "a>b", "a>c", "b,c>d")


@pytest.mark.parametrize(
    ("graph", "gone", "parts"),
    [
        (LINE, set(), 1), (LINE, {0, 1, 2, 3}, 0), (LINE, {1}, 2), (LINE, {0}, 1), (LINE, {3}, 1), (LINE, {0, 2}, 2),
        (FORK, {1}, 2), (FORK, {1, 2}, 2), (FORK, {3}, 1), (FORK, {0, 3}, 1), ((), set(), 0), (("a>b", "b>a"), {0}, 0),
    ],
)  # fmt: skip
def test_parts(graph, gone, parts):
    assert _parts.partitions(_graph(*graph), gone) == parts
