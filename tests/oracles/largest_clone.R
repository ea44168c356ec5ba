# Limits of the share of the largest clone, in plain sums over binomial chances; the results printed here stand literally
# in tests/repertoire/test_largest_clone.py. Made with R 4.2.2:
#   Rscript tests/oracles/largest_clone.R
limits <- function(n, most, others) {
  below <- function(c, k) prod(pbinom(c - 1, n, c(k, pmin(others, k)) / n))
  middle <- function(k) (below(most, k) + below(most + 1, k)) / 2
  mean_of <- function(k) sum(sapply(1:n, function(c) 1 - below(c, k)))
  ends <- sapply(c(0.975, 0.025), function(p) uniroot(function(k) middle(k) - p, c(1e-9, n - 1e-9), tol = 1e-9)$root)
  sapply(ends, mean_of) / n
}
print(limits(100, 60, c(30, 10)), digits = 12)
print(limits(4000, 150, c(140, 130, 120, rep(60, 10))), digits = 12)
print(limits(4000, 150, c(60, rep(55, 50))), digits = 12)
print(limits(500, 150, c()), digits = 12)
