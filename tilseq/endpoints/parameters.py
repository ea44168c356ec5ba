"""The parameters of the endpoint table: what each number is, its unit and what it depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Laboratory = Literal["flow", "cytokines", "repertoire", "expression", "clinical"]
Scope = Literal["sample", "cohort"]
# What the reader of any number of infused cells by a mark that other cells can bear must know.
INFUSED_UPPER_BOUND = (
    "compatible with infused cells: an upper bound where marked infused cells fare as the other infused ones do, since "
    "cells that were not infused may bear the mark too"
)
# How the reason begins of a subject one of whose samples is of another.
NO_MASS_KINETICS = "no kinetics of the mass"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the endpoint table."""

    name: str
    laboratory: Laboratory
    unit: str
    meaning: str
    qualifiers: tuple[str, ...] = ()
    scope: Scope = "sample"


def _clones(name: str, unit: str, meaning: str) -> Parameter:
    return Parameter(name, "repertoire", unit, meaning, ("locus",))


def _at_depth(name: str, meaning: str) -> tuple[Parameter, ...]:
    """Return an index at equal cells and at equal coverage; `over` tells whose samples have the depth in common."""
    return tuple(
        Parameter(f"{name}_at_{depth}", "repertoire", "clones", f"{meaning} at {what}.", ("locus", "over"), "cohort")
        for depth, what in (("n", "equal cells"), ("coverage", "equal coverage"))
    )


def _tumour(name: str, unit: str, meaning: str, scope: Scope) -> Parameter:
    return Parameter(name, "clinical", unit, meaning, ("reader",), scope)


def _of_subject(name: str, unit: str, meaning: str, qualifiers: tuple[str, ...] = ()) -> Parameter:
    """Return a number of a subject's whole course, without a visit."""
    return Parameter(name, "clinical", unit, meaning, qualifiers, "cohort")


def _kinetics(
    of: str, unit: str, what: str, laboratory: Laboratory = "flow", qualifiers: tuple[str, ...] = ("population",)
) -> tuple[Parameter, ...]:
    """Return the kinetic parameters of one subject's series; see `tilseq.endpoints.kinetics`."""
    parts = (
        ("peak", unit, f"Highest {what}."),
        ("day_of_peak", "d", f"Day of the highest {what}."),
        ("auc_0_28", f"{unit}·d", f"Area under the {what}, day 0 to 28."),
        ("auc_0_last", f"{unit}·d", f"Area under the {what}, day 0 to the last day quantified."),
        ("half_life", "d", f"Half-life after the peak of the {what}."),
        ("last_day_quantified", "d", f"Last day quantified of the {what}."),
        (
            "time_to_loss",
            "d",
            f"First day after the last detection that would have shown the same {what}, and a tenth of the highest.",
        ),
    )
    return tuple(
        Parameter(f"{of}_{part}", laboratory, unit, meaning, qualifiers, "cohort") for part, unit, meaning in parts
    )


OF_REFERENCE = ("locus", "reference", "population")  # the last of sorted cells alone
_OF_REFERENCE: tuple[Laboratory, tuple[str, ...]] = ("repertoire", OF_REFERENCE)

