"""Time to event as data: origins, events and censoring rules of each endpoint, and the presets of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tilseq.errors import AnalysisError, refuse_unknown
from tilseq.tables.survival import TIME_PARAMETERS

ORIGIN_SOURCES = ("infusion", "lymphodepletion", "first_dose", "enrollment", "randomization", "response")
EVENT_NAMES = ("progression", "death", "tumor_death", "clinical_progression", "response", "last_alive")
TRIGGER_NAMES = (
    "no_baseline",
    "new_therapy",
    "missed_visits",
    "clinical_progression",
    "stopped",
    "death",
    "other_death",
)
END_NAMES = ("last_adequate", "last_alive")
POPULATIONS = ("all", "infused", "responders")

FirstDose = Literal["lymphodepletion", "infusion", "recorded"]
Preset = Literal["customary", "lm103"]
Style = Literal["fda", "ema"]


@dataclass(frozen=True)
class CensorRule:
    """One reason to stop looking for the event.

    Attributes
    ----------
    trigger
        What sets it off, one of `TRIGGER_NAMES`; the row's `rule` says it.
    at
        Where the time then ends: `origin`, `last_adequate` (last adequate assessment up to the trigger, else the
        origin) or `trigger`.
    description
        What the row's `description` says.
    """

    trigger: str
    at: Literal["origin", "last_adequate", "trigger"]
    description: str


@dataclass(frozen=True)
class Censoring:
    """A style of censoring progression; of several rules that fire, the earliest censoring wins.

    Attributes
    ----------
    name
        Short name.
    rules
        Its rules; of two that censor on the same day, that which was set off first is named.
    clinical_progression
        Progression without a scan that shows it counts as an event, but where the endpoint asks for documentation.
    """

    name: str
    rules: tuple[CensorRule, ...]
    clinical_progression: bool


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Attributes
    ----------
    parameter
        Its name in table `time_to_event`.
    origins
        What it counts from; the first that any subject of the study has.
    events
        What ends it, of `EVENT_NAMES`; the earliest counts, of two on one day the first named.
    end
        Where it ends without an event: `last_adequate` assessment (else the origin), or `last_alive`.
    censors
        Censoring rules of its own, which hold whatever the style of censoring.
    population
        `all` subjects, the `infused`, or `responders`.
    documented
        Progression counts only where a scan documents it, whatever the style of censoring.
    """

    parameter: str
    origins: tuple[str, ...]
    events: tuple[str, ...]
    end: Literal["last_adequate", "last_alive"]
    censors: tuple[CensorRule, ...] = ()
    population: Literal["all", "infused", "responders"] = "infused"
    documented: bool = False

    @property
    def by_scan(self) -> bool:
        """Whether scans decide it, so that it has a row for each reader."""
        return self.end == "last_adequate"


FDA = Censoring(
    "fda",
    (
        CensorRule("no_baseline", "origin", "no baseline assessment"),
        CensorRule("new_therapy", "last_adequate", "new anti-tumour therapy began"),
        CensorRule("missed_visits", "last_adequate", "event after two or more missed assessments"),
        CensorRule("clinical_progression", "last_adequate", "progression without a scan of it"),
        CensorRule("stopped", "last_adequate", "stopped for toxicity or another reason"),
    ),
    clinical_progression=False,
)
EMA = Censoring("ema", (), clinical_progression=True)
CENSORINGS = {one.name: one for one in (FDA, EMA)}

_DEATH_CENSORS = CensorRule("death", "last_adequate", "died without progression")
_OTHER_DEATH_CENSORS = CensorRule("other_death", "last_adequate", "died of something else")
_FOLLOW_UP = Endpoint(
    "follow_up",
    ("infusion",),
    ("last_alive",),
    "last_alive",
    (CensorRule("death", "trigger", "death ended the follow-up"),),
)
_RESPONSE_TO_END = Endpoint("DOR", ("response",), ("progression", "death"), "last_adequate", (), "responders")

