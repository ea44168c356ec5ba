import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io.gmt import read_gmt
from tilseq.simulate.cells.genes import KINDS, panel, programme_names, read_table
from tilseq.simulate.cells.programmes import (
    CORRELATED,
    T_CELLS_ONLY,
    draw_clone_effects,
    draw_specimen_shift,
    programme_levels,
)
from tilseq.simulate.states import LINEAGES, STATES
from tilseq.simulate.streams import stream

PROGRAMMES = (
    *("stem_like_memory", "activation", "effector", "exhaustion_progenitor", "exhaustion_terminal", "proliferation"),
    *("oxphos", "glycolysis", "fatty_acid_oxidation", "hypoxia", "il2_response"),
)
# Beside a hallmark programme, the set that its hallmark genes must be in.
HALLMARKS = {
    "oxphos": ["HALLMARK_OXIDATIVE_PHOSPHORYLATION"],
    "glycolysis": ["HALLMARK_GLYCOLYSIS"],
    "fatty_acid_oxidation": ["HALLMARK_FATTY_ACID_METABOLISM"],
    "hypoxia": ["HALLMARK_HYPOXIA"],
    "il2_response": ["HALLMARK_IL2_STAT5_SIGNALING"],
    "activation": ["HALLMARK_TNFA_SIGNALING_VIA_NFKB"],
    "proliferation": ["HALLMARK_G2M_CHECKPOINT", "HALLMARK_E2F_TARGETS"],
}
MANY = 20_000


def alike(count, state="central_memory", lineage="CD8", **columns):
    frame = pl.DataFrame({"state": [state] * count, "lineage": [lineage] * count, "clone": [1] * count})
    return frame.with_columns(pl.col("state").cast(pl.String), **columns)


def mean_levels(cells, specimen, day, seed=1):
    levels = programme_levels(stream(seed, specimen), cells, specimen, day)
    return dict(zip(programme_names(), levels.mean(axis=0), strict=True))


def test_the_programmes_are_those_agreed_and_each_holds_15_to_60_genes_of_the_panel():
    table = read_table("programmes.tsv")
    assert programme_names() == PROGRAMMES
    sizes = table.group_by("programme").len()["len"]
    assert sizes.min() >= 15 and sizes.max() <= 60
    assert not table.select("programme", "gene").is_duplicated().any()
    assert set(table["gene"]) <= set(panel().genes)
    assert table["source"].null_count() == 0


def test_programmes_overlap_and_their_genes_do_not_move_alike():
    table = read_table("programmes.tsv")
    assert table["gene"].n_unique() < table.height - 30
    assert (table["log_fold"] == 0).sum() > 20
    for _, folds in table.group_by("programme"):
        assert folds["log_fold"].n_unique() > 10


@pytest.mark.parametrize(
    ("gene", "programme", "sign"),
    [
        ("TCF7", "stem_like_memory", 1),
        ("TCF7", "exhaustion_progenitor", 1),
        ("TCF7", "exhaustion_terminal", -1),
        ("HAVCR2", "exhaustion_terminal", 1),
        ("HAVCR2", "stem_like_memory", -1),
        ("GZMB", "effector", 1),
        ("MKI67", "proliferation", 1),
        ("LDHA", "glycolysis", 1),
        ("CPT1A", "fatty_acid_oxidation", 1),
        ("VEGFA", "hypoxia", 1),
        ("IL2RA", "il2_response", 1),
        ("IFNG", "oxphos", 0),
    ],
)
def test_a_marker_moves_the_way_it_is_known_to(gene, programme, sign):
    folds = panel().programmes[PROGRAMMES.index(programme), panel().genes.index(gene)]
    assert np.sign(folds) == sign


