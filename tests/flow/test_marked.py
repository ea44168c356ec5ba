import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tilseq.errors import AnalysisError
from tilseq.flow.counts import count
from tilseq.flow.gating import gate
from tilseq.flow.marked import (
    CellsPerUl,
    InfusedShare,
    Lot,
    Marked,
    infused_share,
    marked_events,
    marked_population,
    pooled,
)
from tilseq.populations import rule
from tilseq.simulate.cytometry.panels import T_STATE
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.streams import stream
from tilseq.tables.outputs import COUNTS

# Over-dispersion so small that counts are binomial.
BINOMIAL = 1e-9
PRODUCT, BASELINE, VISIT = Marked(3_000, 10_000), Marked(100, 10_000), Marked(1_550, 10_000)


def share(
    product: Marked | list[Lot] | None = PRODUCT,
    baseline: Marked | None = BASELINE,
    visit: Marked = VISIT,
    **options: Any,
) -> InfusedShare:
    lots = [] if product is None else product if isinstance(product, list) else [Lot(product)]
    return infused_share(lots, baseline, visit, **{"upper_bound": False, "seed": 1, **options})


def test_by_hand() -> None:
    # (0.155 - 0.01) / (0.3 - 0.01)
    found = share(cd3_per_ul=CellsPerUl(200, 160, 250))
    assert found.value == pytest.approx(0.5)
    assert found.cells_per_ul == pytest.approx(100)
    assert (found.n, found.status, found.reason, found.probability_above_blank) == (10_000, "quantified", None, 1)
    assert not found.upper_bound
    assert share(upper_bound=True).upper_bound


def test_lots_count_by_the_cells_infused_of_each() -> None:
    # (0.2 * 1 + 0.5 * 3) / 4 = 0.425; (0.155 - 0.01) / (0.425 - 0.01)
    lots = [Lot(Marked(2_000, 10_000), 1e9), Lot(Marked(500, 1_000), 3e9)]
    assert share(lots).value == pytest.approx(0.145 / 0.415)
    assert share(lots[:1]).value == pytest.approx(0.145 / 0.19)


def test_limits_equal_fieller_s() -> None:
    # Fieller 1954: variances f (1 - f) / n of each share, the baseline's in both differences.
    f = np.array([0.3, 0.01, 0.155])
    product, before, after = f * (1 - f) / 10_000
    above, below, z = 0.145, 0.29, 1.959964
    a = below**2 - z**2 * (product + before)
    b = above * below - z**2 * before
    c = above**2 - z**2 * (after + before)
    root = math.sqrt(b**2 - a * c)
    found = share(overdispersion=BINOMIAL)
    assert (found.lower, found.upper) == pytest.approx(((b - root) / a, (b + root) / a), rel=2e-3)


def test_limits_of_tubes_that_differ_equal_fieller_s_with_their_variance() -> None:
    deff = 1 + 9_999 * 1e-4
    f = np.array([0.3, 0.01, 0.155])
    product, before, after = deff * f * (1 - f) / 10_000
    a, b, c = (x - 1.959964**2 * y for x, y in ((0.29**2, product + before), (0.145 * 0.29, before), (0.145**2, after)))
    c -= 1.959964**2 * before
    root = math.sqrt(b**2 - a * c)
    found = share()
    assert (found.lower, found.upper) == pytest.approx(((b - root) / a, (b + root) / a), rel=0.01)


# A product of marked cells alone and a blood without them: the share is that of the visit.
ALL, NONE = Marked(10**8, 10**8), Marked(0, 10**8)


@pytest.mark.parametrize(("marked", "cd3"), [(0, 300), (3, 300), (40, 900), (5, 100_000), (2_000, 40_000)])
def test_limits_of_a_share_are_those_of_jeffreys(marked: int, cd3: int) -> None:
    found = share(ALL, NONE, Marked(marked, cd3), overdispersion=BINOMIAL)
    lower, upper = stats.beta(marked + 0.5, cd3 - marked + 0.5).ppf([0.025, 0.975])
    spread = (upper - lower) / 4
    assert found.value == pytest.approx(marked / cd3, abs=1e-7)
    assert found.lower == pytest.approx(lower, abs=0.06 * spread)
    assert found.upper == pytest.approx(upper, abs=0.12 * spread)


