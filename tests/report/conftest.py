"""A run's folder made by hand: every table of the registry, realistic or hostile."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.report.clinical_tables import clinical_tables
from tests.report.cytokine_tables import cytokine_tables
from tests.report.made_results import made_results
from tilseq.endpoints.parameters import INFUSED_UPPER_BOUND
from tilseq.io.files import write_json
from tilseq.io.write import write_table
from tilseq.report import make_figures
from tilseq.report.results import Results
from tilseq.tables import Table, cell_labels, contamination, outputs, tracking
from tilseq.tables import repertoire as repertoire_tables

VISITS = (("screening", -35, "blood"), ("screening", -35, "tumor"), ("infusion", 0, "infusion_product"),
          ("week 1", 7, "blood"), ("month 1", 30, "blood"), ("month 3", 91, "blood"))  # fmt: skip
NAMES = ("P01", "P02", "P03", "P04", "P05", "P06")
HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    '"><img src=x onerror=alert(2)>',
    "S\u202e\u200b7\nnewline",
    "x" * 300,
    "</style><style>body{display:none}</style>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(3)//' onmouseover='alert(4)",
)
STATES = {("P03", "week 1", "flow"): "warn", ("P02", "month 1", "tcr"): "failed", ("P04", "month 3", "flow"): "fail",
          ("P05", "month 3", "flow"): "not_available", ("P05", "month 3", "tcr"): "not_available"}  # fmt: skip


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both folders, written once."""
    folder = tmp_path_factory.mktemp("runs")
    fake_out(folder / "good", NAMES)
    fake_out(folder / "hostile", HOSTILE, hostile=True)
    return folder


@pytest.fixture(scope="session")
def drawn(made_once: Callable[[str, Callable[[Path], None]], Path], runs: Path) -> Path:
    """The good folder with the figures of the cohort, for tests that only look; beside it, what `make_figures` gave."""

    def draw(folder: Path) -> None:
        shutil.copytree(runs / "good", folder / "good")
        written = [str(path.relative_to(folder / "good")) for path in make_figures(folder / "good")]
        write_json(folder / "written.json", written)

    return made_once("report_drawn", draw) / "good"


