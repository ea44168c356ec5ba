"""Whether the genes of a sample are of the sex that is recorded of its subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.steps.job import Job
    from tilseq.study import Study


def sex_recorded(study: Study, sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sex that is recorded of a sample's subject, as an argument of its job."""
    return {"sex": dict(study.subjects.select("subject", "sex").iter_rows()).get(sample["subject"])}


def sex_checks(job: Job, genes: Sequence[str], counts: Any) -> list[dict[str, Any]]:
    """Return what `tilseq.expression.sex_genes.check_sex` says of a job's sample, all rows of its counts summed."""
    import numpy as np

    from tilseq.expression.sex_genes import check_sex

    sums = np.asarray(counts.sum(axis=0), float).ravel()
    return check_sex(job.unit, job.arguments.get("sex"), dict(zip(genes, sums, strict=True)), sums.sum())
