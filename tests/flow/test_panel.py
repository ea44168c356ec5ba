import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.panel import describe, find_cytokines, find_markers, own_channels


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        ("CD3 FITC", "CD3"),
        ("CD3 - PerCP", "CD3"),
        ("cd3", "CD3"),
        ("FITC-CD3", "CD3"),
        ("Leu-4", "CD3"),
        ("CD3e", "CD3"),
        ("CD 3", "CD3"),
        ("CD4", "CD4"),
        ("PE-Cy7_CD4", "CD4"),
        ("Leu-3a", "CD4"),
        ("CD8a", "CD8"),
        ("CD8 alpha", "CD8"),
        ("Leu-2a", "CD8"),
        ("抗人CD8抗体", "CD8"),
        ("CD4 Antikörper", "CD4"),
        ("CD45", "CD45"),
        ("CD19 APC", "CD19"),
        ("l/d", "viability"),
        ("LIVE/DEAD Aqua", "viability"),
        ("Zombie NIR", "viability"),
        ("ZombieUV", "viability"),
        ("DRAQ7", "viability"),
        ("SYTOX Blue", "viability"),
        ("7-AAD", "viability"),
        ("VIVID / CD14", "viability"),
        ("FSC-A", "FSC-A"),
        ("FS INT LIN", "FSC-A"),
        ("FSC", "FSC-A"),
        ("FSC-W", "FSC-W"),
        ("SS Log", "SSC-A"),
        ("TIME", "Time"),
    ],
)
def test_a_channel_is_known_by_the_names_that_people_write(text: str, marker: str) -> None:
    assert find_markers(["X"], [text]) == {marker: "X"}
    assert find_markers([text], [""]) == {marker: text}


@pytest.mark.parametrize(
    "text",
    [
        "CD30",
        "CD38",
        "CD33",
        "CD45RA",
        "CD45 RO",
        "CD45RO PE",
        "CD80",
        "CD86",
        "CD40",
        "CD127",
        "CD163",
        "CD1",
        "HLA-DR",
    ]
    + ["CD3/CD19/CD14 dump", "CD4+CD8", "抗CD3抗CD19", "抗人CD38抗体", "SSC-B-A", "TimeStamp2", "CD56bright9", ""],
)
def test_a_longer_number_or_a_dump_is_no_marker(text: str) -> None:
    assert find_markers(["X"], [text]) == {}


def test_one_stain_may_be_cd16_and_cd56() -> None:
    assert find_markers(["PE-A"], ["CD16+56"]) == {"CD16": "PE-A", "CD56": "PE-A"}
    assert find_markers(["PE-A"], ["CD16+CD56 PE"]) == {"CD16": "PE-A", "CD56": "PE-A"}


def test_area_is_taken_of_one_detectors_measures() -> None:
    channels = ["FITC-A", "FITC-H", "FITC-W", "FSC-A", "FSC-H"]
    found = find_markers(channels, ["CD3", "CD3", "CD3", "", ""])
    assert found == {"CD3": "FITC-A", "FSC-A": "FSC-A", "FSC-H": "FSC-H"}


def test_heights_stand_for_areas_where_there_are_no_areas() -> None:
    assert find_markers(["FSC-H", "SSC-H"], ["", ""]) == {"FSC-A": "FSC-H", "SSC-A": "SSC-H"}


def test_two_channels_of_one_marker_are_listed() -> None:
    with pytest.raises(AnalysisError) as error:
        find_markers(["FITC-A", "APC-A"], ["CD3", "CD3 clone 2"])
    assert "several channels answer to CD3: FITC-A (CD3), APC-A (CD3 clone 2)" in str(error.value)


def test_a_name_of_the_user_settles_it() -> None:
    found = find_markers(["FITC-A", "APC-A"], ["CD3", "CD3 clone 2"], {"CD3": ["apc-a"]})
    assert found == {"CD3": "APC-A"}


