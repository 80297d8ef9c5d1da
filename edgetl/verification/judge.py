"""Run files, their checkpoint and their witnesses over the same images, and judge what they answer.

Output: one plain record. History: schema 1 = first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import flips, isolation, multilabel, parity, verdicts
from edgetl.evaluation import rate
from edgetl.stages.convert import measure
from edgetl.types import SCHEMA, from_json, to_json
from edgetl.verification import images as photos
from edgetl.verification import witnesses
from edgetl.verification.given import Asked, File, Given, read
from edgetl.verification.images import Images
from edgetl.verification.witnesses import Witness

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Evidence

OF_WITNESS = ("min_top1", "max_top1_drop", "max_class_drop")
"""Gates that a witness must keep too. Not agreement: sound kernels differ."""
_PREPARING = 0.1
"""Share of the bar for the photos."""
Told = Callable[[float, str], None]


def verify(asked: Asked, told: Told = lambda share, what: None) -> dict[str, Any]:
    """Verify files.

    Args:
        asked: what is wanted.
        told: is called with the share that is done, 0 to 1, and what runs now.

    Returns:
        `schema`; `images`: from, n, classes; `against`: path, runtime, top1; `files`: see `_entry`; `warnings`; `failed` and
        `unsure`: one line for each verdict that is.

    Raises:
        InputError: something that was given does not fit.
        DeviceUnreachable: a device does not answer.
        EdgetlError: a file, the checkpoint or a device cannot do what is asked.
    """
    given = read(asked)
    witnesses.reach(w for file in given.files for w in file.witnesses)
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        scratch = Path(folder)

        def prepared(done: int, of: int) -> None:
            told(_PREPARING * done / of, "preparing photos")

        images = photos.gather(given, asked.data, asked.limit, scratch, prepared)
        asker = _Asker(given, images, scratch, told)
        reference = asker.here(given.against, given.against_runtime)
        entries = [_entry(file, asker, reference) for file in given.files]
    lines = [(v["outcome"], line) for entry in entries for v, line in _lines(entry)]
    return {
        "schema": SCHEMA,
        "images": {"from": images.where, "n": len(images.labels), "classes": list(given.class_names)},
        "against": {"path": str(given.against), "runtime": given.against_runtime, "top1": _top1(reference, images)},
        "files": entries,
        "warnings": list(given.warnings),
        "failed": [line for outcome, line in lines if outcome == "fail"],
        "unsure": [line for outcome, line in lines if outcome == "unsure"],
    }


class _Asker:
    """Asks one after the other, and says how far that is."""

    def __init__(self, given: Given, images: Images, scratch: Path, told: Told) -> None:
        self.given, self.images = given, images
        self._scratch, self._told = scratch, told
        self._jobs, self._done = 1 + sum(1 + len(file.witnesses) for file in given.files), 0

    def here(self, path: Path, runtime: str | None) -> np.ndarray:
        """Answers of a file, or of a network without a runtime, in a child process: float32 (N, classes)."""
        import numpy as np

        what = f"{path.name} in {runtime}" if runtime is not None else f"the network {path}"
        out = self._scratch / f"{self._done}.npy"
        arguments = {
            "path": str(path),
            "runtime": runtime,
            "preprocess": to_json(self.given.preprocess),
            "class_names": list(self.given.class_names),
            "pixels": str(self.images.path),
            "rows": None if self.images.rows is None else list(self.images.rows),
            "out": str(out),
        }
        self._progress(0, 1, what)
        handle, name = tempfile.mkstemp(prefix="edgetl-", suffix=".log")  # not in the scratch folder: an error names it
        os.close(handle)
        try:
            isolation.call("edgetl.answers", arguments, what, Path(name), lambda e: self._progress(e["done"], e["of"], what))
        except KeyboardInterrupt:
            Path(name).unlink(missing_ok=True)
            raise
        self._done += 1
        found: np.ndarray = np.load(out, allow_pickle=False)
        return found

    def witness(self, witness: Witness, path: Path) -> np.ndarray:
        """Answers of a file by a witness, here or there."""
        if witness.way is None:
            return self.here(path, witness.runtime)
        what = f"{path.name} on {witness.name}"
        self._progress(0, 1, what)
        found = witnesses.ask_there(
            witness,
            path,
            self.images.pixels(),
            self.given.preprocess,
            self.given.class_names,
            lambda done, of: self._progress(done, of, what),
        )
        self._done += 1
        return found

    def _progress(self, done: int, of: int, what: str) -> None:
        self._told(_PREPARING + (1.0 - _PREPARING) * (self._done + done / of) / self._jobs, what)


def _entry(file: File, asker: _Asker, reference: np.ndarray) -> dict[str, Any]:
    """One file: what it is, `top1`, `agreement`, `paired`, `flips`, `verdicts`; `witnesses`, each against the file's runtime."""
    outputs = asker.here(file.path, file.runtime)
    sha256, size_bytes, _ = measure(file.path)
    return {
        "path": str(file.path),
        "format": file.format,
        "scheme": file.scheme,
        "sha256": sha256,
        "recorded": file.origin.same if file.origin is not None else None,
        "runtime": file.runtime,
        **_held(file, asker, reference, outputs, size_bytes, file.limits, witnesses.evidence_here(file.runtime)),
        "witnesses": [_testimony(w, file, asker, reference, outputs, size_bytes) for w in file.witnesses],
    }


