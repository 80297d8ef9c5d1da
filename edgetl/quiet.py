"""Import a package that talks while it is imported, without its talk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Send what C and Python write to standard error nowhere; for imports alone, where an error is an exception.

    TensorFlow and coremltools greet with two dozen lines about GPUs, oneDNN and versions that they were not tested with.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
