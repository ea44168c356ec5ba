"""Flow cytometry: markers, compensation, automatic gates of a T-cell tube, counts with their limits."""

from tilseq.flow.biex import Biex
from tilseq.flow.compare import compare
from tilseq.flow.compensation import compensate
from tilseq.flow.counts import Ratio, cd4_cd8_ratio, count
from tilseq.flow.cuts import borrowed, cohort_cuts, cuts_table
from tilseq.flow.cytokine_change import cytokine_changes
from tilseq.flow.cytokine_response import ResponseRule, cytokine_responses
from tilseq.flow.export import Exported, export_gates
from tilseq.flow.gated import Borrowed, Gating
from tilseq.flow.gating import gate
from tilseq.flow.given_spill import with_spill
from tilseq.flow.intracellular import Stained, count_positive, cytokine_threshold, stained
from tilseq.flow.panel import find_markers
from tilseq.flow.rare import status_of_counts
from tilseq.flow.scales import Arcsinh, Hyperlog, Linear, Log, Logicle
from tilseq.flow.stimulated import Pair, pair_tubes
from tilseq.flow.tree import Population
from tilseq.flow.tube import Tube
from tilseq.populations import Rule, rule

__all__ = [
    "Arcsinh",
    "Biex",
    "Borrowed",
    "Exported",
    "Gating",
    "Hyperlog",
    "Linear",
    "Log",
    "Logicle",
    "Pair",
    "Population",
    "Ratio",
    "ResponseRule",
    "Rule",
    "Stained",
    "Tube",
    "borrowed",
    "cd4_cd8_ratio",
    "cohort_cuts",
    "compare",
    "compensate",
    "count",
    "count_positive",
    "cuts_table",
    "cytokine_changes",
    "cytokine_responses",
    "cytokine_threshold",
    "export_gates",
    "find_markers",
    "gate",
    "pair_tubes",
    "rule",
    "stained",
    "status_of_counts",
    "with_spill",
]
