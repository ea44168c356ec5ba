"""What study.yaml may hold of the clinic: every policy with its default."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tilseq.io.yaml_model import Part
from tilseq.lab_tests import COUNT_UNIT, lab_test

LONGEST = 36525  # days, a century
Days = Annotated[int, Field(ge=0, le=LONGEST)]
Control = Literal["CR", "PR", "SD", "NON-CR/NON-PD"]


class BestResponse(Part):
    """What a protocol leaves open about the best overall response."""

    confirmation_days: Days = Field(28, description="Least days from a CR or PR to the assessment that confirms it.")
    sd_min_days: Days | None = Field(
        None,
        description="Least days from the reference day to an assessment that counts as SD or NON-CR/NON-PD; null: the "
        "first planned assessment after the infusion less its window, where schedule.csv tells of one and the infusion "
        "is the reference, else 42.",
    )
    reference: Literal["infusion", "first_dose", "lymphodepletion", "enrollment", "randomization"] = Field(
        "infusion", description="Day that sd_min_days counts from."
    )
    max_ne: int = Field(
        1, ge=0, le=100, description="NE allowed between a response and the assessment that confirms it."
    )
    accept_sd: bool = Field(False, description="One SD is allowed between a PR and the assessment that confirms it.")
    strict_table3: bool = Field(
        False, description="Disease seen after a CR is PD, as table 3 of RECIST 1.1 has it; else it stands as recorded."
    )
    new_therapy: Literal["stop", "ignore"] = Field(
        "stop",
        description="Assessments, and CA-125 by GCIG, after the day a further anti-tumour therapy starts are ignored, "
        "or are not.",
    )
    disease_control: list[Control] = Field(
        default=["CR", "PR", "SD"], min_length=1, description="Best responses that count as disease control."
    )


class Irecist(Part):
    """When a later assessment may confirm progression by iRECIST."""

    confirm_from_days: Days = Field(28, description="Least days from the first iUPD to its confirmation.")
    confirm_within_days: Days | None = Field(
        56, description="Most days from the last iUPD to its confirmation; null: no limit."
    )

    @model_validator(mode="after")
    def _a_day_lies_between(self) -> Self:
        """Refuse limits that no day lies between."""
        if self.confirm_within_days is not None and self.confirm_within_days < self.confirm_from_days:
            raise ValueError("confirm_within_days is less than confirm_from_days")
        return self


class TimeToEvent(Part):
    """What time to an event counts from, what ends it, and what censors it."""

    preset: Literal["customary", "lm103"] = Field(
        "customary",
        description="Origins and events of all endpoints: from the infusion, or as protocol LM103 defines them.",
    )
    first_dose: Literal["lymphodepletion", "infusion", "recorded"] | None = Field(
        None,
        description="What the first dose is of, or recorded for first_dose_day of subjects.csv; lm103 counts OS from "
        "it and needs to be told.",
    )
    censoring: Literal["fda", "ema"] = Field(
        "fda",
        description="Style of censoring where scans decide: new therapy, two missed visits, no baseline and an "
        "undocumented progression censor (fda), or nothing but the end of follow-up does (ema).",
    )
    confirmation: Literal["required", "not_required"] = Field(
        "required", description="Whether a response must be confirmed for DOR and TTR."
    )
    death_in_ttp: Literal["last_adequate", "death"] = Field(
        "last_adequate",
        description="Where a death that is no event of TTP censors it: at the last adequate assessment, or at death.",
    )
    progression_day: Literal["new_lesion", "last_scan"] = Field(
        "new_lesion", description="Day of a progression by a new lesion: of the scan that shows it, or the set's last."
    )
    same_day: Literal["event", "censored"] = Field(
        "event", description="Progression on the day on which a new therapy begins: an event, or censored."
    )
    unknown_death_cause: Literal["tumor", "other"] = Field(
        "tumor", description="What a death of unknown cause counts as, where the cause matters."
    )
    early_progression: Literal["not_counted", "event"] = Field(
        "not_counted",
        description="Progression between enrolment and the treatment that followed it, where time counts from the "
        "enrolment: none, as it comes before the baseline, or an event.",
    )

    @model_validator(mode="after")
    def _first_dose_is_told(self) -> Self:
        """Refuse a preset that counts from the first dose where nobody says of what."""
        if self.preset == "lm103" and self.first_dose is None:
            raise ValueError("lm103 needs first_dose: lymphodepletion, infusion or recorded")
        return self


class Survival(Part):
    """How survival curves are summed up."""

    interval: Literal["beta_product", "log-log", "log", "plain"] = Field(
        "beta_product",
        description="How the limits of a Kaplan-Meier curve are found; beta_product holds in small trials, SAS has "
        "log-log, R has log.",
    )
    landmarks: list[Annotated[int, Field(ge=1, le=LONGEST)]] = Field(
        default=[91, 183, 274, 365], description="Days since the origin at which the share without an event is told."
    )
    rmst_days: list[Annotated[int, Field(ge=1, le=LONGEST)]] = Field(
        default=[365], description="Days since the origin up to which the restricted mean of time is told."
    )
    reference_arm: str | None = Field(
        None, description="Arm that the others are held against; null: the first by name. Hazard ratios are over it."
    )
    primary: list[Literal["OS", "PFS", "TTP"]] = Field(
        default=[],
        description="Endpoints whose comparison of arms is the primary family, as the protocol declares it; the others "
        "are exploratory.",
    )


class Recovery(Part):
    """What the recovery of a blood count is."""

    thresholds: dict[str, list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]] = Field(
        default={"ANC": [0.5, 1.0], "platelets": [20.0, 50.0], "lymphocytes": [0.5]},
        description="Blood counts and what each must reach, in 10^9/L.",
    )
    sustained: int = Field(3, ge=1, le=100, description="Days with results in a row on which the count is there.")

    @model_validator(mode="after")
    def _of_blood_counts(self) -> Self:
        """Refuse what is no blood count."""
        for name in self.thresholds:
            test = lab_test(name)
            if test is None or test.unit != COUNT_UNIT:
                raise ValueError(f"{name} is no blood count, such as ANC, platelets or lymphocytes")
        return self


class Clinical(Part):
    """Settings of the clinical laboratory."""

    partial_dates: Literal["refuse", "last_day"] = Field(
        "refuse",
        description="A scan of SDTM or an adverse event with a month but no day: an error, or dated on the last day "
        "that it can be.",
    )
    sdtm_day_1: Literal["infusion", "first_dose", "lymphodepletion"] | None = Field(
        None,
        description="What SDTM's study day 1 is, for rows of AE and LB without a date; null: they are refused.",
    )
    regrowth: Literal["sum_rule", "pd"] = Field(
        "sum_rule",
        description="After a complete response: PD at 5 mm above the nadir as always, or at any target that is back.",
    )
    undersized: Literal["refuse", "accept"] = Field(
        "refuse", description="A baseline whose targets are all below 10 mm, as in centimetres: an error, or taken."
    )
    source: Literal["recorded", "derived"] = Field(
        "recorded",
        description="The reader's recorded responses are the endpoint, or what is derived from the lesions.",
    )
    endpoint_reader: str | None = Field(
        None,
        description="Whose reading is the endpoint where several have read; null: `investigator` where a reader bears "
        "that name, else nobody's.",
    )
    best_response: BestResponse = Field(default_factory=BestResponse, description="Best overall response.")
    irecist: Irecist = Field(default_factory=Irecist, description="iRECIST.")
    time_to_event: TimeToEvent = Field(default_factory=TimeToEvent, description="Time to event.")
    survival: Survival = Field(default_factory=Survival, description="Survival curves.")
    ctcae: Literal[5, 6] | None = Field(
        None, description="Version of the CTCAE that laboratory results are graded by; without it none is graded."
    )
    symptoms: Literal["assumed", "not_assumed"] = Field(
        "assumed",
        description="What is taken where a grade needs what no laboratory knows: the worse (assumed), or the better.",
    )
    anticoagulation: bool = Field(
        False, description="Whether subjects are on anticoagulation: INR then counts by multiples of its baseline too."
    )
    recovery: Recovery = Field(default_factory=Recovery, description="Recovery of blood counts.")
    emergence: Literal["from_first_dose", "all"] = Field(
        "from_first_dose",
        description="Adverse events that are counted: those that begin on or after the first dose, or all.",
    )
    il2_end_day: Days | None = Field(
        None,
        description="Last day of IL-2, up to which the period of the infusion lasts, of subjects without an "
        "`il2_end_day` in subjects.csv; null: to the last infusion.",
    )
    tg: Literal["thyroglobulin", "triglycerides"] = Field(
        "thyroglobulin", description="What TG means among tumour markers; triglycerides are none."
    )
    harvest: Literal["interferes", "ignored"] = Field(
        "interferes",
        description="Whether the resection for the product counts as surgery of the peritoneum for GCIG's CA-125.",
    )
    ca125_interference: dict[str, list[int]] = Field(
        default={},
        description="Subject and days of surgery or drainage of peritoneum or pleura, after which no CA-125 counts.",
    )
    mouse_antibodies: list[str] = Field(
        default=[], description="Subjects who were given mouse antibodies, whose CA-125 GCIG does not evaluate."
    )
