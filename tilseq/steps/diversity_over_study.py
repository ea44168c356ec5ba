"""Diversity at a depth that the samples of all subjects have in common: one job a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps import diversity
from tilseq.steps.job import Job, read_needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.repertoire.observed import Observed
    from tilseq.study import Study

STEP = "diversity_over_study"
OVER = "study"


def plan(study: Study) -> list[Job]:
    """Return one job that reads the spectra of all subjects, none where there are fewer than two."""
    jobs = diversity.plan(study)
    if len(jobs) < 2:
        return []
    samples = {row["sample"]: row for job in jobs for row in job.arguments["samples"].values()}
    needs = tuple(job.folder for job in jobs)
    return [Job(step=STEP, unit="all subjects", folder=f"{STEP}/all", needs=needs, arguments={"samples": samples})]


def run(job: Job, folder: Path) -> None:
    """Write what the study's samples would show at equal cells and equal coverage.

    Samples whose cells are told by a pair alone take no part: such an estimate is good enough to hold the two against
    each other, not to set the depth of a study.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS
    from tilseq.tables.repertoire import DIVERSITY

    read = pl.concat(read_needed(job, folder, diversity.SPECTRA).values())
    read = read.filter(pl.col("cells_from") != "pair")
    cells = read.unique(["sample", "locus"])
    common = diversity.at_common_depth(_spectra(read), cells, OVER)
    rows = diversity.endpoints(common, job.arguments["samples"], cells)
    write_parquet(common, DIVERSITY, folder)
    write_parquet(rows, ENDPOINTS, folder)


def _spectra(rows: pl.DataFrame) -> dict[str, dict[str, Observed]]:
    from tilseq.repertoire.observed import Observed
    from tilseq.repertoire.spectrum import Spectrum

    found: dict[str, dict[str, Observed]] = {}
    for (sample, locus), group in rows.group_by("sample", "locus", maintain_order=True):
        sizes, clones = group["size"].to_numpy(), group["clones"].to_numpy()
        counts = Spectrum(sizes, clones, int(sizes @ clones.astype(sizes.dtype)))
        found.setdefault(str(sample), {})[str(locus)] = Observed(counts, group["effective"][0], group["counting"][0])
    return found
