import hashlib
import os

import numpy as np
import pytest

from tilseq.io.fcs_write import write_fcs
from tilseq.study.files import check_files
from tilseq.study.read import examine

HEADER = "sample,subject,visit,specimen,assay,path,member,locus,status,sha256,replicate\n"


def problems_of(root):
    return [
        f"{problem.row}, {problem.column}: {str(problem).split(': ', 1)[1]}" for problem in check_files(examine(root))
    ]


def samples(*rows):
    return {"samples.csv": HEADER + "".join(f"s{i},S01,D28,blood,{row},{i}\n" for i, row in enumerate(rows))}


def test_a_sound_study(make_study):
    assert problems_of(make_study()) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/a.fc", "there is no such file; found 'raw/a.fc'; did you mean 'a.fcs'?"),
        ("raw/A.FCS", "there is no such file; found 'raw/A.FCS'; did you mean 'a.fcs'? "
         "They differ only in case or Unicode form"),
        ("row/a.fcs", "there is no such file; found 'row/a.fcs'; there is no folder 'row'"),
        ("raw\\a.fcs", "there is no such file; found 'raw\\\\a.fcs'; write / between folders"),
        ("raw/a.fcs/b", "there is no such file; found 'raw/a.fcs/b'; there is no folder 'raw/a.fcs'"),
        ("raw", "a folder, not a file; found 'raw'"),
        ("raw/a.fcs;", "an empty path; found ''; remove the extra `;`"),
        ("../demo/raw/a.fcs", "a path may not climb by `..`; found '../demo/raw/a.fcs'; "
         "put the file into the study folder and name it from there"),
        ("raw/../../x", "a path may not climb by `..`; found 'raw/../../x'; "
         "put the file into the study folder and name it from there"),
        ("..\\x", "a path may not climb by `..`; found '..\\\\x'; "
         "put the file into the study folder and name it from there"),
        ("/etc/passwd", "an absolute path; found '/etc/passwd'; "
         "put the file into the study folder and name it from there"),
        ("~/x", "an absolute path; found '~/x'; put the file into the study folder and name it from there"),
        ("C:\\x", "an absolute path; found 'C:\\\\x'; put the file into the study folder and name it from there"),
        ("raw/\x1b.fcs", "a control character in the path; found 'raw/\\x1b.fcs'; rename the file"),
        ("raw/" + "x" * 300, "cannot be read: File name too long; found 'raw/" + "x" * 74 + "…"),
    ],
)  # fmt: skip
def test_paths(make_study, path, told):
    assert problems_of(make_study(samples(f"flow,{path},,,,"))) == [f"2, path: {told}"]


def test_links(make_study, tmp_path):
    root = make_study(samples("flow,out,,,,", "flow,dangling,,,,", "flow,loop,,,,", "flow,inside,,,,", "flow,up/x,,,,"))
    (tmp_path / "x").write_text("x")
    for name, target in {"out": "../x", "dangling": "none", "loop": "loop", "inside": "raw/a.fcs", "up": ".."}.items():
        (root / name).symlink_to(target)
    assert [text.split(";")[0] for text in problems_of(root)] == [
        "2, path: a link that leaves the study folder",
        "3, path: a link to nothing",
        "4, path: cannot be read: Too many levels of symbolic links",
        "6, path: a link that leaves the study folder",
    ]


def test_a_study_reached_through_a_link_is_the_same(make_study, tmp_path):
    (tmp_path / "link").symlink_to(make_study())
    assert problems_of(tmp_path / "link") == []


def test_a_pipe_is_refused_and_not_waited_for(make_study):
    root = make_study(samples(f"flow,pipe,,,,{'0' * 64}"))
    os.mkfifo(root / "pipe")
    assert problems_of(root) == ["2, path: not a regular file; found 'pipe'"]


def test_a_sample_needs_a_file_unless_it_failed(make_study):
    rows = ("flow,,,,,", "flow,,,,failed,", "flow,raw/none,,,failed,", "flow,raw/a.fcs,,,failed,")
    mend = "name its file, or write `failed` under status"
    assert problems_of(make_study(samples(*rows))) == [f"2, path: this sample has no file; {mend}"]


def test_a_failed_sample_may_not_climb_either(make_study):
    assert len(problems_of(make_study(samples("flow,../x,,,failed,")))) == 1


