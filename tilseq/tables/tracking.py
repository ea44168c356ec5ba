"""The tables of clones followed from the infusion product through blood."""

from __future__ import annotations

from tilseq.tables.contamination import CLONE_VERDICTS
from tilseq.tables.outputs import LOCUS, LOWER, UPPER
from tilseq.tables.schema import Column, Table

ORIGIN_WORDS = (
    "infused_only",
    "infused_and_preexisting",
    "preexisting_only",
    "emergent",
    "tumor_resident",
    "indeterminate",
)
PRESENCE_CALLS = ("present", "absent", "indeterminate")
CHANGE_CALLS = ("expanded", "contracted", "unchanged", "cannot_tell")

_JUNCTION = Column("junction", "text", "Nucleotide junction.", needed=True)
_ORIGIN = Column("origin", "text", "Where the clone comes from.", needed=True, allowed=ORIGIN_WORDS)
_PLACES = {"product": "the infusion product", "baseline": "blood before the infusion", "tumor": "the tumour"}

ORIGINS = Table(
    "origins",
    "One clone of one subject a row: where it was seen, and where it comes from.",
    (
        Column("subject", "text", "Subject identifier, where given."),
        LOCUS,
        _JUNCTION,
        _ORIGIN,
        *(Column(f"in_{name}", "boolean", f"Seen in {place}.", needed=True) for name, place in _PLACES.items()),
        *(
            Column(f"{name}_frequency", "number", f"Share of {place}, null where not seen.", minimum=0, maximum=1)
            for name, place in {**_PLACES, "later": "blood after the infusion, all visits together"}.items()
        ),
    ),
    key=("subject", "locus", "junction"),
)

ORIGIN_CLASSES = Table(
    "origin_classes",
    "One origin of one subject's clones a row: how many, and how many of them are of another at least.",
    (
        Column("subject", "text", "Subject identifier, where given."),
        LOCUS,
        _ORIGIN,
        Column("clones", "integer", "Clones that are called so.", needed=True, minimum=0),
        Column(
            "wrong_at_least",
            "integer",
            "Clones among them that the product or the baseline held and missed, at least: the lower 95 % limit. "
            "0 says nothing; null is not known.",
            minimum=0,
        ),
    ),
    key=("subject", "locus", "origin"),
)

CLONES = Table(
    "clones",
    "One clone of one subject in one of its samples a row.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        LOCUS,
        _JUNCTION,
        Column("duplicate_count", "integer", "Counts of the clone in the sample.", needed=True, minimum=0),
        Column("frequency", "number", "Share of the sample's counts.", minimum=0, maximum=1),
        LOWER,
        UPPER,
        Column("n_effective", "number", "Effective number of cells of the sample.", unit="cells"),
        Column("limit_of_detection", "number", "Smallest share that would be seen with 95 % probability."),
        Column(
            "call",
            "text",
            "present; absent: not seen, and the limit of detection is at most the threshold; else indeterminate.",
            needed=True,
            allowed=PRESENCE_CALLS,
        ),
        Column("value_text", "text", "What stands for a share of 0: below detection, and the limit."),
        Column(
            "suspicious",
            "text",
            "Verdict of `suspicious_clones` on the clone in this sample, such as leak; null where it is not listed.",
            allowed=CLONE_VERDICTS,
        ),
    ),
    key=("sample", "locus", "junction"),
)

NEAR_MATCHES = Table(
    "near_matches",
    "One clone of one sample a row that is near a clone of the infusion product and is none of them.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        LOCUS,
        _JUNCTION,
        Column("junction_aa", "text", "Amino-acid junction.", needed=True),
        Column("duplicate_count", "integer", "Counts of the clone in the sample.", needed=True, minimum=1),
        Column("frequency", "number", "Share of the sample's counts.", minimum=0, maximum=1),
        Column(
            "kind",
            "text",
            "The same amino acids by other nucleotides, or one amino acid apart.",
            needed=True,
            allowed=("other_nucleotides", "one_edit"),
        ),
        Column("product_clones", "integer", "Clones of the product that it is near to.", needed=True, minimum=1),
        Column("product_junction", "text", "Nucleotide junction of the largest of them.", needed=True),
        Column("product_junction_aa", "text", "Its amino-acid junction.", needed=True),
        Column("product_frequency", "number", "Its share of the product.", minimum=0, maximum=1),
    ),
    key=("sample", "locus", "junction"),
)

