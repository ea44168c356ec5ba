"""The tables of bead arrays."""

from __future__ import annotations

from tilseq.tables.inputs import SPECIMENS, TIMINGS, WELL_ROLES
from tilseq.tables.outputs import VERDICTS
from tilseq.tables.schema import Column, Table

# How reasons of levels begin that what they tell of is found by.
NO_BASELINE = "no baseline"
OTHER_PLATE = "the baseline is of another plate"
APART = "measurements of this specimen differ"

_PLATE = Column("plate", "text", "Plate of the plate sheet.", needed=True)
_ANALYTE = Column("analyte", "text", "Analyte, as the kit calls it.", needed=True)
_POPULATION = Column(
    "population",
    "text",
    "Size group and place from the dimmest classifier up, such as small 3.",
    needed=True,
)
_VERDICT = Column("verdict", "text", "pass, warn or fail.", needed=True, allowed=VERDICTS)
_REASON = Column("reason", "text", "Why, in a sentence.")

BEAD_WELLS = Table(
    "bead_wells",
    "One analyte in one well of a bead array a row.",
    (
        _PLATE,
        Column("well", "text", "Well, such as B07.", needed=True),
        Column("role", "text", "What is in the well.", needed=True, allowed=WELL_ROLES),
        Column("sample", "text", "Sample in the well."),
        Column("level", "text", "Level of a standard, such as C3."),
        Column("kit", "text", "Kit the well was stained with."),
        _ANALYTE,
        _POPULATION,
        Column("beads", "integer", "Single beads; null where they cannot be told.", unit="beads", minimum=0),
        Column("signal", "number", "Median reporter of the beads, on the instrument's linear scale."),
        Column(
            "signal_se_log",
            "number",
            "Standard error of the natural logarithm of the median, from the beads alone (Price and Bonett 2001).",
            minimum=0,
        ),
        Column(
            "signal_cv_beads",
            "number",
            "Robust coefficient of variation of the reporter between beads, as a fraction.",
            minimum=0,
        ),
        Column(
            "at_highest",
            "number",
            "Share of the beads at the plate's highest reporter; from 0.5 on the signal is no more than a lower bound.",
            minimum=0,
            maximum=1,
        ),
        _VERDICT,
        _REASON,
    ),
    key=("plate", "well", "analyte"),
)

BEAD_POPULATIONS = Table(
    "bead_populations",
    "One bead population of a kit on a plate a row: its place, shared by the wells.",
    (
        _PLATE,
        Column("kit", "text", "Kit.", needed=True),
        _ANALYTE,
        _POPULATION,
        Column("forward", "number", "Centre in forward scatter, linear scale; null where it was not found."),
        Column("side", "number", "Centre in side scatter, linear scale."),
        Column("classifier", "number", "Centre in the classifier, linear scale."),
        Column("forward_cv", "number", "Spread between beads as a fraction: standard deviation of the logarithm."),
        Column("classifier_cv", "number", "The same of the classifier."),
        Column(
            "separation_sd",
            "number",
            "Distance to the nearest other population in standard deviations (Mahalanobis); null for a lone one.",
            minimum=0,
        ),
        Column("beads", "integer", "Its beads in all wells.", unit="beads", minimum=0),
        Column("wells", "integer", "Wells that were read.", needed=True, minimum=0),
        Column("wells_failed", "integer", "Those of them in which its beads fail.", needed=True, minimum=0),
        _VERDICT,
        _REASON,
    ),
    key=("plate", "kit", "analyte"),
)