CUSTOMARY: tuple[Endpoint, ...] = (
    Endpoint("OS", ("infusion",), ("death",), "last_alive"),
    Endpoint("PFS", ("infusion",), ("progression", "death"), "last_adequate"),
    Endpoint("TTP", ("infusion",), ("progression",), "last_adequate", (_DEATH_CENSORS,)),
    _RESPONSE_TO_END,
    Endpoint("TTR", ("infusion",), ("response",), "last_adequate", (), "responders"),
    _FOLLOW_UP,
)

_RANDOMIZED = ("randomization", "enrollment")
LM103: tuple[Endpoint, ...] = (
    Endpoint("OS", ("first_dose",), ("death",), "last_alive", (), "all"),
    Endpoint("PFS", ("enrollment",), ("progression", "death"), "last_adequate", (), "all", documented=True),
    Endpoint(
        "TTP",
        _RANDOMIZED,
        ("progression", "tumor_death"),
        "last_adequate",
        (_OTHER_DEATH_CENSORS,),
        "all",
        documented=True,
    ),
    replace(_RESPONSE_TO_END, documented=True),
    Endpoint("TTR", _RANDOMIZED, ("response",), "last_adequate", (), "responders"),
    replace(_FOLLOW_UP, origins=("first_dose",), population="all"),
)
PRESETS = {"customary": CUSTOMARY, "lm103": LM103}


@dataclass(frozen=True)
class TimeToEventRules:
    """Everything that decides time to event.

    Attributes
    ----------
    endpoints
        The endpoints, each with its origin and event set.
    censoring
        Style of censoring of endpoints that progression ends.
    first_dose
        Of what the first dose is, where an endpoint counts from it; `recorded`: `first_dose_day` of `subjects`.
    confirmation
        Who is a responder: by `required` or `not_required` confirmation, as table `best_response` has it.
    source
        `recorded`: what the reader recorded, derived responses where a subject and reader have none. `derived`: always
        those.
    progression_day
        `new_lesion`: the earliest scan of the set that shows a new lesion, where lesions are given, else its last
        scan. `last_scan`: always that.
    same_day
        Progression on the day a new therapy begins: `event`, or `censored`.
    unknown_death_cause
        A death of unknown cause counts as one from the `tumor`, or as `other`.
    early_progression
        Progression between enrolment and the treatment that the subject then had: `not_counted`, as nothing is
        progression before the baseline, which is the last assessment before treatment; or an `event` of what counts
        from the enrolment or randomisation, if an assessment on the study came before it. Of who was never treated it
        is that always.
    """

    endpoints: tuple[Endpoint, ...] = CUSTOMARY
    censoring: Censoring = FDA
    first_dose: FirstDose | None = None
    confirmation: Literal["required", "not_required"] = "required"
    source: Literal["recorded", "derived"] = "recorded"
    progression_day: Literal["new_lesion", "last_scan"] = "new_lesion"
    same_day: Literal["event", "censored"] = "event"
    unknown_death_cause: Literal["tumor", "other"] = "tumor"
    early_progression: Literal["not_counted", "event"] = "not_counted"

    def without_scans(self) -> TimeToEventRules:
        """Return the rules of the endpoints alone that no scan decides, where nobody's response is known."""
        return replace(self, endpoints=tuple(one for one in self.endpoints if not one.by_scan))

    def origin(self, name: str) -> str:
        """Return the origin that a name of an endpoint's origins stands for: the first dose is of what was said."""
        if name != "first_dose" or self.first_dose in (None, "recorded"):
            return name
        return str(self.first_dose)

    def __post_init__(self) -> None:
        """Refuse what no rule can be found for, and a first dose of nobody knows what."""
        for setting, allowed in _SETTINGS.items():
            refuse_unknown(setting, getattr(self, setting), allowed)
        parameters = [endpoint.parameter for endpoint in self.endpoints]
        for parameter in parameters:
            if parameters.count(parameter) > 1:
                raise AnalysisError("an endpoint is defined twice", column="endpoints", found=parameter)
        for endpoint in self.endpoints:
            _check(endpoint)
        for rule in self.censoring.rules:
            _check_rule(rule)
        needing = [endpoint.parameter for endpoint in self.endpoints if "first_dose" in endpoint.origins]
        if needing and self.first_dose is None:
            raise AnalysisError(
                f"{' and '.join(needing)} count from the first dose, and it is not said of what",
                column="first_dose",
                expected="lymphodepletion, infusion or recorded",
                mend="set first_dose (`--first-dose`) as the protocol means it",
            )


