"""The T-cell clones of one subject: receptors, lineage, what they see, and how unequal they are in size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.simulate.receptors.recombination import draw_chains

Floats = NDArray[np.float64]

CD8_SHARE = {"reactive": 0.8, "bystander": 0.55, "blood": 0.45}  # round figures for TIL and blood memory clones
LARGE_RANKS, REACTIVE_OF_LARGE, REACTIVE_OF_SMALL = 100, 0.55, 0.20
DUAL_ALPHA_SHARE = 0.10  # clones with two productive alpha chains, as in single-cell data of many groups
PUBLIC_POOL = 400  # receptors that many subjects carry
PUBLIC_SHARE = 0.15  # of the pool that one subject carries
ALPHA = ("v_call", "j_call", "junction", "junction_aa")
BETA = ("v_call", "d_call", "j_call", "junction", "junction_aa")


@dataclass(frozen=True)
class Sizes:
    """How many clones of each origin a subject has."""

    tumor: int = 2_500
    memory: int = 12_000
    emergent: int = 120

    @property
    def total(self) -> int:
        """All clones that are followed one by one; naive cells are drawn anew for each sample."""
        return self.tumor + self.memory + self.emergent


def draw_clones(rng: np.random.Generator, sizes: Sizes, public: pl.DataFrame) -> pl.DataFrame:
    """Draw the clones of one subject.

    Parameters
    ----------
    rng
        Random stream of the subject.
    sizes
        How many clones of each origin.
    public
        Beta chains that subjects share, as `public_chains` returns them; some of them take the place of memory clones.

    Returns
    -------
    polars.DataFrame
        One row a clone, no beta junction twice: `clone` (from 1), `origin` (`tumor`, `memory`, `emergent`: where the
        clone is at home), `lineage` (`CD4`, `CD8`), `reactive` (to the tumour), `public`, and the receptor: `trb_` with
        v_call, d_call, j_call, junction, junction_aa; `tra_` and `tra2_` the same without d_call; `tra2_` is null but
        for clones with two alpha chains.
    """
    origin = ["tumor"] * sizes.tumor + ["memory"] * sizes.memory + ["emergent"] * sizes.emergent
    large = np.arange(sizes.total) < LARGE_RANKS
    chance = np.where(large, REACTIVE_OF_LARGE, REACTIVE_OF_SMALL)
    reactive = (np.arange(sizes.total) < sizes.tumor) & (rng.random(sizes.total) < chance)
    at_home = np.where(np.arange(sizes.total) < sizes.tumor, CD8_SHARE["bystander"], CD8_SHARE["blood"])
    cd8 = rng.random(sizes.total) < np.where(reactive, CD8_SHARE["reactive"], at_home)
    carried = public.filter(pl.Series(rng.random(public.height) < PUBLIC_SHARE)).head(sizes.memory)
    beta, is_public = _place_public(rng, distinct_chains(rng, sizes.total, carried), carried, sizes)
    alpha, second = (draw_chains(rng, "TRA", sizes.total) for _ in range(2))
    dual = rng.random(sizes.total) < DUAL_ALPHA_SHARE
    return pl.DataFrame(
        {
            "clone": np.arange(1, sizes.total + 1),
            "origin": origin,
            "lineage": np.where(cd8, "CD8", "CD4"),
            "reactive": reactive,
            "public": is_public,
            **{f"trb_{name}": beta[name] for name in BETA},
            **{f"tra_{name}": alpha[name] for name in ALPHA},
            **{f"tra2_{name}": second[name] for name in ALPHA},
        }
    ).with_columns(pl.when(pl.Series(dual)).then(pl.col(f"tra2_{name}")).alias(f"tra2_{name}") for name in ALPHA)


def public_chains(rng: np.random.Generator) -> pl.DataFrame:
    """Draw the beta chains that subjects of a trial share.

    They are the shortest of many: what needs few inserted nucleotides is made again and again.
    """
    drawn = draw_chains(rng, "TRB", 20 * PUBLIC_POOL).unique("junction", maintain_order=True)
    return drawn.sort(pl.col("junction").str.len_bytes(), maintain_order=True).head(PUBLIC_POOL).select(BETA)


def distinct_chains(rng: np.random.Generator, chains: int, taken: pl.DataFrame) -> pl.DataFrame:
    """Draw beta chains of which no junction stands twice or in `taken`."""
    found = taken.clear().select(BETA)
    while found.height < chains:
        more = draw_chains(rng, "TRB", chains - found.height + 100).select(BETA)
        found = pl.concat([found, more]).unique("junction", keep="first", maintain_order=True)
        found = found.join(taken, on="junction", how="anti", maintain_order="left")
    return found.head(chains)


def _place_public(
    rng: np.random.Generator, beta: pl.DataFrame, carried: pl.DataFrame, sizes: Sizes
) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """Return the chains with the carried public ones in random places of the memory, and which these are."""
    places = sizes.tumor + rng.choice(sizes.memory, carried.height, replace=False)
    is_public = np.zeros(sizes.total, dtype=bool)
    is_public[places] = True
    order = np.arange(sizes.total)
    order[places] = sizes.total + np.arange(carried.height)
    return pl.concat([beta, carried])[order], is_public


def draw_shares(rng: np.random.Generator, clones: int, *, exponent: float, shift: float, spread: float) -> Floats:
    """Draw the shares of clones, largest expected first: ``(rank + shift) ** -exponent`` times log-normal noise.

    A shifted power law (Zipf-Mandelbrot) is the usual description of clone sizes, for instance
    Oakes and others, Front Immunol 2017;8:1267.

    Parameters
    ----------
    rng
        Random stream.
    clones
        How many.
    exponent, shift
        The larger the exponent and the smaller the shift, the more the first clones hold.
    spread
        Standard deviation of the natural logarithm of the noise.

    Returns
    -------
    numpy.ndarray
        `clones` fractions that sum to 1.
    """
    sizes = (np.arange(1.0, clones + 1) + shift) ** -exponent * rng.lognormal(0, spread, clones)
    return np.asarray(sizes / sizes.sum())
