"""Labels that an artifact carries inside, where its format has a place for them and reading it is safe and quick."""

from __future__ import annotations

import zipfile
from pathlib import Path

MAX_BYTES = 4_000_000
"""A hundred thousand labels of forty letters."""
_LABELS = "labels.txt"


def read(path: Path, form: str) -> list[str] | None:
    """Read them.

    Args:
        path: file that anyone may have made.
        form: its format.

    Returns:
        In index order; None where the file carries none, or its format keeps them where only its own runtime reads them.

    Raises:
        ValueError: there are some, and they cannot be read.
    """
    if form != "tflite":
        return None
    try:
        with zipfile.ZipFile(path) as archive:  # files packed behind the flatbuffer, as TFLite metadata keeps them
            entry = next((e for e in archive.infolist() if e.filename == _LABELS), None)
            if entry is None:
                return None
            with archive.open(entry) as file:
                data = file.read(MAX_BYTES + 1)
    except zipfile.BadZipFile:
        return None
    except (OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(str(error)) from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES // 10**6} MB")
    return data.decode("utf-8").splitlines()
