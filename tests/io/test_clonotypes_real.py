"""Real tables: rows, counts and junctions against an independent parse by the standard library."""

import csv
import gzip
from collections import Counter

import pytest

from tilseq.errors import ReadError, TableError
from tilseq.io.clonotypes import airr_tsv, read_clonotypes


def lines_of(path, separator="\t"):
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    with opened as stream:
        yield from csv.DictReader((line for line in stream if not line.startswith("# ")), delimiter=separator)


def found(read):
    return dict(read.table.select("junction", "duplicate_count").iter_rows())


def excluded(read):
    return {rule: (rows, counts) for rule, rows, counts in read.exclusions.select("rule", "rows", "counts").rows()}


def whole(junction_aa):
    return junction_aa and not set(junction_aa) & set("*_~")


def test_immunoseq_3(shared_data):
    path = shared_data / "tcr/immunoseq_example_999rows.tsv"
    expected, rows, counts, lost = Counter(), 0, 0, Counter()
    for line in lines_of(path):
        rows, counts = rows + 1, counts + int(line["templates"])
        if line["frame_type"] == "In":
            start = int(line["v_index"])
            expected[line["rearrangement"][start : start + int(line["cdr3_length"])]] += int(line["templates"])
        else:
            lost["not productive"] += int(line["templates"])
    read = read_clonotypes(path)
    assert (rows, counts, len(expected), lost["not productive"]) == (999, 221_828, 821, 38_775)
    assert found(read) == expected
    assert (read.dialect, read.count_of) == ("immunoseq", "templates")
    assert excluded(read) == {"not productive": (178, 38_775.0)}
    # the cut junctions code for the amino acids that immunoSEQ gives
    assert not any("do not code" in warning for warning in read.warnings)
    assert set(read.table["locus"]) == {"TRB"}
    assert read.table.filter(junction="TGTGCCAGCAGCTTGGGTATGGGGACAGCCGCTAACTATGGCTACACCTTC").row(0)[2:] == (
        "CASSLGMGTAANYGYTF",
        "TRBV5-4*01",
        "TRBJ1-2*01",
        1300,
    )


def test_immunoseq_whose_junction_runs_out_of_its_read(shared_data):
    path = shared_data / "tcr/immunarch_io/immunoseq_1.txt"
    (line,) = lines_of(path)
    assert int(line["v_index"]) + int(line["cdr3_length"]) > len(line["rearrangement"])
    read = read_clonotypes(path)
    assert (read.table.height, read.count_of) == (0, "templates")
    assert excluded(read) == {"the junction is not whole within the read": (1, 654.0)}


@pytest.mark.parametrize(("number", "counts"), [(1, 2727), (2, 2646), (3, 4109), (4, 1710)])
def test_immunarch(shared_data, number, counts):
    path = shared_data / f"tcr/immunarch_io/Sample{number}.tsv.gz"
    lines = list(lines_of(path))
    assert (len(lines), sum(int(line["Clones"]) for line in lines)) == (500, counts)
    expected = Counter()
    for line in lines:
        if whole(line["CDR3.aa"]):
            expected[line["CDR3.nt"]] += int(line["Clones"])
    read = read_clonotypes(path)
    assert found(read) == expected
    assert (read.dialect, read.count_of) == ("immunarch", "unknown")
    lost = [int(line["Clones"]) for line in lines if not whole(line["CDR3.aa"])]
    assert excluded(read) == {"stop or frame shift in the junction": (len(lost), float(sum(lost)))}
    genes = {line["CDR3.nt"]: (line["V.name"], line["J.name"]) for line in lines}
    assert all(genes[junction] == (v, j) for junction, v, j in read.table.select("junction", "v_call", "j_call").rows())


def test_a_b_cell_table_of_airr_names_without_amino_acids(shared_data):
    path = shared_data / "bcr/alakazam_ExampleDb.tsv.gz"
    expected, rows, lost = Counter(), 0, 0
    for line in lines_of(path):
        rows += 1
        if line["productive"] == "TRUE":
            expected[line["junction"]] += int(line["duplicate_count"])
        else:
            lost += int(line["duplicate_count"])
    read = read_clonotypes(path)
    assert (rows, sum(expected.values()), lost) == (1999, 4148, 316)
    assert found(read) == expected
    assert excluded(read) == {"not productive": (219, 316.0)}
    assert read.notes[0] == "the file has no amino acids: they are translated from the nucleotides"


