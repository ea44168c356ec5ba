"""What each program calls the columns of a clonotype table. One record a dialect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

CountOf = Literal["cells", "umis", "reads", "templates", "unknown"]
Headers = tuple[str, ...]

# Columns of any dialect that tell whose rows are, as combined exports of AIRR and immunoSEQ and tables bound in R do.
OF_SAMPLES: Mapping[str, Headers] = {
    name: (name,)
    for name in (
        *("subject_id", "sample_name", "repertoire_id", "sample_id", "sample", "patient", "subject", "orig.ident"),
        "tagValueSAMPLE",
    )
}
JSON_STARTS = ("[", "{")  # no table's header begins so; 10x alone writes JSON
PRODUCTIVE = {"t": True, "true": True, "f": False, "false": False}


@dataclass(frozen=True)
class Count:
    """A column of counts: the headers it goes by, what it counts, and the headers of the frequencies made from it."""

    headers: Headers
    of: CountOf
    frequency: Headers = ()


@dataclass(frozen=True)
class Dialect:
    """How one program writes clonotypes. Headers match in any case of letters.

    Attributes
    ----------
    name
        What the dialect is called.
    needed, optional
        Our column to the headers that may stand for it.
    counts
        Columns of counts, the preferred first. Empty where rows are cells' contigs, or single sequences.
    merged
        Our columns whose headers may stand side by side: a cell is filled from the first of them that is not empty.
    productive
        Words of the column `productive`, in lower case; a word not among them is an error.
    unproductive
        Words in the place of amino acids that say that there are none, in lower case.
    one_a_row
        A row is one sequence that was read, and the file has no counts.
    told
        Whether the header alone tells the dialect. Else it is read only when it is named.
    mistaken
        A column that may be missing to a header that looks like it and is not it, and why.
    """

    name: str
    needed: Mapping[str, Headers]
    optional: Mapping[str, Headers] = field(default_factory=dict)
    counts: tuple[Count, ...] = ()
    merged: frozenset[str] = frozenset()
    productive: Mapping[str, bool | None] = field(default_factory=lambda: PRODUCTIVE)
    unproductive: Headers = ()
    one_a_row: bool = False
    told: bool = True
    mistaken: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Headers]:
        """Needed and optional columns."""
        return {**self.needed, **self.optional}

    def lacks(self, names: Collection[str]) -> list[str]:
        """Return the needed headers, the first of each column, that are not among a file's names."""
        plain = {name.lower().strip() for name in names}
        return [headers[0] for headers in self.needed.values() if not plain.intersection(map(str.lower, headers))]


