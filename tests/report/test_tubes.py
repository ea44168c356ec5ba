from pathlib import Path
from typing import Any

import pytest

from tilseq.io.write import write_table
from tilseq.report.images import Picture
from tilseq.report.results import Results, read_results
from tilseq.report.tubes import Batch, batches, tubes
from tilseq.tables import outputs


def sample(name: str, state: str = "ok", panel: str | None = "tbnk", **more: Any) -> dict[str, Any]:
    row = {"sample": name, "subject": "S1", "visit": "D7", "day": 7, "specimen": "blood", "assay": "flow"}
    return row | {"state": state, "panel": panel, **more}


def cut(gate: str, source: str, parent: str = "CD3+", name: str = "a") -> dict[str, Any]:
    return {"sample": name, "gate": gate, "parent": parent, "channel": "X", "threshold": 1.0, "source": source}


def lent(gate: str, parent: str = "CD3+", **more: Any) -> dict[str, Any]:
    row = {"panel": "tbnk", "instrument": "Lyric", "gate": gate, "parent": parent, "channel": "X", "threshold": 1.0}
    return row | {"lower": 0.5, "upper": 1.5, "mad": 0.1, "tubes": 9, **more}


def check(name: str, verdict: str, reason: str | None = None, value: float | None = None) -> dict[str, Any]:
    return {"sample": "a", "check": name, "verdict": verdict, "reason": reason, "limit": "at most 1", "value": value}


def results_of(folder: Path, **tables: list[dict[str, Any]]) -> Results:
    by_name = {table.name: table for table in vars(outputs).values() if isinstance(table, outputs.Table)}
    (folder / "tables").mkdir(exist_ok=True)
    for name, rows in tables.items():
        write_table(by_name[name].frame(rows), by_name[name], folder / "tables")
    return read_results(folder)


def columns(results: Results) -> list[dict[str, str]]:
    view = tubes(results)
    heads = [head.text for head in view.heads]
    texts = [["".join(chip.label for chip in cell.chips) or cell.text for cell in row] for row in view.rows]
    return [dict(zip(heads, row, strict=True)) for row in texts]


def test_a_tube_has_its_verdict_with_every_reason_and_what_time_took_out(tmp_path: Path) -> None:
    quality = [
        check("flow rate", "warn", "12 to 15 s: 0.2 times the usual rate", 4.0),
        check("events in CD3+", "fail", None, 31.0),
        check("events left out by time", "warn", "4.1 % of events", 4.1),
        check("singlets", "pass", "fine", 0.98),
    ]
    (row,) = columns(results_of(tmp_path, samples=[sample("a", "fail")], quality=quality))
    assert row["Verdict"] == "failed quality"
    assert row["Why"] == (
        "events in CD3+: at most 1\nevents left out by time: 4.1 % of events\n"
        "flow rate: 12 to 15 s: 0.2 times the usual rate"
    )
    assert row["Left out by time"] == "4.10"


def test_a_tube_that_was_not_finished_has_a_row(tmp_path: Path) -> None:
    (row,) = columns(results_of(tmp_path, samples=[sample("a", "failed")]))
    assert (row["Verdict"], row["Why"]) == ("not finished", "not finished")


