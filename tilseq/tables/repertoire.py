"""The tables that the repertoire laboratory writes."""

from __future__ import annotations

from tilseq.tables.outputs import LOCUS, LOWER, SAMPLE, UPPER
from tilseq.tables.schema import Column, Table

COUNTING = ("once", "twice", "drawn", "unsure", "too_many")
CELLS_FROM = ("counted", "declared", "input_ng", "replicates", "templates", "pair", "not_known")
DIVERSITY_PARAMETERS = (
    "cells_or_counts",
    "richness",
    "chao1_bias_corrected",
    "shannon_entropy_nats",
    "hill_q1",
    "simpson_inverse",
    "gini",
    "clonality",
    "d50_clones",
    "coverage",
)
# Variants and orders beside them, and values at a common depth, which the report's table has no room for.
FURTHER_DIVERSITY_PARAMETERS = (
    "chao1_inext",
    "ace",
    "gini_simpson",
    "hill_q0_5",
    "hill_q3",
    "hill_q1_asymptotic",
    "hill_q2_asymptotic",
    "top_1_share",
    "top_10_share",
    "top_100_share",
)
STANDARDISED_PARAMETERS = (
    "richness_at_n",
    "hill_q1_at_n",
    "hill_q2_at_n",
    "richness_at_coverage",
    "hill_q1_at_coverage",
    "hill_q2_at_coverage",
)

OVERLAP_PARAMETERS = (
    "shared_clones",
    "jaccard",
    "f",
    "f2",
    "morisita_horn",
    "morisita",
    "bray_curtis_similarity",
    "jensen_shannon_bits_clones",
    "jensen_shannon_bits_counts",
)
PERSISTENCE_MEASURES = (
    "mass",
    "mass_new",
    "product_mass_kept",
    "clones_at_n",
    "frequent_clones_at_n",
    "product_mass_kept_at_n",
)
USAGE_FEATURES = ("v_call", "j_call", "v_call+j_call", "junction_length", "junction_aa_length")

DIVERSITY = Table(
    "diversity",
    "One index of one locus of one sample a row.",
    (
        SAMPLE,
        LOCUS,
        Column(
            "parameter",
            "text",
            "Index, its variant in its name; at_n and at_coverage: at a depth that all samples have in common.",
            needed=True,
            allowed=DIVERSITY_PARAMETERS + FURTHER_DIVERSITY_PARAMETERS + STANDARDISED_PARAMETERS,
        ),
        Column("value", "number", "Value of the index."),
        LOWER,
        UPPER,
        Column("n", "number", "Sum of counts that the index rests on.", needed=True),
        Column("depth", "number", "Cells that the value is of; unlike depths do not compare, null is not known."),
        Column("at_coverage", "number", "Coverage that the value is of, of those at a common coverage."),
        Column("over", "text", "In a run: whose samples have the depth in common.", allowed=("subject", "study")),
    ),
    key=("sample", "locus", "parameter", "over"),
)

FAMILIES = Table(
    "families",
    "One family of B cells of one sample a row.",
    (
        SAMPLE,
        Column("family_id", "text", "V gene, J gene, junction length, number in the group.", needed=True),
        LOCUS,
        Column("v_gene", "text", "V gene; of an ambiguous call the first.", needed=True),
        Column("j_gene", "text", "J gene; of an ambiguous call the first.", needed=True),
        Column("junction_length", "integer", "Length of the junction.", unit="nt", needed=True),
        Column("sequences", "integer", "Sequences in the family.", needed=True, minimum=1),
        Column("junctions", "integer", "Distinct nucleotide junctions among them.", needed=True, minimum=1),
        Column("duplicate_count", "integer", "Sum of their counts.", needed=True),
        Column("isotypes", "text", "Classes of its sequences and how many have each, `IGHG 5; IGHM 2`."),
        Column("mutation_frequency", "number", "Mean over its sequences of the share of mutated bases."),
        Column("threshold", "number", "Largest share of bases in which neighbours differ.", needed=True),
        Column(
            "threshold_source",
            "text",
            "Set by the user, found as the valley of the distances to the nearest, or the usual one as there is none.",
            needed=True,
            allowed=("set", "valley", "usual"),
        ),
    ),
    key=("sample", "family_id"),
)

