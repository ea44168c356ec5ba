"""A small sound study that each test spoils in its own way."""

from collections.abc import Callable
from pathlib import Path

import pytest

SOUND = {
    "study.yaml": """\
study: demo
visits:
  baseline: {day: -7, window: 3}
  product: {day: 0}
  D28: {day: 28, window: 3}
panels:
  tcell: {markers: {CD3: [FL1-A]}, thresholds: {CD3: 900}}
""",
    "subjects.csv": "subject,tumor_type,harvest_day,lymphodepletion_day\nS01,melanoma,-40,-7\n007,cervical,,\n",
    "infusions.csv": "subject,infusion,day,lot\nS01,1,0,L1\nS01,2,14,L1\n007,1,0,L2\n",
    "samples.csv": """\
sample,subject,visit,day,specimen,assay,path,panel
S01_base,S01,baseline,-8,blood,flow,raw/a.fcs,tcell
S01_prod,S01,product,,infusion_product,tcr,raw/b.tsv,
S01_D28,S01,D28,,blood,tcr,raw/c.tsv;raw/d.tsv,
007_D28,007,D28,29,blood,flow,raw/e.fcs,
""",
    "clinical/lesions.csv": "subject,day,lesion,role,diameter_mm\nS01,-7,T1,target,20\nS01,28,T1,target,12.5\n",
    "clinical/responses.csv": "subject,day,response\nS01,28,PR\n",
    "raw/a.fcs": "file a",
    "raw/b.tsv": "file b",
    "raw/c.tsv": "file c",
    "raw/d.tsv": "file d",
    "raw/e.fcs": "file e",
}


@pytest.fixture(scope="session")
def sound_texts() -> dict[str, str]:
    """File → text of the sound study."""
    return SOUND


MakeStudy = Callable[..., Path]


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Write the sound study with some files changed: file → new text, (old, new) parts to replace, or None."""

    def make(changes: dict[str, str | tuple[str, str] | None] | None = None) -> Path:
        root = tmp_path / "demo"
        texts = dict(SOUND)
        for name, change in (changes or {}).items():
            if change is None:
                texts.pop(name, None)
            elif isinstance(change, tuple):
                assert change[0] in texts[name]
                texts[name] = texts[name].replace(*change)
            else:
                texts[name] = change
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        return root

    return make
