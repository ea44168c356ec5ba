"""Bad input to what is told of infused clones: each case runs the command, and sees a clear error or a verdict."""

import hashlib

import numpy as np
import polars as pl
import pytest
from anndata import AnnData

from tests.commands import exit_code

HEADER = "v_call\tj_call\tjunction\tjunction_aa\tduplicate_count\n"
CONTIGS = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,c_gene,productive,cdr3,cdr3_nt,reads,umis\n"
PRODUCT, BLOOD = {"AAA": 60, "CCC": 40}, {"AAA": 30, "GGG": 70}
STUDY = {
    "study.yaml": "study: demo\nvisits:\n  product: {day: 0}\n  D28: {day: 28, window: 3}\n",
    "subjects.csv": "subject,tumor_type\nS01,melanoma\nS02,melanoma\n",
    "infusions.csv": "subject,infusion,day,lot\nS01,1,0,L1\nS02,1,0,L2\n",
    "samples.csv": "sample,subject,visit,day,specimen,assay,path\n"
    "S01_prod,S01,product,,infusion_product,tcr,raw/a.tsv\n"
    "S01_D28,S01,D28,28,blood,tcr,raw/b.tsv\nS02_prod,S02,product,,infusion_product,tcr,raw/c.tsv\n"
    "S02_D28,S02,D28,28,blood,tcr,raw/d.tsv\n",
}  # fmt: skip


@pytest.fixture
def run(capsys):
    """Run a command; return its exit code and what it said."""

    def run(*arguments):
        code, told = exit_code(*arguments), capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def table(tmp_path):
    """Write a clonotype table: junction → count."""

    def write(name, counts, gene="TRB"):
        lines = [f"{gene}V1\t{gene}J1-1\t{junction}\tCAF\t{count}\n" for junction, count in counts.items()]
        (tmp_path / name).write_text(HEADER + "".join(lines))
        return tmp_path / name

    return write


@pytest.fixture
def track(run, table, tmp_path):
    """Follow blood against a product with `tilseq repertoire track`; return exit code, what it said and its tables."""

    def track(blood, products, *more, count_of="templates"):
        paths = [table(name, counts) for name, counts in blood.items()]
        given = [one for name, counts in products.items() for one in ("--product", table(name, counts))]
        out = tmp_path / "out"
        counted = ("--count-of", count_of) if count_of else ()
        code, told = run("repertoire", "track", *paths, *given, "-o", out, *counted, *more)
        return code, told, {path.stem: pl.read_csv(path, infer_schema=False) for path in out.glob("*.csv")}

    return track


@pytest.fixture
def check(run, tmp_path):
    """Check the study with files changed: file → (old, new); return the exit code and what was said."""

    def check(**changes):
        texts = {**STUDY, **{f"raw/{name}.tsv": f"clonotypes {name}\n" for name in "abcd"}}
        for name, (old, new) in changes.items():
            file = {"a": "raw/a.tsv", "c": "raw/c.tsv"}.get(name, f"{name}.csv")
            assert old in texts[file]
            texts[file] = texts[file].replace(old, new)
        for name, text in texts.items():
            path = tmp_path / "study" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return run("check", tmp_path / "study")

    return check


def test_the_study_itself_is_sound(check):
    assert check()[0] == 0


# GEX and TCR barcodes overlap by less than half


@pytest.mark.parametrize(("shared", "code"), [(4, 3), (5, 0)])
def test_gex_and_tcr_barcodes_overlap(run, table, tmp_path, shared, code):
    cells = [f"C{number}-1" for number in range(10)]
    lines = [f"{cell},true,{cell}_1,true,TRB,TRBV1,TRBJ1,,true,CAF,AAA,9,9\n" for cell in cells]
    (tmp_path / "blood.csv").write_text(CONTIGS + "".join(lines))
    data = AnnData(np.ones((10, 1), np.float32))
    data.obs_names = [*cells[:shared], *(f"G{number}-1" for number in range(10 - shared))]
    data.write_h5ad(tmp_path / "gex.h5ad")
    files = (tmp_path / "blood.csv", "--product", table("product.tsv", PRODUCT), "--h5ad", f"blood={tmp_path}/gex.h5ad")
    found, told = run("repertoire", "label", *files, "-o", tmp_path / "out")
    assert found == code
    assert (tmp_path / "out" / "blood.h5ad").exists() == (code == 0)
    if code:
        assert "too few barcodes stand in both: expression and receptors are of other cells" in told
        assert "4 in 10 cells and 10 labels, 40 %" in told