def posterior(sample: Marked, r: float) -> np.ndarray:
    """Draw shares given a beta-binomial count and Jeffreys' prior, from a fine logarithmic grid."""
    shares = np.exp(np.linspace(math.log(1e-9), math.log(0.5), 100_001))
    alpha, beta = shares * (1 / r - 1), (1 - shares) * (1 / r - 1)
    weights = stats.betabinom.pmf(sample.marked, sample.cd3, alpha, beta) * np.sqrt(shares / (1 - shares))
    return np.random.default_rng(5).permutation(np.repeat(shares, np.rint(1e6 * weights / weights.sum()).astype(int)))


@pytest.mark.parametrize(("marked", "r"), [(0, 1e-3), (4, 1e-3), (300, 1e-2)])
def test_limits_with_overdispersion_are_those_of_the_beta_binomial(marked: int, r: float) -> None:
    baseline, visit = Marked(2, 50_000), Marked(marked, 20_000)
    after, before = posterior(visit, r), np.random.default_rng(6).permutation(posterior(baseline, r))
    size = min(len(after), len(before))
    lower, upper = np.quantile((after[:size] - before[:size]) / (1 - before[:size]), [0.025, 0.975])
    found = share(ALL, baseline, visit, overdispersion=r)
    assert found.upper == pytest.approx(upper, rel=0.05)
    assert found.lower == pytest.approx(max(lower, 0), rel=0.05)


def test_gate_errors_widen_the_limits_as_their_variance_does() -> None:
    # 10 % of 1,000,000 with a gate error of 10 %, or of 1,000 of 10,000 events, which hides all counting.
    for visit in (Marked(10**5, 10**6, relative_sd=0.1), Marked(10**5, 10**6, absolute_sd=10**4)):
        found = share(ALL, NONE, visit, overdispersion=BINOMIAL)
        assert (found.lower, found.upper) == pytest.approx((0.1 * (1 - 0.196), 0.1 * (1 + 0.196)), rel=0.02)


def test_cells_per_microlitre_combine_both_errors_in_logarithms() -> None:
    # 4,000 of 10,000: log error √(0.6 / 0.4 / 10,000) = 0.012247; CD3+ within a factor of 1.25: ln 1.25 / 1.96.
    found = share(ALL, NONE, Marked(4_000, 10_000), cd3_per_ul=CellsPerUl(50, 40, 62.5), overdispersion=BINOMIAL)
    error = 1.959964 * math.sqrt(0.6 / 0.4 / 10_000 + (math.log(1.25) / 1.959964) ** 2)
    limits = (20 * math.exp(-error), 20 * math.exp(error))
    assert (found.cells_per_ul_lower, found.cells_per_ul_upper) == pytest.approx(limits, rel=0.01)
    assert share().cells_per_ul is None


def test_a_visit_like_its_baseline_is_not_detected_and_has_an_upper_limit() -> None:
    found = share(visit=Marked(90, 10_000), cd3_per_ul=CellsPerUl(100, 90, 111))
    assert (found.value, found.lower, found.cells_per_ul, found.status) == (0, 0, 0, "not_detected")
    assert found.probability_above_blank is not None and found.probability_above_blank < 0.5
    assert found.upper is not None and 0.005 < found.upper < 0.02
    assert found.cells_per_ul_upper is not None and found.cells_per_ul_upper > 90 * found.upper


