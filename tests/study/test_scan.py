import pytest

from tilseq.errors import ReadError
from tilseq.study.read import examine, read_study
from tilseq.study.scan import number_replicates, scan
from tilseq.study.template import write_draft

TCR = "v_call\tj_call\tjunction\tjunction_aa\tduplicate_count\nTRBV1\tTRBJ1\tTGT\tCF\t{}\n"


@pytest.fixture
def root(tmp_path):
    """Files of two subjects as a laboratory may have left them."""
    texts = {
        "S01_baseline_FACS.fcs": "FCS3.1 1",
        "S01_D7_FACS.fcs": "FCS3.1 2",
        "S01_D7_TCR.tsv": TCR.format(1),
        "S01_product_TCR.tsv": TCR.format(2),
        "S02_V99_FACS.fcs": "FCS3.1 3",
        "README.txt": "x",
        "S_02_D7_FACS.fcs": "FCS3.1 4",
        ".hidden_D7_FACS.fcs": "FCS3.1 5",
    }
    (tmp_path / "raw").mkdir()
    for name, text in texts.items():
        (tmp_path / "raw" / name).write_text(text)
    return tmp_path


def test_a_draft(root):
    draft = scan(root / "raw", root, "{subject}_{visit}_{assay}")
    assert draft.subjects == ["S01", "S02"]
    assert draft.visits == {"baseline": -7, "product": 0, "D7": 7, "V99": None}
    assert draft.samples[1] == {
        "subject": "S01",
        "visit": "D7",
        "assay": "tcr",
        "specimen": "blood",
        "comment": "guessed: specimen",
        "path": "raw/S01_D7_TCR.tsv",
        "sample": "S01_D7_TCR",
    }
    assert [(row["visit"], row["specimen"]) for row in draft.samples] == [
        ("D7", "blood"),
        ("D7", "blood"),
        ("baseline", "blood"),
        ("product", "infusion_product"),
        ("V99", "blood"),
    ]
    assert draft.left_out == {
        "README.txt": "does not match the pattern",
        "S_02_D7_FACS.fcs": "can be read in two ways: subject 'S', visit '02', assay 'D7_FACS'; "
        "or subject 'S', visit '02_D7', assay 'FACS'",
    }


def test_the_draft_passes_all_checks_once_what_it_asks_for_is_filled_in(root):
    write_draft(root, scan(root / "raw", root, "{subject}_{visit}_{assay}"))
    assert [str(problem) for problem in examine(root).problems] == [
        "study.yaml, row 22, column visits.V99.day: a value is missing; expected a whole number"
    ]
    settings = root / "study.yaml"
    settings.write_text(settings.read_text().replace("{day: null}", "{day: 99}"))
    study = read_study(root)
    assert study.samples["day"].to_list() == [7, 7, -7, 0, 99]
    assert study.subjects["tumor_type"].to_list() == ["other", "other"]
    assert list(study.infusions.select("subject", "infusion", "day").iter_rows()) == [("S01", 1, 0), ("S02", 1, 0)]


def test_where_sdtm_has_the_tumours_no_tables_of_ours_are_drafted_beside_it(root):
    (root / "clinical").mkdir()
    (root / "clinical" / "tr.csv").write_text("USUBJID\n")
    written = write_draft(root, scan(root / "raw", root, "{subject}_{visit}_{assay}"))
    names = {path.name for path in written}
    assert not {"lesions.csv", "responses.csv"} & names and {"followup.csv", "samples.csv"} <= names
    assert not (root / "clinical" / "lesions.csv").exists()
    assert not [problem for problem in examine(root).problems if "twice" in str(problem)]


def test_receptors_of_single_cells_are_known_by_the_words_of_the_sample_study(root):
    (root / "raw" / "S01_D7_sctcr.csv").write_text("x")
    draft = scan(root / "raw", root, "{subject}_{visit}_{assay}")
    (row,) = [row for row in draft.samples if row["path"].endswith("sctcr.csv")]
    assert row["assay"] == "tcr"


def test_what_the_pattern_lacks_is_read_from_the_first_bytes(root):
    draft = scan(root / "raw", root, "{subject}_{visit}_{_}")
    assert [row["assay"] for row in draft.samples] == ["flow", "tcr", "flow", "tcr", "flow"]
    (root / "raw" / "S03_D7_x.bin").write_text("?")
    draft = scan(root / "raw", root, "{subject}_{visit}_{_}")
    assert draft.left_out["S03_D7_x.bin"] == "its first bytes do not tell an assay; put {assay} into the pattern"


