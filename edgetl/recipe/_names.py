"""Names and numbers that several sections of a recipe use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from edgetl import devices, registry
from edgetl.errors import InputError
from edgetl.schema import Bound, OneOf, Pattern

Faults = tuple[tuple[str, str], ...]
"""(key relative to the section, what is wrong) of the rules that a single field cannot express."""

Name = Annotated[str, Pattern("[a-z0-9][a-z0-9_.-]{0,63}", "a name of lower-case letters, digits, '_', '-' and '.'")]
LayerName = Annotated[str, Pattern("[A-Za-z0-9_.][A-Za-z0-9_.>/-]{0,199}", "a layer's name")]
Epochs = Annotated[int, Bound(ge=1, le=10_000)]
Rate = Annotated[float, Bound(gt=0.0, le=1.0)]
BatchSize = Annotated[int, Bound(ge=1, le=4096)]
Ratio = Annotated[float, Bound(ge=0.0, le=1.0)]


@dataclass(frozen=True, slots=True)
class _Profile:
    """A device profile that can be loaded."""

    def fault(self, value: str) -> str | None:
        try:
            devices.load_device(value)
        except InputError as error:
            return str(error)
        return None


DeviceName = Annotated[str, _Profile()]
SourceName = Annotated[str, OneOf("source of images", lambda: registry.names("datasets"))]
BackboneName = Annotated[str, OneOf("backbone", lambda: registry.names("backbones"))]
SchemeName = Annotated[str, OneOf("scheme", lambda: registry.names("schemes"))]
FormatName = Annotated[str, OneOf("converter", lambda: registry.names("converters"))]
MethodName = Annotated[str, OneOf("way of transfer", lambda: registry.names("methods"))]
