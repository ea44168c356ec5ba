import json

from matplotlib.figure import Figure

from tilseq.steps.figures import save_figures


def test_figures_are_saved_with_their_captions(tmp_path):
    save_figures(
        {"ranks TRB": (Figure().add_subplot(), "what it shows"), "b": (Figure().add_subplot(), "more")}, tmp_path
    )
    captions = json.loads((tmp_path / "captions.json").read_text())
    assert {name.split("-")[0].split(".")[0]: words for name, words in captions.items()} == {
        "ranks_TRB": "what it shows",
        "b": "more",
    }
    assert set(captions) == {path.name for path in tmp_path.iterdir()} - {"captions.json"}


def test_without_figures_there_is_no_folder(tmp_path):
    save_figures({}, tmp_path / "figures")
    assert not (tmp_path / "figures").exists()
