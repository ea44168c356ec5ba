"""Bulk receptor libraries of a subject: what was put in, what was counted, and the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.simulate.clones import BETA, Floats
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.design import Design
from tilseq.simulate.plan import Sample
from tilseq.simulate.receptors.families import draw_families
from tilseq.simulate.receptors.recombination import draw_chains
from tilseq.simulate.sequencing import sampling
from tilseq.simulate.sequencing.sampling import FLAVORS, Counts, Flavor
from tilseq.simulate.streams import stream
from tilseq.simulate.subjects import Subject

FAMILIES = 400  # of memory B cells
NAIVE_B_SHARE = {"tumor": 0.05, "blood": 0.70}  # of the B cells; round figures
NAIVE_B_AFTER = 0.93  # in blood that has come back after lymphodepletion: transitional and naive cells first
BCR_PER_TCR = 0.5  # depth of a B-cell library beside that of a T-cell library


@dataclass(frozen=True)
class TcrLibrary:
    """One bulk library of beta chains.

    Attributes
    ----------
    frequencies
        True share of each of the subject's clones among T cells.
    cells, counted
        Cells put in and molecules (or reads) counted, of each of the subject's clones.
    naive_cells
        Cells put in that are of no clone of the subject.
    naive
        Chains of those of them that were counted, with `counted`.
    depth
        Molecules (or reads) counted in all.
    flavor
        How it was made.
    """

    frequencies: Floats
    cells: Counts
    counted: Counts
    naive_cells: int
    naive: pl.DataFrame
    depth: int
    flavor: Flavor

    @property
    def cells_put_in(self) -> int:
        """Cells put in, of all clones."""
        return int(self.cells.sum()) + self.naive_cells

    @property
    def n_effective(self) -> float:
        """Number of cells drawn one by one that would tell a share as well; 0 where nothing was counted."""
        return sampling.n_effective(self.cells_put_in, self.depth, self.flavor) if self.depth else 0.0

    def table(self, clones: pl.DataFrame) -> pl.DataFrame:
        """Return what was counted: v_call, d_call, j_call, junction, junction_aa, `counted`; no junction twice."""
        seen = self.counted > 0
        own = clones.filter(pl.Series(seen)).select(pl.col(f"trb_{name}").alias(name) for name in BETA)
        return _summed(pl.concat([own.with_columns(counted=pl.Series(self.counted[seen])), self.naive]))


def tcr_depth(design: Design, sample: Sample) -> int:
    """Return how many molecules are counted of a bulk TCR library."""
    failed, varying = design.confounders.failed_library, design.confounders.depth_by_visit
    if failed is not None and failed.sample == sample.name:
        return failed.depth
    if varying is None:
        return design.depth
    rng = stream(design.seed, sample.subject, sample.name, "depth")
    return max(1, round(design.depth * float(rng.lognormal(0, varying.log_spread))))


def tcr_library(design: Design, subject: Subject, sample: Sample, *, depth: int | None = None) -> TcrLibrary:
    """Draw the cells of a sample's specimen and sequence them; to the depth of the sample where none is given."""
    depth = tcr_depth(design, sample) if depth is None else depth
    specimen = subject.specimen(sample.specimen, sample.day, sample.lot)
    flavor = FLAVORS[design.flavor]
    rng = stream(design.seed, subject.name, sample.name, "tcr")
    cells = max(1, round(design.depth * design.cells_per_template))
    return draw_library(rng, specimen, cells, depth, flavor)


def draw_library(rng: np.random.Generator, specimen: Specimen, cells: int, depth: int, flavor: Flavor) -> TcrLibrary:
    """Draw T cells of a specimen and sequence their beta chains.

    Parameters
    ----------
    rng
        Random stream of the library.
    specimen
        What there is to draw from.
    cells
        T cells put in.
    depth
        Molecules (or reads) counted.
    flavor
        How the library is made and counted.
    """
    of_clones, naive_cells, counted = _drawn(rng, specimen, cells, depth, flavor)
    naive = counted[len(of_clones) :]
    naive = naive[naive > 0]
    chains = draw_chains(rng, "TRB", len(naive)).select(BETA).with_columns(counted=pl.Series(naive, dtype=pl.Int64))
    return TcrLibrary(
        specimen.frequencies, of_clones, counted[: len(of_clones)], naive_cells, chains, int(counted.sum()), flavor
    )


def draw_counts_of_clones(
    rng: np.random.Generator, specimen: Specimen, cells: int, depth: int, flavor: Flavor
) -> Counts:
    """Return what `draw_library` counts of each clone, then of each naive cell, without drawing their chains."""
    return _drawn(rng, specimen, cells, depth, flavor)[2]