def _held(
    file: File,
    asker: _Asker,
    reference: np.ndarray,
    outputs: np.ndarray,
    size_bytes: int,
    limits: dict[str, float | None],
    evidence: Evidence,
) -> dict[str, Any]:
    """Answers against the checkpoint's and the gates."""
    found = _compared(asker, reference, outputs)
    accuracy = from_json(verdicts.Accuracy, found["counts"])
    subject = verdicts.Subject(
        format=file.format, scheme=file.scheme, size_bytes=size_bytes, accuracy=accuracy, accuracy_evidence=evidence
    )
    needed = None
    if limits["max_top1_drop"] is not None:
        lost, won = accuracy.only_reference_correct, accuracy.only_candidate_correct
        changed = accuracy.n - accuracy.agreeing
        needed = verdicts.images_to_resolve(lost, won, changed, accuracy.n, limits["max_top1_drop"])
    return {
        "evidence": evidence,
        "n": accuracy.n,
        "top1": rate(accuracy.correct, accuracy.n),
        "agreement": accuracy.agreeing / accuracy.n,
        "paired": {**found["paired"], "images_to_resolve": needed},
        "flips": found["flips"],
        "verdicts": to_json(verdicts.judge_gates(subject, limits)),
    }


def _testimony(
    witness: Witness, file: File, asker: _Asker, reference: np.ndarray, main: np.ndarray, size_bytes: int
) -> dict[str, Any]:
    """One witness: what it answers against the checkpoint and the gates, and `against_runtime`: the same file's own runtime."""
    outputs = asker.witness(witness, file.path)
    found = _compared(asker, main, outputs)
    counts, n = found["counts"], found["counts"]["n"]
    top1 = counts["reference_correct"] / n, counts["correct"] / n
    differ, p, largest = n - counts["agreeing"], found["paired"]["mcnemar_p"], parity.max_abs_err(main, outputs)
    limits = {gate: limit if gate in OF_WITNESS else None for gate, limit in file.limits.items()}
    return {
        "name": witness.name,
        "runtime": witness.runtime,
        "via": None if witness.way is None else witness.way.via,
        **_held(file, asker, reference, outputs, size_bytes, limits, witness.evidence),
        "against_runtime": {
            "agreement": counts["agreeing"] / n,
            "differ": differ,
            "max_probability_difference": largest,
            "mcnemar_p": p,
            "flips": found["flips"],
            "told": witnesses.sentence(file.runtime, witness.name, n, differ, top1, p, largest),
        },
    }


def _compared(asker: _Asker, reference: np.ndarray, candidate: np.ndarray) -> dict[str, Any]:
    images = asker.images
    return flips.compare(reference, candidate, images.labels, images.sets, asker.given.class_names, images.names)


def _top1(outputs: np.ndarray, images: Images) -> dict[str, Any]:
    right = multilabel.right(outputs, images.labels, images.sets, multilabel.NAMED_FROM)
    return rate(int(right.sum()), len(right))


def _lines(entry: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Each verdict of a file and of its witnesses, with the line that tells it."""
    sources = [(entry["path"], entry), *((f"{entry['path']} by {w['name']}", w) for w in entry["witnesses"])]
    return [(v, f"{name}: {v['gate']} {v['outcome']}: {v['reason']}") for name, source in sources for v in source["verdicts"]]
