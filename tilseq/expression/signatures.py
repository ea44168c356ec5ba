"""Gene sets: the ones that come with the package, and GMT files."""

from __future__ import annotations

from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from tilseq.errors import ReadError

MOST_BYTES = 200 << 20


def load_signatures() -> dict[str, tuple[str, ...]]:
    """Return the bundled gene sets of human T cells: name to gene symbols, in the order of `signatures.tsv`.

    That file gives for each gene the set, the direction (all sets are read upwards), the symbol and the source.
    """
    lines = files("tilseq.expression").joinpath("signatures.tsv").read_text(encoding="utf-8").splitlines()
    sets: dict[str, list[str]] = defaultdict(list)
    for line in lines[1:]:
        name, _direction, gene, _source = line.split("\t")
        sets[name].append(gene)
    return {name: tuple(genes) for name, genes in sets.items()}


def read_gmt(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read gene sets in GMT form: one set a line, name, description and genes parted by tabs.

    A gene listed twice in a set is kept once; empty cells at a line's end are skipped.

    Raises
    ------
    ReadError
        The file is absent, empty or not UTF-8, a line has no gene or no name, or a name stands twice.
    """
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise ReadError("the file is too large", file=path, expected=f"at most {MOST_BYTES} bytes")
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError("the text is not UTF-8", file=path, byte=error.start, mend="is it a GMT file?") from error
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=path) from error
    sets: dict[str, tuple[str, ...]] = {}
    for row, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not line.strip():
            continue
        name, *rest = (cell.strip() for cell in line.split("\t"))
        genes = tuple(dict.fromkeys(gene for gene in rest[1:] if gene))
        if not name or not genes:
            expected = "name, description and at least one gene, parted by tabs"
            raise ReadError("this line is no gene set", file=path, row=row, found=line, expected=expected)
        if name in sets:
            raise ReadError("this gene set stands twice", file=path, row=row, found=name)
        sets[name] = genes
    if not sets:
        raise ReadError("the file holds no gene set", file=path)
    return sets
