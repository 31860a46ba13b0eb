# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart of growth as SVG: both axes logarithmic, so that what grows in proportion is a straight line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 180, 40, 40
COLOURS = ("#b2182b", "#1b7837", "#555555")
HEADER = """\
<!-- Copyright: (c) 2026, the fleetsec.guardduty authors
     GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
     SPDX-License-Identifier: GPL-3.0-or-later -->
"""


@dataclass(frozen=True)
class Line:
    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis: from value to pixel."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = math.log10(value / self.low) / math.log10(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)]


def chart(title: str, lines: Sequence[Line]) -> str:
    """The lines with their points and labels."""
    points = [point for line in lines for point in line.points]
    across = _scale([x for x, _y in points], LEFT, WIDTH - RIGHT)
    up = _scale([y for _x, y in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" '
        'font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="14" fill="#222222">{escape(title)}</text>',
        *(_grid(across(x), HEIGHT - BOTTOM, across(x), TOP, f"{x:,.0f}", "middle", 0, 18) for x in across.decades()),
        *(_grid(LEFT, up(y), WIDTH - RIGHT, up(y), f"{y:,g}", "end", -6, 4) for y in up.decades()),
        *(_line(line, colour, across, up) for line, colour in zip(lines, COLOURS, strict=True) if line.points),
        "</svg>",
    ]
    return HEADER + "\n".join(parts) + "\n"


def _scale(values: Sequence[float], start: float, end: float) -> Scale:
    low, high = 10.0 ** math.floor(math.log10(min(values))), 10.0 ** math.ceil(math.log10(max(values)))
    return Scale(low, high, start, end)


def _grid(x1: float, y1: float, x2: float, y2: float, label: str, anchor: str, dx: float, dy: float) -> str:
    rule = f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#dddddd"/>'
    return f'{rule}<text x="{x1 + dx}" y="{y1 + dy}" text-anchor="{anchor}" fill="#444444">{label}</text>'


def _line(line: Line, colour: str, across: Scale, up: Scale) -> str:
    placed = [(across(x), up(y)) for x, y in line.points]
    drawn = " ".join(f"{x},{y}" for x, y in placed)
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"><title>{size:,.0f}: {value:.2f} s</title></circle>'
        for (x, y), (size, value) in zip(placed, line.points, strict=True)
    )
    x, y = placed[-1]
    return (
        f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
        f'<text x="{x + 8}" y="{y + 4}" fill="{colour}">{escape(line.label)}</text>'
    )
