# Diversity of three small samples by vegan and alakazam; the results printed here stand literally in
# tests/repertoire/test_indices.py and test_rarefaction.py. Made with R 4.2.2, vegan 2.6-4, alakazam 1.2.1:
#   Rscript tests/oracles/diversity.R
suppressMessages({library(vegan); library(alakazam)})
options(digits = 15)
samples <- list(
  x = c(10, 5, 3, 1, 1, 1, 2),
  y = c(45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1),
  v = floor(3000 / (1:400))
)
for (name in names(samples)) {
  counts <- samples[[name]]
  estimate <- estimateR(counts)
  cat(name, "N", sum(counts), "S", length(counts), "\n")
  cat(" shannon simpson invsimpson", format(sapply(c("shannon", "simpson", "invsimpson"), function(i) diversity(counts, i))), "\n")
  cat(" chao1 ace", format(estimate[["S.chao1"]]), format(estimate[["S.ACE"]]), "\n")
  cat(" hill 0 .5 1 2 3, vegan", format(as.numeric(renyi(counts, scales = c(0, 0.5, 1, 2, 3), hill = TRUE))), "\n")
  cat(" hill 0 .5 1 2 3, alakazam", format(calcDiversity(counts, c(0, 0.5, 1, 2, 3))), "\n")
  cat(" coverage", format(calcCoverage(counts, r = 1)), "\n")
  for (share in c(0.1, 0.5, 0.9)) {
    cells <- floor(sum(counts) * share)
    cat(" rarefy", cells, format(as.numeric(rarefy(counts, cells))), "\n")
  }
}
# The multinomial standard errors of a sample of clones that are all counted often: entropy (Hutcheson 1970) and the
# sum of squared shares (Simpson 1949).
w <- c(9000, 500, 300, 200)
p <- w / sum(w)
h <- diversity(w, "shannon")
cat("w entropy", format(h), "se", format(sqrt((sum(p * log(p)^2) - h^2) / sum(w))), "\n")
cat("w sum p2", format(sum(p^2)), "se", format(2 * sqrt((sum(p^3) - sum(p^2)^2) / sum(w))), "\n")
