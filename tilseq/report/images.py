"""Figures as the page holds them: inside the page, as images, so that nothing in them can run."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from tilseq.report.results import Results

PARTS = (
    *("flow", "cytokines", "cytokine_plates", "intracellular"),
    *("repertoire", "tracking", "diversity", "expression", "transcriptome"),
    *("clinical", "survival", "safety", "labs", "markers", "study"),
)
SHARP = ("study", "survival", "safety")  # parts whose figures are of the cohort
OF = {"study": "cohort", "subject": "subject"}  # folder → what its figures are about
# Figures that stand before others of their part, in this order.
FIRST = ("clinical_survival_OS", "clinical_survival_PFS", "clinical_survival_DOR", "clinical_waterfall")
LARGEST_SVG = 300_000  # of a figure of the cohort, which is drawn sharply at any size
MOST_BYTES = 30_000_000


@dataclass(frozen=True)
class Picture:
    """One figure: its source, what it shows, and the file it was taken from.

    `source` is empty where the page had no room left; `file` then says where the figure is.
    """

    source: str
    caption: str
    file: str


def pictures(results: Results) -> dict[str, list[Picture]]:
    """Return the figures by part: ``flow``, ``repertoire``, ``tracking``, ``diversity`` and so on.

    A figure whose name starts with ``<part>_`` in the folder ``study`` is about the whole cohort and stands at
    ``<part>:cohort``; one of no part stands at ``study:cohort``. One in the folder ``subject`` is about one subject and
    stands at ``<part>:subject``. Of the cohort's the SVG is taken, or its PNG twin where the SVG is large; of the many
    others, such as gates, whichever is smaller. When the page holds `MOST_BYTES` of figures the rest is named only.
    """
    keys = [key for part in PARTS for key in (part, *(f"{part}:{about}" for about in OF.values()))]
    found: dict[str, list[Picture]] = {key: [] for key in keys}
    left = MOST_BYTES
    for part in (*OF, *PARTS[:-1]):  # the cohort's figures first: they must find room
        for path in sorted(results.figures(part), key=_order):
            name = path.relative_to(results.folder / "figures").as_posix()
            caption = results.captions.get(name) or path.stem
            source = _source(path, left, LARGEST_SVG if part in SHARP else 0)
            left -= len(source)
            about = path.stem.split("_")[0] if part in OF else part
            key = f"{about if about in PARTS else 'study'}:{OF[part]}" if part in OF else part
            found[key].append(Picture(source, caption, f"figures/{name}"))
    return found


def _order(path: Path) -> tuple[int, str]:
    return (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST)), path.stem


def _source(path: Path, left: int, largest_svg: int) -> str:
    twin, size = path.with_suffix(".png"), path.stat().st_size
    use_twin = size > largest_svg and twin.is_file() and twin.stat().st_size < size
    chosen, kind = (twin, "image/png") if use_twin else (path, "image/svg+xml")
    if chosen.stat().st_size * 4 / 3 > left:
        return ""
    return f"data:{kind};base64,{b64encode(chosen.read_bytes()).decode()}"
