from tests.flow.stimulated import NUMBERS, simulate, write
from tilseq.flow.cytokine_response import ResponseRule
from tilseq.steps.stimulated_tubes import ToRead, pair_checks, read_subject, responses

GATING = {"aliases": {}, "thresholds": {}, "populations": {}}
ROW = {"subject": "S1", "visit": "D7", "day": 7, "specimen": "tumor", "lesion": "L1"}


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
    assert (row["response"], row["marker"], row["lesion"]) == ("not_evaluable", None, "L1")
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


def test_roles_that_are_swapped_are_told_among_the_checks(tmp_path):
    table = table_of(tmp_path, simulate({"CD8+ T": 300}, seed=4), simulate({"CD8+ T": 2}, seed=3))
    tested, roles = pair_checks(table)
    assert (tested["check"], tested["verdict"]) == ("against unstimulated", "pass")
    assert (roles["sample"], roles["check"], roles["verdict"], roles["value"]) == (
        "pma",
        "roles of the pair",
        "warn",
        2,
    )
    assert roles["reason"] == (
        "of 2 populations more cells bear it unstimulated than stimulated: are the roles of the tubes swapped?"
    )


def moved_by(spreads, seed=11):
    tube = simulate({}, seed=seed)
    tube.events[:, tube.channels.index("Y1-A")] += 66 * spreads  # the standard deviation of its negatives
    return tube


def test_negatives_that_moved_raise_the_threshold_or_stop_the_test(tmp_path):
    rows = table_of(tmp_path, simulate({"CD8+ T": 2}, seed=1), moved_by(1.5)).to_dicts()
    assert {(row["threshold_source"], row["verdict"], row["response"]) for row in rows} == {
        ("stimulated", "warn", "no")
    }
    assert "the threshold is raised" in rows[0]["reason"]
    rows = table_of(tmp_path, simulate({"CD8+ T": 2}, seed=1), moved_by(4)).to_dicts()
    assert {(row["verdict"], row["response"], row["p"]) for row in rows} == {("fail", "not_evaluable", None)}
    assert "the tubes are not alike" in rows[0]["reason"] and rows[0]["difference_pct"] is not None


def test_swapped_roles_are_told(tmp_path):
    rows = table_of(tmp_path, simulate({"CD4+ T": 400, "CD8+ T": 600}, seed=2), simulate({}, seed=1)).to_dicts()
    assert [row["response"] for row in rows] == ["no"] * 3
    assert all("are the roles of the tubes swapped?" in row["reason"] for row in rows)
    assert 950 < rows[0]["positive_unstimulated"] < 1010


def test_a_cytokine_in_another_channel_of_one_tube_is_refused(tmp_path):
    other = simulate({"CD8+ T": 100}, seed=2)
    other.channels = [name.replace("Y1", "Y2") for name in other.channels]
    other.spill.channels = other.channels[3:8]
    (row,) = table_of(tmp_path, simulate({}, seed=1), other).to_dicts()
    assert row["reason"] == "IFN-γ is in several channels within the pair: pma Y2-A; none Y1-A"


def test_two_empty_roles_have_no_rows():
    assert responses([read_subject([])], ResponseRule()).is_empty()
    assert pair_checks(responses([], ResponseRule())) == []
