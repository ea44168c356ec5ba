import pytest

from tilseq.study.settings import Panel, Settings, read_settings

DEFAULTS = {
    "study": "demo",
    "title": None,
    "schema_version": 1,
    "visits": {},
    "panels": {},
    "gates": {},
    "analysis": {
        "flow": {
            "thresholds": {},
            "sample_thresholds": {},
            "cuts": None,
            "bead_lot_cv": 0.03,
            "pipette_cv": 0.03,
            "volume_cv": 0.03,
            "blood_count_cv": 0.16,
            "marked_overdispersion": 0.005,
            "volume_unit": None,
            "intracellular": {
                "alpha": 0.05,
                "least_cells": 500,
                "least_positive": 10,
                "least_fold": 1.0,
                "most_background_pct": 1.0,
                "tube_cv": 0.15,
            },
        },
        "cytokines": {"kits": [], "model": None, "shared_dilution": True},
        "repertoire": {
            "reference": "infusion_product",
            "locus": None,
            "threshold": 0.001,
            "least_yield": 0.05,
            "family_threshold": None,
        },
        "expression": {
            "gene_sets": None,
            "transcripts": None,
            "layer": None,
            "least_counts": 500,
            "least_genes": 250,
            "most_percent_mitochondrial": 15.0,
            "minimum_cells": 10,
            "contrasts": [],
            "smallest_set": None,
            "method": "mean",
            "controls": 0,
        },
        "clinical": {
            "partial_dates": "refuse",
            "sdtm_day_1": None,
            "regrowth": "sum_rule",
            "undersized": "refuse",
            "source": "recorded",
            "endpoint_reader": None,
            "best_response": {
                "confirmation_days": 28,
                "sd_min_days": None,
                "reference": "infusion",
                "max_ne": 1,
                "accept_sd": False,
                "strict_table3": False,
                "new_therapy": "stop",
                "disease_control": ["CR", "PR", "SD"],
            },
            "irecist": {"confirm_from_days": 28, "confirm_within_days": 56},
            "time_to_event": {
                "preset": "customary",
                "first_dose": None,
                "censoring": "fda",
                "confirmation": "required",
                "death_in_ttp": "last_adequate",
                "progression_day": "new_lesion",
                "same_day": "event",
                "unknown_death_cause": "tumor",
                "early_progression": "not_counted",
            },
            "survival": {
                "interval": "beta_product",
                "landmarks": [91, 183, 274, 365],
                "rmst_days": [365],
                "reference_arm": None,
                "primary": [],
            },
            "ctcae": None,
            "symptoms": "assumed",
            "anticoagulation": False,
            "recovery": {
                "thresholds": {"ANC": [0.5, 1.0], "platelets": [20.0, 50.0], "lymphocytes": [0.5]},
                "sustained": 3,
            },
            "emergence": "from_first_dose",
            "il2_end_day": None,
            "tg": "thyroglobulin",
            "harvest": "interferes",
            "ca125_interference": {},
            "mouse_antibodies": [],
        },
        "job_seconds": 600,
        "job_gigabytes": 16.0,
    },
}