STANDARD_CURVES = Table(
    "standard_curves",
    "The standard curve of one analyte on a plate a row: signal = bottom + (top - bottom) / (1 + (midpoint / x) ^ "
    "slope) ^ asymmetry.",
    (
        _PLATE,
        _ANALYTE,
        Column("model", "text", "Logistic of four parameters (asymmetry 1) or five.", allowed=("4PL", "5PL")),
        Column("bottom", "number", "Signal without analyte."),
        Column("top", "number", "Signal at saturation."),
        Column("midpoint_pg_per_ml", "number", "Where (midpoint / x) ^ slope is 1.", unit="pg/mL"),
        Column("slope", "number", "Exponent of the concentration."),
        Column("asymmetry", "number", "Exponent of the whole; 1 for a 4PL."),
        Column("criterion_4pl", "number", "-2 ln marginal likelihood of the 4PL up to a constant; chosen if 2 less."),
        Column("criterion_5pl", "number", "That of the 5PL."),
        Column("standards", "integer", "Standard levels used.", needed=True, minimum=0),
        Column("standard_wells", "integer", "Their wells.", needed=True, minimum=0),
        Column("blank_wells", "integer", "Blank wells used.", needed=True, minimum=0),
        Column(
            "residual_sd", "number", "Weighted residual standard deviation: about 1 where the plate's spread holds."
        ),
        Column("llod_pg_per_ml", "number", "Lower limit of detection: blanks + 2 standard deviations.", unit="pg/mL"),
        Column("lloq_pg_per_ml", "number", "Lower limit of quantification: lowest standard that passes.", unit="pg/mL"),
        Column(
            "uloq_pg_per_ml", "number", "Upper limit of quantification: highest standard that passes.", unit="pg/mL"
        ),
        Column("hook", "boolean", "Whether the highest standards shine less than a lower one."),
        _VERDICT,
        _REASON,
    ),
    key=("plate", "analyte"),
)

STANDARD_RECOVERY = Table(
    "standard_recovery",
    "One analyte at one standard level a row: what the curve gives back.",
    (
        _PLATE,
        _ANALYTE,
        Column("level", "text", "Level.", needed=True),
        Column("nominal_pg_per_ml", "number", "What it should hold.", unit="pg/mL", needed=True, above=0),
        Column("wells", "integer", "Wells used.", needed=True, minimum=1),
        Column("offset_factor", "number", "True over nominal at which the curves stand: drawn towards 1."),
        Column("back_calculated_pg_per_ml", "number", "By the curve, from the mean ln signal.", unit="pg/mL"),
        Column("recovery_pct", "number", "Back-calculated over nominal and offset factor.", unit="%"),
        Column("recovery_nominal_pct", "number", "Back-calculated over nominal alone.", unit="%"),
        Column("cv_pct", "number", "Coefficient of variation between wells, back-calculated.", unit="%"),
        Column(
            "within",
            "boolean",
            "Recovery within 20 % (25 % at the limit of quantification), CV up to 20 %, signal alone good for 25 %.",
        ),
    ),
    key=("plate", "analyte", "level"),
)

DILUTION_ERRORS = Table(
    "dilution_errors",
    "One standard level of a plate a row: by how much its wells were off, shared by all analytes.",
    (
        _PLATE,
        Column("kit", "text", "Kit whose standards they are."),
        Column("level", "text", "Level.", needed=True),
        Column(
            "factor",
            "number",
            "True over nominal concentration, not drawn towards 1; the top level is right but for volume; null untold.",
        ),
        Column("lower", "number", "Lower 95 % limit."),
        Column("upper", "number", "Upper 95 % limit."),
        Column("analytes", "integer", "Analytes with wells of the level.", needed=True, minimum=0),
        _REASON,
    ),
    key=("plate", "kit", "level"),
)

OF_CONCENTRATIONS = ("sample", "control")  # roles of wells
CONCENTRATION_STATUSES = ("quantified", "detected_below_loq", "not_detected", "above_range", "not_evaluable")
_STATUS = (
    Column("dilution", "number", "Final volume over original volume.", minimum=1),
    Column("acid_activated", "boolean", "Activated by acid: total TGF-β; without it the free."),
    _ANALYTE,
)
_RESULT = (
    Column("signal", "number", "Median reporter; of several wells the geometric mean."),
    Column("conc_pg_per_ml", "number", "In the undiluted sample; null outside of the curve's range.", "pg/mL"),
    Column("lower", "number", "Lower 95 % limit: beads, wells of the plate against each other, curve.", "pg/mL"),
    Column("upper", "number", "Upper 95 % limit; null where there is none.", "pg/mL"),
    Column("status", "text", "What the number is.", needed=True, allowed=CONCENTRATION_STATUSES),
    Column(
        "limit_pg_per_ml",
        "number",
        "What a sample out of range lies below or above: the limit of the range or of its own interval.",
        "pg/mL",
    ),
    _REASON,
)

