"""The clinic: tumour response and time to event."""

from tilseq.clinical.cox import cox, cox_time_dependent
from tilseq.clinical.kaplan_meier import kaplan_meier, survival_curve
from tilseq.clinical.landmark import landmark
from tilseq.clinical.log_rank import log_rank
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.rmst import rmst, rmst_difference
from tilseq.clinical.state_contrasts import state_contrasts
from tilseq.clinical.survival_contrasts import survival_contrasts
from tilseq.clinical.survival_estimates import survival_estimates

__all__ = [
    "cox",
    "cox_time_dependent",
    "kaplan_meier",
    "landmark",
    "log_rank",
    "overall_response",
    "response",
    "rmst",
    "rmst_difference",
    "state_contrasts",
    "survival_contrasts",
    "survival_curve",
    "survival_estimates",
]
