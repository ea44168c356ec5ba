"""How deep the repertoires are, what a subject's have in common, and what genes and lengths they are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tilseq.report.results import REPERTOIRES, STATE_WORDS, Results
from tilseq.report.rows import BRIEFLY, who
from tilseq.report.series import WAY
from tilseq.report.view import Cell, Head, View, count, doubt, measured, missing, on_two_lines, text
from tilseq.report.words import interval, number, share
from tilseq.tables import Row

# The first of which a subject's pairs have any value: only it is of the repertoires, at any depth.
INDICES = {"morisita": "Morisita", "morisita_horn": "Morisita-Horn"}
CELLS_FROM = {
    "counted": "counted in the file",
    "declared": "declared",
    "input_ng": "from the DNA put in",
    "replicates": "estimated from replicates",
    "templates": "templates",
    "pair": "estimated from a pair",
    "not_known": "not known",
}
COUNT_OF = {"unknown": "not told", "umis": "UMIs"}
MOST_NAMED = 3  # genes
FAILED = " (failed)"
LOCI_FIRST = {"TR": "TRB", "IG": "IGH"}  # receptor → the locus to show where several are measured alike


def depth(results: Results) -> View:
    """Return how many cells stand behind each sample's counts, and what its table looks like."""
    checks = {(row["sample"], row["check"]): row for row in results.tables["quality"].iter_rows(named=True)}
    heads = [*BRIEFLY, Head("Locus"), Head("Counts", numeric=True)]
    heads += [Head("Counted"), Head("Cells", "of this receptor’s kind", True), Head("Effective cells", numeric=True)]
    heads += [Head("Seen once", "% of clones", True), Head("Without anchors", "% of clones", True)]
    heads += [Head("Left out", "% of the file’s rows", True)]
    rows = []
    for row in results.with_sample("depth").iter_rows(named=True):
        subject, visit, day, _, sample = who(row)
        cells = measured(row["cells"], row["cells_lower"], row["cells_upper"], CELLS_FROM[row["cells_from"]])
        rows.append(
            [
                *(subject, visit, day, sample, text(row["locus"])),
                count(row["counts"]),
                text(COUNT_OF.get(row["count_of"], row["count_of"])),
                on_two_lines(cells) if row["cells"] is not None else missing(cells.note),
                count(None if row["n_effective"] is None else round(row["n_effective"])),
                *(
                    _checked(checks.get((row["sample"], check)))
                    for check in (f"singletons {row['locus']}", f"anchors {row['locus']}", "left out")
                ),
            ]
        )
    empty = results.nothing("depth", "No repertoire was read.", *REPERTOIRES)
    return View("Depth and quality of the repertoires", heads, rows, empty, "tables/depth.csv")


def in_common(results: Results) -> View:
    """Return which samples of each subject have most and least in common: a row a subject and locus."""
    names, doubts = labels(results), _doubts(results)
    heads = [Head("Subject"), Head("Locus"), Head("Samples", numeric=True)]
    heads += [Head("Index"), Head("Most in common"), Head("Value", numeric=True)]
    heads += [Head("Least in common"), Head("Value", numeric=True)]
    rows = []
    for subject, locus, pairs in _by_subject(results):
        samples = set(pairs["sample_a"]) | set(pairs["sample_b"])
        cells = [part for row in _ends(pairs) for part in (_pair(row, names, doubts), on_two_lines(_value(row)))]
        cells += [Cell()] * (4 - len(cells))
        index = Cell(
            INDICES[pairs["parameter"][0]], note="" if pairs["parameter"][0] == "morisita" else "grows with depth"
        )
        rows.append([Cell(subject, kind="name"), text(locus), count(len(samples)), index, *cells])
    told = "No subject has two repertoires of one locus."
    title = "What the repertoires of a subject have in common"
    return View(title, heads, rows, results.nothing("overlap", told, *REPERTOIRES), "tables/overlap.csv")


