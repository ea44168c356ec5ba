"""The clinic: tumour response, time to event and its estimates, safety, laboratory grades, tumour markers."""

from tilseq.clinical.best_response import best_response, ignored_reads
from tilseq.clinical.characteristics import characteristics
from tilseq.clinical.clinical_records import Records, clinical_records
from tilseq.clinical.contradictions import contradictions
from tilseq.clinical.cox import cox, cox_time_dependent
from tilseq.clinical.data_cut import up_to_data_cut
from tilseq.clinical.endpoint_rules import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.gcig import gcig
from tilseq.clinical.irecist import irecist, irecist_best_response
from tilseq.clinical.irecist_course import IrecistPolicy
from tilseq.clinical.kaplan_meier import kaplan_meier, survival_curve
from tilseq.clinical.lab_grades import lab_grades
from tilseq.clinical.lab_limits import results_by_limits, significant_results, significant_shares
from tilseq.clinical.lab_worsening import lab_shifts, lab_worsening, worst_lab_grades
from tilseq.clinical.landmark import landmark
from tilseq.clinical.log_rank import log_rank
from tilseq.clinical.recist import overall_response, response
from tilseq.clinical.reconcile import response_differences
from tilseq.clinical.recoveries import RecoveryRule, recoveries
from tilseq.clinical.recovery_estimates import recovery_estimates
from tilseq.clinical.response_candidates import BestResponsePolicy
from tilseq.clinical.response_rates import response_rates
from tilseq.clinical.rmst import rmst, rmst_difference
from tilseq.clinical.safety import safety
from tilseq.clinical.state_contrasts import state_contrasts
from tilseq.clinical.survival_contrasts import survival_contrasts
from tilseq.clinical.survival_estimates import survival_estimates
from tilseq.clinical.time_to_event import time_to_event
from tilseq.clinical.tumor_markers import markers

__all__ = [
    "BestResponsePolicy",
    "CensorRule",
    "Censoring",
    "Endpoint",
    "IrecistPolicy",
    "Records",
    "RecoveryRule",
    "TimeToEventRules",
    "best_response",
    "characteristics",
    "clinical_records",
    "contradictions",
    "cox",
    "cox_time_dependent",
    "gcig",
    "ignored_reads",
    "irecist",
    "irecist_best_response",
    "kaplan_meier",
    "lab_grades",
    "lab_shifts",
    "lab_worsening",
    "landmark",
    "log_rank",
    "markers",
    "overall_response",
    "recoveries",
    "recovery_estimates",
    "response",
    "response_differences",
    "response_rates",
    "results_by_limits",
    "rmst",
    "rmst_difference",
    "safety",
    "significant_results",
    "significant_shares",
    "state_contrasts",
    "survival_contrasts",
    "survival_curve",
    "survival_estimates",
    "time_to_event",
    "time_to_event_rules",
    "up_to_data_cut",
    "worst_lab_grades",
]
