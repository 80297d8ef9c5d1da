"""A network of your own, saved by Keras as `.keras` or `.h5`: what comes before the layer to cut at becomes the backbone.

The file is read as data; its layers are made anew, flat, from a list of those that edgetl quantizes. Lambda layers and classes
of your own are refused by name. The weights come from the same file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError

if TYPE_CHECKING:
    from edgetl.backbones._base import BackboneSpec, ImagenetFile
    from edgetl.nn.saved.keras_graph import Node
    from edgetl.recipe import Backbone

TITLE = "A network of your own, a .keras or .h5 file, cut where you say."
LICENCE = "that of the file"
PAPER = "yours"
SPECS: dict[str, BackboneSpec] = {}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ()
OPTIONS: tuple[str, ...] = ("network", "cut_at", "expects")


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`. A file that is there is read: layers that cannot be used are told before anything runs."""
    found = []
    if section.network is None or section.network.path is None:
        found.append(("network", "is missing: {path: your.keras}, the file that holds the network."))
    if section.expects is None:
        found.append(("expects", "is missing: what the network is fed with; usually bytes where it holds a Rescaling layer."))
    for key, default in (("variant", None), ("alpha", 1.0)):
        if getattr(section, key) != default:
            found.append((key, "local has none; leave the key out."))
    if section.weights == "bundled":
        found.append(("weights", "local has no bundled weights; leave the key out for the file's own, or use none, or a file."))
    if not found and _path(section).is_dir():
        found.append(("network.path", f"{_path(section)}: is a folder; a SavedModel's is for backbone hub."))
    elif not found and _path(section).is_file():
        try:
            _nodes(section)
        except InputError as error:
            found.append(("network.path", str(error)))
    return tuple(found)


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`; none while the file cannot be read."""
    try:
        nodes = _nodes(section)
    except InputError:
        return ()
    found = []
    for node in nodes:
        found += [f"{node.name}_depthwise"] if node.kind == "SeparableConv2D" else []
        found += [node.name] if "Conv2D" in node.kind or node.kind == "Dense" else []
    return tuple(found)


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`; not asked, as the network's own file holds its weights."""
    raise InputError("backbone.weights: local takes the weights of the network's own file.")


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`; with the file's weights, unless the recipe wants others.

    Raises:
        InputError: the file is missing or another than the recipe says, or its layers cannot be used.
    """
    from edgetl.nn.saved import keras_file, keras_layers
    from edgetl.nn.weights import checked

    path = _path(section)
    assert section.network is not None and section.expects is not None
    checked(path, section.network.sha256, "backbone.network")
    nodes = _nodes(section)
    arrays = keras_file.read_arrays(path, nodes)
    try:
        model = keras_layers.build(nodes, arrays, section.input_px, section.expects)
    except InputError as error:
        raise InputError(f"backbone.network: {path.name}: {error}") from error
    except ValueError as error:  # Keras' word for shapes that do not go together
        what = " ".join(str(error).split())[:200]
        raise InputError(f"{path.name}: its layers do not go together at {section.input_px} px: {what}.") from error
    if section.weights == "imagenet":
        return model
    import tf_keras

    return tf_keras.models.clone_model(model)  # random weights; `normalise` has its own as its initial values


def _path(section: Backbone) -> Path:
    return Path((section.network and section.network.path) or "")


def _nodes(section: Backbone) -> list[Node]:
    """Layers from the image to the cut, all of a kind that can be made."""
    from edgetl.nn.saved import keras_file, keras_graph, keras_settings

    path = _path(section)
    saved = keras_file.read_config(path)
    try:
        network = keras_graph.flatten(saved)
        nodes = network.before(network.cut(section.cut_at))
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    if not any("Conv" in node.kind or node.kind == "Dense" for node in nodes):
        raise InputError(f"{path.name}: nothing before the cut at {nodes[-1].name} has weights; cut later.")
    found = keras_settings.faults(nodes)
    if found:
        more = [f"and {len(found) - 12} more."] if len(found) > 12 else []
        raise InputError(f"{path.name}: layers that cannot be used:", [*found[:12], *more])
    return nodes