CHANGE = Table(
    "change",
    "One clone in two samples of one subject a row: whether its share of the repertoire changed.",
    (
        Column("subject", "text", "Subject identifier, where given."),
        Column("sample_before", "text", "Earlier sample.", needed=True),
        Column("sample_after", "text", "Later sample.", needed=True),
        LOCUS,
        _JUNCTION,
        Column("share_before", "number", "Share of the counts of the earlier sample.", minimum=0, maximum=1),
        Column("share_after", "number", "Share of the counts of the later sample.", minimum=0, maximum=1),
        Column("cells_before", "number", "Share × effective number of cells, earlier.", unit="cells"),
        Column("cells_after", "number", "Share × effective number of cells, later.", unit="cells"),
        Column("log2_ratio", "number", "log2(share_after / share_before); null where one of them is 0."),
        Column("lower", "number", "Lower 95 % limit of the log2 ratio; null where there is none."),
        Column("upper", "number", "Upper 95 % limit of the log2 ratio; null where there is none."),
        Column("p", "number", "Two-sided mid-p value; null where the clone was not tested.", minimum=0, maximum=1),
        Column("q", "number", "p after Benjamini and Hochberg, within the family.", minimum=0, maximum=1),
        Column("family", "text", "What q was corrected over: subject, pair of samples, locus.", needed=True),
        Column("call", "text", "What can be said of the clone.", needed=True, allowed=CHANGE_CALLS),
        Column("in_product", "boolean", "Seen in a lot infused by the later sample; null where that was not asked."),
    ),
    key=("subject", "sample_before", "sample_after", "locus", "junction"),
)

TREND = Table(
    "trend",
    "One clone over the visits of one subject a row: how fast its share of the repertoire rises or falls.",
    (
        Column("subject", "text", "Subject identifier, where given."),
        LOCUS,
        _JUNCTION,
        Column("visits", "integer", "Samples of the locus that the trend rests on.", needed=True, minimum=0),
        Column("first_day", "number", "Day of the first of them.", unit="d", needed=True),
        Column("last_day", "number", "Day of the last; in a run no infusion lies between.", unit="d", needed=True),
        Column("cells", "number", "Effective cells of the clone in all of them.", unit="cells", needed=True),
        Column("slope_per_day", "number", "Change of ln(share) a day; null where it has no finite value.", unit="1/d"),
        Column("lower", "number", "Lower 95 % limit of the slope; null where there is none.", unit="1/d"),
        Column("upper", "number", "Upper 95 % limit of the slope; null where there is none.", unit="1/d"),
        Column("half_life", "number", "ln 2 / -slope where it falls.", unit="d", above=0),
        Column("half_life_lower", "number", "Lower 95 % limit, of a clone that falls.", unit="d", minimum=0),
        Column("half_life_upper", "number", "Upper 95 % limit; null where it may not fall.", unit="d", above=0),
        Column("doubling_time", "number", "ln 2 / slope where it rises.", unit="d", above=0),
        Column("doubling_time_lower", "number", "Lower 95 % limit, of a clone that rises.", unit="d", minimum=0),
        Column("doubling_time_upper", "number", "Upper 95 % limit; null where it may not rise.", unit="d", above=0),
        Column(
            "dispersion",
            "number",
            "Dispersion of the negative binomial; 0 is Poisson. Null where no clone tells it: then no limits and no p.",
            minimum=0,
        ),
        Column("p", "number", "Of a level course, by likelihood ratio; null: not tested.", minimum=0, maximum=1),
        Column("q", "number", "p after Benjamini and Hochberg, within the family.", minimum=0, maximum=1),
        Column("family", "text", "What q was corrected over: subject, locus.", needed=True),
    ),
    key=("subject", "locus", "junction"),
)

TRACKING_TABLES = (ORIGINS, ORIGIN_CLASSES, CLONES, NEAR_MATCHES, CHANGE, TREND)