def pairs(results: Results) -> View:
    """Return the overlap of each pair of samples of a subject."""
    names, doubts = labels(results), _doubts(results)
    heads = [Head("Subject"), Head("Locus"), Head("First sample"), Head("Second sample")]
    heads += [Head("Counts", "first, second", True), Head("Shared clones", numeric=True), Head("Jaccard", numeric=True)]
    heads += [Head("Morisita-Horn", numeric=True), Head("Morisita", "at any depth", True)]
    heads += [Head("V genes differ", "bits, by clones", True), Head("Lengths differ", "bits, by clones", True)]
    overlap = _bounded(results.tables["overlap"])
    bits = overlap.filter(parameter="jensen_shannon_bits_clones")
    of_pair: dict[tuple[str, ...], Row] = {}
    for row in pl.concat([overlap.filter(key="junction"), bits]).iter_rows(named=True):
        what = row["key"] if row["parameter"].startswith("jensen") else row["parameter"]
        of_pair[*sorted((row["sample_a"], row["sample_b"])), row["locus"], what] = row
    rows = []
    for subject, locus, found in _by_subject(results):
        for row in found.sort("place_a", "place_b").iter_rows(named=True):
            a, b = row["sample_a"], row["sample_b"]
            told = [
                on_two_lines(_value(of_pair.get((*sorted((a, b)), locus, what))))
                for what in ("shared_clones", "jaccard", "morisita_horn", "morisita", "v_call", "junction_aa_length")
            ]
            counts = of_pair[*sorted((a, b)), locus, "shared_clones"]
            counts_of = {counts[f"sample_{x}"]: number(counts[f"n_{x}"]) for x in "ab"}
            depths = Cell(f"{counts_of[a]}, {counts_of[b]}", kind="number")
            samples = (Cell(names[sample], note=doubts.get(sample, "")) for sample in (a, b))
            rows.append([Cell(subject, kind="name"), text(locus), *samples, depths, *told])
    return View("Overlap of every pair of a subject’s samples", heads, rows, "", "tables/overlap.csv")


def genes(results: Results) -> View:
    """Return the genes most used and the lengths of junctions: a row a sample and locus."""
    heads = [*BRIEFLY, Head("Locus"), Head("Clones", numeric=True)]
    heads += [Head("V genes most used", "% of clones"), Head("J genes most used", "% of clones")]
    heads += [Head("Mean length", "amino acids", True), Head("Lengths of 90 %", "of the clones", True)]
    used = results.with_sample("usage").filter(weight="clones")
    rows = []
    for _, group in used.group_by("sample", "locus", maintain_order=True):
        first = group.row(0, named=True)
        subject, visit, day, _, sample = who(first)
        mean, span = _lengths(group.filter(feature="junction_aa_length"))
        most = [_most_used(group.filter(feature=feature)) for feature in ("v_call", "j_call")]
        locus = text(first["locus"])
        rows.append([subject, visit, day, sample, locus, count(first["n"]), *most, mean, span])
    return View("Genes and junction lengths", heads, rows, "", "tables/usage.csv")


def labels(results: Results) -> dict[str, str]:
    """Return sample → what a reader knows it by: visit and specimen, or its name where two of a subject are alike."""
    known = results.tables["samples"].with_columns(way=WAY).filter(pl.col("assay").is_in(REPERTOIRES))
    told: dict[str, tuple[str, str, str]] = {}
    for row in known.iter_rows(named=True):
        visit, specimen = row["visit"] or "no visit", (row["specimen"] or "").replace("_", " ")
        words = specimen if visit in specimen else f"{visit} {specimen}".strip()
        told[row["sample"]] = row["subject"], row["assay"], words + (", cells" if row["way"] == "cells" else "")
    several = Counter(told.values())
    return {sample: sample if several[words] > 1 else words[-1] for sample, words in told.items()}


def maps(results: Results) -> Iterator[tuple[str, str, pl.DataFrame, pl.DataFrame, list[str]]]:
    """Yield what the maps of each subject are drawn from: subject, locus, pairs, use of genes, samples in time.

    Of the loci of T cells, and of those of B cells, the one measured in most samples; of several alike TRB and IGH.
    Samples bear their labels, and one that failed quality says so, in a word as figures cut long names.
    """
    failed = _failed(results)
    names = {sample: name + FAILED * (sample in failed) for sample, name in labels(results).items()}
    by_subject: dict[tuple[str, str], list[tuple[int, bool, str, pl.DataFrame]]] = {}
    for subject, locus, found in _by_subject(results):
        samples = len(set(found["sample_a"]) | set(found["sample_b"]))
        first = locus == LOCI_FIRST.get(locus[:2])
        by_subject.setdefault((subject, locus[:2]), []).append((samples, first, locus, found))
    for (subject, _), loci in by_subject.items():
        _, _, locus, found = max(loci, key=lambda one: one[:3])
        ends = (found.select(pl.col(f"sample_{x}", f"place_{x}").name.map(lambda name: name[:-2])) for x in "ab")
        order = [names[sample] for sample in pl.concat(ends).unique("sample").sort("place")["sample"]]
        own = found.with_columns(pl.col("sample_a", "sample_b").replace_strict(names))
        used = (
            results.tables["usage"]
            .filter(locus=locus)
            .with_columns(pl.col("sample").replace_strict(names, default=None))
        )
        yield subject, locus, own, used.filter(pl.col("sample").is_in(order)), order


