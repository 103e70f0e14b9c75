"""Curves of growth.py as one SVG: a row a curve, a panel a figure.

    plot.py growth.json growth.svg

Steps stand at equal distances, for most of them are powers; what is measured
begins at zero.  Colours are for light and dark.
"""

import json
import math
import statistics
import sys
from html import escape
from pathlib import Path

PANEL, HIGH = 244, 112         # of what is plotted
LEFT, GAP = 58, 76             # before the first panel, between two
TOP, ROW = 104, 216            # of the first panel, from row to row
WIDTH = LEFT + 3 * PANEL + 2 * GAP + 26
CPU, RATE, P99 = "us", "per_second", "p99_us"
ROOMS = ("edge", "keeper", "courier")
ROWS = {"edges": ("edges, one process each",
                  "Edges. Server and client share both cores"),
        "connections": ("connections, kept alive", "Connections"),
        "receipts": ("receipts in the store before", "Receipts stored"),
        "merchants": ("merchants, payments in turn", "Merchants"),
        "endpoints": ("endpoints that each receipt is delivered to",
                      "Endpoints. A callback is over when all have it")}
STYLE = """
text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto,
       "DejaVu Sans", sans-serif; fill: #59636e }
.title { font-size: 17px; font-weight: 600; fill: #1f2328 }
.row { font-size: 14px; font-weight: 600; fill: #1f2328 }
.name, .value { fill: #1f2328 }
.value { font-size: 10.5px; text-anchor: middle; paint-order: stroke;
         stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round }
.card { fill: #ffffff; stroke: #d1d9e0 }
.grid { stroke: #e3e7eb } .axis { stroke: #818b98 }
.all { stroke: #1f2328; color: #1f2328 }
.edge { stroke: #0969da; color: #0969da }
.keeper { stroke: #bc4c00; color: #bc4c00 }
.courier { stroke: #8250df; color: #8250df; stroke-dasharray: 5 3 }
polyline, .key { fill: none; stroke-width: 1.5 }
polyline.all, .key.all { stroke-width: 2.25 }
.spread { stroke: #9aa4af; stroke-width: 2 }
circle { fill: currentColor; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.title, .row, .name, .value { fill: #e6edf3 }
.value { stroke: #0d1117 }
.card { fill: #0d1117; stroke: #3d444d }
.grid { stroke: #262c34 } .axis { stroke: #656c76 }
.spread { stroke: #6e7681 }
.all { stroke: #e6edf3; color: #e6edf3 }
.edge { stroke: #58a6ff; color: #58a6ff }
.keeper { stroke: #f0883e; color: #f0883e }
.courier { stroke: #bc8cff; color: #bc8cff }
}
"""


def text(x, y, words, kind="", anchor=""):
    return (f'<text x="{x:g}" y="{y:g}"'
            + (f' class="{kind}"' if kind else "")
            + (f' text-anchor="{anchor}"' if anchor else "")
            + f">{escape(words)}</text>")


def line(x1, y1, x2, y2, kind):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'class="{kind}"/>')


