# Subjects of tern's example data (insightsengineering/tern, data/tern_ex_adlb.rda, Apache-2.0) by baseline and worst grade.
# They stand literally in tests/clinical/test_lab_shift_tables.py. Made with R 4.2.2:
#   Rscript tests/oracles/tern_lab_shifts.R tern_ex_adlb.rda

load(commandArgs(TRUE)[1])
d <- tern_ex_adlb
d <- d[d$SAFFL == "Y" & d$ONTRTFL == "Y", ]
number <- function(x) suppressWarnings(as.numeric(as.character(x)))
for (what in list(c("IGA", "high"), c("ALT", "high"), c("ALT", "low"), c("CRP", "low"))) {
  for (arm in c("ARM A", "ARM B", "ARM C")) {
    s <- d[d$PARAMCD == what[1] & d$ARMCD == arm, ]
    sign <- if (what[2] == "low") -1 else 1
    worst <- tapply(pmax(sign * number(s$ATOXGR), 0), as.character(s$USUBJID), max)
    base <- tapply(pmax(sign * number(s$BTOXGR), 0), as.character(s$USUBJID), function(x) x[1])
    cat(what, arm, "\n")
    print(table(factor(base, 0:4), factor(worst, 0:4)))
  }
}
