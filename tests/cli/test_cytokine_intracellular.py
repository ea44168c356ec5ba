import polars as pl
import pytest

from tests.commands import invoked
from tests.stimulated_study import make_study
from tilseq.errors import StudyError


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study"))


def run(*arguments):
    return invoked("cytokine", "intracellular", *arguments)


def rows(study, names):
    header, *lines = (study / "samples.csv").read_text().splitlines()
    path = study / "some.csv"
    path.write_text("\n".join([header, *(line for line in lines if line.split(",")[0] in names)]) + "\n")
    return path


def test_tables_and_figures_without_a_study(study, tmp_path):
    samples = rows(study, ("none28", "pma28", "tumour28"))
    result, code = run(samples, "-o", tmp_path / "out", "--figures", tmp_path / "figures")
    assert code == 0
    assert result.stderr == f"responses: 5 yes, 1 no, 0 not_evaluable\nwrote {tmp_path / 'out'}\n"
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == [
        "cuts.csv", "exclusions.csv", "intracellular.csv", "quality.csv",
    ]  # fmt: skip
    table = pl.read_csv(tmp_path / "out/intracellular.csv")
    assert table.filter(population="CD8+ T", stimulus="tumour")["response"].to_list() == ["yes"]
    assert table.filter(population="CD4+ T", stimulus="tumour")["response"].to_list() == ["no"]
    assert len(list((tmp_path / "figures").glob("*.svg"))) == 3


def test_a_panel_file_sets_names_thresholds_and_populations(study, tmp_path):
    samples = rows(study, ("none28", "pma28"))
    (tmp_path / "ics.yaml").write_text(
        "markers: {IFNg: [Y1-A]}\nthresholds: {IFN-γ: 700}\n"
        "populations: {CD8 only: {parent: CD8+ T, markers: [CD4-]}}\n"
    )
    _, code = run(samples, "--panel", tmp_path / "ics.yaml", "--least-fold", 2, "-o", tmp_path)
    table = pl.read_parquet(tmp_path / "intracellular.parquet")
    assert code == 0 and table["population"].to_list() == ["CD3+", "CD4+ T", "CD8 only", "CD8+ T"]
    assert table.select("threshold", "threshold_source").unique().rows() == [(700.0, "settings")]


def test_one_pair_at_fault_ends_with_4_and_all_with_3(study, tmp_path):
    result, code = run(rows(study, ("none7", "pma7", "short7")), "-o", tmp_path)
    assert code == 4
    assert "tilseq: short7: raw/short7.fcs: " in result.stderr and "1 not_evaluable" in result.stderr
    _, code = run(rows(study, ("alone",)), "-o", tmp_path)
    assert code == 3


def test_a_table_without_a_stimulated_tube_or_with_twins_is_refused(study, tmp_path):
    with pytest.raises(
        StudyError, match="there is no stimulated tube; expected rows of assay flow and role stimulated"
    ):
        run(rows(study, ("none7",)), "-o", tmp_path)
    samples = rows(study, ("pma7",))
    samples.write_text(samples.read_text() + samples.read_text().splitlines()[1].replace("pma7,", "pma8,", 1) + "\n")
    with pytest.raises(StudyError, match="same subject, specimen, visit and assay as 'pma7' in row 2"):
        run(samples, "-o", tmp_path)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/none28.fcs", "this file is that of 'none28' in row 2; found 'raw/none28.fcs'"),
        ("{root}/raw/none28.fcs", "this file is that of 'none28' in row 2"),
        ("raw/copy.fcs", "the same content as 'raw/none28.fcs' of 'none28' in row 2"),
    ],
)
def test_a_file_of_two_tubes_or_its_copy_is_refused(study, tmp_path, path, told):
    """Held against itself a tube made no response, and as a replicate it was counted twice, unsaid."""
    (study / "raw/copy.fcs").write_bytes((study / "raw/none28.fcs").read_bytes())
    samples = rows(study, ("none28", "pma28"))
    samples.write_text(samples.read_text().replace("raw/pma28.fcs", path.format(root=study)))
    with pytest.raises(StudyError, match=f"some.csv, row 3, column path: {told}"):
        run(samples, "-o", tmp_path)


def test_files_of_other_tubes_are_not_held_against_one_another(study, tmp_path):
    samples = rows(study, ("none28", "pma28"))
    others = [f"f{day},S1,D{day},blood,flow,raw/none7.fcs,fmo,,ics," for day in (7, 28)]
    samples.write_text(samples.read_text() + "\n".join(others) + "\n")
    _, code = run(samples, "-o", tmp_path)
    assert code == 0
