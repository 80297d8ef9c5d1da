"""A saved network run by Keras itself: the independent witness of what edgetl made of it.

Keras revives classes and functions by name, so its loader is given only what was looked at before: every object that the
configuration names must be on a list of Keras' own plain layers, initialisers and the like; an archive may hold nothing but
configuration and weights. The file is loaded by the Keras that wrote it (2 or 3), without its training settings.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.nn.saved.keras_settings import IDENTITY

if TYPE_CHECKING:
    import numpy as np

MAX_BYTES = 2_000_000_000
"""Most that an archive may unpack to."""
_MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
_OWN = ("keras", "tf_keras", "tensorflow", "builtins")
_CLASSES = {
    *IDENTITY, "Functional", "Model", "Sequential", "InputLayer", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense",
    "BatchNormalization", "ReLU", "Softmax", "Activation", "ZeroPadding2D", "Add", "Multiply", "Concatenate", "AveragePooling2D",
    "MaxPooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten", "Reshape", "Rescaling", "Normalization",
    "TFOpLambda", "Subtract", "Divide", "TrueDivide", "__keras_tensor__", "__tuple__", "__numpy__", "DTypePolicy", "Policy",
    "GlorotUniform", "GlorotNormal", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Zeros", "Ones", "Constant",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal", "Identity", "L1", "L2", "L1L2",
    "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "SeedGenerator",
}  # fmt: skip
"""Classes that compute, or say how weights begin; none of them runs what a file says."""
_FUNCTIONS = {
    "math.truediv", "math.divide", "math.multiply", "math.add", "math.subtract", "__operators__.add", "__operators__.multiply",
}  # fmt: skip
_UNREAD = ("compile_config", "build_config", "training_config")
_BATCH = 32


def answers(path: Path, fed: Sequence[np.ndarray]) -> tuple[np.ndarray, str]:
    """Run the network.

    Args:
        path: a `.keras` or `.h5` whose configuration was read without faults.
        fed: float32 (N, px, px, 3) each, as the network is to be fed.

    Returns:
        float32 (all images, values), and which Keras ran it.

    Raises:
        ValueError: it cannot be run; the message is the reason.
    """
    import numpy as np

    saved, version = _looked_at(path)
    try:
        strange = sorted(set(_strange(saved)))
    except RecursionError as error:
        raise ValueError("its configuration is too deep") from error
    if strange:
        raise ValueError(f"it names {', '.join(strange[:4])}, which is not on the list of what Keras may load from a file")
    reasons = []
    for name in ("keras", "tf_keras") if version >= 3 else ("tf_keras", "keras"):
        import importlib

        keras = importlib.import_module(name)
        try:
            model = keras.models.load_model(path, compile=False)
        except Exception as error:  # noqa: BLE001 - Keras raises a dozen kinds for a file of another version
            reasons.append(f"{name} {keras.__version__}: {' '.join(str(error).split())[:160]}")
            continue
        found = []
        for images in fed:
            for i in range(0, len(images), _BATCH):
                values = np.asarray(model(images[i : i + _BATCH], training=False), np.float32)
                found.append(values.reshape(len(values), -1))
        return np.concatenate(found), f"{name} {keras.__version__}"
    raise ValueError("; ".join(reasons))


def _looked_at(path: Path) -> tuple[Any, int]:
    """The configuration, and the number of the Keras that wrote it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if set(archive.namelist()) - _MEMBERS or sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise ValueError("the archive holds more than a configuration and weights")
            told = json.loads(archive.read("metadata.json")) if "metadata.json" in archive.namelist() else {}
            return json.loads(archive.read("config.json")), _major(told.get("keras_version"))
    import h5py

    with h5py.File(path, "r") as file:
        return json.loads(file.attrs["model_config"]), _major(file.attrs.get("keras_version", "2"))


def _major(version: Any) -> int:
    text = version.decode() if isinstance(version, bytes) else str(version)
    head = text.partition(".")[0]
    return int(head) if head.isdigit() else 2


def _strange(value: Any) -> Iterator[str]:
    """Names of the objects that are not on the list."""
    if isinstance(value, list):
        for one in value:
            yield from _strange(one)
    elif isinstance(value, dict):
        name = value.get("class_name")
        if name is not None:
            module, registered = str(value.get("module") or "keras"), value.get("registered_name")
            own = module.partition(".")[0] in _OWN and registered in (None, name)
            config = value.get("config")
            function = config.get("function") if name == "TFOpLambda" and isinstance(config, dict) else None
            if str(name) not in _CLASSES or not own or (function is not None and function not in _FUNCTIONS):
                yield f"{module}.{function or registered or name}"[:80]
        for key, one in value.items():
            if key not in _UNREAD:
                yield from _strange(one)
