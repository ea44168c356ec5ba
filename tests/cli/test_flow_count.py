from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tests.commands import invoked as run
from tilseq.cli import root

SAMPLE = Path(__file__).parents[2] / "data/sample/raw/flow"
TUBE = SAMPLE / "SIM-01_baseline_flow.fcs"


def rows_of(result: Result) -> dict[str, dict[str, object]]:
    return {row["population"]: row for row in pl.read_csv(result.stdout.encode()).iter_rows(named=True)}


def test_beads_give_cells_per_microlitre_of_the_simulated_truth() -> None:
    result, code = run("flow", "count", TUBE, "--beads-per-tube", 50_000, "--sample-volume-ul", 50)
    assert code == 0
    rows = rows_of(result)
    # From data/sample/truth/populations.csv.
    for population, truth in (("CD4+ T", 464.2266), ("CD8+ T", 352.9916), ("B", 262.0200)):
        row = rows[population]
        assert row["cells_per_ul_lower"] < truth < row["cells_per_ul_upper"]
        assert row["cells_per_ul"] == pytest.approx(row["events"] / rows["single beads"]["events"] * 1000)
    assert rows["CD3+"]["cells_per_ul_method"].startswith("counting beads: ")
    assert rows["single beads"]["cells_per_ul"] is None
    assert "beads counted: " in rows["CD3+"]["reason"] and rows["CD3+"]["verdict"] == "warn"


def test_what_a_dilution_does_beside_beads_is_told() -> None:
    beads = ("--beads-per-tube", 50_000, "--sample-volume-ul", 50)
    result, _ = run("flow", "count", TUBE, *beads, "--dilution", 10)
    told = (
        "--dilution multiplies cells/µL by 10: leave it out where --sample-volume-ul is of the specimen before it was"
    )
    assert told in result.stderr
    for given in (beads, (*beads, "--dilution", 1)):
        assert "--dilution multiplies" not in run("flow", "count", TUBE, *given)[0].stderr


def test_the_ratio_with_its_limits_stands_in_every_row() -> None:
    result, _ = run("flow", "count", TUBE)
    rows = rows_of(result)
    ratio = rows["CD4+ T"]["events"] / rows["CD8+ T"]["events"]
    assert [row["cd4_cd8_ratio"] for row in rows.values()] == pytest.approx([ratio] * len(rows))
    assert rows["CD3+"]["cd4_cd8_ratio_lower"] < 464.2266 / 352.9916 < rows["CD3+"]["cd4_cd8_ratio_upper"]
    assert rows["CD3+"]["cells_per_ul"] is None and rows["CD3+"]["cells_per_ul_method"] is None


def test_a_volume_counts_by_the_dilution_that_is_given(tmp_path: Path) -> None:
    from tilseq.io.fcs import read_fcs
    from tilseq.io.fcs_write import write_fcs

    tube, path = read_fcs(TUBE), tmp_path / "a.fcs"
    spill = (list(tube.spill.channels), tube.spill.matrix)
    keywords = {"$VOL": "40", "$CYT": "Aurora"}
    write_fcs(path, tube.events, tube.channels, markers=tube.markers, spill=spill, keywords=keywords)
    diluted, _ = run("flow", "count", path, "--dilution", 4)
    rows = rows_of(diluted)
    assert rows["CD3+"]["cells_per_ul"] == pytest.approx(rows["CD3+"]["events"] / 40 * 4)
    assert rows["CD3+"]["cells_per_ul_method"] == "volumetric"
    without, _ = run("flow", "count", path)
    untold = rows_of(without)["CD3+"]
    assert untold["cells_per_ul"] is None
    assert untold["cells_per_ul_method"] == "volumetric: the dilution of the specimen in the tube is not given"
    small, _ = run("flow", "count", path, "--dilution", 4, "--volume-unit", "nL")
    assert "volume taken: not used: column $VOL" in str(rows_of(small)["CD3+"]["reason"])


@pytest.mark.parametrize("options", [("--dilution", 4), ("--volume-unit", "nL")])
def test_a_volume_that_the_file_lacks_is_told(options: tuple[str, object], tmp_path: Path) -> None:
    result, _ = run("flow", "count", TUBE, *options, "--quality", tmp_path / "quality.csv")
    told = "volume taken: not available: the file holds no $VOL to count by"
    assert f"SIM-01_baseline_flow: {told}" in result.stderr
    row = rows_of(result)["CD3+"]
    assert row["verdict"] == "warn" and told in str(row["reason"]) and row["cells_per_ul"] is None
    assert pl.read_csv(tmp_path / "quality.csv").filter(check="volume taken")["verdict"].to_list() == ["warn"]


