"""Plain, aligned output; colour only for a person at a terminal (https://no-color.org)."""
import os
import sys
import textwrap

WIDTH = 96


class Terminal:
    def __init__(self, out=None):
        self.out = out or sys.stdout
        self.colour = self.out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def paint(self, text, *codes):
        return f"\033[{';'.join(codes)}m{text}\033[0m" if self.colour else text

    def bold(self, text):
        return self.paint(text, "1")

    def dim(self, text):
        return self.paint(text, "2")

    def good(self, text):
        return self.paint(text, "32")

    def bad(self, text):
        return self.paint(text, "1", "31")

    def warn(self, text):
        return self.paint(text, "33")

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def wrapped(self, text, indent=1, after=None):
        """A paragraph; `after` is the indent of its further lines."""
        self.line(textwrap.fill(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent if after is None else after)))

    def rule(self):
        self.line(self.dim(" " + "─" * (WIDTH - 1)) if self.colour else " " + "-" * (WIDTH - 1))

    def table(self, header, rows, right=()):
        """Rows of text; a cell may be (text, painter). Columns numbered in `right` are set to the right."""
        plain = [[cell[0] if isinstance(cell, tuple) else cell for cell in row] for row in rows]
        widths = [max(len(line[i]) for line in [header] + plain) for i in range(len(header))]

        def set_in(text, i):
            return text.rjust(widths[i]) if i in right else text.ljust(widths[i])
        self.line(" " + self.bold("  ".join(set_in(text, i) for i, text in enumerate(header)).rstrip()))
        for row, texts in zip(rows, plain):
            cells = []
            for i, text in enumerate(texts):
                painter = row[i][1] if isinstance(row[i], tuple) else None
                cells.append(painter(set_in(text, i)) if painter else set_in(text, i))
            self.line(" " + "  ".join(cells).rstrip())


def seconds(value):
    """1.04 s, or a dash for what is not known."""
    return "-" if value is None else f"{value:.2f} s"
