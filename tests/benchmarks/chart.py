"""How the cost of searches grows, as a chart: a panel for each case, in one measure."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from benchmarks.figures import CONNECTIONS, Results

_COLUMNS = 3
_LINES = (
    ("process", "", "index, in process", "#0b5cad", "-", "o"),
    ("http", f", {CONNECTIONS[0]}", "index, over HTTP", "#4f9fe0", "-", "s"),
    ("oxigraph", "", "SPARQL, Oxigraph", "#b34700", "--", "^"),
    ("virtuoso", "", "SPARQL, Virtuoso", "#7a3e9d", "--", "v"),
)


def draw(results: Results, path: Path) -> None:
    """Draw p95 by the number of entries, the same bytes for the same results."""
    settings: dict[Any, Any] = {
        "svg.hashsalt": "practicegraph",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
    }
    names = results.cases()
    rows = -(-len(names) // _COLUMNS)
    with mpl.rc_context(settings):
        figure, grid = pyplot.subplots(
            rows, _COLUMNS, sharex=True, sharey=True, squeeze=False, layout="constrained"
        )
        figure.set_size_inches(9, 2.6 * rows + 0.6)
        for axes, name in zip(grid.flat, names, strict=False):
            _panel(axes, results, name)
        for axes in grid.flat[len(names) :]:
            axes.set_axis_off()
        lines = {line.get_label(): line for axes in grid.flat for line in axes.get_lines()}
        figure.legend(lines.values(), lines, loc="outside upper center", ncols=4, frameon=False)
        figure.supxlabel("entries")
        figure.supylabel("95 % of the answers take at most, ms")
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def _panel(axes: Axes, results: Results, name: str) -> None:
    axes.set_title(name, fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.minorticks_off()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.9g}")
        axis.set_major_locator(LogLocator(numticks=12))
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    for part, mark, label, colour, style, marker in _LINES:
        points = [
            (count, 1000 * seconds)
            for count in results.counts
            if (seconds := _seconds(results, count, part, name + mark))
        ]
        if points:
            axes.plot(
                *zip(*points, strict=True), style, color=colour, marker=marker, ms=4, label=label
            )
    for count in results.counts:
        found = [results.of(count, part, name + mark) for part, mark, *_ in _LINES]
        if over := max((figures.get("over", 0) for figures in found), default=0):
            axes.annotate(
                f"over {over:g} s",
                (count, 1000 * over),
                (4, 4),
                textcoords="offset points",
                ha="right",
                fontsize=7,
            )


def _seconds(results: Results, count: int, part: str, case: str) -> float | None:
    """Return what 95 % take; where an answer was stopped, after how long."""
    figures = results.of(count, part, case)
    return figures.get("p95") or figures.get("over")
