"""Every Python example of the README and of docs/ runs as it stands, each by itself, beside data/ and a run."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [(str(page.relative_to(ROOT)), text) for page in PAGES for text in BLOCK.findall(page.read_text())]
NAME = re.compile(r'"([\w.]+)"')


def readme(made, folder):
    assert made["results"].tables["endpoints"].height > 50
    assert made["tube"].events.shape == (3000, 10)


def exported(made, folder):
    assert made["labels"]["adtte"]["CNSR"] == "Censor"
    assert [table.name for _, table in made["datasets"]][:2] == ["adsl", "adtte"]


def clinical(made, folder):
    truth = pd.read_csv(SAMPLE / "truth" / "responses.csv").set_index(["subject", "visit"])["by_rule"]
    derived = made["table"].drop_nulls("response").select("subject", "visit", "response").rows()
    assert {(subject, visit): word for subject, visit, word in derived} == truth.to_dict()
    assert_picture(folder / "spider.png")


def contamination(made, folder):
    assert made["found"].samples["verdict"].to_list() == ["as_labelled"] * 4


def expression(made, folder):
    assert made["table"].filter(set="exhaustion")["n"].to_list() == [len(made["cells"])]
    assert set(made["types"]) <= {"CD4", "CD8", "unclear"} and len(made["types"]) == made["kept"].n_obs
    assert_picture(folder / "scores.png")


def flow(made, folder):
    _, lower, upper, *_ = made["ratio"]
    assert lower <= 880.1176 / 1171.644 <= upper  # cells per microlitre, from the trial's truth
    assert_picture(folder / "gates.png")


def scales(made, folder):
    # where 0 stands by definition: (w + a) / (m + a)
    assert (round(float(made["zero"]), 9), round(float(made["top"]), 9)) == (0.111111111, 1)
    assert made["shown"].shape == (len(made["tube"].events),)


def gene_sets(made, folder):
    counts = pd.read_csv(folder / "counts.tsv", sep="\t", index_col="gene")
    design = pd.read_csv(folder / "design.csv")
    assert (counts.shape[1], counts.loc["AAK1", "SIM-01_product"], counts.isna().sum().sum()) == (24, 2293, 0)
    assert design.iloc[-1].to_list() == ["SIM-04_product", "SIM-04", "product"]


def infused_clones(made, folder):
    tracked = made["tracked"]
    assert set(tracked.clones["sample"]) == {"product", "baseline", "D7", "D28"}
    mass = dict(tracked.persistence.filter(measure="mass").select("sample", "value").iter_rows())
    assert mass["baseline"] < 0.1 < mass["D28"]
    assert_picture(folder / "courses.png")


def stimulated(made, folder):
    assert made["table"].select("population", "response").rows() == [("CD4+ T", "no"), ("CD8+ T", "yes")]
    assert_picture(folder / "responses.png")


def manifest(made, folder):
    assert made["study"].files("SIM-01_D7_flow")[0].name == "SIM-01_D7_flow.fcs"


def repertoire(made, folder):
    mass = made["held"].filter(measure="mass").row(0, named=True)
    assert (mass["sample"], mass["locus"]) == ("D28", "TRB")
    assert mass["lower"] <= 0.7853090 <= mass["upper"]  # from the trial's truth, of the clones that the product shows


def report(made, folder):
    assert (folder / "out/report.html").stat().st_size > 10_000
    assert_picture(folder / "out/figures/study/repertoire_mass.png")


def own_figure(made, folder):
    assert_picture(folder / "figures/mass.png")
    assert_picture(folder / "figures/mine.png")
    assert made["top"].height == 10 and made["top"]["frequency"].is_sorted()


def safety(made, folder):
    assert made["any_event"].select("numerator", "denominator").row(0) == (4, 4)
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
    "docs/gene-sets.md": [gene_sets],
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


def prepare(name, folder, request):
    """Make the folder of one name, if it is one that an example reads: of a run, or of a study that was simulated."""
    if name == "out":
        shutil.copytree(request.getfixturevalue("small_run").out, folder / "out")
    elif name == "demo":
        shutil.copytree(request.getfixturevalue("small_study"), folder / name)


@pytest.mark.parametrize(
    ("page", "number"),
    [(page, [name for name, _ in BLOCKS[:i]].count(page)) for i, (page, _) in enumerate(BLOCKS)],
)
def test_an_example_runs_and_gives_what_it_says(page, number, tmp_path, monkeypatch, request):
    text = [text for name, text in BLOCKS if name == page][number]
    (tmp_path / "data").symlink_to(ROOT / "data")
    for name in sorted(set(NAME.findall(text))):
        prepare(name, tmp_path, request)
    if page == "docs/report.md" and number == 0:
        shutil.rmtree(tmp_path / "out/figures")
        (tmp_path / "out/report.html").unlink()
    monkeypatch.chdir(tmp_path)
    made = {}
    exec(compile(text, page, "exec"), made)
    CHECKS[page][number](made, tmp_path)
