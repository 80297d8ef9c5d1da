#!/usr/bin/env python3
"""`swiftc` for the toolchain that `swift_toolchain.py` unpacked around this file: the compiler, then the linker.

Both are run by the tree's own loader, and so is what they make, with the tree's C library. Of swiftc's options it takes those
that the tests use: -o, -c, -typecheck, -I, -L, -l, -D, -module-name, -emit-module-path, -swift-version and flags; inputs are
.swift and .o files.
"""

import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
SWIFT = TREE / "usr/libexec/swift"
LINUX = SWIFT / "lib/swift/linux"
VALUED = ("-o", "-I", "-L", "-D", "-module-name", "-emit-module-path", "-swift-version")
LIBRARIES = re.findall(
    r"\S+",
    "swiftSwiftOnoneSupport swift_Concurrency swift_StringProcessing swift_RegexParser Foundation FoundationEssentials "
    "FoundationNetworking FoundationInternationalization swiftDispatch dispatch BlocksRuntime swiftGlibc swiftCore "
    "stdc++ m gcc_s c",
)


def main(arguments: list[str]) -> int:
    """Compile all sources as one module, then link, unless -c or -typecheck says otherwise."""
    options: dict[str, list[str]] = {}
    flags, sources, objects, libraries = [], [], [], []
    rest = iter(arguments)
    for word in rest:
        if word in VALUED:
            options.setdefault(word, []).append(next(rest))
        elif word.startswith("-l"):
            libraries.append(word)
        elif word.startswith("-"):
            flags.append(word)
        else:
            (objects if word.endswith(".o") else sources).append(word)
    out = options.pop("-o", ["main"])[0]
    places = [f"-L{place}" for place in options.pop("-L", [])]
    with tempfile.TemporaryDirectory() as scratch:
        if sources:
            made = Path(out if "-c" in flags else f"{scratch}/main.o")
            how = ["-typecheck"] if "-typecheck" in flags else ["-c", "-o", str(made)]
            said = [text for key, values in options.items() for value in values for text in (key, value)]
            if "-module-name" not in options:
                said += ["-module-name", "main"]
            said += [flag for flag in flags if flag not in ("-c", "-typecheck")]
            around = ("-sdk", TREE, "-resource-dir", SWIFT / "lib/swift")
            code = _run("swift-frontend", "-frontend", *how, "-wmo", *around, *said, *sources)
            if code or {"-c", "-typecheck"} & set(flags):
                return code
            objects.append(str(made))
        return _link(out, objects, places, libraries)


def _link(out: str, objects: list[str], places: list[str], libraries: list[str]) -> int:
    system, gcc = _system(), sorted((TREE / "usr/lib/gcc").glob("*/*"))[-1]
    command = [
        "-o",
        out,
        "-pie",
        "--eh-frame-hdr",
        "--sysroot",
        TREE,
        "--dynamic-linker",
        _loader(),
        "--rpath",
        f"{system}:{LINUX}",
    ]
    command += [system / "Scrt1.o", system / "crti.o", gcc / "crtbeginS.o", LINUX / platform.machine() / "swiftrt.o", *objects]
    command += [*places, f"-L{LINUX}", f"-L{system}", f"-L{gcc}", *libraries, *(f"-l{name}" for name in LIBRARIES)]
    return _run("lld", *command, gcc / "crtendS.o", system / "crtn.o", name="ld.lld")


def _loader() -> Path:
    return next(path for folder in ("lib64", "lib") for path in (TREE / "usr" / folder).glob("ld-linux-*.so.*"))


def _system() -> Path:
    return next((TREE / "usr/lib").glob("*-linux-gnu"))


def _run(program: str, *arguments: object, name: str | None = None) -> int:
    paths = ":".join(map(str, (_system(), LINUX, SWIFT / "lib/swift/host", SWIFT / "lib/swift/host/compiler")))
    command = [_loader(), "--library-path", paths, "--argv0", name or program, SWIFT / "bin" / program, *arguments]
    return subprocess.run([*map(str, command)]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
