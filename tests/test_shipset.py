"""The ship set is as small as any that serves everyone who can be served, and each of them gets what passes all that is asked."""

import itertools
import random

import pytest

from edgetl.shipset import Candidate, choose
from edgetl.types import Verdict

FORMATS = ("tflite", "onnx", "coreml")


def _candidate(name, size, top1=0.9):
    return Candidate(name=name, format=name.partition("/")[0], path=name, sha256="", delivered_bytes=size, top1=top1)


def _verdict(name, device, outcome, gate="latency_p90_ms", value=5.0, limit=10.0, reason="because."):
    form, scheme = name.split("/")
    return Verdict(
        format=form, scheme=scheme, device=device, gate=gate, outcome=outcome, value=value, interval=None, limit=limit,
        evidence="measured", reason=reason,
    )  # fmt: skip


def _case(seed):
    rng = random.Random(seed)
    names = [f"{rng.choice(FORMATS)}/s{number}" for number in range(rng.randint(1, 7))]
    candidates = [_candidate(name, rng.randint(1, 3), rng.choice([None, 0.9, 0.95])) for name in names]
    formats = {f"d{n}": tuple(rng.sample(FORMATS, rng.randint(1, 3))) for n in range(rng.randint(1, 7))}
    found = [_verdict(n, None, rng.choice(["pass"] * 4 + ["fail", "unsure", "skipped"]), "min_top1", 0.9, 0.8) for n in names]
    for device, loads in formats.items():
        for name in names:
            loadable = name.partition("/")[0] in loads
            for gate in ("latency_p90_ms", "size_mb"):
                outcome = rng.choice(["pass", "pass", "fail", "unsure"]) if loadable else "skipped"
                found.append(_verdict(name, device, outcome, gate))
    return candidates, formats, found


def _serves(name, device, formats, found, outcomes):
    own = [v for v in found if f"{v.format}/{v.scheme}" == name and v.device in (None, device)]
    return name.partition("/")[0] in formats[device] and all(v.outcome in outcomes for v in own)


@pytest.mark.parametrize("allow_unsure", [False, True])
def test_it_equals_brute_force_on_200_cases(allow_unsure):
    unserved = partly = 0
    for seed in range(200):
        candidates, formats, found = _case(seed)
        chosen = choose(candidates, formats, found, allow_unsure=allow_unsure)
        able = {}
        for device in formats:
            names = {c.name for c in candidates}
            able[device] = {n for n in names if _serves(n, device, formats, found, ("pass",))}
            if allow_unsure and not able[device]:
                able[device] = {n for n in names if _serves(n, device, formats, found, ("pass", "unsure", "skipped"))}
        servable = {device for device, names in able.items() if names}
        covers = [
            subset
            for number in range(len(candidates) + 1)
            for subset in itertools.combinations(candidates, number)
            if all({c.name for c in subset} & able[device] for device in servable)
        ]
        best = min((len(s), sum(c.delivered_bytes for c in s)) for s in covers)
        assert (len(chosen.artifacts), chosen.delivered_bytes) == best, seed
        assert {s.device for s in chosen.served} == servable
        assert sorted([*(s.device for s in chosen.served), *(u.device for u in chosen.unserved)]) == sorted(formats)
        for served in chosen.served:
            assert served.given.artifact in able[served.device] & {c.name for c in chosen.artifacts}
            if not allow_unsure:
                assert served.given.outcome == "pass" and not served.given.missed()
        unserved += bool(chosen.unserved)
        partly += bool(chosen.unserved and chosen.served)
    assert partly > 20 and unserved < 200


def test_the_nearest_miss_is_told_with_what_would_settle_it():
    candidates = [_candidate("tflite/fp32", 9), _candidate("tflite/w8a8_qat", 3), _candidate("coreml/fp16", 1)]
    found = [
        _verdict("tflite/fp32", "phone", "fail", value=30.0),
        _verdict("tflite/w8a8_qat", "phone", "unsure", value=11.0, reason="straddles; settle it: edgetl bench f.tflite."),
    ]
    chosen = choose(candidates, {"phone": ("tflite",), "board": ("onnx",)}, found, allow_unsure=False)
    assert not chosen.artifacts and not chosen.served
    phone, board = chosen.unserved
    assert phone.nearest.artifact == "tflite/w8a8_qat" and "settle it: edgetl bench f.tflite" in phone.why
    assert board.nearest is None and "loads onnx, and the run made none" in board.why
    found[1] = _verdict("tflite/w8a8_qat", "phone", "fail", value=12.0)
    nearest = choose(candidates, {"phone": ("tflite",)}, found, allow_unsure=True).unserved[0].nearest
    assert nearest.artifact == "tflite/w8a8_qat", "12 of 10 is nearer than 30 of 10"


def test_a_sure_one_goes_before_an_unsure_one_and_a_skipped_gate_proves_nothing():
    candidates = [_candidate("tflite/a", 9), _candidate("tflite/b", 1)]
    found = [_verdict("tflite/b", "phone", "unsure")]
    chosen = choose(candidates, {"phone": ("tflite",)}, found, allow_unsure=True)
    assert [c.name for c in chosen.artifacts] == ["tflite/a"]
    gate = _verdict("tflite/a", None, "skipped", "min_top1", None, 0.9, "it was not run")
    unproved = choose(candidates[:1], {"phone": ("tflite",)}, [gate], allow_unsure=False)
    assert "min_top1 unsure: was not judged: it was not run" in unproved.unserved[0].why


def test_of_two_that_are_shipped_the_smaller_one_is_given():
    candidates = [_candidate("tflite/a", 9), _candidate("onnx/b", 1)]
    formats = {"phone": ("tflite", "onnx"), "only_a": ("tflite",), "only_b": ("onnx",)}
    chosen = choose(candidates, formats, [], allow_unsure=False)
    assert {s.device: s.given.artifact for s in chosen.served} == {"phone": "onnx/b", "only_a": "tflite/a", "only_b": "onnx/b"}
    assert "2 of the set serve it" in chosen.served[0].why
