import gzip

import anndata
import polars as pl
import pytest

from tilseq.simulate.folder.cells import write_bulk_rna, write_single_cells

SAMPLE = "SIM-01_D28_sc"


@pytest.fixture(scope="module")
def context(tmp_path_factory, make_context):
    return make_context(tmp_path_factory.mktemp("cells"), single_cells=1_500)


@pytest.fixture(scope="module")
def written(context, samples_by_name):
    return write_single_cells(context, samples_by_name(context)[SAMPLE], receptors=True)


@pytest.fixture(scope="module")
def truth(context, written, read_truth):
    return read_truth(context.folder, f"truth/cells/{SAMPLE}.csv.gz")


@pytest.fixture(scope="module")
def matrix(context, written):
    return anndata.read_h5ad(context.folder / "raw" / "scrna" / f"{SAMPLE}.h5ad")


@pytest.fixture(scope="module")
def contigs(context, written):
    packed = (context.folder / "raw" / "sctcr" / f"{SAMPLE}tcr.csv.gz").read_bytes()
    return pl.read_csv(gzip.decompress(packed))


def test_each_barcode_is_one_row_of_counts_and_of_truth(matrix, truth):
    # 1,500 cells, of which 1.2 % of the droplets hold two.
    doublets = truth["doublet"].sum()
    assert doublets == pytest.approx(18, abs=4 * 18**0.5)
    assert truth.height == 1_500 - doublets
    assert matrix.obs_names.to_list() == truth["barcode"].to_list()
    assert truth["barcode"].n_unique() == truth.height
    assert set(matrix.obs["sample"]) == {SAMPLE}
    assert (matrix.X.sum(axis=1) > 0).all()
    assert (matrix.X.data >= 1).all()


def test_a_doublet_holds_both_cells(matrix, truth):
    whole = truth.with_columns(umis=pl.Series(matrix.X.sum(axis=1).A1))
    t_cells = whole.filter(pl.col("state").is_not_null())
    assert t_cells.filter("doublet")["umis"].median() > 1.4 * t_cells.filter(~pl.col("doublet"))["umis"].median()
    assert truth.filter(~pl.col("doublet"))["second_clone"].count() == 0
    assert truth.filter("doublet")["second_clone"].count() > 0


def test_genes_tell_the_kinds_of_cells_apart(matrix, truth):
    cd8, cd4, b_cell = ((truth["lineage"] == name).to_numpy() for name in ("CD8", "CD4", "B"))
    genes = matrix.to_df()
    assert genes["CD8A"][cd8].mean() > 4 * genes["CD8A"][~cd8].mean()
    assert genes["CD4"][cd4].mean() > 4 * genes["CD4"][cd8].mean()  # monocytes have it too
    assert genes["MS4A1"][b_cell].mean() > 4 * genes["MS4A1"][~b_cell].mean()


def test_contigs_are_of_the_same_cells(matrix, truth, contigs):
    assert set(contigs["barcode"]) < set(matrix.obs_names)
    t_cells = truth.filter(pl.col("state").is_not_null())
    assert t_cells["barcode"].is_in(contigs["barcode"].implode()).mean() > 0.95
    others = truth.filter(pl.col("state").is_null() & ~pl.col("doublet"))
    assert others.height > 100
    assert others["barcode"].is_in(contigs["barcode"].implode()).mean() < 0.05  # ambient ones alone


def test_chains_are_those_of_the_true_clone(context, truth, contigs):
    beta = contigs.filter(
        (pl.col("chain") == "TRB") & (pl.col("productive").cast(pl.String).str.to_lowercase() == "true")
    )
    single = truth.filter(pl.col("clone").is_not_null() & ~pl.col("doublet"))
    largest = beta.sort("umis", descending=True).unique("barcode", keep="first", maintain_order=True)
    joined = single.join(largest, on="barcode").join(
        context.subject.clones.select("clone", "trb_junction", "lineage"), on="clone"
    )
    assert joined.height > 500
    assert (joined["cdr3_nt"] == joined["trb_junction"]).mean() > 0.99
    assert joined["lineage"].equals(joined["lineage_right"].alias("lineage"))


