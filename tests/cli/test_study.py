import json
import subprocess
import sys

import pytest

from tests.commands import exit_code as run


def test_a_template_passes_check(tmp_path, capsys):
    assert run("init", tmp_path / "new") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "next: fill in the tables, then",
        f"  tilseq check {tmp_path / 'new'}",
    ]
    assert run("check", tmp_path / "new") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "1 subject: 1 melanoma",
        "1 infusion of 1 subject",
        "0 samples",
        "0 rows of lesions, 0 assessments",
        "0 recorded responses",
        "0 subjects followed up, 0 died",
        "0 further therapies of 0 subjects",
        "0 scheduled assessments",
        "nothing is wrong, but nothing can be analysed yet: fill in samples.csv, plates/ or clinical/",
    ]
    assert captured.err == ""
    (tmp_path / "new/clinical/followup.csv").write_text("subject,last_alive_day,death_day\nS01,100,\n")
    assert run("check", tmp_path / "new") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "nothing is wrong; next:",
        f"  tilseq run {tmp_path / 'new'} -o out",
    ]


def test_a_folder_with_a_blank_is_quoted_in_the_next_command(tmp_path, capsys):
    folder = tmp_path / "my study"
    assert run("init", folder) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  tilseq check '{folder}'"
    (folder / "clinical/followup.csv").write_text("subject,last_alive_day,death_day\nS01,100,\n")
    assert run("check", folder) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  tilseq run '{folder}' -o out"


def test_a_dry_run_of_a_scan_prints_rows_and_writes_nothing(tmp_path, capsys):
    raw = tmp_path / "study" / "raw"
    raw.mkdir(parents=True)
    (raw / "S01_D7_flow.fcs").write_bytes(b"FCS3.1    ")
    (raw / "notes.txt").write_text("x")
    (tmp_path / "study" / "study.yaml").write_text("study: mine\n")  # a study that is there already may get more files
    assert run("init", tmp_path / "study", "--scan", raw, "--dry-run") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].startswith("S01_D7_flow,S01,D7,")
    assert "left out: notes.txt" in captured.err
    assert sorted(path.name for path in (tmp_path / "study").iterdir()) == ["raw", "study.yaml"]


def test_problems_end_with_3_and_are_all_told(tmp_path, capsys):
    run("init", tmp_path)
    (tmp_path / "subjects.csv").write_text("subject,tumor_type\nS01,skin\nS01,other\n")
    capsys.readouterr()
    assert run("check", tmp_path) == 3
    captured = capsys.readouterr()
    assert [line.split(":")[0] for line in captured.out.splitlines()] == [
        "subjects.csv, row 2, column tumor_type",
        "subjects.csv, row 3, column subject",
    ]
    assert captured.err == f"2 problems in {tmp_path}\n"