@pytest.fixture
def good_out(runs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(runs / "good", tmp_path / "good")


@pytest.fixture
def hostile_out(runs: Path, tmp_path: Path) -> Path:
    return shutil.copytree(runs / "hostile", tmp_path / "hostile")


def fake_out(out: Path, names: tuple[str, ...], *, hostile: bool = False) -> Path:
    """Write the folder of a run of these subjects; with `hostile` every other text is hostile too."""
    samples = _samples(names, hostile)
    flow = [s for s in samples if s["assay"] == "flow"]
    tcr = [s for s in samples if s["assay"] == "tcr" and s["state"] != "failed"]
    tables = {
        outputs.SAMPLES_RUN: samples,
        outputs.ENDPOINTS: [row for i, s in enumerate(flow) for row in _flow_endpoints(i, s)]
        + [_mass_endpoint(i, s) for i, s in enumerate(tcr) if (s["day"] or 0) > 0]
        + [row for s in flow if s["day"] == 7 for row in _infused(s, hostile)]
        + [row for name in names[:2] for row in _kinetics(name, hostile)],
        outputs.COUNTS: [row for i, s in enumerate(flow) for row in _counts(i, s)],
        outputs.CUTS: [
            {"sample": s["sample"], "gate": g, "channel": f"{g}-A", "parent": "lymphocytes", "threshold": 812.5 + i,
             "separation": 0.71, "source": "valley"}
            for i, s in enumerate(flow) for g in ("CD3", "CD4", "CD8")
        ],
        outputs.COHORT_CUTS: [
            {"panel": HOSTILE[0] if hostile else "tbnk", "gate": g, "parent": "lymphocytes",
             "channel": f"{g}-A", "threshold": 820.0,
             "lower": 700.0, "upper": 900.0, "mad": 12.0, "tubes": 9}
            for g in ("CD3", "CD4", "CD8")
        ],
        outputs.COMPARISON: [row for s in flow[:3] for row in _comparison(s, hostile)],
        repertoire_tables.DIVERSITY: [row for i, s in enumerate(tcr) for row in _diversity(i, s)],
        repertoire_tables.PERSISTENCE: [
            row for i, s in enumerate(tcr) if (s["day"] or 0) > 0 for row in _persistence(i, s)
        ],
        repertoire_tables.DEPTH: [
            {"sample": s["sample"], "locus": "TRB", "counts": 52_113, "count_of": "umis", "cells": 36_000.0 + i,
             "cells_from": "declared", "n_effective": 21_400.0 + i}
            for i, s in enumerate(tcr)
        ],
        repertoire_tables.OVERLAP: [
            row for name in names[:2]  # as each subject is a figure
            for a in tcr for b in tcr
            if a["subject"] == b["subject"] == name and a["sample"] < b["sample"] for row in _overlap(a, b)
        ],
        **_infused_clones(names, tcr, hostile),
        repertoire_tables.USAGE: [row for s in tcr for row in _usage(s, hostile)],
        outputs.SCORES: [
            {"sample": s["sample"], "set": g, "value": 0.2 + 0.11 * (i + k), "lower": 0.15 + 0.11 * (i + k),
             "upper": 0.27 + 0.11 * (i + k), "n": 1834 + 7 * i, "genes_found": 18 - k, "genes_listed": 20}
            for i, s in enumerate(x for x in samples if x["assay"] == "scrna")
            for k, g in enumerate(HOSTILE[:3] if hostile else ("memory", "activation", "effector", "exhaustion"))
        ],
        outputs.RESPONSE: [row for i, name in enumerate(names) for row in _response(i, name, hostile)],
        **clinical_tables(names, HOSTILE[0] if hostile else None),
        **cytokine_tables(names, HOSTILE[0] if hostile else None),
        outputs.QUALITY: _quality(samples, hostile),
        outputs.FAILURES: _failures(samples, hostile),
        outputs.EXCLUSIONS: [
            {"sample": s["sample"], "file": f"tcr/{s['sample']}.tsv", "rule": HOSTILE[2] if hostile else rule,
             "rows": 41 + i, "counts": counts}
            for i, s in enumerate(tcr)
            for rule, counts in (("junction_aa holds a stop codon", 97.0), *(() if hostile else (("twin row", None),)))
        ],
    }  # fmt: skip
    for table, rows in tables.items():
        write_table(table.frame(rows), table, out / "tables")
    write_json(out / "run.json", _run(samples, hostile))
    folder = out / "figures" / "flow"
    folder.mkdir(parents=True)
    for i in range(3):
        (folder / f"tube_{i}.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><script>alert(9)</script>'
            '<rect width="40" height="20" fill="#56B4E9"/></svg>'
        )
    captions = {f"flow/tube_{i}.svg": f"{s['sample']}: gates" for i, s in enumerate(flow[:2])}
    write_json(out / "figures" / "captions.json", captions)
    return out


def _samples(names: tuple[str, ...], hostile: bool) -> list[dict[str, Any]]:
    rows = []
    for i, name in enumerate(names):
        for k, (visit, day, specimen) in enumerate(VISITS):
            assays = ["tcr"] if specimen == "tumor" else ["flow", "tcr"]
            assays += ["scrna"] if specimen != "blood" and i < 3 else []
            for assay in assays:
                if i == 5 and visit == "month 3":
                    continue  # withdrawn
                rows.append({
                    "sample": f"{name}_{k}_{assay}", "subject": name, "visit": HOSTILE[k % 3] if hostile else visit,
                    "day": day + i % 2 if day > 7 else day, "specimen": specimen, "assay": assay,
                    "state": STATES.get((name, visit, assay), "ok"),
                })  # fmt: skip
    return rows


def _flow_endpoints(i: int, s: dict[str, Any]) -> list[dict[str, Any]]:
    if s["state"] in ("failed", "not_available"):
        return []
    base = {name: s[name] for name in ("sample", "subject", "visit", "day", "specimen", "assay")}
    base |= {"status": "quantified", "scope": "sample", "interval_method": "Clopper-Pearson", "n": 9000 + i}
    cd3, cd4 = 41.7 + (i * 37 % 23), 24.3 + (i * 31 % 29)
    shares = {"CD3+": ("lymphocytes", cd3), "CD4+ T": ("CD3+", cd4), "CD8+ T": ("CD3+", 93.1 - cd4)}
    rows = [
        {**base, "parameter": "percent_of_parent", "qualifier": f"parent={parent};population={population}",
         "unit": "%", "value": x, "lower": x - 1.12, "upper": x + 1.13, "method": "share of events"}
        for population, (parent, x) in shares.items()
    ]  # fmt: skip
    ratio = cd4 / (93.1 - cd4)
    if s["state"] == "fail":
        told: dict[str, Any] = {"value": None, "status": "not_evaluable"}
    else:
        told = {"value": ratio, "lower": ratio * 0.93, "upper": ratio * 1.07, "method": "soft counts"}
    return [*rows, {**base, "parameter": "cd4_cd8_ratio", "unit": "ratio", **told}]


def _infused(s: dict[str, Any], hostile: bool) -> list[dict[str, Any]]:
    """Infused cells at a visit; with `hostile` neither the mark nor the reason can be trusted."""
    base = {name: s[name] for name in ("sample", "subject", "visit", "day", "specimen", "assay")}
    base |= {"qualifier": f"population={HOSTILE[0] if hostile else 'CD3+/TCR Vb2+'}", "scope": "cohort"}
    told = {"status": "quantified", "method": HOSTILE[2] if hostile else INFUSED_UPPER_BOUND}
    return [
        {**base, **told, "parameter": "infused_share_of_cd3", "unit": "fraction", "value": 0.4, "lower": 0.31,
         "upper": 0.52},
        {**base, **told, "parameter": "infused_cells_per_ul", "unit": "cells/µL", "value": 120.0, "lower": 90.0,
         "upper": 160.0},
        {**base, **told, "parameter": "infused_probability_above_blank", "unit": "probability", "value": 0.998},
    ]  # fmt: skip


def _kinetics(name: str, hostile: bool) -> list[dict[str, Any]]:
    base = {"subject": name, "qualifier": f"population={HOSTILE[1] if hostile else 'CD3+/TCR Vb2+'}", "scope": "cohort"}
    why = HOSTILE[5] if hostile else "fewer than 3 quantified days after the peak"
    return [
        {**base, "parameter": "infused_share_of_cd3_peak", "unit": "fraction", "value": 0.4, "lower": 0.31,
         "upper": 0.52, "status": "quantified"},
        {**base, "parameter": "infused_share_of_cd3_half_life", "unit": "d", "status": "not_evaluable", "method": why},
    ]  # fmt: skip


def _comparison(s: dict[str, Any], hostile: bool) -> list[dict[str, Any]]:
    base = {"sample": s["sample"]}
    rows = [
        {**base, "population": population, "events_a": 100, "events_b": 80, "events_both": 72, "precision": 0.72,
         "recall": 0.9, "f1": 0.8, "difference_pct": 25.0}
        for population in ("CD3+", "CD4+ T", "CD8+ T", HOSTILE[0] if hostile else "Treg")
    ]  # fmt: skip
    ratio = {"population": "CD4+ T / CD8+ T", "ratio_a": 1.0, "ratio_b": 2.0, "difference_pct": -50.0}
    return [*rows, {**base, **ratio}]


def _counts(i: int, s: dict[str, Any]) -> list[dict[str, Any]]:
    if s["state"] in ("failed", "not_available"):
        return []
    return [
        {"sample": s["sample"], "population": population, "parent": "lymphocytes", "events": 4210 + i,
         "parent_events": 9000 + i, "percent_of_parent": 46.8, "lower": 45.7, "upper": 47.8,
         "verdict": "pass"}
        for population in ("CD3+", "CD4+ T", "CD8+ T", "DN T")
    ]  # fmt: skip


def _diversity(i: int, s: dict[str, Any]) -> list[dict[str, Any]]:
    values = (52_113, 8121 + i, 15_322.4, 6.91, 1002.3, 312.7, 0.731, 0.233, 187, 0.962)
    limits: dict[str, Any] = {"chao1_bias_corrected": (14_870.2, 15_811.9)}
    return [
        {"sample": s["sample"], "locus": "TRB", "parameter": p, "value": v, "n": 52_113,
         "lower": limits.get(p, (None,))[0], "upper": limits.get(p, (None, None))[1]}
        for p, v in zip(repertoire_tables.DIVERSITY_PARAMETERS, values, strict=True)
    ]  # fmt: skip


def _persistence(i: int, s: dict[str, Any]) -> list[dict[str, Any]]:
    base = {"sample": s["sample"], "locus": "TRB", "n_effective": 21_400.0 + i, "limit_of_detection": 0.00014}
    mass = 0 if i % 6 == 5 else 0.5 / (1 + i % 6)
    return [
        {**base, "measure": "mass", "value": mass, "lower": mass * 0.94, "upper": mass * 1.05 + 0.0001},
        {**base, "measure": "clones_at_n", "value": 0.21, "lower": 0.2, "upper": 0.22, "at_cells": 9000.0},
        {**base, "measure": "product_mass_kept", "value": 0.63},
    ]


def _infused_clones(names: tuple[str, ...], tcr: list[dict[str, Any]], hostile: bool) -> dict[Table, list[Any]]:
    """The tables of origins, changes, contamination and single cells."""
    found = {"clones": 900, "counts": 21_400, "own_compared": 4, "other_compared": 4, "arrived": 0.0, "run": "r1"}
    good = {"own_agree": 4, "other_agree": 0, "verdict": "as_labelled", "reason": "", "depth": "usual"}
    bad = {"own_agree": 0, "other_agree": 4, "verdict": "swapped", "reason": HOSTILE[0] if hostile else "holds P02"}
    run = {"run": HOSTILE[1] if hostile else "r1"}
    rate = {"large_clones": 90, "seen": 30, "rate": 0.002, "lower": 0.0015, "upper": 0.0026, "verdict": "leak"}
    blood = [s for s in tcr if s["specimen"] == "blood"]
    return {
        tracking.ORIGIN_CLASSES: [
            {"subject": name, "locus": locus, "origin": origin, "clones": clones, "wrong_at_least": wrong}
            for name in names
            for locus, origin, clones, wrong in (
                ("TRA", "indeterminate", 70, None), ("TRB", "infused_only", 812, 40),
                ("TRB", "preexisting_only", 20, 0), ("TRB", "emergent", 20, None), ("TRB", "indeterminate", 300, None),
            )
        ],
        tracking.CHANGE: [
            {"subject": s["subject"], "sample_before": f"{s['subject']}_2_tcr", "sample_after": s["sample"],
             "locus": "TRB", "junction": f"TGT{k}", "p": p, "family": "f", "call": call, "in_product": k < 2}
            for s in blood
            for k, (p, call) in enumerate(((0.001, "expanded"), (0.002, "contracted"), (0.5, "cannot_tell"),
                                           (0.003, "expanded"), (None, "cannot_tell")))
        ],
        contamination.SAMPLE_IDENTITY: [
            {**found, "sample": s["sample"], "subject": s["subject"], "content_of": s["subject"],
             **(bad | {"other_subject": names[1], "content_of": names[1]} if i == 2 else good),
             "depth": "shallow" if i == 4 else "usual", "usual_counts": 500_000.0}
            for i, s in enumerate(blood)
        ],
        contamination.LEAK_RATES: [
            {**run, **rate}, {**run, **rate, "donor_subject": names[1], "recipient": blood[1]["sample"]},
        ],
        cell_labels.CELL_LABELS: [
            {"sample": blood[0]["sample"], "cell_id": f"c{k}", "label": label, "probability": chance}
            for k, (label, chance) in enumerate((("infused", 0.99), ("infused", 0.98), ("not_seen_in_product", 0.3),
                                                 ("not_seen_in_product", 0.2), ("no_receptor", None)))
        ],
    }  # fmt: skip


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    """0.1 and 0.005 for each day between two samples, of 100 days and more without the hundreds."""
    base = {"sample_a": a["sample"], "sample_b": b["sample"], "locus": "TRB", "key": "junction", "n_a": 52_113,
            "n_b": 52_113}  # fmt: skip
    value = 0.1 + 0.005 * (abs(a["day"] - b["day"]) % 100)
    cells = {"lower": value - 0.01, "upper": value + 0.02, "n_a": 21_400, "n_b": 21_400}
    divergence = {"key": "v_call", "parameter": "jensen_shannon_bits_clones", "value": 0.012}
    return [
        {**base, "parameter": "shared_clones", "value": 512},
        {**base, "parameter": "morisita_horn", "value": value / 2},
        {**base, "parameter": "morisita", "value": value, **cells},
        {**base, **divergence},
    ]


def _usage(s: dict[str, Any], hostile: bool) -> list[dict[str, Any]]:
    levels = {
        "v_call": {HOSTILE[0] if hostile else "TRBV20-1": 60, "TRBV5-1": 30, "TRBV9": 10},
        "j_call": {"TRBJ2-7": 75, "TRBJ1-1": 25},
        "junction_aa_length": {"13": 20, "14": 60, "15": 20},
    }
    return [
        {"sample": s["sample"], "locus": "TRB", "feature": feature, "level": level, "weight": "clones",
         "number": number, "share": number / 100, "n": 100}
        for feature, of in levels.items() for level, number in of.items()
    ]  # fmt: skip


def _mass_endpoint(i: int, s: dict[str, Any]) -> dict[str, Any]:
    mass = _persistence(i, s)[0]
    return {
        **{name: s[name] for name in ("sample", "subject", "visit", "day", "specimen", "assay")},
        "parameter": "persistence_mass", "qualifier": "locus=TRB;reference=infusion_product", "unit": "fraction",
        **{name: mass[name] for name in ("value", "lower", "upper")}, "n": mass["n_effective"],
        "interval_method": "Clopper-Pearson on effective cells", "status": "quantified", "scope": "cohort",
        "method": "key: nucleotide junction",
    }  # fmt: skip


def _response(i: int, name: str, hostile: bool) -> list[dict[str, Any]]:
    rows = []
    path = ((84, 61, 44), (102, 98, 107), (66, 66, 84), (51, 20, 0), (77, None, 60), (120, 150, 150))[i % 6]
    for k, (day, size) in enumerate(zip((-30, 42, 84), path, strict=True)):
        change = None if size is None else 100 * (size / path[0] - 1)
        derived = "NE" if change is None else "PD" if change >= 20 else "PR" if change <= -30 else "SD"
        rows.append({
            "subject": name, "reader": HOSTILE[1] if hostile else "investigator", "day": day,
            "visit": HOSTILE[k % 3] if hostile else ("baseline", "week 6", "week 12")[k], "baseline": k == 0,
            "targets": 3, "targets_measured": 2 if size is None else 3, "sum_mm": size,
            "change_from_baseline_pct": None if k == 0 else change, "new_lesion": False,
            "target_response": None if k == 0 else derived, "response": None if k == 0 else derived,
            "recorded": None if k == 0 else "PR" if (i, k) == (0, 1) else derived,
            "agrees": None if k == 0 else (i, k) != (0, 1),
            "reason": "a target was not measured" if size is None else None,
        })  # fmt: skip
    return rows


def _quality(samples: list[dict[str, Any]], hostile: bool) -> list[dict[str, Any]]:
    words = {"warn": "time drift of CD8 median above the limit", "fail": "fewer than 50 CD8+ events"}
    rows = []
    for s in samples:
        verdict = s["state"] if s["state"] in words else "pass"
        if s["state"] in ("ok", "warn", "fail"):
            rows += [
                {"sample": s["sample"], "check": "events", "value": 31.0 if verdict == "fail" else 9214.0,
                 "limit": "at least 50", "verdict": verdict, "reason": HOSTILE[0] if hostile else words.get(verdict)},
                {"sample": s["sample"], "check": "doublet_share", "value": 0.0312, "limit": "at most 0.1",
                 "verdict": "pass"},
            ]  # fmt: skip
    return rows


def _failures(samples: list[dict[str, Any]], hostile: bool) -> list[dict[str, Any]]:
    if hostile:
        return [{"step": name, "unit": name, "error": f"{name}\nsecond line", "file": name, "retry": f"tilseq {name}"}
                for name in HOSTILE]  # fmt: skip
    return [
        {"step": "repertoire track", "unit": s["sample"], "sample": s["sample"], "file": f"tcr/{s['sample']}.tsv",
         "error": f"tcr/{s['sample']}.tsv, row 212, column duplicate_count: this value cannot stand here; "
                  "found '1,247'; expected a whole number",
         "retry": f"tilseq step track my_study -o out --sample {s['sample']}"}
        for s in samples if s["state"] == "failed"
    ]  # fmt: skip


def _run(samples: list[dict[str, Any]], hostile: bool) -> dict[str, Any]:
    title = HOSTILE[0] if hostile else "Autologous TIL after lymphodepletion in advanced solid tumours"
    run: dict[str, Any] = {
        "study": {"name": HOSTILE[2] if hostile else "til-demo", "title": title}, "tilseq": "0.1.0",
        "started": "2026-01-12T08:14:03Z", "seconds": 743.2, "seed": 1, "command": "tilseq run my_study -o out",
        "settings": {"flow": {"gates": {"separation_min": 0.3, "borrow": True}, "panel": "tbnk"},
                     "repertoire": {"key": ["junction"], "functional_only": True, "baseline": None}},
        "inputs": [{"path": f"raw/{s['sample']}", "sha256": f"{i:064x}", "bytes": 1_234_567 + i}
                   for i, s in enumerate(samples)],
        "versions": {"numpy": "2.5.0", "polars": "2.1.0", "python": "3.13.1"},
        "system": {"platform": "Linux", "cores": 2},
    }  # fmt: skip
    if hostile:
        run["settings"][HOSTILE[0]] = {HOSTILE[2]: HOSTILE[3]}
        run["versions"][HOSTILE[1]] = HOSTILE[4]
        run["system"][HOSTILE[5]] = HOSTILE[6]
    return run


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Return the results of six subjects with the tables of the clinic alone."""
    rows = clinical_tables(("P1", "P2", "P3", "P4", "P5", "P6"), None)
    return made_results(tmp_path, {table.name: own for table, own in rows.items()})
