"""What a file, and the same network in float, are estimated to need on a device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """What a device is estimated to need for the file, and for the same network in float."""

    device: str
    as_it_is_ms: float | None
    float_ms: float | None
    reason: str
    """How it is known, or why it is not."""


def estimate(path: Path, device: str) -> Latency:
    """Estimate a file's latency on a device, as it is and in float.

    Args:
        path: the file.
        device: a device's name.

    Returns:
        Both; without figures where nothing speaks for them.

    Raises:
        UnknownName: there is no such device.
        InputError: the file cannot be read.
    """
    from edgetl.errors import UnknownName
    from edgetl.estimator import ask
    from edgetl.estimator import atlas as atlases
    from edgetl.estimator.estimate import Estimator, Question

    known = ask.find_device(device)
    if known is None:
        raise UnknownName("device", device, atlases.known_devices(), "--device")
    profile, published = known
    place, facts = ask.place_of_file(path)
    accelerator = "all (mainly ANE)" if facts.format == "coreml" else "cpu"
    estimator = Estimator()
    answers = [
        estimator.answer(
            Question(
                device=profile,
                setting=ask.setting_for(published, facts.format, accelerator, profile.threads if accelerator == "cpu" else 0),
                precisions=ask.precisions_of(scheme, accelerator),
                place=place,
            )
        )
        for scheme in ("w8a8_ptq", "fp32")
    ]
    reason = "; ".join(dict.fromkeys(answer.reason for answer in answers))
    return Latency(device=device, as_it_is_ms=answers[0].latency_ms, float_ms=answers[1].latency_ms, reason=reason)
