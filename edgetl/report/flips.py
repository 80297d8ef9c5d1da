"""What a report shows of pairs: a table of the files' drops with their intervals, and the photos whose answer changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

FOLDER = "flips"
SHOWN = 48
"""Most photos on a contact sheet."""
NAMED = 12
"""Most photos that Markdown names for each file; report.json names more."""
_ACROSS, _TILE_PX, _LINE_PX, _GAP_PX = 8, 128, 14, 6
_QUALITY = 88
_COLOURS = {"lost": (200, 40, 40), "won": (30, 140, 60), "other": (130, 130, 130)}
KINDS = {"lost": "right answer lost", "won": "right answer won", "other": "wrong both times"}
"""Kind of a flip → what it says to people."""


def path_of(artifact: dict[str, Any]) -> str:
    """Path of a file's contact sheet relative to the report.

    Args:
        artifact: an entry of the report's `artifacts`.
    """
    return f"{FOLDER}/{artifact['format']}_{artifact['scheme']}.jpg"


def draw_all(report: dict[str, Any], prepared: Path, folder: Path) -> None:
    """Draw a contact sheet for each file that answers otherwise than its checkpoint, from the pixels that both were given.

    Args:
        report: content of report.json.
        prepared: a finished `prepare` step, or what `adopt` wrote in its place.
        folder: of the report.
    """
    from edgetl.preprocess import load_split

    pixels, _ = load_split(prepared, "test")
    for artifact in report["artifacts"]:
        if artifact["flips"]:
            (folder / FOLDER).mkdir(exist_ok=True)
            draw(artifact["flips"], lambda row: pixels[row], folder / path_of(artifact))


def draw(flips: Sequence[dict[str, Any]], pixels: Callable[[int], np.ndarray], path: Path) -> None:
    """Draw a contact sheet of at most `SHOWN` photos, each with the right answer, the checkpoint's and the file's.

    Args:
        flips: see `edgetl.flips.compare`; at least one.
        pixels: row of the test split → prepared photo, uint8 (px, px, 3).
        path: JPEG file to write, whole or not at all.
    """
    from PIL import Image, ImageDraw, ImageFont

    shown = flips[:SHOWN]
    across, down = min(_ACROSS, len(shown)), -(-len(shown) // _ACROSS)
    width, height = _TILE_PX + _GAP_PX, _TILE_PX + 3 * _LINE_PX + _GAP_PX
    sheet = Image.new("RGB", (across * width + _GAP_PX, down * height + _GAP_PX), (255, 255, 255))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for number, flip in enumerate(shown):
        left, top = _GAP_PX + number % _ACROSS * width, _GAP_PX + number // _ACROSS * height
        photo = Image.fromarray(pixels(flip["row"])).resize((_TILE_PX, _TILE_PX), Image.Resampling.BICUBIC)
        sheet.paste(photo, (left, top))
        pen.rectangle((left, top, left + _TILE_PX - 1, top + _TILE_PX - 1), outline=_COLOURS[flip["kind"]], width=3)
        for line, words in enumerate(_caption(flip)):
            place = (left, top + _TILE_PX + line * _LINE_PX)
            pen.text(place, _fitting(words, pen, font), fill=_COLOURS[flip["kind"]] if line == 2 else (0, 0, 0), font=font)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    sheet.save(draft, "JPEG", quality=_QUALITY)
    os.replace(draft, path)


def markdown(report: dict[str, Any]) -> list[str]:
    """Render the section about pairs.

    Args:
        report: content of report.json.

    Returns:
        Lines of Markdown; none when no file was held against the checkpoint.
    """
    told = [artifact for artifact in report["artifacts"] if artifact.get("paired")]
    if not told:
        return []
    lines = [
        "",
        "## Files against the float checkpoint, image by image",
        "",
        "| artifact | drop | 95 % (Tango; exact where none lost or won) | 95 % (bootstrap) | McNemar mid-p "
        "| lost / won / changed | worst class | images to resolve the allowed drop |",
        "|---|---:|---|---|---:|---|---|---:|",
    ]
    for artifact in told:
        lines.append("| " + " | ".join(_escaped(cell) for cell in (_name(artifact), *cells(artifact["paired"]))) + " |")
    for artifact in told:
        flips = artifact["flips"]
        if not flips:
            continue
        changed = artifact["paired"]["changed"]
        lines += ["", f"### {_name(artifact)}: {changed} of {artifact['paired']['n']} images get another answer", ""]
        lines += ["| photo | right | checkpoint | file | |", "|---|---|---|---|---|"]
        for flip in flips[:NAMED]:
            row = (flip["name"], flip["right"], _said(flip["reference"]), _said(flip["candidate"]), KINDS[flip["kind"]])
            lines.append("| " + " | ".join(_escaped(cell) for cell in row) + " |")
        if len(flips) > NAMED:
            lines += ["", f"{len(flips) - NAMED} more are named in report.json."]
        lines += ["", f"![photos that {_name(artifact)} answers otherwise]({path_of(artifact)})"]
    return lines


def cells(found: dict[str, Any]) -> list[str]:
    """Figures of one file as text.

    Args:
        found: see `edgetl.flips.figures`; `images_to_resolve` too, where a drop is allowed.

    Returns:
        Drop, its two intervals, McNemar's mid-p, counts, the worst class, images to resolve the allowed drop ("–": none is
        allowed, or no number of images would do).
    """
    drop, drawn, worst = found["drop"], found["bootstrap"], found["worst_class"]
    needed = found.get("images_to_resolve")
    told = "–"
    if worst is not None:
        seen = f"{worst['name']}: {worst['drop']:+.1%} of {worst['n']}" if worst["drop"] > 0 else "none loses"
        told = f"{seen} ({worst['low'] + 0.0:+.1%} to {worst['high']:+.1%})"
    return [
        f"{drop['value'] + 0.0:+.2%}",
        f"{drop['low'] + 0.0:+.2%} to {drop['high'] + 0.0:+.2%}",
        f"{drawn['low'] + 0.0:+.2%} to {drawn['high'] + 0.0:+.2%}",
        f"{found['mcnemar_p']:.3g}",
        f"{found['lost']} / {found['won']} / {found['changed']}",
        told,
        "–" if needed is None else f"{needed:,}",
    ]


def _name(artifact: dict[str, Any]) -> str:
    return f"{artifact['format']}/{artifact['scheme']}"


def _said(answer: dict[str, Any]) -> str:
    return f"{answer['answer']} ({answer['probability']:.2f})"


def _caption(flip: dict[str, Any]) -> tuple[str, str, str]:
    """Three lines; the probability stands first, where a long name cannot push it out."""
    both = ((who, flip[key]) for who, key in (("float", "reference"), ("file", "candidate")))
    before, after = (f"{who} {answer['probability']:.2f}  {answer['answer']}" for who, answer in both)
    return f"right  {flip['right']}", before, after


def _fitting(words: str, pen: Any, font: Any) -> str:
    """Cut what is wider than a tile; letters that Pillow's own font may lack become question marks."""
    words = words[:200].encode("latin-1", "replace").decode("latin-1")
    while len(words) > 1 and pen.textlength(words, font=font) > _TILE_PX:
        words = words[:-1]
    return words


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