def _drawn(
    rng: np.random.Generator, specimen: Specimen, cells: int, depth: int, flavor: Flavor
) -> tuple[Counts, int, Counts]:
    """Return the cells put in of each clone, the naive ones, and what is counted of each clone and naive cell."""
    frequencies = specimen.frequencies
    drawn = sampling.draw_cells(rng, np.append(frequencies, max(0.0, 1 - frequencies.sum())), cells)
    of_clones, naive_cells = drawn[:-1], int(drawn[-1])
    each = np.concatenate([of_clones, np.ones(naive_cells, dtype=np.int64)])
    library = sampling.sequence(rng, each, depth, flavor)
    return of_clones, naive_cells, library.counted


def hopped(rng: np.random.Generator, into: pl.DataFrame, source: pl.DataFrame, rate: float) -> tuple[pl.DataFrame, int]:
    """Return a library with molecules of another one that were read under its index, and how many they are.

    Parameters
    ----------
    rng
        Random stream.
    into, source
        As `TcrLibrary.table` returns them.
    rate
        Expected share of the source's molecules that arrive.
    """
    arrived = rng.poisson(rate * source["counted"].to_numpy())
    strange = source.with_columns(counted=pl.Series(arrived)).filter(pl.col("counted") > 0)
    return _summed(pl.concat([into, strange])), int(arrived.sum())


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with equal junctions as one, in the order in which they first stand."""
    if rows["junction"].n_unique() == rows.height:
        return rows
    first = [pl.col(name).first() for name in rows.columns if name not in ("junction", "counted")]
    summed = rows.group_by("junction", maintain_order=True).agg(*first, pl.col("counted").sum())
    return summed.select(rows.columns)


def draw_b_cells(design: Design, subject: Subject) -> pl.DataFrame:
    """Return the memory B cells of a subject, as `families.draw_families` does, and each member's share in the tumour.

    `frequency` is the share in blood, `tumor_frequency` that in the tumour, where other families are large.
    """
    rng = stream(design.seed, subject.name, "families")
    members = draw_families(rng, FAMILIES, memory_share=1)
    weight = rng.lognormal(0, 1.5, FAMILIES)[members["family"].to_numpy() - members["family"].min()]
    tumor = members["frequency"].to_numpy() * weight
    return members.with_columns(tumor_frequency=tumor / tumor.sum())


def bcr_library(design: Design, subject: Subject, sample: Sample, members: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Draw B cells and sequence their heavy and light chains, as many molecules of either.

    Returns
    -------
    table
        One row a chain and locus: `locus`, genes, junctions, `c_call`, `family` (null for a naive cell), `cells`,
        `counted`.
    cells
        B cells put in.
    """
    tumor = sample.specimen == "tumor"
    naive_share = NAIVE_B_SHARE["tumor" if tumor else "blood"] if tumor or sample.day < 0 else NAIVE_B_AFTER
    rng = stream(design.seed, subject.name, sample.name, "bcr")
    depth = max(1, round(design.depth * BCR_PER_TCR))
    cells = max(1, round(depth * design.cells_per_template))
    shares = members["tumor_frequency" if tumor else "frequency"].to_numpy()
    drawn = sampling.draw_cells(rng, np.append(shares * (1 - naive_share), naive_share), cells)
    table = pl.concat([members, _naive_b(rng, int(drawn[-1]))], how="diagonal")
    put_in = np.concatenate([drawn[:-1], np.ones(int(drawn[-1]), dtype=np.int64)])
    parts = [
        _chains(table, put_in, sampling.sequence(rng, put_in, depth, FLAVORS[design.flavor]), heavy=heavy)
        for heavy in (True, False)
    ]
    return pl.concat(parts, how="diagonal"), cells


def _naive_b(rng: np.random.Generator, cells: int) -> pl.DataFrame:
    """Return naive B cells, each of its own: unmutated, IgM or IgD."""
    heavy = draw_chains(rng, "IGH", cells)
    kappa = rng.random(cells) < 0.6
    light = {locus: draw_chains(rng, locus, cells) for locus in ("IGK", "IGL")}
    names = ("v_call", "j_call", "junction", "junction_aa")
    return heavy.with_columns(
        pl.Series("c_call", np.where(rng.random(cells) < 0.8, "IGHM", "IGHD"), dtype=pl.String),
        pl.Series("light_locus", np.where(kappa, "IGK", "IGL"), dtype=pl.String),
        *(
            pl.when(pl.Series(kappa)).then(light["IGK"][name]).otherwise(light["IGL"][name]).alias(f"light_{name}")
            for name in names
        ),
    )


def _chains(table: pl.DataFrame, cells: NDArray[np.int64], library: sampling.Library, *, heavy: bool) -> pl.DataFrame:
    """Return the heavy or the light chains that were counted."""
    start = "" if heavy else "light_"
    names = ("v_call", "j_call", "junction", "junction_aa")
    chains = table.select(
        pl.lit("IGH").alias("locus") if heavy else pl.col("light_locus").alias("locus"),
        *(pl.col(start + name).alias(name) for name in names),
        *(["d_call", "c_call"] if heavy else []),
        "family",
    )
    return chains.with_columns(cells=pl.Series(cells), counted=pl.Series(library.counted)).filter(pl.col("counted") > 0)
