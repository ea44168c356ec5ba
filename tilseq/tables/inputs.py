"""The tables of a study folder: what a person writes."""

from __future__ import annotations

from tilseq.receptors import LOCI
from tilseq.tables.schema import Column, Table

SPECIMENS = ("tumor", "infusion_product", "blood", "plasma", "serum")
ASSAYS = ("flow", "cytokine", "tcr", "bcr", "scrna", "bulk_rna")
COUNTS_OF = ("cells", "umis", "templates", "reads")
TUMOR_TYPES = ("melanoma", "cervical", "ovarian", "nsclc", "head_and_neck", "other")
ROLES = ("sample", "stimulated", "unstimulated", "fmo", "compensation", "blank", "control")
TIMINGS = ("pre", "post")
STATUSES = ("ok", "failed")
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
WELL_ROLES = ("standard", "blank", "sample", "control")
SCALES = ("linear", "log2", "ln", "log10", "asinh(1+x)")
DEATH_CAUSES = ("tumor", "other", "unknown")
STOP_REASONS = ("clinical_progression", "toxicity", "other")

_SUBJECT = Column("subject", "text", "Subject identifier, kept as text (007 stays 007).", needed=True)
_FARTHEST = 36525  # days, a century: beyond it a day is a date that a spreadsheet has numbered


def _day(name: str, meaning: str, *, needed: bool = False, minimum: int = -_FARTHEST) -> Column:
    return Column(name, "integer", meaning, unit="d", needed=needed, minimum=minimum, maximum=_FARTHEST)


_DAY = _day("day", "Day of the visit; day 0 is the first infusion.", needed=True)


SUBJECTS = Table(
    "subjects",
    "One row a subject.",
    (
        _SUBJECT,
        Column("tumor_type", "text", "Kind of tumour.", needed=True, allowed=TUMOR_TYPES),
        Column("arm", "text", "Treatment arm."),
        Column("age", "number", "Age at enrolment.", unit="a", minimum=0, maximum=130),
        Column("sex", "text", "Sex.", allowed=("female", "male", "other", "unknown")),
        _day("enrollment_day", "Day of enrolment."),
        _day("randomization_day", "Day of randomisation."),
        _day("first_dose_day", "Day of the first dose."),
        _day("harvest_day", "Day the tumour was resected for the product."),
        _day("lymphodepletion_day", "First day of lymphodepletion."),
        Column("il2_end_day", "integer", "Day of the last dose of IL-2.", unit="d", minimum=0),
    ),
    key=("subject",),
)

INFUSIONS = Table(
    "infusions",
    "One row an infusion.",
    (
        _SUBJECT,
        Column("infusion", "integer", "Number of the infusion, from 1.", needed=True, minimum=1),
        _day("day", "Day of the infusion; 0 for the first.", needed=True, minimum=0),
        Column("lot", "text", "Product lot."),
        Column("cells", "number", "Viable cells infused.", unit="cells", minimum=0, maximum=1e13),
    ),
    key=("subject", "infusion"),
)

SAMPLES = Table(
    "samples",
    "One row a sample: one assay of one specimen.",
    (
        Column("sample", "text", "Sample identifier, unique in the study.", needed=True),
        _SUBJECT,
        Column("visit", "text", "Name of the visit, one of study.yaml's visits.", needed=True),
        _day("day", "Day the specimen was taken; day 0 is the first infusion."),
        Column("specimen", "text", "What was taken.", needed=True, allowed=SPECIMENS),
        Column("assay", "text", "What was measured.", needed=True, allowed=ASSAYS),
        Column("path", "text", "File relative to the study folder; several are parted by ';'."),
        Column("specimen_id", "text", "Identifier of the specimen, where one specimen gave several samples."),
        Column("timing", "text", "On day 0: before or after the infusion.", allowed=TIMINGS),
        Column("lot", "text", "Product lot the sample was taken from."),
        Column("lesion", "text", "Lesion a tumour sample was taken from."),
        Column("format", "text", "Dialect of the file, where its header does not tell."),
        Column("member", "text", "Which column, obs value or data set of a shared file, as name=value or a number."),
        Column("library", "text", "Joins expression, TCR and BCR of the same cells."),
        Column("role", "text", "Part the sample plays in its assay.", allowed=ROLES),
        Column(
            "stimulus",
            "text",
            "What the cells of a stimulated tube were stimulated with, e.g. PMA/ionomycin or autologous tumour.",
        ),
        Column("replicate", "text", "Replicate of the same specimen."),
        Column("run", "text", "Sequencing or instrument run."),
        Column("batch", "text", "Batch of reagents or staining."),
        Column("instrument", "text", "Instrument."),
        Column("panel", "text", "Panel of study.yaml that the tube was stained with."),
        Column("plate", "text", "Plate of plates/*.csv."),
        Column("locus", "text", "Locus amplified.", allowed=LOCI),
        Column("count_of", "text", "What the file's counts count, where it does not tell.", allowed=COUNTS_OF),
        Column("cells", "number", "Cells put into the assay.", unit="cells", above=0, maximum=1e10),
        Column("t_cell_fraction", "number", "Share of T cells in the input.", above=0, maximum=1),
        Column("input_ng", "number", "Nucleic acid put into the assay.", unit="ng", above=0),
        Column("sample_volume_ul", "number", "Volume of blood in the tube.", unit="µL", minimum=0.1, maximum=1e6),
        Column("beads_per_tube", "number", "Counting beads in the tube.", unit="beads", minimum=1, maximum=1e9),
        Column("dilution", "number", "Final volume over original volume.", minimum=1, maximum=1e6),
        Column("marked_population", "text", "Marker or population that tells infused cells, or that was sorted."),
        Column("status", "text", "`failed` for a sample that was taken but gave nothing.", allowed=STATUSES),
        Column("sha256", "text", "SHA-256 of the file, checked when given."),
        Column("comment", "text", "Free text."),
    ),
    key=("sample",),
)