@pytest.mark.parametrize(
    "name", ["minervina_Table_S1.tsv", "minervina_Table_S3.tsv", "minervina_Table_S5.tsv", "mira_YLQ_610.csv"]
)
def test_tables_that_hold_no_counts_are_refused(shared_data, name):
    with pytest.raises(ReadError, match="no clonotype dialect known"):
        read_clonotypes(shared_data / "tcr" / name)


def test_every_table_read_is_written_as_airr_and_reads_back(shared_data, tmp_path):
    tables = [
        *sorted((shared_data / "tcr").glob("*.gz")),
        *sorted((shared_data / "tcr/immunarch_io").glob("*.gz")),
        shared_data / "tcr/immunoseq_example_999rows.tsv",
        *sorted((shared_data / "screpertoire/contigs").glob("*.gz")),
    ]
    for path in tables:
        read = read_clonotypes(path)
        (tmp_path / "out.tsv").write_text(airr_tsv(read))
        assert read_clonotypes(tmp_path / "out.tsv").table.equals(read.table), path.name


def test_the_standards_bad_file_is_refused_for_each_of_its_faults(shared_data, tmp_path):
    """Its productive holds `yes`; mended, faults stay in columns that clonotypes have no use for."""
    path = shared_data / "tcr/airr_standards/bad_rearrangement.tsv"
    with pytest.raises(TableError, match="row 2, column productive: this word cannot be read; found 'yes'"):
        read_clonotypes(path)
    mended = tmp_path / "mended.tsv"
    mended.write_text(path.read_text().replace("\tyes\t", "\tT\t"))
    read = read_clonotypes(mended)
    assert any("2 rows bear the sequence_id of an earlier row" in warning for warning in read.warnings)


# Rows, and the sum of their counts where the file has them, by a parse of its own; contigs count one each.
EVERY_TABLE = {
    "tcr/10x_pbmc3_t_filtered_contig_annotations.csv.gz": "10x",
    "tcr/airr_standards/bad_rearrangement.tsv": "refused",
    "tcr/airr_standards/extra_rearrangement.tsv": "refused",
    "tcr/airr_standards/good_rearrangement.tsv": "duplicate_count",
    "tcr/airr_standards/good_rearrangement.tsv.gz": "duplicate_count",
    **{f"tcr/immunarch_io/Sample{number}.tsv.gz": "Clones" for number in (1, 2, 3, 4)},
    "tcr/immunarch_io/immunoseq_1.txt": "templates",
    "tcr/immunoseq_example_999rows.tsv": "templates",
    **{f"tcr/minervina_Table_S{number}.tsv": "refused" for number in (1, 3, 5)},
    "tcr/mira_YLQ_610.csv": "refused",
    "tcr/vdjtools_M_day15_CD8_TRB_top5000.tsv.gz": "count",
    **{
        f"screpertoire/contigs/P{p}{s}_filtered_contig_annotations.csv.gz": "10x"
        for p in (17, 18, 19, 20)
        for s in "BL"
    },
}


def test_the_list_of_tables_is_complete(shared_data):
    found = [path for folder in ("tcr", "screpertoire") for path in (shared_data / folder).rglob("*") if path.is_file()]
    names = {str(path.relative_to(shared_data)) for path in found if path.suffix != ".h5ad"}
    assert names == set(EVERY_TABLE)


@pytest.mark.parametrize("name", [name for name, kind in EVERY_TABLE.items() if kind != "refused"])
def test_rows_and_counts_of_every_table_are_used_or_excluded(shared_data, name):
    kind = EVERY_TABLE[name]
    lines = list(lines_of(shared_data / name, "," if kind == "10x" else "\t"))
    read = read_clonotypes(shared_data / name)
    if kind == "10x":
        assert read.table["duplicate_count"].sum() + read.exclusions["rows"].sum() == len(lines)
        return
    assert read.table["duplicate_count"].sum() + read.exclusions["counts"].sum() == sum(int(x[kind]) for x in lines)
    summed = sum(int(warning.split()[0]) for warning in read.notes if "are summed with it" in warning)
    assert read.table.height + summed + read.exclusions["rows"].sum() == len(lines)


@pytest.mark.parametrize("name", [name for name, kind in EVERY_TABLE.items() if kind == "refused"])
def test_what_is_refused_is_refused_in_words(shared_data, name):
    with pytest.raises((ReadError, TableError)) as caught:
        read_clonotypes(shared_data / name)
    assert caught.value.row in (1, 2)