def test_the_chance_above_the_blank_is_that_of_two_shares() -> None:
    # P(Beta(130.5, 9870.5) > Beta(100.5, 9900.5)) by integration.
    grid = np.linspace(0, 0.03, 30_001)
    after, before = stats.beta(130.5, 9_870.5), stats.beta(100.5, 9_900.5)
    expected = np.sum(after.pdf(grid) * before.cdf(grid)) * (grid[1] - grid[0])
    found = share(visit=Marked(130, 10_000), overdispersion=BINOMIAL)
    assert found.probability_above_blank == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("visit", "status"),
    [
        (Marked(1_550, 10_000), "quantified"),
        (Marked(49, 300), "detected_below_loq"),  # 49 events
        (Marked(170, 10_000), "detected_below_loq"),  # 170 events, but 70 above a baseline of 100
        (Marked(100, 10_000), "not_detected"),
    ],
)
def test_status(visit: Marked, status: str) -> None:
    assert share(visit=visit).status == status


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ({"product": None}, "no infusion product"),
        ({"product": [Lot(PRODUCT, 1e9), Lot(None, 1e9)]}, "a lot of the product was not counted"),
        ({"product": [Lot(PRODUCT, 1e9), Lot(PRODUCT)]}, "the cells infused of each lot are not known"),
        ({"baseline": None}, "no baseline: no tube is known to be from before lymphodepletion"),
        ({"product": Marked(0, 0)}, "no CD3+ events in the product"),
        ({"baseline": Marked(0, 0)}, "no CD3+ events in the baseline"),
        ({"visit": Marked(0, 0)}, "no CD3+ events in the visit"),
        ({"product": Marked(90, 10_000)}, "the product does not hold clearly more marked cells than the baseline"),
        ({"product": Marked(110, 10_000)}, "the product does not hold clearly more marked cells than the baseline"),
        (
            {"product": Marked(0, 10), "baseline": Marked(0, 10**7)},
            "the product does not hold clearly more marked cells than the baseline",
        ),
        ({"visit": Marked(6_000, 10_000)}, "marked cells are more frequent than in the product"),
    ],
)
def test_what_cannot_be_told_has_no_number_but_a_reason(sample: dict[str, Any], reason: str) -> None:
    found = share(**sample, cd3_per_ul=CellsPerUl(100, 90, 110))
    assert found[:7] == (None,) * 7
    assert (found.status, found.reason) == ("not_evaluable", reason)


def test_no_marked_event_is_not_detected_and_its_limits_hold_it() -> None:
    # Of 10 events none tells little: draws of the visit lie far above those of a deep baseline.
    found = share(visit=Marked(0, 10), baseline=Marked(0, 10**7), cd3_per_ul=CellsPerUl(100, 90, 110))
    assert found.probability_above_blank is not None and found.probability_above_blank > 0.95
    assert (found.status, found.value, found.lower, found.cells_per_ul_lower) == ("not_detected", 0, 0, 0)
    assert found.upper is not None and found.upper > 0.3


def test_a_mark_is_a_population_of_the_tree_or_a_marker_of_t_cells() -> None:
    tree = {"CD3+", "CD8+ T", "memory"}
    assert marked_population("memory", tree) == "memory"
    assert marked_population("TCR Vb2", tree) == "CD3+/TCR Vb2+"


def counts_of(*rows: tuple[str, str, int, int, float | None, float | None]) -> pl.DataFrame:
    names = ("population", "parent", "events", "parent_events", "gate_lower", "gate_upper")
    return COUNTS.frame([{"sample": "a", **dict(zip(names, row, strict=True))} for row in rows])


TREE = counts_of(
    ("CD3+", "lymphocytes", 10_000, 20_000, 48.0, 52.0),
    ("CD3+/TCR Vb2+", "CD3+", 300, 10_000, 2.8, 3.2),
    ("CD8+ T", "CD3+", 4_000, 10_000, 39.0, 41.0),
    ("killers", "CD8+ T", 1_000, 4_000, 24.0, 26.0),
    ("killers/TCR Vb2+", "killers", 50, 1_000, 4.0, 6.0),
    ("set by hand", "CD3+", 50, 10_000, None, None),
    ("B", "CD3-", 50, 10_000, 4.0, 6.0),
)


def test_marked_events_and_their_gates_by_hand() -> None:
    # Half widths of 0.2, 1, 1 and 1 points are 1.96 standard deviations.
    sd = 0.01 / 1.959964
    assert marked_events(TREE, "CD3+/TCR Vb2+") == pytest.approx((300, 10_000, 0, 0.2 * sd * 10_000))
    assert marked_events(TREE, "killers") == pytest.approx((1_000, 10_000, sd / 0.4, sd * 4_000))
    relative = math.hypot(sd / 0.4, sd / 0.25)
    assert marked_events(TREE, "killers/TCR Vb2+") == pytest.approx((50, 10_000, relative, sd * 1_000))
    assert marked_events(TREE, "set by hand") == (50, 10_000, 0, 0)


