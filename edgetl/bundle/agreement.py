"""What the files of a bundle say of one another: labels, preparation, golden photos, contracts, artifacts, cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetl import content
from edgetl.bundle import contracts, expected, packed_labels, prepared, tolerances
from edgetl.bundle.faults import one
from edgetl.bundle.names import EVALUATION, GOLDEN, HTML, LABELS, LICENCES, MARKDOWN, PREPROCESS, SBOM
from edgetl.bundle.opening import Whole, preprocess_of, record
from edgetl.types import Preprocess, from_json

ALWAYS = (LABELS, PREPROCESS, GOLDEN, MARKDOWN, HTML, SBOM, LICENCES)


def check(found: Whole, named: Path) -> None:
    """Hold the files against the manifest and each other.

    Args:
        found: a bundle whose files are those that its manifest lists, and whose manifest obeys its schema.
        named: the bundle, for messages.

    Raises:
        BundleFault: the first that does not fit.
    """
    manifest = found.manifest
    missing = [name for name in ALWAYS if name not in manifest["files"]]
    if missing:
        raise one(named, "file missing", f"{missing[0]}: is not in the bundle, and each bundle holds it.")
    for artifact in manifest["artifacts"]:
        _artifact(found, artifact, named)
    _nothing_else(manifest, named)
    _shapes(manifest, named)
    _labels(found, named)
    if preprocess_of(found.folder, named)[0] != from_json(Preprocess, manifest["preprocess"]):
        raise one(named, "preprocessing differs", f"{PREPROCESS}: prepares photos otherwise than manifest.json says.")
    golden = record(found.folder, GOLDEN, named)
    try:
        _golden(found, golden, named)
        wanted = contracts.derive(manifest, golden)
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise one(named, "record form", f"{GOLDEN}: is not what edgetl writes ({error!r:.100}).") from None
    _contracts(found, wanted, named)
    for name in (LICENCES, *((EVALUATION,) if EVALUATION in manifest["files"] else ())):
        record(found.folder, name, named)
    if manifest["provenance"]["recipe"]["path"] not in manifest["files"]:
        raise one(named, "file missing", f"{manifest['provenance']['recipe']['path']}: the recipe is not in the bundle.")


def _nothing_else(manifest: dict[str, Any], named: Path) -> None:
    """Each file in artifacts/ belongs to an artifact."""
    own = [file["path"] for row in manifest["artifacts"] for file in (row, *row.get("companions", ()))]
    for name in manifest["files"]:
        if name.startswith("artifacts/") and not any(name == path or name.startswith(f"{path}/") for path in own):
            raise one(named, "artifact differs", f"{name}: belongs to no artifact that manifest.json names.")


def _shapes(manifest: dict[str, Any], named: Path) -> None:
    """What the manifest says of an artifact's ends fits its photos and classes."""
    side = manifest["preprocess"]["crop_px"]
    for row in manifest["artifacts"]:
        ends = row["inputs"][:1], row["outputs"][:1]
        if not all(ends):
            raise one(named, "manifest form", f"manifest.json: the artifact {row['path']} has no input or no output.")
        entrance = row["inputs"][0]
        wanted = [3, side, side] if entrance["layout"] == "NCHW" else [side, side, 3]
        if list(entrance["shape"])[-3:] != wanted or len(entrance["shape"]) not in (3, 4):
            what = f"manifest.json: the input of {row['path']} is {entrance['shape']}, and photos are prepared as {wanted}."
            raise one(named, "artifact differs", what)


def _artifact(found: Whole, artifact: dict[str, Any], named: Path) -> None:
    files, name = found.manifest["files"], f"{artifact['format']}/{artifact['scheme']}"
    for file in (artifact, *artifact.get("companions", ())):
        path = file["path"]
        sizes = [facts["size_bytes"] for own, facts in files.items() if own == path or own.startswith(f"{path}/")]
        if not sizes or not path.startswith("artifacts/"):
            raise one(named, "file missing", f"{path}: a file of the artifact {name} is not in the bundle.")
        if sum(sizes) != file["size_bytes"] or content.digest(found.folder / path, path) != file["sha256"]:
            raise one(named, "artifact differs", f"{path}: is not the {name} that was verified.")


