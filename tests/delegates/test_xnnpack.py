"""XNNPACK: what LiteRT itself deals to it."""

from ai_edge_litert.interpreter import Interpreter


def test_a_float_network_stays(tflite, covered):
    found = covered("xnnpack", tflite("x"), "tflite").coverage
    assert (found.leaving, found.partitions) == ((), 1)


def test_it_tells_as_many_parts_as_litert_made(material, covered, tflite):
    paths = [*sorted((material / "models" / "tflite-support").glob("*.tflite")), tflite("x8", int8=True)]
    for path in paths:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
        parts = sum(node["op_name"] == "DELEGATE" for node in interpreter._get_ops_details())
        found = covered("xnnpack", path, "tflite")
        assert found.coverage.partitions == parts, (path.name, found.left)


def test_softmax_in_integers_leaves(tflite, covered):
    assert covered("xnnpack", tflite("x8", int8=True), "tflite").left == {"SOFTMAX": 1}
