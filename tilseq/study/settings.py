"""What study.yaml may hold: every setting with its default and meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tilseq.errors import ReadError, TilseqError, did_you_mean
from tilseq.receptors import Locus
from tilseq.study.yaml_text import Lines, read_yaml

FILE = "study.yaml"
FURTHEST_DAY = 36525  # a century; a day beyond it is a slip of the pen

Day = Annotated[int, Field(ge=-FURTHEST_DAY, le=FURTHEST_DAY)]
Thresholds = dict[str, Annotated[float, Field(allow_inf_nan=False)]]


class Part(BaseModel):
    """A part of study.yaml: nothing unknown, no type turned into another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        """Read a part below which all lines are commented out as absent."""
        if not isinstance(value, dict):
            return value
        parts = {name for name, field in cls.model_fields.items() if field.default_factory is not None}
        return {name: below for name, below in value.items() if below is not None or name not in parts}


class Visit(Part):
    """One planned visit."""

    day: Day = Field(description="Nominal day; day 0 is the first infusion.")
    window: int | None = Field(
        None, ge=0, le=FURTHEST_DAY, description="Days that a sample may lie before or after; further out is noted."
    )


class Panel(Part):
    """One staining panel."""

    markers: dict[str, list[str]] = Field(
        default_factory=dict, description="Marker → names of its channel ($PnN or $PnS), beside the built-in ones."
    )
    thresholds: Thresholds = Field(
        default_factory=dict, description="Marker → threshold on the compensated linear scale, for this panel."
    )


class Flow(Part):
    """Settings of the flow laboratory."""

    thresholds: Thresholds = Field(
        default_factory=dict,
        description="Marker → threshold on the compensated linear scale, for all samples; none: found in each tube.",
    )
    sample_thresholds: dict[str, Thresholds] = Field(
        default_factory=dict, description="Sample → marker → threshold, where one tube needs its own."
    )


class Repertoire(Part):
    """Settings of the repertoire laboratory."""

    reference: Literal["infusion_product", "tumor"] = Field(
        "infusion_product", description="Specimen whose clones are followed."
    )
    locus: Locus | None = Field(None, description="Locus to use where files hold several; null: each by itself.")


class Expression(Part):
    """Settings of the expression laboratory."""

    gene_sets: str | None = Field(None, description="GMT file of gene sets, relative to the study; null: built in.")
    layer: str | None = Field(
        None, min_length=1, description="Where h5ad files hold raw counts: a layer's name, or raw; null: X."
    )


class Clinical(Part):
    """Settings of the clinical laboratory."""

    partial_dates: Literal["refuse", "last_day"] = Field(
        "refuse", description="A scan of SDTM with a month but no day: an error, or dated on the month's last day."
    )
    regrowth: Literal["sum_rule", "pd"] = Field(
        "sum_rule",
        description="After a complete response: PD at 5 mm above the nadir as always, or at any target that is back.",
    )


class Analysis(Part):
    """Settings of all laboratories."""

    flow: Flow = Field(default_factory=Flow, description="Flow cytometry.")
    repertoire: Repertoire = Field(default_factory=Repertoire, description="T- and B-cell receptors.")
    expression: Expression = Field(default_factory=Expression, description="Gene expression.")
    clinical: Clinical = Field(default_factory=Clinical, description="Response.")
    job_seconds: int = Field(
        600, ge=1, le=7 * 86400, description="Seconds that the job of one sample may take before it counts as failed."
    )
    job_gigabytes: float = Field(
        16.0, ge=0.5, le=4096, description="Memory (GB) that the job of one sample may take before it counts as failed."
    )


class Settings(Part):
    """study.yaml."""

    study: str = Field(min_length=1, description="Short name of the study.")
    title: str | None = Field(None, description="Title for the report.")
    schema_version: Literal[1] = Field(1, description="Version of this layout.")
    visits: dict[str, Visit] = Field(default_factory=dict, description="Name → day and window of each visit.")
    panels: dict[str, Panel] = Field(default_factory=dict, description="Name → markers of each staining panel.")
    analysis: Analysis = Field(default_factory=Analysis, description="Settings of the laboratories.")


def read_settings(path: str | Path) -> tuple[Settings | None, Lines, list[TilseqError]]:
    """Read study.yaml and list everything that is wrong with it.

    Returns
    -------
    settings
        None when there are problems.
    lines
        Line of each key, by its path.
    problems
        Each with the line as its row and the dotted key as its column.
    """
    try:
        value, lines, problems = read_yaml(path, file=FILE)
    except ReadError as error:
        return None, {}, [error]
    if not isinstance(value, dict):
        expected = "settings such as `study: my_trial`"
        return None, lines, [ReadError("no settings stand here", file=FILE, expected=expected)]
    try:
        settings = Settings.model_validate(value)
    except ValidationError as error:
        return None, lines, [*problems, *(_translated(fault, lines) for fault in error.errors())]
    return (None if problems else settings), lines, problems


def line_of(path: Sequence[str], lines: Lines) -> int | None:
    """Return the line of a key, or that of the nearest key above it that is written down."""
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return None


def _translated(fault: Mapping[str, Any], lines: Lines) -> TilseqError:
    path = [str(part) for part in fault["loc"]]
    kind, found = fault["type"], fault["input"]
    what = "this value cannot stand here"
    expected: str | None = _expected(fault)
    mend: str | None = None
    if kind == "extra_forbidden":
        known = _names_beside(path)
        what, expected, found = "no such setting", None, None
        mend = did_you_mean(path[-1], known) or f"known here are {', '.join(known)}"
    elif kind == "missing":
        what, expected, found = "this setting is needed", None, None
    elif kind == "string_type" and isinstance(found, (int, float)):
        mend = "put it in quotes"
    elif kind == "literal_error" and isinstance(found, str):
        mend = did_you_mean(found, [str(choice) for choice in _choices(path)])
    if isinstance(found, (dict, list)):
        found = "a mapping" if isinstance(found, dict) else "a list"
    return ReadError(
        what, file=FILE, row=line_of(path, lines), column=".".join(path), found=found, expected=expected, mend=mend
    )


def _expected(fault: Mapping[str, Any]) -> str:
    words = {
        "int_type": "a whole number",
        "float_type": "a number",
        "finite_number": "a number",
        "string_type": "text",
        "dict_type": "names with values below them",
        "model_type": "names with values below them",
        "list_type": "a list such as [CD3, CD3-A]",
    }
    return words.get(fault["type"], str(fault["msg"]).removeprefix("Input should be "))


def _annotation(path: Sequence[str]) -> Any:
    """Return the type that the models give to the place at `path`."""
    place: Any = Settings
    for part in path:
        if isinstance(place, type) and issubclass(place, Part):
            place = place.model_fields[part].annotation
        else:
            place = get_args(place)[-1]
    return place


def _names_beside(path: Sequence[str]) -> list[str]:
    return list(_annotation(path[:-1]).model_fields)


def _choices(path: Sequence[str]) -> list[Any]:
    place = _annotation(path)
    literal = next((part for part in (place, *get_args(place)) if get_origin(part) is Literal), None)
    return list(get_args(literal))
