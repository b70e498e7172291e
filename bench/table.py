"""What was measured, as Markdown."""

from dataclasses import dataclass

from bench.measure import Times

UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


@dataclass(frozen=True)
class Row:
    """The times of a case in seconds, by peer, and what was asked for; starts of interpreters come without samples."""

    group: str
    title: str
    threads: int
    times: dict[str, float]
    least_ratio: float | None = None  # how many times less than the reference it has to take
    limit: float | None = None  # or how long, in seconds

    def ratio(self, ours, other):
        """How many times as long a peer takes, or None."""
        if not {ours, other} <= self.times.keys():
            return None
        return self.times.ratio(ours, other) if isinstance(self.times, Times) else self.times[other] / self.times[ours]

    def budget(self, ours, reference):
        """Return the budget as a text, and whether it was kept (None: nothing can be said)."""
        if self.limit is not None:
            return readable(self.limit), self.times[ours] <= self.limit
        if self.least_ratio is not None:
            ratio = self.ratio(ours, reference)
            return f"{self.least_ratio:g}x", None if ratio is None else ratio >= self.least_ratio
        return "", None


class Table:
    """The layout of both tables: the title, a column for each peer beginning with ours, and the budget."""

    def __init__(self, names, width, reference):
        self.ours, *self.others = names
        self.reference = reference
        self.widths = [width] + [max(8, len(name)) for name in names] + [9]

    def line(self, first, *others):
        """Return a line, the first column to the left and the others to the right."""
        cells = [first.ljust(self.widths[0])]
        cells += [text.rjust(width) for text, width in zip(others, self.widths[1:], strict=True)]
        return f"| {' | '.join(cells)} |"

    def head(self):
        """Return the two lines at the top."""
        rule = self.line("-" * self.widths[0], *("-" * (width - 1) + ":" for width in self.widths[1:]))
        return f"{self.line('', self.ours, *self.others, 'budget')}\n{rule}"

    def times(self, row):
        """Return the line with the times of all."""
        texts = [readable(row.times[name]) if name in row.times else "" for name in (self.ours, *self.others)]
        return self.line(row.title, *texts, self.verdict(row))

    def ratios(self, row):
        """Return the line with our time, and how many times that the others take."""
        ratios = [row.ratio(self.ours, name) for name in self.others]
        texts = ["" if ratio is None else times_as_long(ratio) for ratio in ratios]
        return self.line(row.title, readable(row.times[self.ours]), *texts, self.verdict(row))

    def verdict(self, row):
        """Return the budget, and whether it was kept."""
        budget, is_kept = row.budget(self.ours, self.reference)
        return budget + {None: "", True: " ok", False: " NO"}[is_kept]

    def by_size(self, rows, cases):
        """Return a table for each family and number of threads, with a column for each size, as lines.

        Parameters
        ----------
        rows : list of Row
        cases : dict
            The cases by title; those without a size are passed over.
        """
        found = {}
        for row in rows:
            if (case := cases[row.title]).family:
                found.setdefault((case.family, row.threads), {}).setdefault(case.label, {})[case.exponent] = row
        lines = []
        for (family, threads), labels in found.items():
            exponents = sorted({exponent for at in labels.values() for exponent in at})
            lines += ["", f"**{family}**, {counted(threads)}:", ""]
            lines.append(f"| elements | {' | '.join(f'10^{exponent}' for exponent in exponents)} |")
            lines.append(f"| --- |{' ---: |' * len(exponents)}")
            for label, at in labels.items():
                cells = [self.cell(at[exponent]) if exponent in at else "" for exponent in exponents]
                lines.append(f"| {label} | {' | '.join(cells)} |")
        return lines

    def cell(self, row):
        """Return our time, and how many times that the reference takes."""
        ratio = row.ratio(self.ours, self.reference)
        return readable(row.times[self.ours]) + ("" if ratio is None else f", {times_as_long(ratio)}")

    def summary(self, rows):
        """Return the tables of ratios, one for each number of threads, as lines."""
        lines = []
        for threads in dict.fromkeys(row.threads for row in rows):
            lines += [
                "",
                f"{counted(threads).capitalize()}: the time of {self.ours}, and how many times that the others take",
                "",
                self.head(),
            ]
            group = None
            for row in rows:
                if row.threads == threads:
                    if row.group != group:
                        group = row.group
                        lines.append(self.line(f"**{group}**", *("" for _ in self.widths[1:])))
                    lines.append(self.ratios(row))
        return lines


def readable(seconds):
    """Return a time in the unit that suits it, with three digits."""
    unit, scale = next((row for row in UNITS if abs(seconds) >= row[1]), UNITS[-1])
    return f"{three_digits(seconds / scale)} {unit}"


def counted(threads):
    """Return a number of threads in words."""
    return "one thread" if threads == 1 else f"{threads} threads"


def times_as_long(ratio):
    """Return a ratio, with one decimal where it is larger than 1."""
    return f"{ratio:.0f}x" if ratio >= 100 else f"{ratio:.1f}x" if ratio >= 1 else f"{ratio:.2f}x"


def three_digits(x):
    """Return a number with three digits, all those before the point."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"