MUTATION = Table(
    "mutation",
    "One immunoglobulin sequence of one sample a row: its family, isotype and mutations.",
    (
        SAMPLE,
        Column("sequence_id", "text", "Name of the sequence in its file, or `row` and its number.", needed=True),
        LOCUS,
        Column("v_call", "text", "V gene with its allele, as the file has it, by IMGT's name."),
        Column("j_call", "text", "J gene, likewise."),
        Column("c_call", "text", "Constant gene, as the file has it."),
        Column("junction", "text", "Nucleotide junction.", needed=True),
        Column("duplicate_count", "integer", "Count of the sequence.", needed=True),
        Column("family_id", "text", "Family, of heavy chains with a V and a J gene."),
        Column("bases", "integer", "Bases compared with the germline.", unit="nt"),
        Column("mutations", "integer", "Bases that differ, as shazam counts them.", unit="nt"),
        Column("mutation_frequency", "number", "mutations / bases."),
        Column("cdr_bases", "integer", "Bases compared in CDR1 and CDR2.", unit="nt"),
        Column("cdr_replacement", "integer", "Mutations there that change the amino acid."),
        Column("cdr_silent", "integer", "Mutations there that do not."),
        Column("fwr_bases", "integer", "Bases compared in framework 1 to 3.", unit="nt"),
        Column("fwr_replacement", "integer", "Mutations there that change the amino acid."),
        Column("fwr_silent", "integer", "Mutations there that do not."),
        Column("v_identity", "number", "Share of the bases of V that are the germline's.", minimum=0, maximum=1),
        Column("identity_source", "text", "Where the identity is from.", allowed=("alignment", "file")),
    ),
    key=("sample", "sequence_id"),
)

MUTATION_LOAD = Table(
    "mutation_load",
    "How mutated the families of one isotype of one sample are.",
    (
        SAMPLE,
        LOCUS,
        Column("isotype", "text", "Class, or `all`.", needed=True),
        Column("sequences", "integer", "Sequences with a frequency.", needed=True, minimum=1),
        Column("families", "integer", "Families, which count once each.", needed=True, minimum=1),
        Column("mean_frequency", "number", "Mean over families of mutations per base.", needed=True),
        Column("lower", "number", "Lower 95 % limit of the mean (Student, over families)."),
        Column("upper", "number", "Upper 95 % limit of the mean (Student, over families)."),
        Column("median_frequency", "number", "Median over families.", needed=True),
    ),
    key=("sample", "locus", "isotype"),
)

ISOTYPES = Table(
    "isotypes",
    "How much of the heavy chains of one sample one isotype holds.",
    (
        SAMPLE,
        Column("unit", "text", "What is counted.", needed=True, allowed=("sequences", "counts", "families")),
        Column(
            "level",
            "text",
            "Subclass, class, all that have switched, or families with switched and unswitched members.",
            needed=True,
            allowed=("subclass", "class", "switched", "mixed"),
        ),
        Column("isotype", "text", "Isotype; `unassigned` for those that have none at this level.", needed=True),
        Column("number", "integer", "How many have it.", needed=True, minimum=0),
        Column("total", "integer", "Of how many; of `unassigned` all.", needed=True, minimum=0),
        Column("share", "number", "number / total."),
        LOWER,
        UPPER,
    ),
    key=("sample", "unit", "level", "isotype"),
)

_PLACES = {"vj_1": "first VJ", "vj_2": "second VJ", "vdj_1": "first VDJ", "vdj_2": "second VDJ"}

CELLS = Table(
    "cells",
    "The receptor of one cell of one sample a row, by scirpy's conventions.",
    (
        SAMPLE,
        Column("cell_id", "text", "Barcode of the cell.", needed=True),
        Column("receptor_type", "text", "TCR, BCR, ambiguous, multichain or no IR.", needed=True),
        Column("receptor_subtype", "text", "Pair of loci, ambiguous, multichain or no IR.", needed=True),
        Column("chain_pairing", "text", "How its chains pair.", needed=True),
        Column("dual_alpha", "boolean", "Two TRA and one TRB.", needed=True),
        Column("doublet", "text", "Whether it may be two cells.", allowed=("likely", "possible")),
        Column("chains", "integer", "Functional chains.", needed=True, minimum=0),
        *(
            Column(f"{place}_{name}", "integer" if name == "umi_count" else "text", f"{name} of the {chain} chain.")
            for place, chain in _PLACES.items()
            for name in ("locus", "v_call", "j_call", "junction", "junction_aa", "umi_count")
        ),
    ),
    key=("sample", "cell_id"),
)