def test_one_file_of_two_samples(make_study):
    told = "this file is that of 's0' in row 2; found 'raw/a.fcs'; "
    told += "give each sample its own file, or say by `member` or `locus` which part"
    assert problems_of(make_study(samples("tcr,raw/a.fcs,,,,", "tcr,raw/a.fcs,,,,"))) == [f"3, path: {told}"]
    assert problems_of(make_study(samples("tcr,raw/a.fcs,1,,,", "tcr,raw/a.fcs,1,,,"))) == [f"3, path: {told}"]
    assert problems_of(make_study(samples("tcr,raw/a.fcs,1,,,", "tcr,raw/a.fcs,2,,,"))) == []
    assert problems_of(make_study(samples("tcr,raw/a.fcs,,TRA,,", "tcr,raw/a.fcs,,TRB,,"))) == []
    assert problems_of(make_study(samples("tcr,raw/a.fcs,,,,", "bcr,raw/a.fcs,,,,"))) == []
    assert problems_of(make_study(samples("tcr,raw/a.fcs;raw/a.fcs,,,,"))) == [
        "2, path: this file is named twice; found 'raw/a.fcs'; name it once"
    ]


@pytest.mark.parametrize(
    ("assay", "first", "second"),
    [
        ("flow", ",", "0,"),
        ("flow", "0,", "00,"),
        ("scrna", ",", "sample=B,"),
        ("tcr", ",", ",TRB"),
        ("tcr", ",TRB", ","),
    ],
)
def test_a_part_of_a_file_beside_the_whole_is_two_samples_of_the_same_cells(make_study, assay, first, second):
    root = make_study(samples(f"{assay},raw/a.fcs,{first},,", f"{assay},raw/a.fcs,{second},,"))
    assert [text.split(";")[0] for text in problems_of(root)] == ["3, path: this file is that of 's0' in row 2"]


def test_one_file_under_two_paths(make_study):
    root = make_study(samples("tcr,raw/a.fcs,,,,", "tcr,raw/hard,,,,", "tcr,raw/soft,,,,"))
    os.link(root / "raw/a.fcs", root / "raw/hard")
    (root / "raw/soft").symlink_to("a.fcs")
    assert [text.split(";")[0] for text in problems_of(root)] == [
        "3, path: this file is that of 's0' in row 2",
        "4, path: this file is that of 's0' in row 2",
    ]


def test_copies(make_study):
    rows = samples("tcr,raw/a.fcs,1,,,", "tcr,raw/copy,2,,,", "tcr,raw/like,,,,", "tcr,raw/none,,,,", "tcr,raw/nil,,,,")
    root = make_study({**rows, "raw/copy": "file a", "raw/like": "file x", "raw/none": "", "raw/nil": ""})
    assert problems_of(root) == [
        "3, path: the same content as 'raw/a.fcs' of 's0' in row 2; found 'raw/copy'; one of them is the wrong file"
    ]


def test_copies_that_differ_only_far_from_the_start(make_study):
    head = "x" * 100_000
    rows = samples("tcr,raw/a,,,,", "tcr,raw/b,,,,", "tcr,raw/c,,,,")
    root = make_study({**rows, "raw/a": head + "1", "raw/b": head + "2", "raw/c": head + "2"})
    assert [text.split(";")[0] for text in problems_of(root)] == [
        "4, path: the same content as 'raw/b' of 's1' in row 3"
    ]


@pytest.mark.parametrize(("events_of_each", "copies"), [(200, 1), (9, 0)])
def test_tubes_of_the_same_events_are_copies_whatever_they_are_called(make_study, events_of_each, copies):
    root = make_study(samples("flow,raw/1.fcs,,,,", "flow,raw/2.fcs,,,,", "flow,raw/3.fcs,,,,"))
    for number, (name, event) in enumerate([("D7", 1.0), ("a tube of D28", 1.0), ("D84", 2.0)], start=1):
        events = np.array([[event, 5.0]] * events_of_each)
        write_fcs(root / f"raw/{number}.fcs", events, ["FSC-A", "SSC-A"], keywords={"$FIL": name})
    told = "3, path: the same content as 'raw/1.fcs' of 's0' in row 2; found 'raw/2.fcs'; one of them is the wrong file"
    assert problems_of(root) == [told] * copies


def test_the_genes_of_two_matrices_may_be_the_same(make_study):
    rows = samples("scrna,a/matrix.mtx;a/features.tsv.gz,,,,", "scrna,b/matrix.mtx;b/features.tsv.gz,,,,")
    texts = {"a/matrix.mtx": "1", "b/matrix.mtx": "2", "a/features.tsv.gz": "CD3E", "b/features.tsv.gz": "CD3E"}
    assert problems_of(make_study({**rows, **texts})) == []


