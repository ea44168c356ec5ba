"""The rules as data: what the presets hold, and what no rule may be."""

from dataclasses import replace

import pytest

from tilseq.clinical import Censoring, CensorRule, Endpoint, TimeToEventRules, time_to_event_rules
from tilseq.clinical.censoring import TRIGGERS
from tilseq.clinical.endpoint_rules import CUSTOMARY, EVENT_NAMES, FDA, LM103, TRIGGER_NAMES
from tilseq.clinical.event_sources import EVENT_SOURCES
from tilseq.errors import AnalysisError


def test_every_name_has_its_source_and_trigger():
    assert tuple(EVENT_SOURCES) == EVENT_NAMES
    assert tuple(TRIGGERS) == TRIGGER_NAMES


def test_the_customary_preset():
    assert {one.parameter: (one.origins, one.events, one.population) for one in CUSTOMARY} == {
        "OS": (("infusion",), ("death",), "infused"),
        "PFS": (("infusion",), ("progression", "death"), "infused"),
        "TTP": (("infusion",), ("progression",), "infused"),
        "DOR": (("response",), ("progression", "death"), "responders"),
        "TTR": (("infusion",), ("response",), "responders"),
        "follow_up": (("infusion",), ("last_alive",), "infused"),
    }


def test_the_preset_of_the_protocol():
    assert {one.parameter: (one.origins, one.events) for one in LM103} == {
        "OS": (("first_dose",), ("death",)),
        "PFS": (("enrollment",), ("progression", "death")),
        "TTP": (("randomization", "enrollment"), ("progression", "tumor_death")),
        "DOR": (("response",), ("progression", "death")),
        "TTR": (("randomization", "enrollment"), ("response",)),
        "follow_up": (("first_dose",), ("last_alive",)),
    }


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (
            "preset",
            "lm13",
            "column preset: no such setting; found 'lm13'; expected customary, lm103; did you mean 'lm103'?",
        ),
        ("censoring", "FDA", "column censoring: no such setting; found 'FDA'; expected fda, ema; did you mean 'fda'?"),
        ("first_dose", "il2", "column first_dose: no such setting; found 'il2'; expected lymphodepletion, infusion"),
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
        ({"censors": (CensorRule("x", "weather", "origin", ""),)}, "rule x, trigger: no such setting"),
        ({"censors": (CensorRule("x", "death", "moon", ""),)}, "rule x, at: no such setting"),
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
    with pytest.raises(AnalysisError, match="rule x, trigger"):
        TimeToEventRules(censoring=Censoring("own", (CensorRule("x", "weather", "origin", ""),), False))


def test_own_rules_are_data():
    from tests.clinical.one_subject import followup, reads, subjects
    from tilseq.clinical import time_to_event

    therapy_is_an_event = Endpoint("PFS", ("enrollment",), ("progression",), "last_adequate", population="all")
    only = Censoring("only_therapy", tuple(rule for rule in FDA.rules if rule.trigger == "new_therapy"), False)
    table = time_to_event(
        reads((42, "SD"), (400, "PD")),
        followup(last_alive_day=500),
        subjects(),
        rules=TimeToEventRules((therapy_is_an_event,), only),
    )
    assert table.select("parameter", "days", "rule").rows() == [("PFS", 461, "progression")]