@pytest.mark.parametrize("population", ["B", "CD3+", "lymphocytes", "CD3+/TCR Vb3+"])
def test_what_is_no_part_of_the_t_cells_marks_nothing(population: str) -> None:
    assert marked_events(TREE, population) is None


def test_tubes_of_one_specimen_are_one_whose_gates_err_alike() -> None:
    tubes = [Marked(10, 100, 0.1, 5.0), Marked(30, 200, 0.2, 7.0)]
    assert pooled(tubes) == Marked(40, 300, 0.2, 12.0)


def test_a_share_that_may_be_all_is_told_as_1() -> None:
    found = share(visit=Marked(310, 1_000), product=Marked(300, 1_000))
    assert (found.value, found.upper) == (1, 1)
    assert found.lower is not None and found.lower < 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"visit": Marked(11, 10)}, "marked events must lie within"),
        ({"baseline": Marked(-1, 10)}, "marked events must lie within"),
        ({"product": Marked(1, 10, relative_sd=-0.1)}, "a standard deviation"),
        ({"visit": Marked(1, 10, absolute_sd=math.nan)}, "a standard deviation"),
        ({"product": [Lot(PRODUCT, 0.0)]}, "the cells infused"),
        ({"cd3_per_ul": CellsPerUl(0, 0, 1)}, "CD3. cells per microlitre"),
        ({"cd3_per_ul": CellsPerUl(5, 6, 7)}, "CD3. cells per microlitre"),
        ({"overdispersion": 0.0}, "over-dispersion"),
        ({"overdispersion": 1.0}, "over-dispersion"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        share(**wrong)


def test_the_seed_decides() -> None:
    assert share(seed=3) == share(seed=3)
    assert share(seed=3) != share(seed=4)


@given(
    counts=st.lists(
        st.tuples(st.integers(1, 10**6), st.floats(0, 1)).map(lambda c: Marked(round(c[0] * c[1]), c[0])),
        min_size=3,
        max_size=3,
    ),
    r=st.floats(1e-6, 0.1),
)
def test_a_share_lies_within_its_limits_and_within_0_and_1(counts: list[Marked], r: float) -> None:
    found = share(*counts, overdispersion=r)
    if found.status == "not_evaluable":
        assert found.reason and found[:7] == (None,) * 7
        return
    assert found.value is not None and found.lower is not None and found.upper is not None
    assert 0 <= found.lower <= found.value <= found.upper <= 1


def tube(random: np.random.Generator, frequency: float, cd3: int, r: float) -> Marked:
    of_tube = random.beta(frequency * (1 / r - 1), (1 - frequency) * (1 / r - 1)) if frequency else 0.0
    return Marked(int(random.binomial(cd3, of_tube)), cd3)


def covered(truth: float, cd3: int, r: float, tubes: int, assumed: float = 1e-4) -> tuple[float, float]:
    """Return how often the limits hold a true share, and cells per microlitre, of simulated tubes."""
    random = np.random.default_rng([round(1e4 * truth), cd3, round(1e6 * r)])
    held = cells = 0
    for seed in range(tubes):
        measured = 400 * math.exp(random.normal(0, 0.08))
        found = infused_share(
            [Lot(tube(random, 0.3, 20_000, r))],
            tube(random, 0.003, cd3, r),
            tube(random, 0.003 + truth * 0.297, cd3, r),
            upper_bound=False,
            seed=seed,
            cd3_per_ul=CellsPerUl(measured, measured * math.exp(-1.96 * 0.08), measured * math.exp(1.96 * 0.08)),
            overdispersion=assumed,
        )
        assert found.lower is not None and found.upper is not None
        assert found.cells_per_ul_lower is not None and found.cells_per_ul_upper is not None
        held += found.lower <= truth <= found.upper
        cells += found.cells_per_ul_lower <= 400 * truth <= found.cells_per_ul_upper
    return held / tubes, cells / tubes


@pytest.mark.slow
@pytest.mark.parametrize("cd3", [300, 3_000, 30_000, 300_000])
@pytest.mark.parametrize("truth", [0, 0.002, 0.02, 0.2, 0.7])
def test_limits_cover_where_tubes_differ_as_assumed(truth: float, cd3: int) -> None:
    # Of 1,000 tubes 93 % is 2.9 standard errors below 95 %.
    assert min(covered(truth, cd3, 1e-4, 1_000)) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("cd3", [3_000, 300_000])
@pytest.mark.parametrize("truth", [0.02, 0.2])
def test_limits_are_too_wide_where_tubes_differ_less_and_too_narrow_where_more(truth: float, cd3: int) -> None:
    assert covered(truth, cd3, 1e-5, 400)[0] >= 0.96
    assert covered(truth, cd3, 1e-3, 400)[0] < 0.85
    assert covered(truth, cd3, 1e-3, 400, assumed=1e-3)[0] >= 0.92


def test_limits_cover_in_a_few_tubes() -> None:
    # Of 150 at 95 %, 133 or fewer have a chance of 0.2 %.
    assert min(covered(0.02, 30_000, 1e-4, 150)) >= 134 / 150


MARK = "CD3+/TCR Vb+"
BLOOD = {"CD4+ T central_memory": 500, "CD4+ T naive": 250, "CD8+ T effector": 400, "DN T": 35, "DP T": 12}
BLOOD |= {"B": 200, "NK": 250, "monocyte": 400}
PRODUCT = {"CD8+ T effector": 600, "CD4+ T effector": 300, "DN T": 28, "DP T": 9, "NK": 60, "B": 20}


def gated(cells: dict[str, float], share: float, seed: int, events: int) -> Marked:
    """Return the marked events of a simulated tube, gated by itself: that share of its CD4+ and CD8+ T is marked."""
    vbeta = {kind: share for kind in cells if kind.startswith("CD")}
    made = acquire(stream(seed, str(share), str(events)), T_STATE, cells, events, vbeta=vbeta)
    dyes = [dye.channel for dye in T_STATE.dyes]
    tube = SimpleNamespace(
        events=made.events,
        channels=T_STATE.channels,
        markers=[marker or "" for marker in T_STATE.markers],
        spill=SimpleNamespace(channels=dyes, matrix=T_STATE.spill),
        keywords={},
        warnings=[],
    )
    aliases = {dye.marker: [dye.channel] for dye in T_STATE.dyes}
    gating = gate(tube, sample="a", aliases=aliases, populations={MARK: rule("CD3+", "TCR Vb+")})
    found = marked_events(count(gating), MARK)
    assert found is not None
    return found


def held_after_gating(truth: float, product: float, baseline: float, runs: int, events: int) -> int:
    """Return how often the limits hold the true infused share of tubes that are simulated and gated.

    Infused cells are marked as in the product, the subject's own as at baseline.
    """
    held = 0
    for run in range(runs):
        infused = gated(PRODUCT, product, run, events)
        before = gated(BLOOD, baseline, run, events)
        after = gated(BLOOD, baseline + truth * (product - baseline), run, events)
        found = infused_share([Lot(infused)], before, after, upper_bound=True, seed=run)
        assert found.lower is not None and found.upper is not None
        held += found.lower <= truth <= found.upper
    return held


def test_limits_hold_the_infused_share_of_simulated_tubes_after_gating() -> None:
    # Of 16 at 95 %, 12 or fewer have a chance of 0.7 %.
    assert held_after_gating(0.2, 0.3, 0.05, 16, 4_000) >= 13


@pytest.mark.slow
@pytest.mark.parametrize(("product", "baseline"), [(0.3, 0.05), (0.6, 0.02)])
@pytest.mark.parametrize("truth", [0, 0.02, 0.2, 0.7])
def test_limits_hold_the_infused_share_of_many_simulated_tubes(truth: float, product: float, baseline: float) -> None:
    # Of 60 at 95 %, 51 or fewer have a chance of 0.3 %.
    assert held_after_gating(truth, product, baseline, 60, 6_000) >= 52