JUNCTION_NOT_CDR3 = {
    "junction": ("cdr3", "cdr3 lacks the conserved C and F/W of a junction"),
    "junction_aa": ("cdr3_aa", "cdr3_aa lacks the conserved C and F/W of a junction_aa"),
}
AIRR = Dialect(
    "AIRR rearrangement",
    needed={name: (name,) for name in ("v_call", "j_call", "junction")},
    optional={name: (name,) for name in ("junction_aa", "locus", "productive", "cell_id", "sequence_id", "is_cell")},
    counts=(Count(("umi_count",), "umis"), Count(("duplicate_count",), "unknown")),
    mistaken={
        "duplicate_count": (
            "consensus_count",
            "consensus_count is the reads behind a consensus, not a clone's size; if TRUST4 wrote the file, name the "
            "dialect trust4-airr",
        ),
        **JUNCTION_NOT_CDR3,
    },
)
TENX = Dialect(
    "10x contig annotations",
    needed={
        "locus": ("chain",),
        "v_call": ("v_gene",),
        "j_call": ("j_gene",),
        "junction": ("cdr3_nt",),
        "junction_aa": ("cdr3",),
        "productive": ("productive",),
        "barcode": ("barcode",),
        "is_cell": ("is_cell",),
        "high_confidence": ("high_confidence",),
    },
    optional={"sequence_id": ("contig_id",), "donor": ("donor",), "origin": ("origin",)},
)
# Headers: immunoSEQ Analyzer's exports v1 (2011), v2 and v3, among them the minimal one, and what R makes of them.
IMMUNOSEQ = Dialect(
    "immunoSEQ",
    needed={
        "read": ("nucleotide", "rearrangement"),
        "junction_aa": ("aminoAcid", "amino_acid"),
        "v_call": (
            *("vGeneNameTies", "v_gene_ties", "VTies", "vMaxResolved", "v_resolved", "vGeneName", "v_gene"),
            *("vFamilyName", "v_family"),
        ),
        "j_call": (
            *("jGeneNameTies", "j_gene_ties", "JTies", "jMaxResolved", "j_resolved", "jGeneName", "j_gene"),
            *("jFamilyName", "j_family"),
        ),
    },
    optional={
        "productive": ("sequenceStatus", "frame_type"),
        "cut_start": ("vIndex", "v_index"),
        "cut_length": ("cdr3Length", "cdr3_length"),
    },
    counts=(
        Count(("templates", "count (templates)", "count..templates."), "templates", ("frequency",)),
        Count(("estimatedNumberGenomes",), "templates"),
        Count(
            ("count (templates/reads)", "count (template/reads)", "count..templates.reads."),
            "unknown",
            ("frequencyCount (%)", "frequencyCount....", "frequencyCount"),
        ),
        Count(("count",), "unknown", ("frequencyCount", "frequencyCount (%)")),
        Count(("count (reads)", "count..reads."), "reads", ("frequencyCount (%)", "frequencyCount....")),
        Count(("seq_reads", "reads", "copy"), "reads"),
    ),
    merged=frozenset({"v_call", "j_call"}),
    productive={"in": True, "out": False, "stop": False},
    mistaken={"templates": ("normalizedCopy", "normalizedCopy is no count: it is weighted by the primers' bias")},
)
# Headers: MiXCR 1.x (in words), 2 and 3 (cloneCount), 4 (readCount; molecules and cells by the tags of its preset, in
# 4.0 as uniqueTagCount). Exports of single cells may hold a row for each clone and cell.
MIXCR = Dialect(
    "MiXCR",
    needed={
        "v_call": (
            "allVHitsWithScore",
            "allVHits",
            "bestVHit",
            "bestVGene",
            "vHit",
            "vGene",
            "All V hits",
            "Best V hit",
        ),
        "j_call": (
            "allJHitsWithScore",
            "allJHits",
            "bestJHit",
            "bestJGene",
            "jHit",
            "jGene",
            "All J hits",
            "Best J hit",
        ),
        "junction": ("nSeqCDR3", "N. Seq. CDR3"),
        "junction_aa": ("aaSeqCDR3", "AA. Seq. CDR3"),
    },
    optional={"cell_id": ("tagValueCELL",)},
    counts=(
        Count(("uniqueCellCount", "uniqueTagCountCELL"), "cells", ("uniqueCellFraction", "uniqueTagFractionCELL")),
        Count(
            ("uniqueMoleculeCount", "uniqueUMICount", "uniqueTagCountUMI"),
            "umis",
            ("uniqueMoleculeFraction", "uniqueUMIFraction", "uniqueTagFractionUMI"),
        ),
        Count(("readCount", "cloneCount", "Clone count"), "reads", ("readFraction", "cloneFraction", "Clone fraction")),
    ),
    merged=frozenset({"v_call", "j_call"}),
)
# Counts are reads of bulk RNA and barcodes of single cells, and the file does not say which. Frequencies are shares of
# TR and of IG apart, so that they are not compared.
TRUST4 = Dialect(
    "TRUST4 report",
    needed={
        "v_call": ("V",),
        "j_call": ("J",),
        "c_call": ("C",),
        "junction": ("CDR3nt",),
        "junction_aa": ("CDR3aa",),
    },
    counts=(Count(("count", "#count"), "unknown"),),
    unproductive=("partial", "out_of_frame"),
)
TRUST4_AIRR = Dialect(
    "TRUST4's AIRR rearrangement",
    needed={name: (name,) for name in ("v_call", "j_call", "junction", "junction_aa", "productive")},
    optional={name: (name,) for name in ("locus", "sequence_id", "cell_id")},
    counts=(Count(("consensus_count",), "unknown"),),
    told=False,
)
# One row a cell, which `tilseq.io.trust4_barcodes` takes apart.
TRUST4_BARCODES = Dialect(
    "TRUST4 report of barcodes",
    needed={"barcode": ("#barcode", "barcode"), "chain1": ("chain1",), "chain2": ("chain2",)},
    optional={name: (name,) for name in ("secondary_chain1", "secondary_chain2")},
    unproductive=("partial", "out_of_frame"),
)
VDJTOOLS = Dialect(
    "VDJtools",
    needed={"v_call": ("v",), "j_call": ("j",), "junction": ("cdr3nt",), "junction_aa": ("cdr3aa",)},
    counts=(Count(("count", "#count"), "unknown", ("freq", "frequency")),),
)
IMMUNARCH = Dialect(
    "immunarch",
    needed={"v_call": ("V.name",), "j_call": ("J.name",), "junction": ("CDR3.nt",), "junction_aa": ("CDR3.aa",)},
    counts=(Count(("Clones",), "unknown", ("Proportion",)),),
)
# Files 3_Nt-sequences (no amino acids) and 6_Junction. A row is a sequence, whose name may hold a count.
IMGT = Dialect(
    "IMGT/HighV-QUEST",
    needed={
        "v_call": ("V-GENE and allele",),
        "j_call": ("J-GENE and allele",),
        "junction": ("JUNCTION",),
        "productive": ("V-DOMAIN Functionality", "Functionality"),
        "sequence_id": ("Sequence ID",),
    },
    optional={"junction_aa": ("JUNCTION (AA)", "AA JUNCTION")},
    productive={
        "productive": True,
        "productive (see comment)": True,
        "unproductive": False,
        "unproductive (see comment)": False,
        "rearranged sequence (but no junction found)": None,
        "rearranged sequence (but no junction found) (see comment)": None,
        "no rearrangement found": False,
        "no results": False,
        "unknown": None,
        "unknown (see comment)": None,
    },
    one_a_row=True,
    mistaken={"JUNCTION": ("AA JUNCTION", "1_Summary has no nucleotides: give 6_Junction or 3_Nt-sequences")},
)
DIALECTS = {
    "airr": AIRR,
    "10x": TENX,
    "immunoseq": IMMUNOSEQ,
    "mixcr": MIXCR,
    "trust4": TRUST4,
    "trust4-airr": TRUST4_AIRR,
    "trust4-barcodes": TRUST4_BARCODES,
    "vdjtools": VDJTOOLS,
    "immunarch": IMMUNARCH,
    "imgt": IMGT,
}
