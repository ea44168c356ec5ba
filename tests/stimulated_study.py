"""A study folder of stimulated and unstimulated tubes whose responding cells are known."""

from pathlib import Path

from tests.flow.stimulated import simulate, write

# Tube → cells of each kind that make IFN-γ, of 4,000 CD4+ T and 2,000 CD8+ T.
MAKING = {
    "none28": {"CD4+ T": 2},
    "pma28": {"CD4+ T": 400, "CD8+ T": 600},
    "tumour28": {"CD8+ T": 40},
    "none7": {"CD8+ T": 2},
    "pma7": {"CD4+ T": 40, "CD8+ T": 100},
}
ROWS = """sample,subject,visit,specimen,assay,path,role,stimulus,panel,status
none28,S1,D28,blood,flow,raw/none28.fcs,unstimulated,,ics,
pma28,S1,D28,blood,flow,raw/pma28.fcs,stimulated,PMA/ionomycin,ics,
tumour28,S1,D28,blood,flow,raw/tumour28.fcs,stimulated,tumour,ics,
none7,S1,D7,blood,flow,raw/none7.fcs,unstimulated,,ics,
pma7,S1,D7,blood,flow,raw/pma7.fcs,stimulated,PMA/ionomycin,ics,
short7,S1,D7,blood,flow,raw/short7.fcs,stimulated,tumour,ics,
lost7,S1,D7,blood,flow,,stimulated,SEB,ics,failed
alone,S2,D7,blood,flow,raw/alone.fcs,stimulated,PMA/ionomycin,ics,
"""


def make_study(root: Path) -> Path:
    for seed, (name, making) in enumerate(MAKING.items(), start=1):
        write(root / f"raw/{name}.fcs", simulate(making, seed=seed))
    write(root / "raw/alone.fcs", simulate({"CD8+ T": 50}, seed=9))
    (root / "raw/short7.fcs").write_text("FCS")
    (root / "samples.csv").write_text(ROWS)
    (root / "study.yaml").write_text("study: demo\nvisits: {D7: {day: 7}, D28: {day: 28}}\npanels: {ics: {}}\n")
    (root / "subjects.csv").write_text("subject,tumor_type\nS1,melanoma\nS2,melanoma\n")
    (root / "infusions.csv").write_text("subject,infusion,day\nS1,1,0\nS2,1,0\n")
    return root
