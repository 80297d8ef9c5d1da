"""Rules about what a layer holds: weights, channels, numbers at all."""

from __future__ import annotations

from edgetl.layers import weighing
from edgetl.layers.case import Case, Cause, cause
from edgetl.layers.measuring import Measure
from edgetl.layers.steps import Layer


def finite(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """Weights, or what the layer makes of finite values, are infinite or not a number."""
    if measure.finite:
        return None
    if not weighing.finite(layer):
        return cause(
            "not finite", measure, "it holds weights or biases that are infinite or not a number.",
            "The file is damaged, or the weights overflowed as it was made: convert again (half precision ends at 65504).",
        )  # fmt: skip
    largest = float(abs(case.wanted(measure.place)).max())
    return cause(
        "not finite", measure,
        f"it gives values that are infinite or not a number; the reference's reach {largest:.3g}.",
        "Half precision ends at 65504: keep this layer in float32, or scale what leads to it.",
    )  # fmt: skip


def dead(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """Channels are constant that are not in the reference."""
    if not measure.dead:
        return None
    first = measure.dead[0]
    wanted = case.wanted(measure.place)[..., first]
    shown = ", ".join(map(str, measure.dead[:8])) + (" …" if len(measure.dead) > 8 else "")
    several = len(measure.dead) > 1
    one_step = layer.kernel_step is not None and bool((layer.kernel_step == layer.kernel_step.reshape(-1)[0]).all())
    zero = layer.kernel is not None and len(layer.kernel) > first and not layer.kernel[first].any()
    kind = "depthwise " if layer.depthwise else ""
    return cause(
        "dead channel", measure,
        f"{kind}channel{'s' if several else ''} {shown} of {measure.shape[-1]} {'are' if several else 'is'} constant; the "
        f"reference's spread{'' if several else 's'} from {wanted.min():.3g} to {wanted.max():.3g}."
        + (f" The kernel of channel {first} is all zeros." if zero else ""),
        "Convert again; if it stays, "
        + ("its weights vanish in their range: quantize them per channel, or " if one_step else "")
        + "keep this layer float.",
    )  # fmt: skip


def folded(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """Kernels are the reference's times a factor, or the bias is another: what may end channels, too."""
    weighed = case.weights.get(measure.place)
    if weighed is not None and weighed.folded:
        return cause(
            "batch norm fold", measure, weighed.folded,
            "Batch normalisation was folded with other statistics than the reference's: convert again, in inference mode.",
        )  # fmt: skip
    return None


def weights(case: Case, measure: Measure, layer: Layer) -> Cause | None:
    """Weights are not the reference's."""
    weighed = case.weights.get(measure.place)
    if weighed is None:
        return None
    if weighed.order and layer.kind == "dense" and not any(measure.place in later.inputs for later in _behind(case, measure)):
        return cause(
            "classes in another order", measure, weighed.order,
            "The answers are right under other names: convert again, or give the app the names in the file's order.",
        )  # fmt: skip
    if weighed.order or weighed.differ:
        return cause(
            "weights differ", measure, weighed.order or weighed.differ,
            "These are not the reference's weights: convert again from it, or give the right one with --against.",
        )  # fmt: skip
    return None


def _behind(case: Case, measure: Measure) -> list[Layer]:
    """Layers after this one that are more than a softmax."""
    return [later for later in case.found.layers[measure.place + 1 :] if later.kind != "softmax"]
