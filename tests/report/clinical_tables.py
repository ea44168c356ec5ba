"""Rows of the clinical tables of a run made by hand: rates, best responses, times, curves, estimates, safety."""

from typing import Any

from tests.report.safety_tables import safety_tables
from tilseq.tables import Table, best_response, summaries, survival

METHOD = "Kaplan-Meier, beta product (Fay 2013) 95 %"
BEST = ("PR", "SD", "PD", "CR", "NE", "not_assessed")


def clinical_tables(names: tuple[str, ...], hostile: str | None) -> dict[Table, list[dict[str, Any]]]:
    """Return the rows of each table for these subjects; a hostile text takes the place of every free one."""
    reader = hostile or "investigator"
    of_safety = safety_tables(names, hostile)
    return of_safety | {
        best_response.BEST_RESPONSE: [row for i, name in enumerate(names) for row in _best(i, name, reader, hostile)],
        best_response.RESPONSE_DIFFERENCES: [
            {"subject": names[0], "reader": reader, "day": 42, "visit": hostile or "week 6", "kind": "differs",
             "recorded": "PR", "derived": "SD", "derivation": hostile or "targets SD: sum 61 mm"},
        ],
        best_response.IRECIST_BEST: [
            {"subject": name, "reader": reader, "best_response": "iPR", "day": 42, "progression_day": 84,
             "confirmed": False}
            for name in names
        ],
        summaries.SUMMARIES: [
            *(row for group in ("all", _group(hostile)) for row in _rates(group, names, reader, hostile)),
            *of_safety[summaries.SUMMARIES],
        ],
        survival.TIME_TO_EVENT: [row for i, name in enumerate(names) for row in _times(i, name, reader, hostile)],
        survival.SURVIVAL_CURVE: [row for parameter in ("OS", "PFS", "DOR") for row in _curve(parameter, reader)],
        survival.SURVIVAL_ESTIMATES: [
            row for parameter in ("OS", "PFS", "DOR", "follow_up") for group in ("all", _group(hostile))
            for row in _estimates(parameter, reader, group)
        ],
    }  # fmt: skip


def _group(hostile: str | None) -> str:
    return "tumor_type=" + (hostile or "head_and_neck")


def _best(i: int, name: str, reader: str, hostile: str | None) -> list[dict[str, Any]]:
    word = BEST[i % 6]
    return [
        {"subject": name, "reader": reader, "source": "recorded", "confirmation": confirmation, "best_response": word,
         "day": 42, "rule": "confirmed_pr", "depth_pct": None if word in ("NE", "not_assessed") else 30.0 - 31 * i,
         "depth_day": 84, "reason": hostile or "ignored after the PD of day 39: day 89"}
        for confirmation in ("required", "not_required")
    ]  # fmt: skip


def _rates(group: str, names: tuple[str, ...], reader: str, hostile: str | None) -> list[dict[str, Any]]:
    rows = []
    escaped = reader.replace("%", "%25").replace(";", "%3B").replace("=", "%3D")
    for confirmation in ("required", "not_required"):
        counts = {"ORR": 2, "DCR": 3} | {f"response={word}": 1 for word in BEST}
        for what, numerator in counts.items():
            more = f";{what}" if "=" in what else ""
            rows.append({
                "population": "infused", "group": group, "parameter": "BOR" if more else what,
                "qualifier": f"confirmation={confirmation};reader={escaped}{more}", "numerator": numerator,
                "denominator": len(names), "denominator_text": hostile or f"{len(names)} infused subjects",
                "estimate": numerator / len(names), "lower": 0.04, "upper": 0.78, "method": "Clopper-Pearson, exact",
            })  # fmt: skip
    return rows


def _times(i: int, name: str, reader: str, hostile: str | None) -> list[dict[str, Any]]:
    rows = [("OS", None, "infusion", 0, 100 + 40 * i, i % 2 == 0), ("PFS", reader, "infusion", 0, 60 + 20 * i, True)]
    rows += [("DOR", reader, "response", 42, 60 + 20 * i, True)] if i in (0, 3) else []
    rows += [("follow_up", None, "infusion", 0, 100 + 40 * i, i % 2 == 1)]
    return [
        {"subject": name, "parameter": parameter, "reader": who, "origin": origin, "start_day": start, "end_day": end,
         "days": end - start + 1, "event": event, "description": hostile or "progression on a scan",
         "rule": "progression", "source_table": "responses", "source_row_day": end,
         "reason": hostile or "missed visits not looked for: no schedule"}
        for parameter, who, origin, start, end, event in rows
    ]  # fmt: skip


def _curve(parameter: str, reader: str) -> list[dict[str, Any]]:
    days = ((0, 6, 0, 0, 1.0), (101, 6, 1, 0, 0.8333), (141, 5, 0, 1, 0.8333), (181, 4, 1, 0, 0.625))
    return [
        {"parameter": parameter, "reader": None if parameter == "OS" else reader, "group": "all", "day": day,
         "at_risk": at_risk, "events": events, "censored": censored, "survival": left,
         "lower": 0.27 if 0 < left < 1 else None, "upper": 0.97 if 0 < left < 1 else None,
         "method": METHOD}
        for day, at_risk, events, censored, left in days
    ]  # fmt: skip


def _estimates(parameter: str, reader: str, group: str) -> list[dict[str, Any]]:
    own = {"parameter": parameter, "reader": None if parameter in ("OS", "follow_up") else reader, "group": group,
           "subjects": 6, "events": 2, "left_out": 1, "method": METHOD}  # fmt: skip
    never = {"estimate_text": "not reached", "lower": 101.0, "upper_text": "not reached", "unit": "d"}
    follow_up = own | {"quantity": "follow_up_median", "estimate": 221.0, "lower": 141.0, "upper": 301.0, "unit": "d"}
    if parameter == "follow_up":
        return [follow_up]
    cannot = dict.fromkeys(("estimate_text", "lower_text", "upper_text"), "cannot be estimated")
    return [
        own | {"quantity": "median"} | never,
        own | {"quantity": "survival_at", "at_day": 91, "at_risk": 6, "estimate": 1.0, "unit": "fraction",
               "lower_text": "cannot be estimated", "upper_text": "cannot be estimated"},
        own | {"quantity": "survival_at", "at_day": 183, "at_risk": 3, "estimate": 0.625, "lower": 0.14, "upper": 0.89,
               "unit": "fraction"},
        own | {"quantity": "survival_at", "at_day": 365, "at_risk": 0, "unit": "fraction"} | cannot,
        own | {"quantity": "rmst", "at_day": 365, "at_risk": 0, "estimate": 250.0, "lower": 160.0, "upper": 320.0,
               "unit": "d"},
        follow_up,
        own | {"quantity": "time_range", "lower": 101.0, "upper": 301.0, "estimate_text": "101 to 301+", "unit": "d"},
    ]  # fmt: skip
