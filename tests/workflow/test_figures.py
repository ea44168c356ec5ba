import shutil

import pytest

from tests.report.conftest import NAMES, fake_out
from tilseq.errors import AnalysisError
from tilseq.report import make_figures
from tilseq.report.figures import Drawing
from tilseq.workflow import figures
from tilseq.workflow.figures import STARTER, draw_figures

FAIL = """
from tilseq.report.figures import Drawing
def fail(drawing, results):
    raise ValueError("broken font")
Drawing.save = fail
print("a library says something")
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder with sixteen figures: eight of the cohort, six of T cells and two of repertoires."""
    return fake_out(tmp_path_factory.mktemp("figures") / "run", NAMES)


@pytest.fixture
def out(run, tmp_path):
    return shutil.copytree(run, tmp_path / "out")


def everything_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_three_processes_draw_the_same_as_one(run, out, tmp_path):
    alone = shutil.copytree(run, tmp_path / "alone")
    assert len(make_figures(alone)) == 34
    assert draw_figures(out, cores=3) == []
    assert everything_in(out) == everything_in(alone)


def test_with_one_core_or_few_figures_nobody_helps(out, monkeypatch):
    def start(*_):
        raise AssertionError("a process is started")

    monkeypatch.setattr(figures, "_start", start)
    monkeypatch.setattr(Drawing, "save", lambda drawing, results: [])
    assert draw_figures(out, cores=1) == []
    monkeypatch.setattr(figures, "LEAST_EACH", 9)  # of seventeen
    assert draw_figures(out, cores=2) == []
    monkeypatch.setattr(figures, "LEAST_EACH", 8)
    assert draw_figures(out, cores=2) == ["AssertionError: a process is started"]


def test_what_cannot_be_drawn_is_told_once_and_the_others_are_drawn(out, monkeypatch):
    def save(drawing, results):
        if drawing.name.startswith("clinical"):
            raise AnalysisError("nothing to draw", found=0)
        drawn.append(drawing.name)

    drawn = []
    monkeypatch.setattr(Drawing, "save", save)
    assert draw_figures(out, cores=1) == ["nothing to draw; found 0"]
    assert drawn == [
        *("flow_t_cells", "flow_infused", "repertoire_mass", "expression_scores"),
        *(f"flow_{name}" for name in NAMES),
        *("repertoire_P01_TRB", "repertoire_P02_TRB"),
    ]


def test_what_fails_in_a_helping_process_is_told(out, monkeypatch):
    monkeypatch.setattr(Drawing, "save", lambda drawing, results: [])
    monkeypatch.setattr(figures, "STARTER", FAIL + STARTER)
    assert draw_figures(out, cores=2) == ["ValueError: broken font"]


def test_what_cannot_be_drawn_leaves_no_figure_of_an_earlier_run(out, monkeypatch):
    """Its caption would be of the new rows, and the page would show the old ones below it."""
    drawn = make_figures(out)
    monkeypatch.setattr(Drawing, "save", lambda drawing, results: [])
    monkeypatch.setattr(figures, "STARTER", "import os; os.kill(os.getpid(), 9)")
    draw_figures(out, cores=2)
    assert len(drawn) == 34
    assert [path.name for path in drawn if path.exists()] == []


def test_a_helping_process_that_is_lost_is_told(out, monkeypatch):
    monkeypatch.setattr(Drawing, "save", lambda drawing, results: [])
    monkeypatch.setattr(figures, "STARTER", "import os; os.kill(os.getpid(), 9)")
    assert draw_figures(out, cores=2) == ["a process that draws figures was lost (exit -9); run again"]


def test_tables_that_cannot_be_read_are_told(out):
    (out / "tables" / "endpoints.parquet").write_bytes(b"PAR1")
    assert "endpoints.parquet" in draw_figures(out, cores=2)[0]
