"""YAML held against a model: everything that is wrong, each with its line, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from tilseq.errors import ReadError, TilseqError, did_you_mean
from tilseq.io.yaml_text import Lines, read_yaml


class Part(BaseModel):
    """A part of a file: nothing unknown, no type turned into another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        """Read a part below which all lines are commented out as absent."""
        if not isinstance(value, dict):
            return value
        parts = {name for name, field in cls.model_fields.items() if field.default_factory is not None}
        return {name: below for name, below in value.items() if below is not None or name not in parts}


def read_model[Model: Part](
    path: str | Path, model: type[Model], *, file: str, expected: str
) -> tuple[Model | None, Lines, list[TilseqError]]:
    """Read a YAML file and list everything that is wrong with it.

    Parameters
    ----------
    path
        File to read.
    model
        What it may hold.
    file
        The name that errors give.
    expected
        What should stand there, for a file without settings.

    Returns
    -------
    value
        None when there are problems.
    lines
        Line of each key, by its path.
    problems
        Each with the line as its row and the dotted key as its column.
    """
    try:
        value, lines, problems = read_yaml(path, file=file)
    except ReadError as error:
        return None, {}, [error]
    if not isinstance(value, dict):
        return None, lines, [ReadError("no settings stand here", file=file, expected=expected)]
    read, faults = held_against(value, model, lines, file=file)
    problems += faults
    return (None if problems else read), lines, problems


def held_against[Model: Part](
    value: Mapping[str, Any], model: type[Model], lines: Lines, *, file: str | None = None
) -> tuple[Model | None, list[TilseqError]]:
    """Hold plain data against a model; return it, or None and everything that is wrong."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, [_translated(fault, lines, model, file) for fault in error.errors()]


def line_of(path: Sequence[str], lines: Lines) -> int | None:
    """Return the line of a key, or that of the nearest key above it that is written down."""
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return None


def _translated(fault: Mapping[str, Any], lines: Lines, model: type[Part], file: str | None) -> TilseqError:
    path = [str(part) for part in fault["loc"]]
    kind, found = fault["type"], fault["input"]
    what = "a value is missing" if found is None else "this value cannot stand here"
    expected: str | None = _expected(fault)
    mend: str | None = None
    if kind == "extra_forbidden":
        known = _names_beside(model, path)
        what, expected, found = "no such setting", None, None
        mend = did_you_mean(path[-1], known) or f"known here are {', '.join(known)}"
    elif kind == "missing":
        what, expected, found = "this setting is needed", None, None
    elif kind == "value_error":
        what, expected, found = str(fault["msg"]).removeprefix("Value error, "), None, None
    elif kind == "string_type" and isinstance(found, (int, float)):
        mend = "put it in quotes"
    elif kind == "literal_error" and isinstance(found, str):
        mend = did_you_mean(found, [str(choice) for choice in _choices(model, path)])
    if isinstance(found, (dict, list)):
        found = "a mapping" if isinstance(found, dict) else "a list"
    return ReadError(
        what, file=file, row=line_of(path, lines), column=".".join(path), found=found, expected=expected, mend=mend
    )


def _expected(fault: Mapping[str, Any]) -> str:
    words = {
        "int_type": "a whole number",
        "float_type": "a number",
        "finite_number": "a number",
        "string_type": "text",
        "dict_type": "names with values below them",
        "model_type": "names with values below them",
        "list_type": "a list such as [A, B]",
    }
    told = str(fault["msg"]).removeprefix("Input should be ").removeprefix("List should have ")
    return words.get(fault["type"], told)


def _annotation(model: type[Part], path: Sequence[str]) -> Any:
    """Return the type that the models give to the place at `path`."""
    place: Any = model
    for part in path:
        if isinstance(place, type) and issubclass(place, Part):
            place = place.model_fields[part].annotation
            if get_origin(place) is UnionType:
                place = next(one for one in get_args(place) if one is not NoneType)
        else:
            place = get_args(place)[-1]
    return place


def _names_beside(model: type[Part], path: Sequence[str]) -> list[str]:
    return list(_annotation(model, path[:-1]).model_fields)


def _choices(model: type[Part], path: Sequence[str]) -> list[Any]:
    place = _annotation(model, path)
    literal = next((part for part in (place, *get_args(place)) if get_origin(part) is Literal), None)
    return list(get_args(literal))