# A sample or a file twice


def test_a_sample_twice_is_refused(check):
    code, told = check(samples=("S02_D28,S02", "S01_D28,S02"))
    assert code == 3
    assert "samples.csv, row 5, column sample: this sample stands in row 3 already; found 'S01_D28'" in told


def test_a_file_twice_is_refused_by_its_sha_256(check, track, run, table, tmp_path):
    code, told = check(c=("clonotypes c", "clonotypes a"))
    assert code == 3
    assert "the same content as 'raw/a.tsv' of 'S01_prod' in row 2; found 'raw/c.tsv'" in told
    code, told, tables = track({"day28.tsv": BLOOD}, {"product.tsv": PRODUCT, "again.tsv": PRODUCT})
    assert (code, tables) == (2, {})
    assert "are the same file, byte for byte; give it once" in told
    one, two = (hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("product.tsv", "again.tsv"))
    assert one == two
    (tmp_path / "blood.csv").write_text(CONTIGS)
    products = [part for name in ("product.tsv", "again.tsv") for part in ("--product", tmp_path / name)]
    code, told = run("repertoire", "label", tmp_path / "blood.csv", *products, "-o", tmp_path / "labels")
    assert code == 2
    assert "are the same file, byte for byte; give it once" in told


def test_two_subjects_with_one_file_are_refused(check):
    code, told = check(samples=("raw/d.tsv", "raw/b.tsv"))
    assert code == 3
    assert "samples.csv, row 5, column path: this file is that of 'S01_D28' in row 3; found 'raw/b.tsv'" in told


# Identifiers


def test_ids_stay_text(track):
    names = ["007", "1E5", "NA", "None", "TRUE", "2024-03-01"]
    blood = {f"{name}.tsv": {"AAA": 30, "GGG": 70 + number} for number, name in enumerate(names)}
    code, _, tables = track(blood, {"product.tsv": PRODUCT})
    assert code == 0
    assert set(tables["persistence"]["sample"]) == set(names)
    assert set(tables["clones"]["sample"]) == {*names, "product"}


@pytest.mark.parametrize(
    ("subjects", "told"),
    [
        ("A1,A2,a1", "differs only in case or Unicode form"),
        ("A1,A2,A1 ", "holds a space at one end"),
        ("A1,A2,A\u200b1", "holds an invisible character"),
        ("S\u00e9,A2,Se\u0301", "differs only in case or Unicode form"),
    ],
    ids=["case", "trailing space", "zero-width", "NFC and NFD"],
)
def test_ids_that_are_twins_are_reported(check, subjects, told):
    rows = "".join(f"{name},melanoma\n" for name in subjects.split(","))
    code, said = check(subjects=("S01,melanoma\n", f"S01,melanoma\n{rows}"))
    assert code == 3
    assert "subjects.csv, row 5, column subject: this" in said and told in said


# Dates and days


def test_a_date_that_reads_in_two_ways_is_refused(check):
    code, told = check(
        samples=("visit,day,specimen", "visit,date,specimen"),
        infusions=("day,lot\nS01,1,0", "date,lot\nS01,1,03/04/2024"),
    )
    assert code == 3
    assert "no date that reads in one way only; found '03/04/2024'" in told


def test_the_same_day_twice_needs_a_replicate(check):
    row = "S01_D28b,S01,D28,28,blood,tcr,raw/e.tsv\n"
    code, told = check(samples=("S02_D28,S02,D28,28,blood,tcr,raw/d.tsv\n", row.replace("e.tsv", "d.tsv")))
    assert code == 3
    assert "samples.csv, row 5" in told and "replicate" in told


def test_two_products_that_name_no_lot_are_refused(check):
    code, told = check(samples=("S02_D28,S02,D28,28,blood", "S01_again,S01,product,1,infusion_product"))
    assert code == 3
    assert "a second product of this subject beside row 2, and not both name their lot" in told


# What is not there, and what cannot be told


