"""The tables that tilseq writes."""

from __future__ import annotations

from tilseq.tables.inputs import ASSAYS, RESPONSES, SPECIMENS, TIMINGS
from tilseq.tables.schema import Column, Table

VALUE_STATUSES = ("quantified", "detected_below_loq", "not_detected", "above_range", "not_evaluable")
SCOPES = ("sample", "cohort")
VERDICTS = ("pass", "warn", "fail")
RATIO = "CD4+ T / CD8+ T"  # the row of `comparison` that holds ratios
SAMPLE_STATES = ("ok", "warn", "fail", "failed", "not_analysed", "not_available")
SAMPLE = Column(
    "sample", "text", "Sample identifier; on the command line the file's name without extensions.", needed=True
)
SUBJECT = Column("subject", "text", "Subject identifier.", needed=True)
LOCUS = Column("locus", "text", "Locus.", needed=True)
LOWER = Column("lower", "number", "Lower 95 % limit, in the unit of the value.")
UPPER = Column("upper", "number", "Upper 95 % limit, in the unit of the value.")

ENDPOINTS = Table(
    "endpoints",
    "One number of one sample or visit a row, long form.",
    (
        SUBJECT,
        Column("visit", "text", "Name of the visit."),
        Column("specimen_id", "text", "Identifier of the specimen, where given."),
        Column("sample", "text", "Sample, or null for a number of the clinic."),
        Column(
            "parameter", "text", "What the number is: see the parameters of endpoints in docs/tables.md.", needed=True
        ),
        Column("qualifier", "text", "Sorted name=value pairs, parted by ';', that tell rows of one parameter apart."),
        Column("day", "integer", "Day; 0 is the first infusion.", unit="d"),
        Column("timing", "text", "On day 0: before or after the infusion.", allowed=TIMINGS),
        Column("specimen", "text", "What was taken.", allowed=SPECIMENS),
        Column("assay", "text", "What was measured.", allowed=ASSAYS),
        Column("value", "number", "The number; null where there is none."),
        Column("unit", "text", "Unit of the value.", needed=True),
        LOWER,
        UPPER,
        Column("interval_method", "text", "How the limits were found."),
        Column("n", "number", "Events, cells or lesions the number rests on."),
        Column("status", "text", "What kind of number this is.", needed=True, allowed=VALUE_STATUSES),
        Column("value_text", "text", "The value where it is a word, such as a response."),
        Column("method", "text", "How the number was found."),
        Column("scope", "text", "Whether it depends on this sample alone.", needed=True, allowed=SCOPES),
    ),
    key=("subject", "visit", "specimen_id", "sample", "parameter", "qualifier"),
)

SAMPLES_RUN = Table(
    "samples",
    "One sample of the run a row, and how it went.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        SUBJECT,
        Column("visit", "text", "Name of the visit.", needed=True),
        Column("day", "integer", "Day the specimen was taken; 0 is the first infusion.", unit="d"),
        Column("specimen", "text", "What was taken.", needed=True, allowed=SPECIMENS),
        Column("assay", "text", "What was measured.", needed=True, allowed=ASSAYS),
        Column("panel", "text", "Panel that the tube was stained with."),
        Column("library", "text", "Library whose cells it is of."),
        Column(
            "state",
            "text",
            "Worst verdict on it; `failed` when a step could not finish; `not_analysed` when it is a control or no "
            "step reads it yet; `not_available` when there is no material.",
            needed=True,
            allowed=SAMPLE_STATES,
        ),
    ),
    key=("sample",),
)

QUALITY = Table(
    "quality",
    "One check of one sample a row.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        Column("check", "text", "What was checked.", needed=True),
        Column("value", "number", "What was measured."),
        Column("limit", "text", "What it is held against, in words."),
        Column("verdict", "text", "pass, warn or fail.", needed=True, allowed=VERDICTS),
        Column("reason", "text", "Why, in a sentence."),
    ),
    key=("sample", "check"),
)

EXCLUSIONS = Table(
    "exclusions",
    "Rows or events of an input that took no part, counted by rule.",
    (
        Column("sample", "text", "Sample identifier."),
        Column("file", "text", "File they stand in.", needed=True),
        Column("row", "integer", "Row of the file, where the rule names a single one (the header is row 1)."),
        Column("rule", "text", "Why they took no part.", needed=True),
        Column("rows", "integer", "How many rows or events.", needed=True, minimum=0),
        Column("counts", "number", "Reads, UMIs, templates or cells that they held."),
    ),
    key=("sample", "file", "rule", "row"),
)

FAILURES = Table(
    "failures",
    "One sample that could not be finished a row.",
    (
        Column("step", "text", "Step that failed.", needed=True),
        Column("unit", "text", "Sample, subject or table the step worked on.", needed=True),
        Column("sample", "text", "Sample, where the unit is one."),
        Column("error", "text", "What went wrong and how to mend it.", needed=True),
        Column("file", "text", "File at fault, where known."),
        Column("retry", "text", "Command that runs it again.", needed=True),
    ),
    key=("step", "unit"),
)