def in_words(pairs: pl.DataFrame) -> str:
    """Return which of some pairs have most and which least in common, with their values."""
    told = [
        f"{row['sample_a']} and {row['sample_b']} {interval(row['value'], row['lower'], row['upper'])}"
        for row in _ends(pairs)
    ]
    if not told:
        return "no pair has a value"
    # A map shows values alone, so that a pair of a higher one would seem to have been passed over.
    most = _ends(pairs)[0]["value"]
    by_limit = ", whose lower limit is highest" if pairs.filter(pl.col("value") > most).height else ""
    least = f", least {told[-1]}" if len(told) > 1 else ""
    return f"most in common have {told[0]}{by_limit}{least}"


def _by_subject(results: Results) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield subject, locus and one index of all pairs, most in common first; `place_a` and `place_b` count in time."""
    samples = results.tables["samples"].select("sample", "subject", "day").sort("day", "sample", nulls_last=True)
    samples = samples.with_row_index("place")
    found = _bounded(results.tables["overlap"]).filter(pl.col("parameter").is_in(INDICES), key="junction")
    for x in "ab":
        found = found.join(samples.select(pl.all().name.suffix(f"_{x}")), on=f"sample_{x}", how="inner")
    found = found.filter(pl.col("subject_a") == pl.col("subject_b"))
    found = found.sort("subject_a", "locus", -pl.col("value"), "place_a", "place_b", nulls_last=True)
    for (subject, locus), own in found.group_by("subject_a", "locus", maintain_order=True):
        index = next((name for name in INDICES if own.filter(parameter=name)["value"].count()), None)
        if index is not None:
            yield str(subject), str(locus), own.filter(parameter=index)


def _bounded(overlap: pl.DataFrame) -> pl.DataFrame:
    """Return pairs with Morisita's index at most 1: the repertoires' own is no larger, its estimate may be."""
    of_repertoires = pl.col("parameter") == "morisita"
    return overlap.with_columns(
        pl.when(of_repertoires).then(pl.col(name).clip(upper_bound=1)).otherwise(name).alias(name)
        for name in ("value", "upper")
    )


def _ends(pairs: pl.DataFrame) -> list[Row]:
    """Return the pairs with most and least in common.

    The most is the one with the highest lower limit, where there are limits: few cells give any value.
    """
    valued = pairs.drop_nulls("value").sort(-pl.col("value"), maintain_order=True)
    if valued.is_empty():
        return []
    most = valued.sort(-pl.col("lower"), nulls_last=True, maintain_order=True).row(0, named=True)
    least = valued.row(-1, named=True)
    return [most] if least == most else [most, least]


def failed(results: Results) -> str:
    """Return a sentence on samples that failed quality and are in figures as all others; nothing where none did."""
    drawn = ", ".join(sorted(_failed(results).intersection(results.tables["diversity"]["sample"])))
    return f"In figures of diversity as measured, though they failed quality: {drawn}." if drawn else ""


def _failed(results: Results) -> set[str]:
    return {sample for sample, told in _doubts(results).items() if told == STATE_WORDS["fail"]}


def _doubts(results: Results) -> dict[str, str]:
    """Return sample → what speaks against its numbers, of the samples that warned or failed."""
    states = results.tables["samples"].select("sample", "state").iter_rows()
    return {sample: doubt(state) for sample, state in states if doubt(state)}


def _pair(row: Row, names: dict[str, str], doubts: dict[str, str]) -> Cell:
    unit = "cells" if row["parameter"] == "morisita" else "counts"
    a, b = row["sample_a"], row["sample_b"]
    depths = f"{number(row['n_a'] and round(row['n_a']))} and {number(row['n_b'] and round(row['n_b']))} {unit}"
    told = [f"{names[sample]} {doubts[sample]}" for sample in (a, b) if sample in doubts]
    return Cell(f"{names[a]} – {names[b]}", note="; ".join([depths, *told]))


def _value(row: Row | None) -> Cell:
    return missing() if row is None or row["value"] is None else measured(row["value"], row["lower"], row["upper"])


def _checked(row: Row | None) -> Cell:
    if row is None or row["value"] is None:
        return missing()
    return Cell(share(row["value"]), note="" if row["verdict"] == "pass" else "see quality", kind="number")


def _most_used(rows: pl.DataFrame) -> Cell:
    most = rows.sort(-pl.col("share"), "level").head(MOST_NAMED)
    return Cell(", ".join(f"{level} {share(part)}" for level, part in most.select("level", "share").iter_rows()))


def _lengths(rows: pl.DataFrame) -> tuple[Cell, Cell]:
    """Return the mean length, and those between which 90 % of the clones lie."""
    lengths = rows.select(pl.col("level").cast(pl.Int64), "share").sort("level")
    below = lengths["share"].cum_sum()
    low, high = (lengths["level"][len(below.filter(below < at - 1e-12))] for at in (0.05, 0.95))
    mean = f"{(lengths['level'] * lengths['share']).sum():.1f}"
    return Cell(mean, kind="number"), Cell(f"{low} to {high}", kind="number")
