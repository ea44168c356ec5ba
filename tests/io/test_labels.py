import pytest

from tilseq.errors import ReadError
from tilseq.io.labels import read_labels


@pytest.mark.parametrize("text", ['label\nT\n""\nB cells\nT\n', 'T\n""\nB cells\nT\n'], ids=["header", "no header"])
def test_labels_with_and_without_a_header(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    assert read_labels(path, 4) == ["T", None, "B cells", "T"]


def test_a_first_event_without_a_label_is_none(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text('""\nT\n""\n')
    assert read_labels(path, 3) == [None, "T", None]


@pytest.mark.parametrize("first", ["label", "T cells"])
def test_a_header_that_would_shift_all_labels_by_one_event_is_refused(tmp_path, first):
    path = tmp_path / "labels.csv"
    path.write_text(f"{first}\nT\nB cells\nT\n")
    with pytest.raises(ReadError) as caught:
        read_labels(path, 4)
    assert str(caught.value) == (
        f"{path}, row 1: the first line may be a header, and then a label is missing; found {first!r}; expected a "
        "header and 4 labels, or 4 labels of which another is like the first; put a header above one label for each "
        "event"
    )
    path.write_text(f"{first}\nT\nB cells\nT\nT\n")
    assert read_labels(path, 4) == ["T", "B cells", "T", "T"]


@pytest.mark.parametrize(
    ("text", "events", "message"),
    [
        ("T\nT\n", 4, "the labels are not of this tube; found 1; expected 4 labels"),
        (
            "event,label\n1,T\n",
            1,
            "row 1: labels stand in one column; found 'event, label'.*without a column that numb",
        ),
        ("label\n1,T\n2,B\n", 2, "row 2: this row has more cells than the header"),  # R's names of rows
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
