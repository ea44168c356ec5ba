import json
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tests.commands import invoked as run
from tilseq.cli import root
from tilseq.io.fcs import read_fcs
from tilseq.tables.outputs import COUNTS


@pytest.fixture
def tubes(shared_data: Path) -> Path:
    return shared_data / "flow"


def test_counts_of_two_tubes(tubes: Path, tmp_path: Path) -> None:
    out = tmp_path / "counts.csv"
    result, code = run("flow", "count", tubes / "itn/itn_01.fcs", tubes / "itn/itn_02.fcs", "-o", out)
    assert code == 0
    frame = pl.read_csv(out)
    assert frame.columns == COUNTS.names
    assert frame["sample"].unique(maintain_order=True).to_list() == ["itn_01", "itn_02"]
    assert result.stdout == ""
    by_name = {row["population"]: row for row in frame.filter(pl.col("sample") == "itn_01").iter_rows(named=True)}
    ratio = by_name["CD4+ T"]["events"] / by_name["CD8+ T"]["events"]
    lower, upper = (by_name["CD4+ T"][f"cd4_cd8_ratio_{limit}"] for limit in ("lower", "upper"))
    assert f"itn_01: CD4/CD8 {ratio:.2f} ({lower:.2f} to {upper:.2f}), warn" in result.stderr


def test_one_bad_file_does_not_stop_the_others(tubes: Path) -> None:
    bad, good = tubes / "odd/corrupted.fcs", tubes / "itn/itn_03.fcs"
    result, code = run("flow", "count", bad, good)
    assert code == 4
    assert set(pl.read_csv(result.stdout.encode())["sample"]) == {"itn_03"}
    assert str(bad) in result.stderr


def test_a_tube_without_the_panel_is_told_with_its_name(tubes: Path) -> None:
    other = tubes / "odd/G11.fcs"
    result, code = run("flow", "count", other)
    assert code == 3
    assert result.stdout == ""
    assert f"tilseq: {other}: no channel for CD3, CD4, CD8" in result.stderr


def test_two_files_of_one_name_are_not_mixed(tubes: Path, tmp_path: Path) -> None:
    twin = tmp_path / "itn_01.fcs"
    shutil.copy(tubes / "itn/itn_02.fcs", twin)
    arguments = ["flow", "count", str(tubes / "itn/itn_01.fcs"), str(twin)]
    result = CliRunner().invoke(root, arguments)
    assert result.exit_code == 2
    assert "two files are both sample 'itn_01'" in result.stderr


def test_a_copy_of_a_tube_under_another_name_is_refused(tubes: Path, tmp_path: Path) -> None:
    twin = tmp_path / "day84.fcs"
    shutil.copy(tubes / "itn/itn_01.fcs", twin)
    for command in (["count"], ["gate", "-o", str(tmp_path / "out")]):
        result = CliRunner().invoke(root, ["flow", *command, str(tubes / "itn/itn_01.fcs"), str(twin)])
        assert result.exit_code == 2
        assert f"{tubes / 'itn/itn_01.fcs'} and {twin} are the same file, byte for byte; give it once" in result.stderr


def test_a_panel_names_channels_and_thresholds(tubes: Path, tmp_path: Path) -> None:
    panel = tmp_path / "panel.yaml"
    panel.write_text("markers: {CD4: [CD8], CD8: [CD4]}\nthresholds: {CD3: 60}\n")
    plain, _ = run("flow", "count", tubes / "itn/itn_03.fcs")
    swapped, code = run("flow", "count", tubes / "itn/itn_03.fcs", "--panel", panel)
    assert code == 0
    first, second = (pl.read_csv(result.stdout.encode()) for result in (plain, swapped))
    events = [dict(frame.select("population", "events").rows()) for frame in (first, second)]
    assert events[0]["CD4+ T"] == pytest.approx(events[1]["CD8+ T"], rel=0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "markers: {CD3: CD3}\n",
            "row 1, column markers.CD3: this value cannot stand here; found 'CD3'; expected a list",
        ),
        ("marker: {}\n", "row 1, column marker: no such setting; did you mean 'markers'?"),
        ("gates: {}\n", "no such setting; known here are markers, thresholds, spill, populations"),
        ("- CD3\n", "no settings stand here; expected markers: {CD3: [names]}"),
        ("thresholds: {CD3: .nan}\n", "row 1, column thresholds.CD3: this value cannot stand here"),
        ("thresholds: {CD3: 1}\nthresholds: {CD3: 2}\n", "row 2"),
    ],
)
def test_a_faulty_panel_is_refused_by_row(tubes: Path, tmp_path: Path, text: str, message: str) -> None:
    from tilseq.errors import TilseqError

    panel = tmp_path / "panel.yaml"
    panel.write_text(text)
    arguments = ["flow", "count", str(tubes / "itn/itn_03.fcs"), "--panel", str(panel)]
    result = CliRunner().invoke(root, arguments, standalone_mode=False)
    assert isinstance(result.exception, TilseqError)
    assert message in str(result.exception)


