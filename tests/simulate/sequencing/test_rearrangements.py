import gzip
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from tilseq.io.clonotypes import read_clonotypes
from tilseq.simulate.files import write_gzip_table
from tilseq.simulate.sequencing.rearrangements import rearrangements

CLONES = pl.DataFrame(
    [
        ("TRBV9*01", "TRBD1*01", "TRBJ1-1*01", "TGTGCCTTT", "CAF", 3, 9),
        ("TRBV2*01", None, "TRBJ2-7*01", "TGTGCATTT", "CAF", 3, 5),
        ("TRBV5-1*01", "TRBD2*01", "TRBJ2-1*01", "TGTTCCTTT", "CSF", 0, 0),
        ("TRBV19*01", "TRBD1*01", "TRBJ1-2*01", "TGTAGCTTC", "CSF", 12, 40),
    ],
    schema=["v_call", "d_call", "j_call", "junction", "junction_aa", "counted", "reads"],
    orient="row",
)


def test_most_abundant_first_ties_by_junction_the_uncounted_left_out():
    table = rearrangements(CLONES, "S_D7_tcr")
    assert table.columns == [
        *("sequence_id", "sequence", "rev_comp", "productive", "v_call", "d_call", "j_call", "sequence_alignment"),
        *("germline_alignment", "junction", "junction_aa", "v_cigar", "d_cigar", "j_cigar", "locus", "duplicate_count"),
    ]
    assert table.drop(
        "sequence", "sequence_alignment", "germline_alignment", "v_cigar", "d_cigar", "j_cigar"
    ).rows() == [
        ("S_D7_tcr.1", "F", "T", "TRBV19*01", "TRBD1*01", "TRBJ1-2*01", "TGTAGCTTC", "CSF", "TRB", 12),
        ("S_D7_tcr.2", "F", "T", "TRBV2*01", None, "TRBJ2-7*01", "TGTGCATTT", "CAF", "TRB", 3),
        ("S_D7_tcr.3", "F", "T", "TRBV9*01", "TRBD1*01", "TRBJ1-1*01", "TGTGCCTTT", "CAF", "TRB", 3),
    ]


def test_umis_have_their_reads_beside_them():
    table = rearrangements(CLONES, "s", "umis")
    assert table.columns[-3:] == ["locus", "consensus_count", "umi_count"]
    assert table.select("consensus_count", "umi_count").rows() == [(40, 12), (5, 3), (9, 3)]
    assert rearrangements(CLONES.drop("reads"), "s", "umis").columns[-2:] == ["locus", "umi_count"]


@pytest.mark.parametrize(("count_of", "concluded"), [("umis", "umis"), ("templates", "unknown"), ("reads", "unknown")])
def test_the_reader_concludes_what_is_counted(tmp_path, count_of, concluded):
    # AIRR leaves open what duplicate_count counts, so the reader must not guess.
    write_gzip_table(rearrangements(CLONES, "s", count_of), tmp_path / "s.tsv.gz")
    read = read_clonotypes(tmp_path / "s.tsv.gz")
    assert (read.dialect, read.count_of) == ("airr", concluded)
    assert read.table.select("locus", "junction", "duplicate_count").rows() == [
        ("TRB", "TGTAGCTTC", 12),
        ("TRB", "TGTGCATTT", 3),
        ("TRB", "TGTGCCTTT", 3),
    ]
    assert read.exclusions.is_empty()
    assert read.warnings == ()


def test_chains_of_b_cells_keep_their_constant_gene_and_locus():
    rows = {
        "v_call": ["IGHV3-23*01", "IGKV1-39*01", "IGLV2-14*01", "TRAV5*01"],
        "j_call": ["IGHJ4*02", "IGKJ1*01", "IGLJ2*01", "TRAJ9*01"],
        "junction": ["TGTGCGTGG", "TGTCAATTT", "TGCAGCTTC", "TGTGCATTT"],
        "junction_aa": ["CAW", "CQF", "CSF", "CAF"],
        "c_call": ["IGHG1", None, None, None],
        "counted": [4, 3, 2, 1],
    }
    table = rearrangements(pl.DataFrame(rows), "s")
    assert table["locus"].to_list() == ["IGH", "IGK", "IGL", "TRA"]
    assert table.columns[5:8] == ["d_call", "j_call", "c_call"]
    assert table["c_call"].to_list() == ["IGHG1", None, None, None]
    given = pl.DataFrame(rows).with_columns(v_call=pl.lit(None, pl.String), locus=pl.lit("IGH"))
    assert set(rearrangements(given, "s")["locus"]) == {"IGH"}


def test_a_library_without_a_count_is_a_header():
    table = rearrangements(CLONES.with_columns(counted=0), "s")
    assert table.height == 0
    assert table.columns[-1] == "duplicate_count"


SCRIPT = """
import sys
from pathlib import Path
import polars as pl
from tilseq.simulate.files import write_gzip_table
rows = [("TGTGCC" + "ACGT"[i % 4] * (i % 9) + "TTT", i / 7) for i in range(5000)]
write_gzip_table(pl.DataFrame(rows, schema=["junction", "share"], orient="row"), Path(sys.argv[1]))
"""


def test_a_table_has_the_same_bytes_in_any_process(tmp_path):
    digests = set()
    for seed in ("0", "1", "12345"):
        path = tmp_path / f"{seed}.csv.gz"
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
        subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, env=environment)
        digests.add(sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_packed_table_names_no_time_and_no_file(tmp_path):
    write_gzip_table(pl.DataFrame({"a": [1, 2], "b": [1 / 3, None]}), tmp_path / "x.tsv.gz")
    packed = (tmp_path / "x.tsv.gz").read_bytes()
    assert packed[:8] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0])  # deflate, no flags and so no name, time 0
    assert gzip.decompress(packed) == b"a\tb\n1\t3.333333e-1\n2\t\n"