def test_a_file_that_is_not_what_its_name_says_is_remarked(root):
    (root / "raw" / "S03_D7_TCR.tsv").write_text("FCS3.1 9")
    draft = scan(root / "raw", root, "{subject}_{visit}_{assay}")
    assert draft.samples[-1]["comment"] == "guessed: specimen; the file looks like flow"


def test_days_timing_and_specimens_of_the_pattern(root):
    for name in ("S01/PBMC_D007_pre.fcs", "S01/PBMC_D008_pre.fcs", "S01/PBMC_D008_noon.fcs"):
        path = root / "more" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"FCS3.1 {name}")
    draft = scan(root / "more", root, "{subject}/{specimen}_D{day}_{timing}")
    assert [(row["day"], row["visit"], row["specimen"], row["timing"]) for row in draft.samples] == [
        ("7", "D7", "blood", "pre"),
        ("8", "D8", "blood", "pre"),
    ]
    assert draft.visits == {"D7": 7, "D8": 8}
    assert draft.left_out == {"S01/PBMC_D008_noon.fcs": "timing 'noon' is not known; known are pre, post"}


def test_a_word_of_another_field_says_which(root):
    (root / "raw" / "S02_D7_PBMC.fcs").write_text("FCS3.1 6")
    told = scan(root / "raw", root, "{subject}_{visit}_{assay}").left_out["S02_D7_PBMC.fcs"]
    assert told == (
        "assay 'PBMC' is not known (specimen blood: write {specimen}, or * there); "
        "known are flow, cytokine, tcr, bcr, scrna, bulk_rna; or write {_} there, and the first bytes tell"
    )


def test_files_alike_are_numbered_and_named_apart(root):
    for name in ("a/S01_D7.fcs", "b/S01_D7.fcs", "b/S01_D7.fcs.lmd"):
        (root / "tubes" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "tubes" / name).write_text(f"FCS3.1 {name}")
    draft = scan(root / "tubes", root, "*/{subject}_{visit}")
    number_replicates(draft.samples)
    assert [(row["sample"], row["replicate"], row["comment"]) for row in draft.samples] == [
        ("S01_D7", "1", "guessed: specimen; guessed: replicate"),
        ("S01_S01_D7", "2", "guessed: specimen; guessed: replicate"),
        ("S01_D7_flow", "3", "guessed: specimen; guessed: replicate"),
    ]
    write_draft(root, draft)
    assert read_study(root).samples.height == 3


def test_tubes_of_several_panels_are_no_replicates(root):
    for name in ("S01_D7_a", "S01_D7_b", "S01_D7_c"):
        (root / "tubes").mkdir(exist_ok=True)
        (root / "tubes" / f"{name}.fcs").write_text(f"FCS3.1 {name}")
    draft = scan(root / "tubes", root, "{subject}_{visit}_{_}")
    for row, panel in zip(draft.samples, ("memory", "memory", "exhaustion"), strict=True):
        row["panel"] = panel
    number_replicates(draft.samples)
    assert [row.get("replicate") for row in draft.samples] == ["1", "2", None]


def test_stimulated_tubes_are_told_by_the_pattern(root):
    for stimulus in ("PMA", "CEF", "unstim"):
        (root / "tubes").mkdir(exist_ok=True)
        (root / "tubes" / f"S01_D7_ICS_{stimulus}.fcs").write_text(f"FCS3.1 {stimulus}")
    draft = scan(root / "tubes", root, "{subject}_{visit}_{_}_{stimulus}")
    number_replicates(draft.samples)
    assert [(row["role"], row.get("stimulus"), row.get("replicate"), row["comment"]) for row in draft.samples] == [
        ("stimulated", "CEF", None, "guessed: specimen; guessed: role"),
        ("stimulated", "PMA", None, "guessed: specimen; guessed: role"),
        ("unstimulated", None, None, "guessed: specimen; guessed: role"),
    ]
    write_draft(root, draft)
    assert read_study(root).samples["role"].to_list() == ["stimulated", "stimulated", "unstimulated"]


def test_hostile_names_are_listed_and_never_written(root):
    names = ["=1+1_D7_flow.fcs", "@x_D7_flow.fcs", "S\u200b3_D7_flow.fcs", "S;3_D7_flow.fcs", "S\n3_D7_flow.fcs"]
    names += [" S3_D7_flow.fcs", "'\"<b>_D7_flow.fcs"]
    for name in names:
        (root / "raw" / name).write_text(f"FCS3.1 {name}")
    (root / "raw" / "S9_D7_flow.fcs").symlink_to("/etc/passwd")
    (root / "raw" / "store").symlink_to("/etc")
    draft = scan(root / "raw", root, "{subject}_{visit}_{assay}")
    links = {name for name, why in draft.left_out.items() if why == "a link; put the file itself there"}
    assert links == {"S9_D7_flow.fcs", "store"}
    assert len(draft.left_out) == 2 + 6 + len(links)
    assert draft.left_out["=1+1_D7_flow.fcs"] == "subject '=1+1' holds what a spreadsheet would run; rename it"
    write_draft(root, draft)
    assert "'\"<b>" in draft.subjects
    (root / "study.yaml").write_text((root / "study.yaml").read_text().replace("{day: null}", "{day: 99}"))
    assert "'\"<b>" in read_study(root).subjects["subject"].to_list()