LESIONS = Table(
    "lesions",
    "One row a lesion and assessment.",
    (
        _SUBJECT,
        _DAY,
        Column("visit", "text", "Name of the visit."),
        Column("reader", "text", "Who read the scan."),
        Column("lesion", "text", "Lesion identifier, the same at every visit.", needed=True),
        Column("role", "text", "Target, non-target or new.", needed=True, allowed=("target", "nontarget", "new")),
        Column("node", "boolean", "A lymph node, measured by its short axis."),
        Column("site", "text", "Organ."),
        Column("diameter_mm", "number", "Longest diameter; short axis for a node.", unit="mm", minimum=0, maximum=600),
        Column(
            "state",
            "text",
            "State of a lesion that is not measured.",
            allowed=("present", "absent", "progressed", "equivocal", "not_evaluable"),
        ),
        Column("method", "text", "Imaging method."),
        Column("resected", "boolean", "Resected for the product."),
    ),
    key=("subject", "reader", "day", "lesion"),
)

RESPONSE_READS = Table(
    "responses",
    "One row a recorded response: what the investigator or reader wrote down.",
    (
        _SUBJECT,
        _DAY,
        Column("visit", "text", "Name of the visit."),
        Column("reader", "text", "Who read the scan."),
        Column("response", "text", "Overall response at the visit.", needed=True, allowed=RESPONSES),
    ),
    key=("subject", "reader", "day"),
)

FOLLOWUP = Table(
    "followup",
    "One row a subject: until when it was known to be alive.",
    (
        _SUBJECT,
        _day("last_alive_day", "Last day the subject was known to be alive."),
        _day("death_day", "Day of death; empty for a subject not known to have died."),
        Column("death_cause", "text", "Cause of death.", allowed=DEATH_CAUSES),
        _day("data_cut_day", "Day of the data cut: what clinical/ tells of a later day counts nowhere."),
        _day("stop_day", "Day treatment or assessment was stopped without a scan that shows progression."),
        Column("stop_reason", "text", "Why it was stopped.", allowed=STOP_REASONS),
    ),
    key=("subject",),
)

ADVERSE_EVENTS = Table(
    "adverse_events",
    "One row an adverse event.",
    (
        _SUBJECT,
        Column("term", "text", "What happened.", needed=True),
        Column("soc", "text", "System organ class."),
        Column("grade", "integer", "Grade by CTCAE.", needed=True, minimum=1, maximum=5),
        Column("serious", "boolean", "A serious adverse event."),
        Column("immune_related", "boolean", "An immune-related adverse event."),
        Column("related", "text", "What the investigator relates it to, such as lymphodepletion, TIL or IL-2."),
        _day("start_day", "First day."),
        _day("end_day", "Last day; empty while it lasts."),
        Column("period", "text", "Period of the treatment it began in."),
    ),
)

_RESULT = (
    _SUBJECT,
    _DAY,
    Column("test", "text", "What was measured.", needed=True),
    Column("value_text", "text", "Result as the laboratory wrote it, such as 4.2 or <0.5."),
    Column("unit", "text", "Unit of the result and its limits."),
    Column("lower_limit", "number", "Lower limit of normal of this record."),
    Column("upper_limit", "number", "Upper limit of normal of this record."),
    Column("clinically_significant", "boolean", "The investigator called it clinically significant."),
)

LABS = Table("labs", "One row a result of a laboratory or other test.", _RESULT)

TUMOR_MARKERS = Table("tumor_markers", "One row a result of a tumour marker.", _RESULT)

THERAPIES = Table(
    "therapies",
    "One row a further anti-tumour therapy.",
    (
        _SUBJECT,
        Column("therapy", "text", "What was given.", needed=True),
        _day("start_day", "First day.", needed=True),
        _day("end_day", "Last day; empty while it lasts."),
    ),
)

SCHEDULE = Table(
    "schedule",
    "One row a planned assessment of the tumour.",
    (
        Column("visit", "text", "Name of the visit, one of study.yaml's visits.", needed=True),
        _day("day", "Nominal day; day 0 is the first infusion.", needed=True),
        Column("window", "integer", "Days that it may lie before or after.", unit="d", minimum=0),
    ),
    key=("visit",),
)

PLATES = Table(
    "plates",
    "One row a well of a bead array, or a well and analyte where nominal concentrations differ between analytes.",
    (
        Column("plate", "text", "Plate identifier.", needed=True),
        Column("well", "text", "Well, such as B07.", needed=True),
        Column("path", "text", "File of the well's events, relative to the study folder.", needed=True),
        Column("role", "text", "What is in the well.", needed=True, allowed=WELL_ROLES),
        Column("sample", "text", "Sample in the well, one of samples.csv."),
        Column("kit", "text", "Kit the well was stained with."),
        Column("analyte", "text", "Analyte the row speaks of; empty for all of the kit's."),
        Column("level", "text", "Level of a standard, such as C3."),
        Column("nominal_pg_per_ml", "number", "Concentration a standard or control should have.", "pg/mL", minimum=0),
        Column("dilution", "number", "Final volume over original volume.", minimum=1),
        Column("acid_activated", "boolean", "Activated by acid, so that latent TGF-β is measured too."),
        Column("replicate", "text", "Replicate of the same content."),
        Column("scale", "text", "Scale of classifier and reporter in a CSV of events.", allowed=SCALES),
    ),
    key=("plate", "well", "analyte"),
)
