from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator

from tilseq.io.yaml_model import Part, held_against, line_of, read_model


class Pump(Part):
    rate: float = Field(1.0, gt=0)
    mode: Literal["slow", "fast"] = "slow"


class Plant(Part):
    name: str
    floors: int = 1
    pump: Pump = Field(default_factory=Pump)
    spare: Pump | None = None
    pumps: dict[str, Pump] = Field(default_factory=dict)
    shifts: list[Literal["day", "night"]] = Field(default_factory=list)
    doors: Annotated[list[str], Field(min_length=2)] = ["front", "back"]

    @field_validator("name")
    @classmethod
    def _has_no_space(cls, name):
        if " " in name:
            raise ValueError("a name holds a space; write it in one word")
        return name


def read(tmp_path, text):
    path = tmp_path / "plant.yaml"
    path.write_text(text)
    value, lines, problems = read_model(path, Plant, file="plant.yaml", expected="settings such as `name: mill`")
    return value, lines, [str(problem) for problem in problems]


def test_what_is_sound_is_read_with_its_lines(tmp_path):
    value, lines, problems = read(tmp_path, "name: mill\npump:\n  rate: 2\npumps:\n  a: {mode: fast}\n")
    assert problems == []
    assert value == Plant(name="mill", pump=Pump(rate=2.0), pumps={"a": Pump(mode="fast")})
    assert lines[("pump", "rate")] == 3
    assert lines[("pumps", "a", "mode")] == 5


def test_a_part_with_nothing_below_it_is_its_default(tmp_path):
    value, _, problems = read(tmp_path, "name: mill\npump:\npumps:\nspare:\n")
    assert problems == []
    assert value == Plant(name="mill")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("floors: 2\n", ", column name: this setting is needed"),
        ("name: a\nflors: 2\n", ", row 2, column flors: no such setting; did you mean 'floors'?"),
        (
            "name: a\nzzz: 2\n",
            ", row 2, column zzz: no such setting; known here are name, floors, pump, spare, pumps, shifts, doors",
        ),
        (
            "name: a\npump:\n  rte: 2\n",
            ", row 3, column pump.rte: no such setting; did you mean 'rate'?",
        ),
        ("name: a\nspare:\n  rte: 2\n", ", row 3, column spare.rte: no such setting; did you mean 'rate'?"),
        ("name: a\npumps:\n  x:\n    rte: 2\n", ", row 4, column pumps.x.rte: no such setting; did you mean 'rate'?"),
        (
            "name: a\nfloors: 1.5\n",
            ", row 2, column floors: this value cannot stand here; found 1.5; expected a whole number",
        ),
        (
            "name: a\nfloors: yes\n",
            ", row 2, column floors: this value cannot stand here; found 'yes'; expected a whole number",
        ),
        ("name: 7\n", ", row 1, column name: this value cannot stand here; found 7; expected text; put it in quotes"),
        ("name: a b\n", ", row 1, column name: a name holds a space; write it in one word"),
        ("name: a\npump: {rate: null}\n", ", row 2, column pump.rate: a value is missing; expected a number"),
        (
            "name: a\npump: {rate: 0}\n",
            ", row 2, column pump.rate: this value cannot stand here; found 0; expected greater than 0",
        ),
        (
            "name: a\nspare: {mode: fst}\n",
            ", row 2, column spare.mode: this value cannot stand here; found 'fst'; expected 'slow' or 'fast'; "
            "did you mean 'fast'?",
        ),
        (
            "name: a\nshifts:\n  - day\n  - nigt\n",
            ", row 4, column shifts.1: this value cannot stand here; found 'nigt'; expected 'day' or 'night'; "
            "did you mean 'night'?",
        ),
        (
            "name: a\ndoors: [one]\n",
            ", row 2, column doors: this value cannot stand here; found 'a list'; "
            "expected at least 2 items after validation, not 1",
        ),
        (
            "name: a\npump: 3\n",
            ", row 2, column pump: this value cannot stand here; found 3; expected names with values below them",
        ),
        (
            "name: a\npumps: [3]\n",
            ", row 2, column pumps: this value cannot stand here; found 'a list'; "
            "expected names with values below them",
        ),
        ("name: a\nname: b\n", ", row 2, column name: this key stands in line 1 already; keep one of them"),
        ("", ": no settings stand here; expected settings such as `name: mill`"),
        ("- a\n", ": no settings stand here; expected settings such as `name: mill`"),
    ],
)
def test_a_fault_is_told_with_its_place_and_its_mend(tmp_path, text, problem):
    value, _, problems = read(tmp_path, text)
    assert value is None
    assert problems == [f"plant.yaml{problem}"]


def test_all_faults_are_told_at_once(tmp_path):
    value, _, problems = read(tmp_path, "name: 1\nname: 2\nfloors: x\npump: {rate: -1}\nfoo: 1\n")
    assert value is None
    assert [problem.split(": ")[0].removeprefix("plant.yaml, ") for problem in problems] == [
        "row 2, column name",
        "row 1, column name",
        "row 3, column floors",
        "row 4, column pump.rate",
        "row 5, column foo",
    ]


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path):
    value, lines, problems = read_model(tmp_path / "none.yaml", Plant, file="none.yaml", expected="x")
    assert (value, lines, len(problems)) == (None, {}, 1)
    assert str(problems[0]).startswith("none.yaml: cannot read")


def test_plain_data_are_held_against_a_model_without_a_file():
    assert held_against({"name": "mill"}, Plant, {}) == (Plant(name="mill"), [])
    value, problems = held_against({"name": "mill", "pump": {"rate": -1.0}}, Plant, {})
    assert value is None
    assert [str(problem) for problem in problems] == [
        "column pump.rate: this value cannot stand here; found -1.0; expected greater than 0"
    ]


def test_the_line_is_that_of_the_nearest_key_above():
    lines = {("pump",): 3, ("pump", "rate"): 4}
    assert line_of(("pump", "rate"), lines) == 4
    assert line_of(("pump", "mode"), lines) == line_of(("pump", "mode", "x"), lines) == 3
    assert line_of(("name",), lines) is None