ALL = (
    Parameter(
        "percent_of_parent", "flow", "%", "Share of a population in its parent population.", ("parent", "population")
    ),
    Parameter("cells_per_ul", "flow", "cells/µL", "Cells per microlitre of blood.", ("population",)),
    Parameter("cd4_cd8_ratio", "flow", "ratio", "CD3+CD4+CD8- events over CD3+CD8+CD4- events."),
    Parameter(
        "cytokine_difference_pct",
        "flow",
        "%",
        "Cells of a population that bear a cytokine: stimulated less unstimulated, percentage points.",
        ("marker", "population", "stimulus"),
        "cohort",
    ),
    # They take a product, a baseline and visits: other samples than the one they are of.
    Parameter(
        "infused_share_of_cd3",
        "flow",
        "fraction",
        "Share of CD3+ cells compatible with infused cells, by a population that marks them, baseline subtracted.",
        ("population",),
        "cohort",
    ),
    Parameter(
        "infused_cells_per_ul",
        "flow",
        "cells/µL",
        "Cells per microlitre of blood compatible with infused cells, by a population that marks them.",
        ("population",),
        "cohort",
    ),
    Parameter(
        "infused_probability_above_blank",
        "flow",
        "probability",
        "Chance that a visit holds a larger share of marked cells than the baseline, its blank.",
        ("population",),
        "cohort",
    ),
    # A plate's curves, its bead populations and the difference of its wells are those of all its samples.
    Parameter(
        "cytokine_pg_per_ml",
        "cytokines",
        "pg/mL",
        "Concentration of an analyte in the undiluted specimen; of TGF-β `form` tells total or free.",
        ("analyte", "form"),
        "cohort",
    ),
    Parameter(
        "cytokine_fold_from_baseline",
        "cytokines",
        "ratio",
        "Concentration of an analyte over that of the last specimen of its kind before lymphodepletion.",
        ("analyte", "form"),
        "cohort",
    ),
    *_kinetics("infused_share_of_cd3", "fraction", "share of CD3+ cells compatible with infused cells"),
    *_kinetics("infused_cells_per_ul", "cells/µL", "cells per microlitre compatible with infused cells"),
    *_kinetics("cells_per_ul", "cells/µL", "cells per microlitre of blood"),
    *_kinetics("persistence_mass", "fraction", "share held by clones of the reference", *_OF_REFERENCE),
    *_kinetics("persistence_mass_new", "fraction", "share held by new clones of the reference", *_OF_REFERENCE),
    *_kinetics(
        "persistence_cells_per_ul", "cells/µL", "cells per microlitre of new clones of the reference", *_OF_REFERENCE
    ),
    _clones("cells_or_counts", "counts", "Sum of the counts that the indices rest on."),
    _clones("richness", "clones", "Clonotypes seen."),
    _clones("chao1_bias_corrected", "clones", "Chao's lower bound of the number of clonotypes, bias-corrected."),
    _clones("shannon_entropy_nats", "nats", "Shannon entropy."),
    _clones("hill_q1", "clones", "Effective number of clonotypes of order 1."),
    _clones("simpson_inverse", "clones", "Effective number of clonotypes of order 2."),
    _clones("gini", "index", "Gini coefficient of clone sizes, 0 even to 1 uneven."),
    _clones("clonality", "index", "1 - Shannon entropy / ln(richness)."),
    _clones("d50_clones", "clones", "Fewest clonotypes that hold half of the repertoire."),
    _clones("coverage", "fraction", "Share of the specimen's repertoire held by the clonotypes seen (Chao and Jost)."),
    _clones("chao1_inext", "clones", "Chao's lower bound of the number of clonotypes, as iNEXT has it."),
    _clones("ace", "clones", "Abundance-based coverage estimator of the number of clonotypes."),
    _clones("gini_simpson", "probability", "Chance that two counts are of different clonotypes."),
    _clones("hill_q0_5", "clones", "Effective number of clonotypes of order 0.5."),
    _clones("hill_q3", "clones", "Effective number of clonotypes of order 3."),
    _clones("hill_q1_asymptotic", "clones", "Effective number of order 1, estimated for a sample without end."),
    _clones("hill_q2_asymptotic", "clones", "Effective number of order 2, estimated for a sample without end."),
    _clones("top_1_share", "fraction", "Share of the repertoire held by its largest clonotype."),
    _clones("top_10_share", "fraction", "Share of the repertoire held by its 10 largest clonotypes."),
    _clones("top_100_share", "fraction", "Share of the repertoire held by its 100 largest clonotypes."),
    *_at_depth("richness", "Clonotypes that would be seen"),
    *_at_depth("hill_q1", "Effective number of clonotypes of order 1"),
    *_at_depth("hill_q2", "Effective number of clonotypes of order 2"),
    Parameter(
        "isotype_share",
        "repertoire",
        "fraction",
        "Share of B-cell families of an isotype; `switched` of all but IGHM and IGHD; `mixed` of families of several "
        "sequences that hold both.",
        ("isotype",),
    ),
    Parameter(
        "mutation_frequency_mean",
        "repertoire",
        "fraction",
        "Mutations per base of B-cell receptors against the germline, mean over families.",
        ("locus", "isotype"),
    ),
    Parameter(
        "persistence_mass",
        "repertoire",
        "fraction",
        "Share of the repertoire held by clones of the reference.",
        OF_REFERENCE,
        "cohort",
    ),
    Parameter(
        "persistence_mass_new",
        "repertoire",
        "fraction",
        "Share of the repertoire held by new clones of the reference: blood before the infusion did not show them.",
        OF_REFERENCE,
        "cohort",
    ),
    Parameter(
        "product_mass_kept",
        "repertoire",
        "fraction",
        "Share of the reference's repertoire held by clones that are still seen.",
        OF_REFERENCE,
        "cohort",
    ),
    Parameter(
        "product_mass_kept_at_n",
        "repertoire",
        "fraction",
        "Share of the reference's repertoire held by clones that n cells show, as many of each later sample of blood.",
        OF_REFERENCE,
        "cohort",
    ),
    Parameter(
        "persistence_clones_at_n",
        "repertoire",
        "fraction",
        "Share of the reference's clones that n cells show, as many of each later sample of blood.",
        OF_REFERENCE,
        "cohort",
    ),
    Parameter(
        "persistence_frequent_clones_at_n",
        "repertoire",
        "fraction",
        "The same of clones that held at least a threshold of the reference.",
        OF_REFERENCE,
        "cohort",
    ),
    Parameter("signature_score", "expression", "score", "Mean over cells of a gene set's score.", ("set",)),
    # Which targets are summed, and what a sum is held against, is told by other visits: the baseline, the nadir.
    _tumour("sum_of_diameters", "mm", "Sum of the target lesions' diameters.", "cohort"),
    _tumour("change_from_baseline", "%", "Change of the sum from baseline.", "cohort"),
    _tumour("change_from_nadir", "%", "Change of the sum from its lowest earlier value.", "cohort"),
    _tumour("response_derived", "word", "Overall response derived from the lesions.", "cohort"),
    _tumour("response_recorded", "word", "Overall response that the reader recorded.", "sample"),
    Parameter(
        "best_response",
        "clinical",
        "word",
        "Best overall response, confirmed or not; of a subject, without a visit.",
        ("confirmation", "reader"),
        "cohort",
    ),
    _tumour("depth_of_response", "%", "Deepest change of the sum from baseline up to progression.", "cohort"),
    _of_subject("worst_adverse_event_grade", "grade", "Worst grade of any adverse event that is counted; 0 for none."),
    _of_subject(
        "worst_lab_grade",
        "grade",
        "Worst grade of a laboratory term since treatment began.",
        ("term", "test"),
    ),
    _of_subject(
        "blood_count_recovery",
        "d",
        "Day on which a blood count was back at a threshold (10^9/L) for good; later than its day where above range.",
        ("test", "threshold"),
    ),
    _of_subject(
        "marker_lowest_change",
        "%",
        "Lowest change of a tumour marker, up to a new therapy unless these are ignored.",
        ("marker",),
    ),
    _of_subject("gcig_ca125", "word", "CA-125 response or progression by GCIG's criteria; exploratory."),
)


BY_NAME = {known.name: known for known in ALL}
