from pathlib import Path
from typing import Any

from tilseq.endpoints.parameters import INFUSED_UPPER_BOUND
from tilseq.io.write import write_table
from tilseq.report import til_survival
from tilseq.report.results import Results, read_results
from tilseq.report.view import View
from tilseq.tables.outputs import ENDPOINTS, SAMPLES_RUN

MARK = "CD3+/TCR Vb2+"
TUBES = {
    "base": ("baseline", -10, "blood", "ok"),
    "prod": ("product", -1, "infusion_product", "ok"),
    "d7": ("D7", 7, "blood", "warn"),
    "d14": ("D14", 14, "blood", "ok"),
    "d28": ("D28", 28, "blood", "failed"),
}


def results_of(folder: Path, endpoints: list[dict[str, Any]]) -> Results:
    samples = [
        {"sample": name, "subject": "S1", "visit": visit, "day": day, "specimen": specimen, "assay": "flow"}
        | {"panel": "vb", "state": state}
        for name, (visit, day, specimen, state) in TUBES.items()
    ]
    other = {**samples[0], "sample": "tbnk", "panel": "tbnk", "state": "failed"}  # another panel: no row of its own
    write_table(SAMPLES_RUN.frame([*samples, other]), SAMPLES_RUN, folder / "tables")
    write_table(ENDPOINTS.frame(endpoints), ENDPOINTS, folder / "tables")
    return read_results(folder)


def row(sample: str | None, parameter: str, value: float | None, **more: Any) -> dict[str, Any]:
    visit, day, specimen, _ = TUBES[sample] if sample else (None, None, "blood", "")
    base = {"sample": sample, "subject": "S1", "visit": visit, "day": day, "specimen": specimen, "assay": "flow"}
    told = {"status": "not_evaluable" if value is None else "quantified", "scope": "cohort", "unit": "u"}
    return {**base, "parameter": parameter, "qualifier": f"population={MARK}", "value": value, **told, **more}


def marked(sample: str, value: float) -> dict[str, Any]:
    limits = {"lower": value - 1, "upper": value + 1, "qualifier": f"parent=CD3+;population={MARK}"}
    return row(sample, "percent_of_parent", value, **limits)


def told(view: View) -> list[dict[str, str]]:
    heads = [head.text for head in view.heads]
    return [
        dict(zip(heads, (" ".join(filter(None, (cell.text, cell.note))) for cell in cells), strict=True))
        for cells in view.rows
    ]


def test_the_mark_is_followed_from_product_to_each_visit(tmp_path: Path) -> None:
    endpoints = [marked("base", 5.0), marked("prod", 30.0), marked("d7", 15.5), marked("d14", 5.2)]
    seen = {"method": INFUSED_UPPER_BOUND}
    endpoints += [
        row("d7", "infused_share_of_cd3", 0.42, lower=0.31, upper=0.55, **seen),
        row("d7", "infused_cells_per_ul", 84.0, lower=60.0, upper=113.0, **seen),
        row("d7", "infused_probability_above_blank", 0.9991),
        row("d14", "infused_share_of_cd3", 0.0, lower=0.0, upper=0.12, status="not_detected", value_text="< 0.12"),
        row("d14", "infused_cells_per_ul", None, method="no CD3+ cells per µL were counted of this blood"),
        row("d14", "infused_probability_above_blank", 0.61),
    ]
    endpoints[-3]["method"] = INFUSED_UPPER_BOUND
    table = told(til_survival.infused(results_of(tmp_path, endpoints)))
    assert [line["Sample"].split()[0] for line in table] == ["base", "prod", "d7", "d14", "d28"]
    baseline, product, first, second, failed = table
    assert (baseline["Marked cells"], product["Marked cells"]) == ("5.0 (4.0-6.0)", "30.0 (29.0-31.0)")
    assert (product["Infused share"], product["Read it as"]) == ("–", "")
    assert (first["Infused share"], first["Infused cells"]) == ("42 (31-55)", "84 (60-113)")
    assert (first["Above baseline"], first["Read it as"]) == ("0.999", "an upper bound")
    assert second["Infused share"] == "< 12 not detected"
    assert second["Infused cells"] == "–"
    assert second["Read it as"] == "an upper bound no CD3+ cells per µL were counted of this blood"
    assert failed["Marked cells"] == "– not finished"


def test_a_visit_without_a_number_says_why(tmp_path: Path) -> None:
    why = "the product is not clearly richer in the mark than the baseline"
    endpoints = [marked("d7", 15.5)]
    endpoints += [row("d7", name, None, method=why) for name in (til_survival.SHARE, til_survival.CELLS)]
    (line, _) = told(til_survival.infused(results_of(tmp_path, endpoints)))
    assert (line["Infused share"], line["Above baseline"], line["Read it as"]) == ("–", "–", why)


def test_kinetics_stand_a_series_a_row_in_the_unit_that_is_told(tmp_path: Path) -> None:
    reason = "fewer than 3 quantified days after the peak"
    endpoints = [
        row(None, "infused_share_of_cd3_peak", 0.42, lower=0.31, upper=0.55),
        row(None, "infused_share_of_cd3_auc_0_28", 5.0, lower=4.0, upper=6.5),
        row(None, "infused_share_of_cd3_half_life", None, method=reason),
        row(None, "infused_share_of_cd3_time_to_loss", 28.0, lower=28.0, status="above_range", value_text="> 28 d"),
        row(None, "cells_per_ul_peak", 900.0, lower=800.0, upper=1000.0, qualifier="population=CD3+"),
        row(None, "cells_per_ul_day_of_peak", 14.0, lower=14.0, upper=28.0, qualifier="population=CD3+"),
        row(None, "infused_share_of_cd3_day_of_peak", 7.0, lower=7.0, upper=7.0),
        row(None, "infused_share_of_cd3_last_day_quantified", None, method=reason),
    ]
    table = told(til_survival.kinetics(results_of(tmp_path, endpoints)))
    by_series = {line["Series"]: line for line in table}
    share, cells = by_series["infused share of CD3+ %"], by_series["CD3+ cells cells/µL"]
    assert (share["Mark"], cells["Mark"]) == (MARK, "")
    assert (share["Peak"], share["Area to day 28"]) == ("42 (31-55)", "500 (400-650)")
    assert share["Half-life"] == f"– {reason}"
    assert share["Last day quantified"] == "–"  # for the same reason, which is told once
    assert share["Day of peak"] == "7"
    assert share["Lost by day"] == "> 28 still detected"
    assert (cells["Peak"], cells["Day of peak"]) == ("900 (800-1,000)", "14 (14-28)")


def test_a_run_without_marks_has_neither_table(tmp_path: Path) -> None:
    results = results_of(tmp_path, [])
    assert not til_survival.infused(results).rows and not til_survival.kinetics(results).rows
