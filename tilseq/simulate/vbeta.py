"""By which V-betas a laboratory would follow the infused cells of one subject: those of its kit that tell them best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from tilseq.simulate.calendar import BASELINE_DAY
from tilseq.simulate.clones import Floats
from tilseq.simulate.compartments import Specimen
from tilseq.simulate.states import LINEAGES, STATES
from tilseq.simulate.subjects import Subject

# The 24 antibodies of the usual kit (IOTest Beta Mark) with the genes that they know, from the names of Arden and
# others (Immunogenetics 1995;42:455) to those of IMGT. Together they know some 70 % of T cells.
KIT = {
    "Vb1": ("TRBV9",),
    "Vb2": ("TRBV20-1",),
    "Vb3": ("TRBV28",),
    "Vb4": ("TRBV29-1",),
    "Vb5.1": ("TRBV5-1",),
    "Vb5.2": ("TRBV5-6",),
    "Vb5.3": ("TRBV5-5",),
    "Vb7.1": ("TRBV4-1",),
    "Vb7.2": ("TRBV4-3",),
    "Vb8": ("TRBV12-3", "TRBV12-4"),
    "Vb9": ("TRBV3-1",),
    "Vb11": ("TRBV25-1",),
    "Vb12": ("TRBV10-3",),
    "Vb13.1": ("TRBV6-5",),
    "Vb13.2": ("TRBV6-2", "TRBV6-3"),
    "Vb13.6": ("TRBV6-6",),
    "Vb14": ("TRBV27",),
    "Vb16": ("TRBV14",),
    "Vb17": ("TRBV19",),
    "Vb18": ("TRBV18",),
    "Vb20": ("TRBV30",),
    "Vb21.3": ("TRBV11-2",),
    "Vb22": ("TRBV2",),
    "Vb23": ("TRBV13",),
}
POOLED = 3  # antibodies at most that are put into one dye; as many as a tube of the kit holds
KIT_CD3 = 10_000  # CD3+ events of each tube of the kit; round figure
NAIVE = STATES.index("naive")


@dataclass(frozen=True)
class Choice:
    """What a laboratory found with its kit, and by which V-betas it follows the infused cells.

    Attributes
    ----------
    product, baseline
        CD8+ cells with each V-beta of `KIT`, as shares of CD3+ cells counted in the product (its lots by the cells
        infused of each) and in the blood before lymphodepletion.
    antibodies
        The V-betas that it chose.
    """

    product: Floats
    baseline: Floats
    antibodies: tuple[str, ...]

    @property
    def genes(self) -> tuple[str, ...]:
        """The TRBV genes of these V-betas."""
        return tuple(gene for antibody in self.antibodies for gene in KIT[antibody])


def choose(rng: np.random.Generator, subject: Subject) -> Choice:
    """Stain product and baseline with the kit, and choose by what was counted.

    Parameters
    ----------
    rng
        Random stream of the counts.
    subject
        Whose product and blood.
    """
    weights = np.array(list(subject.lots.values())) / sum(subject.lots.values())
    lots = [subject.specimen("infusion_product", 0, lot) for lot in subject.lots]
    product = weights @ np.stack([_counted(rng, lot, subject.clones) for lot in lots])
    baseline = _counted(rng, subject.blood(BASELINE_DAY), subject.clones)
    return Choice(product, baseline, tuple(list(KIT)[place] for place in standing_out(product, baseline)))


def standing_out(product: Floats, baseline: Floats) -> tuple[int, ...]:
    """Return the places of the V-betas, up to `POOLED`, of which the product together holds most above the baseline.

    The difference is taken in units of what such shares vary by from specimen to specimen, which goes with the square
    root of the share: a V-beta is wanted that is common in the product and rare before.
    """
    pools = (pool for size in range(1, POOLED + 1) for pool in combinations(range(len(product)), size))

    def difference(pool: tuple[int, ...]) -> float:
        infused, before = (sum(float(shares[place]) for place in pool) for shares in (product, baseline))
        return (infused - before) / math.sqrt(infused + before) if infused + before else 0.0

    return max(pools, key=difference)


def carried(specimen: Specimen, clones: pl.DataFrame, genes: Sequence[str]) -> dict[str, tuple[Floats, Floats]]:
    """Return, by lineage, the T cells of each state and those of them whose receptor has one of some TRBV genes.

    Both are numbers of cells, shape (states,). Naive cells, which are of no clone, use genes as often as the subject's
    clones do, each counted once.
    """
    every = specimen.infused + specimen.endogenous
    carries = clones["trb_v_call"].str.split("*").list.first().is_in(genes).to_numpy()
    lineage = clones["lineage"].to_numpy()
    found = {}
    for name in LINEAGES:
        of_lineage = lineage == name
        cells, marked = every[of_lineage].sum(axis=0), every[of_lineage & carries].sum(axis=0)
        cells[NAIVE] += specimen.naive[name]
        marked[NAIVE] += carries.mean() * specimen.naive[name]
        found[name] = cells, marked
    return found


def marked_share(specimen: Specimen, clones: pl.DataFrame, genes: Sequence[str]) -> float:
    """Return the CD8+ cells with one of some TRBV genes as a share of all T cells."""
    _, marked = carried(specimen, clones, genes)["CD8"]
    return float(marked.sum()) / specimen.t_cells


def _counted(rng: np.random.Generator, specimen: Specimen, clones: pl.DataFrame) -> Floats:
    """Return the share of CD3+ cells that is CD8+ with each V-beta, as tubes of the kit count it."""
    return np.array([rng.binomial(KIT_CD3, marked_share(specimen, clones, genes)) for genes in KIT.values()]) / KIT_CD3
