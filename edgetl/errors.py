"""Every error edgetl raises on purpose, each with the exit code the command line returns for it.

A message is finished English for a human: *where: what. what to do.* Anything else that escapes is a bug (exit 70).
A failed gate is a result, not an error: the command line returns 1 for it and raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class EdgetlError(Exception):
    """Base of all errors that are told to the user without a traceback."""

    exit_code = 4


class InputError(EdgetlError):
    """Something the user gave is wrong: a recipe, a device profile, a photo folder, a name, an option."""

    exit_code = 2

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        """Make the error of one message and, optionally, all the faults found, one line each.

        Args:
            message: what is wrong, in one sentence.
            faults: every fault found, each a finished line that says where.
        """
        self.faults = tuple(faults)
        super().__init__("\n".join([message, *(f"  {fault}" for fault in self.faults)]))


class RecipeError(InputError):
    """A recipe does not hold: all its faults at once."""


class DeviceProfileError(InputError):
    """A device profile does not hold: all its faults at once."""


class DataError(InputError):
    """A set of images cannot be used: all its faults at once."""

    def of(self, section: str) -> DataError:
        """Tell the same as a fault of another section than `data`.

        Args:
            section: of the recipe: "test", "unlabelled".

        Returns:
            A new error.
        """
        return DataError(str(self).splitlines()[0].replace("data.", f"{section}.", 1), self.faults)


_LISTED = {kind: f"edgetl list {kind}s" for kind in ("backbone", "converter", "device", "network", "recipe", "runtime", "scheme")}
"""Kind of name → command that lists them all."""
_MOST = 20
"""Names that a message lists; of more than these, the nearest."""
_NEAREST = 5


class UnknownName(InputError):
    """A name that no plug-in, device or recipe carries."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        """Make the error for `name`, with the nearest known name and all known names.

        Args:
            kind: what was looked for, in the singular: "converter", "device".
            name: the name that was given.
            known: every name that would have been right.
            where: file, line or option the name was read from.
        """
        super().__init__(
            f"{where + ': ' if where else ''}no {kind} named '{name}'. {did_you_mean(name, known, _LISTED.get(kind, ''))}"
        )


class ChannelRefused(InputError):
    """Something an update channel served is not taken; whoever asked keeps what it has."""

    def __init__(self, code: str, message: str) -> None:
        """Make the error.

        Args:
            code: one word for programs, the same in every client: "older-index", "expired" (README, "Update channel").
            message: where: what. what to do.
        """
        self.code = code
        super().__init__(message)


class MissingDependency(EdgetlError):
    """A package that this request needs is not installed."""

    exit_code = 3

    def __init__(self, package: str, needed_by: str, install: str) -> None:
        """Make the error.

        Args:
            package: the distribution that is missing.
            needed_by: what asked for it.
            install: the command that brings it.
        """
        super().__init__(f"{needed_by} needs {package}, which is not installed. Install it with: {install}")


class StageError(EdgetlError):
    """A stage of a run failed; names the stage, the target and what was already done."""

    def __init__(self, stage: str, target: str, why: str, done: Sequence[str] = ()) -> None:
        """Make the error.

        Args:
            stage: name of the stage.
            target: what it worked on ("tflite/fp32"), or "" when it works on the whole recipe.
            why: what went wrong.
            done: stages that had finished and are kept.
        """
        self.stage, self.target, self.why = stage, target, why
        kept = f"\nKept for the next run: {', '.join(done)}." if done else ""
        super().__init__(f"{stage}{' ' + target if target else ''}: {why}{kept}")


class ConversionError(EdgetlError):
    """A converter could not make the file that was asked for, or made another one."""


class VerificationError(EdgetlError):
    """An artifact could not be run to verify it (a bad score is a result, not this)."""


class BenchmarkError(EdgetlError):
    """An artifact could not be timed."""


class DeviceUnreachable(EdgetlError):
    """A device does not answer; says how it was tried and what to check."""

    exit_code = 5


def did_you_mean(name: str, known: Iterable[str], listed: str = "") -> str:
    """Return "Did you mean 'x'? Known: a, b." for a mistyped name.

    Args:
        name: what was typed.
        known: what would have been right.
        listed: command that lists them.

    Returns:
        One or two sentences; without the question when nothing is near. Of many known names only the nearest stand there.
    """
    import difflib

    names = sorted(set(known))
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    listing = f"Known: {', '.join(names)}." if names else "None are known."
    if len(names) > _MOST:
        some = difflib.get_close_matches(str(name), names, n=_NEAREST, cutoff=0.4)
        nearest = f", the nearest {', '.join(some)}" if some else ""
        listing = f"Known: {len(names)} names{nearest}{f'; all of them: `{listed}`' if listed else ''}."
    return f"Did you mean '{near[0]}'? {listing}" if near else listing
