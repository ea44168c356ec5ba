"""Labels of single cells by an infusion product: whether the product has their clone, and the chance that it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from tilseq.errors import AnalysisError, TableError, did_you_mean
from tilseq.repertoire.chain_search import COLLISIONS, Search, search
from tilseq.repertoire.clones import check_columns, clone_counts, nucleotides
from tilseq.repertoire.miscounting import Miscounting
from tilseq.repertoire.missed_clones import OF_TEMPLATES, Laws, law_costs
from tilseq.repertoire.product_lots import ALPHA, ALPHAS, BETA, BETAS, Product, ProductLot, product_of
from tilseq.tables import as_polars
from tilseq.tables.cell_labels import CELL_LABELS, INFUSED, NO_RECEPTOR, NOT_SEEN, UNDECIDED

NEEDED = (
    "sample",
    "cell_id",
    "doublet",
    *(f"{place}_{name}" for place in (*ALPHAS, *BETAS) for name in ("locus", "junction")),
)
TWO_CELLS = "by its chains two cells"
ONE_OF_TWO = "one of its two TRB is in the product, the other is not"
OTHER_ALPHA = "the product's cells with its TRB have another TRA"
OTHER_BETA = "its TRA is in the product, with another TRB"
ALPHA_ONLY = "its TRA is in the product, its TRB is not"
NO_BETA = "it has no TRB, and the product's TRA is not known"
NO_ALPHA = "it has no TRA, and the product's TRB is not known"
UNLIKELY = "more such matches are expected by chance than not"


class Chains(NamedTuple):
    """The distinct junctions of a cell, those with the most UMIs first."""

    alphas: tuple[str, ...]
    betas: tuple[str, ...]
    two_cells: bool


def cell_labels(
    cells: Any,
    lots: Sequence[ProductLot],
    *,
    miscounted: Mapping[str, Miscounting] | None = None,
    alike: Sequence[Any] = (),
    collisions: Mapping[str, float] = COLLISIONS,
) -> pl.DataFrame:
    """Return for each cell whether its clone is in the infusion product, and the chance that it was.

    A clone is a nucleotide junction. A cell is searched for by its TRB; where none was found, by its TRA, if the
    product has TRA, else by the TRB that other cells of the sample have beside that TRA. "Not seen in the product" is
    not "endogenous": how far it is from that the chance says, which rests on the product's depth.

    *Seen in the product*: the chance is one minus that of a false match,

    - by TRB or TRA alone: expected false matches, (clones of the sample that the product does not have) × (clones of
      the product) × (chance that two clones have one junction), beside the clones that match; and that of a foreign
      chain, free RNA or a second cell: as often as cells with a TRB have a second one, droplets without one of
      their own, taken to be as many, have a foreign one alone;
    - by both chains, where the product is of single cells or has both: both would have to be false;
    - by TRB, where the product's own cells with it have other TRA: the odds are multiplied by how often two cells of
      one TRB in this sample have no TRA in common.

    *Not seen*: the chance that its clone was there and missed, of clones with as many cells in this sample; see
    `tilseq.repertoire.missed_clones.missed`. Where the product's TRA is known, it is weighed with whether it has the
    cell's TRA. Two cells in one drop and two TRB of which one is in the product have no chance.

    Parameters
    ----------
    cells
        polars or pandas, table of `chain_pairing`, of one sample or several of one subject.
    lots
        The libraries of the product, bulk or of single cells; a clone is in the product where any of them shows it.
        Where the effective cells of one are not known, no chance is told.
    miscounted
        Locus → how often templates of DNA are counted, as `miscounted_templates` tells it of all libraries, of any
        specimens and subjects, that the same laboratory counted. What is sure is taken.
    alike
        Clonotype tables (`locus, junction, duplicate_count`) of products of other subjects, whose templates the same
        laboratory counted. Where it is not sure how, it is learnt from these and the product. Of cells, UMIs and reads
        neither is asked.
    collisions
        Locus → chance that two different clones have one nucleotide junction.

    Returns
    -------
    polars.DataFrame
        The table `cell_labels`: `sample, cell_id, label, probability, matched_by, locus, junction, product_share,
        product_count, product_lots, product_n_effective, cells_of_clone, reason`; `origin` is null until
        `with_origins` tells it.

        - `label`: `infused` (matched, and no likelier false than true), `not_seen_in_product`, `undecided` (`reason`
          says why) or `no_receptor` (neither TRA nor TRB).
        - `matched_by`: `both`, `beta`, `alpha`, `alpha_of_dual` (one TRA of two), `alpha_of_mate`.

    Raises
    ------
    AnalysisError
        No library, or none with TRA or TRB; effective cells that are not above 0, or more than its counts; a locus of
        `collisions` that is neither; a chance outside 0 to 1.
    TableError
        A column is absent, a cell has no name or stands in several rows, or a table is not a clonotype table.
    """
    frame = as_polars(cells)
    check_columns(frame, NEEDED, "labelling of cells")
    frame = frame.with_columns(nucleotides(frame[f"{place}_junction"]) for place in (*ALPHAS, *BETAS))
    if frame["sample"].null_count() or frame["cell_id"].null_count():
        raise TableError("a cell or its sample has no name", column="cell_id")
    twice = frame.filter(pl.struct("sample", "cell_id").is_duplicated())
    if twice.height:
        mend = "name the cells of each lane apart, as `joined_lanes` does"
        raise TableError("a cell stands in several rows", column="cell_id", found=twice["cell_id"][0], mend=mend)
    rates = {**COLLISIONS, **_checked(collisions)}
    product = product_of(lots)
    laws = _laws_of_templates(product, miscounted or {}, alike)
    rows: list[dict[str, Any]] = []
    for (sample,), of_sample in frame.partition_by("sample", as_dict=True, maintain_order=True).items():
        labeller = _Labeller.of(of_sample, product, rates, laws)
        for cell, chains in labeller.chains.items():
            rows.append({"sample": sample, "cell_id": cell, **labeller.label(chains)})
    return CELL_LABELS.frame(rows)


def unsure_templates(lots: Sequence[ProductLot], miscounted: Mapping[str, Miscounting]) -> list[str]:
    """Return loci of a product counted as templates of DNA of which it is not surely told how often one is counted."""
    of_templates = {locus for locus, count_of in product_of(lots).count_of.items() if count_of == "templates"}
    return sorted(locus for locus in of_templates if not _is_sure(miscounted.get(locus)))


def _is_sure(how: Miscounting | None) -> bool:
    return how is not None and how.sure and how.libraries > 0


def _laws_of_templates(
    product: Product, miscounted: Mapping[str, Miscounting], alike: Sequence[Any]
) -> dict[str, Laws]:
    """Return locus → laws by which its templates may be counted: that which is sure, or what other products tell."""
    loci = [locus for locus, count_of in product.count_of.items() if count_of == "templates"]
    sure = {locus: miscounted[locus] for locus in loci if _is_sure(miscounted.get(locus))}
    laws: dict[str, Laws] = {
        locus: {("twice" if how.twice else "poisson", how.variance): 0.0} for locus, how in sure.items()
    }
    tables = [clone_counts(table) for table in alike] if len(sure) < len(loci) else []
    for locus in loci:
        if locus not in sure:
            laws[locus] = law_costs(table.filter(locus=locus)["duplicate_count"].to_numpy() for table in tables)
    return laws


def _checked(collisions: Mapping[str, float]) -> Mapping[str, float]:
    for locus, chance in collisions.items():
        if locus not in COLLISIONS:
            mend = did_you_mean(locus, list(COLLISIONS))
            raise AnalysisError("no such locus", found=locus, expected=", ".join(COLLISIONS), mend=mend)
        if not 0 <= chance < 1:
            raise AnalysisError(f"the chance of one junction in two clones of {locus} cannot be that", found=chance)
    return collisions


def _chains(frame: pl.DataFrame) -> dict[str, Chains]:
    """Return cell → its TRA and TRB."""
    places = [(place, locus) for places, locus in ((ALPHAS, ALPHA), (BETAS, BETA)) for place in places]
    shown = frame.select(
        "cell_id",
        (pl.col("doublet") == "likely").fill_null(False).alias("two"),
        *(pl.when(pl.col(f"{place}_locus") == locus).then(f"{place}_junction").alias(place) for place, locus in places),
    )
    return {
        cell: Chains(_distinct(*junctions[:2]), _distinct(*junctions[2:]), two)
        for cell, two, *junctions in shown.iter_rows()
    }


def _distinct(*junctions: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in junctions if one is not None))


@dataclass(frozen=True)
class _Labeller:
    """Labels the cells of one sample.

    Attributes
    ----------
    chains
        Cell → its chains.
    beta, alpha
        The search of either locus, None where the product does not have it.
    pairs
        TRB → the TRA of the product's single cells with it, and whether either was a second chain.
    partnered
        TRA that the product's cells have with a TRB and never alone.
    mates
        TRA → the one TRB that cells of the sample have beside it.
    apart
        Effective cells of the product whose TRA was read apart from their TRB.
    foreign
        Chance that the only chain of a barcode is not its cell's own.
    dropout
        Share of cells with TRA that have no TRB.
    unlike
        Chance that two cells of one clone show no TRA in common.
    """

    chains: Mapping[str, Chains]
    beta: Search | None
    alpha: Search | None
    pairs: Mapping[str, Mapping[str, bool]]
    partnered: frozenset[str]
    mates: Mapping[str, str]
    apart: float
    foreign: float
    dropout: float
    unlike: float

    @classmethod
    def of(
        cls, frame: pl.DataFrame, product: Product, rates: Mapping[str, float], laws: Mapping[str, Laws]
    ) -> _Labeller:
        """Search both loci of a sample."""
        chains = _chains(frame)
        single = {cell: of_cell for cell, of_cell in chains.items() if not of_cell.two_cells}
        searches: dict[str, Search | None] = {}
        for locus, which in ((ALPHA, "alphas"), (BETA, "betas")):
            rows = [(cell, one) for cell, of_cell in single.items() for one in getattr(of_cell, which)]
            table = pl.DataFrame(rows, schema={"cell_id": pl.String, "junction": pl.String}, orient="row")
            known = locus in product.n_effective
            told = laws.get(locus, OF_TEMPLATES)
            searches[locus] = search(product, locus, table, rates[locus], told) if known else None
        pairs: dict[str, dict[str, bool]] = {}
        for beta, alpha, second in product.pairs.iter_rows():
            known_pair = pairs.setdefault(beta, {})
            known_pair[alpha] = second and known_pair.get(alpha, True)
        partnered = frozenset(product.pairs["alpha"]) - product.alone
        shown = list(single.values())
        return cls(
            chains,
            searches[BETA],
            searches[ALPHA],
            pairs,
            partnered,
            _mates(shown),
            product.apart,
            _foreign(shown),
            _dropout(shown),
            _unlike(shown),
        )

    def label(self, cell: Chains) -> dict[str, Any]:
        """Return a row of `cell_labels` without the names of sample and cell."""
        if not cell.alphas and not cell.betas:
            return {"label": NO_RECEPTOR, "reason": "neither TRA nor TRB"}
        if cell.two_cells:
            return {"label": UNDECIDED, "reason": TWO_CELLS}
        if self.beta is not None and cell.betas:
            return self._by_beta(self.beta, cell)
        if self.alpha is not None and cell.alphas:
            return self._by_alpha(self.alpha, cell)
        if self.beta is not None:
            return self._by_mate(self.beta, cell)
        return {"label": UNDECIDED, "reason": NO_ALPHA}

    def _by_beta(self, beta: Search, cell: Chains) -> dict[str, Any]:
        seen = [one for one in cell.betas if one in beta.found]
        if not seen:
            return self._beta_not_seen(beta, cell)
        if len(seen) < len(cell.betas):
            return _row(beta, seen[0], UNDECIDED, None, "beta", ONE_OF_TWO)
        junction, false = seen[0], beta.false + self.foreign - beta.false * self.foreign
        partners = {alpha: second for one in seen for alpha, second in self.pairs.get(one, {}).items()}
        shared = [one for one in cell.alphas if one in partners]
        if shared:
            dual = cell.alphas[0] not in shared or all(partners[one] for one in shared)
            false *= min(1.0, self.foreign + self.alpha.by_chance) if self.alpha else self.foreign
            return _row(beta, junction, INFUSED, 1 - false, "alpha_of_dual" if dual else "both")
        if partners and cell.alphas:
            false = beta.false + self.foreign * self.dropout  # a T cell, whose own TRB would have to be missing
            odds = (1 - false) * self.unlike
            return _row(beta, junction, UNDECIDED, odds / (odds + false), "beta", OTHER_ALPHA)
        if self.alpha is not None and any(one in self.alpha.found for one in {*cell.alphas} - self.partnered):
            return _matched(beta, junction, 1 - false * min(1.0, self.foreign + self.alpha.by_chance), "both")
        return _matched(beta, junction, 1 - false, "beta")

    def _beta_not_seen(self, beta: Search, cell: Chains) -> dict[str, Any]:
        """Label a cell whose TRB the product does not show, with what its TRA says."""
        junction = cell.betas[0]
        chance = beta.chance_missed(junction)
        if self.alpha is None or not cell.alphas:
            return _row(beta, junction, NOT_SEEN, chance)
        seen = [one for one in cell.alphas if one in self.alpha.found]
        if seen and all(one in self.partnered for one in seen):
            return _row(beta, junction, UNDECIDED, chance, None, OTHER_BETA)
        if chance is not None and not self.alpha.why:
            also = beta.chance_also(junction, self.apart)
            of_infused, of_others = (also, self.alpha.by_chance) if seen else (1 - also, 1 - self.alpha.by_chance)
            chance = chance * of_infused / (chance * of_infused + (1 - chance) * of_others)
        if not seen:
            return _row(beta, junction, NOT_SEEN, chance)
        row = _row(self.alpha, seen[0], UNDECIDED, chance, "alpha", ALPHA_ONLY)
        return row if chance is not None else {**row, "reason": f"{ALPHA_ONLY}; {beta.why}"}

    def _by_alpha(self, alpha: Search, cell: Chains) -> dict[str, Any]:
        seen = [one for one in cell.alphas if one in alpha.found]
        if not seen:
            return _row(alpha, cell.alphas[0], NOT_SEEN, alpha.chance_missed(cell.alphas[0]))
        by = "alpha" if len(cell.alphas) == 1 else "alpha_of_dual"
        return _matched(alpha, seen[0], (1 - alpha.false) * (1 - self.foreign), by)

    def _by_mate(self, beta: Search, cell: Chains) -> dict[str, Any]:
        """Label a cell without TRB by the TRB of cells with its TRA."""
        betas = {self.mates[one] for one in cell.alphas if one in self.mates}
        if len(betas) != 1:
            return {"label": UNDECIDED, "reason": NO_BETA}
        junction = betas.pop()
        if junction in beta.found:
            return _matched(beta, junction, (1 - beta.false) * (1 - self.foreign), "alpha_of_mate")
        return _row(beta, junction, NOT_SEEN, beta.chance_missed(junction))


def _matched(searched: Search, junction: str, chance: float, by: str) -> dict[str, Any]:
    """Return the row of a match: infused, unless it is likelier false."""
    if chance < 0.5:
        return _row(searched, junction, UNDECIDED, chance, by, UNLIKELY)
    return _row(searched, junction, INFUSED, chance, by)


def _row(
    searched: Search, junction: str, label: str, chance: float | None, by: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    found = searched.found.get(junction)
    told = None if searched.why else chance
    why = "; ".join(part for part in (reason, searched.why) if part) or None
    return {
        "label": label,
        "probability": told,
        "matched_by": by,
        "locus": searched.locus,
        "junction": junction,
        "product_share": found.share if found else None,
        "product_count": found.count if found else None,
        "product_lots": found.lots if found else None,
        "product_n_effective": searched.n_effective,
        "cells_of_clone": searched.cells.get(junction),
        "reason": why,
    }


def _mates(cells: Sequence[Chains]) -> dict[str, str]:
    """Return TRA → the TRB of cells with it, where that is one and the only one."""
    betas: dict[str, set[str]] = {}
    for cell in cells:
        for alpha in cell.alphas:
            betas.setdefault(alpha, set()).update(cell.betas)
    return {alpha: next(iter(found)) for alpha, found in betas.items() if len(found) == 1}


def _foreign(cells: Sequence[Chains]) -> float:
    """Return the share of cells with a second TRB among those with one."""
    having = sum(bool(cell.betas) for cell in cells)
    second = sum(len(cell.betas) > 1 for cell in cells)
    return (second + 0.5) / (having + 1)


def _dropout(cells: Sequence[Chains]) -> float:
    """Return the share of cells with TRA that have no TRB."""
    lacking = [not cell.betas for cell in cells if cell.alphas]
    return (sum(lacking) + 0.5) / (len(lacking) + 1)


def _unlike(cells: Sequence[Chains]) -> float:
    """Return the share of pairs of cells of one TRB that have no TRA in common, each clone by its number of cells."""
    groups: dict[str, Counter[tuple[str, ...]]] = {}
    for cell in cells:
        if cell.alphas and len(cell.betas) == 1:
            groups.setdefault(cell.betas[0], Counter())[cell.alphas] += 1
    number, unlike = 0, 0.0
    for sets in groups.values():
        of_clone = sets.total()
        if of_clone > 1:
            apart = sum(a * b for (one, a), (other, b) in combinations(sets.items(), 2) if not {*one} & {*other})
            number += of_clone
            unlike += 2 * apart / (of_clone - 1)
    return (unlike + 0.5) / (number + 1)
