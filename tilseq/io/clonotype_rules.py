"""Which rows of a clonotype table are functional clonotypes, why the others are not, and how rows become clonotypes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import TableError
from tilseq.io.clonotype_rows import Rows, distinct, replaced
from tilseq.io.junctions import AMINO_ACIDS
from tilseq.receptors import CLONE, LOCI

SEVERAL_CHAINS = "Multi"
MOST_16 = np.uint16(2**16 - 1)
SECONDARY = "TRUST4 took another chain of this kind for the cell's"
SECOND_CONTIG = "another contig of the same cell and clonotype"
CUT = "the junction is not whole within the read"
GENE_LOCUS = r"\b(TR[ABGD]|IG[HKL])[VJ]"
AMINO_ACIDS_ALONE = "[EFILPQ]"  # letters that are no code of a base, an ambiguous one neither
MOST = 0.5
ORDINARY = 0.01  # of clonotypes of 10x 0.3 to 0.5 % lack an anchor


def with_locus(rows: Rows, table: pl.DataFrame, wanted: str | None) -> pl.DataFrame:
    """Give each row its locus: the file's own word, else that of its genes, else the one wanted."""
    if "locus" not in table.columns or ("locus" in rows.spec.optional and table["locus"].null_count()):
        table = table.with_columns(_locus_of_genes(table).alias("of_genes"))
    if "locus" not in table.columns:
        table = table.rename({"of_genes": "locus"})
    elif "locus" in rows.spec.optional:
        table = table.with_columns(replaced(table["locus"], str.upper))
        if "of_genes" in table.columns:
            table = table.with_columns(locus=pl.coalesce("locus", "of_genes"))
    else:
        table = table.with_columns(replaced(table["locus"], lambda word: None if word == SEVERAL_CHAINS else word))
    if not set(distinct(table["locus"]).drop_nulls()) <= set(LOCI):
        strange = table.filter(~pl.col("locus").is_in(LOCI))
        raise TableError(
            "no such locus",
            file=rows.file,
            row=strange["row"][0],
            column=rows.headers.get("locus"),
            found=strange["locus"][0],
            expected=", ".join(LOCI),
        )
    if wanted is None or "locus" in rows.spec.needed:
        return table
    nameless = pl.col("v_call").is_null() & pl.col("j_call").is_null() & pl.col("locus").is_null()
    return table.with_columns(locus=pl.when(nameless).then(pl.lit(wanted)).otherwise("locus"))


def _loci_of_calls(table: pl.DataFrame) -> pl.DataFrame:
    """Return the locus of a row's V gene, `v`, and of its J gene, `j`."""
    found = {}
    for name in ("v_call", "j_call"):
        calls = table[name].unique()
        known = calls.str.extract(GENE_LOCUS)
        found[name[0]] = table[name].replace_strict(calls, known, return_dtype=pl.String)
    return pl.DataFrame(found)


def _locus_of_genes(table: pl.DataFrame) -> pl.Series:
    """Return the locus of a row's genes, or null where they have none or two."""
    of_v, of_j = pl.col("v"), pl.col("j")
    # V genes such as TRAV29/DV5 serve alpha and delta: their J tells which. Other pairs of two loci are no receptor.
    of_both = (
        pl.when(of_j.is_null() | (of_v == of_j))
        .then(of_v)
        .when(of_v.is_null() | ((of_v == "TRA") & (of_j == "TRD")))
        .then(of_j)
    )
    return _loci_of_calls(table).select(of_both).to_series()


