from functools import partial

import numpy as np
import polars as pl
import pytest

from tests.commands import exit_code

HEADER = "sequence_id\tv_call\tj_call\tjunction\tjunction_aa\tproductive\tumi_count\n"


@pytest.fixture
def folder(tmp_path):
    def write(name, rows, gene="TRB"):
        lines = [f"{i}\t{gene}V1\t{gene}J1-1\t{nt}\t{aa}\t{ok}\t{n}\n" for i, (nt, aa, ok, n) in enumerate(rows)]
        (tmp_path / name).write_text(HEADER + "".join(lines))

    write("product.tsv", [("AAA", "CAF", "T", 70), ("CCC", "CPF", "T", 10), ("GGG", "CGF", "T", 20)])
    write(
        "day7.tsv", [("AAA", "CAF", "T", 10), ("CCC", "CPF", "T", 5), ("TTT", "CLLF", "T", 3), ("ACG", "CTF", "F", 9)]
    )
    write("day28.tsv", [("TTT", "CLLF", "T", 39), ("AAG", "CAF", "T", 1)])
    write("before.tsv", [("CCC", "CPF", "T", 8), ("TTT", "CLLF", "T", 3992)])
    write("alpha.tsv", [("AAA", "CAF", "T", 10)], gene="TRA")
    (tmp_path / "cut.tsv").write_text(HEADER + "1\tTRBV1\n")
    return tmp_path


run = partial(exit_code, "repertoire", "track")


def run_of_templates(*arguments):
    """Run with files whose counts are of templates."""
    for file in {argument for argument in arguments if str(argument).endswith(".tsv")}:
        file.write_text(file.read_text().replace("umi_count", "duplicate_count"))
    return run(*arguments, "--count-of", "templates")


def values(folder):
    rows = pl.read_csv(folder / "persistence.csv").iter_rows(named=True)
    return {(row["sample"], row["measure"]): row["value"] for row in rows}


def test_persistence_and_exclusions(folder, capsys):
    given = ["--product", folder / "product.tsv", "-o", folder]
    assert run_of_templates(folder / "day7.tsv", folder / "day28.tsv", *given) == 0
    found = values(folder)
    assert found["day28", "mass"] == found["day28", "product_mass_kept"] == 0
    assert found["day7", "mass"] == pytest.approx(15 / 18, rel=1e-9)
    assert found["day7", "product_mass_kept"] == pytest.approx(0.8)
    assert found["day7", "clones_at_n"] == pytest.approx(2 / 3)  # 18 cells are in common, which day 7 has
    assert found["day28", "clones_at_n"] == 0
    excluded = pl.read_csv(folder / "exclusions.csv").select("sample", "rule", "rows", "counts").rows()
    assert excluded == [("day7", "not productive", 1, 9)]
    assert "day7: 1 row (9 counts) left out: not productive" in capsys.readouterr().err


def test_what_was_found_is_told_and_what_unknown_cells_cost(folder, capsys):
    for name in ("product.tsv", "day7.tsv"):
        (folder / f"reads_{name}").write_text((folder / name).read_text().replace("umi_count", "duplicate_count"))
    given = ["--product", folder / "reads_product.tsv", "-o", folder]
    assert run(folder / "reads_day7.tsv", folder / "day28.tsv", *given, "--cells", "day28=4000000") == 0
    told = capsys.readouterr().err.splitlines()
    unknown = "as the cells behind counts of unknown meaning are not known (see --count-of, --cells, --replicates)"
    assert f"reads_product: no clone is absent from it and none is tested for change, {unknown}" in told
    assert f"reads_day7: no limits and no common depth, {unknown}" in told
    # 15 of 18; none of 40 cells: 1 - 0.05 ** (1 / 40) = 7.22 %
    assert told[-3:] == [
        "reads_day7: clones of the product hold 83.3 % of TRB",
        "day28: clones of the product are not seen in TRB: below 7.22 %, by 40 cells alone",
        f"wrote {folder}",
    ]


