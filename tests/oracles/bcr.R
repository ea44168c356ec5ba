# B cells of alakazam's ExampleDb: literal values of tests/repertoire/test_bcr_example.py.
# R 4.2.2, alakazam 1.2.1, shazam 1.1.2: Rscript tests/oracles/bcr.R
suppressMessages({library(alakazam); library(shazam)})
options(digits = 15)
db <- ExampleDb

# Text of a column by sequence, sorted, as SHA-256
told <- function(values) {
  order <- order(db$sequence_id, method = "radix")
  lines <- paste(db$sequence_id[order], values[order], sep = "\t", collapse = "\n")
  digest::digest(lines, algo = "sha256", serialize = FALSE)
}

count <- observedMutations(db, combine = TRUE)$mu_count
frequency <- observedMutations(db, combine = TRUE, frequency = TRUE)$mu_freq
cat("mutations", sum(count), "sequences with any", sum(count > 0), "most", max(count), told(count), "\n")
cat("sum of frequencies", sum(frequency), "\n")
v <- observedMutations(db, regionDefinition = IMGT_V)
for (part in c("cdr_r", "cdr_s", "fwr_r", "fwr_s")) {
  cat(part, sum(v[[paste0("mu_count_", part)]]), told(v[[paste0("mu_count_", part)]]), "\n")
}
v <- observedMutations(db, regionDefinition = IMGT_V, frequency = TRUE)
for (part in c("cdr_r", "cdr_s", "fwr_r", "fwr_s")) cat(part, sum(v[[paste0("mu_freq_", part)]]), "\n")

# Faults a codon can have: gaps, letters not read, stops, an incomplete codon at the end
odd <- data.frame(
  s = c("ATG-GACCC", "ATG...ACC", "ATGAGACCC", "ATGTAGCCC", "ATGTGGCCC", "ATGAG", "ATGAANCCC", "..TGAACCC", "ATGTAACCC"),
  g = c("ATGAAACCC", "ATGAAACCA", "ATG-AACCC", "ATGAAACCA", "ATGTAACCC", "ATGAAACCC", "ATGACACCC", "ATGAAACCC", "ATGAAACCC"))
print(cbind(odd, observedMutations(odd, "s", "g")[, 3:4], observedMutations(odd, "s", "g", combine = TRUE, frequency = TRUE)$mu_freq))

near <- distToNearest(db, nproc = 1, first = TRUE, VJthenLen = FALSE)$dist_nearest
cat("distances", sum(!is.na(near)), "sum", sum(near, na.rm = TRUE), "quartiles", quantile(near, 1:3 / 4, na.rm = TRUE), "\n")
cat("findThreshold, density", findThreshold(near, method = "density")@threshold, "\n")

# Single linkage by hclust on alakazam's distances; the family of a sequence is named by its first sequence
names(db$junction) <- db$sequence_id
group <- paste(getGene(db$v_call, first = TRUE), getGene(db$j_call, first = TRUE), nchar(db$junction))
for (threshold in c(0, 0.126, 0.16)) {
  family <- character(nrow(db))
  for (rows in split(seq_len(nrow(db)), group)) {
    cut <- rep(1, length(rows))
    if (length(rows) > 1) {
      apart <- pairwiseDist(db$junction[rows], getDNAMatrix(gap = 0)) / nchar(db$junction[rows[1]])
      cut <- cutree(hclust(as.dist(apart), "single"), h = threshold + 1e-9)
    }
    for (one in unique(cut)) family[rows[cut == one]] <- min(sort(db$sequence_id[rows[cut == one]], method = "radix")[1])
  }
  cat("families at", threshold, length(unique(family)), told(family), "\n")
  clones <- tapply(db$clone_id, family, function(ids) length(unique(ids)))
  cat("  of several clone_id", sum(clones > 1), "of these", sum(clones[clones > 1]), "at most", max(clones), "\n")
  cat("  clone_id split", sum(tapply(family, db$clone_id, function(ids) length(unique(ids))) > 1), "\n")
}

for (s in c("-1h", "+7d")) {
  p <- as.numeric(table(db$clone_id[db$sample_id == s]))
  cat(s, "clone_id: N", sum(p), "S", length(p), "Hill", format(calcDiversity(p, c(0, 0.5, 1, 2, 3)), digits = 15), "coverage", calcCoverage(p), "\n")
}
print(as.data.frame(countGenes(db, gene = "c_call", groups = "sample_id", copy = "duplicate_count", mode = "asis")))
print(as.data.frame(countGenes(db, gene = "c_call", groups = "sample_id", clone = "clone_id", mode = "asis")))
print(sapply(1, function(i) binom.test(266 + 528, 999)$conf.int))
