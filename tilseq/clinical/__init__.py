"""The clinic: tumour response, and time to event."""

from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.endpoint_rules import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.time_to_event import time_to_event

__all__ = [
    "CensorRule",
    "Censoring",
    "Endpoint",
    "TimeToEventRules",
    "contradictions",
    "overall_response",
    "response",
    "time_to_event",
    "time_to_event_rules",
]
