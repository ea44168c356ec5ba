# Figures for tests/repertoire/test_missed_clones.py: Rscript tests/oracles/cell_labels.R
options(digits = 12)

# A Poisson number of cells, each counted a Poisson number of times.
counted <- function(y, mean, each) {
  cells <- 0:2000
  sum(dpois(cells, mean / each) * dpois(y, cells * each))
}
for (mean in c(0.5, 4)) for (each in c(0.5, 10)) {
  cat(mean, each, sapply(c(0, 1, 2, 7, 40), counted, mean = mean, each = each), "\n")
}

# Mean of a normal distribution cut off at 0 and 1.
for (share in c(0.05, 0.5, 1, 1.6)) {
  f <- function(x) dnorm(x, share, 0.3 * share)
  cat(share, integrate(function(x) x * f(x), 0, 1)$value / integrate(f, 0, 1)$value, "\n")
}
