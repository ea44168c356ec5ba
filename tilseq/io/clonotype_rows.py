"""Rows of a clonotype table by our names, whatever program wrote it: which dialect it is, and which column is which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tilseq.errors import ReadError, TableError, did_you_mean
from tilseq.io.contig_json import contigs_of
from tilseq.io.dialects import DIALECTS, JSON_STARTS, OF_SAMPLES, Count, Dialect, Headers
from tilseq.io.genes import imgt_calls
from tilseq.io.junctions import cut_junctions, plain_amino_acids, plain_bases, translated
from tilseq.io.text import Delimited, first_character, open_delimited, unquoted
from tilseq.io.trust4_barcodes import chains_of

NO_VALUE = ("", "None", "none", "NA", "Na", "na", "NaN", "nan", "NULL", "null", ".", "no data", "unknown", "unresolved")
PLAIN = {"junction": plain_bases, "junction_aa": plain_amino_acids, "read": plain_bases}
NONE_FURTHER: Mapping[str, Mapping[str, Headers]] = {}


@dataclass(frozen=True)
class Rows:
    """The rows of one file.

    Attributes
    ----------
    file
        The file, as errors name it.
    dialect
        Key of `DIALECTS`.
    table
        `row` (as a spreadsheet numbers it; of JSON the number of the contig, from 1) and the columns that the dialect
        has, by our names: text, `productive`, `is_cell` and `high_confidence` Boolean; what says "no value" is null.
        `plain`: `junction` is of A, C, G, T, three for each letter of `junction_aa`, and that of amino acids between C
        and F or W.
    numbers
        Columns of counts and frequencies, as the file names and writes them.
    headers
        Our column to the file's, for errors.
    names, header_row
        All column names of the file, and the row they stand in.
    genes
        All names that `v_call` and `j_call` hold.
    warnings, notes
        What a reader of the result should know, and what is ordinary and still worth knowing.
    """

    file: str
    dialect: str
    table: pl.DataFrame
    numbers: pl.DataFrame
    headers: Mapping[str, str]
    names: tuple[str, ...]
    header_row: int
    genes: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def spec(self) -> Dialect:
        """Record of the dialect."""
        return DIALECTS[self.dialect]


def read_rows(
    path: str | Path, dialect: str | None, further: Mapping[str, Mapping[str, Headers]] = NONE_FURTHER
) -> Rows:
    """Read the rows of a file whose dialect is given or told by its header; 10x's JSON by its first byte.

    ``further`` names more columns to read where the file has them, as `Dialect.optional`, by dialect.

    Raises
    ------
    ReadError, TableError
        See `tilseq.io.clonotypes.read_clonotypes`.
    """
    if first_character(path) in JSON_STARTS:
        if dialect not in (None, "10x"):
            raise TableError("the file is JSON, which 10x alone writes", file=path, found=dialect, expected="10x")
        table = contigs_of(path)
        return _mapped(Rows(str(path), "10x", table, pl.DataFrame(), {}, (), 0))
    source = open_delimited(path, comment="# ")
    dialect = dialect or _dialect_of(source)
    return _mapped(_delimited(source, dialect, further.get(dialect, {})))


def missing_column(file: str, header_row: int, names: Sequence[str], spec: Dialect, header: str) -> TableError:
    """Return the error for a column that is missing, with the header that may have been mistaken for it."""
    mistaken, why = spec.mistaken.get(header, ("", ""))
    known = {name.lower() for headers in spec.columns.values() for name in headers}
    others = [name for name in names if name.lower() not in known]
    return TableError(
        f"this column of the {spec.name} dialect is missing",
        file=file,
        row=header_row,
        column=header,
        mend=why if mistaken in names else did_you_mean(header, others),
    )


def _dialect_of(source: Delimited) -> str:
    """Return the dialect of a header: of those it has all columns of, the one with the most; else the nearest."""
    told = {key: spec for key, spec in DIALECTS.items() if spec.told}
    missing = {key: spec.lacks(source.names) for key, spec in told.items()}
    near = min(told, key=lambda key: (len(missing[key]) / len(told[key].needed), -len(told[key].needed)))
    if len(missing[near]) * 2 < len(told[near].needed):
        return near
    mend = f"of {near} it lacks {', '.join(missing[near])}"
    if len(missing[near]) == len(told[near].needed):
        mend = "name the columns as AIRR does: v_call, j_call, junction, duplicate_count"
    if all(unquoted(name) != name for name in source.names):
        mend = "write the table without quotes: in files parted by tabs they are plain letters"
    raise ReadError(
        "the header is of no clonotype dialect known",
        file=source.path,
        row=source.header_row,
        found=", ".join(source.names[:8]),
        expected=f"that of {', '.join(told)}",
        mend=mend,
    )


def _columns(source: Delimited, headers: Sequence[str], merged: bool = False) -> list[str]:
    """Return the file's columns that go by one of these headers, in the order of the headers."""
    plain = {name: name.lower().strip() for name in source.names}
    order = [header.lower() for header in headers]
    found = sorted((name for name in plain if plain[name] in order), key=lambda name: order.index(plain[name]))
    if len(found) > 1 and (not merged or len({plain[name] for name in found}) < len(found)):
        raise TableError(
            "one column stands under two names", file=source.path, row=source.header_row, found=", ".join(found)
        )
    return found


