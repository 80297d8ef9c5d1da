"""Debian's Swift 6 for Linux, unpacked into a folder: no root, no chroot, nothing installed. `python swift_toolchain.py FOLDER`.

The packages come from Debian's next release by this computer's own apt, whose lists say where its archive is; a private state
keeps both releases apart. What stands under FOLDER is run by its own loader (see `swiftc.py`). Where it cannot be made, the
reason is printed and the exit status is 0: the tests that need it skip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

RELEASE = "trixie"
"""First release of Debian that has Swift 6."""
NEEDED = re.findall(r"\S+", "libc6-dev libstdc++-14-dev libssl-dev zlib1g-dev libcurl4t64 libxml2 libtinfo6 libzstd1 libedit2")
"""Beside the toolchain: what a program is linked with, and what the compiler and Foundation load. Without gcc and Python."""
_KEPT = re.compile(
    r"usr/libexec/swift/(bin/(swift-frontend|lld)"
    r"|lib/(clang|swift/(linux|shims|apinotes|dispatch|os|Block|CoreFoundation|_\w+|host/libSwift\w+\.so|clang))(/.*)?)"
)
"""Of the toolchain's 2.5 GB: the compiler, the linker, the libraries."""
_DROPPED = re.compile(r"usr/(share|bin|sbin)(/.*)?|(.*/)?(gconv|engines-3|perl-base)(/.*)?|(?!.*/lib(gcc|c_nonshared)\.a).*\.a")
_LEAST_FREE_BYTES = 4_000_000_000


def main(folder: Path) -> str | None:
    """Make the folder; returns why it cannot be made."""
    if shutil.which("swiftc") and sys.platform == "darwin":
        return "this system has a Swift of its own."
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return "it is made of Debian's packages, by apt-get and dpkg-deb."
    folder.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder.parent).free < _LEAST_FREE_BYTES:
        return f"{folder.parent}: needs {_LEAST_FREE_BYTES // 10**9} GB of room."
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="swift.") as scratch:
        try:
            packages = _fetched(Path(scratch))
        except (OSError, subprocess.SubprocessError) as error:
            return str(getattr(error, "stderr", None) or error).strip()
        tree = Path(scratch) / "tree"
        for package in packages:
            _unpack(package, tree)
            package.unlink()
        for name in ("lib", "lib64"):
            (tree / name).symlink_to(f"usr/{name}")  # as Debian has it: scripts of the linker name both
        (tree / "bin").mkdir()
        shutil.copy(Path(__file__).with_name("swiftc.py"), tree / "bin" / "swiftc")
        (tree / "bin" / "swiftc").chmod(0o755)
        tree.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(tree, folder)
    return None


def _run(*command: str, folder: Path | None = None) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=600).stdout


def _archive() -> str:
    """Where this computer's apt finds Debian."""
    for attempt in range(2):
        found = _run(
            "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian"
        ).splitlines()
        if found:
            return found[0]
        if attempt == 0 and os.geteuid() == 0:
            _run("apt-get", "update", "-qq")
    raise OSError("apt knows no archive of Debian; run `apt-get update`.")


def _fetched(scratch: Path) -> list[Path]:
    (scratch / "sources").write_text(f"deb {_archive()} {RELEASE} main\n")
    (scratch / "status").touch()
    places = {"Dir::State": "state", "Dir::State::status": "status", "Dir::Cache": "cache", "Dir::Etc::sourcelist": "sources"}
    apt = ["apt-get", "-qq", "-y"]
    for key, place in places.items():
        apt += ["-o", f"{key}={scratch / place}"]
    for key in ("Dir::Etc::sourceparts", "Dir::Etc::preferences", "Dir::Etc::preferencesparts", "Dir::Etc::main"):
        apt += ["-o", f"{key}=/dev/null"]
    for setting in (
        "APT::Install-Recommends=false", "APT::Sandbox::User=", "APT::Update::Error-Mode=any", "Acquire::Languages=none",
        "Debug::NoLocking=1",
    ):  # fmt: skip
        apt += ["-o", setting]
    for place in ("state/lists/partial", "cache/archives/partial"):
        (scratch / place).mkdir(parents=True)
    _run(*apt, "update")
    _run(*apt, "install", "--download-only", *NEEDED)
    _run(*apt, "download", "swiftlang", "libswiftlang", folder=scratch / "cache" / "archives")
    return sorted((scratch / "cache" / "archives").glob("*.deb"))


def _unpack(package: Path, tree: Path) -> None:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as running:
        with tarfile.open(fileobj=running.stdout, mode="r|") as archive:
            archive.extraction_filter = lambda member, _: member  # of a package that apt has checked
            for member in archive:
                name = member.name.removeprefix("./")
                wanted = _KEPT.fullmatch(name) if "libexec/swift/" in name else not _DROPPED.fullmatch(name)
                if wanted and not member.isdev():
                    archive.extract(member, tree)
    if running.returncode:
        raise OSError(f"{package.name}: cannot be unpacked.")


if __name__ == "__main__":
    if why := main(Path(sys.argv[1]).absolute()):
        print(f"no Swift toolchain was made, so Swift tests skip: {why}")
