"""Commands that write tables of one name into one folder."""

import polars as pl

from tests.commands import exit_code as run
from tilseq.io.write import write_table
from tilseq.tables.outputs import EXCLUSIONS

LABS = "subject,day,test,value_text,unit,lower_limit,upper_limit\n007,3,ANC,0.3,10^9/L,1.8,7.5\n"
EVENTS = "subject,term,start_day,grade\n007,Fever,3,2\n"
SUBJECTS = "subject,tumor_type\n007,melanoma\n"


def trial(folder):
    for name, text in (("labs", LABS), ("events", EVENTS), ("subjects", SUBJECTS)):
        (folder / f"{name}.csv").write_text(text)
    return {
        "labs": ["clinical", "labs", folder / "labs.csv", "--ctcae", "5"],
        "safety": ["clinical", "safety", folder / "events.csv", "--subjects", folder / "subjects.csv"],
    }


def test_no_command_replaces_the_tables_of_another(tmp_path, capsys):
    commands, out = trial(tmp_path), tmp_path / "out"
    assert run(*commands["safety"], "-o", out) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert run(*commands["labs"], "-o", out) == 2
    assert (
        f"{out / 'summaries.parquet'} was written by tilseq clinical safety and would be lost: give this command a "
        "folder of its own, or delete the file"
    ) in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_command_replaces_its_own_tables(tmp_path):
    commands, out = trial(tmp_path), tmp_path / "out"
    assert run(*commands["labs"], "-o", out) == 0
    (tmp_path / "labs.csv").write_text(LABS.replace("0.3", "0.6"))
    assert run(*commands["labs"], "-o", out) == 0
    assert pl.read_parquet(out / "lab_grades.parquet")["grade"].to_list() == [3]


def test_tables_that_an_earlier_call_alone_wrote_are_removed(tmp_path):
    out = tmp_path / "out"
    (tmp_path / "subjects.csv").write_text(SUBJECTS.replace("melanoma", "ovarian"))
    markers = "subject,day,test,value_text,unit\n007,-8,CA125,900,U/mL\n007,28,CA125,200,U/mL\n"
    (tmp_path / "markers.csv").write_text(markers)
    command = ["clinical", "markers", tmp_path / "markers.csv", "--subjects", tmp_path / "subjects.csv", "-o", out]
    assert run(*command) == 0
    (out / "notes.csv").write_text("a person's own")
    before = {path.name for path in out.iterdir()}
    (tmp_path / "subjects.csv").write_text(SUBJECTS)
    assert run(*command) == 0
    assert before - {path.name for path in out.iterdir()} == {"gcig.csv", "gcig.parquet"}


def test_the_tables_of_a_run_and_files_that_are_no_tables_are_kept(tmp_path, capsys):
    commands, out = trial(tmp_path), tmp_path / "out"
    write_table(EXCLUSIONS.frame(), EXCLUSIONS, out)
    assert run(*commands["labs"], "-o", out) == 2
    told = "exclusions.parquet was written by a run, by another version or by another program and would be lost"
    assert told in capsys.readouterr().err
    (out / "exclusions.parquet").write_text("not a table")
    assert run(*commands["labs"], "-o", out) == 2
    assert told in capsys.readouterr().err


def test_commands_of_clonotypes_keep_the_tables_of_others(tmp_path, capsys):
    commands, out = trial(tmp_path), tmp_path / "out"
    assert run(*commands["labs"], "-o", out) == 0
    clones = "v_call\tj_call\tjunction\tduplicate_count\nTRBV2\tTRBJ1-1\tTGTGCAAAATTT\t3\n"
    for name in ("product", "day7"):
        (tmp_path / f"{name}.tsv").write_text(clones.replace("3", "9") if name == "day7" else clones)
    capsys.readouterr()
    assert run("repertoire", "track", tmp_path / "day7.tsv", "--product", tmp_path / "product.tsv", "-o", out) == 2
    assert "exclusions.parquet was written by tilseq clinical labs and would be lost" in capsys.readouterr().err
    assert not (out / "persistence.csv").exists()