@pytest.mark.parametrize(
    ("name", "mark", "alias", "told"),
    [
        ("PE-Cy7-A", "CD8", "PE-Cy7-A", "CD4 by the panel, CD8 by the file's $PnS; found 'CD8'"),
        ("CD8-A", "stain 5", "stain 5", "CD4 by the panel, CD8 by the file's $PnN; found 'CD8-A'"),
        ("PE-Cy7-A", "Zombie NIR", "PE-Cy7-A", "CD4 by the panel, viability by the file's $PnS; found 'Zombie NIR'"),
        ("FSC-A", "stain 5", "stain 5", "CD4 by the panel, FSC-A by the file's $PnN; found 'FSC-A'"),
    ],
)
def test_a_panel_that_contradicts_the_file_is_refused(name: str, mark: str, alias: str, told: str) -> None:
    with pytest.raises(AnalysisError) as error:
        find_markers([name, "FITC-A"], [mark, ""], {"CD4": [alias], "CD8": ["FITC-A"], "viability": ["none"]})
    assert f"column {name}: the file and the panel contradict each other: {told}" in str(error.value)


@pytest.mark.parametrize(
    ("find", "marker", "mark"),
    [
        (find_markers, "CD4", "CD4 PE"),
        (find_cytokines, "IL-2", "IL-2 PE"),
        (lambda names, texts, aliases: own_channels(["CD39"], names, texts, aliases), "CD39", "CD39"),
    ],
)
def test_a_name_of_the_panel_that_the_tube_lacks_is_refused_where_another_channel_bears_the_marker(
    find, marker: str, mark: str
) -> None:
    told = rf"column {marker}: the tube has no channel of the name that the panel gives for {marker}; found 'FITC-B, F'"
    with pytest.raises(AnalysisError, match=told):
        find(["PE-A"], [mark], {marker: ["FITC-B", "F"]})
    assert find(["PE-A"], ["stain 5"], {marker: ["FITC-B", "F"]}) == {}


def test_swapped_labels_of_a_panel_are_refused() -> None:
    with pytest.raises(AnalysisError, match=r"CD4 by the panel, CD8 by the file's \$PnS"):
        find_markers(["A", "B"], ["CD8", "CD4"], {"CD4": ["A"], "CD8": ["B"]})


def test_a_panel_that_names_both_texts_or_a_dyes_detector_is_followed() -> None:
    both = {"CD4": ["A", "CD8"], "CD8": ["B", "CD4"]}
    assert find_markers(["A", "B"], ["CD8", "CD4"], both) == {"CD4": "A", "CD8": "B"}
    dapi = {"CD4": ["helper"], "viability": ["B"]}
    assert find_markers(["DAPI-A", "B"], ["helper", ""], dapi) == {"CD4": "DAPI-A", "viability": "B"}
    shared = {"CD56": ["PE-A"]}
    assert find_markers(["PE-A"], ["CD16+56"], shared) == {"CD56": "PE-A", "CD16": "PE-A"}


def test_a_users_name_is_compared_whole() -> None:
    assert find_markers(["V450-A"], ["Tcell"], {"CD3": ["T"]}) == {}


def test_a_channel_name_that_occurs_twice_is_refused() -> None:
    with pytest.raises(AnalysisError, match="several channels answer to CD3"):
        find_markers(["FL1", "FL1"], ["CD3", "CD3"])


@pytest.mark.parametrize("markers", [["CD3", ""], ["", "CD3"]])
def test_a_namesake_of_a_markers_channel_is_refused(markers: list[str]) -> None:
    with pytest.raises(AnalysisError, match="more than one channel bears the name of the channel of CD3; found 'FL1'"):
        find_markers(["FL1", "FL1"], markers)
    assert find_markers(["FL1", "FL2", "FL2"], ["CD3", "", ""]) == {"CD3": "FL1"}


def test_one_channel_for_two_markers_is_refused() -> None:
    with pytest.raises(AnalysisError, match="one channel answers to several markers: CD4, CD8"):
        find_markers(["A"], [""], {"CD4": ["A"], "CD8": ["A"]})


def test_many_channels_are_listed_in_part() -> None:
    assert describe(["A", "B"], ["CD3", ""]) == "A (CD3), B"
    assert describe([f"C{i}" for i in range(100)], [""] * 100).endswith("C59 and 40 more")
