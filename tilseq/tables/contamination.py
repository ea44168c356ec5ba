"""The tables of shared clones: what may have leaked or been swapped between samples of different subjects."""

from __future__ import annotations

from tilseq.tables.outputs import LOCUS, SAMPLE
from tilseq.tables.schema import Column, Table

PAIR_VERDICTS = ("chance", "agree", "disagree", "cannot_tell", "leak", "swap", "duplicate", "excess")
SAMPLE_VERDICTS = (
    "as_labelled",
    "swapped",
    "duplicate",
    "mixed",
    "conflict",
    "agrees_with_none",
    "cannot_tell",
)
CLONE_VERDICTS = ("leak", "possible", "above_leak", "own", "public")

SHARED_PAIRS = Table(
    "shared_pairs",
    "Two samples that hold one locus a row: the clones that they share, against what people share by chance.",
    (
        Column("sample_a", "text", "First sample.", needed=True),
        Column("sample_b", "text", "Second sample.", needed=True),
        LOCUS,
        Column("same_subject", "boolean", "Whether both are said to be of one subject.", needed=True),
        Column("same_run", "boolean", "Whether both are of one run; null where a run is not told."),
        Column("shared", "integer", "Clones with the same nucleotide junction in both.", needed=True, minimum=0),
        Column(
            "tested",
            "integer",
            "Those of them that a leak within a run cannot have brought; `expected` and `p` are of these.",
            needed=True,
            minimum=0,
        ),
        Column("expected", "number", "Clones that two people would share by chance; null where none tell.", minimum=0),
        Column("p", "number", "Probability that two people share as many or more.", minimum=0, maximum=1),
        Column(
            "verdict",
            "text",
            "Of one subject: agree, disagree or cannot_tell. Of two: chance, leak (within a run), swap, excess (more "
            "than chance, for another reason). duplicate: the same clones and shares.",
            needed=True,
            allowed=PAIR_VERDICTS,
        ),
    ),
    key=("sample_a", "sample_b", "locus"),
)

LEAK_RATES = Table(
    "leak_rates",
    "How much of the libraries of a subject arrived in a sample of another in the same run a row; the run as a whole "
    "has neither subject nor sample.",
    (
        Column("run", "text", "Run.", needed=True),
        Column("donor_subject", "text", "Subject whose clones arrive; null for the whole run."),
        Column("recipient", "text", "Sample in which they arrive; null for the whole run."),
        Column("large_clones", "integer", "Large clones of the donor that are not known to be public.", needed=True),
        Column("seen", "integer", "Those of them seen in the recipient, or in any, at a tenth of their count or less."),
        Column("by_chance", "number", "Those that would be seen there without a leak."),
        Column("p", "number", "Probability that as many or more are seen without a leak.", minimum=0, maximum=1),
        Column("arrived", "integer", "Counts of those seen.", minimum=0),
        Column("donor_counts", "integer", "Counts of the large clones in the donor.", minimum=0),
        Column(
            "count_of",
            "text",
            "What the counts of donor and recipient, or of the run, count; where several things, the rate is of unlike "
            "counts and no share. Null where one of them is not told.",
        ),
        Column("rate", "number", "Counts that arrive for each count of the donor, those by chance taken off."),
        Column("lower", "number", "Lower 95 % limit of the rate (exact, Poisson)."),
        Column("upper", "number", "Upper 95 % limit of the rate (exact, Poisson)."),
        Column(
            "verdict", "text", "Whether there is a leak.", needed=True, allowed=("leak", "none_found", "cannot_tell")
        ),
    ),
    key=("run", "donor_subject", "recipient"),
)

SUSPICIOUS_CLONES = Table(
    "suspicious_clones",
    "A clone of one sample that another subject's sample of the same run holds in a greater number a row.",
    (
        SAMPLE,
        LOCUS,
        Column("junction", "text", "Nucleotide junction.", needed=True),
        Column("duplicate_count", "integer", "Its count in the sample.", needed=True, minimum=1),
        Column("run", "text", "Run of both samples.", needed=True),
        Column("donor", "text", "Sample of another subject in the run that holds most of it.", needed=True),
        Column("donor_count", "integer", "Its count there.", needed=True, minimum=2),
        Column("expected_leak", "number", "Counts expected to have leaked, at the rate found.", needed=True, minimum=0),
        Column(
            "most_leaked",
            "integer",
            "Most counts that leak at the rate's upper limit, with 99 % probability: a greater count is not a leak; "
            "null where no rate can be told.",
            minimum=0,
        ),
        Column(
            "verdict",
            "text",
            "leak: a leak was found that explains it. possible: chance explains it as well, or no leak was found but "
            "one that small would not be. above_leak: more than a leak brings. own: the subject holds it in another "
            "run too. public: a third subject holds it in another run.",
            needed=True,
            allowed=CLONE_VERDICTS,
        ),
    ),
    key=("sample", "locus", "junction"),
)

SAMPLE_IDENTITY = Table(
    "sample_identity",
    "Whose clones a sample holds: one sample a row.",
    (
        SAMPLE,
        Column("subject", "text", "Subject that it is said to be of.", needed=True),
        Column("run", "text", "Run, where told."),
        Column("clones", "integer", "Clones of all loci.", needed=True, minimum=0),
        Column("counts", "integer", "Sum of their counts.", needed=True, minimum=0),
        Column("usual_counts", "number", "Median of others that count the same, of its run where there are two."),
        Column("depth", "text", "Whether it is far shallower than those.", allowed=("usual", "shallow")),
        Column("own_compared", "integer", "Samples of its subject that it could be compared with.", needed=True),
        Column("own_agree", "integer", "Those that it agrees with.", needed=True),
        Column("other_subject", "text", "Other subject that it agrees with most, if with any."),
        Column("other_compared", "integer", "Samples of that subject that it could be compared with.", needed=True),
        Column("other_agree", "integer", "Those that it agrees with.", needed=True),
        Column("arrived", "number", "Counts that leaked into it, by the rates found.", needed=True, minimum=0),
        Column("content_of", "text", "Subject whose clones it holds; null where that cannot be told."),
        Column("verdict", "text", "What follows.", needed=True, allowed=SAMPLE_VERDICTS),
        Column("reason", "text", "Why, in a sentence.", needed=True),
    ),
    key=("sample",),
)

CONTAMINATION_TABLES = (SHARED_PAIRS, LEAK_RATES, SUSPICIOUS_CLONES, SAMPLE_IDENTITY)