def test_genes_that_are_said_to_come_from_a_hallmark_are_in_it(shared_data):
    sets = read_gmt(shared_data / "genesets" / "h.all.v2025.1.Hs.symbols.gmt")
    table = read_table("programmes.tsv").filter(pl.col("source").str.starts_with("MSigDB hallmark"))
    assert table["programme"].n_unique() == len(HALLMARKS)
    for programme, gene in table.select("programme", "gene").iter_rows():
        assert any(gene in sets[name] for name in HALLMARKS[programme]), (programme, gene)


def test_v_genes_are_in_no_programme():
    assert not panel().programmes[:, panel().variable].any()
    assert panel().variable.sum() > 90


@pytest.mark.parametrize(
    ("state", "programme", "level"),
    [
        ("naive", "stem_like_memory", 1.4),
        ("stem_like_memory", "fatty_acid_oxidation", 0.4),
        ("central_memory", "effector", -0.2),
        ("effector", "effector", 1.1),
        ("exhausted_progenitor", "exhaustion_progenitor", 1.1),
        ("exhausted_terminal", "exhaustion_terminal", 1.3),
        ("exhausted_terminal", "stem_like_memory", -1.0),
    ],
)
def test_a_state_sets_the_mean_level(state, programme, level):
    # Standard deviation of a cell 0.45: the mean of 20,000 lies within 0.013 (4 standard errors).
    assert mean_levels(alike(MANY, state), "blood", -10)[programme] == pytest.approx(level, abs=0.013)


@pytest.mark.parametrize(
    ("specimen", "day", "infused", "programme", "level"),
    [
        ("tumor", None, False, "hypoxia", 0.9),
        ("infusion_product", None, True, "glycolysis", 0.9),  # 1.0 less the 0.1 of central memory
        ("infusion_product", None, True, "il2_response", 1.2),
        ("blood", -10, False, "il2_response", 0.0),
        # 0.9 exp(-7/10) + 1.2 exp(-7/3) - 0.1 (1 - exp(-7/40))
        ("blood", 7, True, "il2_response", 0.5473),
        # 0.3 x 0.9 exp(-7/10)
        ("blood", 7, False, "il2_response", 0.1341),
        # 0.2 + 0.5 (1 - exp(-180/40))
        ("blood", 180, True, "fatty_acid_oxidation", 0.6944),
        # 0.1 + 0.4 (1 - exp(-180/40))
        ("blood", 180, True, "oxphos", 0.4956),
        ("blood", 180, False, "oxphos", 0.1),
    ],
)
def test_a_specimen_shifts_the_mean_level(specimen, day, infused, programme, level):
    cells = alike(MANY, infused=pl.lit(infused))
    assert mean_levels(cells, specimen, day)[programme] == pytest.approx(level, abs=0.013)


def test_without_a_column_infused_only_naive_cells_are_endogenous():
    state = pl.Series("state", ["naive", "effector"] * 50)
    cells = alike(100).with_columns(state)
    told = cells.with_columns(infused=state == "effector")
    args = ("blood", 7)
    assert np.array_equal(programme_levels(stream(1), cells, *args), programme_levels(stream(1), told, *args))


def test_cells_deviate_with_the_stated_spread_skew_and_correlation():
    levels = programme_levels(stream(2), alike(MANY), "blood", -10)
    kept = [name for name in PROGRAMMES if name != "proliferation"]
    values = levels[:, [PROGRAMMES.index(name) for name in kept]]
    assert values.std(axis=0) == pytest.approx(0.45, rel=0.05)
    skew = (((values - values.mean(axis=0)) / values.std(axis=0)) ** 3).mean(axis=0)
    # A log-normal of spread 0.4 has skewness (e^0.16 + 2) sqrt(e^0.16 - 1) = 1.32.
    assert skew == pytest.approx(1.32, abs=0.35)
    found = np.corrcoef(values.T)
    for (one, other), value in CORRELATED.items():
        if "proliferation" not in (one, other):
            # Correlation of the logarithms carries over as (exp(0.16 r) - 1) / (exp(0.16) - 1).
            expected = (np.exp(0.16 * value) - 1) / (np.exp(0.16) - 1)
            assert found[kept.index(one), kept.index(other)] == pytest.approx(expected, abs=0.04)
    assert found[kept.index("oxphos"), kept.index("effector")] == pytest.approx(0, abs=0.04)