def test_v_genes_are_among_the_counts(context, matrix, truth):
    genes = matrix.to_df()
    own = truth.select("barcode", "clone").join(context.subject.clones, on="clone", how="left", maintain_order="left")
    for gene in ("TRBV20-1", "TRBV7-9"):
        carries = (own["trb_v_call"] == f"{gene}*01").fill_null(value=False).to_numpy()
        assert carries.sum() > 20
        assert genes[gene][carries].mean() > 5 * genes[gene][~carries].mean()


def test_rows_join_the_two_files_of_a_library(written):
    counts, receptors = written["samples"]
    assert (counts["sample"], counts["assay"]) == (SAMPLE, "scrna")
    assert (receptors["sample"], receptors["assay"]) == (f"{SAMPLE}tcr", "tcr")
    assert counts["path"] == f"raw/scrna/{SAMPLE}.h5ad"
    assert receptors["path"] == f"raw/sctcr/{SAMPLE}tcr.csv.gz"
    assert counts["library"] == receptors["library"] == SAMPLE
    same = ("subject", "visit", "day", "specimen", "specimen_id", "run")
    assert [counts[name] for name in same] == [receptors[name] for name in same]


def test_receptors_are_left_out_where_they_are_not_measured(tmp_path, make_context, samples_by_name, context, written):
    alone = make_context(tmp_path, single_cells=1_500)
    rows = write_single_cells(alone, samples_by_name(alone)[SAMPLE], receptors=False)
    assert rows["samples"] == written["samples"][:1]
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == ["scrna"]
    for name in (f"raw/scrna/{SAMPLE}.h5ad", f"truth/cells/{SAMPLE}.csv.gz"):
        assert (tmp_path / name).read_bytes() == (context.folder / name).read_bytes()


def test_cells_of_a_product_are_infused_and_those_of_a_tumour_not(context, samples_by_name, read_truth):
    for visit, infused in (("product", True), ("harvest", False)):
        sample = samples_by_name(context)[f"SIM-01_{visit}_sc"]
        write_single_cells(context, sample, receptors=True)
        cells = read_truth(context.folder, f"truth/cells/{sample.name}.csv.gz").filter(pl.col("state").is_not_null())
        assert set(cells["infused"]) == {infused}


@pytest.fixture(scope="module")
def bulk(context, samples_by_name):
    return {
        visit: write_bulk_rna(context, samples_by_name(context)[f"SIM-01_{visit}_rna"]) for visit in ("harvest", "D28")
    }


def test_a_bulk_library_is_one_column_of_counts_and_its_programmes(context, bulk, read_truth):
    for visit, rows in bulk.items():
        name = f"SIM-01_{visit}_rna"
        (row,) = rows["samples"]
        assert (row["sample"], row["assay"], row["run"]) == (name, "bulk_rna", f"rna-{visit}")
        table = read_truth(context.folder, row["path"], separator="\t")
        assert table.width >= 2
        assert table.to_series(0).n_unique() == table.height
        assert table.to_series(-1).sum() > 10_000
        assert {one["sample"] for one in rows["programmes"]} == {name}
        assert len({one["programme"] for one in rows["programmes"]}) == len(rows["programmes"])


def test_bulk_and_single_cells_agree_on_what_is_where(bulk, truth):
    levels = {visit: {r["programme"]: r["mean_level"] for r in rows["programmes"]} for visit, rows in bulk.items()}
    programmes = set(levels["D28"]) & set(truth.columns)
    assert len(programmes) >= 8
    t_cells = truth.filter(pl.col("state").is_not_null())
    means = t_cells.select(pl.col(sorted(programmes)).mean()).row(0, named=True)
    # One blood draw, seen twice: programme by programme the same level, within what 2,000 cells tell.
    for name, mean in means.items():
        spread = t_cells[name].std() * (1 / t_cells.height + 1 / 2_000) ** 0.5
        assert levels["D28"][name] == pytest.approx(mean, abs=6 * spread)
    # The tumour is the exhausted one.
    exhausted = next(name for name in programmes if "exhaust" in name and "terminal" in name)
    assert levels["harvest"][exhausted] > levels["D28"][exhausted]
