# Overlap of small samples by vegan; the results printed here stand literally in tests/repertoire/test_overlap.py.
# Made with R 4.2.2, vegan 2.6-4:  Rscript tests/oracles/overlap.R
suppressMessages(library(vegan))
options(digits = 15)
pairs <- list(
  ab = rbind(c(10, 5, 3, 0, 1, 0), c(2, 8, 0, 4, 1, 6)),
  # unequal depth, one clone in common
  cd = rbind(c(120, 30, 7, 1, 1, 0, 0, 0), c(0, 0, 0, 0, 5, 3, 2, 2)),
  # nothing in common
  ef = rbind(c(4, 3, 0, 0), c(0, 0, 5, 2))
)
for (name in names(pairs)) {
  m <- pairs[[name]]
  p <- m / rowSums(m)
  x <- p[1, ]
  y <- p[2, ]
  both <- x > 0 & y > 0
  m2 <- (x + y) / 2
  kl <- function(p, q) sum(ifelse(p > 0, p * log2(p / q), 0))
  cat(name, "\n")
  cat(" horn", format(1 - vegdist(m, "horn")[1]), " morisita", format(1 - vegdist(m, "morisita")[1]), "\n")
  cat(" jaccard", format(1 - vegdist(m, "jaccard", binary = TRUE)[1]),
    " bray of shares", format(1 - vegdist(p, "bray")[1]), "\n")
  cat(" f", format(sqrt(sum(x[both]) * sum(y[both]))), " f2", format(sum(sqrt(x * y))), "\n")
  cat(" jensen-shannon, bits", format((kl(x, m2) + kl(y, m2)) / 2), "\n")
}
cat("clopper-pearson 3/8:", format(binom.test(3, 8)$conf.int), "\n")
cat("clopper-pearson 12/20:", format(binom.test(12, 20)$conf.int), "\n")