@pytest.mark.parametrize(
    ("cuts", "lenders", "told"),
    [
        ([cut("CD8", "cohort")], [lent("CD8")],
         "CD8 among CD3+: borrowed from 9 tubes of panel tbnk, instrument Lyric"),
        ([cut("CD8", "cohort")], [lent("CD8"), lent("CD8", channel="Y", tubes=4)],
         "CD8 among CD3+: borrowed from 9 tubes of panel tbnk, instrument Lyric"),
        ([cut("CD8", "cohort")], [lent("CD8"), lent("CD8", instrument="Canto")],
         "CD8 among CD3+: borrowed from other tubes"),
        ([cut("CD8", "cohort")], [], "CD8 among CD3+: borrowed from other tubes"),
        ([cut("CD4", "settings")], [], "CD4 among CD3+: set by hand"),
        ([cut("CD4", "fallback")], [], "CD4 among CD3+: no valley, put above cells that lack it"),
        ([cut(f"lymphocytes {name}", "cohort", "live") for name in ("FSC-A", "SSC-A")],
         [lent(f"lymphocytes {name}", "live") for name in ("FSC-A", "SSC-A")],
         "lymphocytes: borrowed from 9 tubes of panel tbnk, instrument Lyric"),
        ([cut("CD4", "settings"), cut("CD8", "settings")], [],
         "CD4 among CD3+: set by hand\nCD8 among CD3+: set by hand"),
    ],
)  # fmt: skip
def test_gates_that_are_not_the_tubes_own_say_whose_they_are(
    cuts: list[dict], lenders: list[dict], told: str, tmp_path: Path
) -> None:
    results = results_of(tmp_path, samples=[sample("a")], cuts=cuts, cohort_cuts=lenders)
    assert columns(results)[0]["Gates not its own"] == told


def test_a_tube_whose_gates_are_its_own_has_none_to_tell(tmp_path: Path) -> None:
    own = [cut("CD4", "valley"), cut("lymphocytes FSC-A", "fallback"), cut("lymphocytes SSC-A", "valley")]
    results = results_of(tmp_path, samples=[sample("a")], cuts=own)
    assert "Gates not its own" not in columns(results)[0]


def picture(caption: str) -> Picture:
    return Picture("data:image/png;base64,", caption, f"figures/flow/{caption}.png")


def rows_of(found: list[Batch]) -> dict[str, list[str]]:
    return {batch.title: [row.sample for row in batch.rows] for batch in found}


def test_pictures_stand_by_panel_subject_and_day_with_how_their_tube_went(tmp_path: Path) -> None:
    samples = [
        sample("b", day=28), sample("a", "warn", specimen="infusion_product"), sample("c", panel="state"), sample("d"),
        sample("x:y", subject="S0"),
    ]  # fmt: skip
    results = results_of(tmp_path, samples=samples, quality=[check("beads counted", "warn", "few")])
    found = batches(results, [picture(f"{name}: gates") for name in ("a", "b", "c", "x:y", "nobody")])
    assert rows_of(found) == {
        "Gates of panel state, 1 tube": ["c"],
        "Gates of panel tbnk, 3 tubes": ["x:y", "a", "b"],
        "Other gates, 1 tube": ["nobody: gates"],
    }
    row = found[1].rows[1]
    assert (row.about, row.checks, row.chip and row.chip.label) == (
        "S1, D7, day 7, infusion product", "beads counted", "with warnings",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "sizes"), [(1, [1]), (20, [20]), (21, [11, 10]), (40, [20, 20]), (41, [14, 14, 13]), (0, [])]
)
def test_a_batch_holds_at_most_twenty_tubes_and_none_is_lost(number: int, sizes: list[int], tmp_path: Path) -> None:
    names = [f"t{i:02}" for i in range(number)]
    results = results_of(tmp_path, samples=[sample(name) for name in names])
    found = batches(results, [picture(f"{name}: gates") for name in names])
    assert [len(batch.rows) for batch in found] == sizes
    assert [row.sample for batch in found for row in batch.rows] == names
    if number == 21:
        assert [batch.title for batch in found] == [
            "Gates of panel tbnk, tubes 1 to 11 of 21", "Gates of panel tbnk, tubes 12 to 21 of 21",
        ]  # fmt: skip


def test_two_pictures_of_a_tube_and_pictures_without_a_name_are_all_shown(tmp_path: Path) -> None:
    results = results_of(tmp_path, samples=[sample("a")])
    found = batches(results, [picture("a: gates"), picture("a: more"), picture("one"), picture("two")])
    assert rows_of(found) == {"Gates of panel tbnk, 2 tubes": ["a", "a"], "Other gates, 2 tubes": ["one", "two"]}
