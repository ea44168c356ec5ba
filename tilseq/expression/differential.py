"""Genes whose expression differs within subjects: bulk RNA and pseudobulk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.expression.contrasts import LEFT_OUT_SCHEMA, Contrast, parse_contrast
from tilseq.expression.normalise import checked_counts
from tilseq.expression.paired_model import Estimates, PairedModel, Subjects, paired_model
from tilseq.expression.prepared_counts import prepared_counts
from tilseq.expression.sample_design import refuse_copies
from tilseq.expression.voom import fit_voom
from tilseq.multiplicity import benjamini_hochberg
from tilseq.tables.differential import DIFFERENTIAL
from tilseq.tables.schema import as_polars, conform

Floats = NDArray[np.float64]
Engine = Literal["voom", "deseq2"]

ENGINES: tuple[Engine, ...] = ("voom", "deseq2")


@dataclass(frozen=True)
class Differential:
    """Differential expression.

    Attributes
    ----------
    table
        Table `differential`.
    left_out
        `contrast, what, name, reason`: each gene, sample or subject that takes no part, and each contrast that cannot
        be tested; `what` says which it is.
    models
        One row a contrast: `contrast, engine, subjects, samples, genes, correlation` (between samples of a subject,
        null where subjects have levels), `residual_df, prior_df, prior_variance` (null for deseq2; an infinite
        prior_df is null with a prior_variance).
    """

    table: pl.DataFrame
    left_out: pl.DataFrame
    models: pl.DataFrame


def differential_expression(
    counts: Any,
    genes: Sequence[str],
    design: Any,
    contrasts: str | Contrast | Sequence[str | Contrast],
    *,
    engine: Engine = "voom",
    subjects: Subjects = "fixed",
    covariates: Sequence[str] = (),
    pooled: bool = False,
) -> Differential:
    """Test each gene for a difference within subjects.

    Each contrast has a fit of its own, so that it does not depend on what else is asked. V(D)J genes are left out, then
    genes with too few counts, in the shallower level too (`prepared_counts`); libraries are those of the genes left,
    with TMM factors. ``voom`` is limma's: precision weights from the trend of the variance over the
    mean, weighted least squares, variances drawn towards a prior (Law et al., Genome Biol 2014;15:R29; Smyth 2004).
    Its covariances are those of each gene's own weights, where limma's `contrasts.fit` approximates; so it equals
    limma where the contrast is a coefficient. ``deseq2`` is PyDESeq2 with a level for each subject (Love, Huber and
    Anders, Genome Biol 2014;15:550); q is then over all genes with a p, without independent filtering.

    Where subjects are a correlation between samples (see `paired_model`), weights and correlation are found twice,
    as limma recommends. The correlation maximises each gene's restricted likelihood; limma's stops earlier and
    bounds weights, which moves it by some 1e-6, or 1e-5 where subjects differ much more than their samples do. Of 12
    samples it moved by 2e-4 and t by 0.003; of 5 or 6, where many genes have no summit within bounds, by up to 0.013
    and p by up to 5 %.

    Parameters
    ----------
    counts
        Samples × genes, dense or sparse, raw counts.
    genes
        Symbol of each column, unique.
    design
        One row a sample, in the order of the counts: `sample, subject`, the factors and covariates.
    contrasts
        As `parse_contrast` reads them: ``visit:D28/product``, ``status:infused/not_seen_in_product``, an interaction.
    engine
        ``voom`` or ``deseq2``.
    subjects
        ``fixed``: each has a level. ``correlated``: by duplicate correlation, where subjects that lack a sample of
        the contrast still count; it calls somewhat too many genes (`paired_model`).
    covariates
        Columns of the design taken into account.
    pooled
        Fit all levels of the factor, as is usual with limma, not only the two compared. It gives more degrees of
        freedom, but false positives where levels spread unequally: an infusion product that differs more between
        subjects than their blood does makes 5 % to 12 % in the contrast with it (`benchmarks/RESULTS.md`). An
        interaction is refused with it.

    Returns
    -------
    Differential
        A contrast that cannot be tested does not stop the others.

    Raises
    ------
    AnalysisError
        A contrast cannot be read, or none can be tested (the error of the first): values are not raw counts; a gene or
        sample stands twice; the design does not fit; a factor or level is not there; a subject has two samples of one
        level (samples that differ in another factor must be chosen from, or one subject would count twice); fewer than
        two subjects have all samples of the contrast; nothing is left to tell chance by; a covariate is confounded; no
        gene is left.
    """
    if engine not in ENGINES:
        raise AnalysisError("no such engine", found=engine, mend=did_you_mean(engine, ENGINES) or " or ".join(ENGINES))
    if engine == "deseq2" and subjects == "correlated":
        raise AnalysisError("deseq2 knows subjects as levels only", found=subjects, expected="fixed")
    asked = [contrasts] if isinstance(contrasts, str | Contrast) else list(contrasts)
    parsed = [parse_contrast(one) if isinstance(one, str) else one for one in asked]
    names = [str(gene) for gene in genes]
    design = as_polars(design)
    fits = "sample" in design.columns and design.height == np.shape(counts)[0]
    values = checked_counts(counts, design["sample"].cast(pl.String).to_list() if fits else None, names)
    found: list[Differential] = []
    left_out: list[pl.DataFrame] = []
    errors: list[AnalysisError] = []
    for contrast in dict.fromkeys(parsed):
        try:
            model = paired_model(design, contrast, len(values), subjects=subjects, covariates=covariates, pooled=pooled)
            refuse_copies(values, design["sample"].cast(pl.String).to_list(), model.rows)
            found.append(_one(values, names, model, contrast, engine))
            left_out.append(found[-1].left_out)
        except AnalysisError as error:
            errors.append(error)
            left_out.append(_left_out(contrast, [{"what": "contrast", "name": str(contrast), "reason": str(error)}]))
    if not found:
        raise errors[0] if errors else AnalysisError("there is no contrast to test")
    table = conform(pl.concat([one.table for one in found]), DIFFERENTIAL)
    return Differential(table, pl.concat(left_out), pl.concat([one.models for one in found]))


def _left_out(contrast: Contrast, rows: Sequence[dict[str, str]]) -> pl.DataFrame:
    return pl.DataFrame([{"contrast": str(contrast)} | row for row in rows], schema=LEFT_OUT_SCHEMA)


def _one(counts: Floats, genes: Sequence[str], model: PairedModel, contrast: Contrast, engine: Engine) -> Differential:
    """Return one contrast."""
    ready = prepared_counts(counts, genes, model.rows, model.groups)
    log_cpm = np.ascontiguousarray(ready.log_cpm.T)
    if engine == "deseq2":
        from tilseq.expression.deseq2 import fit_deseq2

        found = fit_deseq2(ready.counts, model)
        name = "deseq2"
    else:
        found = fit_voom(log_cpm, ready.sizes, model)
        name = "voom_correlated" if model.correlated else "voom"
    table = _table(found, str(contrast), ready.genes, log_cpm.mean(axis=1), model.subjects, name)
    dropped = ready.left_out.items()
    left_out = [*model.left_out, *({"what": "gene", "name": gene, "reason": reason} for gene, reason in dropped)]
    return Differential(table, _left_out(contrast, left_out), _model_row(found, contrast, name, model, table.height))


def _table(
    found: Estimates, contrast: str, genes: Sequence[str], means: Floats, subjects: int, engine: str
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "gene": genes,
            "mean_log2_cpm": means,
            "log2_fold_change": found.change,
            "lower": found.lower,
            "upper": found.upper,
            "t": found.statistic,
            "p": found.p,
            "q": benjamini_hochberg(found.p),
        }
    ).with_columns(
        contrast=pl.lit(contrast),
        df=pl.lit(found.df, dtype=pl.Float64),
        family=pl.lit(f"genes of {contrast}"),
        subjects=pl.lit(subjects, dtype=pl.Int64),
        engine=pl.lit(engine),
    )


def _model_row(found: Estimates, contrast: Contrast, engine: str, model: PairedModel, genes: int) -> pl.DataFrame:
    coefficients = model.columns.shape[1] + (0 if model.correlated else int(model.blocks.max()) + 1)
    prior_df = found.prior_df if found.prior_df is not None and np.isfinite(found.prior_df) else None
    return pl.DataFrame(
        {
            "contrast": [str(contrast)],
            "engine": [engine],
            "subjects": [model.subjects],
            "samples": [len(model.rows)],
            "genes": [genes],
            "correlation": pl.Series([found.correlation], dtype=pl.Float64),
            "residual_df": [len(model.rows) - coefficients],
            "prior_df": pl.Series([prior_df], dtype=pl.Float64),
            "prior_variance": pl.Series([found.prior_variance], dtype=pl.Float64),
        }
    )
