"""A device with Python, reached by the OpenSSH client: one connection that all commands share, files kept there, the runner.

Input: where the device is. Output: commands run there, and the path there of a file of this host.
The user's own ssh configuration holds (host keys, jump hosts, agents); nothing of it is weakened, forwarding is turned off.
Commands are lists until the last moment, when the one string that ssh sends is quoted for the device's shell.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from edgetl.connections._child import LastWords, ending, finish, printable, run
from edgetl.connections._served import RUNNER
from edgetl.errors import BenchmarkError, DeviceUnreachable
from edgetl.schema import Bound, Pattern

KEPT_BYTES = 2 * 2**30
"""Artifacts kept on the device: beyond this the ones used longest ago are removed."""
ANSWER_S = 30.0
BYTES_A_SECOND = 50_000.0
"""Slowest line on which a copy is waited for."""
MAX_ANSWER_BYTES = 2**16
_DEPOT = Path(__file__).with_name("_depot.py")

Host = Annotated[
    str,
    Pattern(
        r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}",
        "a host, user@host, or a Host of your ssh configuration",
    ),
]
HerePath = Annotated[str, Pattern(r"[^-\s\"'%\\][^\"'%\\\x00-\x1f\x7f]{0,1023}", "a path without quotes, '%' and backslashes")]
ThatPath = Annotated[str, Pattern(r"[A-Za-z0-9_./][A-Za-z0-9_./+@-]{0,255}", "a path of letters, digits and any of _./+@-")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the device is, and what it has: the settings of each connection over ssh."""

    PATHS: ClassVar = ("identity", "known_hosts")

    host: Host
    """A name, an address, user@host, or a Host of ssh_config(5)."""
    port: Annotated[int, Bound(ge=1, le=65535)] | None = None
    identity: HerePath | None = None
    """Private key on this host; without it, those that ssh finds."""
    known_hosts: HerePath | None = None
    """File of host keys on this host; without it, the user's own."""
    python: ThatPath = "python3"
    """Python there, 3.9 or newer, that can import the runtime and numpy."""
    folder: ThatPath = ".cache/edgetl"
    """Where files are kept there, relative to the home folder."""
    timeout_s: Annotated[float, Bound(ge=1, le=120)] = 10.0
    """Longest time until the device has answered a call."""

    @property
    def advice(self) -> str:
        """How it was tried and what to check."""
        port = f"-p {self.port} " if self.port else ""
        return f"Tried: ssh {port}{self.host}. Check that this works by hand."


def missing() -> str | None:
    """None, or that this host has no ssh client."""
    return None if shutil.which("ssh") else "ssh is not installed. Install your system's package openssh-client."