def test_inspect_shows_channels_and_what_they_are_taken_for(tubes: Path) -> None:
    result, code = run("flow", "inspect", tubes / "flowsom_68983/68983.fcs")
    assert code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("68983.fcs: 19,225 events, 18 channels")
    assert "  PE-Cy7-A           CD3                   CD3" in lines
    assert lines[-1].startswith("  spillover: FITC-A, Pacific Blue-A")


def test_inspect_as_json_without_what_names_a_person(tubes: Path) -> None:
    from tilseq.io.fcs import read_fcs

    keywords = read_fcs(tubes / "flowsom_68983/68983.fcs").keywords
    result, code = run("flow", "inspect", "--json", tubes / "flowsom_68983/68983.fcs", tubes / "odd/corrupted.fcs")
    assert code == 4
    (tube,) = json.loads(result.stdout)
    assert tube["events"] == 19225
    assert {"channel": "Pacific Blue-A", "marker": "CD8", "taken_for": "CD8"} in tube["channels"]
    assert tube["compensated"] is False
    for keyword in ("EXPORT USER NAME", "EXPERIMENT NAME", "GUID"):
        assert keywords[keyword] not in result.stdout


def test_inspect_tells_which_of_several_files_is_stained_otherwise(tmp_path: Path) -> None:
    from tilseq.io.fcs_write import write_fcs

    paths = [tmp_path / f"{name}.fcs" for name in "abc"]
    for path in paths:
        write_fcs(path, [[1.0, 2.0]], ["B1-A", "B2-A"], markers=["CD3", "CD8" if path.stem == "b" else "CD4"])
    result, code = run("flow", "inspect", *paths)
    told = [line for line in result.stdout.splitlines() if "differs" in line]
    assert told == [
        "  differs from the other files: CD4 is missing, which 2 of 3 tubes bear; "
        "CD8 is in B2-A, which 1 of 3 tubes bear"
    ]
    result, code = run("flow", "inspect", "--json", *paths)
    assert [tube["differs"] is None for tube in json.loads(result.stdout)] == [True, False, True]


def test_inspect_names_both_markers_of_one_channel(tmp_path: Path) -> None:
    from tilseq.io.fcs_write import write_fcs

    write_fcs(tmp_path / "a.fcs", [[1.0, 2.0]], ["PE-A", "B2-A"], markers=["CD16/CD56 PE", "CD3"])
    result, _ = run("flow", "inspect", "--json", tmp_path / "a.fcs")
    (tube,) = json.loads(result.stdout)
    assert [row["taken_for"] for row in tube["channels"]] == ["CD16, CD56", "CD3"]


ALLOWED = {"$TOT", "$PAR", "$MODE", "$DATATYPE", "$BYTEORD", "$CYT", "$TIMESTEP", "$VOL"}


