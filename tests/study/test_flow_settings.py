from tilseq.io.fcs_write import write_fcs
from tilseq.study import flow_settings as checks
from tilseq.study.read import examine

START = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\n"
CUTS = "panel,instrument,batch,gate,parent,channel,threshold,lower,upper,spread,shift,radius,mad,tubes\n"


def found(root, check):
    """Return what one check says of a study, and see that all checks together say no less."""
    folder = examine(root)
    problems = [str(problem) for problem in check(folder)]
    assert set(problems) <= {str(problem) for problem in folder.problems}
    return problems


def stained(root):
    """Make the tube of panel tcell one of CD3, CD39 and a channel without a marker."""
    write_fcs(root / "raw/a.fcs", [[1.0, 2.0, 3.0]], ["B1-A", "B2-A", "R1-A"], markers=["CD3", "CD39", ""])
    return root


def populations(*lines):
    return START + "panels:\n  tcell:\n    populations:\n" + "".join(f"      {line}\n" for line in lines)


def test_a_marker_that_no_tube_of_the_panel_has(make_study):
    text = populations(
        "own: {parent: CD3+, markers: [CD39+, r1-a-, CD19-]}",
        "typo: {parent: CD3+, markers: [CD8+, CD93-|CD39+]}",
        "none: {parent: own, markers: [TIM3+]}",
    )
    root = stained(make_study({"study.yaml": text}))
    what = "no tube of the panel has this marker"
    assert found(root, checks.check_populations) == [
        f"study.yaml, row 7, column panels.tcell.populations.typo.markers: {what}; found 'CD93'; "
        "did you mean 'CD3'? Else name its channel: panels.tcell.markers: {CD93: [channel]}",
        f"study.yaml, row 8, column panels.tcell.populations.none.markers: {what}; found 'TIM3'; "
        "name its channel: panels.tcell.markers: {TIM3: [channel]}",
    ]


def test_a_marker_that_the_panel_names_and_tubes_that_cannot_be_read(make_study):
    text = populations("own: {parent: CD3+, markers: [TIM3+]}")
    assert found(make_study({"study.yaml": text}), checks.check_populations) == []  # raw/a.fcs is no FCS file
    text = text.replace("    populations:", "    markers: {TIM3: [Tim-3 BV421]}\n    populations:")
    assert found(stained(make_study({"study.yaml": text})), checks.check_populations) == []


def test_signs_parents_and_names_of_the_tree(make_study):
    text = populations("a: {parent: CD3+, markers: [CD4]}", "b: {parent: CD3, markers: [CD4+]}")
    assert found(make_study({"study.yaml": text}), checks.check_populations) == [
        "study.yaml, row 6, column panels.tcell.populations.a.markers: a marker needs its sign, + or -; found 'CD4'; "
        "write it as {parent: CD3+, markers: [CD4+, CD8-]}",
    ]
    text = populations("b: {parent: CD3, markers: [CD4+]}", "c: {parent: CD3+, markers: [CD4+]}")
    assert found(make_study({"study.yaml": text}), checks.check_populations) == [
        "study.yaml, row 6, column panels.tcell.populations.b: the parent of b does not exist; found 'CD3'; "
        "did you mean 'CD3-'?"
    ]
    text = populations("live: {parent: CD3+, markers: [CD4+]}")
    assert found(make_study({"study.yaml": text}), checks.check_populations) == [
        "study.yaml, row 6, column panels.tcell.populations.live: a population bears the name of one that is found by "
        "itself; found 'live'"
    ]


def test_thresholds_that_no_tree_knows(make_study):
    text = (
        START
        + """\
panels:
  tcell: {populations: {x: {parent: CD3+, markers: [CD39+]}}, thresholds: {CD39: 1, SSC-A: 2, CD4: 3, CD38: 4, IFNg: 5}}
analysis:
  flow:
    thresholds:
      CD39: 1
      FSC-A: 2
      cd8: 3
    sample_thresholds:
      S01_base: {CD39: 1}
      007_D28: {CD39: 1}
"""
    )
    unknown = "no population tree has a gate of this name"
    assert found(make_study({"study.yaml": text}), checks.check_thresholds) == [
        # S01_base is of panel tcell, 007_D28 of none
        "study.yaml, row 8, column analysis.flow.thresholds.CD39: 1 of the 2 tubes that this threshold is for have no "
        "gate of its name; found 'CD39'; set it for the panels or samples alone whose tree has it",
        f"study.yaml, row 10, column analysis.flow.thresholds.cd8: {unknown}; found 'cd8'; did you mean 'CD8'?",
        f"study.yaml, row 13, column analysis.flow.sample_thresholds.007_D28.CD39: {unknown}; found 'CD39'; "
        "did you mean 'CD3'?",
        f"study.yaml, row 4, column panels.tcell.thresholds.CD38: {unknown}; found 'CD38'; did you mean 'CD8'?",
    ]


def test_the_marker_of_infused_cells_has_a_gate_of_its_tube(make_study):
    samples = "sample,subject,visit,day,specimen,assay,path,panel,marked_population\n"
    samples += "S01_base,S01,baseline,-8,blood,flow,raw/a.fcs,tcell,TCR Vb2\n"
    text = START + "panels: {tcell: {thresholds: {TCR Vb2: 1}}}\n"
    assert found(make_study({"study.yaml": text, "samples.csv": samples}), checks.check_thresholds) == []


def test_frozen_cuts_without_a_panel_are_refused_where_tubes_are_of_several(make_study):
    text = START + "panels: {tcell: {}}\nanalysis: {flow: {cuts: cuts.csv}}\n"
    rows = "tcell,,,CD3,lymphocytes,B1-A,500,400,600,,,,20,5\n,,,CD4,CD3+,B2-A,500,400,600,,,,20,5\n"
    root = make_study({"study.yaml": text, "cuts.csv": CUTS + rows})
    assert found(root, checks.check_cuts) == [
        "cuts.csv, row 3, column panel: cuts without a panel would be lent to the tubes of every panel; expected the "
        "panel that the cuts are of, as the tubes are of 2: tcell, and none; name in each row the panel whose tubes "
        "gave the cut; cuts of a run name it already"
    ]
    # of one panel, they can be of no other
    alone = "sample,subject,visit,day,specimen,assay,path,panel\nS01_base,S01,baseline,-8,blood,flow,raw/a.fcs,tcell\n"
    root = make_study({"study.yaml": text, "cuts.csv": CUTS + rows, "samples.csv": alone})
    assert found(root, checks.check_cuts) == []


def test_frozen_cuts_that_cannot_be_read_are_told(make_study):
    text = START + "panels: {tcell: {}}\nanalysis: {flow: {cuts: cuts.csv}}\n"
    row = "tcell,,,CD3,lymphocytes,B1-A,500,600,700,,,,20,5\n"
    (problem,) = found(make_study({"study.yaml": text, "cuts.csv": CUTS + row}), checks.check_cuts)
    assert problem.startswith("cuts.csv, row 2, column lower: the lower end lies above the threshold")
