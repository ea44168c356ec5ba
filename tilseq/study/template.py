"""Writing a new study folder: a commented template, or a draft from a scan."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from tilseq.errors import RunError
from tilseq.io.files import write_text
from tilseq.study.model import (
    INFUSIONS_FILE,
    LESIONS_FILE,
    RESPONSES_FILE,
    SAMPLES_FILE,
    SUBJECTS_FILE,
    clinical_file,
)
from tilseq.study.names import fault_of
from tilseq.study.read import SDTM_FILES
from tilseq.study.scan import Draft
from tilseq.study.settings import FILE as SETTINGS_FILE

OF_TIME = tuple(clinical_file(name) for name in ("followup", "therapies", "schedule"))
FILES = (SETTINGS_FILE, SUBJECTS_FILE, INFUSIONS_FILE, SAMPLES_FILE, LESIONS_FILE, RESPONSES_FILE, *OF_TIME)
VISITS = """\
  baseline: {day: -10, window: 4}   # before lymphodepletion
  product: {day: 0}                 # the infusion product
  D7: {day: 7, window: 2}
  D28: {day: 28, window: 3}
  D84: {day: 84, window: 7}"""


def write_template(folder: str | Path) -> list[Path]:
    """Write a template that passes all checks, with one example subject.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    RunError
        The folder holds one of the files already, or cannot be written.
    """
    return _write(Path(folder), _templates(folder) | {SETTINGS_FILE: _settings(folder, VISITS)})


def write_draft(folder: str | Path, draft: Draft, panels: Mapping[str, Mapping[str, str]] | None = None) -> list[Path]:
    """Write a study drafted by a scan; see `write_template` for what is returned and raised.

    Parameters
    ----------
    folder, draft
        The study's folder, and what the scan found.
    panels
        Name of each panel → marker → channel.
    """
    lines = []
    for visit, day in draft.visits.items():
        remark = "FILL IN the nominal day" if day is None else "guessed; correct it where it is wrong"
        lines.append(f"  {_quoted(visit)}: {{day: {'null' if day is None else day}}}   # {remark}")
    texts = _templates(folder) | {SETTINGS_FILE: _settings(folder, "\n".join(lines), _panels(panels or {}))}
    # The first infusion is day 0 by definition, so its rows need no guess; further ones and the cells do.
    infusions = [{"subject": name, "infusion": "1", "day": "0"} for name in draft.subjects]
    texts[INFUSIONS_FILE] = _rows(INFUSIONS_FILE, infusions)
    texts[SUBJECTS_FILE] = _rows(SUBJECTS_FILE, [{"subject": name, "tumor_type": "other"} for name in draft.subjects])
    texts[SAMPLES_FILE] = samples_text(draft)
    return _write(Path(folder), texts)


def refuse_existing(folder: str | Path) -> None:
    """Raise RunError when a folder holds a file of a study already."""
    for name in FILES:
        path = Path(folder) / name
        if path.exists() or path.is_symlink():
            mend = (
                "`tilseq check` tells what is wrong with it. To draft it anew remove study.yaml, subjects.csv, "
                "infusions.csv, samples.csv and clinical; to add files, see their rows with --scan and --dry-run"
            )
            raise RunError("a study stands here already", file=path, mend=mend)


def _write(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    refuse_existing(folder)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def _templates(folder: str | Path) -> dict[str, str]:
    """Return the template of each file; without tables of tumours where SDTM's are there, which say the same."""
    sdtm = any((Path(folder) / name).exists() for name in SDTM_FILES)
    return {name: _template(name) for name in FILES if not (sdtm and name in (LESIONS_FILE, RESPONSES_FILE))}


def _template(name: str) -> str:
    return (files("tilseq.study") / "templates" / Path(name).name).read_text(encoding="utf-8")


def _settings(folder: str | Path, visits: str, panels: str = "") -> str:
    name = Path(folder).resolve().name
    name = name if name and not fault_of(name) and name.isprintable() else "my_study"
    return Template(_template(SETTINGS_FILE)).substitute(study=_quoted(name), visits=visits, panels=panels)


def _panels(panels: Mapping[str, Mapping[str, str]]) -> str:
    """Return drafted panels as YAML."""
    lines = ["panels:   # guessed from the stains that the files name ($PnS); look them over"] if panels else []
    for name, markers in panels.items():
        lines += [f"  {_quoted(name)}:", "    markers:"]
        lines += [f"      {_quoted(marker)}: [{_quoted(channel)}]" for marker, channel in markers.items()]
    return "".join(f"{line}\n" for line in lines)


def samples_text(draft: Draft) -> str:
    """Return what samples.csv would hold."""
    return _rows(SAMPLES_FILE, draft.samples)


def _rows(name: str, rows: list[dict[str, str]]) -> str:
    """Return a table under the header of its template, with what it lacks of the rows' columns at the end."""
    text = io.StringIO()
    header = _template(name).splitlines()[0].split(",")
    columns = dict.fromkeys([*header, *(column for row in rows for column in row)])
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _quoted(text: str) -> str:
    """Return text as YAML writes it between double quotes."""
    return json.dumps(text, ensure_ascii=False)
