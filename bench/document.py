"""The documentation's figures and tables: written here, so that a run refreshes them.

A table stands between two lines of Markdown that do not show, ``<!-- bench NAME -->`` and ``<!-- end -->``, NAME being
that of a group. A figure, one of each family of cases, has a small plot of time against size for each function.
"""

import re
from pathlib import Path

from bench.cases import CASES
from bench.table import counted

PAGE = "performance.md"
COLUMNS = 4  # of plots in a figure
COLOURS = {"autograd_c": "tab:blue", "torch": "tab:red", "numpy": "tab:gray"}
STYLES = ("-", "--", ":", "-.")  # by number of threads


def write_section(path, name, lines):
    """Replace what stands between the marks of a section; return whether there are such marks."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- bench {re.escape(name)} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    text, count = pattern.subn(lambda found: found[1] + "\n".join(lines).strip("\n") + found[2], text)
    if count:
        path.write_text(text, encoding="utf-8")
    return count > 0


def draw(rows, folder):
    """Draw a figure for each family of cases, as SVG.

    Parameters
    ----------
    rows : list of Row
        Those whose case has no size are passed over.
    folder : Path

    Returns
    -------
    list of Path
        The files.
    """
    families = {}
    for row in rows:
        if (case := CASES.get(row.title)) and case.family:
            families.setdefault(case.family, {}).setdefault(case.label, []).append((case.size, row))
    files = []
    for family, labels in families.items():
        files.append(Path(folder) / f"kernels-{family}.svg")
        _figure(family, labels, files[-1])
    return files


def _figure(family, labels, path):
    """One family: a plot for each label, a line for each peer and number of threads."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

    columns = min(COLUMNS, len(labels))
    lines = -(-len(labels) // columns)
    # Text stays text, and names do not change from run to run.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": family, "font.size": 9}):
        figure = Figure(figsize=(max(6.4, 3.2 * columns), 2.9 * lines + 0.8), layout="constrained")
        FigureCanvasSVG(figure)
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
        entries = {}
        threads = sorted({row.threads for points in labels.values() for _, row in points})
        for axes, (label, points) in zip(grid.flat, labels.items(), strict=False):
            curves = {}
            for size, row in points:
                for name, seconds in row.times.items():
                    curves.setdefault((name, row.threads), []).append((size, seconds))
            for (name, count), curve in sorted(curves.items(), key=lambda item: list(COLOURS).index(item[0][0])):
                style = STYLES[threads.index(count) % len(STYLES)]
                (line,) = axes.loglog(
                    *zip(*sorted(curve), strict=True), style, marker=".", color=COLOURS[name], linewidth=1.3
                )
                entries[f"{name}, {counted(count)}"] = line
            axes.set_title(label.replace("`", ""), fontsize=10)
            axes.xaxis.set_major_locator(LogLocator(numticks=9))
            axes.yaxis.set_major_locator(LogLocator(numticks=12))
            axes.yaxis.set_major_formatter(EngFormatter("s"))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_locator(NullLocator())
            axes.grid(True, linewidth=0.4, alpha=0.6)
            axes.label_outer()
        for axes in list(grid.flat)[len(labels) :]:
            axes.set_visible(False)
        for axes in list(grid.flat)[: len(labels)][-columns:]:
            # The lowest of its column, which may have an empty place below.
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("elements")
        for axes in grid[:, 0]:
            axes.set_ylabel("time of a call")
        figure.legend(
            entries.values(),
            entries.keys(),
            loc="outside lower center",
            ncols=len(entries) // len(threads),
            frameon=False,
        )
        figure.suptitle(f"{family}: time against size, float64")
        figure.savefig(path, metadata={"Date": None})


def write(folder, description, rows, table, memory):
    """Write what was measured into the documentation.

    Parameters
    ----------
    folder : Path
        Where the page is; the figures go there too.
    description : str
        What the numbers depend on.
    rows : list of Row
    table : Table
        The layout.
    memory : list of str
        The lines of the table of memory, if any.

    Returns
    -------
    list of Path
        The files that were written.
    """
    folder = Path(folder)
    page, is_changed = folder / PAGE, False
    sections = {}
    for group in dict.fromkeys(row.group for row in rows):
        of_group = [row for row in rows if row.group == group]
        has_sizes = any(CASES[row.title].family for row in of_group if row.title in CASES)
        sections[group] = [description, *(table.by_size(of_group, CASES) if has_sizes else table.summary(of_group))]
    if memory:
        sections["memory"] = [description, "", *memory]
    for name, lines in sections.items():
        is_changed |= write_section(page, name, lines)
    return draw(rows, folder) + [page] * is_changed
