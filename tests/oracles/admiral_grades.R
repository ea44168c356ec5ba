# Rows that admiral tests its grades by, as one CSV file: those of CTCAE v5 and v6, in SI and in US conventional units.
# admiral 1.5.0.9003, tests/testthat/test-derive_var_atoxgr.R (Apache-2.0); for `python -m benchmarks published_labs`.
#   Rscript admiral_grades.R test-derive_var_atoxgr.R admiral_grades.csv
suppressMessages(library(dplyr))
where <- commandArgs(TRUE)
for (name in c("daids", "ctcv4", "ctcv5", "ctcv6")) {
  assign(paste0("atoxgr_criteria_", name), tibble(meta = name))
  assign(paste0("atoxgr_criteria_", name, "_uscv"), tibble(meta = paste0(name, "_uscv")))
}
str_to_upper <- toupper
if_else <- function(condition, true, false) ifelse(condition, true, false)  # an old dplyr refuses a bare NA
rows <- list()
keep <- function(expected, meta, grade, term, direction) {
  if (nrow(meta) == 1) {
    expected <- mutate(as.data.frame(expected), term = .data[[term]], grade = .data[[grade]])
    kept <- intersect(c("term", "grade", "AVAL", "ANRLO", "ANRHI", "AVALU", "BASE", "BNRIND", "PCHG"), names(expected))
    expected <- mutate(expected[kept], across(everything(), as.character), meta = meta$meta, direction = direction)
    rows[[length(rows) + 1]] <<- expected
  }
}
test_that <- function(description, code) tryCatch(force(code), error = function(e) message(description, ": ", e$message))
expect_equal <- expect_error <- expect_dfs_equal <- expect_snapshot <- function(...) NULL
lines <- readLines(where[1])
source(textConnection(lines[seq_len(grep("^test_low <- ", lines) - 1)]))
after <- grep("^## Blood and lymphatic", lines)[1]
test_low <- function(expected, meta, ...) keep(expected, meta, "ATOXGRL", "ATOXDSCL", "low")
test_high <- function(expected, meta, ...) keep(expected, meta, "ATOXGRH", "ATOXDSCH", "high")
for (expression in parse(text = lines[after:length(lines)])) {
  tryCatch(eval(expression), error = function(e) message("left out: ", conditionMessage(e)))
}
write.csv(filter(bind_rows(rows), grepl("ctcv[56]", meta)), where[2], row.names = FALSE, na = "")
