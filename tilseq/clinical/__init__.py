"""The clinic: tumour response, time to event, and what is estimated of it."""

from tilseq.clinical.best_response import best_response
from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.cox import cox, cox_time_dependent
from tilseq.clinical.endpoint_rules import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.irecist import irecist, irecist_best_response
from tilseq.clinical.irecist_course import IrecistPolicy
from tilseq.clinical.kaplan_meier import kaplan_meier, survival_curve
from tilseq.clinical.landmark import landmark
from tilseq.clinical.log_rank import log_rank
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.reconcile import response_differences
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates
from tilseq.clinical.rmst import rmst, rmst_difference
from tilseq.clinical.state_contrasts import state_contrasts
from tilseq.clinical.survival_contrasts import survival_contrasts
from tilseq.clinical.survival_estimates import survival_estimates
from tilseq.clinical.time_to_event import time_to_event

__all__ = [
    "BestResponsePolicy",
    "CensorRule",
    "Censoring",
    "Endpoint",
    "IrecistPolicy",
    "TimeToEventRules",
    "best_response",
    "contradictions",
    "cox",
    "cox_time_dependent",
    "irecist",
    "irecist_best_response",
    "kaplan_meier",
    "landmark",
    "log_rank",
    "overall_response",
    "response",
    "response_differences",
    "response_rates",
    "rmst",
    "rmst_difference",
    "state_contrasts",
    "survival_contrasts",
    "survival_curve",
    "survival_estimates",
    "time_to_event",
    "time_to_event_rules",
]
