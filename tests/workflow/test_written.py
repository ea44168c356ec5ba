import json

import pytest

from tilseq.errors import ReadError
from tilseq.workflow.written import found_outputs, read_record, record_outputs, recorded_files

# `printf a | sha256sum`, of b and of nothing
A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
B = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
NONE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def out(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "figures" / "study").mkdir(parents=True)
    (tmp_path / "tables" / "depth.csv").write_text("a")
    (tmp_path / "figures" / "study" / "hill.svg").write_text("b")
    (tmp_path / "report.html").write_text("")
    (tmp_path / "run.json").write_text('{"seed": null}')
    return tmp_path


def test_files_of_folders_and_by_name_are_found_with_their_digests(out):
    assert found_outputs(out, "report.html", "tables", "figures", "objects") == [
        {"path": "figures/study/hill.svg", "sha256": B, "bytes": 1},
        {"path": "report.html", "sha256": NONE, "bytes": 0},
        {"path": "tables/depth.csv", "sha256": A, "bytes": 1},
    ]


def test_what_file_browsers_and_editors_leave_behind_is_no_output(out):
    (out / "tables" / ".ipynb_checkpoints").mkdir()
    for name in (".DS_Store", "~$depth.csv", ".ipynb_checkpoints/depth.csv"):
        (out / "tables" / name).touch()
    assert [file["path"] for file in found_outputs(out, "tables")] == ["tables/depth.csv"]


def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(out, monkeypatch):
    def refused(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("os.scandir", refused)  # root may look into any
    with pytest.raises(ReadError, match="figures: cannot read: Permission denied"):
        found_outputs(out, "figures")


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
@pytest.mark.parametrize(
    "files",
    [None, "a", [], ["a"], [{"sha256": A}], [{"path": "a"}], [{"path": 3, "sha256": A}], {"path": A}]
    + [[{"path": "a", "sha256": A}, {"path": "a", "sha256": B}]],
)
def test_a_record_that_does_not_name_files_is_refused(out, kind, files):
    (out / "run.json").write_text(json.dumps({kind: files}))
    done = {"inputs": "read", "outputs": "written"}[kind]
    told = f"run.json, column {kind}: it does not say what the run has {done}; expected path and SHA-256 of each file"
    with pytest.raises(ReadError, match=told):
        recorded_files(out, kind)


def test_what_is_recorded_anew_leaves_the_rest_as_it_was(out):
    record_outputs(out, "tables", "report.html")
    (out / "tables" / "depth.csv").write_text("b")
    (out / "report.html").write_text("a")
    record_outputs(out, "figures", "report.html")
    assert json.loads((out / "run.json").read_text()) == {
        "seed": None,
        "outputs": [
            {"path": "figures/study/hill.svg", "sha256": B, "bytes": 1},
            {"path": "report.html", "sha256": A, "bytes": 1},
            {"path": "tables/depth.csv", "sha256": A, "bytes": 1},
        ],
    }


@pytest.mark.parametrize(
    ("text", "told"), [("{", "no record of a finished run can be read"), ("[]", "this is no record of a run")]
)
def test_a_record_that_is_none_is_refused(out, text, told):
    (out / "run.json").write_text(text)
    with pytest.raises(ReadError, match=f"run.json: {told}"):
        read_record(out)
