"""Tables of an export in the form of CDISC's ADaM; the meaning of a column is its label, of at most 40 characters."""

from __future__ import annotations

from tilseq.tables.schema import Column, Table

YES = ("Y",)
YES_NO = ("Y", "N")
_KEYS = (
    Column("STUDYID", "text", "Study Identifier", needed=True),
    Column("USUBJID", "text", "Unique Subject Identifier", needed=True),
)
_EVALUATOR = Column("EVALID", "text", "Evaluator Identifier")
_PARAMETER = (
    Column("PARAM", "text", "Parameter", needed=True),
    Column("PARAMCD", "text", "Parameter Code", needed=True),
)
_VISIT = (
    Column("AVISIT", "text", "Analysis Visit"),
    Column("ADY", "integer", "Analysis Relative Day", unit="d"),
)
_REASON = Column("REASON", "text", "Reason or Remark")

ADSL = Table(
    "adsl",
    "Subject-level data: a row a subject of the study.",
    (
        *_KEYS,
        Column("SUBJID", "text", "Subject Identifier for the Study", needed=True),
        Column("AGE", "number", "Age"),
        Column("AGEU", "text", "Age Units", allowed=("YEARS",)),
        Column("SEX", "text", "Sex", allowed=("F", "M", "U")),
        Column("ARM", "text", "Description of Planned Arm"),
        Column("TUMTYPE", "text", "Tumor Type"),
        Column("TRTFL", "text", "Infused Population Flag", needed=True, allowed=YES_NO),
        Column("ENRLDY", "integer", "Relative Day of Enrollment", unit="d"),
        Column("RANDDY", "integer", "Relative Day of Randomization", unit="d"),
        Column("HARVDY", "integer", "Relative Day of Tumor Harvest", unit="d"),
        Column("FDOSEDY", "integer", "Relative Day of First Dose", unit="d"),
        Column("LDEPLDY", "integer", "Relative Day of Lymphodepletion", unit="d"),
        Column("INFDY", "integer", "Relative Day of First Infusion", unit="d"),
        Column("INFCELLS", "number", "Cells Infused, All Infusions"),
    ),
    key=("USUBJID",),
)
ADTTE = Table(
    "adtte",
    "Time to event: a row a subject, endpoint and evaluator.",
    (
        *_KEYS,
        *_PARAMETER,
        _EVALUATOR,
        Column("AVAL", "integer", "Analysis Value", unit="d"),
        Column("AVALU", "text", "Analysis Value Unit", allowed=("DAYS",)),
        Column("CNSR", "integer", "Censor", minimum=0, maximum=1),
        Column("STARTDY", "integer", "Relative Day of Origin", unit="d"),
        Column("ORIGIN", "text", "Time to Event Origin"),
        Column("ADY", "integer", "Analysis Relative Day", unit="d"),
        Column("EVNTDESC", "text", "Event Description"),
        Column("CNSDTDSC", "text", "Censor Description"),
        Column("SRCDOM", "text", "Source Data"),
        Column("SRCDY", "integer", "Relative Day of Source Row", unit="d"),
        _REASON,
    ),
    key=("PARAMCD", "USUBJID", "EVALID"),
)
ADTR = Table(
    "adtr",
    "Tumour results: the sum of the target lesions' diameters, a row an assessment and evaluator.",
    (
        *_KEYS,
        *_PARAMETER,
        _EVALUATOR,
        *_VISIT,
        Column("AVAL", "number", "Analysis Value", unit="mm"),
        Column("AVALU", "text", "Analysis Value Unit", allowed=("mm",)),
        Column("ABLFL", "text", "Baseline Record Flag", allowed=YES),
        Column("BASE", "number", "Baseline Value", unit="mm"),
        Column("PCHG", "number", "Percent Change from Baseline", unit="%"),
        Column("NADIR", "number", "Lowest Earlier Complete Sum", unit="mm"),
        Column("PCHGNAD", "number", "Percent Change from Nadir", unit="%"),
        Column("LSEXP", "integer", "Lesions Expected"),
        Column("LSASS", "integer", "Lesions Assessed"),
    ),
    key=("USUBJID", "EVALID", "ADY"),
)
ADRS = Table(
    "adrs",
    "Responses: a row an assessment or a best response, of an evaluator.",
    (
        *_KEYS,
        *_PARAMETER,
        _EVALUATOR,
        *_VISIT,
        Column("AVALC", "text", "Analysis Value (C)", needed=True),
        Column("CONFDY", "integer", "Relative Day of Confirmation", unit="d"),
        _REASON,
    ),
)
ADLB = Table(
    "adlb",
    "Laboratory results: a row a result and term of the CTCAE that grades it.",
    (
        *_KEYS,
        Column("PARAM", "text", "Parameter", needed=True),
        Column("ADY", "integer", "Analysis Relative Day", unit="d"),
        Column("APHASE", "text", "Phase"),
        Column("AVAL", "number", "Analysis Value"),
        Column("AVALC", "text", "Analysis Value (C)"),
        Column("AVALU", "text", "Analysis Value Unit"),
        Column("LBORRES", "text", "Result or Finding in Original Units"),
        Column("ATOXDSCL", "text", "Analysis Toxicity Description Low"),
        Column("ATOXGRL", "integer", "Analysis Toxicity Grade Low", minimum=0),
        Column("BTOXGRL", "integer", "Baseline Toxicity Grade Low", minimum=0),
        Column("ATOXDSCH", "text", "Analysis Toxicity Description High"),
        Column("ATOXGRH", "integer", "Analysis Toxicity Grade High", minimum=0),
        Column("BTOXGRH", "integer", "Baseline Toxicity Grade High", minimum=0),
        Column("ATOXVER", "text", "Version of the CTCAE"),
        _REASON,
    ),
)
ADAE = Table(
    "adae",
    "Adverse events: a row a recorded event.",
    (
        *_KEYS,
        Column("AETERM", "text", "Reported Term for the Adverse Event"),
        Column("AEDECOD", "text", "Dictionary-Derived Term"),
        Column("AEBODSYS", "text", "Body System or Organ Class"),
        Column("ASTDY", "integer", "Analysis Start Relative Day", unit="d"),
        Column("AENDY", "integer", "Analysis End Relative Day", unit="d"),
        Column("ADURN", "integer", "Analysis Duration (N)", unit="d"),
        Column("ADURU", "text", "Analysis Duration Units", allowed=("DAYS",)),
        Column("ATOXGR", "integer", "Analysis Toxicity Grade"),
        Column("AESER", "text", "Serious Event", allowed=YES_NO),
        Column("AREL", "text", "Analysis Causality"),
        Column("IRAEFL", "text", "Immune-Related Event Flag", allowed=YES_NO),
        Column("TRTEMFL", "text", "Treatment Emergent Analysis Flag", allowed=YES_NO),
        Column("APHASE", "text", "Phase"),
        Column("ANL01FL", "text", "Analysis Flag 01, Counted", needed=True, allowed=YES_NO),
        Column("SRCSEQ", "integer", "Row of the Source File"),
        _REASON,
    ),
)
ADBM = Table(
    "adbm",
    "Biomarkers: every number of a sample or of a subject's samples, a row each.",
    (
        *_KEYS,
        *_PARAMETER,
        *_VISIT,
        Column("ATPT", "text", "Analysis Timepoint"),
        Column("SPEC", "text", "Specimen Type"),
        Column("ASSAY", "text", "Assay"),
        Column("SAMPLE", "text", "Sample Identifier"),
        Column("AVAL", "number", "Analysis Value"),
        Column("AVALC", "text", "Analysis Value (C)"),
        Column("AVALU", "text", "Analysis Value Unit"),
        Column("AVALLL", "number", "Lower Limit of Analysis Value"),
        Column("AVALUL", "number", "Upper Limit of Analysis Value"),
        Column("ALIMMETH", "text", "Method of the Limits of Analysis Value"),
        Column("ASTATUS", "text", "Kind of Number", needed=True),
        Column("AMETHOD", "text", "Analysis Method"),
    ),
)
ADAM_TABLES = (ADSL, ADTTE, ADTR, ADRS, ADLB, ADAE, ADBM)
