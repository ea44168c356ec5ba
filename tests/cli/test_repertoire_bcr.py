from functools import partial

import numpy as np
import polars as pl
import pytest

from tests.commands import exit_code
from tilseq.repertoire import miscounting

NAMES = "sequence_id v_call j_call c_call junction productive duplicate_count sequence_alignment germline_alignment"
HEADER = "\t".join(NAMES.split()) + "\n"
ROWS = [
    "a\tIGHV1-2*01\tIGHJ4*02\tIGHM\tTGTGCGAAATGG\tT\t4\tATGAAACCC\tATGAAACCC",
    "b\tIGHV1-2*02\tIGHJ4*02\tIGHG1\tTGTGCGAACTGG\tT\t3\tatgagaccc\tATGAAACCC",
    "c\tIGHV1-2*01\tIGHJ4*02\tIGHM\tTGTCCCCCCTGG\tT\t3\tATGAAACCC\tATGAAACCC",
    "d\tTRBV2*01\tTRBJ1-1*01\tTRBC1\tTGTGCTTTT\tT\t5\t\t",
    "e\t\tIGHJ4*02\tIGHM\tTGTCCCCCCTGG\tT\t1\t\t",
]


run = partial(exit_code, "repertoire", "bcr")


@pytest.fixture
def path(tmp_path):
    (tmp_path / "day28.tsv").write_text(HEADER + "\n".join(ROWS) + "\n")
    return tmp_path / "day28.tsv"


def test_alignments_that_are_shifted_are_told(path, capsys):
    # CACACAGGG and what stands there one base later have one base in eight alike
    shifted = ROWS[0].replace("ATGAAACCC\tATGAAACCC", "CACACAGGG\tNCACACAGGG")
    path.write_text(HEADER + shifted + "\n" + ROWS[2] + "\n")
    assert run(path, "--threshold", 0.1, "-o", path.parent / "out") == 0
    told = capsys.readouterr().err
    assert "1 of 2 sequences have less than half of V's bases of their germline" in told


def test_tables_of_a_file(path, capsys):
    out = path.parent / "out"
    assert run(path, "--threshold", 0.1, "--count-of", "cells", "-o", out) == 0
    assert pl.read_csv(out / "families.csv").select(
        "family_id", "sequences", "isotypes", "threshold_source"
    ).rows() == [
        ("IGHV1-2.IGHJ4.12.1", 1, "IGHM 1", "set"),
        ("IGHV1-2.IGHJ4.12.2", 2, "IGHM 1; IGHG 1", "set"),
    ]
    assert pl.read_csv(out / "mutation.csv").select("sequence_id", "mutations").rows() == [
        ("a", 0), ("b", 1), ("c", 0), ("e", None),
    ]  # fmt: skip
    assert pl.read_csv(out / "diversity.csv")["locus"].unique().to_list() == ["IGH families"]
    shares = pl.read_csv(out / "isotypes.csv").filter(unit="counts", level="switched")
    assert shares.select("number", "total").rows() == [(3, 11)] and shares["lower"].null_count() == 0
    assert pl.read_csv(out / "exclusions.csv").select("sample", "rule", "rows").rows() == [
        ("day28", "no immunoglobulin", 1)
    ]
    assert pl.read_csv(out / "mutation_load.csv").filter(isotype="all")["families"].to_list() == [2]
    told = capsys.readouterr().err
    assert "day28: threshold of families 0.1 (set)" in told
    assert "day28: 1 heavy chains without V or J gene are of no family" in told
    assert "day28: 1 of 4 sequences have no mutations told, as they have no alignments" in told
    assert "isotype told" not in told and "no limits" not in told


def test_cells_that_are_told_give_counts_of_reads_their_limits(path, capsys):
    out = path.parent / "out"
    assert run(path, "--threshold", 0.1, "--count-of", "reads", "--cells", "day28=11", "-o", out) == 0
    shares = pl.read_csv(out / "isotypes.csv").filter(unit="counts", level="switched")
    # R: qbeta(0.025, x, n - x + 1), qbeta(0.975, x + 1, n - x): 3 of 11 counts, of n = 1 / (2.4 / 11 + 1 / 11) cells
    assert shares.select("lower", "upper").row(0) == pytest.approx((0.00443000862709, 0.86422590438844), abs=1e-9)
    assert "no limits" not in capsys.readouterr().err


def test_how_templates_are_counted_all_files_tell_together(tmp_path):
    rng = np.random.default_rng(4)
    cells = np.concatenate([np.ones(700, int), np.full(20, 10)])
    junctions = ["TGT" + "".join("ACG"[int(d)] for d in np.base_repr(i, 3).zfill(6)) + "TGG" for i in range(720)]
    libraries = []
    for name, share in (("a", 0.1), ("b", 0.4)):
        missed = rng.binomial(cells, share)
        counts = cells - missed + rng.binomial(cells - missed, share / (1 - share))
        libraries.append(counts[counts > 0])
        rows = [
            f"{j}\tIGHV1-2*01\tIGHJ4*02\tIGHM\t{j}\tT\t{n}\t\t" for j, n in zip(junctions, counts, strict=True) if n
        ]
        (tmp_path / f"{name}.tsv").write_text(HEADER + "\n".join(rows) + "\n")
    given = ["--threshold", 0, "--count-of", "templates", "-o", tmp_path / "out"]

    def depths(*names):
        assert run(*(tmp_path / f"{name}.tsv" for name in names), *given) == 0
        found = pl.read_csv(tmp_path / "out" / "diversity.csv").filter(parameter="richness").sort("sample")
        return found["depth"].to_list()

    sums = [counts.sum() for counts in libraries]
    variance = miscounting(libraries).variance
    assert depths("a", "b") == pytest.approx([total / (1 + variance) for total in sums])
    assert depths("a") != pytest.approx([sums[0] / (1 + variance)], rel=0.01)


def test_what_a_file_lacks_is_told(path, capsys):
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    (path.parent / "bare.tsv").write_text("".join("\t".join([*cells[:3], *cells[4:7]]) + "\n" for cells in lines))
    assert run(path.parent / "bare.tsv", "-o", path.parent / "out") == 0
    told = capsys.readouterr().err
    assert (
        "bare: 4 of 4 sequences have no mutations told, as they have no alignments: AIRR's sequence_alignment" in told
    )
    assert "bare: 4 of 4 heavy chains have no isotype told, as they have no c_call" in told
    no_limits = "shares of counts and the diversity of families have no limits (see --count-of, --cells)"
    assert f"bare: counts of unknown meaning: {no_limits}" in told


def test_a_file_that_cannot_be_read_does_not_stop_the_others(path, capsys):
    (path.parent / "bad.tsv").write_text("what\n")
    twice = path.parent / "twice.tsv"
    twice.write_text(HEADER + "\n".join(ROWS[:1] * 2) + "\n")
    assert run(path, path.parent / "bad.tsv", twice, "-o", path.parent / "out") == 4
    told = capsys.readouterr().err
    assert "bad.tsv" in told and "twice.tsv, row 3, column sequence_id" in told
    assert set(pl.read_csv(path.parent / "out" / "families.csv")["sample"]) == {"day28"}
    assert run(path.parent / "bad.tsv", "-o", path.parent / "none") == 3
    assert not (path.parent / "none").exists()


def test_faulty_calls(path):
    assert run(path, "--threshold", 1.5, "-o", path.parent) == 2
    assert run(path, path, "-o", path.parent) == 2
    assert run(path) == 2
