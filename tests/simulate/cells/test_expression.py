import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.simulate.cells.expression import bulk_counts, draw_counts
from tilseq.simulate.cells.genes import panel
from tilseq.simulate.cells.programmes import draw_clone_effects
from tilseq.simulate.states import STATES
from tilseq.simulate.streams import stream

TRAV, TRBV = ("TRAV12-2*01", "TRAV38-2/DV8*01"), ("TRBV19*01", "TRBV20-1*01")
V_COLUMNS = {"trav": TRAV, "trbv": TRBV}


def made(lineages, states=None, doublets=()):
    """Cells of two clones in turn; `doublets` maps a row to the row of its second cell."""
    count = len(lineages)
    t_cell = [lineage in ("CD4", "CD8") for lineage in lineages]
    states = states or [STATES[1 + place % 5] for place in range(count)]
    of = dict(doublets)
    return pl.DataFrame(
        {
            "clone": [1 + place % 2 if t else None for place, t in enumerate(t_cell)],
            "state": [state if t else None for state, t in zip(states, t_cell, strict=True)],
            "lineage": lineages,
            **{n: [v[p % 2] if t else None for p, t in enumerate(t_cell)] for n, v in V_COLUMNS.items()},
            "doublet_of": [of.get(place) for place in range(count)],
        },
        schema_overrides={"clone": pl.Int64, "state": pl.String, "doublet_of": pl.Int64, "trav": pl.String}
        | {"trbv": pl.String, "lineage": pl.String},
    )


def drawn(cells, specimen="blood", day=-10, seed=1, **more):
    return draw_counts(stream(seed, "sample"), cells, specimen, day, sample_rng=stream(seed, "specimen"), **more)


def column(counted, gene):
    return counted.counts[:, counted.genes.index(gene)].toarray().ravel()


@pytest.fixture(scope="module")
def mixed():
    """600 T cells (CD4 and CD8), 100 B cells, 50 NK cells and 150 monocytes of one blood."""
    cells = made(["CD4", "CD8"] * 300 + ["B"] * 100 + ["NK"] * 50 + ["monocyte"] * 150)
    return cells, drawn(cells)


@pytest.fixture(scope="module")
def product():
    cells = made(["CD4", "CD8"] * 750)
    effects = draw_clone_effects(stream(1, "clones"), 2)
    return cells, drawn(cells, "infusion_product", None, clone_effects=effects)


def test_counts_are_a_sound_sparse_matrix_of_whole_numbers(mixed):
    cells, counted = mixed
    assert counted.counts.shape == (cells.height, len(counted.genes)) == (900, 1780)
    assert counted.counts.dtype == np.int32
    assert counted.counts.data.min() >= 1
    assert counted.counts.has_canonical_format
    assert counted.levels.shape == (900, len(counted.programmes))


def test_genes_are_unique_and_of_every_class():
    genes = panel().genes
    assert len(set(genes)) == len(genes)
    assert {"CD3D", "CD4", "CD8A", "TRAC", "TRBC1", "NKG7", "MT-CO1", "RPL13", "B2M", "TRBV20-1", "LYZ"} <= set(genes)


@pytest.mark.parametrize(
    ("gene", "kind"),
    [("CD8A", "CD8"), ("CD4", "CD4"), ("CD3E", "CD4"), ("MS4A1", "B"), ("KLRF1", "NK"), ("LYZ", "monocyte")],
)
def test_a_lineage_gene_is_highest_in_its_kind(mixed, gene, kind):
    cells, counted = mixed
    share = column(counted, gene) / np.asarray(counted.counts.sum(axis=1)).ravel()
    means = pl.DataFrame({"kind": cells["lineage"], "share": share}).group_by("kind").mean().sort("share")
    assert means["kind"][-1] == kind or (gene == "CD3E" and means["kind"][-1] in ("CD4", "CD8"))


def test_a_v_gene_is_on_in_the_clones_that_use_it_and_elsewhere_only_as_ambient(mixed):
    cells, counted = mixed
    for gene, written in (("TRBV19", TRBV[0]), ("TRAV38-2DV8", TRAV[1])):
        own = (cells["trav"] == written).fill_null(False) | (cells["trbv"] == written).fill_null(False)
        values = column(counted, gene)
        assert values[own.to_numpy()].mean() > 2
        assert 0 < values[~own.to_numpy()].mean() < 0.06 * values[own.to_numpy()].mean()
    assert not column(counted, "TRBV9").any()