CELL_QUALITY = Table(
    "cell_quality",
    "Cells of one kind of one sample a row.",
    (
        SAMPLE,
        Column("call", "text", "receptor_type, receptor_subtype, chain_pairing, doublet or dual_alpha.", needed=True),
        Column("category", "text", "The kind.", needed=True),
        Column("cells", "integer", "Cells of the kind.", needed=True, minimum=0),
        Column("total", "integer", "All cells.", needed=True, minimum=0),
        Column("share", "number", "cells / total."),
        LOWER,
        UPPER,
    ),
    key=("sample", "call", "category"),
)

PAIRED_CLONES = Table(
    "paired_clones",
    "One clonotype of both chains of one sample's cells a row; its parts stand in the order of the loci.",
    (
        SAMPLE,
        Column("locus", "text", "Loci of both chains.", needed=True),
        Column("junction", "text", "Nucleotide junctions.", needed=True),
        Column("junction_aa", "text", "Amino-acid junctions.", needed=True),
        Column("v_call", "text", "V genes."),
        Column("j_call", "text", "J genes."),
        Column("duplicate_count", "integer", "Cells.", unit="cells", needed=True, minimum=1),
    ),
    key=("sample", "locus", "junction"),
)

DEPTH = Table(
    "depth",
    "How many cells stand behind the counts of a locus of a sample, and how that is known.",
    (
        SAMPLE,
        LOCUS,
        Column("counts", "integer", "Sum of counts.", needed=True),
        Column("count_of", "text", "What is counted.", needed=True),
        Column("cells", "number", "Cells of the receptor's kind in the library.", unit="cells"),
        Column("cells_from", "text", "Where their number comes from.", needed=True, allowed=CELLS_FROM),
        Column("cells_lower", "number", "Lower 95 % limit of estimated cells.", unit="cells"),
        Column("cells_upper", "number", "Upper 95 % limit of estimated cells, null for none.", unit="cells"),
        Column(
            "n_effective",
            "number",
            "Independent observations that the counts are worth; a cell with two chains of the locus is one of each.",
            unit="cells",
        ),
        Column(
            "counting",
            "text",
            "How often a cell is counted: once; 0, 1 or 2 times (twice); as often as chance has it (drawn); templates "
            "of which the libraries do not surely tell (unsure); more templates than the cells told give (too_many); "
            "null where it is not known what was counted.",
            allowed=COUNTING,
        ),
    ),
    key=("sample", "locus"),
)

TEMPLATE_COUNTING = Table(
    "template_counting",
    "How often a template of DNA is counted, as all libraries of the study that count templates tell it together.",
    (
        LOCUS,
        Column(
            "variance",
            "number",
            "Variance of the counts of a template, whose mean is 1; where not sure, one that limits can rest on.",
            needed=True,
            minimum=0,
        ),
        Column(
            "counting",
            "text",
            "Once; 0, 1 or 2 times (twice); as often as chance has it (drawn): the likelier of the last two.",
            needed=True,
            allowed=COUNTING[:3],
        ),
        Column(
            "sure",
            "boolean",
            "Whether that is known well enough for coverage, a common depth and labels of cells.",
            needed=True,
        ),
        Column(
            "libraries",
            "integer",
            "Libraries that told it, of 100 clones or more; where none did, each template is taken to be counted once.",
            needed=True,
            minimum=0,
        ),
    ),
    key=("locus",),
)

HILL_PROFILE = Table(
    "hill_profile",
    "Hill number of one order of one locus of one sample a row.",
    (
        SAMPLE,
        LOCUS,
        Column("q", "number", "Order.", needed=True, minimum=0),
        Column("value", "number", "Effective number of clones.", unit="clones"),
        LOWER,
        UPPER,
        Column("depth", "number", "Cells that the value is of.", unit="cells"),
    ),
    key=("sample", "locus", "q"),
)