def loci_denied(rows: Rows, kept: pl.DataFrame) -> list[str]:
    """Say how many rows name a locus that a gene denies. V and J of TRA and TRD lie together and serve either."""
    if "locus" not in rows.headers:
        return []
    genes = pl.Series([*rows.genes], dtype=pl.String).str.extract(GENE_LOCUS).drop_nulls()
    if pl.concat([distinct(kept["locus"]), genes]).replace("TRD", "TRA").n_unique() < 2:
        return []
    named = kept["locus"].replace("TRD", "TRA")
    of_v, of_j = ((of.replace("TRD", "TRA") != named).fill_null(False) for of in _loci_of_calls(kept))
    denied = of_v | of_j
    if not denied.any():
        return []
    first, number = kept.row(int(denied.arg_max() or 0), named=True), int(denied.sum())
    name = "1 row names" if number == 1 else f"{number} rows name"
    called = " and ".join(call for call in (first["v_call"], first["j_call"]) if call)
    return [
        f"{name} a locus that is not that of the genes, the first in row {first['row']}, {first['locus']} with "
        f"{called}: the locus named is taken"
    ]


def rule(table: pl.DataFrame, wanted: str | None) -> pl.Expr:
    """Return the first rule that leaves a row out, or null for a row that is kept."""
    tenx = "high_confidence" in table.columns
    rules: dict[str, pl.Expr] = {}
    if "is_cell" in table.columns:
        rules["barcode not called a cell"] = ~pl.col("is_cell").fill_null(not tenx)
    if tenx:
        rules["contig of low confidence"] = ~pl.col("high_confidence").fill_null(False)
    if "productive" in table.columns:  # 10x knows both of every contig; AIRR may leave them open
        rules["not productive"] = ~pl.col("productive").fill_null(not tenx)
    if "secondary" in table.columns:
        rules[SECONDARY] = pl.col("secondary")
    rules["no locus or several"] = pl.col("locus").is_null()
    shifted = pl.col("junction_aa").str.contains("[*_~#]")  # IMGT writes #
    # Some programs leave the last bases of a shifted frame untranslated, and a table may lack their word for it.
    unsaid = pl.col("productive").is_null() if "productive" in table.columns else pl.lit(True)
    shifted |= unsaid & (pl.col("junction").str.len_bytes() % 3 != 0)
    if wanted:
        rules[f"another locus than {wanted}"] = pl.col("locus") != wanted
    if "read" in table.columns:
        # An amino acid that is named, and a read from which its junction cannot be had.
        rules["no amino-acid junction"] = pl.col("junction_aa").is_null()
        rules["stop or frame shift in the junction"] = shifted
        rules[CUT] = pl.col("read").is_not_null() & pl.col("junction").is_null()
    rules["no nucleotide junction"] = pl.col("junction").is_null()
    rules["several junctions in one row"] = pl.col("junction").str.contains("[,;|]")
    rules["no amino-acid junction"] = pl.col("junction_aa").is_null()
    rules["stop or frame shift in the junction"] = shifted
    rules["count of 0"] = pl.col("duplicate_count") == 0
    return pl.coalesce(pl.when(holds).then(pl.lit(name)) for name, holds in rules.items())


def with_rules(table: pl.DataFrame, wanted: str | None) -> pl.DataFrame:
    """Return the table with `rule`, see there. Of rows whose junction is plain only what is no text is looked at."""
    sound = [pl.col("plain"), pl.col("locus").is_not_null(), pl.col("duplicate_count") > 0]
    sound += [pl.col(flag) for flag in ("is_cell", "high_confidence", "productive") if flag in table.columns]
    sound += [~pl.col("secondary")] if "secondary" in table.columns else []
    sound += [pl.col("locus") == wanted] if wanted else []
    doubtful = table.select(~pl.all_horizontal(sound).fill_null(False)).to_series().arg_true()
    rules = table[doubtful].select(rule(table, wanted)).to_series()
    return table.with_columns(rule=pl.repeat(None, table.height, dtype=pl.String, eager=True).scatter(doubtful, rules))


