"""docs/manifest.md holds the registry's and the settings' tables as they are; a failed test prints what is missing."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import PydanticUndefined

from tilseq.study.checks import IDENTITY
from tilseq.study.model import CLINICAL
from tilseq.study.pattern import FIELDS
from tilseq.study.read import CLINICAL_FILES
from tilseq.study.settings import Part, Settings
from tilseq.tables.inputs import INFUSIONS, LESIONS, PLATES, RESPONSE_READS, SAMPLES, SUBJECTS

PAGE = Path(__file__).parents[2] / "docs" / "manifest.md"


def column_table(table):
    lines = ["| column | holds | needed | meaning |", "|---|---|---|---|"]
    for column in table.columns:
        holds = ", ".join(f"`{word}`" for word in column.allowed) or column.kind
        holds += f" ({column.unit})" if column.unit else ""
        lines.append(f"| `{column.name}` | {holds} | {'yes' if column.needed else ''} | {column.meaning} |")
    return "\n".join(lines)


def setting_rows(part=Settings, prefix=""):
    for name, field in part.model_fields.items():
        nested = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        below = next((kind for kind in nested if issubclass(kind, Part)), None)
        if below is not None:
            named = "" if below is field.annotation else "<name>."
            yield from setting_rows(below, f"{prefix}{name}.{named}")
            continue
        default = field.get_default(call_default_factory=True, validated_data={})
        words = {None: "", PydanticUndefined: "needed"}
        default = words[default] if default in (None, PydanticUndefined) else f"`{default}`"
        meaning = field.description.replace("|", "\\|")
        yield f"| `{prefix}{name}` | {default} | {meaning} |"


TABLES = [SUBJECTS, INFUSIONS, SAMPLES, LESIONS, RESPONSE_READS, PLATES, *CLINICAL.values()]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_columns(table):
    assert column_table(table) in PAGE.read_text()


def test_settings():
    assert "\n".join(["| setting | default | meaning |", "|---|---|---|", *setting_rows()]) in PAGE.read_text()


@pytest.mark.parametrize("name", [*CLINICAL_FILES, *FIELDS, *IDENTITY])
def test_names(name):
    assert f"`{name.removeprefix('clinical/')}`" in PAGE.read_text()