def _delimited(source: Delimited, dialect: str, further: Mapping[str, Headers]) -> Rows:
    spec = DIALECTS[dialect]
    wanted = {**spec.columns, **OF_SAMPLES, **further}
    columns = {ours: _columns(source, headers, ours in spec.merged) for ours, headers in wanted.items()}
    for ours, headers in spec.needed.items():
        if not columns[ours]:
            raise missing_column(source.path, source.header_row, source.names, spec, headers[0])
    numbers = [name for count in spec.counts for name in _numbers(source, count)]
    cells = source.cells(list(dict.fromkeys([*(n for names in columns.values() for n in names), *numbers])))
    table = cells.select(
        (pl.int_range(pl.len(), dtype=pl.Int64) + source.header_row + 1).alias("row"),
        *(_first_filled(names).alias(ours) for ours, names in columns.items() if names),
    )
    taken = {ours: names[0] for ours, names in columns.items() if names}
    counted = cells.select(list(dict.fromkeys(numbers)))
    rows = Rows(source.path, dialect, table, counted, taken, source.names, source.header_row)
    rows = replace(rows, table=_words(rows))
    if spec is not DIALECTS["trust4-barcodes"]:
        return rows
    chains = f"{taken['chain1']}, {taken['chain2']}"
    return replace(
        rows,
        table=chains_of(rows.table, source.path, taken),
        headers={**taken, "v_call": chains, "j_call": chains, "sequence_id": chains},
    )


def _numbers(source: Delimited, count: Count) -> list[str]:
    """Return the columns of one count and of its frequency."""
    return [*_columns(source, count.headers), *_columns(source, count.frequency)]


def _first_filled(names: Sequence[str]) -> pl.Expr:
    if len(names) == 1:
        return pl.col(names[0])
    return pl.coalesce(pl.when(~pl.col(name).str.strip_chars().is_in(NO_VALUE)).then(name) for name in names)


def _words(rows: Rows) -> pl.DataFrame:
    """Return the table with true and false read, and nulls where there is no value."""
    table = rows.table
    if "barcode" in table.columns and table["barcode"].null_count():
        empty = table.filter(pl.col("barcode").is_null())["row"][0]
        raise TableError("a cell has no barcode", file=rows.file, row=empty, column=rows.headers["barcode"])
    words = {"productive": rows.spec.productive, "is_cell": DIALECTS["airr"].productive}
    words["high_confidence"] = words["is_cell"]
    for name, known in words.items():
        if name in table.columns:
            table = table.with_columns(_true_or_false(rows, name, known))
    return table