def test_sums(make_study):
    right, other = hashlib.sha256(b"file a").hexdigest(), hashlib.sha256(b"file b").hexdigest()
    sums = (right, right.upper(), other, "123", f"{right};{right}", "")
    for sum_, told in zip(
        sums,
        (
            [],
            [],
            [
                f"2, sha256: the file 'raw/a.fcs' is not the one that was registered; found '{right}'; "
                f"expected {other}; restore the file, or register the new one"
            ],
            ["2, sha256: not the SHA-256 of each file; found '123'; expected 64 hexadecimal digits"],
            ["2, sha256: not the SHA-256 of each file; found 2; expected 1, one a file, parted by `;`"],
            [],
        ),
        strict=True,
    ):
        assert problems_of(make_study(samples(f"tcr,raw/a.fcs,,,,{sum_}"))) == told
    assert problems_of(make_study(samples(f"tcr,raw/a.fcs;raw/b.tsv,,,,{right};{other}"))) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("sets.gmt", []),
        ("none.gmt", ["6, analysis.expression.gene_sets: there is no such file; found 'none.gmt'"]),
        (
            "../x.gmt",
            [
                "6, analysis.expression.gene_sets: a path may not climb by `..`; found '../x.gmt'; "
                "put the file into the study folder and name it from there"
            ],
        ),
    ],
)
def test_gene_sets(make_study, path, told):
    text = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\npanels: {tcell: {}}\n"
    text += f"analysis:\n  expression:\n    gene_sets: {path}\n"
    assert problems_of(make_study({"study.yaml": text, "sets.gmt": "x"})) == told
    text = text.replace("gene_sets", "transcripts")
    told = [line.replace("gene_sets", "transcripts") for line in told]
    assert problems_of(make_study({"study.yaml": text, "sets.gmt": "x"})) == told


def test_files_of_gates_and_cuts(make_study):
    text = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\npanels: {tcell: {}}\n"
    text += "gates:\n  tcell: {file: gates/a.wsp}\n  S01_base:\n    file: /a.xml\nanalysis: {flow: {cuts: cuts.csv}}\n"
    assert problems_of(make_study({"study.yaml": text})) == [
        "8, analysis.flow.cuts: there is no such file; found 'cuts.csv'",
        "5, gates.tcell.file: there is no such file; found 'gates/a.wsp'",
        "7, gates.S01_base.file: an absolute path; found '/a.xml'; "
        "put the file into the study folder and name it from there",
    ]
    named = {"gates/a.wsp": "x", "gates/b.xml": "x", "cuts.csv": "x"}
    assert problems_of(make_study({"study.yaml": text.replace("/a.xml", "gates/b.xml"), **named})) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, ["3, panels.tcell.spill: there is no such file; found 'spill.csv'"]),
        ("dye,A\nA,x\n", ["2, A: a cell of the spillover matrix is not a finite number; found 'x'; "
         "expected a number such as 0.05"]),
        ("dye,A\nA,1\n", []),
    ],
)  # fmt: skip
def test_the_spillover_of_a_panel_is_read(make_study, text, told):
    settings = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\n"
    files = {"study.yaml": settings + "panels: {tcell: {spill: spill.csv}}\n"}
    root = make_study(files if text is None else {**files, "spill.csv": text})
    assert problems_of(root) == told


@pytest.mark.parametrize("packed", [False, True])
def test_clonotype_tables_of_a_header_alone_are_no_copies(make_study, packed):
    import gzip

    names = ("raw/one.tsv.gz", "raw/two.tsv.gz", "raw/full.tsv", "raw/copy.tsv")
    root = make_study(samples(*(f"tcr,{name},{number},,," for number, name in enumerate(names))))
    header = b"v_call\tjunction\n"
    for name in names[:2]:
        (root / name).write_bytes(gzip.compress(header, mtime=0) if packed else header)
    for name in names[2:]:
        (root / name).write_bytes(header + b"TRBV1\tAAA\n")
    assert [problem for problem in problems_of(root) if "same content" in problem] == [
        "5, path: the same content as 'raw/full.tsv' of 's2' in row 4; found 'raw/copy.tsv'; "
        "one of them is the wrong file"
    ]
