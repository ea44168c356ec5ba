"""What `airr` 2.0.0 (CC-BY-4.0) says of rearrangement tables: of ours, and of eight faults that it lets pass.

Run with airr in an environment of its own:

    python -m venv /tmp/airr && /tmp/airr/bin/pip install airr==2.0.0
    /tmp/airr/bin/python tests/oracles/airr_validate.py [file written by `tilseq repertoire convert` ...]

Result of 2026-11-27: `the sound table passes`, `passes` eight times, and `passes` for every file converted from the
real tables of test_clonotypes_real.py.
"""

REQUIRED = (
    "sequence_id sequence rev_comp productive v_call d_call j_call sequence_alignment germline_alignment junction "
    "junction_aa v_cigar d_cigar j_cigar"
).split()
NAMES = [*REQUIRED, "locus", "duplicate_count"]
ROW = {
    **dict.fromkeys(NAMES, ""),
    **{"rev_comp": "F", "productive": "T", "v_call": "TRBV28*01", "j_call": "TRBJ2-7*01", "locus": "TRB"},
}
ROWS = (
    {**ROW, "sequence_id": "a", "junction": "TGTGCATTC", "junction_aa": "CAF", "duplicate_count": "3"},
    {**ROW, "sequence_id": "b", "junction": "TGTGAATTC", "junction_aa": "CEF", "duplicate_count": "4"},
)


def rearrangements(**changed: str) -> str:
    """Return a sound table of two rows, or one whose second row is changed."""
    rows = [ROWS[0], {**ROWS[1], **changed}]
    return "\n".join("\t".join(cells) for cells in (NAMES, *([row[n] for n in NAMES] for row in rows))) + "\n"


FAULTS = {
    "a row is short": rearrangements().removesuffix("\t4\n") + "\n",
    "a column stands twice": rearrangements().replace("\tlocus\t", "\tjunction\t"),
    "a sequence_id stands twice": rearrangements(sequence_id="a"),
    "a count is negative": rearrangements(duplicate_count="-4"),
    "a count is written with an underscore": rearrangements(duplicate_count="1_000"),
    "a locus is unknown": rearrangements(locus="TRX"),
    "junction_aa is not what the junction codes for": rearrangements(junction_aa="CWF"),
    "V and J are of two loci": rearrangements(v_call="TRAV1-1*01", locus=""),
}

if __name__ == "__main__":
    import sys
    import tempfile
    from pathlib import Path

    from airr import validate_rearrangement

    def said(path: Path | str) -> str:
        return "passes" if validate_rearrangement(str(path), debug=True) else "fails"

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tsv"
        for name, text in {"the sound table": rearrangements(), **FAULTS}.items():
            path.write_text(text)
            print(name, said(path))
    for given in sys.argv[1:]:
        print(given, said(given))
