"""The clinic: tumour response, time to event, laboratory grades, safety, tumour markers."""

from tilseq.clinical.best_response import best_response
from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.endpoint_rules import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.gcig import gcig
from tilseq.clinical.lab_grades import lab_grades, lab_shifts, lab_worsening
from tilseq.clinical.lab_limits import results_by_limits, significant_results
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.recoveries import RecoveryRule, recoveries
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates
from tilseq.clinical.safety import safety
from tilseq.clinical.time_to_event import time_to_event
from tilseq.clinical.tumor_markers import markers

__all__ = [
    "BestResponsePolicy",
    "CensorRule",
    "Censoring",
    "Endpoint",
    "RecoveryRule",
    "TimeToEventRules",
    "best_response",
    "contradictions",
    "gcig",
    "lab_grades",
    "lab_shifts",
    "lab_worsening",
    "markers",
    "overall_response",
    "recoveries",
    "response",
    "response_rates",
    "results_by_limits",
    "safety",
    "significant_results",
    "time_to_event",
    "time_to_event_rules",
]
