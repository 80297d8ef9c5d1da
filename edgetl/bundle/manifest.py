"""manifest.json: what a bundle is and holds. One record writes it, checks it, and gives its JSON Schema.

History: schema 1 = first; title to provenance, and contracts, were added before the first release.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from edgetl import content
from edgetl.bundle import archive, plain
from edgetl.bundle.faults import BundleFault, Fault, one
from edgetl.bundle.form import Change, Digest, Label, Line, Path_, Share, Size, Text
from edgetl.recipe._names import Name
from edgetl.schema import Bound, MinItems, check, json_schema
from edgetl.types import Artifact, Evidence, Preprocess, Verdict

FILE = "manifest.json"
SIGNATURE = "manifest.sig"
MAX_MANIFEST_BYTES = 16_000_000
"""Ten thousand files take about 2 million; verdicts, classes and the counts of their images the rest."""
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file of the bundle."""

    sha256: Digest
    size_bytes: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the numbers that an artifact gives are."""

    labels_per_image: Literal["one", "several"]
    function: Literal["softmax", "sigmoid"]
    named_from: Share | None = None
    """Several labels: probability from which a label counts as named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What an artifact reached on the test images."""

    status: Literal["verified", "skipped"]
    evidence: Evidence | None = None
    reason: Text | None = None
    """Why it was skipped."""
    runtime: Line | None = None
    n: Size | None = None
    """Test images."""
    top1: Share | None = None
    top1_interval: tuple[Share, ...] = ()
    """95 %, Wilson's; both ends, or none."""
    top1_drop: Change | None = None
    """Against the float checkpoint."""
    top1_drop_interval: tuple[Change, ...] = ()
    """95 %, of the pairs; both ends, or none."""
    agreement: Share | None = None
    """Share of images on which it names the same class as the float checkpoint."""
    source_agreement: Share | None = None
    max_abs_err: Annotated[float, Bound(ge=0.0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped(Artifact):
    """One artifact; `path`, and those of its companions, are relative to the bundle."""

    contract: Path_
    """File that says all that an app needs to know of it."""
    accuracy: Accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenFacts:
    """The contract of the golden photos."""

    path: Path_
    sha256: Digest
    photos: tuple[Path_, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFacts:
    """The recipe that the run obeyed."""

    path: Path_
    """Its text, in the bundle. Of paths that led elsewhere on the computer only the last part is kept."""
    sha256: Digest
    """Of the recipe's values with the overrides, as canonical JSON: what `report.json` names."""
    file_sha256: Digest
    """Of the file as it lay there."""
    overrides: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFacts:
    """The images of one split."""

    images: Size
    sha256: Digest
    """Of one line for each image, sorted: the sha256 of its bytes, two spaces, its class (or classes, with commas), newline."""
    classes: dict[str, Size]
    """Class → images of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the artifacts come from. No clock, no name of a user or of a folder: the same inputs give the same bundle."""

    edgetl: Line
    """Its version."""
    recipe: RecipeFacts
    data: dict[str, SplitFacts]
    """Split → its images."""
    data_licence: Text
    tools: dict[str, str]
    """Package → version: those whose version decides a step."""
    steps: dict[str, str]
    """Step → its key in the store: the sha256 of all that decides its result."""
    host: dict[str, Text]
    """`system`, `machine`, `cpu`, `python`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole of manifest.json."""

    schema: Literal[1]
    name: Name
    title: Line
    version: Line
    author: Text
    licence: Text
    description: Text
    classes: Annotated[tuple[Label, ...], MinItems(1)]
    answers: Answers
    preprocess: Preprocess
    artifacts: Annotated[tuple[Shipped, ...], MinItems(1)]
    golden: GoldenFacts
    verdicts: tuple[Verdict, ...]
    allowed_failed: tuple[Text, ...]
    """Gates that failed and were allowed to."""
    provenance: Provenance
    files: dict[Path_, FileFacts]
    """Every file of the bundle but this one and its signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Core:
    """What every reader relies on."""

    classes: Annotated[tuple[str, ...], MinItems(1)]
    files: dict[Path_, FileFacts]


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of manifest.json."""
    return json_schema(Manifest, "manifest.json of a bundle of edgetl's")


def schema_file() -> Path:
    """Where the schema lies as a file, in a checkout and in an installed package."""
    return Path(__file__).with_name("manifest.schema.json")


def write(value: dict[str, Any], folder: Path) -> None:
    """Write manifest.json, last of all files, once all the others lie there.

    Args:
        value: all of it but `files`.
        folder: of the bundle.

    Raises:
        BundleFault: it does not obey the schema.
    """
    files = {
        name: {"sha256": content.digest(folder / name, name), "size_bytes": (folder / name).stat().st_size}
        for name in archive.files_of(folder)
    }
    value = {**value, "files": files}
    check_whole(value, folder)
    plain.write(folder / FILE, value)


def read(data: bytes, named: Path) -> dict[str, Any]:
    """Read what every reader of a bundle relies on, in a manifest that anyone may have made.

    Args:
        data: the file's bytes.
        named: the bundle, for messages.

    Returns:
        Its values; `files` and `classes` are as in `Manifest`, the rest may be anything (`check_whole`).

    Raises:
        BundleFault: they are not, all of it at once.
    """
    try:
        value = plain.read(data)
    except ValueError as error:
        raise one(named, "manifest form", f"is no bundle of edgetl's: {FILE} cannot be read ({error}).") from None
    if value.get("schema") != 1:
        raise one(named, "manifest form", f"its {FILE} is not what this version of edgetl writes.")
    _check(_Core, {name: value[name] for name in ("files", "classes") if name in value}, named)
    return value


def check_whole(value: dict[str, Any], named: Path) -> None:
    """Check all of a manifest.

    Args:
        value: of `read`.
        named: the bundle, for messages.

    Raises:
        BundleFault: it does not obey the schema; all faults at once.
    """
    artifacts = value.get("artifacts")
    rows = artifacts if isinstance(artifacts, list) else []
    if "provenance" not in value or any(isinstance(row, dict) and "contract" not in row for row in rows):
        raise one(named, "manifest earlier", f"its {FILE} was written by an earlier version of edgetl; ship it again.")
    _check(Manifest, value, named)


def _check(kind: type, value: dict[str, Any], named: Path) -> None:
    faults: list[str] = []
    if check(kind, value, lambda key: f"{FILE}: {key[:200] or 'the file'}", faults) is None:
        raise BundleFault(named, [Fault(kind="manifest form", says=text) for text in faults[:_SHOWN]])
