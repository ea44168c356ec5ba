# Figures for tests/repertoire/test_missed.py: Rscript tests/oracles/missed.R
options(digits = 12)

# Chance of a count whose expected number is log-normal, by parts about where the integrand is largest.
poisson_log_normal <- function(count, centre, scatter) {
  of <- function(l) exp(dpois(count, exp(l), log = TRUE) + dnorm(l, centre, scatter, log = TRUE))
  peak <- optimize(function(l) dpois(count, exp(l), log = TRUE) + dnorm(l, centre, scatter, log = TRUE),
                   c(-40, 15), maximum = TRUE, tol = 1e-10)$maximum
  width <- scatter / sqrt(1 + scatter^2 * exp(peak))
  ends <- peak + width * seq(-12, 12, 2)
  sum(sapply(1:12, function(k) integrate(of, ends[k], ends[k + 1], rel.tol = 1e-11)$value))
}
for (centre in c(-2, 1, 4)) for (scatter in c(0.3, 1, 2.5)) {
  cat(centre, scatter, sapply(c(0, 1, 7, 300, 20000), poisson_log_normal, centre = centre, scatter = scatter), "\n")
}
