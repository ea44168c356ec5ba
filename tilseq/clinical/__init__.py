"""The clinic: tumour response, and time to event."""

from tilseq.clinical.best_response import best_response
from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.endpoint_rules import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates
from tilseq.clinical.time_to_event import time_to_event

__all__ = [
    "BestResponsePolicy",
    "CensorRule",
    "Censoring",
    "Endpoint",
    "TimeToEventRules",
    "best_response",
    "contradictions",
    "overall_response",
    "response",
    "response_rates",
    "time_to_event",
    "time_to_event_rules",
]
