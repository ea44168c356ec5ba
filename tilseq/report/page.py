"""The one-page report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tilseq.io.files import write_text
from tilseq.report import (
    arms,
    characteristics,
    clinic,
    comparison,
    contamination,
    cytokines,
    flow,
    glossary,
    infused,
    intracellular,
    lab_results,
    laboratories,
    methods,
    overview,
    rates,
    readers,
    repertoires,
    safety,
    til_survival,
    times,
    transcriptome,
    tumor_markers,
)
from tilseq.report.common_depth import common_depth
from tilseq.report.glance import glance
from tilseq.report.headline import headline
from tilseq.report.images import Picture, pictures
from tilseq.report.results import STATE_WORDS, Results, read_results
from tilseq.report.series import reference_name
from tilseq.report.tubes import batches, tubes
from tilseq.report.view import Chip
from tilseq.report.words import shown

LONGEST_LINES = 4000


def render(out: str | Path) -> Path:
    """Write ``report.html`` from what a run left in its folder; the same folder gives the same bytes.

    The page is one file that asks nothing of any other: no script, no font, no image from elsewhere.

    Parameters
    ----------
    out
        Folder of a run, with ``tables/``, ``run.json`` and ``figures/``. Any table may be absent: the page says so.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    RunError
        The folder is not that of a run, or it cannot be written.
    ReadError
        A table or run.json is there but cannot be read.
    """
    out = Path(out)
    page = _environment().get_template("report.html").render(**content(read_results(out)))
    path = out / "report.html"
    write_text(path, page)
    return path


def content(results: Results) -> dict[str, Any]:
    """Return everything that the template shows, by its section."""
    images = pictures(results)
    return {
        **_study(results, images),
        **_clinic(results),
        **_times(results),
        **_safety(results),
        **_flow(results, images),
        **_cytokines(results),
        **_repertoires(results),
        **_expression(results),
        **_methods(results),
    }


def _study(results: Results, images: dict[str, list[Picture]]) -> dict[str, Any]:
    title, name = methods.title(results)
    return {
        "title": title,
        "name": name,
        "verdict": overview.verdict(results),
        "only_clinical": overview.clinical_only(results),
        "tiles": overview.tiles(results),
        "facts": methods.facts(results),
        "study_notes": methods.notes(results),
        "no_run": "" if results.run else methods.NO_RUN,
        "headline": headline(results),
        "glance": glance(results),
        "grid": overview.grid(results),
        "legend": [Chip(words, state, words) for state, words in STATE_WORDS.items()],
        "pictures": images,
    }


def _clinic(results: Results) -> dict[str, Any]:
    return {
        "characteristics": characteristics.characteristics(results),
        "rates": rates.rates(results),
        "unconfirmed_rates": rates.unconfirmed_rates(results),
        "denominators": rates.denominators(results),
        "readers": readers.readers_in_words(results),
        "best_responses": rates.best_responses(results),
        "responses": clinic.responses(results),
        "differences": rates.differences(results),
        "immune_responses": rates.immune_responses(results),
        "assessments": clinic.assessments(results),
        "clinical_words": glossary.CLINICAL,
    }


def _times(results: Results) -> dict[str, Any]:
    return {
        "times": times.times(results),
        "times_by_arm": times.times_by_arm(results),
        "arms": arms.arms(results),
        "time_rules": times.rules_in_words(results),
        "follow_up": times.follow_up_in_words(results),
        "time_limits": times.limits_in_words(results),
        "time_reasons": [*times.reasons(results), *times.doubts(results)],
        "times_by_group": times.times_by_group(results),
        "further_estimates": times.further_estimates(results),
        "subject_times": times.subject_times(results),
    }


def _safety(results: Results) -> dict[str, Any]:
    return {
        "adverse_events": safety.adverse_events(results),
        "by_term": safety.by_term(results),
        "safety_notes": safety.notes(results),
        "by_period": safety.by_period(results),
        "event_rates": safety.event_rates(results),
        "onset": safety.onset(results),
        "severe_events": safety.severe(results),
        "listing": safety.listing(results),
        "worst_grades": lab_results.worst_grades(results),
        "lab_remarks": lab_results.remarks(results),
        "significance": lab_results.significance(results),
        "other_markers": tumor_markers.others(results),
        "shifts": lab_results.shifts(results),
        "recoveries": lab_results.recoveries(results),
        "subject_recoveries": lab_results.subject_recoveries(results),
        "significant": lab_results.significant(results),
        "marker_courses": tumor_markers.courses(results),
        "ca125": tumor_markers.ca125(results),
        "safety_words": glossary.SAFETY,
    }


def _flow(results: Results, images: dict[str, list[Picture]]) -> dict[str, Any]:
    return {
        "t_cells": flow.t_cells(results),
        "infused": til_survival.infused(results),
        "kinetics": til_survival.kinetics(results),
        "agreement": comparison.agreement(results),
        "populations_of_both": comparison.populations_of_both(results),
        "tubes": tubes(results),
        "batches": batches(results, images["flow"]),
        "populations": flow.populations(results),
        "absolute_counts": flow.absolute_counts(results),
        "thresholds": flow.thresholds(results),
        "usual_thresholds": flow.usual_thresholds(results),
        "panel_differences": flow.panel_differences(results),
        "flow_words": glossary.FLOW,
    }


def _cytokines(results: Results) -> dict[str, Any]:
    return {
        "cytokine_levels": cytokines.levels(results),
        "cytokine_doubts": cytokines.doubts(results),
        "plates": cytokines.plates(results),
        "curves": cytokines.curves(results),
        "dilution_errors": cytokines.dilution_errors(results),
        "doubted_beads": cytokines.doubted_beads(results),
        "responses_of_cells": intracellular.responses(results),
        "every_response": intracellular.every_response(results),
        "cytokine_words": glossary.CYTOKINES,
    }


def _repertoires(results: Results) -> dict[str, Any]:
    return {
        "suspects": contamination.suspects(results),
        "unjudged": contamination.unjudged(results),
        "persistence": laboratories.persistence(results),
        "not_evaluable": laboratories.not_evaluable(results),
        "mass_kinetics": til_survival.mass_kinetics(results),
        "without_mass_kinetics": til_survival.without_mass_kinetics(results),
        "origins": infused.origins(results),
        "changes": infused.changes(results),
        "cell_labels": infused.cell_labels(results),
        "diversity": laboratories.diversity(results),
        "diversity_of_subject": common_depth(results, "subject"),
        "diversity_of_study": common_depth(results, "study"),
        "failed_repertoires": repertoires.failed(results),
        "depth": repertoires.depth(results),
        "in_common": repertoires.in_common(results),
        "pairs": repertoires.pairs(results),
        "genes": repertoires.genes(results),
        "repertoire_words": glossary.REPERTOIRE,
    }


def _expression(results: Results) -> dict[str, Any]:
    return {
        "scores": laboratories.scores(results),
        "comparisons": transcriptome.comparisons(results),
        "gene_sets": transcriptome.gene_sets(results),
        "reference": reference_name(results),
    }


def _methods(results: Results) -> dict[str, Any]:
    worst, passed = overview.quality(results)
    by_rule, each = overview.exclusions(results)
    return {
        "quality": worst,
        "passed": passed,
        "failures": overview.failures(results),
        "exclusions": by_rule,
        "every_exclusion": each,
        "parameters": methods.parameters(results),
        "settings": methods.settings(results),
        "versions": methods.versions(results),
        "inputs": methods.inputs(results),
    }


def lines(text: str) -> Markup:
    """Return text of several lines as HTML, escaped, each line's hidden characters made visible."""
    cut = text if len(text) <= LONGEST_LINES else f"{text[:LONGEST_LINES]}…\n({len(text):,} characters)"
    return Markup("<br>").join(escape(shown(line, LONGEST_LINES)) for line in cut.split("\n"))


def breaking(text: str) -> Markup:
    """Return text as HTML, escaped and made visible, that may go on in another line after each underscore."""
    return Markup("_<wbr>").join(escape(shown(text)).split("_"))


def _environment() -> Environment:
    """Return the template engine: everything is escaped, and every text is made visible before it is."""
    environment = Environment(
        loader=PackageLoader("tilseq.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"lines": lines, "breaking": breaking}
    return environment
