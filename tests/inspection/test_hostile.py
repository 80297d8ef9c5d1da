"""Files that want more than to be read are refused, with the reason."""

import json
import shutil

import h5py
import onnx
import pytest
from onnx import TensorProto, helper

from edgetl.errors import InputError
from edgetl.inspection import read


@pytest.mark.parametrize("place", ["/etc/passwd", "../secret.bin", "inside/../../secret.bin"])
def test_weights_outside_of_the_folder(tmp_path, place):
    kernel = TensorProto(name="k", data_type=TensorProto.FLOAT, dims=[8, 3, 3, 3], data_location=TensorProto.EXTERNAL)
    kernel.external_data.add(key="location", value=place)
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 8, 8]), ("y", [1, 8, 6, 6]))]
    graph = helper.make_graph([helper.make_node("Conv", ["x", "k"], ["y"])], "g", [ends[0]], [ends[1]], [kernel])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "m.onnx")
    with pytest.raises(InputError, match=r"m\.onnx: names '.*' as a file of weights, outside of its folder; not opened"):
        read(tmp_path / "m.onnx")


def test_a_package_with_a_link_or_a_way_out(made, tmp_path):
    shutil.copytree(made("coreml/fp16"), tmp_path / "a.mlpackage")
    shutil.copytree(made("coreml/fp16"), tmp_path / "b.mlpackage")
    (tmp_path / "a.mlpackage" / "Data" / "more").symlink_to("/etc")
    with pytest.raises(InputError, match=r"a\.mlpackage: holds links"):
        read(tmp_path / "a.mlpackage")
    manifest = tmp_path / "b.mlpackage" / "Manifest.json"
    told = json.loads(manifest.read_text())
    next(iter(told["itemInfoEntries"].values()))["path"] = "../../secret"
    manifest.write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"its manifest names '\.\./\.\./secret', outside of the package"):
        read(tmp_path / "b.mlpackage")
    manifest.write_text("[]")
    with pytest.raises(InputError, match=r"Manifest\.json is damaged"):
        read(tmp_path / "b.mlpackage")
    manifest.unlink()
    with pytest.raises(InputError, match=r"has no Manifest\.json"):
        read(tmp_path / "b.mlpackage")


def test_a_lambda_layer_is_refused_by_name(tmp_path):
    layers = [
        {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 8, 8, 3]}},
        {"class_name": "Lambda", "config": {"name": "sneaky", "function": ["4wAAAA==", None, None]}},
    ]
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    with pytest.raises(InputError, match=r"m\.h5: holds code in Lambda layers \(sneaky\), which is not run"):
        read(tmp_path / "m.h5")


def test_weights_alone_are_no_network(material):
    with pytest.raises(InputError, match="holds weights alone"):
        read(material / "weights" / "keras_imagenet" / "mobilenet_2_5_224_tf_no_top.h5")
