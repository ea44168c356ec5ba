# Literal values of tests/repertoire/test_chance_sharing.py and test_hopping.py: Rscript tests/oracles/contamination.R
options(digits = 12)
cat("upper tail, negative binomial of mean mu and variance mu + dispersion mu^2\n")
for (case in list(c(1, 0.5, 0.25), c(4, 0.5, 0.25), c(8, 0.5, 0.25), c(450, 90, 0.25), c(35, 3, 1), c(700, 0.4, 0.25)))
  cat(case, pnbinom(case[1] - 1, size = 1 / case[3], mu = case[2], lower.tail = FALSE), "\n")
cat("99 % quantile, Poisson\n")
for (mean in c(0, 0.001, 0.01, 0.0101, 0.1, 0.6, 2, 10, 4000)) cat(mean, qpois(0.99, mean), "\n")
cat("exact Poisson limits\n")
for (count in c(0, 12)) cat(count, poisson.test(count)$conf.int, "\n")
