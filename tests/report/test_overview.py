from tilseq.io.write import write_table
from tilseq.report.overview import grid
from tilseq.report.results import read_results
from tilseq.tables import outputs


def test_samples_alike_of_one_visit_are_told_apart_by_what_their_names_have_of_their_own(tmp_path):
    names = ("S1_D7_flow", "S1_D7_tstate", "tube-9", "S1_D7_tcr", "S1_D28_tstate")
    rows = [
        {"sample": name, "subject": "S1", "visit": "D28" if "D28" in name else "D7", "specimen": "blood",
         "assay": "tcr" if "tcr" in name else "flow", "state": "ok"}
        for name in names
    ]  # fmt: skip
    write_table(outputs.SAMPLES_RUN.frame(rows), outputs.SAMPLES_RUN, tmp_path / "tables")
    view = grid(read_results(tmp_path))
    of = {
        head.text: [(chip.label, chip.note) for chip in cell.chips]
        for head, cell in zip(view.heads, view.rows[0], strict=True)
    }
    # the chip of S1_D7_flow says no more than "flow"; one tcr, and one tube of day 28, need no name
    assert of["D7"] == [("flow", ""), ("flow", "tstate"), ("flow", "tube-9"), ("tcr", "")]
    assert of["D28"] == [("flow", "")]