def time_to_event_rules(
    preset: Preset = "customary",
    censoring: Style = "fda",
    *,
    first_dose: FirstDose | None = None,
    death_in_ttp: Literal["last_adequate", "death"] = "last_adequate",
    confirmation: Literal["required", "not_required"] = "required",
    source: Literal["recorded", "derived"] = "recorded",
    progression_day: Literal["new_lesion", "last_scan"] = "new_lesion",
    same_day: Literal["event", "censored"] = "event",
    unknown_death_cause: Literal["tumor", "other"] = "tumor",
    early_progression: Literal["not_counted", "event"] = "not_counted",
) -> TimeToEventRules:
    """Return the rules of a preset.

    Parameters
    ----------
    preset
        `customary`: from the infusion, as trials of TIL report. `lm103`: the protocol's own definitions.
    censoring
        `fda`: new therapy, two missed visits, no baseline, progression without a scan of it and a stop for another
        reason censor. `ema`: none of them does, and the progression without a scan is an event.
    first_dose
        What the first dose is of, or `recorded` for the day in `subjects`; `lm103` asks for it.
    death_in_ttp
        Where a death that is no event of TTP censors it: at the last adequate assessment, or on the day of the death.
    confirmation, source, progression_day, same_day, unknown_death_cause, early_progression
        As in `TimeToEventRules`.

    Raises
    ------
    AnalysisError
        A setting has no such value, or `lm103` is not told what the first dose is of.
    """
    for name, value, allowed in (
        ("preset", preset, tuple(PRESETS)),
        ("censoring", censoring, tuple(CENSORINGS)),
        ("death_in_ttp", death_in_ttp, ("last_adequate", "death")),
    ):
        refuse_unknown(name, value, allowed)
    endpoints = PRESETS[preset]
    if death_in_ttp == "death":
        endpoints = tuple(_censored_at_death(one) if one.parameter == "TTP" else one for one in endpoints)
    return TimeToEventRules(
        endpoints,
        CENSORINGS[censoring],
        first_dose,
        confirmation,
        source,
        progression_day,
        same_day,
        unknown_death_cause,
        early_progression,
    )


_SETTINGS: dict[str, tuple[str | None, ...]] = {
    "first_dose": (None, "lymphodepletion", "infusion", "recorded"),
    "confirmation": ("required", "not_required"),
    "source": ("recorded", "derived"),
    "progression_day": ("new_lesion", "last_scan"),
    "same_day": ("event", "censored"),
    "unknown_death_cause": ("tumor", "other"),
    "early_progression": ("not_counted", "event"),
}


def _censored_at_death(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, censors=tuple(replace(rule, at="trigger") for rule in endpoint.censors))


def _check(endpoint: Endpoint) -> None:
    place = f"endpoint {endpoint.parameter}"
    refuse_unknown("endpoint", endpoint.parameter, TIME_PARAMETERS)
    refuse_unknown(f"{place}, end", endpoint.end, END_NAMES)
    refuse_unknown(f"{place}, population", endpoint.population, POPULATIONS)
    for name, given, allowed in (
        ("origins", endpoint.origins, ORIGIN_SOURCES),
        ("events", endpoint.events, EVENT_NAMES),
    ):
        if not given:
            raise AnalysisError("this may not be empty", column=f"{place}, {name}", expected=", ".join(allowed))
        for word in given:
            refuse_unknown(f"{place}, {name}", word, allowed)
    for rule in endpoint.censors:
        _check_rule(rule)
    if "response" in (*endpoint.origins, *endpoint.events) and endpoint.population != "responders":
        raise AnalysisError("only responders have a response", column=f"{place}, population", found=endpoint.population)


def _check_rule(rule: CensorRule) -> None:
    refuse_unknown("rule, trigger", rule.trigger, TRIGGER_NAMES)
    refuse_unknown(f"rule {rule.trigger}, at", rule.at, ("origin", "last_adequate", "trigger"))