def read(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    settings, _, problems = read_settings(path)
    return settings, [str(problem) for problem in problems]


def test_defaults(tmp_path):
    settings, problems = read(tmp_path, "study: demo\n")
    assert problems == []
    assert settings.model_dump() == DEFAULTS


def test_a_part_whose_lines_are_all_commented_out_is_its_default(tmp_path):
    settings, problems = read(tmp_path, "study: demo\nvisits:\nanalysis:\n  flow:\n")
    assert problems == []
    assert settings == Settings(study="demo")


def test_a_whole_number_may_stand_for_a_number(tmp_path):
    settings, _ = read(
        tmp_path, "study: d\nanalysis: {flow: {thresholds: {CD3: 900}, sample_thresholds: {a: {CD8: 1.5}}}}"
    )
    assert settings.analysis.flow.thresholds == {"CD3": 900.0}
    assert settings.analysis.flow.sample_thresholds == {"a": {"CD8": 1.5}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: x\n", "study.yaml, column study: this setting is needed"),
        ("study: x\nvisit: {}\n", "study.yaml, row 2, column visit: no such setting; did you mean 'visits'?"),
        (
            "study: x\nanalysis:\n  flow:\n    treshold: {}\n",
            "study.yaml, row 4, column analysis.flow.treshold: no such setting; did you mean 'thresholds'?",
        ),
        (
            "study: x\nanalysis: {zzz: 1}\n",
            "study.yaml, row 2, column analysis.zzz: no such setting; "
            "known here are flow, cytokines, repertoire, expression, clinical, job_seconds, job_gigabytes",
        ),
        (
            "study: 7\n",
            "study.yaml, row 1, column study: this value cannot stand here; found 7; expected text; put it in quotes",
        ),
        (
            "study: x\nvisits:\n  D7: {day: 1.5}\n",
            "study.yaml, row 3, column visits.D7.day: this value cannot stand here; found 1.5; expected a whole number",
        ),
        ("study: x\nvisits:\n  D7: {}\n", "study.yaml, row 3, column visits.D7.day: this setting is needed"),
        (
            "study: x\nvisits:\n  D7:\n",
            "study.yaml, row 3, column visits.D7: a value is missing; expected names with values below them",
        ),
        (
            "study: x\nvisits: {a: {day: 40000}}\n",
            "study.yaml, row 2, column visits.a.day: this value cannot stand here; found 40000; "
            "expected less than or equal to 36525",
        ),
        (
            "study: x\npanels: {p: {thresholds: {CD3: .inf}}}\n",
            "study.yaml, row 2, column panels.p.thresholds.CD3: this value cannot stand here; found '.inf'; "
            "expected a number",
        ),
        (
            "study: x\npanels: {p: {thresholds: {CD3: true}}}\n",
            "study.yaml, row 2, column panels.p.thresholds.CD3: this value cannot stand here; found True; "
            "expected a number",
        ),
        (
            "study: x\npanels: {p: {markers: {CD3: FL1}}}\n",
            "study.yaml, row 2, column panels.p.markers.CD3: this value cannot stand here; found 'FL1'; "
            "expected a list such as [A, B]",
        ),
        (
            "study: x\nanalysis: {repertoire: {reference: product}}\n",
            "study.yaml, row 2, column analysis.repertoire.reference: this value cannot stand here; found 'product'; "
            "expected 'infusion_product' or 'tumor'; did you mean 'infusion_product'?",
        ),
        (
            "study: x\nanalysis: {repertoire: {reference: blood}}\n",
            "study.yaml, row 2, column analysis.repertoire.reference: this value cannot stand here; found 'blood'; "
            "expected 'infusion_product' or 'tumor'",
        ),
        (
            "study: x\ngates: {a: {names: {T: CD3+}}}\n",
            "study.yaml, row 2, column gates.a.file: this setting is needed",
        ),
        (
            "study: x\ngates: {a: gates.xml}\n",
            "study.yaml, row 2, column gates.a: this value cannot stand here; found 'gates.xml'; "
            "expected names with values below them",
        ),
        (
            "study: x\nanalysis:\n  clinical:\n    time_to_event: {preset: lm103}\n",
            "study.yaml, row 4, column analysis.clinical.time_to_event: lm103 needs first_dose: lymphodepletion, "
            "infusion or recorded",
        ),
        (
            "study: x\nanalysis: {clinical: {best_response: {disease_control: [CR, SDD]}}}\n",
            "study.yaml, row 2, column analysis.clinical.best_response.disease_control.1: this value cannot stand "
            "here; found 'SDD'; expected 'CR', 'PR', 'SD' or 'NON-CR/NON-PD'; did you mean 'SD'?",
        ),
        (
            "study: x\nanalysis: {clinical: {ctcae: 4}}\n",
            "study.yaml, row 2, column analysis.clinical.ctcae: this value cannot stand here; found 4; expected 5 or 6",
        ),
        ("study: x\nschema_version: 2\n", "study.yaml, row 2, column schema_version: this value cannot stand here; "
         "found 2; expected 1"),
        ("- a\n", "study.yaml: no settings stand here; expected settings such as `study: my_trial`"),
    ],
)  # fmt: skip
def test_refused(tmp_path, text, problem):
    assert read(tmp_path, text) == (None, [problem])


def test_all_faults_are_told_at_once(tmp_path):
    settings, problems = read(tmp_path, "study: 1\nstudy: 2\nvisits: {a: {day: x}}\nfoo: 1\n")
    assert settings is None
    assert len(problems) == 4


@pytest.mark.parametrize("text", ["panels: {tbnk: null}", "panels:\n  tbnk:", "panels: {tbnk: {}}"])
def test_a_panel_below_which_nothing_stands_is_one_of_built_in_names(tmp_path, text):
    settings, problems = read(tmp_path, f"study: demo\n{text}\n")
    assert problems == []
    assert settings.panels["tbnk"].model_dump() == Panel().model_dump()


@pytest.mark.parametrize(("threshold", "problems"), [(0, 0), (0.15, 0), ("null", 0), (1.5, 1), (-0.1, 1), (".nan", 1)])
def test_the_threshold_of_families_is_a_share(tmp_path, threshold, problems):
    settings, found = read(tmp_path, f"study: d\nanalysis: {{repertoire: {{family_threshold: {threshold}}}}}")
    assert len(found) == problems
    if not problems:
        assert settings.analysis.repertoire.family_threshold == (None if threshold == "null" else threshold)
