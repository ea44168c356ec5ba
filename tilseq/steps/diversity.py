"""The cells behind counts, diversity, profiles and curves: one job a subject, over all of its receptor samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import repertoire
from tilseq.steps.diversity_figures import draw_diversity
from tilseq.steps.diversity_rows import METHOD_OF_LIMITS, diversity_rows
from tilseq.steps.job import Job, needed
from tilseq.steps.receptor_subjects import by_subject, in_time, subject_job
from tilseq.steps.template_counting import after_counting, miscounted

if TYPE_CHECKING:
    import polars as pl

    from tilseq.endpoints.parameters import Scope
    from tilseq.repertoire.observed import Observed
    from tilseq.study import Study

STEP = "diversity"
OVER = "subject"
SPECTRA = "spectra"
POINTS = 24  # of a curve


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a receptor sample."""
    subjects = by_subject(study)
    return after_counting(subjects, [subject_job(STEP, subject, needs) for subject, needs in subjects.items()])


def run(job: Job, folder: Path) -> None:
    """Write the cells behind the subject's samples, their diversity, also at equal cells and coverage, and figures.

    Of B cells, too, the diversity of families and the isotypes, as these rest on the cells.

    Samples stand in the order of their days; one whose own job failed, or left no clonotype, takes no part. A sample of
    few cells, or of unknown ones, has no value at a common depth and does not set it for others: `quality` tells.
    """
    import polars as pl

    from tilseq.io.write import write_frame, write_parquet
    from tilseq.repertoire.diversity import diversity, hill_profile
    from tilseq.repertoire.rarefaction import effective_spectra, rarefaction
    from tilseq.steps.bcr import with_cells
    from tilseq.steps.cells_behind import cells_behind, more_than_replicates
    from tilseq.tables.outputs import ENDPOINTS, QUALITY
    from tilseq.tables.repertoire import DEPTH, DIVERSITY, FAMILIES, HILL_PROFILE, ISOTYPES, MUTATION, RAREFACTION

    samples = sorted(job.arguments["samples"].values(), key=in_time)
    folders = {row["sample"]: need for need, row in job.arguments["samples"].items()}
    read = needed(job, folder, "clonotypes")
    families, sequences = (needed(job, folder, table.name) for table in (FAMILIES, MUTATION))
    present = [row["sample"] for row in samples if folders[row["sample"]] in read]
    clones = {name: pl.read_parquet(read[folders[name]]) for name in present}
    cells = cells_behind(samples, clones, miscounted(job, folder))
    spectra: dict[str, dict[str, Observed]] = {}
    of_sample = {row["sample"]: row for row in samples}
    profiles, curves, indices = [HILL_PROFILE.frame()], [RAREFACTION.frame()], [DIVERSITY.frame()]
    of_isotypes = [ISOTYPES.frame()]
    rows = []
    for name, table in clones.items():
        counts = repertoire.count_of(table)
        known, sure, scope = _behind(cells.filter(sample=name), counts)
        indices.append(diversity(table, sample=name, **sure))
        rows += diversity_rows(of_sample[name], indices[-1], f"key: nucleotide junction; counts: {counts}", scope)
        if (need := folders[name]) in sequences:
            of_b_cells = (pl.read_parquet(of[need]) for of in (families, sequences))
            of_families, found = with_cells(of_sample[name], *of_b_cells, scope=scope, **sure)
            rows += of_families
            of_isotypes.append(found)
        spectra[name] = effective_spectra(table, **known)
        profiles.append(hill_profile(table, sample=name, **known))
        curves.append(rarefaction(table, sample=name, points=POINTS, **known))
    common = at_common_depth(spectra, cells, OVER)
    write_parquet(cells, DEPTH, folder)
    write_parquet(pl.concat(of_isotypes), ISOTYPES, folder)
    write_parquet(pl.concat([*indices, common]), DIVERSITY, folder)
    write_parquet(rows + endpoints(common, of_sample, cells), ENDPOINTS, folder)
    told = [*_left_out(cells, spectra), *_short_of_coverage(common), *_one_library(cells)]
    told += more_than_replicates(samples, clones, cells)
    write_parquet(told, QUALITY, folder)
    write_parquet(pl.concat(profiles), HILL_PROFILE, folder)
    write_parquet(pl.concat(curves), RAREFACTION, folder)
    write_frame(_as_table(spectra, cells), folder / f"{SPECTRA}.parquet")
    draw_diversity(pl.concat(profiles), pl.concat(curves), clones, cells, folder / "figures")


def _behind(cells: pl.DataFrame, counts: str) -> tuple[dict[str, Any], dict[str, Any], Scope | None]:
    """Return what is known of the cells behind a sample, what is without a pair's estimate, and the endpoints' scope.

    Both are arguments of `diversity`. Cells that a pair of samples alone tells serve to hold the two against each
    other. What other libraries tell of how templates are counted, or of cells, changes with them: the scope is then the
    cohort.
    """
    import polars as pl

    known: dict[str, Any] = {
        "count_of": counts,
        "n_effective": dict(cells.select("locus", "n_effective").iter_rows()),
        "counting": dict(cells.select("locus", "counting").iter_rows()),
    }
    without_pair = cells.filter(pl.col("cells_from") != "pair")
    sure = known | {name: dict(without_pair.select("locus", name).iter_rows()) for name in ("n_effective", "cells")}
    return known, sure, "cohort" if counts == "templates" or "replicates" in cells["cells_from"] else None


