"""What a platform's module must define, and what it writes an app's code from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from edgetl.bundle.contracts import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One artifact of a bundle, as code needs it."""

    title: str
    """What the bundle calls itself."""
    package: str
    """Name of the code's package: `com.example.fruit`."""
    contract: Contract
    """Input, output, labels, golden photos: what apps read at run time, from `contract_file`."""
    contract_file: Path
    model: Mapping[str, Path]
    """`model.tflite` → the file; of Core ML, `model.mlpackage/…` → each file of the package."""
    manifest_sha256: str
    """Of the bundle's manifest.json, which names every other file's."""
    golden: Mapping[str, Path]
    """Golden photo → its file."""

    @property
    def artifact(self) -> str:
        """`format/scheme`."""
        return self.contract.artifact

    @property
    def module(self) -> str:
        """The package's last part as Swift names modules: `fruit_bowl` → `FruitBowlClassifier`."""
        return "".join(part[:1].upper() + part[1:] for part in (*self.package.rpartition(".")[2].split("_"), "classifier"))


class AppModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def FORMATS(self) -> tuple[str, ...]:
        """Formats of artifacts that it writes code for."""

    @property
    def RUNS(self) -> str:
        """What the code calls to run the artifact, with its version."""

    def unfit(self, app: App) -> str | None:
        """None, or why this artifact cannot run there and what to ship instead. Never raises."""

    def files(self, app: App) -> dict[str, bytes | Path]:
        """The folder: relative path → its bytes, or the file that is copied; the same for the same bundle."""