RAREFACTION = Table(
    "rarefaction",
    "Hill numbers of one locus of one sample at one number of cells a row.",
    (
        SAMPLE,
        LOCUS,
        Column("q", "number", "Order, 0, 1 or 2.", needed=True),
        Column("cells", "integer", "Cells that a sample would hold.", unit="cells", needed=True),
        Column("method", "text", "rarefied, observed or extrapolated.", needed=True),
        Column("value", "number", "Effective number of clones in so many cells.", unit="clones"),
        LOWER,
        UPPER,
        Column("coverage", "number", "Share of the repertoire that clones seen in so many cells hold."),
        Column("coverage_lower", "number", "Lower 95 % limit of the coverage."),
        Column("coverage_upper", "number", "Upper 95 % limit of the coverage."),
    ),
    key=("sample", "locus", "q", "cells"),
)

PERSISTENCE = Table(
    "persistence",
    "What the clones of a reference hold of a later sample.",
    (
        Column("sample", "text", "Later sample.", needed=True),
        LOCUS,
        Column(
            "measure",
            "text",
            "What of the reference it is, see `persistence`.",
            needed=True,
            allowed=PERSISTENCE_MEASURES,
        ),
        Column("value", "number", "Share, 0 to 1."),
        LOWER,
        UPPER,
        Column("n_effective", "number", "Effective number of cells of the later sample."),
        Column("limit_of_detection", "number", "Smallest share that would be seen with 95 % probability."),
        Column("at_cells", "number", "Distinct cells that the value is of, of measures at n.", unit="cells"),
    ),
    key=("sample", "locus", "measure"),
)

OVERLAP = Table(
    "overlap",
    "One index of how much two samples have in common of one locus a row.",
    (
        Column("sample_a", "text", "First sample.", needed=True),
        Column("sample_b", "text", "Second sample.", needed=True),
        Column("locus", "text", "Locus, or both of paired chains.", needed=True),
        Column("key", "text", "What must be equal: a clonotype key, or the feature whose use differs.", needed=True),
        Column("parameter", "text", "Index, its variant in its name.", needed=True, allowed=OVERLAP_PARAMETERS),
        Column("value", "number", "Value of the index."),
        LOWER,
        UPPER,
        Column("n_a", "number", "Sum of counts of the first sample; for `morisita` its effective number of cells."),
        Column("n_b", "number", "The same of the second."),
    ),
    key=("sample_a", "sample_b", "locus", "key", "parameter"),
)

USAGE = Table(
    "usage",
    "Share of one gene, pair of genes or junction length among the clones of a locus a row.",
    (
        SAMPLE,
        LOCUS,
        Column("feature", "text", "What is used.", needed=True, allowed=USAGE_FEATURES),
        Column("level", "text", "Gene, genes parted by a blank, or length in bases or amino acids.", needed=True),
        Column("weight", "text", "Whether clones or counts are counted.", needed=True, allowed=("clones", "counts")),
        Column("number", "integer", "Clones or counts of it.", needed=True, minimum=1),
        Column("share", "number", "Share of all clones or counts of the locus.", minimum=0, maximum=1),
        LOWER,
        UPPER,
        Column("n", "number", "Clones, or effective number of cells, that the limits rest on."),
    ),
    key=("sample", "locus", "feature", "level", "weight"),
)

NEIGHBOURS = Table(
    "neighbours",
    "Two junctions that differ by one amino acid put in, left out or replaced a row; never two that are the same.",
    (
        Column("sample_a", "text", "Sample of the first junction.", needed=True),
        Column("sample_b", "text", "Sample of the second; the same where both are of one sample.", needed=True),
        Column("locus", "text", "Locus of both.", needed=True),
        Column("junction_aa_a", "text", "First junction.", needed=True),
        Column("junction_aa_b", "text", "Second junction.", needed=True),
        Column("count_a", "integer", "Counts of the first in its sample.", needed=True, minimum=1),
        Column("count_b", "integer", "Counts of the second in its sample.", needed=True, minimum=1),
    ),
    key=("sample_a", "sample_b", "locus", "junction_aa_a", "junction_aa_b"),
)
