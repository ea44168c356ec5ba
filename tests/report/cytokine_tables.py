"""Rows of the cytokine laboratory of a run: two plates of one subject, of which one failed."""

from typing import Any

from tilseq.tables import Table
from tilseq.tables import cytokines as tables
from tilseq.tables.intracellular import INTRACELLULAR

DAYS = {"screening": -35, "week 1": 7, "month 1": 30}


def cytokine_tables(names: tuple[str, ...], hostile: str | None) -> dict[Table, list[dict[str, Any]]]:
    """Return the rows of each table: levels of three visits of the first subject; a hostile text for every free one."""
    plate, analyte = hostile or "plate 1", hostile or "IFN-gamma"
    curve = {
        "plate": plate,
        "analyte": analyte,
        "model": "4PL",
        "bottom": 90.0,
        "top": 5e4,
        "midpoint_pg_per_ml": 900.0,
    }
    curve |= {"slope": 1.1, "asymmetry": 1.0, "standards": 7, "standard_wells": 14, "blank_wells": 2}
    curve |= {"llod_pg_per_ml": 1.5, "lloq_pg_per_ml": 2.44, "uloq_pg_per_ml": 10_000.0, "hook": False}
    return {
        tables.BEAD_WELLS: [_well(plate, analyte, *one, hostile) for one in (("A01", 150), ("A02", 41), ("B01", 9))],
        tables.STANDARD_CURVES: [curve | {"verdict": "pass"}],
        tables.STANDARD_RECOVERY: [
            {"plate": plate, "analyte": analyte, "level": level, "nominal_pg_per_ml": pg, "wells": 2,
             "offset_factor": offset, "back_calculated_pg_per_ml": pg, "recovery_pct": 100.0 * offset,
             "recovery_nominal_pct": 100.0 * offset, "cv_pct": 5.0, "within": offset < 1.2}
            for level, pg, offset in (("C7", 10_000.0, 1.0), ("C6", 2500.0, 1.3))
        ],
        tables.DILUTION_ERRORS: [
            {"plate": plate, "level": hostile or "C6", "factor": 1.3, "lower": 1.2, "upper": 1.4, "analytes": 6}
        ],
        tables.SAMPLE_CONCENTRATIONS: [
            {"plate": plate, "role": "sample", "sample": f"{names[0]}-{visit}", "analyte": analyte, "wells": 2,
             "wells_given": 2, "status": "quantified", "conc_pg_per_ml": 12.0, "lower": 9.0, "upper": 15.0}
            for visit in DAYS
        ],
        tables.CYTOKINE_LEVELS: _levels(names[0], plate, analyte, hostile),
        INTRACELLULAR: _responses(names[0], hostile),
    }  # fmt: skip


def _well(plate: str, analyte: str, well: str, beads: int, hostile: str | None) -> dict[str, Any]:
    verdict = "pass" if beads >= 50 else "warn" if beads >= 35 else "fail"
    reason = None if verdict == "pass" else hostile or f"{beads} beads; 50 are good"
    told = {"plate": plate, "well": well, "role": "sample", "sample": hostile or "S", "analyte": analyte}
    return told | {"population": "small 1", "beads": beads, "signal": 400.0, "verdict": verdict, "reason": reason}


def _levels(subject: str, plate: str, analyte: str, hostile: str | None) -> list[dict[str, Any]]:
    common = {"subject": subject, "specimen": "plasma", "plate": plate, "wells": 2, "wells_given": 2, "used": True}
    values = {"screening": (None, 3.2), "week 1": (80.0, None), "month 1": (12.0, None)}
    rows = []
    for visit, (conc, limit) in values.items():
        row = common | {"visit": visit, "day": DAYS[visit], "sample": f"{subject}-{visit}", "conc_pg_per_ml": conc}
        row |= {"status": "not_detected" if conc is None else "quantified", "limit_pg_per_ml": limit}
        row |= {"baseline": visit == "screening", "reason": hostile}
        if conc is not None:
            row |= {"lower": conc / 1.5, "upper": conc * 1.5, "fold": conc / 4.8, "fold_status": "at_least"}
        rows.append(row | {"analyte": analyte})
    total = {"analyte": "TGF-beta1", "form": "total", "acid_activated": True}
    first = {"visit": "screening", "day": -35, "sample": "t1", "status": "quantified", "conc_pg_per_ml": 12_000.0}
    later = {"visit": "week 1", "day": 7, "sample": "t2", "status": "quantified", "conc_pg_per_ml": 6_000.0}
    rows.append(common | total | first | {"lower": 8e3, "upper": 18e3, "baseline": True})
    change = {"fold": 0.5, "fold_lower": 0.3, "fold_upper": 0.8, "fold_status": "quantified", "baseline": False}
    rows.append(common | total | later | {"lower": 4e3, "upper": 9e3} | change)
    over = {"visit": "month 1", "day": 30, "sample": "t3", "status": "above_range", "limit_pg_per_ml": 50_000.0}
    rows.append(common | total | over | {"baseline": False, "fold_status": "unknown"})
    return rows


def _responses(subject: str, hostile: str | None) -> list[dict[str, Any]]:
    pair = {"subject": subject, "visit": hostile or "month 1", "day": 30, "specimen": "blood"}
    told = {"marker": hostile or "IFN-γ", "stimulated": "p", "unstimulated": "n", "verdict": "pass", "response": "yes"}
    told |= {"stimulus": hostile or "PMA"}
    cells = {"cells_stimulated": 5_100, "cells_unstimulated": 4_700, "stimulated_pct": 4.16, "unstimulated_pct": 0.19}
    change = {"baseline_visit": "screening", "change_pct": 3.1, "change_lower": 2.0, "change_upper": 4.2}
    first = {"population": "CD8+ T", "difference_pct": 3.97, "lower": 3.4, "upper": 4.6, "p_adjusted": 0.0001}
    second = {"population": "CD4+ T", "difference_pct": 0.05, "lower": -0.1, "upper": 0.2, "p_adjusted": 0.6}
    lost = {"stimulated": "q", "marker": None, "response": "not_evaluable", "verdict": "fail"}
    return [
        pair | told | cells | first | change,
        pair | told | cells | second | {"response": "no"},
        pair | told | {"population": hostile or "Treg", "response": "not_evaluable", "verdict": "warn"},
        pair | told | lost | {"day": 60, "visit": "month 2", "reason": hostile or "q: no unstimulated tube"},
    ]
