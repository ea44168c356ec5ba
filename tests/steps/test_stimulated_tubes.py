from tests.flow.stimulated import NUMBERS, simulate, write
from tilseq.flow.cytokine_response import ResponseRule
from tilseq.steps.stimulated_tubes import ToRead, pair_checks, read_subject, responses

GATING = {"aliases": {}, "thresholds": {}, "populations": {}}
ROW = {"subject": "S1", "visit": "D7", "day": 7, "specimen": "blood"}


def table_of(tmp_path, unstimulated, stimulated):
    paths = {"none": write(tmp_path / "none.fcs", unstimulated), "pma": write(tmp_path / "pma.fcs", stimulated)}
    roles = {"none": "unstimulated", "pma": "stimulated"}
    rows = [{"sample": name, "role": role, "path": f"{name}.fcs", **ROW} for name, role in roles.items()]
    read = read_subject([ToRead(row, str(paths[row["sample"]]), GATING) for row in rows])
    return responses([read], ResponseRule())


def test_a_tube_without_a_cytokine_stain_is_told(tmp_path):
    table = table_of(tmp_path, simulate({}, seed=1, label="CD69 PE"), simulate({"CD8+ T": 100}, seed=2))
    (row,) = table.to_dicts()
    assert (row["response"], row["verdict"], row["marker"]) == ("not_evaluable", "fail", "IFN-γ")
    assert row["reason"] == "no channel of IFN-γ in none: name it among the panel's markers"
    (check,) = pair_checks(table)
    assert (check["sample"], check["verdict"], check["value"]) == ("pma", "fail", 0)


def test_tubes_without_any_cytokine_are_told(tmp_path):
    tubes = (simulate({}, seed=seed, label="CD69 PE") for seed in (1, 2))
    (row,) = table_of(tmp_path, *tubes).to_dicts()
    assert (row["response"], row["marker"]) == ("not_evaluable", None)
    assert row["reason"] == "no channel of a cytokine: name it among the panel's markers"


def test_few_cells_have_numbers_but_no_test(tmp_path):
    few = {**NUMBERS, "CD8+ T": 300}
    table = table_of(tmp_path, simulate({}, seed=3, numbers=few), simulate({"CD8+ T": 60}, seed=4, numbers=few))
    by_population = {row["population"]: row for row in table.to_dicts()}
    cd8 = by_population["CD8+ T"]
    assert cd8["response"] == "not_evaluable" and cd8["p"] is None and 18 < cd8["difference_pct"] < 21
    assert "too few to test: " in cd8["reason"] and "500 are needed" in cd8["reason"]
    assert by_population["CD3+"]["response"] == "yes"
    (check,) = pair_checks(table)
    assert (check["value"], check["verdict"]) == (2, "warn")


def test_two_empty_roles_have_no_rows():
    assert responses([read_subject([])], ResponseRule()).is_empty()
    assert pair_checks(responses([], ResponseRule())) == []
