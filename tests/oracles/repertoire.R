# Diversity of two small samples by vegan; the results printed here stand literally in
# tests/repertoire/test_diversity.py. Made with R 4.2.2, vegan 2.6-4:
#   Rscript tests/oracles/repertoire.R
suppressMessages(library(vegan))
options(digits = 15)
samples <- list(
  x = c(10, 5, 3, 1, 1, 1, 2),
  y = c(45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1),
  # no clone seen twice
  z = c(7, 4, 1, 1, 1, 1),
  # so many counts of so few clones that the bias of the entropy is small beside its error
  w = c(900, 50, 30, 20)
)
for (name in names(samples)) {
  counts <- samples[[name]]
  chao <- estimateR(counts)
  unseen <- chao[["S.chao1"]] - chao[["S.obs"]]
  spread <- exp(qnorm(0.975) * sqrt(log(1 + chao[["se.chao1"]]^2 / unseen^2)))
  cat(name, "\n")
  cat(" shannon", format(diversity(counts, "shannon")), " invsimpson", format(diversity(counts, "invsimpson")), "\n")
  cat(" hill q1", format(exp(diversity(counts, "shannon"))), "\n")
  cat(" chao1", format(chao[["S.chao1"]]), " se", format(chao[["se.chao1"]]), "\n")
  cat(" log-normal limits (Chao 1987)", format(chao[["S.obs"]] + unseen / spread),
    format(chao[["S.obs"]] + unseen * spread), "\n")
  p <- counts / sum(counts)
  h <- diversity(counts, "shannon")
  error <- sqrt((sum(p * log(p)^2) - h^2) / sum(counts))
  cat(" delta limits of shannon", format(h + c(-1, 1) * qnorm(0.975) * error), "\n")
  error <- 2 * sqrt((sum(p^3) - sum(p^2)^2) / sum(counts))
  cat(" delta limits of invsimpson", format(1 / (sum(p^2) + c(1, -1) * qnorm(0.975) * error)), "\n")
}
cat("clopper-pearson 7/5000:", format(binom.test(7, 5000)$conf.int), "\n")
cat("clopper-pearson 15/18:", format(binom.test(15, 18)$conf.int), "\n")
