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


# Beside the sound study: what no analysis reads yet.
WELLS = [
    "P1,A01,raw/w1.fcs,standard,,,C7,10000",
    "P1,A02,raw/w2.fcs,blank,,,C0,0",
    "P1,B01,raw/w3.fcs,sample,S01_D28_il,IFN-gamma,,",
    "P1,B01,raw/w3.fcs,sample,S01_D28_il,IL-2,,",
    "P1,B02,raw/w4.fcs,control,,,,500",
]
FURTHER = {
    "samples.csv": SOUND["samples.csv"].replace(",panel\n", ",panel,plate\n").replace("tcell\n", "tcell,\n")
    .replace("tsv,\n", "tsv,,\n").replace("e.fcs,\n", "e.fcs,,\n") + "S01_D28_il,S01,D28,,plasma,cytokine,,,P1\n",
    "clinical/followup.csv": "subject,last_alive_day,death_day,death_cause,data_cut_day\n"
    "S01,200,210,tumor,300\n007,299,,,300\n",
    "clinical/adverse_events.csv": "subject,term,soc,grade,serious,immune_related,related,start_day,end_day,period\n"
    "S01,fever,general,2,no,no,IL-2,1,3,IL-2\nS01,vitiligo,skin,1,no,yes,TIL,60,,follow-up\n",
    "clinical/labs.csv": "subject,day,test,value_text,unit,lower_limit,upper_limit,clinically_significant\n"
    "S01,-8,ANC,4.2,10^9/L,2,7.5,\nS01,0,ANC,<0.1,10^9/L,2,7.5,true\n007,0,pH,7.4,,7.35,7.45,\n",
    "clinical/tumor_markers.csv": "subject,day,test,value_text,unit,upper_limit\nS01,-8,CEA,<0.5,ng/mL,5\n",
    "clinical/therapies.csv": "subject,therapy,start_day,end_day\n007,pembrolizumab,120,\n",
    "clinical/schedule.csv": "visit,day,window\nbaseline,-7,3\nD28,28,7\n",
    "plates/p1.csv": "plate,well,path,role,sample,analyte,level,nominal_pg_per_ml,kit,dilution\n"
    + "".join(f"{well},multiplex,{2 if ',sample,' in well else ''}\n" for well in WELLS),
    **{f"raw/w{number}.fcs": f"well {number}" for number in range(1, 5)},
}  # fmt: skip


@pytest.fixture(scope="session")
def further_texts() -> dict[str, str]:
    """File → text of the further tables of clinical/, of a plate, and of samples.csv with the plate's sample."""
    return FURTHER


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