def test_inspect_shows_technical_keywords_alone(tmp_path: Path) -> None:
    from tilseq.io.fcs_write import write_fcs

    path = tmp_path / "a.fcs"
    private = {"$OP": "Jane Roe", "$DATE": "04-MAR-2024", "$SRC": "patient 7", "$COM": "call Jane", "$SMNO": "P7"}
    private |= {"$CELLS": "of Jane", "$PROJ": "trial", "$INST": "clinic", "PATIENT ID": "P7", "$FIL": "Roe.fcs"}
    write_fcs(path, [[1.0, 2.0]], ["A", "B"], keywords={**private, "$CYT": "Aurora", "$VOL": "55"})
    result, _ = run("flow", "inspect", "--json", path)
    (tube,) = json.loads(result.stdout)
    assert set(tube["keywords"]) <= ALLOWED
    assert {name: tube["keywords"][name] for name in ("$CYT", "$VOL", "$TOT")} == {
        "$CYT": "Aurora",
        "$VOL": "55",
        "$TOT": "1",
    }
    plain, _ = run("flow", "inspect", path)
    assert "  $CYT: Aurora" in plain.stdout.splitlines()
    for text in ("Jane", "Roe", "MAR", "P7", "patient", "clinic", "trial"):
        assert text not in plain.stdout + result.stdout


def test_qc_tells_every_check_also_of_a_tube_without_t_cells(tubes: Path, tmp_path: Path) -> None:
    out = tmp_path / "qc.csv"
    _, code = run("flow", "qc", tubes / "pbmc_spectral_unmixed.fcs", tubes / "odd/G11.fcs", "-o", out)
    assert code == 0
    frame = pl.read_csv(out)
    checks = {sample: set(frame.filter(pl.col("sample") == sample)["check"]) for sample in set(frame["sample"])}
    common = {"flow rate", "signal over time", "drift over time", "events at the top of a detector"}
    assert common | {"separation of CD3", "singlets", "compensation"} <= checks["pbmc_spectral_unmixed"]
    assert common | {"gates"} <= checks["G11"]
    (gates,) = frame.filter(pl.col("sample") == "G11", pl.col("check") == "gates").to_dicts()
    assert gates["verdict"] == "fail" and gates["reason"].startswith("no channel for CD3, CD4, CD8")


def test_gates_cuts_and_a_figure_of_a_tube_are_written(tubes: Path, tmp_path: Path) -> None:
    path, out = tubes / "itn/itn_01.fcs", tmp_path / "out"
    _, code = run("flow", "gate", path, "-o", out)
    assert code == 0
    assert {path.name for path in out.iterdir()} == {
        "cuts.csv",
        "cuts.parquet",
        "itn_01.xml",
        "itn_01.svg",
        "itn_01.png",
    }
    automatic, _ = run("flow", "count", path)
    manual, code = run("flow", "count", path, "--gates", out / "itn_01.xml")
    assert code == 0
    counts = [
        dict(pl.read_csv(result.stdout.encode()).select("population", "events").rows())
        for result in (automatic, manual)
    ]
    assert counts[0] == counts[1]
    assert "itn_01: gates of itn_01.xml, SHA-256 " in manual.stderr


def test_the_cuts_of_three_tubes_can_be_frozen(tubes: Path, tmp_path: Path) -> None:
    paths = [tubes / f"itn/itn_0{number}.fcs" for number in (1, 2, 3)]
    run("flow", "gate", *paths, "-o", tmp_path / "out")
    automatic, _ = run("flow", "count", *paths)
    frozen, code = run("flow", "count", *paths, "--cuts", tmp_path / "out/cohort_cuts.csv")
    assert code == 0
    assert frozen.stdout == automatic.stdout


def test_a_tube_borrows_from_the_others_of_the_command_line(tmp_path: Path) -> None:
    """Alone a tube without T cells cannot be gated; beside three others it can, in any order."""
    import numpy as np

    from tilseq.simulate.cytometry.panels import TBNK
    from tilseq.simulate.cytometry.tube import acquire
    from tilseq.simulate.files import write_tube

    blood = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}
    nadir = {"B": 300.0, "NK": 200.0, "monocyte": 300.0, "granulocyte": 500.0}
    paths = [tmp_path / f"{name}.fcs" for name in "abcd"]
    for number, path in enumerate(paths):
        cells = nadir if path.stem == "d" else blood
        write_tube(path, acquire(np.random.default_rng(number), TBNK, cells, 6000), path.stem)
    _, code = run("flow", "count", paths[3])
    assert code == 3
    forwards, code = run("flow", "count", *paths)
    assert code == 0
    backwards, _ = run("flow", "count", *reversed(paths))
    assert backwards.stdout == forwards.stdout
    counts = pl.read_csv(forwards.stdout.encode()).filter(sample="d")
    t_cells = counts.filter(population="CD3+").row(0, named=True)
    assert t_cells["percent_of_parent"] < 5  # a few dead cells, which antibody sticks to
    assert "as other tubes of the panel" in t_cells["reason"]