COUNTS = Table(
    "counts",
    "One population of one tube a row.",
    (
        SAMPLE,
        Column("population", "text", "Population, such as `CD3+` or `CD8+ T`.", needed=True),
        Column("parent", "text", "Population the percentage is of."),
        Column("events", "integer", "Events in the population.", needed=True, minimum=0),
        Column("parent_events", "integer", "Events in the parent.", minimum=0),
        Column("percent_of_parent", "number", "Share of the parent.", unit="%"),
        Column("lower", "number", "Lower 95 % limit, of counting and gating (beads, cells: counting).", unit="%"),
        Column("upper", "number", "Upper 95 % limit, of counting and gating (beads, cells: counting).", unit="%"),
        Column("cells_per_ul", "number", "Cells per microlitre of blood.", unit="cells/µL"),
        Column("cells_per_ul_lower", "number", "Lower 95 % limit.", unit="cells/µL"),
        Column("cells_per_ul_upper", "number", "Upper 95 % limit.", unit="cells/µL"),
        Column("cells_per_ul_method", "text", "How cells per microlitre were counted, or why they were not."),
        Column("error_budget", "text", "What each part adds to their error, as coefficients of variation."),
        Column(
            "cd4_cd8_ratio", "number", "CD4+ T to CD8+ T of the tube, in each of its rows; null where there is none."
        ),
        Column("cd4_cd8_ratio_lower", "number", "Lower 95 % limit, of counting and gating."),
        Column("cd4_cd8_ratio_upper", "number", "Upper 95 % limit; null where there is no upper one."),
        Column("verdict", "text", "Worst verdict on the tube.", allowed=VERDICTS),
        Column("reason", "text", "Why."),
        Column("counting_lower", "number", "Lower limit of the share of counting alone (Clopper-Pearson).", unit="%"),
        Column("counting_upper", "number", "Upper limit of the share of counting alone (Clopper-Pearson).", unit="%"),
        Column("gate_lower", "number", "Lower limit of the share of gating alone.", unit="%"),
        Column("gate_upper", "number", "Upper limit of the share of gating alone.", unit="%"),
        Column("status", "text", "What the events allow to say.", allowed=VALUE_STATUSES),
        Column("limit_of_blank", "number", "Events that a blank shows at most, with 95 % probability.", unit="events"),
        Column("limit_of_detection", "number", "Events expected, of which 95 % of tubes show more.", unit="events"),
        Column("limit_of_quantification", "number", "Fewest events that are quantified.", unit="events"),
    ),
    key=("sample", "population"),
)

MEDIANS = Table(
    "medians",
    "One marker on one population of one tube a row.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        Column("population", "text", "Population, as in `counts`.", needed=True),
        Column("marker", "text", "Marker, or channel of light scatter.", needed=True),
        Column("channel", "text", "Channel ($PnN) it is measured in.", needed=True),
        Column("events", "integer", "Events of the population with a finite value.", needed=True, minimum=1),
        Column("median", "number", "Median on the linear, compensated scale of the instrument.", needed=True),
        Column("lower", "number", "Lower exact 95 % limit; empty for fewer than six events."),
        Column("upper", "number", "Upper exact 95 % limit; empty for fewer than six events."),
    ),
    key=("sample", "population", "marker"),
)

CUTS = Table(
    "cuts",
    "One threshold of one tube a row.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        Column("gate", "text", "Marker that is cut, or `lymphocytes` and a channel of their region.", needed=True),
        Column("parent", "text", "Population it was found in.", needed=True),
        Column("channel", "text", "Channel ($PnN).", needed=True),
        Column(
            "threshold", "number", "Threshold on the compensated linear scale; of the region its centre.", needed=True
        ),
        Column("lower", "number", "Lowest threshold that would do as well; of the region where it ends."),
        Column("upper", "number", "Highest threshold that would do as well; of the region where it ends."),
        Column("spread", "number", "Of the region: standard deviation of the natural logarithm of lymphocytes."),
        Column("shift", "number", "Of the region: how many spreads its middle lies from its centre."),
        Column("radius", "number", "Of the region: how many spreads it reaches from its middle."),
        Column("separation", "number", "1 - valley / lower peak of the density; null where there is no valley."),
        Column(
            "source", "text", "Where it comes from.", needed=True, allowed=("valley", "fallback", "settings", "cohort")
        ),
    ),
    key=("sample", "gate", "parent"),
)

BLANKS = Table(
    "blanks",
    "What the blank tubes of one panel on one instrument show of a population a row.",
    (
        Column("sample", "text", "Blank tube.", needed=True),
        Column("population", "text", "Population.", needed=True),
        Column("events", "integer", "Events in the population.", needed=True, minimum=0),
        Column("lymphocytes", "integer", "Lymphocytes of the blank tube.", needed=True, minimum=1),
    ),
    key=("sample", "population"),
)

