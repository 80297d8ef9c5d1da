"""edgetl's int8 files beside what people would make by hand of the same float network: `python -m benchmarks.int8 RECIPE`.

For each seed edgetl runs the recipe (what is in its store is kept); then every peer in `benchmarks/peers` makes its file from the
same float network, in a fresh process of its own. All files are run over the recipe's test split and timed, taking turns. A peer
that cannot run, or fails, is a row with its reason.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import edgetl
from benchmarks import contents, process, sessions, table
from benchmarks.material import Gathered, gather, plain
from benchmarks.peers import _base
from edgetl import packages, registry
from edgetl.errors import EdgetlError
from edgetl.stages._host import host_fingerprint
from edgetl.store import ROOT
from edgetl.types import to_json

REFERENCES = {".tflite": "tflite_float", ".onnx": "tf2onnx_float"}
"""Kind of file → the peer whose float file its time is divided by."""
_PACKAGES = ("tensorflow", "tf_keras", "tensorflow-model-optimization", "tf2onnx", "onnxruntime", "ai-edge-litert", "coremltools")


class Bench:
    """Rows, filled seed by seed."""

    def __init__(self, folder: Path, peers: Sequence[str]) -> None:
        """Start empty.

        Args:
            folder: where files are made.
            peers: names of the peers wanted.
        """
        self.folder, self.peers = folder, peers
        self.ways: dict[str, dict[str, Any]] = {}
        self.float_top1: list[float] = []
        self.n = 0

    def seed(self, number: int, given: Gathered) -> dict[str, Path]:
        """Make and judge everything for one seed.

        Args:
            number: the seed.
            given: what its run left.

        Returns:
            Row → its file, of the files that run here.
        """
        self.n = given.n
        self.float_top1.append(given.reference_correct / given.n)
        files, training = {}, None
        for peer in self.peers:
            if _base.load(peer).TRAINED and _base.load(peer).unavailable() is None and training is None:
                _say(f"seed {number}: stock quantization-aware training")
                folder = self.folder / f"seed_{number}" / "stock_qat"
                training = process.run("benchmarks.tasks:train_stock", {"material": plain(given.material)}, folder)
            run, path = self._by_hand(peer, number, given, training if _base.load(peer).TRAINED else None)
            self._row(peer, "hand", _base.load(peer).TITLE)["runs"].append(run)
            if path is not None:
                files[peer] = path
        for own in given.own:
            name = own.target.name
            run, path = self._own(own, number, given)
            self._row(name, "edgetl", registry.load("converters", own.target.format).TITLE)["runs"].append(run)
            if path is not None:
                files[name] = path
        return files

    def _row(self, name: str, by: str, title: str) -> dict[str, Any]:
        return self.ways.setdefault(name, {"name": name, "by": by, "title": title, "runs": []})

    def _by_hand(
        self, peer: str, number: int, given: Gathered, training: process.Outcome | None
    ) -> tuple[dict[str, Any], Path | None]:
        reason = _base.load(peer).unavailable()
        if training is not None and training.answer is None:
            reason = f"training failed: {training.why}"
        if reason is not None:
            return {"seed": number, "why": reason}, None
        folder = self.folder / f"seed_{number}" / peer
        _say(f"seed {number}: {peer}")
        outcome = process.run(
            "benchmarks.tasks:make_by_hand", {"peer": peer, "material": plain(given.material), "out": str(folder)}, folder
        )
        run, path = self._judged(number, given, outcome, None, floating=peer.endswith("_float"))
        if training is not None:
            run["train_s"] = training.wall_s
        return run, path

    def _own(self, own: Any, number: int, given: Gathered) -> tuple[dict[str, Any], Path | None]:
        if own.path is None:
            return {"seed": number, "why": own.why}, None
        folder = self.folder / f"seed_{number}" / f"own_{own.target.format}_{own.target.scheme}"
        _say(f"seed {number}: edgetl {own.target.name}")
        job = {**to_json(own.job), "out": str(folder / "made")}
        outcome = process.run("benchmarks.tasks:make_own", {"job": job}, folder)
        floating = own.target.scheme in ("fp32", "fp16")
        run, path = self._judged(number, given, outcome, own.path, floating=floating)
        if own.train_s is not None:
            run["train_s"] = own.train_s
        origin = registry.load("converters", own.target.format).ORIGIN.get(own.target.scheme)
        if origin:
            run["notes"] = [*run.get("notes", ()), f"made from {origin}/{own.target.scheme}"]
        return run, path

    def _judged(
        self, number: int, given: Gathered, outcome: process.Outcome, kept: Path | None, *, floating: bool
    ) -> tuple[dict[str, Any], Path | None]:
        """Join what making a file cost with what the file is worth; `kept` is judged instead of the file just made."""
        run: dict[str, Any] = {"seed": number, "wall_s": outcome.wall_s, "peak_mib": outcome.peak_mib}
        if outcome.answer is None:
            return {**run, "why": outcome.why}, None
        seconds = outcome.answer["seconds"]
        run.update(convert_s=seconds["convert"], seconds=seconds)
        path = kept or Path(outcome.answer["path"])
        judged = process.run(
            "benchmarks.tasks:judge",
            {"path": str(path), "material": plain(given.material)},
            self.folder / "judge" / f"{number}_{path.parent.name}",
        )
        if judged.answer is None:
            return {**run, "why": f"made, but does not run: {judged.why}"}, None
        facts = judged.answer
        remark = contents.note(facts, path.suffix, floating=floating)
        run.update(facts, path=str(path), notes=[remark] if remark else [])
        unrunnable = sessions.unrunnable(path)
        if unrunnable:
            run["notes"].append(unrunnable)
            return run, None
        run["top1"] = facts["correct"] / facts["n"]
        run["drop"] = (given.reference_correct - facts["correct"]) / facts["n"]
        return run, path

    def time(self, files: dict[str, Path], given: Gathered, rounds: int, invocations: int) -> str | None:
        """Time all files against each other.

        Args:
            files: from `seed`.
            given: the same seed's.
            rounds: how many.
            invocations: timed inferences of each file in a round.

        Returns:
            Why there are no times; None when there are.
        """
        _say(f"latency: {len(files)} files, {rounds} rounds")
        arguments = {
            "files": {name: str(path) for name, path in files.items()},
            "references": {name: REFERENCES[path.suffix] for name, path in files.items()},
            "material": plain(given.material),
            "rounds": rounds,
            "invocations": invocations,
        }
        outcome = process.run("benchmarks.tasks:time_files", arguments, self.folder / "latency")
        for name, row in (outcome.answer or {}).items():
            self.ways[name]["latency"] = row
        return outcome.why

    def sorted_ways(self) -> list[dict[str, Any]]:
        """Rows by runtime, each runtime's float reference first, then edgetl's files, then the others."""

        def place(way: dict[str, Any]) -> tuple[int, int, str]:
            path = next((run["path"] for run in way["runs"] if run.get("path")), None)
            kinds = list(sessions.RUNTIMES)
            group = kinds.index(Path(path).suffix) if path else len(kinds)
            return group, 0 if way["name"] in REFERENCES.values() else 1 if way["by"] == "edgetl" else 2, way["name"]

        return sorted(self.ways.values(), key=place)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Do everything that the command line asks for.

    Args:
        options: the parsed command line.
        folder: where files are made.

    Returns:
        What `table.text` prints and `--json` keeps.
    """
    wanted = options.peers or _base.names()
    bench = Bench(folder, tuple(dict.fromkeys((*REFERENCES.values(), *wanted))))
    trouble = None
    for number in options.seeds:
        loaded = edgetl.load_recipe(options.recipe, (*options.set, f"seed={number}"))
        _say(f"seed {number}: edgetl runs {loaded.recipe.name} (what is in the store is kept)")
        given = gather(loaded, options.store, folder / f"seed_{number}")
        files = bench.seed(number, given)
        if number == options.seeds[0]:
            trouble = bench.time(files, given, options.rounds, options.invocations)
    return {
        "schema": 1,
        "recipe": options.recipe,
        "set": options.set,
        "seeds": options.seeds,
        "n": bench.n,
        "float_top1": bench.float_top1,
        "host": host_fingerprint(),
        "packages": {name: packages.version(name) for name in (*_PACKAGES, "litert-quantizer")},
        "latency_trouble": trouble,
        "ways": bench.sorted_ways(),
    }


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line.

    Args:
        arguments: what was typed; None = the process's.

    Returns:
        The options.
    """
    known = _base.names()

    def peers(given: str) -> list[str]:
        names = [name for name in given.split(",") if name]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no peer named '{name}'. Known: {', '.join(known)}.")
        return names

    parser = argparse.ArgumentParser(prog="python -m benchmarks.int8", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("recipe", help="a recipe's file, or the name of one that comes with edgetl")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the recipe")
    parser.add_argument("--seeds", type=lambda s: [int(n) for n in s.split(",")], default=[0, 1, 2], metavar="0,1,2")
    parser.add_argument("--store", type=Path, default=ROOT, help="edgetl's store (%(default)s)")
    parser.add_argument("--peers", type=peers, default=[], metavar="A,B", help=f"only these (all: {', '.join(known)})")
    parser.add_argument("--rounds", type=int, default=60, help="of the timing (%(default)s)")
    parser.add_argument("--invocations", type=int, default=10, help="timed inferences of a file in a round (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw values there")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the files that were made there")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, write the raw values.

    Args:
        arguments: command line; None = the process's.

    Returns:
        Exit code: edgetl's own for what it refuses, else 0, also when a peer fails.
    """
    options = parse(arguments)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            result = measure(options, (options.keep or Path(temporary)).resolve())
    except EdgetlError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table.text(result))
    if result["latency_trouble"]:
        print(f"\nNo times: {result['latency_trouble']}")
    return 0


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
