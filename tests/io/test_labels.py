import pytest

from tilseq.errors import ReadError
from tilseq.io.labels import read_labels


@pytest.mark.parametrize("text", ['label\nT\n""\nB cells\n', 'T\n""\nB cells\n'], ids=["header", "no header"])
def test_labels_with_and_without_a_header(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    assert read_labels(path, 3) == ["T", None, "B cells"]


@pytest.mark.parametrize(
    ("text", "events", "message"),
    [
        ("T\nT\n", 4, "the labels are not of this tube; found 1; expected 4 labels"),
        ("event,label\n1,T\n", 1, "labels stand in one column; found 'event, label'"),
    ],
)
def test_labels_of_another_tube_are_refused(tmp_path, text, events, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(ReadError, match=message):
        read_labels(path, events)


def test_labels_of_a_real_tube(shared_data):
    labels = read_labels(shared_data / "flow/flowsom_68983/manual_labels.csv", 19225)
    assert (labels.count("CD4 T cells"), labels.count("CD8 T cells")) == (7487, 1407)  # sort | uniq -c
