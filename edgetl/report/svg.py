"""What the plots of a report share: a page with axes, drawn as plain SVG that follows the reader's light or dark colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

COLOURS = ("#0369a1", "#c2410c", "#15803d", "#a16207", "#7e22ce", "#be123c", "#0f766e", "#4d7c0f")
"""Told apart on white and on black, and, but for the last three, by most colour-blind readers."""


@dataclass(slots=True, kw_only=True)
class Page:
    """A plot being drawn; places in its own units are turned into pixels by `x` and `y`."""

    title: str
    x: Callable[[float], float]
    y: Callable[[float], float]
    width: int = 640
    height: int = 400
    parts: list[str] = field(default_factory=list)

    def text(self, x_px: float, y_px: float, words: str, anchor: str = "start", turned: bool = False, size_px: int = 12) -> None:
        """Write words at a place in pixels.

        Args:
            x_px: from the left.
            y_px: from the top, of the base line.
            words: any text; escaped.
            anchor: `start`, `middle` or `end`.
            turned: written upwards.
            size_px: height of the letters.
        """
        turn = f' transform="rotate(-90 {x_px:.1f} {y_px:.1f})"' if turned else ""
        place = f'x="{x_px:.1f}" y="{y_px:.1f}" text-anchor="{anchor}" font-size="{size_px}"{turn}'
        self.parts.append(f"<text {place}>{escape(words)}</text>")

    def line(self, points: Sequence[tuple[float, float]], colour: str, width_px: float = 2.0, opacity: float = 1.0) -> None:
        """Draw a line through points.

        Args:
            points: in the plot's units.
            colour: of CSS.
            width_px: of the line.
            opacity: 0 to 1.
        """
        path = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in points)
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width_px}" opacity="{opacity}"/>'
        )

    def dot(self, a: float, b: float, colour: str, radius_px: float = 3.5) -> None:
        """Draw a dot.

        Args:
            a: in units of x.
            b: in units of y.
            colour: of CSS.
            radius_px: of the dot.
        """
        self.parts.append(f'<circle cx="{self.x(a):.1f}" cy="{self.y(b):.1f}" r="{radius_px:.1f}" fill="{colour}"/>')

    def mark(self, a: float, b: float, colour: str, words: str, title: str, radius_px: float, *, hollow: bool = False) -> None:
        """Draw a dot with a letter in it.

        Args:
            a: in units of x.
            b: in units of y.
            colour: of CSS.
            words: one or two letters.
            title: what is shown where a pointer rests on it.
            radius_px: of the dot.
            hollow: drawn as a ring.
        """
        x, y = self.x(a), self.y(b)
        fill = f'class="hollow" fill="white" stroke="{colour}" stroke-width="2"' if hollow else f'fill="{colour}"'
        letter = f'fill="{colour if hollow else "white"}" class="{"hollow" if hollow else "solid"}"'
        self.parts.append(f'<g><title>{escape(title)}</title><circle cx="{x:.1f}" cy="{y:.1f}" r="{radius_px:.1f}" {fill}/>')
        place = f'x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="11" font-weight="700"'
        self.parts.append(f"<text {place} {letter}>{escape(words)}</text></g>")

    def box(self, x_px: float, y_px: float, width_px: float, height_px: float, colour: str, opacity: float = 1.0) -> None:
        """Fill a rectangle at a place in pixels.

        Args:
            x_px: its left.
            y_px: its top.
            width_px: from left to right.
            height_px: from top to bottom.
            colour: of CSS.
            opacity: 0 to 1.
        """
        place = f'x="{x_px:.1f}" y="{y_px:.1f}" width="{width_px:.1f}" height="{height_px:.1f}"'
        self.parts.append(f'<rect {place} fill="{colour}" fill-opacity="{opacity:.3f}"/>')

    def svg(self) -> str:
        """The finished plot."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'font-family="system-ui, sans-serif" fill="currentColor"><title>{escape(self.title)}</title>'
        )
        return "\n".join([head, *self.parts, "</svg>", ""])


MARGIN_PX = (56, 170, 16, 44)
"""Left (labels of y), right (legend), top, bottom (labels of x)."""


def axes(
    title: str,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    x_title: str,
    y_title: str,
    *,
    bend: Callable[[float], float] = float,
    width_px: int = 640,
    right_px: int = MARGIN_PX[1],
) -> Page:
    """Start a plot with axes; both run from their first tick to their last.

    Args:
        title: for those who do not see it.
        x_ticks: (place, label), in ascending order.
        y_ticks: the same.
        x_title: what x is, with its unit.
        y_title: what y is, with its unit; empty where that is said elsewhere.
        bend: scale of x, such as `math.log`.
        width_px: of the whole.
        right_px: margin at the right, where a legend goes.

    Returns:
        The page, with grid lines and labels.
    """
    left, _, top, bottom = MARGIN_PX
    first, last = bend(x_ticks[0][0]), bend(x_ticks[-1][0])
    low, high = y_ticks[0][0], y_ticks[-1][0]
    page = Page(title=title, x=float, y=float, width=width_px)
    page.x = lambda a: left + (bend(a) - first) / ((last - first) or 1.0) * (page.width - left - right_px)
    page.y = lambda b: page.height - bottom - (b - low) / ((high - low) or 1.0) * (page.height - top - bottom)
    for place, label in y_ticks:
        page.line([(x_ticks[0][0], place), (x_ticks[-1][0], place)], "currentColor", 1.0, 0.2)
        page.text(left - 8, page.y(place) + 4, label, "end")
    for place, label in x_ticks:
        page.text(page.x(place), page.height - bottom + 18, label, "middle")
    page.text((left + page.width - right_px) / 2, page.height - 6, x_title, "middle")
    if y_title:
        page.text(14, (top + page.height - bottom) / 2, y_title, "middle", turned=True)
    return page


def legend(page: Page, entries: Sequence[tuple[str, str]]) -> None:
    """Name the colours at the right.

    Args:
        page: made by `axes`.
        entries: (words, colour).
    """
    for number, (words, colour) in enumerate(entries):
        place = MARGIN_PX[2] + 20 + 20 * number
        page.box(page.width - MARGIN_PX[1] + 14, place - 9, 12, 12, colour)
        page.text(page.width - MARGIN_PX[1] + 32, place + 2, words)