def test_ambient_rna_brings_what_other_cells_of_the_sample_make():
    alone = drawn(made(["CD8"] * 400))
    beside = drawn(made(["CD8"] * 400 + ["monocyte"] * 400))
    assert column(beside, "S100A8")[:400].mean() > 5 * max(column(alone, "S100A8").mean(), 0.01)


def test_the_counts_of_a_doublet_add():
    cells = made(["CD8"] * 400 + ["B"] * 200, doublets={row: 400 + row for row in range(200)})
    counted = drawn(cells)
    size = np.asarray(counted.counts.sum(axis=1)).ravel()
    both, alone, b_cells = (column(counted, "MS4A1")[rows : rows + 200].mean() for rows in (0, 200, 400))
    # Means of 200 counts with a coefficient of variation near 2: 0.14 each.
    assert both == pytest.approx(alone + b_cells, rel=0.4)
    assert alone < 0.15 * b_cells
    assert size[:200].mean() == pytest.approx(size[200:400].mean() + size[400:].mean(), rel=0.3)
    assert (column(counted, "CD8A")[:200] > 0).mean() > 0.5


def test_the_levels_of_a_doublet_are_those_of_its_own_cell():
    cells = made(["CD8"] * 20, doublets={0: 7})
    assert np.array_equal(drawn(cells).levels, drawn(made(["CD8"] * 20)).levels)


def test_library_sizes_are_log_normal_like_with_the_stated_median():
    logs = []
    for seed in range(30):
        counted = drawn(made(["CD4"] * 60, ["central_memory"] * 60), seed=seed)
        logs.append(np.log(np.asarray(counted.counts.sum(axis=1)).ravel()))
    # 2,000 for a good cell; a tenth are poor ones; 30 samples of spread 0.35 leave 0.064.
    assert np.median(np.concatenate(logs)) == pytest.approx(np.log(2_000), abs=0.2)
    assert np.std([np.median(values) for values in logs]) == pytest.approx(0.35, abs=0.15)
    assert 0.45 < np.mean([values.std() for values in logs]) < 0.9


def test_counts_are_more_spread_than_poisson_once_sizes_are_scaled(mixed):
    _, counted = mixed
    counts = counted.counts[:600].toarray()
    factor = counts.sum(axis=1, keepdims=True) / counts.sum(axis=1).mean()
    scaled = counts / factor
    excess = (scaled.var(axis=0) - (scaled / factor).mean(axis=0)) / np.maximum(scaled.mean(axis=0), 1e-9) ** 2
    often = (counts.mean(axis=0) > 1) & ~panel().variable
    ribosomal = np.array([gene.startswith(("RPL", "RPS")) for gene in counted.genes])
    assert 0.4 < np.median(excess[often & ~ribosomal]) < 2
    assert 0.05 < np.median(excess[often & ribosomal]) < 0.3


def test_some_genes_come_in_bursts_and_most_do_not():
    counted = drawn(made(["CD8"] * 300, ["effector"] * 300))
    bursting, steady = column(counted, "CCL4"), column(counted, "RPL36A")
    assert bursting.mean() > 5 and (bursting == 0).mean() > 0.4
    assert steady.mean() < 15 and (steady == 0).mean() < 0.1


def test_the_mean_over_the_genes_of_a_programme_follows_its_planted_level(product):
    _, counted = product
    counts = counted.counts.toarray()
    shown = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    for row, name in enumerate(counted.programmes):
        score = shown[:, panel().programmes[row] > 0].mean(axis=1)
        assert np.corrcoef(counted.levels[:, row], score)[0, 1] > 0.25, name


def test_the_product_divides_and_burns_sugar_more_than_blood(mixed, product):
    for gene in ("MKI67", "LDHA", "IL2RA"):
        means = []
        for counted in (mixed[1], product[1]):
            size = np.asarray(counted.counts.sum(axis=1)).ravel()
            means.append((column(counted, gene)[:600] / size[:600]).mean())
        assert means[1] > 1.5 * means[0], gene