COHORT_CUTS = Table(
    "cohort_cuts",
    "The usual threshold of the tubes of one panel on one instrument a row.",
    (
        Column("panel", "text", "Panel of the tubes, where samples.csv names it."),
        Column("instrument", "text", "Instrument, where samples.csv names it."),
        Column("batch", "text", "Batch, where samples.csv names it."),
        Column("gate", "text", "As in `cuts`.", needed=True),
        Column("parent", "text", "As in `cuts`; of the region `lymphocytes`.", needed=True),
        Column("channel", "text", "As in `cuts`.", needed=True),
        Column("threshold", "number", "Median of the tubes that have a clear one.", needed=True),
        Column("lower", "number", "Median of the lowest that would do.", needed=True),
        Column("upper", "number", "Median of the highest that would do.", needed=True),
        Column("spread", "number", "Median spread of the region."),
        Column("shift", "number", "Median shift of the region's middle from its centre, in spreads."),
        Column("radius", "number", "Median radius of the region, in spreads."),
        Column("mad", "number", "Median absolute deviation of the tubes' thresholds.", needed=True, minimum=0),
        Column("tubes", "integer", "Tubes it rests on.", needed=True, minimum=1),
    ),
    key=("panel", "instrument", "batch", "gate", "parent", "channel"),
)

PANEL_DIFFERENCES = Table(
    "panel_differences",
    "One stain of one tube that is not as in the other tubes of its panel a row.",
    (
        Column("compared", "text", "What the tubes have in common: a panel, or without one a subject.", needed=True),
        Column("marker", "text", "Marker, or the stain's name in the file ($PnS, else $PnN).", needed=True),
        Column("sample", "text", "Sample identifier.", needed=True),
        Column("channel", "text", "Channel ($PnN) in this tube; null where it is missing."),
        Column("usual_channel", "text", "Channel of more than half of the tubes of its instrument that bear it."),
        Column("bearing", "integer", "Tubes that bear it.", needed=True, minimum=0),
        Column("tubes", "integer", "Tubes compared.", needed=True, minimum=2),
    ),
    key=("compared", "marker", "sample"),
)

RESPONSE = Table(
    "response",
    "RECIST 1.1 at one visit of one subject and reader.",
    (
        SUBJECT,
        Column("reader", "text", "Who read the scan."),
        Column("day", "integer", "Day of the assessment.", unit="d", needed=True),
        Column("visit", "text", "Name of the visit."),
        Column("baseline", "boolean", "The assessment is the baseline.", needed=True),
        Column("targets", "integer", "Target lesions at baseline.", needed=True),
        Column("targets_measured", "integer", "Of those, measured at this visit.", needed=True),
        Column("sum_mm", "number", "Sum of diameters; null unless every target is measured.", unit="mm"),
        Column("change_from_baseline_pct", "number", "Change of the sum from baseline.", unit="%"),
        Column("change_from_nadir_pct", "number", "Change of the sum from the lowest earlier complete sum.", unit="%"),
        Column("target_response", "text", "Response of the target lesions.", allowed=RESPONSES),
        Column("nontarget_response", "text", "Response of the non-target lesions.", allowed=RESPONSES),
        Column("new_lesion", "boolean", "An unequivocal new lesion is seen."),
        Column("response", "text", "Overall response derived from the lesions.", allowed=RESPONSES),
        Column("recorded", "text", "Overall response that the reader recorded.", allowed=RESPONSES),
        Column("agrees", "boolean", "Derived and recorded agree; null where one is absent."),
        Column("reason", "text", "Why the derived response is what it is, where that needs a word."),
    ),
    key=("subject", "reader", "day"),
)

SCORES = Table(
    "scores",
    "Mean score of one gene set over the cells of one group.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        Column("set", "text", "Gene set.", needed=True),
        Column("value", "number", "Mean over cells of the set's score."),
        LOWER,
        UPPER,
        Column("n", "integer", "Cells.", needed=True),
        Column("genes_found", "integer", "Genes of the set that the matrix holds.", needed=True),
        Column("genes_listed", "integer", "Genes of the set.", needed=True),
        Column("method", "text", "How cells are scored: mean of genes, with controls less theirs; or UCell's ranks."),
    ),
    key=("sample", "set"),
)

COMPARISON = Table(
    "comparison",
    "One population of one tube in two gatings, a and b, a row.",
    (
        Column("sample", "text", SAMPLE.meaning),
        Column("population", "text", "Population, or `CD4+ T / CD8+ T` for the ratio.", needed=True),
        Column("events_a", "integer", "Events in gating a; null where it has no such population.", minimum=0),
        Column("events_b", "integer", "Events in gating b; null where it has no such population.", minimum=0),
        Column("events_both", "integer", "Events in both.", minimum=0),
        Column("precision", "number", "Share of a's events that are in b.", minimum=0, maximum=1),
        Column("recall", "number", "Share of b's events that are in a.", minimum=0, maximum=1),
        Column("f1", "number", "Harmonic mean of precision and recall.", minimum=0, maximum=1),
        Column("ratio_a", "number", "CD4+ T to CD8+ T in gating a."),
        Column("ratio_b", "number", "CD4+ T to CD8+ T in gating b."),
        Column("difference_pct", "number", "(a - b) / b of the events, or of the ratio.", unit="%"),
    ),
    key=("sample", "population"),
)
