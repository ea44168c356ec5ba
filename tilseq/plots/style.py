"""The house style of all figures, names made safe to draw, and how a figure is written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, "Color universal design" (2008): told apart with any kind of colour vision. Yellow is left out, it is
# too light for a line on white; black comes last, it is the colour of axes and text.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("////", "xxxx", "....")
INK, MUTED, FAINT = "#1b1f24", "#57606a", "#d8dee4"
COLOURS = 256  # of a PNG: a third of the bytes, and no eye sees it in figures of few colours
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
POWER = re.compile(r"\^(-?\d+)")
LONGEST_LABEL = 24
LONGEST_STEM = 80
EVEN = 0.19  # luminance on which white and ink stand out alike: sqrt(1.05 * (ink's + 0.05)) - 0.05

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "savefig.dpi": 150,
    "axes.facecolor": "white",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same glyphs on every machine
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold dollar signs
    "text.usetex": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "svg.hashsalt": "tilseq",  # ids of clip paths and markers are the same in every run
    "svg.fonttype": "path",  # a page shows the SVG as an image, where no font can be counted on
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw everything within the block in the house style; what was set before comes back after it."""
    from cycler import cycler
    from matplotlib import rc_context

    with rc_context({**STYLE, "axes.prop_cycle": cycler(color=PALETTE)}):
        yield


@contextmanager
def figure(width: float = 6.4, height: float = 4.0) -> Iterator[Axes]:
    """Give the empty axes of a new figure, in the house style within the block.

    The figure belongs to nobody but the caller: it is not known to ``matplotlib.pyplot`` and needs no closing.

    Parameters
    ----------
    width, height
        Size in inches.

    Yields
    ------
    Axes
        The only axes of the figure; the figure is ``axes.figure``.
    """
    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        new = Figure(figsize=(width, height))
        FigureCanvasAgg(new)
        yield new.add_subplot()


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write a figure as SVG and PNG of 256 colours; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        Any matplotlib figure.
    folder
        Where to write, made when absent.
    name
        Name without extension; see `file_stem` for what becomes of one that a file system would not take.

    Returns
    -------
    list of Path
        The SVG and the PNG.

    Raises
    ------
    RunError
        The folder cannot be written.
    """
    from tilseq.io.files import write_with

    svg, png = (Path(folder) / f"{file_stem(name)}.{kind}" for kind in ("svg", "png"))
    with house_style(), _laid_out(figure):
        write_with(svg, partial(figure.savefig, format="svg", metadata={"Date": None, "Creator": None}))
        write_with(png, partial(_save_png, figure))
    return [svg, png]


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Find the places of all axes once, as a PNG measures text, and keep them for every format within the block.

    In pixels letters are some 2 % wider than in an SVG: by its measure long labels lost their first letter in the PNG.
    With an engine at work, matplotlib would go through the whole figure once more for each format before it draws it.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    layout, canvas, dpi = figure.get_layout_engine(), figure.canvas, figure.dpi
    if layout is not None:
        FigureCanvasAgg(figure)
        figure.dpi = STYLE["savefig.dpi"]
        layout.execute(figure)
        figure.dpi = dpi
        figure.set_canvas(canvas)
    with rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # none at all, as the settings have none
        yield
    figure.set_layout_engine(layout)


def _save_png(figure: Figure, stream: Any) -> None:
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    own, dpi = figure.canvas, STYLE["savefig.dpi"]
    drawn = FigureCanvasAgg(figure)
    figure.savefig(BytesIO(), format="rgba")
    figure.set_canvas(own)
    pixels = np.asarray(drawn.buffer_rgba())  # type: ignore[no-untyped-call]
    image = Image.fromarray(pixels).convert("RGB")
    few = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(stream, format="png", compress_level=8, dpi=(dpi, dpi))


def file_stem(name: str) -> str:
    """Return a name as a file may bear it: letters, digits, ``.``, ``_``, ``+`` and ``-``, at most 80 characters.

    A name that holds anything else, starts with a dot or is too long is changed and gets the start of its SHA-256, so
    that two names never share a file.
    """
    stem = re.sub(r"[^A-Za-z0-9._+-]+", "_", name)[:LONGEST_STEM]
    if stem == name and name and not name.startswith("."):
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{stem.lstrip('.')[: LONGEST_STEM - len(mark) - 1]}-{mark}"


def visible(text: str) -> str:
    """Return text in which characters that cannot be seen, or that turn the reading direction, show as ``⟨U+200B⟩``.

    Control, format, surrogate, unassigned and private characters and line breaks are replaced; all others stay.
    """
    if text.isascii() and text.isprintable():
        return text
    hidden = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
    return "".join(f"⟨U+{ord(sign):04X}⟩" if unicodedata.category(sign) in hidden else sign for sign in text)


def decimal(value: float, places: int = 2) -> str:
    """Return a number with so many decimals, its minus as long as the axes' own; what rounds to 0 has no sign."""
    text = f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def plain(value: float) -> str:
    """Return a number as a logarithmic axis bears it: 0.1, 500, 20k, 3M."""
    for least, letter in ((1e6, "M"), (1e3, "k")):
        if value >= least:
            return f"{value / least:g}{letter}"
    return f"{value:g}"


def raised(unit: str) -> str:
    """Return a unit with its powers raised.

    >>> raised("10^9/L"), raised("g/L")
    ('10⁹/L', 'g/L')
    """
    return POWER.sub(lambda power: power[1].translate(SUPERSCRIPTS), unit)


def filled(place: int, colours: Sequence[str] = PALETTE) -> dict[str, Any]:
    """Return how the bars of one among many are filled: where the colours begin anew they are hatched otherwise."""
    again, own = divmod(place, len(colours))
    hatched = {"hatch": HATCHES[(again - 1) % len(HATCHES)], "edgecolor": "white", "linewidth": 0}
    return {"color": colours[own], **(hatched if again else {})}


def ink_on(colour: Any) -> str:
    """Return the colour of letters on a colour: white where that is the easier to read (WCAG 2 contrast)."""
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return "white" if luminance < EVEN else INK


def short(name: str, longest: int = LONGEST_LABEL) -> str:
    """Return a name as a figure shows it: visible, and cut in the middle where it is long."""
    name = visible(name)
    if len(name) <= longest:
        return name
    head = longest // 2
    return f"{name[:head]}…{name[-(longest - head - 1) :]}"
