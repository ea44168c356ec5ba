"""Overlap of all pairs of 60 samples x 50,000 clonotypes: tilseq beside vdjtools, a peer, and plain joins of polars.

Each run is a fresh process that holds all tables in memory as it starts the clock, so that reading is left out. tilseq
gives seven indices, vdjtools (`pairwise_distances`, on two threads as tilseq's polars) the one asked for, the joins the
shared clones and F2. All must find the same shared clones. The programs take turns, so that a busy machine slows all
alike. vdjtools runs in an environment of its own, whose Python TILSEQ_VDJTOOLS names; it is left out where that is not
set. A second table tells of time and peak memory of one large comparison, its samples made one after another.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLES, CLONES, REPEATS = 60, 50_000, 3
POOL = 800_000
LARGE = ((100, 100_000), (1000, 100_000))

LOAD = """
import json, sys, time
from itertools import combinations
from pathlib import Path
import polars as pl
tables = {path.stem: pl.read_parquet(path) for path in sorted(Path(sys.argv[1]).glob('*.parquet'))}
"""
PROGRAMS = {
    "tilseq": """
from tilseq.repertoire import overlap
overlap({name: table.head(10) for name, table in list(tables.items())[:2]})
start, used = time.perf_counter(), time.process_time()
found = overlap(tables)
taken = time.perf_counter() - start, time.process_time() - used
shared = int(found.filter(parameter='shared_clones')['value'].sum())
""",
    "joins of polars": """
start, used = time.perf_counter(), time.process_time()
shares = [table.select('junction', f=pl.col('duplicate_count') / pl.col('duplicate_count').sum())
          for table in tables.values()]
found = [a.join(b, on='junction').select(pl.len(), (pl.col('f') * pl.col('f_right')).sqrt().sum()).row(0)
         for a, b in combinations(shares, 2)]
taken = time.perf_counter() - start, time.process_time() - used
shared = sum(clones for clones, _ in found)
""",
    "vdjtools": """
from vdjtools.overlap.cluster import pairwise_distances
tables = {name: table.rename({'junction': 'junction_nt'}) for name, table in tables.items()}
start, used = time.perf_counter(), time.process_time()
found = pairwise_distances(tables, metric='D', key=('junction_nt',), form='long')
taken = time.perf_counter() - start, time.process_time() - used
height = {name: table.height for name, table in tables.items()}
shared = round(sum((10 ** -d - 1e-9) * height[a] * height[b] for a, b, d in found.iter_rows() if a < b))
""",
}
REPORT = "\nprint(json.dumps([*taken, shared]))"
LARGE_RUN = """
import json, sys, time
import numpy as np, polars as pl
from tilseq.repertoire import overlap
samples, clones = int(sys.argv[1]), int(sys.argv[2])

def made():
    random = np.random.default_rng(1)
    for i in range(samples):
        own = np.arange(clones * 9 // 10) + 10_000_000 + i * clones
        common = random.choice(2_000_000, clones // 10, replace=False)
        code = pl.Series(np.concatenate([own, common]).astype(np.uint64))
        text = pl.DataFrame({'a': code.hash(1), 'b': code.hash(2), 'c': code.hash(3)})
        yield f's{i:04}', text.select(
            locus=pl.lit('TRB'),
            junction=pl.concat_str('a', 'b', 'c').str.slice(0, 45),
            duplicate_count=pl.Series(random.zipf(2.0, len(code)).clip(max=10_000)),
        )

start = time.perf_counter()
for _ in made():
    pass
making = time.perf_counter() - start
start = time.perf_counter()
found = overlap(made())
taken = time.perf_counter() - start - making
peak = next(int(line.split()[1]) / 2**20 for line in open('/proc/self/status') if line.startswith('VmHWM'))
shared = found.filter(parameter='shared_clones')['value'].sum()
print(json.dumps([taken, peak, int(shared)]))
"""


def write_samples(folder: Path) -> None:
    """Write tables whose pairs share about 7 % of their clones, as Jaccard tells."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(1)
    bases = np.frombuffer(b"ACGT", dtype="u1")
    lengths = random.integers(36, 55, POOL)
    ends = np.cumsum(lengths)
    text = bases[random.integers(0, 4, ends[-1])].tobytes().decode()
    pool = pl.Series("junction", [text[end - length : end] for end, length in zip(ends, lengths, strict=True)])
    weights = np.arange(1, POOL + 1) ** -0.6
    for i in range(SAMPLES):
        drawn = np.unique(random.choice(POOL, CLONES * 13 // 10, p=weights / weights.sum()))
        drawn = random.permutation(drawn)[:CLONES]
        counts = random.zipf(2.0, len(drawn)).clip(max=5000)
        table = pl.DataFrame({"locus": "TRB", "junction": pool.gather(drawn), "duplicate_count": counts})
        table.write_parquet(folder / f"s{i:02}.parquet")


def run(name: str, folder: Path) -> list[float]:
    """Return seconds, processor seconds and shared clones over all pairs."""
    python = os.environ["TILSEQ_VDJTOOLS"] if name == "vdjtools" else sys.executable
    command = [python, "-c", LOAD + PROGRAMS[name] + REPORT, str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """Print the table of this benchmark."""
    here = [name for name in PROGRAMS if name != "vdjtools" or "TILSEQ_VDJTOOLS" in os.environ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_samples(folder)
        runs = {program: [] for program in here}
        for _ in range(REPEATS):
            for program in here:
                runs[program].append(run(program, folder))
    shared = {program: {int(found) for *_, found in told} for program, told in runs.items()}
    assert len(set().union(*shared.values())) == 1, shared
    base = [statistics.median(one[i] for one in runs["tilseq"]) for i in range(2)]
    print(f"| {SAMPLES} samples x {CLONES:,} clonotypes | seconds | x tilseq | processor seconds | x tilseq |")
    print("|-|-|-|-|-|")
    for program in here:
        wall, used = (statistics.median(one[i] for one in runs[program]) for i in range(2))
        print(f"| {program} | {wall:.2f} | {wall / base[0]:.1f} | {used:.2f} | {used / base[1]:.1f} |")
    print("\n| samples x clonotypes | pairs | seconds | peak memory, GB |\n|-|-|-|-|")
    for samples, clones in LARGE:
        command = [sys.executable, "-c", LARGE_RUN, str(samples), str(clones)]
        taken, peak, _ = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(f"| {samples} x {clones:,} | {samples * (samples - 1) // 2:,} | {taken:.0f} | {peak:.1f} |", flush=True)


if __name__ == "__main__":
    main()