def test_a_cut_far_from_those_of_other_tubes_is_told_in_the_table(tmp_path: Path) -> None:
    tubes = [SAMPLE / f"SIM-01_{visit}_flow.fcs" for visit in ("baseline", "D7", "D28")]
    run("flow", "gate", *tubes, "-o", tmp_path)
    cuts = pl.read_csv(tmp_path / "cohort_cuts.csv")
    is_cd4 = pl.col("gate") == "CD4"
    moved = cuts.with_columns(
        threshold=pl.when(is_cd4).then(pl.col("threshold") * 3).otherwise("threshold"),
        upper=pl.when(is_cd4).then(pl.col("upper") * 3).otherwise("upper"),
    )
    moved.write_csv(tmp_path / "moved.csv")
    plain, _ = run("flow", "count", TUBE, "--cuts", tmp_path / "cohort_cuts.csv")
    assert "cut of CD4" not in plain.stdout
    odd, _ = run("flow", "count", TUBE, "--cuts", tmp_path / "moved.csv", "--quality", tmp_path / "quality.csv")
    told = "cut of CD4 among CD3+ against other tubes: the tube's own valley lies elsewhere"
    row = rows_of(odd)["CD3+"]
    assert row["verdict"] == "warn" and told in row["reason"]
    assert f"SIM-01_baseline_flow: {told}" in odd.stderr
    checks = pl.read_csv(tmp_path / "quality.csv")
    assert checks.filter(check="cut of CD4 among CD3+ against other tubes")["verdict"].to_list() == ["warn"]
    listed, _ = run("flow", "qc", TUBE, "--cuts", tmp_path / "moved.csv")
    assert "cut of CD4 among CD3+ against other tubes" in listed.stdout


def test_quality_names_a_file_that_could_not_be_counted(shared_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "quality.csv"
    _, code = run("flow", "count", shared_data / "flow/odd/corrupted.fcs", TUBE, "--quality", out)
    assert code == 4
    checks = pl.read_csv(out)
    (row,) = checks.filter(sample="corrupted").to_dicts()
    assert (row["check"], row["verdict"]) == ("gates", "fail") and "corrupted.fcs" in row["reason"]
    assert checks.filter(sample="SIM-01_baseline_flow").height > 10


def test_the_gates_that_were_written_count_as_the_automatic_ones_do(tmp_path: Path) -> None:
    run("flow", "gate", TUBE, "-o", tmp_path)
    amounts = ("--beads-per-tube", 50_000, "--sample-volume-ul", 50)
    gates = tmp_path / "SIM-01_baseline_flow.xml"
    result, _ = run("flow", "count", TUBE, "--gates", gates, *amounts, "--quality", tmp_path / "quality.csv")
    rows = rows_of(result)
    automatic = rows_of(run("flow", "count", TUBE, *amounts)[0])
    same = ("parent", "events", "parent_events", "percent_of_parent", "cells_per_ul", "cd4_cd8_ratio")
    assert {name: [row[key] for key in same] for name, row in rows.items()} == {
        name: [row[key] for key in same] for name, row in automatic.items()
    }
    assert rows["NK"]["parent"] == "CD3-"
    compared, _ = run("flow", "compare", TUBE, "--gates", gates)
    both = pl.read_csv(compared.stdout.encode()).filter(pl.col("population") != "CD4+ T / CD8+ T")
    assert set(both["f1"]) == {1.0} and compared.stderr == ""
    assert {"gates", "beads counted"} <= set(pl.read_csv(tmp_path / "quality.csv")["check"])


def test_help_shows_how_beads_are_given() -> None:
    result, _ = run("flow", "count", "--help")
    example = "tilseq flow count $S/SIM-01_D28_flow.fcs --beads-per-tube 50000 --sample-volume-ul 50 -o per_ul.csv"
    assert example in result.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beads-per-tube", "50000"], "--beads-per-tube and --sample-volume-ul go together"),
        (["--sample-volume-ul", "50"], "--beads-per-tube and --sample-volume-ul go together"),
        (["--dilution", "0.5"], "0.5 is not in the range 1<=x<=1000000"),
        (["--dilution", "1e7"], "10000000.0 is not in the range 1<=x<=1000000"),
        (["--dilution", "inf"], "inf is not in the range 1<=x<=1000000"),
        (["--dilution", "nan"], "--dilution is no number"),
        (["--beads-per-tube", "0", "--sample-volume-ul", "50"], "0.0 is not in the range 1<=x<=1000000000"),
        (["--beads-per-tube", "1e300", "--sample-volume-ul", "50"], "1e+300 is not in the range 1<=x<=1000000000"),
        (["--beads-per-tube", "5e4", "--sample-volume-ul", "0.05"], "0.05 is not in the range 0.1<=x<=1000000"),
        (["--beads-per-tube", "5e4", "--sample-volume-ul", "1e300"], "1e+300 is not in the range 0.1<=x<=1000000"),
        (["--beads-per-tube", "nan", "--sample-volume-ul", "50"], "--beads-per-tube is no number"),
    ],
)
def test_amounts_that_cannot_be_are_usage_errors(options: list[str], message: str) -> None:
    result = CliRunner().invoke(root, ["flow", "count", str(TUBE), *options])
    assert result.exit_code == 2
    assert message in result.stderr


