"""Clones followed through samples: tilseq beside two peers, and a hundred million rows.

10,000 clones, the largest of one sample, are looked for in 60 samples x 50,000 clonotypes. Each run is a fresh
process that holds all tables in memory as it starts the clock, so that reading is left out. tilseq
(`presence` of the tables; in a row of its own, of their `effective_clones`, as `track` takes it) gives share, limits,
limit of detection and a call of each clone in each sample; pyimmunarch (`trackClonotypes`) its share; vdjtools
(`track_clonotypes`) the shares of all clones, as it can be asked for no others. The shares that all find must be the
same. The peers run in environments of their own, whose Pythons TILSEQ_IMMUNARCH and TILSEQ_VDJTOOLS name; one is left
out where that is not set. A second table tells of time and peak memory of 1,000 samples x 100,000 clonotypes, made one
after another, which takes most of the time.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.overlap import CLONES, SAMPLES, write_samples

FOLLOWED, REPEATS = 10_000, 3
LARGE = ((100, 100_000), (1000, 100_000))

TILSEQ = """
import json, sys, time
from pathlib import Path
import polars as pl
from tilseq.repertoire import effective_clones, presence
tables = {path.stem: pl.read_parquet(path) for path in sorted(Path(sys.argv[1]).glob('s*.parquet'))}
clones = pl.read_parquet(Path(sys.argv[1]) / 'clones.parquet')
depths = {name: float(table['duplicate_count'].sum()) for name, table in tables.items()}

def follow(tables, depths):
    return presence(%s)

follow({'s': tables['s00'].head(10)}, {'s': 10.0})
start, used = time.perf_counter(), time.process_time()
found = follow(tables, depths)
taken = time.perf_counter() - start, time.process_time() - used
total = found['frequency'].sum()
"""
PROGRAMS = {
    "tilseq": TILSEQ % "tables, clones, n_effective=depths",
    "tilseq, of effective clones": TILSEQ
    % "{name: effective_clones(table, depths[name]) for name, table in tables.items()}, clones",
    "pyimmunarch": """
import json, sys, time
from pathlib import Path
import pandas as pd
from pyimmunarch.dynamics import trackClonotypes
names = {'junction': 'CDR3.nt', 'duplicate_count': 'Clones'}
paths = sorted(Path(sys.argv[1]).glob('s*.parquet'))
tables = {path.stem: pd.read_parquet(path).rename(columns=names) for path in paths}
clones = pd.read_parquet(Path(sys.argv[1]) / 'clones.parquet').rename(columns=names)[['CDR3.nt']]
start, used = time.perf_counter(), time.process_time()
found = trackClonotypes(tables, clones)
taken = time.perf_counter() - start, time.process_time() - used
total = float(found.drop(columns='CDR3.nt').to_numpy().sum())
""",
    "vdjtools": """
import json, sys, time
from pathlib import Path
import polars as pl
from vdjtools.overlap.track import track_clonotypes
names = {'junction': 'junction_nt'}
tables = {path.stem: pl.read_parquet(path).rename(names) for path in sorted(Path(sys.argv[1]).glob('s*.parquet'))}
clones = pl.read_parquet(Path(sys.argv[1]) / 'clones.parquet').rename(names)
start, used = time.perf_counter(), time.process_time()
found = track_clonotypes(tables, key=('junction_nt',)).join(clones, on='junction_nt', how='semi')
taken = time.perf_counter() - start, time.process_time() - used
total = found['freq_sum'].sum()
""",
}
PYTHONS = {"pyimmunarch": "TILSEQ_IMMUNARCH", "vdjtools": "TILSEQ_VDJTOOLS"}
REPORT = "\nprint(json.dumps([*taken, total]))"
LARGE_RUN = """
import json, resource, sys, time
from collections.abc import Mapping
import numpy as np, polars as pl
from tilseq.repertoire import presence
samples, clones, followed = map(int, sys.argv[1:])
made = 0.0

def junctions(codes):
    code = pl.Series(codes.astype(np.uint64))
    text = pl.DataFrame({'a': code.hash(1), 'b': code.hash(2), 'c': code.hash(3)})
    return text.select(locus=pl.lit('TRB'), junction=pl.concat_str('a', 'b', 'c').str.slice(0, 45))

class Samples(Mapping):
    def __len__(self):
        return samples
    def __iter__(self):
        return (f's{i:04}' for i in range(samples))
    def __getitem__(self, name):
        global made
        start, i = time.perf_counter(), int(name[1:])
        random = np.random.default_rng(i)
        own = np.arange(clones * 9 // 10) + 10_000_000 + i * clones
        common = random.choice(2_000_000, clones // 10, replace=False)
        table = junctions(np.concatenate([own, common]))
        table = table.with_columns(duplicate_count=pl.Series(random.zipf(2.0, table.height).clip(max=10_000)))
        made += time.perf_counter() - start
        return table

wanted = junctions(np.arange(followed))
start = time.perf_counter()
found = presence(Samples(), wanted, n_effective=dict.fromkeys(Samples(), float(clones)))
taken = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([taken, made, peak, found.height, found.filter(call='present').height]))
"""


def run(name: str, folder: Path) -> list[float]:
    """Return seconds, processor seconds and the sum of all shares found."""
    python = os.environ[PYTHONS[name]] if name in PYTHONS else sys.executable
    command = [python, "-c", PROGRAMS[name] + REPORT, str(folder)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """Print the table of this benchmark."""
    import polars as pl

    here = [name for name in PROGRAMS if name not in PYTHONS or PYTHONS[name] in os.environ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_samples(folder)
        first = pl.read_parquet(folder / "s00.parquet")
        largest = first.sort("duplicate_count", "junction", descending=True).head(FOLLOWED)
        largest.select("locus", "junction").write_parquet(folder / "clones.parquet")
        runs = {program: [] for program in here}
        for _ in range(REPEATS):
            for program in here:
                runs[program].append(run(program, folder))
    totals = [total for told in runs.values() for *_, total in told]
    assert max(totals) - min(totals) < 1e-6 * max(totals), runs
    base = [statistics.median(one[i] for one in runs["tilseq"]) for i in range(2)]
    print(
        f"| {FOLLOWED:,} clones, {SAMPLES} samples x {CLONES:,} | seconds | x tilseq | processor seconds | x tilseq |"
    )
    print("|-|-|-|-|-|")
    for program in here:
        wall, used = (statistics.median(one[i] for one in runs[program]) for i in range(2))
        print(f"| {program} | {wall:.2f} | {wall / base[0]:.1f} | {used:.2f} | {used / base[1]:.1f} |")
    print("\n| samples x clonotypes | rows of the result | present | seconds | to make them | peak memory, GB |")
    print("|-|-|-|-|-|-|")
    for samples, clones in LARGE:
        command = [sys.executable, "-c", LARGE_RUN, *map(str, (samples, clones, FOLLOWED))]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        taken, made, peak, rows, present = json.loads(told)
        print(
            f"| {samples:,} x {clones:,} | {rows:,} | {present:,} | {taken:.0f} | {made:.0f} | {peak:.1f} |", flush=True
        )


if __name__ == "__main__":
    main()
