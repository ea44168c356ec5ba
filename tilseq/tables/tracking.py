"""The tables of clones followed from sample to sample."""

from __future__ import annotations

from tilseq.tables.schema import Column, Table

CALLS = ("expanded", "contracted", "unchanged", "cannot_tell")

CHANGE = Table(
    "change",
    "One clone in two samples of one subject a row: whether its share of the repertoire changed.",
    (
        Column("subject", "text", "Subject identifier, where given."),
        Column("sample_before", "text", "Earlier sample.", needed=True),
        Column("sample_after", "text", "Later sample.", needed=True),
        Column("locus", "text", "Locus.", needed=True),
        Column("junction", "text", "Nucleotide junction.", needed=True),
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
        Column("call", "text", "What can be said of the clone.", needed=True, allowed=CALLS),
    ),
    key=("subject", "sample_before", "sample_after", "locus", "junction"),
)

TREND = Table(
    "trend",
    "One clone over the visits of one subject a row: how fast its share of the repertoire rises or falls.",
    (
        Column("subject", "text", "Subject identifier, where given."),
        Column("locus", "text", "Locus.", needed=True),
        Column("junction", "text", "Nucleotide junction.", needed=True),
        Column("visits", "integer", "Samples of the locus that the trend rests on.", needed=True, minimum=0),
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
        Column("dispersion", "number", "Dispersion of the negative binomial; 0 is Poisson.", minimum=0),
        Column("p", "number", "Of a level course, by likelihood ratio; null: not tested.", minimum=0, maximum=1),
        Column("q", "number", "p after Benjamini and Hochberg, within the family.", minimum=0, maximum=1),
        Column("family", "text", "What q was corrected over: subject, locus.", needed=True),
    ),
    key=("subject", "locus", "junction"),
)
