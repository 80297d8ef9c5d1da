"""One question in the words of the command line and of the Python interface."""

from __future__ import annotations

import functools
from pathlib import Path

from edgetl import registry
from edgetl.devices import DeviceProfile, load_device
from edgetl.errors import InputError, UnknownName
from edgetl.estimator import ask
from edgetl.estimator import atlas as atlases
from edgetl.estimator import pool as pools
from edgetl.estimator.estimate import Estimate, Estimator, Question
from edgetl.estimator.fit import open_own


def estimate_one(
    device: str,
    file: Path | None = None,
    backbone: str | None = None,
    alpha: float | None = None,
    input_px: int | None = None,
    scheme: str | None = None,
    runtime: str = "",
    accelerator: str = "",
    threads: int | None = None,
    variant: str | None = None,
) -> Estimate:
    """Estimate the latency of a converted file, or of a backbone without building it.

    Args:
        device: a profile's name, title or published name, or the path of a profile.
        file: .tflite, .onnx or .mlpackage; its operators say what it costs.
        backbone: a name of `edgetl list networks` or of `edgetl list backbones`.
        alpha: width; None = 1.0.
        input_px: side of the input in pixels; None = the network's usual one.
        scheme: how it is quantized; None: fp32, or what the file holds.
        runtime: "tflite", "onnxruntime", "coreml", or as published tables name it; "" = what loads the file, else "tflite".
        accelerator: "cpu", "gpu", "npu" …; "" = the CPU, for Core ML whatever its tables measured.
        threads: CPU threads; None = the profile's.
        variant: member of a backbone that has several; None = its first.

    Returns:
        The answer; without a latency where nothing speaks for it.

    Raises:
        InputError: something given cannot be: a name, a size, a file.
    """
    profile, published, estimator = _device(device)
    if file is not None:
        network, facts = ask.place_of_file(file, _published_places())
        meant = ask.RUNTIMES.get(runtime, runtime)
        if meant and meant != ask.RUNTIMES[facts.format]:
            raise InputError(f"--runtime: {runtime} does not load {file.name}, which is for {ask.RUNTIMES[facts.format]}.")
        if alpha is not None or input_px is not None:
            raise InputError("--alpha and --input-px: are for --backbone; a file has its width and size.")
        runtime = runtime or facts.format
        int8 = (facts.int8_mac_share or 0.0) > 0.5
        found = scheme or ("w8a8_ptq" if int8 else "fp32")
        if found in registry.names("schemes") and int8 != (registry.load("schemes", found).ARITHMETIC[1] == "int8"):
            raise InputError(f"--scheme: {found} contradicts {file.name}, which computes in {'integers' if int8 else 'floats'}.")
    else:
        assert backbone is not None
        network = pools.place_of(ask.network_named(backbone, variant), alpha, input_px)
        found = scheme or "fp32"
    if found not in registry.names("schemes"):
        raise UnknownName("scheme", found, registry.names("schemes"), "--scheme")
    if not accelerator:
        accelerator = "all (mainly ANE)" if ask.RUNTIMES.get(runtime, runtime) == "coreml" else "cpu"
    if accelerator == "cpu" and profile.cpu is not None and threads is not None and threads > profile.cpu.cores:
        raise InputError(f"--threads: {threads} on the {profile.cpu.cores} cores of {profile.name}; give at most one each.")
    return estimator.answer(
        Question(
            device=profile,
            setting=ask.setting_for(published, runtime or "tflite", accelerator, _threads(profile, accelerator, threads)),
            precisions=ask.precisions_of(found, accelerator),
            place=network,
        )
    )


def _threads(profile: DeviceProfile, accelerator: str, threads: int | None) -> int:
    return (threads or profile.threads) if accelerator == "cpu" else 0


def _device(name: str) -> tuple[DeviceProfile, str, Estimator]:
    if name.endswith((".yaml", ".yml")):
        profile = load_device(name)
        extra = open_own(Path(name))
        return profile, next(iter(profile.measured_as), profile.name), Estimator(extra)
    found = ask.find_device(name)
    if found is None:
        raise UnknownName("device", name, atlases.known_devices(), "--device")
    return *found, Estimator()


@functools.cache
def _published_places() -> list[pools.Place]:
    """Every published network at its usual size: what a file's network may be like."""
    from edgetl.networks import _find

    places = []
    for model in _find.members():
        try:
            places.append(pools.place_of(model, None, None))
        except InputError:
            continue
    return places
