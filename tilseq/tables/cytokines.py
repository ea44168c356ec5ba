"""The tables of bead arrays."""

from __future__ import annotations

from tilseq.tables.inputs import WELL_ROLES
from tilseq.tables.outputs import VERDICTS
from tilseq.tables.schema import Column, Table

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
        Column("wells_failed", "integer", "Those of them in which it has too few beads.", needed=True, minimum=0),
        _VERDICT,
        _REASON,
    ),
    key=("plate", "kit", "analyte"),
)

CYTOKINE_TABLES = (BEAD_WELLS, BEAD_POPULATIONS)