def _labels(found: Whole, named: Path) -> None:
    classes = found.manifest["classes"]
    data = (found.folder / LABELS).read_bytes()
    if data != "".join(f"{name}\n" for name in classes).encode():
        raise one(named, "labels differ", f"{LABELS}: names other classes, or in another order, than manifest.json.")
    for artifact in found.manifest["artifacts"]:
        try:
            inside = packed_labels.read(found.folder / artifact["path"], artifact["format"])
        except ValueError as error:
            raise one(named, "labels differ", f"{artifact['path']}: its labels cannot be read ({error}).") from None
        if inside is not None and inside != classes:
            what = f"{artifact['path']}: carries other labels, or in another order, than manifest.json."
            raise one(named, "labels differ", what)


def _golden(found: Whole, golden: dict[str, Any], named: Path) -> None:
    """The photos are those of golden.json, for the artifacts of this bundle, and look as it says."""
    manifest = found.manifest
    stated, steps = manifest["golden"], from_json(Preprocess, manifest["preprocess"])
    if stated["path"] != GOLDEN or stated["sha256"] != manifest["files"][GOLDEN]["sha256"]:
        raise one(named, "golden differs", f"{GOLDEN}: is not the contract that manifest.json names.")
    rows = {f"{row['format']}/{row['scheme']}": row for row in manifest["artifacts"]}
    told = {name: facts["path"] for name, facts in golden["artifacts"].items()}
    images = {f"golden/{image['file']}": image for image in golden["images"]}
    if told != {name: row["path"] for name, row in rows.items()}:
        raise one(named, "golden differs", f"{GOLDEN}: is of other artifacts than manifest.json names.")
    for name, row in rows.items():
        if not contracts.input_of(row, manifest).items() <= golden["artifacts"][name].items():
            raise one(named, "golden differs", f"{GOLDEN}: speaks of another input of {name} than manifest.json.")
    if list(images) != stated["photos"] or not images:
        raise one(named, "golden differs", f"{GOLDEN}: is of other photos than manifest.json names.")
    dtypes = {name: contracts.input_of(row, manifest)["dtype"] for name, row in rows.items()}
    for name, image in images.items():
        if name not in manifest["files"] or manifest["files"][name]["sha256"] != image["sha256"]:
            raise one(named, "golden differs", f"{name}: is not the photo that {GOLDEN} speaks of.")
        what = expected.contradiction(image, manifest["classes"], rows)
        what = what or tolerances.contradiction(image, rows, dtypes)
        what = what or prepared.contradiction((found.folder / name).read_bytes(), image, golden["artifacts"], steps)
        if what is not None:
            raise one(named, "golden differs", f"{GOLDEN}: {name} {what}.")


def _contracts(found: Whole, wanted: dict[str, dict[str, Any]], named: Path) -> None:
    """Each artifact's contract says what the manifest and golden.json say."""
    manifest = found.manifest
    stated = [artifact["contract"] for artifact in manifest["artifacts"]]
    if stated != list(wanted) or {n for n in manifest["files"] if n.startswith(f"{contracts.FOLDER}/")} != {*wanted}:
        raise one(named, "file missing", f"{contracts.FOLDER}/: must hold {', '.join(wanted)}, and nothing else.")
    for file, value in wanted.items():
        contracts.checked(value, file, named)
        read = record(found.folder, file, named)
        if read != value:
            raise one(named, "contract differs", f"{file}: says something else than manifest.json and {GOLDEN}.")
        contracts.checked(read, file, named)  # in Python true is 1 and false 0; apps refuse it