def test_json(tmp_path, capsys):
    run("init", tmp_path)
    capsys.readouterr()
    assert run("check", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["sound"] is True
    (tmp_path / "samples.csv").unlink()
    assert run("check", tmp_path, "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert [problem["file"] for problem in told["problems"]] == ["samples.csv"]


def test_lesions_that_contradict_one_another_are_a_note(tmp_path, capsys):
    run("init", tmp_path)
    (tmp_path / "subjects.csv").write_text("subject,tumor_type\nS01,other\nS02,other\n")
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\nS01,1,0\nS02,1,0\n")
    rows = "S01,-5,T1,target,30\nS01,42,T1,nontarget,\nS02,-5,T1,target,30\nS02,42,T1,target,20\n"
    (tmp_path / "clinical" / "lesions.csv").write_text(f"subject,day,lesion,role,diameter_mm\n{rows}")
    capsys.readouterr()
    assert run("check", tmp_path) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: a run")]
    assert notes == [
        "note: a run can tell no response of 'S01': clinical/lesions.csv, row 3, column role: the role of a lesion "
        "changes between visits; found 'subject S01, lesion T1'"
    ]


def test_lesions_that_all_readers_measured_too_small_are_one_note_a_subject(tmp_path, capsys):
    run("init", tmp_path)
    (tmp_path / "subjects.csv").write_text("subject,tumor_type\nS01,other\n")
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\nS01,1,0\n")
    rows = "".join(f"S01,-5,{reader},T1,target,3\nS01,42,{reader},T1,target,2\n" for reader in "ABC")
    (tmp_path / "clinical" / "lesions.csv").write_text(f"subject,day,reader,lesion,role,diameter_mm\n{rows}")
    capsys.readouterr()
    assert run("check", tmp_path) == 0
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: a run")]
    assert "every target of the baseline is below 10 mm" in note and "reader A, day -5: 3'" in note
    assert note.endswith("; and 2 more alike")


def test_odd_targets_are_a_note(tmp_path, capsys):
    run("init", tmp_path)
    (tmp_path / "subjects.csv").write_text("subject,tumor_type\nS01,other\nS02,other\n")
    (tmp_path / "infusions.csv").write_text("subject,infusion,day\nS01,1,0\nS02,1,0\n")
    rows = "S01,-5,T1,30\nS01,-5,T2,20\nS01,-5,T3,50\nS01,42,T1,15\nS01,42,T2,10\nS01,42,T3,25\n"
    tenth = "S02,-5,T1,30\nS02,-5,T2,20\nS02,42,T1,3.0\nS02,42,T2,20\n"
    lesions = (f"{row.replace(',T', ',target,T')}\n" for row in (rows + tenth).splitlines())
    (tmp_path / "clinical" / "lesions.csv").write_text("subject,day,role,lesion,diameter_mm\n" + "".join(lesions))
    capsys.readouterr()
    assert run("check", tmp_path) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: targets")] == [
        "note: targets of 'S01' on day -5: T3 always the sum of the other targets: a row of sums?",
        "note: targets of 'S02' on day 42: T1 a tenth of what it was: in cm?",
    ]


def test_no_folder_ends_with_3(tmp_path, capsys):
    assert run("check", tmp_path / "none") == 3
    assert "not a study folder" in capsys.readouterr().err


def test_a_terminal_is_told_nothing_it_would_obey(tmp_path, capsys):
    run("init", tmp_path)
    (tmp_path / "subjects.csv").write_text("subject,tumor_type,\x1b[31mred\nS\x1b[2J,other,1\n")
    (tmp_path / "study.yaml").write_text('study: x\n"\\e[31m": 1\n')
    (tmp_path / "clinical" / "\x1b[31m.csv").write_text("")
    capsys.readouterr()
    assert run("check", tmp_path) == 3
    captured = capsys.readouterr()
    assert captured.out.count("\\x1b[31m") == 3
    assert "\x1b" not in captured.out + captured.err


def test_a_second_init_changes_nothing(tmp_path, capsys):
    run("init", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert run("init", tmp_path) == 3
    assert "a study stands here already" in capsys.readouterr().err
    assert run("init", tmp_path, "--scan", tmp_path) == 3
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_scan(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    for name in ("S01_D7_flow.fcs", "S01_late_flow.fcs", "x\u202ey.txt"):
        (tmp_path / "raw" / name).write_text(f"FCS3.1 {name}")
    assert run("init", tmp_path, "--scan", tmp_path / "raw") == 0
    out = capsys.readouterr().out
    assert "samples: 2, subjects: 1, files left out: 1\n" in out
    assert "left out: x\\u202ey.txt: its name holds a character that samples.csv cannot hold; rename it\n" in out
    assert "  study.yaml: fill in the nominal day of late\n" in out
    assert "to mend: study.yaml, row 20, column visits.late.day: " in out


def test_a_scan_of_tubes_that_only_their_names_tell_apart_asks_for_their_stimulus(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    for name in ("S01_D7_a.fcs", "S01_D7_b.fcs"):
        (tmp_path / "raw" / name).write_text(f"FCS3.1 {name}")
    assert run("init", tmp_path, "--scan", tmp_path / "raw", "--pattern", "{subject}_{visit}_{_}") == 0
    told = "  samples.csv: tubes with `replicate` must agree; give stimulated ones `role` and `stimulus`\n"
    assert told in capsys.readouterr().out
    assert "guessed: replicate" in (tmp_path / "samples.csv").read_text()


@pytest.mark.parametrize(
    ("name", "told"), [("S01_D7_tcr.tsv", True), ("S01_D7_bcr.tsv", True), ("S01_D7_flow.fcs", False)]
)
def test_a_scan_of_clonotypes_asks_for_what_their_limits_rest_on(tmp_path, capsys, name, told):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / name).write_text(f"FCS3.1 {name}")
    assert run("init", tmp_path, "--scan", tmp_path / "raw") == 0
    assert ("  samples.csv: fill in `count_of` and `cells` of tcr and bcr" in capsys.readouterr().out) is told


def test_a_scan_that_finds_nothing_writes_nothing(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    assert run("init", tmp_path, "--scan", tmp_path / "raw") == 3
    assert "seen: no file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_pattern_without_a_scan_is_a_slip_of_usage(tmp_path, capsys):
    assert run("init", tmp_path, "--pattern", "{subject}_{visit}") == 2
    assert run("init", tmp_path, "--scan", tmp_path, "--pattern", "{subjct}") == 3
    assert "did you mean 'subject'?" in capsys.readouterr().err


def test_help_is_light():
    code = (
        "import sys, tilseq.cli.study; print([m for m in ('polars', 'pydantic', 'yaml', 'numpy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_scan_drafts_panels_from_the_stains_of_tubes(tmp_path, capsys):
    from tilseq.io.fcs_write import write_fcs

    for name in ("S01_D7_flow", "S01_productA_flow"):
        write_fcs(tmp_path / "raw" / f"{name}.fcs", [[1.0, 2.0]], ["FITC-A", "PE-A"], markers=["CD3", name])
    assert run("init", tmp_path, "--scan", tmp_path / "raw") == 0
    assert "look over the markers of panel_1, panel_2, which were guessed" in capsys.readouterr().out
    assert '"CD3": ["FITC-A"]' in (tmp_path / "study.yaml").read_text()
    assert run("check", tmp_path) == 0
