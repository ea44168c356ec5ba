"""The rules as data: what the presets hold, and what no rule may be."""

from dataclasses import replace

import pytest

from tests.clinical.one_subject import derive, followup, reads, subjects
from tilseq.clinical import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.censoring import TRIGGERS
from tilseq.clinical.endpoint_rules import CUSTOMARY, EMA, EVENT_NAMES, FDA, LM103, TRIGGER_NAMES
from tilseq.clinical.event_sources import EVENT_SOURCES
from tilseq.errors import AnalysisError


def test_every_name_has_its_source_and_trigger():
    assert tuple(EVENT_SOURCES) == EVENT_NAMES
    assert tuple(TRIGGERS) == TRIGGER_NAMES


OTHER_DEATH = CensorRule("other_death", "last_adequate", "died of something else")
DEATH = CensorRule("death", "last_adequate", "died without progression")
FOLLOW_UP = CensorRule("death", "trigger", "death ended the follow-up")


def test_the_customary_preset():
    response = ("response",)
    assert CUSTOMARY == (
        Endpoint("OS", ("infusion",), ("death",), "last_alive", (), "infused", False),
        Endpoint("PFS", ("infusion",), ("progression", "death"), "last_adequate", (), "infused", False),
        Endpoint("TTP", ("infusion",), ("progression",), "last_adequate", (DEATH,), "infused", False),
        Endpoint("DOR", response, ("progression", "death"), "last_adequate", (), "responders", False),
        Endpoint("TTR", ("infusion",), response, "last_adequate", (), "responders", False),
        Endpoint("follow_up", ("infusion",), ("last_alive",), "last_alive", (FOLLOW_UP,), "infused", False),
    )


def test_the_preset_of_the_protocol():
    response, randomized = ("response",), ("randomization", "enrollment")
    ends = ("progression", "tumor_death")
    assert LM103 == (
        Endpoint("OS", ("first_dose",), ("death",), "last_alive", (), "all", False),
        Endpoint("PFS", ("enrollment",), ("progression", "death"), "last_adequate", (), "all", True),
        Endpoint("TTP", randomized, ends, "last_adequate", (OTHER_DEATH,), "all", True),
        Endpoint("DOR", response, ("progression", "death"), "last_adequate", (), "responders", True),
        Endpoint("TTR", randomized, response, "last_adequate", (), "responders", False),
        Endpoint("follow_up", ("first_dose",), ("last_alive",), "last_alive", (FOLLOW_UP,), "all", False),
    )


def test_the_styles_of_censoring():
    assert [(rule.trigger, rule.at) for rule in FDA.rules] == [
        ("no_baseline", "origin"),
        ("new_therapy", "last_adequate"),
        ("missed_visits", "last_adequate"),
        ("clinical_progression", "last_adequate"),
        ("stopped", "last_adequate"),
    ]
    assert (FDA.clinical_progression, EMA.clinical_progression, EMA.rules) == (False, True, ())


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (
            "preset",
            "lm13",
            "column preset: no such setting; found 'lm13'; expected customary, lm103; did you mean 'lm103'?",
        ),
        ("censoring", "FDA", "column censoring: no such setting; found 'FDA'; expected fda, ema; did you mean 'fda'?"),
        ("first_dose", "il2", "found 'il2'; expected lymphodepletion, infusion, recorded"),
        ("death_in_ttp", "none", "column death_in_ttp: no such setting; found 'none'; expected last_adequate, death"),
        ("confirmation", "no", "expected required, not_required"),
        ("source", "both", "expected recorded, derived"),
        ("progression_day", "first", "expected new_lesion, last_scan"),
        ("same_day", "both", "expected event, censored"),
        ("unknown_death_cause", "unknown", "expected tumor, other"),
    ],
)
def test_a_wrong_setting_is_named(setting, value, message):
    with pytest.raises(AnalysisError) as told:
        time_to_event_rules(**{setting: value})
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameter": "EFS"}, "found 'EFS'; expected OS, PFS"),
        ({"origins": ("birth",)}, "endpoint OS, origins: no such setting; found 'birth'"),
        ({"origins": ()}, "endpoint OS, origins: this may not be empty"),
        ({"events": ("deaths",)}, "did you mean 'death'"),
        ({"end": "never"}, "endpoint OS, end: no such setting"),
        ({"population": "treated"}, "endpoint OS, population: no such setting"),
        ({"censors": (CensorRule("weather", "origin", ""),)}, "rule, trigger: no such setting"),
        ({"censors": (CensorRule("death", "moon", ""),)}, "rule death, at: no such setting"),
        ({"events": ("response",)}, "only responders have a response"),
    ],
)
def test_a_wrong_endpoint_is_named(change, message):
    with pytest.raises(AnalysisError) as told:
        TimeToEventRules((replace(CUSTOMARY[0], **change),))
    assert message in str(told.value)


def test_an_endpoint_stands_once():
    with pytest.raises(AnalysisError, match="an endpoint is defined twice; found 'OS'"):
        TimeToEventRules((CUSTOMARY[0], CUSTOMARY[0]))


def test_a_censoring_with_a_rule_nobody_knows():
    with pytest.raises(AnalysisError, match="rule, trigger"):
        TimeToEventRules(censoring=Censoring("own", (CensorRule("weather", "origin", ""),), False))


def test_own_rules_are_data():
    therapy_is_an_event = Endpoint("PFS", ("enrollment",), ("progression",), "last_adequate", population="all")
    only = Censoring("only_therapy", tuple(rule for rule in FDA.rules if rule.trigger == "new_therapy"), False)
    table = derive(
        reads((42, "SD"), (400, "PD")),
        followup(last_alive_day=500),
        subjects(),
        rules=TimeToEventRules((therapy_is_an_event,), only),
    )
    assert table.select("parameter", "days", "rule").rows() == [("PFS", 461, "progression")]
