"""Figures as the page holds them: inside the page, as images, so that nothing in them can run."""

from __future__ import annotations

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tilseq.report.results import Results

PARTS = (
    *("flow", "cytokines", "cytokine_plates", "intracellular"),
    *("repertoire", "tracking", "diversity", "expression", "transcriptome"),
    *("clinical", "survival", "safety", "labs", "markers", "study"),
)
SHARP = ("study", "survival", "safety")  # parts whose figures are of the cohort
OF_ALL = ("cytokines/all-levels",)  # drawn by the run, which knows the days of the treatment
OF = {"study": "cohort", "subject": "subject"}  # folder → what its figures are about
# Figures that stand before others of their part, in this order.
FIRST = ("clinical_survival_OS", "clinical_survival_PFS", "clinical_survival_DOR", "clinical_waterfall")
LARGEST_SVG = 300_000  # of a figure of the cohort, which is drawn sharply at any size
MOST_BYTES = 30_000_000
KINDS = {".svg": "image/svg+xml", ".png": "image/png"}


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
    ``<part>:cohort``, as does one of `OF_ALL`; one of no part stands at ``study:cohort``. One in the folder ``subject``
    is about one subject and stands at ``<part>:subject``. Of the cohort's the SVG is taken, or its PNG twin where the
    SVG is large; of the many others, such as gates, whichever is smaller. The page holds a PNG as WebP of the same
    pixels. When it holds `MOST_BYTES` of files the rest is named only.
    """
    keys = [key for part in PARTS for key in (part, *(f"{part}:{about}" for about in OF.values()))]
    found: dict[str, list[Picture]] = {key: [] for key in keys}
    chosen = _chosen(results)
    with ThreadPoolExecutor() as threads:
        sources = list(threads.map(_source, (file for _, _, file in chosen)))
    for (part, path, _), source in zip(chosen, sources, strict=True):
        name = path.relative_to(results.folder / "figures").as_posix()
        caption = results.captions.get(name) or path.stem
        about = path.stem.split("_")[0] if part in OF else part
        key = f"{about if about in PARTS else 'study'}:{OF[part]}" if part in OF else part
        key = f"{part}:{OF['study']}" if _is_of_all(part, path) else key
        found[key].append(Picture(source, caption, f"figures/{name}"))
    return found


def _chosen(results: Results) -> list[tuple[str, Path, Path | None]]:
    """Return the part of each figure, its SVG, and the file that the page shows: None where it has no room left."""
    chosen: list[tuple[str, Path, Path | None]] = []
    left = float(MOST_BYTES)
    for part in (*OF, *PARTS[:-1]):  # the cohort's figures first: they must find room
        for path in sorted(results.figures(part), key=_order):
            file = _smaller(path, LARGEST_SVG if part in SHARP or _is_of_all(part, path) else 0)
            needs = file.stat().st_size * 4 / 3
            fits = needs <= left
            left -= needs if fits else 0
            chosen.append((part, path, file if fits else None))
    return chosen


def _is_of_all(part: str, path: Path) -> bool:
    return f"{part}/{path.stem}" in OF_ALL


def _order(path: Path) -> tuple[int, str]:
    return (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST)), path.stem


def _smaller(path: Path, largest_svg: int) -> Path:
    """Return an SVG, or its PNG twin where the SVG is large and the twin smaller."""
    twin, size = path.with_suffix(".png"), path.stat().st_size
    use_twin = size > largest_svg and twin.is_file() and twin.stat().st_size < size
    return twin if use_twin else path


def _source(file: Path | None) -> str:
    if file is None:
        return ""
    data, kind = file.read_bytes(), KINDS[file.suffix]
    packed = _webp(data) if file.suffix == ".png" else None
    if packed is not None and len(packed) < len(data):
        data, kind = packed, "image/webp"
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _webp(png: bytes) -> bytes | None:
    """Return a PNG as lossless WebP, the same pixels in about three quarters of the bytes.

    None of what is no PNG, or has a side of more than the 16,383 pixels that WebP holds.
    """
    from PIL import Image

    packed = BytesIO()
    try:
        with Image.open(BytesIO(png)) as image:
            image.save(packed, format="webp", lossless=True, method=4, quality=80)
    except (OSError, ValueError):  # a broken or large figure must not cost the report
        return None
    return packed.getvalue()