def cells_of(table: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """Leave out further contigs of one cell and clonotype, so that each row kept is one cell of one clonotype.

    Also return the distinct cells of each locus, and what is to be said of cells with several chains.
    """
    again = pl.col("rule").is_null() & ~pl.struct("rule", "barcode", *CLONE).is_first_distinct()
    table = table.with_columns(rule=pl.when(again).then(pl.lit(SECOND_CONTIG)).otherwise("rule"))
    chains = table.filter(pl.col("rule").is_null()).group_by("locus", "barcode").len()
    several = chains.group_by("locus").agg(cells=pl.len(), several=(pl.col("len") > 1).sum()).sort("locus")
    distinct = dict(several.select("locus", "cells").iter_rows())
    return (
        table,
        distinct,
        [
            f"{more} of {cells} cells have more than one {locus} and count once for each"
            for locus, cells, more in several.iter_rows()
            if more
        ],
    )


def cells_alike(cells: pl.Series) -> list[str]:
    """Say how many cells have names that differ in blanks, case or Unicode form alone: a hand may have changed them."""
    names = pl.DataFrame({"name": cells.unique()})
    names = names.with_columns(plain=pl.col("name").str.normalize("NFKC").str.strip_chars().str.to_lowercase())
    twins = names.filter(pl.col("plain").is_duplicated()).sort("plain", "name")
    if twins.is_empty():
        return []
    first, second = map(repr, twins["name"][:2])
    return [
        f"{twins.height} cells have names that differ in blanks, case or Unicode form alone, such as {first} and "
        f"{second}: each counts as a cell of its own"
    ]


def all_differ(words: pl.Series) -> bool:
    """Return whether the hashes of words all differ, so that the words do."""
    hashes = np.sort(words.hash().to_numpy())  # with equal ones beside each other, sooner than polars counts them
    return not (hashes[1:] == hashes[:-1]).any()


def summed(kept: pl.DataFrame) -> pl.DataFrame:
    """Sum rows of one clonotype; its genes are those of most of its count, of equals the first by name.

    Clonotypes stand as their first rows stand in the file. `plain` stays.
    """
    columns = [*CLONE, "junction_aa", "v_call", "j_call", "plain", "duplicate_count", "row"]
    if all_differ(kept["junction"]):
        return kept.select(columns[:-1])
    # Rows of one hash are few, so that sorting and grouping text is for them alone.
    shared = kept["junction"].hash().is_duplicated()
    table = pl.concat([kept.select(columns).filter(~shared), _repeats(kept.filter(shared))])
    return table.sort("row").drop("row")


def in_order(table: pl.DataFrame) -> pl.DataFrame:
    """Return clonotypes by locus, then falling count, then as they stand."""
    several = distinct(table["locus"]).len() > 1
    counts = table["duplicate_count"].to_numpy()
    order = _order(counts, table["locus"] if several else None)
    places = pl.Series(order.astype(np.uint32))
    moved = [name for name in table.columns if name != "duplicate_count" and (name != "locus" or several)]
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:  # columns one after another take less memory
        columns = list(pool.map(lambda name: table[name].rechunk().gather(places), moved))
    return table.with_columns(*columns, duplicate_count=pl.Series(counts[order]))


def _order(counts: NDArray[np.int64], loci: pl.Series | None) -> NDArray[np.intp]:
    """Return the places of rows by locus where there are several, then falling count, then as they stand.

    Numbers of 16 bits are sorted by their digits, in one pass: so are counts but the few that are larger, then loci.
    """
    order = np.argsort(MOST_16 - np.minimum(counts, MOST_16).astype(np.uint16), kind="stable")
    large = order[: np.count_nonzero(counts >= MOST_16)]
    order[: len(large)] = large[np.argsort(-counts[large], kind="stable")]
    if loci is not None:
        numbers = loci.cast(pl.Enum(sorted(LOCI))).to_physical().to_numpy().astype(np.uint16)
        order = order[np.argsort(numbers[order], kind="stable")]
    return order


def _repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row a clonotype of rows that repeat clonotypes."""
    genes, count, first = (
        pl.col("junction_aa", "v_call", "j_call", "plain"),
        pl.col("duplicate_count").sum(),
        pl.col("row").min(),
    )
    variants = rows.group_by(*CLONE, genes).agg(count, first).sort(-pl.col("duplicate_count"), genes, nulls_last=True)
    return variants.group_by(CLONE, maintain_order=True).agg(genes.first(), count, first)


def exclusions(table: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return one row a rule: how many rows it left out and what they counted (cells: distinct barcodes)."""
    left_out = table.filter(pl.col("rule").is_not_null()).group_by("rule")
    if "barcode" in table.columns:
        held = pl.when(pl.col("rule").first() == SECOND_CONTIG).then(0).otherwise(pl.col("barcode").n_unique())
    else:
        held = pl.col("duplicate_count").sum()
    return (
        left_out.agg(rows=pl.len().cast(pl.Int64), counts=held.cast(pl.Float64))
        .sort("rule")
        .select(pl.lit(file).alias("file"), pl.lit(None, pl.Int64).alias("row"), "rule", "rows", "counts")
    )


def sums_told(kept: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """Say how many rows were summed with others, and which loci there are."""
    told = []
    again = kept.height - table.height
    if again:
        rows = "1 row repeats" if again == 1 else f"{again} rows repeat"
        told.append(f"{rows} the locus and junction of another and {'is' if again == 1 else 'are'} summed with it")
    if distinct(table["locus"]).len() > 1:
        loci = table["locus"].value_counts().sort("locus")
        told.append(f"several loci: {', '.join(f'{clones} clonotypes of {locus}' for locus, clones in loci.rows())}")
    return told


def flags(table: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Say how many of the clonotypes kept, those that are not `plain`, have a junction that one should look at.

    First the warnings, then what is ordinary: real tables have up to `ORDINARY` of each kind.
    """
    amino, bases = pl.col("junction_aa"), pl.col("junction")
    odd = table.filter(~pl.col("plain"))
    found = {
        "have a junction without its C or F/W anchor": ~amino.str.contains("^C.*[FW]$"),
        "have a junction with a letter that is no amino acid": amino.str.contains(f"[^{AMINO_ACIDS}]"),
        "have a junction with a letter other than A, C, G, T": bases.str.contains("[^ACGT]"),
    }
    sums = odd.select(holds.sum().alias(flag) for flag, holds in found.items()).row(0, named=True)
    told = {f"{clones} of {table.height} clonotypes {flag}; they are kept": clones for flag, clones in sums.items()}
    many = ORDINARY * table.height
    return [line for line, n in told.items() if n > many], [line for line, n in told.items() if 0 < n <= many]


def refuse_exchanged(table: pl.DataFrame, rows: Rows) -> None:
    """Raise where most junctions have amino acids for nucleotides and the reverse: they would match no other file's."""
    exchanged = pl.col("junction").str.contains(AMINO_ACIDS_ALONE) & ~pl.col("junction_aa").str.contains("[^ACGTN]")
    wrong = table.filter(~pl.col("plain")).filter(exchanged)  # letters of the few alone are looked at
    if wrong.height > MOST * table.height:
        raise TableError(
            f"{wrong.height} of {table.height} nucleotide junctions are amino acids",
            file=rows.file,
            column=rows.headers.get("junction"),
            found=wrong["junction"][0],
            expected="the letters A, C, G, T",
            mend="are the columns of nucleotides and amino acids exchanged?",
        )


def kinds_told(table: pl.DataFrame) -> list[str]:
    """Say where a file holds receptors of T and of B cells."""
    kinds = {locus[:2]: clones for locus, clones in table["locus"].str.head(2).value_counts().sort("locus").rows()}
    if len(kinds) < 2:
        return []
    return [f"receptors of T and of B cells in one file: {kinds['TR']} clonotypes of TR, {kinds['IG']} of IG"]