def test_the_number_of_cores_changes_no_byte(tubes: Path, tmp_path: Path) -> None:
    paths = [*sorted((tubes / "itn").glob("*.fcs"))[:3], tubes / "odd/corrupted.fcs"]
    results = []
    for cores in (1, 2):
        result, code = run("flow", "count", *paths, "--cores", cores, "-o", tmp_path / f"{cores}.csv")
        assert code == 4
        told = result.stderr.replace(f"{cores}.csv", "the table")  # which the line on what was written names
        results.append(((tmp_path / f"{cores}.csv").read_bytes(), told))
    assert results[0] == results[1]


def test_a_lost_process_is_told(tmp_path: Path) -> None:
    from tilseq.cli.flow_pool import each_tube, processes
    from tilseq.errors import RunError

    with pytest.raises(RunError, match="a process was lost"), processes(2, 2) as mapped:
        each_tube([tmp_path / "a", tmp_path / "b"], _leave, mapped)


def _leave(path: Path, usual: object) -> tuple[None, list[str]]:
    os._exit(9)


def test_automatic_gates_against_labels_and_against_a_workspace(tubes: Path, tmp_path: Path) -> None:
    folder = tubes / "flowsom_68983"
    names = ["--name", "CD4 T cells=CD4+ T", "--name", "CD8 T cells=CD8+ T"]
    found = []
    for what, path in (("--labels", "manual_labels.csv"), ("--gates", "gating.wsp")):
        result, code = run("flow", "compare", folder / "68983.fcs", what, folder / path, *names)
        assert code == 0
        assert "wrote" not in result.stderr  # to stdout
        found.append({row["population"]: row for row in pl.read_csv(result.stdout.encode()).iter_rows(named=True)})
    result, _ = run("flow", "compare", folder / "68983.fcs", what, folder / path, *names, "-o", tmp_path / "c.csv")
    assert result.stderr.endswith(f"wrote {tmp_path / 'c.csv'}\n")
    labels, gates = found
    # The label file holds 7487 and 1407 (sort | uniq -c); FlowJo's workspace counts the same within 0.1 %.
    assert (labels["CD4+ T"]["events_b"], labels["CD8+ T"]["events_b"]) == (7487, 1407)
    assert gates["CD4+ T"]["events_b"] == pytest.approx(7487, rel=1e-3)
    assert labels["CD4+ T"]["f1"] > 0.95 and labels["CD8+ T"]["f1"] > 0.95
    assert labels["CD4+ T / CD8+ T"]["ratio_b"] == pytest.approx(7487 / 1407)


def test_names_that_do_not_match_are_listed(tubes: Path) -> None:
    folder = tubes / "flowsom_68983"
    result, code = run("flow", "compare", folder / "68983.fcs", "--labels", folder / "manual_labels.csv")
    assert code == 0
    told = "no name is that of an automatic population, so nothing is compared: 'B cells', 'CD4 T cells', 'CD8 T cells'"
    assert told in result.stderr
    assert "automatic populations without one: 'B', 'CD3+', 'CD3-', 'CD4+ T', 'CD8+ T'" in result.stderr
    assert "match them by --name 'GATE=POPULATION'" in result.stderr
    names = ["--name", "CD4 T cells=CD4+ T"]
    result, _ = run("flow", "compare", folder / "68983.fcs", "--labels", folder / "manual_labels.csv", *names)
    assert "not compared, as no automatic population bears the name: 'B cells', 'CD8 T cells'" in result.stderr


