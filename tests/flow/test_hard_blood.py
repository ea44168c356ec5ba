"""Gates of simulated blood that is hard to gate, of which every cell's kind is known."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tilseq.flow.counts import cd4_cd8_ratio, count
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.gated import Borrowed
from tilseq.flow.gating import gate
from tilseq.io.fcs import Fcs
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import as_read

T_CELLS = {"CD4+ T": 700.0, "CD8+ T": 300.0, "DN T": 30.0, "DP T": 10.0}
BLOOD = {**T_CELLS, "B": 150.0, "NK": 200.0, "monocyte": 300.0}


def tube(seed: int, cells: dict[str, float], events: int = 20_000) -> tuple[Fcs, Any]:
    made = acquire(np.random.default_rng(seed), TBNK, cells, events, conditions=Conditions(dead=0.005))
    return as_read(made), np.array(made.kinds)[made.labels]


@pytest.fixture(scope="module")
def lent() -> Borrowed:
    tables = [cuts_table(gate(tube(seed, BLOOD)[0], sample=str(seed))) for seed in range(4)]
    return borrowed(cohort_cuts(pl.concat(tables)))


@pytest.mark.parametrize("monocytes", [700.0, 1500.0])
def test_many_monocytes_do_not_make_a_tube_borrow_what_it_has(lent: Borrowed, monocytes: float) -> None:
    """Antibody sticks to monocytes: where they outnumber T cells, both modes of CD3 lie above the usual cut."""
    for seed in (11, 12, 13):
        hard, kinds = tube(seed, {**BLOOD, "monocyte": monocytes})
        gating = gate(hard, sample="hard", borrowed=lent)
        inside = gating.populations["lymphocytes"].mask
        assert np.mean(kinds[inside] == "monocyte") < 0.05
        assert cd4_cd8_ratio(gating).value == pytest.approx(700 / 300, rel=0.12)


def test_a_region_lent_by_tubes_of_both_kinds_is_that_of_most(lent: Borrowed) -> None:
    """A product has no monocytes: its region is about the T cells, that of blood is moved off it."""
    product = {**T_CELLS, "B": 20.0, "NK": 50.0}
    tables = [
        cuts_table(gate(tube(seed, product if seed < 24 else BLOOD)[0], sample=str(seed))) for seed in range(21, 28)
    ]
    mixed = borrowed(cohort_cuts(pl.concat(tables))).region
    blood = borrowed(cohort_cuts(pl.concat(tables[3:]))).region
    assert mixed is not None and mixed == blood
    assert np.linalg.norm(list(mixed.shift.values())) == pytest.approx(2, abs=0.1)
    others = borrowed(cohort_cuts(pl.concat(tables[:4]))).region
    assert others is not None and others.shift == {}


@pytest.mark.slow
def test_limits_hold_the_truth_of_every_population(lent: Borrowed) -> None:
    t_cells, others = sum(T_CELLS.values()), 350.0
    true = {name: 100 * per_ul / t_cells for name, per_ul in T_CELLS.items()}
    true |= {"B": 100 * 150 / others, "NK": 100 * 200 / others, "CD3+": 100 * t_cells / (t_cells + others)}
    held = dict.fromkeys(true, 0)
    for seed in range(100, 160):
        rows = {
            row["population"]: row for row in count(gate(tube(seed, BLOOD)[0], sample="s", borrowed=lent)).to_dicts()
        }
        for name, truth in true.items():
            held[name] += rows[name]["lower"] <= truth <= rows[name]["upper"]
    # Of 60 at 95 %, 53 or fewer come by chance in one of a thousand.
    assert min(held.values()) >= 53, held