def test_a_clone_absent_at_500_against_500000_reads_is_below_detection(track):
    blood = {"shallow.tsv": {"AAA": 400, "GGG": 100}, "deep.tsv": {"AAA": 400_000, "GGG": 100_000}}
    code, _, tables = track(blood, {"product.tsv": {"AAA": 5_000, "CCC": 5_000}})
    assert code == 0
    rows = tables["clones"].filter(junction="CCC").select("sample", "call", "value_text").sort("sample").rows()
    # 1 - 0.05 ** (1 / 500) and 1 - 0.05 ** (1 / 500000), by bc
    assert rows == [
        ("deep", "absent", "below detection (limit 5.99e-06)"),
        ("product", "present", None),
        ("shallow", "indeterminate", "below detection (limit 0.00597)"),
    ]
    upper = tables["clones"].filter(junction="CCC", sample="shallow")["upper"].cast(pl.Float64).item()
    assert upper == pytest.approx(1 - 0.025 ** (1 / 500))
    nothing = {"none.tsv": {"GGG": 500}}
    _, told, tables = track(nothing, {"product.tsv": {"AAA": 5_000, "CCC": 5_000}}, count_of=None)
    row = tables["persistence"].filter(measure="mass").row(0, named=True)
    assert row["value"] is None  # reads of unknown cells: neither 0 nor a limit
    assert "no limits and no common depth" in told


def test_no_product_is_refused(run, table, tmp_path):
    code, told = run("repertoire", "track", table("day28.tsv", BLOOD), "-o", tmp_path / "out")
    assert code == 2
    assert "Missing option '--product'" in told


def test_a_product_without_a_clonotype_is_refused_beside_another(track, run, tmp_path):
    code, told, tables = track({"day28.tsv": BLOOD}, {"product.tsv": PRODUCT, "lot2.tsv": {}})
    assert (code, tables) == (3, {})
    assert "lot2.tsv holds no clonotype: what it would show is not known, and no clone is absent" in told
    (tmp_path / "cells.csv").write_text(CONTIGS + "C-1,true,C-1_1,true,TRB,TRBV1,TRBJ1,,true,CAF,AAA,9,9\n")
    products = [part for name in ("product.tsv", "lot2.tsv") for part in ("--product", tmp_path / name)]
    code, told = run("repertoire", "label", tmp_path / "cells.csv", *products, "-o", tmp_path / "labels")
    assert code == 3
    assert (
        "a library of the product has no clonotype of TRA or TRB: what it would show is not known; found 'lot2'" in told
    )


def test_product_lots_that_disagree_are_told(track):
    lots = {"lot1.tsv": PRODUCT, "lot2.tsv": {"TTT": 500, "GGG": 500}}
    code, told, _ = track({"day28.tsv": BLOOD}, lots)
    assert code == 0
    assert "lot1: clones of the other lots hold 0 of its 100 counts: is it a product of this subject?" in told
    _, told, _ = track({"day28.tsv": BLOOD}, {"lot1.tsv": PRODUCT, "lot2.tsv": {"AAA": 500, "GGG": 500}})
    assert "is it a product of this subject" not in told


def test_a_visit_without_cells_stated_is_told_and_the_others_are_compared(track):
    blood = {"day7.tsv": BLOOD, "day28.tsv": {"AAA": 10, "GGG": 50}, "day84.tsv": {"AAA": 5, "GGG": 70}}
    cells = [part for name in ("day7=50", "day28=50", "product=200") for part in ("--cells", name)]
    code, told, tables = track(blood, {"product.tsv": PRODUCT}, *cells, count_of="reads")
    assert code == 0
    assert "day84: the cells behind TRB are not known: no limits, and nothing at the depth that other samples" in told
    compared = tables["persistence"].filter(measure="clones_at_n")["sample"].to_list()
    assert sorted(compared) == ["day28", "day7"]


def test_cells_stated_below_the_clones_seen_are_told(track):
    many = {f"A{one}{two}CAC": 9 for one in "ACGT" for two in "ACGT"}
    code, told, _ = track({"day7.tsv": many}, {"product.tsv": PRODUCT}, "--cells", "day7=15")
    assert code == 0
    assert "day7: TRB: 16 clones are more than 15 cells can hold: too few cells are told" in told
