"""What this host is, as far as it changes a timing. Cheap: no package is imported."""

from __future__ import annotations

import functools
import os
import sys


@functools.cache
def host_fingerprint() -> dict[str, str]:
    """CPU model, cores this process may use, and system.

    Returns:
        `cpu`, `cores`, `system`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"cpu": _cpu_model(), "cores": str(cores), "system": f"{sys.platform} {os.uname().machine}"}


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(("model name", "Model", "CPU implementer")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return "unknown"