CONCENTRATIONS = Table(
    "concentrations",
    "One analyte in one well of a sample or control a row.",
    (
        _PLATE,
        Column("well", "text", "Well.", needed=True),
        Column("role", "text", "Sample or control.", needed=True, allowed=OF_CONCENTRATIONS),
        Column("sample", "text", "Sample in the well."),
        Column("replicate", "text", "Replicate of the same content."),
        *_STATUS,
        Column("beads", "integer", "Single beads.", unit="beads", minimum=0),
        *_RESULT,
    ),
    key=("plate", "well", "analyte"),
)

SAMPLE_CONCENTRATIONS = Table(
    "sample_concentrations",
    "One analyte of one sample or control a row: the mean of its wells.",
    (
        _PLATE,
        Column("role", "text", "Sample or control.", needed=True, allowed=OF_CONCENTRATIONS),
        Column("sample", "text", "Sample; of a control its level or well.", needed=True),
        *_STATUS,
        Column("wells", "integer", "Wells used.", needed=True, minimum=0),
        Column("wells_given", "integer", "Wells of the sheet.", needed=True, minimum=1),
        Column("cv_pct", "number", "Coefficient of variation between wells, as concentrations.", unit="%"),
        *_RESULT,
    ),
    key=("plate", "role", "sample", "dilution", "acid_activated", "analyte"),
)

FORMS = ("free", "total")
FOLD_STATUSES = ("quantified", "at_least", "at_most", "unknown")

CYTOKINE_LEVELS = Table(
    "cytokine_levels",
    "One analyte of one sample on one plate and at one dilution a row, and how it stands to the subject's baseline.",
    (
        Column("subject", "text", "Subject.", needed=True),
        Column("visit", "text", "Visit."),
        Column("day", "integer", "Day; day 0 is the first infusion.", unit="d"),
        Column("timing", "text", "On a day of infusion: before or after it.", allowed=TIMINGS),
        Column("specimen", "text", "What was taken.", needed=True, allowed=SPECIMENS),
        Column("specimen_id", "text", "Identifier of the specimen."),
        Column("sample", "text", "Sample.", needed=True),
        _PLATE,
        *_STATUS,
        Column("form", "text", "Of TGF-β: total where activated by acid, else free.", allowed=FORMS),
        Column("wells", "integer", "Wells used.", needed=True, minimum=0),
        Column("wells_given", "integer", "Wells of the sheet.", needed=True, minimum=1),
        Column("cv_pct", "number", "Coefficient of variation between wells, as concentrations.", unit="%"),
        *_RESULT[1:-1],
        Column("used", "boolean", "Of several measurements of one specimen the one that is reported.", needed=True),
        Column("baseline", "boolean", "Whether the subject's later samples are held against it.", needed=True),
        Column("baseline_sample", "text", "Sample that this one is held against; null where there is none."),
        Column("baseline_day", "integer", "Its day.", unit="d"),
        Column("fold", "number", "Concentration over that of the baseline, or the limit of this ratio.", above=0),
        Column("fold_lower", "number", "Lower 95 % limit.", minimum=0),
        Column("fold_upper", "number", "Upper 95 % limit."),
        Column("fold_status", "text", "What the fold change is; null without a baseline.", allowed=FOLD_STATUSES),
        _REASON,
    ),
    key=("subject", "specimen", "analyte", "acid_activated", "day", "sample", "plate", "dilution"),
)

CYTOKINE_TABLES = (
    BEAD_WELLS,
    BEAD_POPULATIONS,
    STANDARD_CURVES,
    STANDARD_RECOVERY,
    DILUTION_ERRORS,
    CONCENTRATIONS,
    SAMPLE_CONCENTRATIONS,
    CYTOKINE_LEVELS,
)
