from tests.report.made_results import made_results
from tilseq.report.characteristics import characteristics


def row(group, characteristic, subjects, enrolled, level=None, **age):
    same = {"group": group, "characteristic": characteristic, "level": level}
    return same | {"subjects": subjects, "enrolled": enrolled} | age


def read(cell):
    return " | ".join(filter(None, (cell.text, cell.note)))


def test_flow_first_then_who_they_are_a_column_an_arm(tmp_path):
    spread = {"median": 50.5, "lowest": 40, "highest": 61}
    rows = [
        row("all", "tumor_type", 4, 4, "head_and_neck"), row("arm=TIL", "tumor_type", 3, 3, "head_and_neck"),
        row("all", "age", 3, 4, **spread), row("arm=TIL", "age", 0, 3),
        row("all", "infused", 1, 4), row("arm=TIL", "infused", 1, 3), row("all", "enrolled", 4, 4),
        row("arm=TIL", "enrolled", 3, 3),
    ]  # fmt: skip
    view = characteristics(made_results(tmp_path, {"characteristics": rows}))
    assert [head.text for head in view.heads] == ["Subjects", "all", "TIL"]
    assert [[read(cell) for cell in cells] for cells in view.rows] == [
        ["Enrolled", "4", "3"],
        ["Infused", "1 (25)", "1 (33)"],
        ["Age, years, median (range)", "50.5 (40-61) | of 3", "– | of 0"],
        ["Tumour: head and neck", "4 (100)", "3 (100)"],
    ]
    assert not characteristics(made_results(tmp_path, {})).rows


def test_some_of_many_are_neither_none_nor_all_of_them(tmp_path):
    counts = {"infused": 299, "resected": 300, "lymphodepleted": 1, "assessed": 0}
    rows = [row("all", name, subjects, 300) for name, subjects in counts.items()]
    view = characteristics(made_results(tmp_path, {"characteristics": rows}))
    assert [read(cells[1]) for cells in view.rows] == ["300 (100)", "1 (<1)", "299 (>99)", "0 (0)"]
