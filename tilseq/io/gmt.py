"""Gene sets in GMT files."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from types import MappingProxyType

from tilseq.errors import ReadError, first_few
from tilseq.gene_symbols import ensembl_gene, present_symbol, retired_symbols

MOST_BYTES = 200 << 20
SHOWN = 5


class GeneSets(dict[str, tuple[str, ...]]):
    """Name of each set to its genes.

    Attributes
    ----------
    file
        Name of the file.
    descriptions
        Name of each set to its description.
    """

    file: str = ""
    descriptions: Mapping[str, str] = MappingProxyType({})

    @property
    def told(self) -> tuple[str, ...]:
        """What a reader should know of the file, in sentences, where no data are at hand; see `told_beside`."""
        return self.told_beside(())

    def told_beside(self, genes: Iterable[str]) -> tuple[str, ...]:
        """Return what a reader should know of the file, in sentences.

        Sets are named whose description is a gene: one of the data or of another set of the file, be it by a retired
        symbol or with the sign that a signed set gives it, one that HGNC has renamed, or an Ensembl id. The description
        may have been left out, and the set lack this gene.

        Parameters
        ----------
        genes
            Symbols of the data that the sets are sought in.
        """
        of_sets = (_unsigned(gene) for own in self.values() for gene in own)
        known = {*genes, *map(present_symbol, of_sets), *retired_symbols().values()}
        strange = [f"{name} ({told})" for name, told in self.descriptions.items() if _is_gene(told, known)]
        if not strange:
            return ()
        what = f"a gene stands where the description should, and is not in the set: {first_few(strange, SHOWN)}"
        return (f"{self.file}: {what}; part name and genes by a description, be it empty",)


def _unsigned(gene: str) -> str:
    return gene[:-1] if gene.endswith(("+", "-")) else gene


def _is_gene(word: str, known: Set[str]) -> bool:
    name = _unsigned(word)
    return name in known or present_symbol(name) in known or ensembl_gene(name) is not None


def read_gmt(path: str | Path) -> GeneSets:
    """Read gene sets in GMT form: one set a line, name, description and genes parted by tabs.

    Parameters
    ----------
    path
        A text file in UTF-8.

    Returns
    -------
    GeneSets
        A dict, name of each set to its genes, both in the order of the file. A gene listed twice in a set is kept once;
        empty cells at a line's end are skipped.

    Raises
    ------
    ReadError
        The file is absent, too large, empty or not UTF-8, a line has no gene or no name, or a name stands twice.
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe could wait for ever
            raise ReadError("not a regular file", file=path)
        if status.st_size > MOST_BYTES:
            raise ReadError("the file is too large", file=path, expected=f"at most {MOST_BYTES} bytes")
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError("the text is not UTF-8", file=path, byte=error.start, mend="is it a GMT file?") from error
    except OSError as error:
        raise ReadError(f"cannot be read: {error.strerror or error}", file=path) from error
    sets, descriptions = GeneSets(), {}
    for row, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if not line.strip():
            continue
        name, *rest = (cell.strip() for cell in line.split("\t"))
        genes = tuple(dict.fromkeys(gene for gene in rest[1:] if gene))
        if not name or not genes:
            expected = "name, description and at least one gene, parted by tabs"
            raise ReadError("this line is no gene set", file=path, row=row, found=line, expected=expected)
        if name in sets:
            expected = "a GMT file, a line a set: name, description and all its genes, parted by tabs"
            raise ReadError("this gene set stands twice", file=path, row=row, found=name, expected=expected)
        sets[name], descriptions[name] = genes, rest[0]
    if not sets:
        raise ReadError("the file holds no gene set", file=path)
    sets.file, sets.descriptions = Path(path).name, descriptions
    return sets