def test_clones_origins_and_near_matches(folder):
    given = ["--product", folder / "product.tsv", "--baseline", folder / "before.tsv", "-o", folder]
    assert run_of_templates(folder / "day7.tsv", folder / "day28.tsv", *given, "--threshold", "0.05") == 0
    origins = dict(pl.read_csv(folder / "origins.csv").select("junction", "origin").iter_rows())
    assert origins == {
        "AAA": "infused_only",
        "CCC": "infused_and_preexisting",
        "GGG": "infused_only",
        "TTT": "preexisting_only",
        "AAG": "indeterminate",
    }
    assert values(folder)["day7", "mass_new"] == pytest.approx(10 / 18, rel=1e-9)
    assert ("before", "mass_new") not in values(folder)
    clones = pl.read_csv(folder / "clones.csv")
    calls = {(row["sample"], row["junction"]): row["call"] for row in clones.iter_rows(named=True)}
    assert [calls["day7", "AAA"], calls["before", "AAA"], calls["day28", "AAA"]] == [
        "present",
        "absent",
        "indeterminate",
    ]
    near = pl.read_csv(folder / "near_matches.csv").select("sample", "junction", "kind", "product_junction").rows()
    assert near == [("day28", "AAG", "other_nucleotides", "AAA")]


def test_a_sample_of_another_locus_is_told_and_the_others_go_on(folder, capsys):
    assert run(folder / "alpha.tsv", folder / "day7.tsv", "--product", folder / "product.tsv", "-o", folder) == 4
    assert "alpha.tsv: sample and reference have no locus in common; found 'TRA against TRB'" in capsys.readouterr().err
    assert {sample for sample, _ in values(folder)} == {"day7"}


def test_a_faulty_file(folder, capsys):
    assert run(folder / "cut.tsv", folder / "day7.tsv", "--product", folder / "product.tsv", "-o", folder) == 4
    assert "cut.tsv, row 2: this row has fewer cells" in capsys.readouterr().err
    assert run(folder / "day7.tsv", "--product", folder / "cut.tsv", "-o", folder) == 3
    assert run(folder / "day7.tsv", "-o", folder) == 2


def test_the_cells_of_each_sample(folder):
    arguments = ["--product", folder / "product.tsv", "-o", folder, "--cells", "day7=9"]
    assert run(folder / "day7.tsv", *arguments) == 0
    (worth,) = set(pl.read_csv(folder / "persistence.csv")["n_effective"])
    assert worth == pytest.approx(4.09090909)  # 1 / (1.7 / 9 + 1 / 18)
    for wrong in ("day8=9", "day7=0", "day7=x", "day7", "day7=-3"):
        assert run(folder / "day7.tsv", *arguments[:-1], wrong) == 2


def test_lots_of_a_product_are_taken_together(folder, capsys):
    text = (folder / "product.tsv").read_text()
    (folder / "lot2.tsv").write_text(text.replace("AAA", "TTT"))
    products = ["--product", folder / "product.tsv", "--product", folder / "lot2.tsv"]
    assert run(folder / "day7.tsv", *products, "-o", folder) == 0
    # day 7 holds 10 AAA, 5 CCC, 3 TTT; both lots together 70 AAA, 70 TTT, 20 CCC, 40 GGG
    assert values(folder)["day7", "mass"] == 1
    assert values(folder)["day7", "product_mass_kept"] == pytest.approx(0.8)
    assert run(folder / "day7.tsv", *products, *products[:2], "-o", folder) == 2
    assert "two files are both sample 'product'" in capsys.readouterr().err
    (folder / "reads.tsv").write_text(text.replace("umi_count", "duplicate_count"))
    assert run(folder / "day7.tsv", *products[:3], folder / "reads.tsv", "-o", folder) == 3
    assert "count different things cannot be summed; found 'umis, unknown'" in capsys.readouterr().err


def test_changes_from_the_product_and_from_sample_to_sample(folder):
    given = ["--product", folder / "product.tsv", "-o", folder]
    assert run_of_templates(folder / "day7.tsv", folder / "before.tsv", *given) == 0
    rows = pl.read_csv(folder / "change.csv")
    pairs = rows.select("sample_before", "sample_after").unique().sort(pl.all()).rows()
    assert pairs == [("day7", "before"), ("product", "before"), ("product", "day7")]
    found = rows.filter(sample_before="product", sample_after="before", junction="AAA").row(0, named=True)
    assert (found["call"], found["cells_before"], found["cells_after"]) == ("contracted", 70, 0)


