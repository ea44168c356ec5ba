"""Every Python example of the README and of docs/ runs as it stands, each by itself, on files of the names it uses."""

import gzip
import re
import shutil
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [(str(page.relative_to(ROOT)), text) for page in PAGES for text in BLOCK.findall(page.read_text())]
NAME = re.compile(r'"([\w.]+)"')


def clonotypes(person, visit):
    """Return a clonotype table of a person: half of the clones are those of every visit."""
    clones = [start + "".join("ACGT"[i // 4**k % 4] for k in range(3)) for start in (person, visit) for i in range(64)]
    codons = {"A": "GCA", "C": "TGC", "G": "GGA", "T": "ACA"}  # of the amino acids of these letters
    return "v_call\tj_call\tjunction\tjunction_aa\tumi_count\n" + "".join(
        f"TRBV2\tTRBJ1-1\tTGC{''.join(map(codons.get, clone))}TTC\tC{clone}F\t2\n" for clone in clones
    )


TABLES = {
    "p1_day0.tsv": clonotypes("AA", "ATC"),
    "p1_day28.tsv": clonotypes("AA", "ATCC"),
    "p2_day0.tsv": clonotypes("GG", "GTC"),
    "p2_day28.tsv": clonotypes("GG", "GTCC"),
    "lesions.csv": "subject,day,lesion,role,diameter_mm\nS01,-8,T1,target,50\nS01,28,T1,target,20\n",
    "adverse_events.csv": "subject,term,grade,start_day\nS01,chills,2,0\nS01,fever,3,1\n",
    "subjects.csv": "subject,tumor_type,harvest_day,first_dose_day\nS01,melanoma,-30,-7\n",
    "my_study/study.yaml": "study: mine\nvisits: {D7: {day: 7}}\n",
    "my_study/subjects.csv": "subject,tumor_type\nS01,melanoma\nSIM-01,melanoma\n",
    "my_study/infusions.csv": "subject,infusion,day\nS01,1,0\nSIM-01,1,0\n",
    "my_study/samples.csv": "sample,subject,visit,specimen,assay,path\nS01_D7_flow,S01,D7,blood,flow,raw/a.fcs\n",
    "my_study/raw/a.fcs": "not looked into\n",
}
# File that an example reads → file of the simulated trial.
SIMULATED = {
    "day28.fcs": "raw/flow/SIM-01_D28_flow.fcs",
    "blood_d7.fcs": "raw/flow/SIM-01_D7_flow.fcs",
    "product.tsv": "raw/tcr/SIM-01_product_tcr.tsv.gz",
    "before.tsv": "raw/tcr/SIM-01_baseline_tcr.tsv.gz",
    "day7.tsv": "raw/tcr/SIM-01_D7_tcr.tsv.gz",
    "day28.tsv": "raw/tcr/SIM-01_D28_tcr.tsv.gz",
}


def readme(made, folder):
    assert made["results"].tables["endpoints"].height > 50
    assert made["tube"].events.shape == (3000, 10)


def exported(made, folder):
    assert made["labels"]["adtte"]["CNSR"] == "Censor"
    assert [table.name for _, table in made["datasets"]][:2] == ["adsl", "adtte"]


def clinical(made, folder):
    assert made["table"]["response"].to_list() == [None, "PR"]
    assert_picture(folder / "spider.png")


def contamination(made, folder):
    assert made["found"].samples["verdict"].to_list() == ["as_labelled"] * 4


def expression(made, folder):
    assert made["table"].filter(set="exhaustion").select("sample", "n").rows() == [("blood", 2), ("tumor", 2)]
    assert_picture(folder / "scores.png")


def flow(made, folder):
    _, lower, upper, *_ = made["ratio"]
    assert lower <= 734.6072 / 812.5313 <= upper  # cells per microlitre, from the trial's truth
    assert_picture(folder / "gates.png")


def scales(made, folder):
    # where 0 stands by definition: (w + a) / (m + a)
    assert (round(float(made["zero"]), 9), round(float(made["top"]), 9)) == (0.111111111, 1)
    assert made["shown"].shape == (len(made["tube"].events),)


def infused_clones(made, folder):
    tracked = made["tracked"]
    assert set(tracked.clones["sample"]) == {"product", "before", "day7", "day28"}
    mass = dict(tracked.persistence.filter(measure="mass").select("sample", "value").iter_rows())
    assert mass["before"] < 0.1 < mass["day28"]
    assert_picture(folder / "courses.png")


def stimulated(made, folder):
    assert made["table"].select("population", "response").rows() == [("CD4+ T", "no"), ("CD8+ T", "yes")]
    assert_picture(folder / "responses.png")


def manifest(made, folder):
    assert made["study"].samples["day"].to_list() == [7]


def repertoire(made, folder):
    mass = made["held"].filter(measure="mass").row(0, named=True)
    assert (mass["sample"], mass["locus"]) == ("day28", "TRB")
    assert mass["lower"] <= 0.4583634 <= mass["upper"]  # from the trial's truth, of the clones that the product shows


def report(made, folder):
    assert (folder / "out/report.html").stat().st_size > 10_000
    assert_picture(folder / "out/figures/study/repertoire_mass.png")


def own_figure(made, folder):
    assert_picture(folder / "figures/mass.png")
    assert_picture(folder / "figures/mine.png")
    assert made["top"].height == 10 and made["top"]["frequency"].is_sorted()


def safety(made, folder):
    assert made["any_event"].select("numerator", "denominator").row(0) == (1, 1)
    assert_picture(folder / "bars.png")


def simulated(made, folder):
    assert made["design"].depth == 500
    # tumour, product and two blood visits, each counted to 500 templates
    libraries = pd.read_csv(folder / "demo_py" / "truth" / "libraries.csv")
    assert libraries["counted"].tolist() == [500] * 4


def truth_beside(made, folder):
    both = made["both"]
    assert both.height > 0 and (both["truth"] - both["value"]).abs().max() < 0.1


def survival(made, folder):
    # R: survfit(Surv(days, event) ~ 1, conf.type = "log-log"): median 260, 61 to NA; so has beta product
    median = made["estimates"].filter(quantity="median").row(0, named=True)
    assert (median["estimate"], median["lower"], median["upper_text"]) == (260, 61, "not reached")
    assert_picture(folder / "os.png")
    assert set(made["by_response"]["method"]) == {"landmark_log_rank", "landmark_cox", "cox_time_dependent"}


def assert_picture(path):
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 5000


# Page → what must hold of the names that each of its examples made, and of the folder it ran in.
CHECKS = {
    "README.md": [readme],
    "docs/adam.md": [exported],
    "docs/clinical.md": [clinical],
    "docs/contamination.md": [contamination],
    "docs/expression.md": [expression],
    "docs/flow.md": [flow, scales],
    "docs/infused-clones.md": [infused_clones],
    "docs/intracellular.md": [stimulated],
    "docs/manifest.md": [manifest],
    "docs/repertoire.md": [repertoire],
    "docs/report.md": [report, own_figure],
    "docs/safety.md": [safety],
    "docs/simulate.md": [simulated, truth_beside],
    "docs/survival.md": [survival],
}


def test_the_pages_with_examples_are_those_that_are_checked():
    assert {page: [name for name, _ in BLOCKS].count(page) for page, _ in BLOCKS} == {
        page: len(checks) for page, checks in CHECKS.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_rows_of_a_table_have_as_many_cells_as_its_head(page):
    """A `|` that is not escaped parts a cell in two, of which the second is not shown."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, *rows = ([*re.finditer(r"(?<!\\)\|", line)] for line in table.splitlines())
        assert {len(row) for row in rows} == {len(head)}, table.splitlines()[0]


def write_cells(path):
    """Write four cells of two samples with the genes of one of the built-in sets."""
    from tilseq.expression import load_signatures

    genes = [*load_signatures()["exhaustion"].up, "CD4", "CD8A", *(f"G{number}" for number in range(60))]
    obs = pd.DataFrame({"sample": ["tumor", "tumor", "blood", "blood"]}, index=["c1", "c2", "c3", "c4"])
    counts = np.random.default_rng(0).poisson(3, (4, len(genes))).astype(np.float32)
    anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=list(genes))).write_h5ad(path)


def prepare(name, folder, request):
    """Make the file or folder of one name, if it is one that an example reads."""
    for path, text in TABLES.items():
        if path.split("/")[0] == name:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    if name in SIMULATED:
        content = (request.getfixturevalue("small_study") / SIMULATED[name]).read_bytes()
        (folder / name).write_bytes(gzip.decompress(content) if SIMULATED[name].endswith(".gz") else content)
    elif name == "out":
        shutil.copytree(request.getfixturevalue("small_run").out, folder / "out")
    elif name == "demo":
        shutil.copytree(request.getfixturevalue("small_study"), folder / name)
    elif name == "cells.h5ad":
        write_cells(folder / name)


@pytest.mark.parametrize(
    ("page", "number"),
    [(page, [name for name, _ in BLOCKS[:i]].count(page)) for i, (page, _) in enumerate(BLOCKS)],
)
def test_an_example_runs_and_gives_what_it_says(page, number, tmp_path, monkeypatch, request):
    text = [text for name, text in BLOCKS if name == page][number]
    for name in sorted(set(NAME.findall(text))):
        prepare(name, tmp_path, request)
    if page == "docs/report.md" and number == 0:
        shutil.rmtree(tmp_path / "out/figures")
        (tmp_path / "out/report.html").unlink()
    monkeypatch.chdir(tmp_path)
    made = {}
    exec(compile(text, page, "exec"), made)
    CHECKS[page][number](made, tmp_path)
