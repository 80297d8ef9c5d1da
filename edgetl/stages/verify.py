"""Verify: every test image through the artifact in its own runtime, compared with the labels and with the checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.recipe import Recipe
from edgetl.runtimes._base import each_answer
from edgetl.schemes._base import origin
from edgetl.stages._base import Emit, Job, artifact_in
from edgetl.types import Artifact

VERSION = 8
RESUMABLE = False
_SAME = 0.01
"""Most that a probability of an fp32 file may be off; order of sums and fused arithmetic make less than a thousandth."""


_CLOSE = 0.99
"""Agreement with the file of the same integers below which it is told where the two part. Our choice."""


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`: nothing of the recipe that the earlier results do not hold already."""
    name, reason = runtime_for(target.partition("/")[0])
    return {"runtime": reason or name}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    name, _ = runtime_for(target.partition("/")[0])
    return tuple(registry.load("runtimes", name).PACKAGES) if name is not None else ()


def runtime_for(format_name: str) -> tuple[str | None, str | None]:
    """Find the runtime of a format.

    Args:
        format_name: name of a converter.

    Returns:
        Its name, and why it cannot run here (None when it can). What an app runs comes before a reference, then alphabetically;
        the first that can, else the first; None when no runtime knows the format.
    """
    able = [n for n in registry.names("runtimes") if format_name in registry.load("runtimes", n).FORMATS]
    able.sort(key=lambda n: (registry.load("runtimes", n).REFERENCE, n))
    if not able:
        return None, f"no runtime of edgetl runs {format_name} files"
    reasons = {name: registry.load("runtimes", name).unavailable() for name in able}
    name = next((n for n in able if reasons[n] is None), able[0])
    return name, reasons[name]


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`."""
    import numpy as np

    from edgetl import flips, multilabel, parity
    from edgetl.errors import VerificationError
    from edgetl.preprocess import load_index, load_label_sets, load_split

    name, reason = runtime_for(job.wanted.format)
    if name is None or reason is not None:
        return {"status": "skipped", "reason": reason}
    artifact = artifact_in(job.folder("convert"))
    pixels, labels = load_split(job.folder("prepare"), "test")
    index = load_index(job.folder("prepare"))
    class_names = tuple(index["class_names"])
    path = job.folder("convert") / artifact.path
    session = registry.load("runtimes", name).open(path, 1, job.preprocess, class_names)
    outputs = np.empty((len(labels), len(class_names)), np.float32)
    for row, answer in enumerate(each_answer(session, pixels)):
        outputs[row] = answer
        if row % 50 == 0:
            emit({"what": f"{row}/{len(labels)} images", "done": row, "of": len(labels)})
    session.close()
    if not np.isfinite(outputs).all():
        raise VerificationError(f"{artifact.path}: gives values that are not finite in {name}.")
    np.save(Path(job.out) / "outputs.npy", outputs)
    roles = (origin(registry.load("schemes", artifact.scheme)), "finetune")
    source, float_answers = (_answers(job.folder(role)) for role in roles)
    sets = load_label_sets(job.folder("prepare"))
    right = multilabel.right(outputs, labels, sets, multilabel.NAMED_FROM)
    reference_right = multilabel.right(float_answers, labels, sets)
    named = multilabel.said(outputs, sets, multilabel.NAMED_FROM)
    agreeing, source_agreeing = ((multilabel.said(a, sets, 0.0) == named).all(axis=1) for a in (float_answers, source))
    worst = parity.max_abs_err(multilabel.probabilities(source, sets).astype(np.float32), outputs)
    if artifact.scheme == "fp32" and worst > _SAME:
        raise VerificationError(
            f"{artifact.path}: is not the network it was made from: in {name} its probabilities are off by up to {worst:.3g}, "
            f"{float((~agreeing).mean()):.1%} of the images get another answer."
        )
    names = [image["name"] for image in index["images"] if image["split"] == "test"]
    against_origin = _steps(job, path, pixels, class_names, emit) if "origin" in job.inputs else None
    return {
        "status": "verified",
        "evidence": "reference" if registry.load("runtimes", name).REFERENCE else "measured",
        "against_origin": against_origin,
        "companions": _beside(job, artifact, name, pixels, class_names, outputs),
        "runtime": name,
        "n": len(labels),
        "top1": float(right.mean()),
        "reference_top1": float(reference_right.mean()),
        "top1_drop": float(reference_right.mean() - right.mean()),
        "agreement": float(agreeing.mean()),
        "source_agreement": float(source_agreeing.mean()),
        "max_abs_err": worst,
        **flips.compare(multilabel.probabilities(float_answers, sets), outputs, labels, sets, class_names, names),
    }


def _beside(job: Job, artifact: Artifact, name: str, pixels: Any, class_names: tuple[str, ...], outputs: Any) -> list[dict[str, Any]]:
    """Run companions that are networks too: they must answer as the artifact does."""
    import numpy as np

    from edgetl import parity
    from edgetl.errors import VerificationError

    found = []
    for path in (job.folder("convert") / companion.path for companion in artifact.companions if companion.path.endswith(".ort")):
        session = registry.load("runtimes", name).open(path, 1, job.preprocess, class_names)
        answers = np.array(list(each_answer(session, pixels)), np.float32)
        session.close()
        worst, differ = parity.max_abs_err(outputs, answers), int((answers.argmax(1) != outputs.argmax(1)).sum())
        if not worst <= _SAME or differ:
            raise VerificationError(
                f"{path.name}: does not answer as {artifact.path}: {differ} of {len(outputs)} images get another class, "
                f"probabilities are off by up to {worst:.3g}. Leave ort out."
            )
        found.append({"path": path.name, "max_abs_err": worst, "agreement": 1.0})
    return found


def _steps(job: Job, path: Path, pixels: Any, class_names: tuple[str, ...], emit: Emit) -> dict[str, Any]:
    """Compare the artifact with the one it was made from, both on their integer logits, in steps of their one grid."""
    import tempfile

    import numpy as np

    from edgetl.grid import logits, reader

    artifact = artifact_in(job.folder("origin"))
    data = (job.folder("origin") / artifact.path).read_bytes()
    graph = reader.read(data)
    if job.wanted.format == "coreml":
        return _steps_of_package(job, path, artifact, graph, pixels, emit)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        origin, other = Path(folder) / artifact.path, Path(folder) / path.name
        origin.write_bytes(logits.cut_tflite(data, graph))
        other.write_bytes(logits.cut_onnx(path.read_bytes(), graph))
        for form, file in ((artifact.format, origin), (job.wanted.format, other)):
            name, _ = runtime_for(form)
            session = registry.load("runtimes", str(name)).open(file, 1, job.preprocess, class_names)
            values = []
            for row, answer in enumerate(each_answer(session, pixels)):
                values.append(np.rint(answer * 256.0))  # what the runtime scaled as if it were a probability
                if row % 100 == 0:
                    emit({"what": f"{form} logits {row}/{len(pixels)}", "done": row, "of": len(pixels)})
            session.close()
            found.append(np.array(values, np.int64))
    return {"format": artifact.format, "runtime": runtime_for(artifact.format)[0], **logits.steps(*found)}


def _steps_of_package(job: Job, path: Path, artifact: Any, graph: Any, pixels: Any, emit: Emit) -> dict[str, Any]:
    """The same for a Core ML package, whose integers only its evaluation in software can show, and where the two part."""
    import tempfile

    import numpy as np

    from edgetl.grid import logits, mil_beside, mil_reference

    package = mil_reference.open_package(path)
    ours = mil_beside.logits_of(package, graph)
    runtime, _ = runtime_for(artifact.format)
    theirs, found = [], []
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder) / artifact.path
        cut.write_bytes(logits.cut_tflite((job.folder("origin") / artifact.path).read_bytes(), graph))
        session = registry.load("runtimes", str(runtime)).open(cut, 1, job.preprocess, package.class_names)
        for row, answer in enumerate(each_answer(session, pixels)):
            theirs.append(np.rint(answer * 256.0) - 128)
            found.append(ours(pixels[row]))
            if row % 100 == 0:
                emit({"what": f"logits {row}/{len(pixels)}", "done": row, "of": len(pixels)})
        session.close()
    told: dict[str, Any] = logits.steps(np.array(theirs, np.int64), np.array(found))
    if told["agreement"] < _CLOSE:
        row = int(np.flatnonzero(np.array(theirs).argmax(1) != np.array(found).argmax(1))[0])
        source = job.folder("origin") / artifact.path
        parts = (mil_beside.first_difference(package, source, pixels[row], job.preprocess, tolerance=t) for t in (None, 0.5))
        first = next((part for part in parts if part is not None), None)
        told |= {"first_difference": first and {"tensor": first.name, "steps": first.largest, "share": first.share}}
    return {"format": artifact.format, "runtime": runtime, **told}


def _answers(folder: Path) -> Any:
    """Logits of a checkpoint on the test split, float32 (N, classes)."""
    import numpy as np

    with np.load(folder / "answers.npz", allow_pickle=False) as file:
        return file["logits"]