def test_a_cell_divides_or_does_not():
    division = programme_levels(stream(3), alike(MANY), "infusion_product", None)[:, PROGRAMMES.index("proliferation")]
    assert division.min() >= 0 and division.max() <= 1.5
    assert 0.15 < (division > 1.2).mean() < 0.5
    assert (division < 0.3).mean() > 0.35
    resting = programme_levels(stream(3), alike(MANY), "blood", -10)[:, PROGRAMMES.index("proliferation")]
    assert (resting > 0.75).mean() < 0.01


def test_the_effect_of_a_clone_is_the_same_in_each_of_its_cells_and_absent_without_a_clone():
    effects = draw_clone_effects(stream(4), 3)
    cells = alike(4).with_columns(clone=pl.Series([1, 3, None, 3], dtype=pl.Int64))
    args = (cells, "tumor", None)
    gained = programme_levels(stream(5), *args, clone_effects=effects) - programme_levels(stream(5), *args)
    keep = [place for place, name in enumerate(PROGRAMMES) if name != "proliferation"]
    expected = np.vstack([effects[0], effects[2], np.zeros(11), effects[2]])
    np.testing.assert_allclose(gained[:, keep], expected[:, keep], atol=1e-12)


def test_effects_of_clones_and_specimens_have_the_stated_spread():
    assert draw_clone_effects(stream(6), MANY).std(axis=0) == pytest.approx(0.35, rel=0.03)
    shifts = np.array([draw_specimen_shift(stream(number)) for number in range(4_000)])
    assert shifts.std(axis=0) == pytest.approx(0.20, rel=0.06)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in LINEAGES])
def test_other_cells_run_no_programme_of_t_cells(kind):
    levels = programme_levels(stream(7), alike(50, None, kind), "tumor", None)
    only = [PROGRAMMES.index(name) for name in T_CELLS_ONLY]
    assert not levels[:, only].any()
    assert levels[:, PROGRAMMES.index("hypoxia")].std() > 0.2


@pytest.mark.parametrize(
    ("cells", "specimen", "day", "column"),
    [
        (alike(1, "exhausted"), "tumor", None, "state"),
        (alike(1, None, "CD8"), "tumor", None, "state"),
        (alike(1, "naive", "B"), "tumor", None, "state"),
        (alike(1), "plasma", None, "specimen"),
        (alike(1), "blood", None, "day"),
        (alike(1, clone=pl.lit(0)), "tumor", None, "clone"),
        (alike(1, clone=pl.lit(3)), "tumor", None, "clone"),
    ],
)
def test_what_cannot_be_is_refused(cells, specimen, day, column):
    with pytest.raises(TableError) as caught:
        programme_levels(stream(1), cells, specimen, day, clone_effects=np.zeros((2, 11)))
    assert caught.value.column == column


@given(
    st.lists(st.sampled_from([*((s, k) for s in STATES for k in LINEAGES), (None, "B"), (None, "NK")]), max_size=8),
    st.sampled_from(["tumor", "infusion_product", "blood"]),
    st.integers(-100, 2_000),
    st.integers(0, 2**32),
)
def test_levels_are_finite_and_repeatable_for_any_cells(kinds, specimen, day, seed):
    cells = pl.DataFrame(kinds, schema={"state": pl.String, "lineage": pl.String}, orient="row")
    cells = cells.with_columns(clone=pl.lit(None, pl.Int64))
    levels = programme_levels(stream(seed), cells, specimen, day)
    assert levels.shape == (len(kinds), 11)
    assert np.isfinite(levels).all()
    assert np.array_equal(levels, programme_levels(stream(seed), cells, specimen, day))