class Wire:
    """An open connection. Its end of life on this host ends it there too: the device's side waits on a pipe from here."""

    def __init__(self, place: Place) -> None:
        """Connect.

        Raises:
            DeviceUnreachable: nobody answers, or who answers is not let in or not trusted.
        """
        import tempfile

        if (reason := missing()) is not None:
            raise DeviceUnreachable(f"{place.host}: {reason}")
        self.place = place
        self._sockets = tempfile.mkdtemp(prefix="edgetl-", dir="/tmp")  # a socket's path has room for 100 characters only
        self._main: subprocess.Popen[bytes] | None = None
        try:
            argv = self._ssh("-o", "ControlMaster=yes", "--", place.host, "cat")
            pipe = subprocess.PIPE
            self._main = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
            assert self._main.stderr is not None
            self._said = LastWords(self._main.stderr)
            self._greet()
        except BaseException:
            self.close()
            raise

    def argv(self, command: Sequence[str]) -> list[str]:
        """Return what runs `command` there when run here."""
        return self._ssh("-o", "ControlMaster=no", "--", self.place.host, shlex.join(command))

    def runner(self) -> list[str]:
        """Return what starts the runner there when run here; copies it first where it is not yet there."""
        return self.argv([self.place.python, "-I", self.keep(RUNNER)])

    def ask(self, *words: str, source: Path | None = None, seconds: float | None = None) -> dict[str, Any]:
        """Run a word of `_depot` there.

        Args:
            words: the word and its arguments.
            source: file of this host for its standard input.
            seconds: longest time; None = `ANSWER_S`.

        Returns:
            Its answer.

        Raises:
            DeviceUnreachable: no answer, or nonsense; or Python is not there.
            BenchmarkError: it answers that it cannot.
        """
        seconds = ANSWER_S if seconds is None else seconds
        program = f"exec({_DEPOT.read_text(encoding='utf-8')!r})"
        done = run(self.argv([self.place.python, "-I", "-c", program, *words]), seconds, source)
        if done.code is None:
            raise DeviceUnreachable(f"{self.place.host}: no answer for {seconds:.0f} s. {self.place.advice}")
        try:
            found = json.loads(done.out)
            if not isinstance(found, dict):
                raise ValueError
        except (ValueError, RecursionError) as error:
            where = f"{self.place.host}: {self.place.python} there did not answer as it should (exit {done.code})."
            hint = "Install Python 3.9 or newer there, or name it with 'python' in connections.yaml."
            raise DeviceUnreachable(f"{where} {self.place.advice if done.out else hint}{done.last_words}") from error
        if "error" in found:
            raise BenchmarkError(f"{self.place.host}: {printable(found['error'], 500)}")
        return found

    def keep(self, path: Path) -> str:
        """Make a file, or the folder of an .mlpackage, readable there.

        Args:
            path: on this host.

        Returns:
            Its path there; its name is its sha256, its content was hashed there.

        Raises:
            DeviceUnreachable: the device went away.
            BenchmarkError: it has no room, or spoils what it gets.
        """
        import tempfile

        if path.is_dir():
            with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
                archive = Path(folder) / "package.tar"
                _pack(path, archive)
                self.keep(archive)
                name = _sha256(archive)
                return self._path(self.ask("unpack", self.place.folder, f"{name}.tar", name, f"{name}{path.suffix}"))
        sha256 = _sha256(path)
        name = f"{sha256}{path.suffix}" if path.suffix in (".tflite", ".onnx", ".npy", ".tar", ".py") else sha256
        found = self.ask("find", self.place.folder, name, sha256)
        if found.get("path") is None:
            size = path.stat().st_size
            words = ("put", self.place.folder, name, sha256, str(size), str(KEPT_BYTES))
            found = self.ask(*words, source=path, seconds=ANSWER_S + size / BYTES_A_SECOND)
        return self._path(found)

    def drop(self, there: str) -> None:
        """Remove a file that `keep` returned; a device that is gone is no fault."""
        try:
            self.ask("remove", self.place.folder, there.rpartition("/")[2])
        except (BenchmarkError, DeviceUnreachable):
            return

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        if self._main is not None:
            finish(self._main)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _path(self, found: dict[str, Any]) -> str:
        path = found.get("path")
        if not isinstance(path, str) or path != printable(path, 4096) or not path.startswith("/"):
            said = repr(printable(path, 120))
            raise DeviceUnreachable(f"{self.place.host}: answered {said} where a path was due. {self.place.advice}")
        return path

    def _ssh(self, *rest: str) -> list[str]:
        place = self.place
        argv = ["ssh", "-T", "-x", "-a", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={round(place.timeout_s)}"]
        for option in (
            "ServerAliveInterval=5",
            "ServerAliveCountMax=4",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "ControlPersist=no",
            f"ControlPath={self._sockets}/s",
        ):
            argv += ["-o", option]
        if place.port is not None:
            argv += ["-p", str(place.port)]
        if place.identity is not None:
            argv += ["-o", "IdentitiesOnly=yes", "-i", os.path.expanduser(place.identity)]
        if place.known_hosts is not None:
            argv += ["-o", f'UserKnownHostsFile="{os.path.expanduser(place.known_hosts)}"']
        return [*argv, *rest]

    def _greet(self) -> None:
        """Send a word through `cat` and wait for it: then the connection stands, and nothing else speaks on it."""
        import secrets

        assert self._main is not None and self._main.stdin is not None
        word = secrets.token_hex(16).encode() + b"\n"
        try:
            self._main.stdin.write(word)
            self._main.stdin.flush()
            answer = ending(self._main, self.place.timeout_s + 5, word)
        except BrokenPipeError:
            answer = b""
        if answer == word:
            return
        if answer:
            noise = repr(printable(answer.decode("utf-8", errors="replace"), 60))
            raise DeviceUnreachable(
                f"{self.place.host}: its shell prints {noise} before it runs a command. "
                "Make its start-up files (.bashrc …) print nothing when the shell is not interactive."
            )
        raise DeviceUnreachable(f"{self.place.host}: {_meaning(self._said.text(), self.place)}")


def _meaning(said: str, place: Place) -> str:
    """Say in words what ssh's complaint means, and how to mend it."""
    known = (
        ("Host key verification failed", "its host key is not the known one. Connect once by hand, and compare the keys."),
        ("Permission denied", "it refuses the key. Add your public key to its authorized_keys, or name the key with 'identity'."),
        ("Connection refused", "nothing listens there. Start its ssh server, or set 'port'."),
        ("Could not resolve", "no host of that name is known. Check the name, or give its address."),
        ("No route to host", "no way leads there. Check that it is on and in the same network."),
    )
    silent = f"no answer for {place.timeout_s:.0f} s, or a closed line. Check that it is on, and in the same network."
    return f"{next((meaning for start, meaning in known if start in said), silent)} {place.advice}{said}"


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(folder: Path, archive: Path) -> None:
    """Write the files of a folder as a tar archive that is the same for the same content."""
    import tarfile

    with tarfile.open(archive, "w:", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise BenchmarkError(f"{path}: is neither a file nor a folder; a package holds nothing else.")
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.size = path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(entry, file)


class KeptLink:
    """A link that puts images there for a session, and takes them away when it closes."""

    def __init__(self, place: Place) -> None:
        """Open the wire to a place."""
        self._wire = Wire(place)
        self._arrays: set[str] = set()

    def _put_array(self, path: Path) -> str:
        there = self._wire.keep(path)
        self._arrays.add(there)
        return there

    def close(self) -> None:
        """See `Link.close`."""
        for there in self._arrays:
            self._wire.drop(there)
        self._arrays.clear()
        self._wire.close()
