"""The tables of clones followed from the infusion product through blood."""

from __future__ import annotations

from tilseq.tables.outputs import LOWER, UPPER
from tilseq.tables.schema import Column, Table

ORIGIN_WORDS = (
    "infused_only",
    "infused_and_preexisting",
    "preexisting_only",
    "emergent",
    "tumor_resident",
    "indeterminate",
)
CALLS = ("present", "absent", "indeterminate")

_LOCUS = Column("locus", "text", "Locus.", needed=True)
_JUNCTION = Column("junction", "text", "Nucleotide junction.", needed=True)
_ORIGIN = Column("origin", "text", "Where the clone comes from.", needed=True, allowed=ORIGIN_WORDS)
_PLACES = {"product": "the infusion product", "baseline": "blood before the infusion", "tumor": "the tumour"}

ORIGINS = Table(
    "origins",
    "One clone of one subject a row: where it was seen, and where it comes from.",
    (
        _LOCUS,
        _JUNCTION,
        _ORIGIN,
        *(Column(f"in_{name}", "boolean", f"Seen in {place}.", needed=True) for name, place in _PLACES.items()),
        *(
            Column(f"{name}_frequency", "number", f"Share of {place}, null where not seen.", minimum=0, maximum=1)
            for name, place in {**_PLACES, "later": "blood after the infusion, all visits together"}.items()
        ),
    ),
    key=("locus", "junction"),
)

CLONES = Table(
    "clones",
    "One clone of one subject in one of its samples a row.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        _LOCUS,
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
            allowed=CALLS,
        ),
    ),
    key=("sample", "locus", "junction"),
)

NEAR_MATCHES = Table(
    "near_matches",
    "One clone of one sample a row that is near a clone of the infusion product and is none of them.",
    (
        Column("sample", "text", "Sample identifier.", needed=True),
        _LOCUS,
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