def _true_or_false(rows: Rows, name: str, known: Mapping[str, bool | None]) -> pl.Series:
    words = rows.table[name]
    plain = {word: word.strip().lower() for word in distinct(words).drop_nulls()}
    strange = [word for word, bare in plain.items() if bare not in known and bare not in NO_VALUE]
    if strange:
        first = rows.table.row(int(words.is_in(strange).fill_null(False).arg_max() or 0), named=True)
        raise TableError(
            "this word cannot be read",
            file=rows.file,
            row=first["row"],
            column=rows.headers[name],
            found=first[name],
            expected="true or false" if known is DIALECTS["airr"].productive else ", ".join(known),
        )
    read = {word: known.get(bare) for word, bare in plain.items()}
    if len(read) == 1:
        (one,) = read.values()
        return pl.select(pl.when(words.is_not_null()).then(pl.lit(one, pl.Boolean)).alias(name)).to_series()
    return words.replace_strict(read, default=None, return_dtype=pl.Boolean).alias(name)


def _tidy(text: pl.Series, plain: Callable[[pl.Series], pl.Series]) -> tuple[pl.Series, pl.Series]:
    """Return sequences in upper case, without blanks about them, null where the cell says that there is none.

    Also return which are plain by a function that no word for "no value" passes.
    """
    sound = plain(text)
    if sound.all():
        return text, sound
    odd = (~sound).arg_true()
    bare = text.gather(odd).str.strip_chars()
    bare = pl.select(pl.when(~bare.is_in(NO_VALUE)).then(bare.str.to_uppercase())).to_series()
    return text.clone().scatter(odd, bare), sound.scatter(odd, plain(bare))


def distinct(words: pl.Series) -> pl.Series:
    """Return the distinct words of a column; where it holds but one, as most loci do, in a sixth of the time."""
    if words.len() and not words.ne_missing(words[0]).any():
        return words.head(1)
    return words.unique()


def replaced(words: pl.Series, by: Callable[[str], str | None]) -> pl.Series:
    """Return the words of a column that has few, each replaced."""
    new = {word: by(word) for word in distinct(words).drop_nulls()}
    changed = {word: to for word, to in new.items() if to != word}
    return words.replace(changed) if changed else words


def _tidy_word(word: str) -> str | None:
    return None if word.strip() in NO_VALUE else word.strip()


def _mapped(rows: Rows) -> Rows:
    """Return the rows with IMGT's gene names and whole junctions in upper case."""
    table = rows.table
    notes = []
    text = [name for name in PLAIN if name in table.columns]
    with ThreadPoolExecutor() as pool:
        named = pool.submit(imgt_calls, table.select("v_call", "j_call"), rows.file, rows.headers)
        tidied = list(pool.map(lambda name: _tidy(table[name], PLAIN[name]), text))
    calls, genes, unknown = named.result()
    table = table.with_columns(*calls, *(column for column, _ in tidied))
    plain = dict(zip(text, (sound for _, sound in tidied), strict=True))
    if "locus" in table.columns:
        table = table.with_columns(replaced(table["locus"], _tidy_word))
    if rows.spec.unproductive:
        none = pl.col("junction_aa").str.to_lowercase().is_in(rows.spec.unproductive)
        table = table.with_columns(productive=~none.fill_null(False), junction_aa=pl.when(~none).then("junction_aa"))
    if "read" in table.columns:
        table = cut_junctions(table)
        plain["junction"] = plain_bases(table["junction"])
    if "junction_aa" in rows.spec.optional and "junction_aa" in table.columns and not table["junction_aa"].count():
        table = table.drop("junction_aa")  # AIRR requires the column, which may be blank
    if "junction_aa" not in table.columns:
        table = table.with_columns(translated(table["junction"]).alias("junction_aa"))
        plain["junction_aa"] = plain_amino_acids(table["junction_aa"])
        notes.append("the file has no amino acids: they are translated from the nucleotides")
    codons = pl.col("junction").str.len_bytes() == 3 * pl.col("junction_aa").str.len_bytes()
    table = table.with_columns(plain=plain["junction"] & plain["junction_aa"] & codons)
    return replace(rows, table=table, genes=genes, warnings=tuple(unknown), notes=tuple(notes))
