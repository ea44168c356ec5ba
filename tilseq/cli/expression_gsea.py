"""`tilseq expression gsea`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tilseq.cli.common import EXIT_SOME_FAILED, Examples, output_table, tell_written, write_result
from tilseq.cli.expression_design import asked, design_of, naming, tell_counts, tell_handling, tell_sexes, where_option
from tilseq.cli.suggestions import ExistingPath

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from tilseq.expression.gsea import TrialEnrichment
    from tilseq.io.gmt import GeneSets

EXAMPLE = """\
with files of yours:
tilseq expression gsea --counts counts.tsv --design design.csv --contrast visit:D28/product -o gsea.csv
tilseq expression gsea --counts sums.h5ad --where cell_type=CD8 --where visit=D28 \\
    --contrast status:infused/not_seen_in_product --gmt axes.gmt --gmt hallmark.gmt -o gsea.csv
tilseq expression gsea --ranks t.rnk --gmt hallmark.gmt -o gsea.csv"""
ALPHA = 0.05
file_given = ExistingPath(dir_okay=False)


class _Sets(NamedTuple):
    """Gene sets, the family of each (the file that it stands in, else axes or hallmark), and the files read."""

    genes: dict[str, tuple[str, ...]]
    families: dict[str, str]
    files: tuple[GeneSets, ...]

    def told_beside(self, genes: Sequence[str]) -> list[str]:
        """Return what a reader should know of the sets beside the genes of the data."""
        from tilseq.gene_symbols import told_of_renamed, told_of_unfound

        told = [sentence for file in self.files for sentence in file.told_beside(genes)]
        return [*told, *told_of_unfound(genes, self.genes), *told_of_renamed(self.genes)]


class _Samples(NamedTuple):
    counts: Path
    design: Path | None
    where: dict[str, list[str]]
    layer: str | None


@click.command("gsea", cls=Examples, example=EXAMPLE)
@click.option("--counts", type=file_given, help="Raw counts, genes × samples: CSV, TSV or featureCounts; or an h5ad.")
@click.option("--design", type=file_given, help="CSV: sample, subject and factors; else obs of an h5ad.")
@click.option(
    "--contrast", "contrasts", multiple=True, metavar="FACTOR:LEVEL/REFERENCE", help="LEVEL less REFERENCE. Repeats."
)
@where_option
@click.option("--layer", help="Layer of an h5ad with the raw counts; else X.")
@click.option("--ranks", type=file_given, help="Genes and their ranks (.rnk) instead of counts.")
@click.option(
    "--gmt", "gmts", multiple=True, type=file_given, help="Gene sets, each file a family; else axes and hallmark."
)
@click.option("--method", type=click.Choice(["sign_flip", "camera", "preranked"]), help="Else sign_flip of counts.")
@click.option(
    "--smallest", type=click.IntRange(min=1), help="Fewest genes of a set; else 15, and 10 of the sets built in."
)
@click.option("--largest", type=click.IntRange(min=1), default=500, show_default=True, help="Most genes of a set.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of what is drawn.")
@output_table
def gsea_command(
    counts: Path | None,
    design: Path | None,
    contrasts: tuple[str, ...],
    where: tuple[str, ...],
    layer: str | None,
    ranks: Path | None,
    gmts: tuple[Path, ...],
    method: str | None,
    output: str,
    smallest: int | None,
    **limits: int,
) -> int:
    """Test gene sets within subjects, in counts of bulk RNA or pseudobulk, or in a ranked list.

    sign_flip is the confirmatory test: genes may be correlated. camera serves where subjects are too few for it.
    preranked, the only test of a ranked list, is for exploration: genes of a set are correlated, and it takes them for
    independent. Sets are tested by how many of their genes are there; q is over all sets of a family in all contrasts.
    """
    from tilseq.expression.set_members import SMALLEST
    from tilseq.expression.signatures import SMALLEST_BUILT_IN
    from tilseq.tables.enrichment import ENRICHMENT

    if (ranks is None) == (counts is None):
        raise click.UsageError("give either --ranks or --counts")
    sets = _sets(gmts)
    limits["smallest"] = smallest or (SMALLEST if gmts else SMALLEST_BUILT_IN)
    if ranks is not None:
        if design is not None or contrasts or where or layer or method not in (None, "preranked"):
            raise click.UsageError("a ranked list has no samples: it goes with --gmt, --smallest, --largest and --seed")
        return _of_ranks(ranks, sets, output, limits)
    if counts is None or not contrasts:
        raise click.UsageError("--counts needs --contrast")
    samples = _Samples(counts, design, asked(where), layer)
    found = _of_counts(samples, contrasts, sets, method or "sign_flip", limits)
    for contrast, sentence in found.told:
        click.echo(f"{contrast}: {sentence}", err=True)
    for contrast, what, name, reason in found.left_out.iter_rows():
        click.echo(f"{contrast}: {what} {name} left out: {reason}", err=True)
    _tell(found.table)
    write_result(found.table, ENRICHMENT, output)
    tell_written(output)
    return EXIT_SOME_FAILED if (found.left_out["what"] == "contrast").any() else 0


def _tell(table: pl.DataFrame) -> None:
    """Say of each contrast how many sets were tested and called, and where subjects are too few to call any."""
    for (contrast,), every in table.group_by("contrast", maintain_order=True):
        rows = every.drop_nulls("p")
        if not rows.height:
            first, reason = every.select("set", "reason").row(0)
            click.echo(f"{contrast}: none of {every.height} sets tested; {first}: {reason}", err=True)
            continue
        subjects, floor, called = rows["subjects"][0], rows["p_floor"].max(), (rows["q"] < ALPHA).sum()
        who = "" if subjects is None else f"{subjects} subjects, "
        only = ", for exploration only" if rows["exploratory"].all() else ""
        click.echo(f"{contrast}: {who}{rows.height} sets tested, {called} with q < {ALPHA:g}{only}", err=True)
        if isinstance(floor, float) and floor > ALPHA:
            told = f"no set can reach {ALPHA:g}, as the least p of so few subjects is {floor:g}: try --method camera"
            click.echo(f"{contrast}: {told}", err=True)


def _sets(paths: tuple[Path, ...]) -> _Sets:
    """Return the sets of some GMT files, or else the built-in ones."""
    from tilseq.errors import ReadError
    from tilseq.expression.signatures import as_signatures, built_in_sets, gene_lists
    from tilseq.io.gmt import read_gmt

    files = {path: read_gmt(path) for path in paths}
    if paths:
        given = [
            (path, path.name.removesuffix(".gmt"), gene_lists(as_signatures(read))) for path, read in files.items()
        ]
    else:
        given = [(Path(), family, read) for family, read in built_in_sets().items()]
    sets: dict[str, tuple[str, ...]] = {}
    families: dict[str, str] = {}
    for path, family, read in given:
        twice = next((name for name in read if name in sets), None)
        if twice is not None:
            raise ReadError(f"this gene set stands in {families[twice]} already", file=path, found=twice)
        sets |= read
        families |= dict.fromkeys(read, family)
    return _Sets(sets, families, tuple(files.values()))


def _of_ranks(path: Path, sets: _Sets, output: str, limits: dict[str, int]) -> int:
    from tilseq.expression.enrichment import one_family
    from tilseq.expression.preranked import preranked
    from tilseq.io.ranks import read_ranks
    from tilseq.tables.enrichment import ENRICHMENT

    ranks = read_ranks(path)
    found = preranked(
        ranks.values,
        ranks.genes,
        sets.genes,
        contrast=path.name.removesuffix(".rnk"),
        **limits,  # type: ignore[arg-type]
    )
    table = one_family([found.table], sets.families)
    for sentence in (*sets.told_beside(ranks.genes), *found.told):
        click.echo(sentence, err=True)
    _tell(table)
    write_result(table, ENRICHMENT, output)
    tell_written(output)
    return 0


def _of_counts(
    given: _Samples,
    contrasts: tuple[str, ...],
    sets: _Sets,
    method: Any,
    limits: dict[str, int],
) -> TrialEnrichment:
    from tilseq.expression.gsea import gsea
    from tilseq.expression.sample_design import chosen_samples, match_samples
    from tilseq.io.count_matrix import read_count_matrix

    matrix = read_count_matrix(given.counts, layer=given.layer)
    tell_counts(given.counts, matrix)
    for sentence in sets.told_beside(matrix.genes):
        click.echo(f"{given.counts.name}: {sentence}", err=True)
    with naming(given.design or given.counts):
        table = match_samples(design_of(given.counts, given.design), matrix.samples)
        tell_sexes(matrix, table)
        rows = chosen_samples(table, given.where)
        found = gsea(
            matrix.counts[rows],
            matrix.genes,
            [matrix.samples[row] for row in rows],
            table[rows],
            contrasts,
            sets.genes,
            method=method,
            families=sets.families,
            **limits,
        )
    tell_handling(table[rows], found.table["contrast"].unique(maintain_order=True))
    return found
