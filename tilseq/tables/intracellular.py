"""The table of cytokines within cells: a stimulated tube held against its unstimulated one."""

from __future__ import annotations

from tilseq.tables.inputs import SPECIMENS, TIMINGS
from tilseq.tables.outputs import SUBJECT, VERDICTS
from tilseq.tables.schema import Column, Table

RESPONSES = ("yes", "no", "not_evaluable")
SOURCES = ("unstimulated", "stimulated", "settings")

INTRACELLULAR = Table(
    "intracellular",
    "One cytokine in one population of one stimulated tube, held against its unstimulated tube, a row.",
    (
        SUBJECT,
        Column("visit", "text", "Name of the visit."),
        Column("day", "integer", "Day the specimen was taken; 0 is the first infusion.", unit="d"),
        Column("timing", "text", "On day 0: before or after the infusion.", allowed=TIMINGS),
        Column("specimen", "text", "What was taken.", allowed=SPECIMENS),
        Column("specimen_id", "text", "Identifier of the specimen, where samples.csv names it."),
        Column("lot", "text", "Product lot that the specimen was taken from."),
        Column("lesion", "text", "Lesion that the specimen was taken from."),
        Column("stimulus", "text", "What the cells were stimulated with, where samples.csv names it."),
        Column("panel", "text", "Panel of the tubes."),
        Column("marker", "text", "Cytokine; null where no cytokine could be counted."),
        Column("population", "text", "Population it is counted in; null where no cytokine could be counted."),
        Column("stimulated", "text", "Stimulated tube; replicates are parted by `;`.", needed=True),
        Column("unstimulated", "text", "Unstimulated tube; replicates are parted by `;`."),
        Column("positive_stimulated", "integer", "Cells above the threshold, stimulated.", unit="events", minimum=0),
        Column("cells_stimulated", "integer", "Cells of the population, stimulated.", unit="events", minimum=0),
        Column("positive_unstimulated", "integer", "Cells above it, unstimulated.", unit="events", minimum=0),
        Column("cells_unstimulated", "integer", "Cells of the population, unstimulated.", unit="events", minimum=0),
        Column("stimulated_pct", "number", "Share above the threshold, stimulated.", unit="%"),
        Column("unstimulated_pct", "number", "Share above the threshold, unstimulated: the background.", unit="%"),
        Column("difference_pct", "number", "Stimulated less unstimulated, percentage points.", unit="%"),
        Column("lower", "number", "Lower 95 % limit of the difference, of counting and tubes that differ.", unit="%"),
        Column("upper", "number", "Upper 95 % limit of the difference, of counting and tubes that differ.", unit="%"),
        Column(
            "p",
            "number",
            "One-sided p of Fisher's exact test of effective counts; null: no test.",
            minimum=0,
            maximum=1,
        ),
        Column("p_adjusted", "number", "p by Holm within the family.", minimum=0, maximum=1),
        Column("family", "text", "Tests that p is adjusted for."),
        Column("response", "text", "Whether the cells respond.", needed=True, allowed=RESPONSES),
        Column(
            "replicate_dispersion",
            "number",
            "Variance between replicate tubes over that of counting; null without replicates.",
            minimum=0,
        ),
        Column("tubes_stimulated", "number", "Stimulated tubes that were summed, as many of one size.", minimum=1),
        Column("tubes_unstimulated", "number", "Unstimulated tubes that were summed, as many of one size.", minimum=1),
        Column(
            "tube_cv",
            "number",
            "Variation of shares between tubes that p and limits allow for: as set, or a larger one of replicates.",
            minimum=0,
        ),
        Column("baseline_visit", "text", "Last visit before treatment that the change is from."),
        Column("change_pct", "number", "Difference less that of the baseline, percentage points.", unit="%"),
        Column("change_lower", "number", "Lower 95 % limit of the change.", unit="%"),
        Column("change_upper", "number", "Upper 95 % limit of the change.", unit="%"),
        Column("threshold", "number", "Cells above it bear the cytokine, on the compensated linear scale."),
        Column("threshold_source", "text", "Whose negatives set the threshold; settings: a person.", allowed=SOURCES),
        Column("verdict", "text", "Worst verdict on the tubes and their counts.", needed=True, allowed=VERDICTS),
        Column("reason", "text", "Why."),
    ),
    key=("subject", "day", "timing", "specimen", "panel", "stimulus", "stimulated", "marker", "population"),
)