def test_the_files_of_a_tube_bear_one_name_whatever_its_letters(tubes: Path, tmp_path: Path) -> None:
    path = tmp_path / "Prä µ.fcs"
    shutil.copy(tubes / "itn/itn_01.fcs", path)
    panel = tmp_path / "panel.yaml"
    panel.write_text("populations: {αβ T: {parent: CD3+, markers: [CD4+]}}\n", encoding="utf-8")
    _, code = run("flow", "gate", path, "--panel", panel, "-o", tmp_path / "out")
    assert code == 0
    written = {one.name: one for one in (tmp_path / "out").iterdir()}
    stems = {one.stem for name, one in written.items() if not name.startswith("cuts.")}
    assert len(stems) == 1 and len(written) == 5
    gates = tmp_path / "out" / f"{stems.pop()}.xml"
    assert 'gating:id="αβ_x0020_T"' in gates.read_text(encoding="utf-8")
    result, _ = run("flow", "count", path, "--gates", gates)
    assert {"αβ T"} <= set(pl.read_csv(result.stdout.encode())["population"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare"], "give either --gates or --labels"),
        (["compare", "--gates", "g", "--labels", "l"], "give either --gates or --labels"),
        (["compare", "--labels", "LABELS", "--name", "T"], "'T' is not GATE=POPULATION"),
        (["compare", "--labels", "LABELS", "--name", "T cells=CD3+"], "no event bears the label 'T cells'"),
        (["count", "--name", "T=CD3+"], "--name goes with --gates, --cuts without"),
        (["count", "--gates", "g", "--cuts", "c"], "--name goes with --gates, --cuts without"),
        (["count", "--cores", "0"], "--cores"),
        (["count", "--gates", "g", "--name", "T=CD3+", "--name", "T=CD4+ T"], "gate 'T' is given two populations"),
        (["count", "--quality", "one.csv", "-o", "./one.csv"], "two results would be written to one.csv"),
    ],
)
def test_calls_that_make_no_sense_are_usage_errors(tubes: Path, arguments: list[str], message: str) -> None:
    folder = tubes / "flowsom_68983"
    labels = str(folder / "manual_labels.csv")
    command, *rest = [labels if one == "LABELS" else one for one in arguments]
    result = CliRunner().invoke(root, ["flow", command, str(folder / "68983.fcs"), *rest])
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("command", ["count", "gate", "qc", "compare"])
def test_a_spillover_given_on_the_command_line_or_by_the_panel(tubes: Path, tmp_path: Path, command: str) -> None:
    tube, out = tubes / "flowsom_68983/68983.fcs", tmp_path / "out"
    spill, panel = tmp_path / "spill.csv", tmp_path / "panel.yaml"
    own = read_fcs(tube).spill
    assert own is not None
    more = own.matrix + 0.05 * (own.matrix - np.eye(len(own.channels)))
    rows = [[dye, *row] for dye, row in zip(own.channels, more.tolist(), strict=True)]
    spill.write_text("".join(",".join(map(str, row)) + "\n" for row in [["dye", *own.channels], *rows]))
    panel.write_text("spill: spill.csv\n")
    rest = ["--labels", tubes / "flowsom_68983/manual_labels.csv"] if command == "compare" else []
    written = []
    for given in (["--spill", spill], ["--panel", panel], []):
        result, code = run("flow", command, tube, *given, *rest, "-o", out)
        assert code == 0
        written.append((out / "cuts.csv" if command == "gate" else out).read_bytes())
    assert written[0] == written[1] != written[2]
    if command == "qc":
        (told,) = pl.read_csv(written[0]).filter(check="spillover given").to_dicts()
        assert told["reason"].startswith("that of spill.csv in place of the file's own, which differs by ")
    spill.write_text("dye,FITC-A,FL99\nFITC-A,1,0.1\nFL99,0,1\n")
    if command == "count":
        result, code = run("flow", command, tube, "--spill", spill)
        assert code == 3
        assert "spill.csv: the spillover matrix names a channel that the tube does not have" in result.stderr


def test_gates_of_another_tube_are_refused_by_name(tubes: Path) -> None:
    result, code = run("flow", "count", tubes / "itn/itn_01.fcs", "--gates", tubes / "flowsom_68983/gating.wsp")
    assert code == 3
    assert "the workspace holds no such sample; found 'itn_01.fcs'" in result.stderr
