"""Samples of one subject, and what is held of them of the product."""

from pathlib import Path

import polars as pl

from tilseq.errors import TilseqError
from tilseq.steps import persistence, repertoire
from tilseq.steps.job import Job

LOT1, LOT2 = {"AAA": 60, "CCC": 20}, {"GGG": 20}
DAY28 = {"AAA": 10, "GGG": 50, "TTT": 40}


class Subject:
    """Samples of one subject: their files, their repertoire jobs, and the persistence job that needs them."""

    def __init__(self, folder: Path, make_sample, write_clones, write_contigs) -> None:
        self.folder, self.sample, self.write, self.write_contigs = folder, make_sample, write_clones, write_contigs
        self.rows: dict[str, dict] = {}

    def add(self, name, counts, *, specimen="blood", gene="TRB", count="templates", **cells):
        """Add a sample; `counts` is junction → count of one gene, or gene → such counts."""
        told = {"count_of": count} if count == "templates" else {}
        count = "duplicate_count" if told else count
        path = self.folder / f"{name}.tsv"
        of_genes = {gene: counts} if counts is None or "TRA" not in counts else counts
        lines = []
        for one, numbers in of_genes.items():
            if numbers is None:
                path.write_text("not a clonotype table\n")
            elif count == "cells":
                self.write_contigs(path, numbers, gene=one)
            else:
                self.write(path, numbers, count=count, gene=one)
            lines += path.read_text().splitlines(keepends=True)[1 if lines else 0 :]
        path.write_text("".join(lines))
        row = self.sample(name, specimen=specimen, path=f"raw/{name}.tsv", **{"assay": "tcr", **told, **cells})
        self.rows[f"repertoire/{name}"] = row
        job = Job("repertoire", name, f"repertoire/{name}", paths=(str(path),), sample=row,
                  arguments={"dialect": None, "locus": None, "least_yield": 0.05})  # fmt: skip
        try:
            repertoire.run(job, self.folder / "work" / "repertoire" / name)
        except TilseqError:
            assert counts is None
        return self

    def run(self, failed=(), infusions=((0, None),), reference="infusion_product", needs=()):
        arguments = {"reference": reference, "samples": self.rows, "threshold": 1e-3}
        of = {"assay": "tcr", "lot": None, "marked_population": None}
        arguments |= {"failed": [one if isinstance(one, dict) else {"sample": one, **of} for one in failed]}
        arguments |= {"infusions": [{"day": day, "lot": lot} for day, lot in infusions]}
        job = Job("persistence", "S1", "persistence/S1", needs=(*self.rows, *needs), arguments=arguments)
        folder = self.folder / "work" / "persistence" / "S1"
        persistence.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


def mass(tables, **which):
    return tables["endpoints"].filter(parameter="persistence_mass", **which).row(0, named=True)


def masses(tables):
    rows = tables["endpoints"].filter(parameter="persistence_mass").sort("sample")
    return dict(rows.select("sample", "value").iter_rows())


def lots(subject, other="templates"):
    subject.add("lot1", LOT1, specimen="infusion_product", lot="A")
    return subject.add("lot2", LOT2, specimen="infusion_product", lot="B", count=other)