def test_two_assays_of_one_specimen_share_its_biology():
    cells = made(["CD8"] * 600, ["effector"] * 600)
    args = (cells, "tumor", None)
    one, other, elsewhere = (
        draw_counts(stream(seed), *args, sample_rng=stream(specimen)).levels.mean(axis=0)
        for seed, specimen in ((1, 10), (2, 10), (3, 11))
    )
    assert np.abs(one - other).max() < 0.1  # 4 standard errors of 0.45 over 600 cells
    assert np.abs(one - elsewhere).max() > 0.2


def test_bulk_is_the_sum_of_its_cells_at_five_million_counts(product):
    cells, counted = product
    effects = draw_clone_effects(stream(1, "clones"), 2)
    bulk = bulk_counts(
        stream(1, "bulk"), cells, "infusion_product", None, sample_rng=stream(1, "specimen"), clone_effects=effects
    )
    counts = bulk.counts["count"].to_numpy()
    assert bulk.counts["gene"].to_list() == counted.genes
    assert 3e6 < counts.sum() < 8e6
    summed = np.asarray(counted.counts.sum(axis=0)).ravel()
    often = summed > 300
    assert np.corrcoef(np.log(counts[often]), np.log(summed[often]))[0, 1] > 0.96
    assert bulk.counts.filter(gene="TRBV9")["count"].item() == 0
    assert bulk.counts.filter(gene="TRBV19")["count"].item() > 1_000
    means = dict(zip(counted.programmes, counted.levels.mean(axis=0), strict=True))
    assert bulk.levels == pytest.approx(means, abs=0.08)


def test_bulk_libraries_of_one_specimen_differ_more_than_poisson():
    cells = made(["CD8"] * 300)
    libraries = [
        bulk_counts(stream(seed), cells, "tumor", None, sample_rng=stream("one")).counts["count"].to_numpy()
        for seed in (1, 2)
    ]
    shares = [counts / counts.sum() for counts in libraries]
    often = (libraries[0] > 1_000) & (libraries[1] > 1_000)
    spread = np.std(np.log(shares[0][often] / shares[1][often]))
    # Two batches of 0.2, two draws of squared variation 0.02, and the cells' own noise: about 0.35; Poisson has 0.04.
    assert 0.25 < spread < 0.6


def test_bulk_without_t_cells_has_no_level():
    bulk = bulk_counts(stream(1), made(["B"] * 5), "tumor", None, sample_rng=stream(2))
    assert bulk.levels == {}


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"lineage": pl.lit("granulocyte"), "state": pl.lit(None, pl.String)}, "lineage"),
        ({"trbv": pl.lit("TRBV99*01")}, "trbv"),
        ({"trbv": pl.lit("CD4")}, "trbv"),
        ({"doublet_of": pl.lit(4)}, "doublet_of"),
        ({"doublet_of": pl.lit(-1)}, "doublet_of"),
        ({"doublet_of": pl.lit(0)}, "doublet_of"),
    ],
)
def test_cells_that_cannot_be_are_refused(change, column):
    with pytest.raises(TableError) as caught:
        drawn(made(["CD8"] * 4).with_columns(**change))
    assert caught.value.column == column


@pytest.mark.parametrize("name", ["clone", "state", "lineage", "trav", "trbv", "doublet_of"])
def test_a_missing_column_is_named(name):
    with pytest.raises(TableError) as caught:
        drawn(made(["CD8"] * 4).drop(name))
    assert caught.value.column == name


def test_bulk_of_nothing_is_refused():
    with pytest.raises(TableError, match="no cell"):
        bulk_counts(stream(1), made([]), "tumor", None, sample_rng=stream(2))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["CD4", "CD8", "B", "NK", "monocyte"]), max_size=6), st.integers(0, 2**32))
def test_any_cells_give_repeatable_counts(lineages, seed):
    cells = made(lineages, doublets={0: 1} if len(lineages) > 1 else {})
    one, again = drawn(cells, seed=seed), drawn(cells, seed=seed)
    assert one.counts.shape == (len(lineages), 1780)
    assert (one.counts != again.counts).nnz == 0
    assert np.array_equal(one.levels, again.levels)