def test_a_folder_with_a_name_that_a_spreadsheet_would_run(tmp_path):
    (tmp_path / "=raw").mkdir()
    (tmp_path / "=raw" / "S01_D7_flow.fcs").write_text("FCS3.1")
    draft = scan(tmp_path / "=raw", tmp_path, "{subject}_{visit}_{assay}")
    assert draft.samples[0]["path"] == "./=raw/S01_D7_flow.fcs"
    write_draft(tmp_path, draft)
    assert read_study(tmp_path).samples.height == 1


def test_visits_that_yaml_would_misread(root):
    for visit in ("yes", "007", "null", "a: b", "#x", '"q"', "1e5", "🧬"):
        (root / "odd").mkdir(exist_ok=True)
        (root / "odd" / f"S01_{visit}_flow.fcs").write_text(f"FCS3.1 {visit}")
    draft = scan(root / "odd", root, "{subject}_{visit}_{assay}")
    write_draft(root, draft)
    (root / "study.yaml").write_text((root / "study.yaml").read_text().replace("{day: null}", "{day: 99}"))
    assert set(read_study(root).settings.visits) == set(draft.visits)
    assert len(draft.visits) == 8


def test_refused(root, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    with pytest.raises(ReadError, match=f"must lie inside .* tilseq init {other} --scan {other}"):
        scan(other, root, "{subject}_{visit}")
    with pytest.raises(ReadError, match="no such folder"):
        scan(root / "none", root, "{subject}_{visit}")
    with pytest.raises(
        ReadError, match=r"no file here .*; expected \{subject\}-\{visit\}; .*seen: 'README.txt' \(does"
    ):
        scan(root / "raw", root, "{subject}-{visit}")


@pytest.mark.parametrize(("place", "said"), [("flow", "*/"), ("run7/flow", "*/*/")])
def test_files_in_folders_below_are_told_the_pattern_that_reads_them(tmp_path, place, said):
    folder = tmp_path / "raw" / place
    folder.mkdir(parents=True)
    (folder / "S01_D7_FACS.fcs").write_text("FCS3.1 1")
    with pytest.raises(ReadError) as caught:
        scan(tmp_path / "raw", tmp_path, "{subject}_{visit}_{assay}")
    pattern = said + "{subject}_{visit}_{assay}"
    assert f"for files in folders below it write --pattern '{pattern}'" in str(caught.value)
    assert [row["sample"] for row in scan(tmp_path / "raw", tmp_path, pattern).samples] == ["S01_D7_FACS"]


def test_products_of_several_lots_are_products(tmp_path):
    for name in ("S01_productA_FACS", "S01_productB_FACS", "S01_D7_FACS"):
        (tmp_path / f"{name}.fcs").write_text(f"FCS3.1 {name}")
    draft = scan(tmp_path, tmp_path, "{subject}_{visit}_{assay}")
    assert [(row["specimen"], row.get("lot"), row["comment"]) for row in draft.samples] == [
        ("blood", None, "guessed: specimen"),
        ("infusion_product", "A", "guessed: specimen; guessed: lot"),
        ("infusion_product", "B", "guessed: specimen; guessed: lot"),
    ]
    assert draft.visits == {"productA": 0, "productB": 0, "D7": 7}
    write_draft(tmp_path, draft)
    assert examine(tmp_path).problems == []


def test_panels_stand_in_the_settings_and_may_bear_any_name(tmp_path):
    (tmp_path / "S01_D7_FACS.fcs").write_text("FCS3.1")
    draft = scan(tmp_path, tmp_path, "{subject}_{visit}_{assay}")
    draft.samples[0]["panel"] = "p: 1"
    write_draft(tmp_path, draft, {"p: 1": {"CD3": "FITC-A", 'a "b" #': "<PE>"}})
    study = read_study(tmp_path)
    assert study.settings.panels["p: 1"].markers == {"CD3": ["FITC-A"], 'a "b" #': ["<PE>"]}
    assert study.samples["panel"].to_list() == ["p: 1"]
