"""A feature extractor of TensorFlow Hub or Kaggle Models, or any SavedModel's folder: frozen, one layer of the network.

It stays as it is: phases train the head on its features, and its files are those of the float schemes. Nothing of the folder runs
before its operations were looked at (`edgetl.nn.saved.saved_model`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from edgetl.backbones._base import BackboneSpec, ImagenetFile
    from edgetl.recipe import Backbone

TITLE = "A SavedModel's folder, or a model of Kaggle Models (TensorFlow Hub), as frozen feature extractor; float files only."
LICENCE = "that of the model; see its page"
PAPER = "the model's own"
SPECS: dict[str, BackboneSpec] = {}
BUNDLED: tuple[float, ...] = ()
VARIANTS: tuple[str, ...] = ()
OPTIONS: tuple[str, ...] = ("network", "expects")
TRAINABLE = False

LAYER = "extractor"
_HANDLE = re.compile(r"[\w.-]+/[\w.-]+/tensorflow2/[\w.-]+(/\d+)?", re.IGNORECASE)


def faults(section: Backbone) -> tuple[tuple[str, str], ...]:
    """See `BackboneModule.faults`."""
    found = []
    network = section.network
    if network is None:
        found.append(("network", "is missing: {path: a SavedModel's folder} or {handle: owner/model/tensorFlow2/variation}."))
    elif network.handle is not None and not _HANDLE.fullmatch(network.handle):
        found.append(("network.handle", "must be owner/model/tensorFlow2/variation, as the model's page at Kaggle shows it."))
    if section.expects is None:
        found.append(("expects", "is missing: what the network is fed with; models of TensorFlow Hub take zero_to_one."))
    for key, default in (("variant", None), ("alpha", 1.0), ("weights", "imagenet")):
        if getattr(section, key) != default:
            found.append((key, "hub takes the network as it is; leave the key out."))
    if network is not None and network.path is not None and Path(network.path).is_file():
        found.append(
            ("network.path", f"{network.path}: is a file; a SavedModel's folder is wanted (a .keras is for backbone local).")
        )
    return tuple(found)


def layer_names(section: Backbone) -> tuple[str, ...]:
    """See `BackboneModule.layer_names`: none, since nothing of it can learn."""
    return ()


def imagenet_file(section: Backbone) -> ImagenetFile:
    """See `BackboneModule.imagenet_file`; not asked, as the folder holds the weights."""
    raise InputError("backbone.weights: hub takes the weights of the network's own folder.")


def build(section: Backbone) -> Any:
    """See `BackboneModule.build`; with the folder's weights, as constants of a layer named `extractor`.

    Raises:
        InputError: the folder is missing, another than the recipe says, or cannot be used.
        MissingDependency: a handle is to be fetched and kagglehub is not there.
    """
    import tf_keras

    from edgetl.nn.frozen_layer import FrozenLayer
    from edgetl.nn.published_input import normalise
    from edgetl.nn.saved import saved_model
    from edgetl.nn.weights import checked

    assert section.network is not None and section.expects is not None
    folder = _folder(section)
    if section.network.sha256 is not None:
        checked(folder / "saved_model.pb", section.network.sha256, "backbone.network")
    function = saved_model.frozen(folder, section.input_px)
    image = tf_keras.Input((section.input_px, section.input_px, 3), name="image")
    features = FrozenLayer(function, name=LAYER)(normalise(image, section.expects))
    if len(features.shape) == 2 and features.shape[-1] is not None:
        features = tf_keras.layers.Reshape((1, 1, features.shape[-1]), name=f"{LAYER}_map")(features)
    if len(features.shape) != 4 or features.shape[-1] is None:
        raise InputError(f"{folder}: gives {features.shape}; wanted is a vector or a feature map for each image.")
    return tf_keras.Model(image, features, name="hub")


def _folder(section: Backbone) -> Path:
    """The folder of the recipe, or where kagglehub keeps what the handle names."""
    network = section.network
    assert network is not None
    if network.path is not None:
        folder = Path(network.path)
        if not folder.is_dir():
            raise InputError(f"backbone.network.path: {folder}: {'is not a folder' if folder.exists() else 'no such folder'}.")
        return folder
    try:
        import kagglehub
    except ImportError as error:
        what = "pip install 'edgetl[hub]' (or download the model by hand and set backbone.network.path to its folder)"
        raise MissingDependency("kagglehub", f"backbone.network.handle: {network.handle}", what) from error
    try:
        return Path(kagglehub.model_download(network.handle))
    except Exception as error:  # noqa: BLE001 - kagglehub lets the errors of several network libraries through
        raise InputError(
            f"backbone.network.handle: {network.handle} could not be downloaded ({' '.join(str(error).split())[:160]}).\n"
            "  Download it on a machine with a network, unpack it, and set backbone.network.path to saved_model.pb's folder."
        ) from error
