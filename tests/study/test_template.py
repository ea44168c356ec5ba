import re

import pytest
import yaml

from tilseq.errors import RunError
from tilseq.study.read import examine
from tilseq.study.settings import Settings, read_settings
from tilseq.study.template import write_template
from tilseq.tables.inputs import FOLLOWUP, SCHEDULE, THERAPIES


def test_the_template_passes_all_checks(tmp_path):
    paths = write_template(tmp_path / "my_study")
    folder = examine(tmp_path / "my_study")
    assert (folder.problems, folder.notes) == ([], [])
    assert [path.relative_to(tmp_path / "my_study").as_posix() for path in paths] == [
        "study.yaml",
        "subjects.csv",
        "infusions.csv",
        "samples.csv",
        "clinical/lesions.csv",
        "clinical/responses.csv",
        "clinical/followup.csv",
        "clinical/therapies.csv",
        "clinical/schedule.csv",
    ]
    assert folder.settings.study == "my_study"
    assert folder.subjects.height == 1 and folder.samples.height == 0
    assert ",count_of," in (tmp_path / "my_study" / "samples.csv").read_text()  # without it AIRR has no coverage
    for name, table in (("followup", FOLLOWUP), ("therapies", THERAPIES), ("schedule", SCHEDULE)):
        header = (tmp_path / "my_study" / "clinical" / f"{name}.csv").read_text()
        assert header == ",".join(table.names) + "\n"


def test_every_setting_stands_in_the_template_with_its_default(tmp_path):
    write_template(tmp_path / "new")
    path = tmp_path / "new" / "study.yaml"
    text = path.read_text()
    text = text[text.index("# analysis:") :]
    path.write_text("study: new\n" + re.sub(r"^# ", "", text, flags=re.MULTILINE))
    settings, _, problems = read_settings(path)
    assert problems == []
    assert settings == Settings(study="new")
    written = yaml.safe_load(path.read_text())["analysis"]
    assert written == settings.model_dump()["analysis"]


def test_the_commented_panel_and_gates_are_right(tmp_path):
    write_template(tmp_path / "new")
    path = tmp_path / "new" / "study.yaml"
    text = path.read_text()
    parts = [("# panels:", "# Gates that"), ("# gates:", "# analysis:")]
    lines = "".join(text[text.index(start) : text.index(end)] for start, end in parts)
    path.write_text("study: new\n" + re.sub(r"^# ", "", lines, flags=re.M))
    settings, _, problems = read_settings(path)
    assert problems == []
    assert settings.panels["tcell"].thresholds == {"CD3": 1200.0}
    assert settings.panels["tcell"].populations["CD4+ T"].parent == "CD3+"
    assert settings.gates["tcell"].names == {"T cells": "CD3+"}


@pytest.mark.parametrize("name", ["study.yaml", "subjects.csv", "samples.csv", "clinical/lesions.csv"])
def test_nothing_is_written_over(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match="a study stands here already"):
        write_template(tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


@pytest.mark.parametrize("name", ["a: b", "#x", "'", '"', "on", "007", "$study", "x" * 200, "🧬", "{a}"])
def test_any_folder_name_makes_a_sound_study(tmp_path, name):
    write_template(tmp_path / name)
    folder = examine(tmp_path / name)
    assert folder.problems == []
    assert folder.settings.study == name


def test_a_folder_name_that_no_study_can_bear(tmp_path):
    write_template(tmp_path / "a\x1bb")
    assert examine(tmp_path / "a\x1bb").settings.study == "my_study"