def at_common_depth(spectra: Mapping[str, Mapping[str, Observed]], cells: pl.DataFrame, over: str) -> pl.DataFrame:
    """Return `diversity` rows at the depth that samples of a locus have in common, where there are two or more.

    Samples whose cells were counted, one by one, and libraries are two groups, each with its own depth: the hundred
    cells of the one would leave little of the thousands of the other.

    Parameters
    ----------
    spectra
        Sample → locus → its counts and effective cells.
    cells
        `sample, locus, cells_from` of each.
    over
        What `over` says of the rows.
    """
    import polars as pl

    from tilseq.repertoire.rarefaction import standardised
    from tilseq.tables.repertoire import DIVERSITY

    source = {tuple(of): told for *of, told in cells.select("sample", "locus", "cells_from").iter_rows()}
    groups: dict[tuple[str, bool], dict[str, dict[str, Observed]]] = {}
    for sample, known in spectra.items():
        for locus, each in known.items():
            if each.n >= repertoire.LEAST_COUNTED and not each.doubt:
                groups.setdefault((locus, source[sample, locus] == "counted"), {})[sample] = {locus: each}
    found = [standardised(group) for group in groups.values() if len(group) > 1]
    return pl.concat([DIVERSITY.frame(), *found]).with_columns(over=pl.lit(over, pl.String))


def endpoints(
    common: pl.DataFrame, of_sample: Mapping[str, Mapping[str, Any]], cells: pl.DataFrame
) -> list[dict[str, Any]]:
    """Return endpoint rows of values at a common depth."""
    from tilseq.endpoints.rows import endpoint

    source = {tuple(of): told for *of, told in cells.select("sample", "locus", "cells_from").iter_rows()}
    rows = []
    for row in common.iter_rows(named=True):
        at = f"{row['depth']:.0f} cells" if row["at_coverage"] is None else f"a coverage of {row['at_coverage']:.4g}"
        told = source[row["sample"], row["locus"]]
        kind = "samples of counted cells" if told == "counted" else "libraries"
        rows.append(
            endpoint(
                of_sample[row["sample"]],
                row["parameter"],
                row["value"],
                qualifiers={"locus": row["locus"], "over": row["over"]},
                lower=row["lower"],
                upper=row["upper"],
                interval_method=METHOD_OF_LIMITS,
                n=row["n"],
                method=f"key: nucleotide junction; at {at}, in reach of all the {row['over']}'s {kind}; cells: {told}",
            )
        )
    return rows


def _left_out(cells: pl.DataFrame, spectra: Mapping[str, Mapping[str, Observed]]) -> list[dict[str, Any]]:
    """Return a note on each sample and locus without values at a common depth; few cells are warned of elsewhere."""
    rows = []
    for row in cells.iter_rows(named=True):
        known = row["n_effective"]
        if known is None:
            reason = f"the cells behind the counts of {row['locus']} are not known, so that none are given"
        elif known < repertoire.LEAST_COUNTED:
            reason = f"{row['locus']} has {known:.0f} effective cells, too few, so that none are given"
        elif doubt := spectra[row["sample"]][row["locus"]].doubt:
            reason = f"clones of {row['locus']} {doubt}; none are given"
        else:
            continue
        told = {"sample": row["sample"], "check": f"values at a common depth, {row['locus']}", "value": known}
        rows.append({**told, "limit": f"at least {repertoire.LEAST_COUNTED}", "verdict": "pass", "reason": reason})
    return rows


def _short_of_coverage(common: pl.DataFrame) -> list[dict[str, Any]]:
    """Return a note on each sample with values at equal cells and none at a coverage in common."""
    import polars as pl

    at_coverage = common.filter(pl.col("at_coverage").is_not_null())
    lacking = common.join(at_coverage, on=["sample", "locus"], how="anti")
    return [
        {
            "sample": sample,
            "check": f"values at a common coverage, {locus}",
            "verdict": "pass",
            "reason": f"its coverage of {locus} is not known to half of it, and none of others, better known, "
            "is in its reach, so that none are given",
        }
        for sample, locus in lacking.select("sample", "locus").unique(maintain_order=True).iter_rows()
    ]


def _one_library(cells: pl.DataFrame) -> list[dict[str, Any]]:
    """Return a warning on each sample whose replicates may be one library sequenced several times."""
    from tilseq.repertoire.depth import one_library

    return [
        {
            "sample": row["sample"],
            "check": f"replicates, {row['locus']}",
            "value": row["cells"],
            "limit": "fewer cells than reads",
            "verdict": "warn",
            "reason": row["reason"],
        }
        for row in one_library(cells).iter_rows(named=True)
    ]


def _as_table(spectra: Mapping[str, Mapping[str, Observed]], cells: pl.DataFrame) -> pl.DataFrame:
    """Return spectra as rows `sample, locus, cells_from, size, clones, effective, counting`: all to compare by."""
    import polars as pl

    numbers = {"size": pl.Int64, "clones": pl.Float64, "effective": pl.Float64}
    schema = {"sample": pl.String, "locus": pl.String, **numbers, "counting": pl.String}
    parts = [pl.DataFrame(schema=schema)] + [
        pl.DataFrame({"size": each.counts.sizes, "clones": each.counts.clones}).select(
            pl.lit(sample).alias("sample"),
            pl.lit(locus).alias("locus"),
            "size",
            "clones",
            pl.lit(float(each.effective)).alias("effective"),
            pl.lit(each.counting, pl.String).alias("counting"),
        )
        for sample, known in spectra.items()
        for locus, each in known.items()
    ]
    source, of = cells.select("sample", "locus", "cells_from"), ["sample", "locus"]
    return pl.concat(parts, how="vertical_relaxed").join(source, on=of, how="left", maintain_order="left")
