"""Contamination in simulated trials: planted faults found, pairs accused where there is none, limits that cover.

Each trial has four subjects: tumour, product, blood at baseline, D7 and D28, bulk TCR libraries of genomic DNA, every
visit a run. Planted in each faulty trial: two samples swapped (SIM-03_D7, SIM-04_D7), a library that failed (60
templates of SIM-02_D28) and molecules of SIM-01_D7 that are read in SIM-02_D7. Seeds in which one of those died before
its sample was taken are passed over.
"""

import tempfile
import time
from pathlib import Path

CLEAN, FAULTY = 50, 24
DEPTH = 6_000  # templates
SETTINGS = ((DEPTH, 0.002), (20_000, 0.002))  # templates, share that hops
VISITS = ["baseline", "D7", "D28"]
SOURCE, INTO, FAILED = "SIM-01_D7_tcr", "SIM-02_D7_tcr", "SIM-02_D28_tcr"
SWAPPED = ("SIM-03_D7_tcr", "SIM-04_D7_tcr")
ACCUSED = ("swap", "leak", "excess", "duplicate", "disagree")
SUSPECTED = ("swapped", "mixed", "duplicate", "conflict", "agrees_with_none")


def faults(rate: float) -> dict:
    """Return what is planted in a trial, as the design of a study has it."""
    return {
        "swapped_pair": {"samples": list(SWAPPED)},
        "failed_library": {"sample": FAILED, "depth": 60},
        "index_hopping": {"source": SOURCE, "into": INTO, "rate": rate},
    }


def trial(folder: Path, seed: int, depth: int, rate: float | None):
    """Return tables, subjects, runs and what arrived of a trial, None where it cannot have these faults."""
    import polars as pl

    from tilseq.errors import RunError
    from tilseq.io.clonotypes import read_clonotypes
    from tilseq.simulate.design import Design
    from tilseq.simulate.trial import simulate_trial

    settings = {"seed": seed, "visits": VISITS, "assays": ["tcr"], "depth": depth, "memory_clones": 5_000}
    design = Design.model_validate(settings | ({} if rate is None else {"confounders": faults(rate)}))
    try:
        simulate_trial(folder, design)
    except RunError:
        return None
    samples = pl.read_csv(folder / "samples.csv")
    tables = {name: read_clonotypes(folder / path).table for name, path in samples.select("sample", "path").iter_rows()}
    arrived = dict(pl.read_csv(folder / "truth" / "libraries.csv").select("sample", "arrived_from_another").iter_rows())
    of = {word: dict(samples.select("sample", word).iter_rows()) for word in ("subject", "run")}
    return tables, of["subject"], of["run"], arrived


def clean(depth: int) -> str:
    """Return the row of trials without a fault: who is accused in them."""
    from tilseq.repertoire import contamination

    pairs = accused = suspected = samples = trials = leaks = 0
    for seed in range(1, CLEAN + 1):
        with tempfile.TemporaryDirectory() as name:
            tables, subjects, runs, _ = trial(Path(name) / "trial", seed, depth, None)
        found = contamination(tables, subjects=subjects, runs=runs)
        wrong = int(found.pairs["verdict"].is_in(ACCUSED).sum())
        pairs, accused = pairs + found.pairs.height, accused + wrong
        samples, suspected = samples + len(tables), suspected + int(found.samples["verdict"].is_in(SUSPECTED).sum())
        leaks += int((found.rates["verdict"] == "leak").sum())
        trials += wrong > 0
    return f"| {depth:,} | {CLEAN} | {accused} of {pairs} | {trials} | {suspected} of {samples} | {leaks} |"


def faulty(depth: int, rate: float) -> str:
    """Return the row of trials with faults: which are found, and what is accused besides."""
    import polars as pl

    from tilseq.repertoire import contamination

    seeds, seed, seconds = 0, 1000, 0.0
    score = dict.fromkeys(("swap", "failed", "hopping", "wrong", "covered", "leaked", "truly", "pairs", "accused"), 0)
    while seeds < FAULTY:
        seed += 1
        with tempfile.TemporaryDirectory() as name:
            made = trial(Path(name) / "trial", seed, depth, rate)
        if made is None:
            continue
        seeds += 1
        tables, subjects, runs, arrived = made
        start = time.perf_counter()
        found = contamination(tables, subjects=subjects, runs=runs)
        seconds += time.perf_counter() - start
        verdicts = dict(found.samples.select("sample", "verdict").iter_rows())
        score["swap"] += all(verdicts[name] == "swapped" for name in SWAPPED)
        shallow = found.samples.filter(depth="shallow")["sample"].to_list() == [FAILED]
        score["failed"] += shallow and verdicts[FAILED] in ("as_labelled", "cannot_tell")
        score["wrong"] += sum(verdicts[name] in SUSPECTED for name in tables if name not in SWAPPED)
        row = found.rates.filter(donor_subject="SIM-01", recipient=INTO).row(0, named=True)
        score["hopping"] += row["verdict"] == "leak"
        score["covered"] += row["lower"] <= rate <= row["upper"]
        rest = found.rates.filter(pl.col("recipient") != INTO)
        score["accused"] += int((rest["verdict"] == "leak").sum())
        score["pairs"] += rest.height
        rows = found.clones.filter(sample=INTO, verdict="leak", donor=SOURCE)
        score["leaked"] += int(rows["duplicate_count"].sum())
        score["truly"] += arrived[INTO]
    swap, failed, hopping, covered = (f"{score[name]} of {seeds}" for name in ("swap", "failed", "hopping", "covered"))
    return (
        f"| {depth:,} | {rate:g} | {swap} | {failed} | {hopping} | {covered} | {score['leaked']} of {score['truly']} "
        f"| {score['wrong']} | {score['accused']} of {score['pairs']} | {seconds / seeds:.2f} |"
    )


def main() -> None:
    """Print both tables: trials without faults, and with them."""
    print("| templates | clean trials | pairs accused | trials with any | samples suspected | leaks found |")
    print("|-|-|-|-|-|-|")
    print(clean(DEPTH), flush=True)
    print(
        "\n| templates | share hopping | both swapped samples | failed library | hopping found | 95 % limits hold it "
        "| counts called leaked of those arrived | other samples suspected | other leaks found | seconds |"
    )
    print("|-|-|-|-|-|-|-|-|-|-|")
    for depth, rate in SETTINGS:
        print(faulty(depth, rate), flush=True)


if __name__ == "__main__":
    main()
