"""`make web`: onnxruntime-web, the pinned version, out of its npm package into `edgetl/_web/`; held against its digest first.

It runs before anything is installed, so it imports the standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from edgetl.errors import EdgetlError, InputError, MissingDependency

WEB = Path(__file__).resolve().parents[2] / "_web"
"""What `make web` fetches; in a wheel when it was there."""
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files of onnxruntime-web that a page loads: the interface, its glue, the kernels."""
PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""Of the package, as npm states it (`integrity` in tests/clients/package-lock.json); licence MIT."""
_MOST_BYTES = 60_000_000
"""Largest file that is unpacked; the kernels have 14 million."""
_SECONDS = 600


def fetch(goal: Path = WEB) -> Path:
    """Fetch the package with npm and put the files of `RUNTIME` into a folder, all or none.

    Args:
        goal: the folder; replaced.

    Returns:
        The folder.

    Raises:
        MissingDependency: there is no npm.
        InputError: npm could not fetch it, or it is not the package of that digest.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise MissingDependency("npm", "make web", "your system's package manager (it comes with Node.js)")
    with tempfile.TemporaryDirectory(prefix="edgetl-web-") as temporary:
        asked = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", temporary]
        done = subprocess.run(asked, capture_output=True, text=True, cwd=temporary, timeout=_SECONDS)
        packed = list(Path(temporary).glob("*.tgz"))
        if done.returncode or len(packed) != 1:
            raise InputError(f"make web: npm could not fetch {PACKAGE} {VERSION}: {done.stderr.strip()[-500:] or 'no package'}.")
        return unpack(packed[0], goal)


def unpack(package: Path, goal: Path, sha512: str = SHA512) -> Path:
    """Take what a page loads out of the package.

    Args:
        package: npm's archive.
        goal: the folder; replaced.
        sha512: of the archive, base64.

    Returns:
        The folder.

    Raises:
        InputError: another digest, or a file is missing.
    """
    with package.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if found != sha512:
        raise InputError(f"{package.name}: is not {PACKAGE} {VERSION} as published (its sha512 differs); nothing was unpacked.")
    fresh = goal.with_name(f"{goal.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    try:
        with tarfile.open(package, "r:gz") as archive:
            for name in RUNTIME:
                member = archive.getmember(f"package/dist/{name}")
                source = archive.extractfile(member) if member.isreg() and member.size <= _MOST_BYTES else None
                if source is None:
                    raise KeyError(name)
                with source, (fresh / name).open("wb") as sink:
                    shutil.copyfileobj(source, sink)
        (fresh / "VERSION").write_text(f"{PACKAGE} {VERSION}, MIT licence\n", encoding="utf-8")
        shutil.rmtree(goal, ignore_errors=True)
        fresh.rename(goal)
    except (KeyError, tarfile.TarError, EOFError) as error:
        raise InputError(f"{package.name}: lacks {error}; this is not the package that is expected.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return goal


if __name__ == "__main__":
    try:
        print(f"{PACKAGE} {VERSION} is in {fetch()}")
    except EdgetlError as error:
        print(f"edgetl: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
