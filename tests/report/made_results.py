"""Results of a run as the page reads them, of rows made by hand."""

from tilseq.report.results import TABLES, Results


def made_results(folder, rows, run=None):
    """Return results whose tables are empty but for those of which rows are given, by the table's name."""
    tables = {table.name: table.frame(rows.get(table.name, ())) for table in TABLES}
    return Results(folder, tables, frozenset(), run or {}, {})
