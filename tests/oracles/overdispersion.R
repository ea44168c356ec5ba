# Over-dispersion of replicate libraries: literal values of tests/repertoire/test_counting_tests.py. R 4.2.2:
#   Rscript tests/oracles/overdispersion.R
options(digits = 12)
first <- c(12, 30, 7, 55, 20, 3, 90, 14, 25, 41)
second <- c(20, 18, 9, 80, 8, 6, 60, 30, 22, 70)
share <- 1200 / 2200
likeliest <- function(first, second, fewest) {
  k <- round(second); m <- k + round(first)
  used <- first + second >= fewest
  k <- k[used]; m <- m[used]
  of <- function(log_rho) {
    size <- exp(-log_rho) - 1
    sum(lchoose(m, k) + lbeta(k + share * size, m - k + (1 - share) * size) - lbeta(share * size, (1 - share) * size))
  }
  exp(optimize(of, log(c(1e-6, 0.5)), maximum = TRUE, tol = 1e-12)$maximum)
}
cat("ten clones", likeliest(first, second, 5), "\n")
# Beside 100 clones of one cell, whose counts are worth 2.6 cells in the one library or in the other
first <- c(first, rep(c(2.6, 0), 50)); second <- c(second, rep(c(0, 2.6), 50))
cat("beside single cells: of five cells or more", likeliest(first, second, 5), "of two", likeliest(first, second, 2), "\n")