def short(value):
    """Three digits, thousands as k and M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return short(value / size) + letter
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ticks(most):
    """From zero in three to five steps of 1, 2 or 5 to above the most."""
    step = 10.0 ** math.floor(math.log10(most))
    for part in (0.2, 0.5, 1, 2):
        if most / (step * part) <= 5:
            step *= part
            break
    return [step * i for i in range(math.ceil(most / step) + 1)]


def aside(points, i):
    """Where a number has to go so that no steep line goes through it."""
    y = points[i][1]
    if i > 0 and y - points[i - 1][1] > HIGH / 6:
        return 13
    if i + 1 < len(points) and y - points[i + 1][1] > HIGH / 6:
        return -13
    return 0


class Panel:
    def __init__(self, left, top, name, unit, steps):
        self.left, self.top, self.steps = left, top, steps
        self.unit = unit
        self.out = [text(left - 8, top - 20, name, "name")]

    def x(self, i):
        return self.left + PANEL * (i + 0.5) / len(self.steps)

    def y(self, value):
        return self.top + HIGH * (1 - value / self.scale)

    def axes(self, most, label):
        marks = ticks(most)
        self.scale = marks[-1]
        for mark in marks:
            self.out += [
                line(self.left, self.y(mark), self.left + PANEL,
                     self.y(mark), "grid" if mark else "axis"),
                text(self.left - 8, self.y(mark) + 4, short(mark),
                     anchor="end")]
        for i, (step, _) in enumerate(self.steps):
            self.out.append(text(self.x(i), self.top + HIGH + 16,
                                 f"{step:,}" if step < 10000 else short(step),
                                 anchor="middle"))
        self.out.append(text(self.left + PANEL / 2, self.top + HIGH + 33,
                             label, anchor="middle"))

    def curve(self, figure, kind, told=False):
        """Medians, joined; told: with numbers, lowest and highest."""
        samples = [[r.get(figure, 0) / self.unit for r in rounds]
                   for _, rounds in self.steps]
        middles = [statistics.median(s) for s in samples]
        points = [(self.x(i), self.y(m)) for i, m in enumerate(middles)]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.out.append(f'<polyline points="{joined}" class="{kind}"/>')
        for i, (x, y) in enumerate(points):
            top = self.y(max(samples[i]))
            if told:
                self.out.append(line(x, self.y(min(samples[i])), x, top,
                                     "spread"))
            self.out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" '
                            f'class="{kind}" r="{3 if told else 2.2}"/>')
            if told:
                # above the bar, but not far from the dot
                self.out.append(text(
                    x + aside(points, i),
                    min(y - 8, top - 4) if y - top < 20 else y - 8,
                    short(middles[i]), "value"))


def panel(column, row, figure, name, unit, steps, label):
    p = Panel(LEFT + column * (PANEL + GAP), TOP + row * ROW + 40,
              name, unit, steps)
    most = max(r[figure] / unit for _, rounds in steps for r in rounds)
    p.axes(most, label)
    if figure == CPU:
        for room in ROOMS:
            of = f"us_of_{room}"
            if max(r.get(of, 0) for _, rounds in steps
                   for r in rounds) > most / 50:
                p.curve(of, room)
    p.curve(figure, "all", told=True)
    return p.out


def legend():
    out, x = [], LEFT - 8
    for kind, words in (("all", "all processes"), *((r, r) for r in ROOMS)):
        out += [line(x, 66, x + 22, 66, f"key {kind}"),
                f'<circle cx="{x + 11}" cy="66" r="2.6" class="{kind}"/>',
                text(x + 28, 70, words, "name")]
        x += 50 + 7 * len(words)
    out.append(text(x + 6, 70, "Dots are medians of rounds that took turns, "
                    "bars go from the lowest to the highest."))
    return out


def drawn(told):
    """The picture of {curve: [[step, [rounds]]]}."""
    high = TOP + len(ROWS) * ROW - 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" '
           f'viewBox="0 0 {WIDTH} {high}" width="{WIDTH}" height="{high}" '
           f'role="img"><title>How the cost of a callback grows</title>',
           f"<style>{STYLE}</style>",
           f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{high - 1}" '
           'rx="8" class="card"/>',
           text(LEFT - 8, 36, "What a durably acknowledged callback costs, "
                "on 2 shared cores", "title"), *legend()]
    for row, (name, (label, words)) in enumerate(ROWS.items()):
        steps = told[name]
        out.append(text(LEFT - 8, TOP + row * ROW, words, "row"))
        for column, (figure, what, unit) in enumerate((
                (CPU, "processor time, microseconds each", 1),
                (RATE, "callbacks a second", 1),
                (P99, "99 of 100 were over within, milliseconds"
                 if name == "endpoints" else
                 "99 of 100 were answered within, milliseconds", 1000))):
            out += panel(column, row, figure, what, unit, steps, label)
    return "\n".join([*out, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(drawn(json.loads(
        Path(sys.argv[1]).read_text())))