def test_what_was_written_is_told_on_one_line_with_the_verdicts(tmp_path: Path) -> None:
    other = SAMPLE / "SIM-01_D28_flow.fcs"
    for command, output in (("count", tmp_path / "counts.csv"), ("qc", tmp_path / "qc.csv"), ("gate", tmp_path / "g")):
        result, _ = run("flow", command, TUBE, other, "-o", output)
        written = [line for line in result.stderr.splitlines() if line.startswith("wrote ")]
        table = pl.read_csv(output if output.suffix else tmp_path / "counts.csv")  # gate finds what count does
        worst = {"pass": 0, "warn": 0, "fail": 0}
        for one in table.partition_by("sample"):
            worst[max(one["verdict"], key=list(worst).index)] += 1
        told = ", ".join(f"{number} {verdict}" for verdict, number in worst.items())
        why = "`tilseq flow qc`" if command == "gate" else "its column `reason`"
        assert written == [f"wrote {output}: 2 tubes, {told}; why: {why}"]
    assert "wrote stdout: 1 tube, " in run("flow", "qc", TUBE)[0].stderr
    passed, _ = run("flow", "count", SAMPLE / "SIM-01_baseline_flow.fcs", "-o", tmp_path / "passed.csv")
    assert passed.stderr.endswith("1 tube, 1 pass, 0 warn, 0 fail\n")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("count", "--spill spill.csv"), ("count", "--cuts gates/cohort_cuts.csv"), ("count", "--dilution 2"),
        ("qc", "--spill spill.csv"), ("gate", "--cuts earlier/cohort_cuts.csv"), ("gate", "FITC-A,1,0.12"),
    ],
)  # fmt: skip
def test_help_shows_how_options_with_files_are_given(command: str, option: str) -> None:
    result, _ = run("flow", command, "--help")
    assert option in result.stdout.partition("Example:")[2]


def test_tubes_of_several_panels_count_as_each_panel_by_itself(tmp_path: Path) -> None:
    """A folder holds tubes of several panels; those of one must not move the cuts of another."""
    visits = ("baseline", "D28", "D84")
    panels = [[SAMPLE / f"SIM-01_{visit}_{name}.fcs" for visit in visits] for name in ("flow", "tstate", "icsnone")]
    together, code = run("flow", "count", *(path for panel in panels for path in panel))
    assert code == 0
    apart = [pl.read_csv(run("flow", "count", *panel)[0].stdout.encode()) for panel in panels]
    columns = ["sample", "population", "events", "lower", "upper", "verdict", "reason"]
    pooled = pl.read_csv(together.stdout.encode()).select(columns)
    by = ["sample", "population"]
    assert pooled.sort(by).rows() == pl.concat([one.select(columns) for one in apart]).sort(by).rows()
    assert (
        "panel_2, which lends cuts to its own tubes alone: 3 tubes such as SIM-01_baseline_tstate: " in together.stderr
    )
    assert "panel_1" not in run("flow", "count", *panels[0])[0].stderr
    run("flow", "gate", *(path for panel in panels for path in panel), "-o", tmp_path / "gates")
    cuts = pl.read_csv(tmp_path / "gates/cohort_cuts.csv")
    where = cuts.filter(gate="CD3").select("panel", "channel").sort("panel").rows()
    assert where == [("panel_1", "FITC-A"), ("panel_2", "AF700-A"), ("panel_3", "BV421-A")]
    assert cuts.filter(gate="lymphocytes FSC-A").height == 3