def test_replicates_tell_the_cells_of_reads(folder):
    random, header = np.random.default_rng(4), HEADER.replace("umi_count", "duplicate_count")
    junctions = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    for name in ("one", "two"):
        cells = random.multinomial(1000, np.full(64, 1 / 64))
        reads = random.multinomial(50_000, cells / 1000)
        rows = [f"{i}\tTRBV1\tTRBJ1-1\t{junctions[i]}\tCAF\tT\t{n}\n" for i, n in enumerate(reads) if n]
        (folder / f"{name}.tsv").write_text(header + "".join(rows))
    product = (folder / "product.tsv").read_text().replace("umi_count", "duplicate_count")
    (folder / "product.tsv").write_text(product)
    given = [folder / "one.tsv", folder / "two.tsv", "--product", folder / "product.tsv", "-o", folder]
    assert run(*given, "--count-of", "reads") == 0
    assert pl.read_csv(folder / "persistence.csv")["n_effective"].null_count() > 0
    assert run(*given, "--count-of", "reads", "--replicates", "one,two") == 0
    assert 600 < pl.read_csv(folder / "persistence.csv")["n_effective"].min() < 1600


def test_a_sample_that_shares_nothing_is_asked_about(folder, capsys):
    given = ["--product", folder / "product.tsv", "-o", folder]
    assert run(folder / "day7.tsv", folder / "day28.tsv", *given) == 0
    told = capsys.readouterr().err
    assert "day28: clones of product and baseline hold 0 of its counts: is it of this subject?" in told
    assert "day7: clones of product and baseline" not in told


def test_a_product_and_blood_that_were_exchanged_are_told(folder, capsys):
    def write(name, *rows):
        lines = [f"{i}\tTRBV1\tTRBJ1-1\t{nt}\tCAF\tT\t{n}\n" for i, (nt, n) in enumerate(rows)]
        (folder / name).write_text(HEADER + "".join(lines))

    write("lot.tsv", ("AAA", 470), ("CCC", 30))
    write("blood.tsv", ("AAA", 450), ("TTT", 50))
    given = ["--baseline", folder / "before.tsv", "-o", folder / "out"]
    assert run(folder / "blood.tsv", "--product", folder / "lot.tsv", *given) == 0
    assert "exchanged" not in capsys.readouterr().err
    write("lot.tsv", ("AAA", 500), ("GGG", 1))
    assert run(folder / "lot.tsv", "--product", folder / "blood.tsv", *given) == 0
    told = "lot: of blood before the infusion the product holds 10.0% in clones that this sample lacks"
    assert told in capsys.readouterr().err


def test_a_file_that_stands_twice_is_refused(folder, capsys):
    (folder / "again.tsv").write_bytes((folder / "product.tsv").read_bytes())
    assert run(folder / "again.tsv", "--product", folder / "product.tsv", "-o", folder) == 2
    assert "are the same file, byte for byte" in capsys.readouterr().err


def test_the_same_clones_in_a_file_of_other_bytes_are_refused(folder, capsys):
    junctions = ("AAA", "AAC", "AAG", "AAT", "ACA", "ACC", "ACG", "ACT", "AGA", "AGC")
    rows = [f"{n}\tTRBV1\tTRBJ1-1\t{junction}\tCKF\tT\t{n}\n" for n, junction in enumerate(junctions, start=1)]
    (folder / "large.tsv").write_text(HEADER + "".join(rows))
    (folder / "turned.tsv").write_bytes((HEADER + "".join(reversed(rows))).replace("\n", "\r\n").encode())
    lots = ["--product", folder / "large.tsv", "--product", folder / "turned.tsv"]
    assert run(folder / "before.tsv", *lots, "-o", folder / "out") == 2
    assert "large and turned hold the same clonotypes in the same shares" in capsys.readouterr().err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("threshold", ["nan", "0", "2"])
def test_a_threshold_that_is_no_share_is_refused(folder, threshold):
    given = ["--product", folder / "product.tsv", "-o", folder, "--threshold", threshold]
    assert run(folder / "day7.tsv", *given) in (2, 3)
