"""Reading 1M AIRR rows: tilseq beside polars' own scan of the same columns (the limit), and vdjtools 5 (a peer).

The table has 17 columns and 363 MB: TRB rearrangements of random junctions, each once, with Zipf counts. Each run is a
fresh process; the readers take turns, so that a busy machine slows all alike. Time is that of reading, without imports:
by the clock, and of the processors, which other work on the machine changes less.
Polars scans the eight columns of which tilseq makes clonotypes, and does nothing with them. vdjtools (GPL-3) lives in
an environment of its own, whose Python TILSEQ_VDJTOOLS names; it is left out where that is not set.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COLUMNS = "sequence_id v_call j_call junction junction_aa productive locus duplicate_count".split()
READERS = {
    "polars scan": ("import polars as pl", f"pl.scan_csv(path, separator='\\t').select({COLUMNS!r}).collect()"),
    "tilseq": ("from tilseq.io.clonotypes import read_clonotypes", "read_clonotypes(path).table"),
    "vdjtools": ("from vdjtools.io import read_airr", "read_airr(path)"),
}
CHILD = """
import json, resource, sys, time
path = sys.argv[1]
{imports}
start, used = time.perf_counter(), time.process_time()
table = {read}
seconds = [time.perf_counter() - start, time.process_time() - used]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([*seconds, peak, len(table), int(table['duplicate_count'].sum())]))
"""
CODONS = (
    "GCT CGT AAT GAT TGT CAA GAA GGT CAT ATT CTT AAA ATG TTT CCT TCT ACT TGG TAT GTT GCC CGC AAC GAC CAG GAG GGC CAC "
    "ATC CTC AAG TTC CCC AGC ACC TAC GTC"
).split()
AMINO_ACIDS = "ARNDCQEGHILKMFPSTWYVARNDQEGHILKFPSTYV"


def write_example(path: Path, rows: int) -> None:
    """Write an AIRR table whose junctions all differ."""
    import numpy as np

    random = np.random.default_rng(1)
    genes = [f"TRBV{name}*01" for name in "2 4-1 5-1 6-1 6-5 7-2 7-9 9 11-2 12-3 18 19 20-1 27 28 29-1 30".split()]
    joins = [f"TRBJ{name}*01" for name in "1-1 1-2 1-3 1-4 1-5 2-1 2-2 2-3 2-5 2-7".split()]
    counts = np.minimum(random.zipf(1.8, rows), 10**6)
    sequence, header = "ACGT" * 60, "sequence_id sequence rev_comp productive v_call d_call j_call c_call"
    header += (
        " sequence_alignment germline_alignment junction junction_aa v_cigar d_cigar j_cigar locus duplicate_count"
    )
    seen = set[str]()
    with path.open("w") as stream:
        stream.write("\t".join(header.split()) + "\n")
        for number, count in enumerate(counts):
            while True:
                middle = random.integers(0, len(CODONS), random.integers(8, 13))
                junction = "TGTGCC" + "".join(CODONS[i] for i in middle) + "TTC"
                if junction not in seen:
                    break
            seen.add(junction)
            amino = "CA" + "".join(AMINO_ACIDS[i] for i in middle) + "F"
            v, j = genes[number % len(genes)], joins[number % len(joins)]
            cells = [f"s{number}", sequence, "F", "T", v, "TRBD1*01", j, "TRBC1", "", "", junction, amino]
            stream.write("\t".join([*cells, "100M", "10M", "40M", "TRB", str(count)]) + "\n")


def measure(name: str, path: Path) -> tuple[float, float, int, int, int]:
    """Return seconds by the clock and of the processors, peak kilobytes, rows and the sum of counts of one process."""
    imports, read = READERS[name]
    python = os.environ["TILSEQ_VDJTOOLS"] if name == "vdjtools" else sys.executable
    command = [python, "-c", CHILD.format(imports=imports, read=read), str(path)]
    clock, used, peak, rows, counts = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return clock, used, peak, rows, counts


def main() -> None:
    """Print the table of this benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    here = [name for name in READERS if name != "vdjtools" or "TILSEQ_VDJTOOLS" in os.environ]
    results: dict[str, list[tuple[float, float, int, int, int]]] = {name: [] for name in here}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.tsv"
        write_example(path, arguments.rows)
        for _ in range(arguments.repeats):
            for name in here:
                results[name].append(measure(name, path))
    if len({runs[0][3:] for runs in results.values()}) > 1:
        raise SystemExit(f"the readers disagree on rows and counts: { {n: r[0][3:] for n, r in results.items()} }")
    heads = ("time, x scan", "of turns", "processors' time, x scan", "of turns", "peak memory, MB")
    print(f"| {arguments.rows:,} AIRR rows | {' | '.join(heads)} |")
    print("|-|-|-|-|-|-|")
    for name, runs in results.items():
        cells = [name]
        for kind in (0, 1):
            limit = [run[kind] for run in results["polars scan"]]
            ratios = [run[kind] / least for run, least in zip(runs, limit, strict=True)]
            median = statistics.median(run[kind] for run in runs) / statistics.median(limit)
            cells += [f"{median:.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"]
        print(f"| {' | '.join(cells)} | {statistics.median(run[2] for run in runs) / 1000:.0f} |")


if __name__ == "__main__":
    main()
