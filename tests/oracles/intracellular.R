# Literal values of tests/test_exact.py, tests/test_intervals.py, tests/test_multiplicity.py and
# tests/flow/test_cytokine_response.py. R 4.2.2: Rscript tests/oracles/intracellular.R
options(digits = 12)
pairs <- list(c(50, 10000, 5, 10000), c(12, 5000, 3, 8000), c(3, 500, 0, 50000), c(0, 500, 0, 500), c(7, 2000, 9, 2000),
              c(400, 20000, 40, 20000), c(56, 70, 48, 80), c(10, 10, 0, 20))
for (x in pairs) {
  f <- fisher.test(matrix(c(x[1], x[2] - x[1], x[3], x[4] - x[3]), 2), alternative = "greater")
  cat("fisher", x, format(f$p.value, digits = 12), "\n")
}
# MOVER (Zou and Donner 2008, equation 3) of binom.test's limits
for (x in pairs) {
  a <- x[1] / x[2]; b <- x[3] / x[4]
  ca <- binom.test(x[1], x[2])$conf.int; cb <- binom.test(x[3], x[4])$conf.int
  cat("mover", x, 100 * (a - b), 100 * (a - b - sqrt((a - ca[1])^2 + (cb[2] - b)^2)),
      100 * (a - b + sqrt((ca[2] - a)^2 + (b - cb[1])^2)), "\n")
}
# The same join of Wilson's limits, Newcombe's method 10: his worked example 56/70 against 48/80 gives 0.0524 to 0.3339
wilson <- function(x, n) prop.test(x, n, correct = FALSE)$conf.int
a <- 56 / 70; b <- 48 / 80; ca <- wilson(56, 70); cb <- wilson(48, 80)
cat("newcombe", a - b - sqrt((a - ca[1])^2 + (cb[2] - b)^2), a - b + sqrt((ca[2] - a)^2 + (b - cb[1])^2), "\n")
cat("holm", p.adjust(c(.001, .008, .039, .041, .042, .06, .074, .205), "holm"), "\n")
# Replicates: Pearson's X2 over its degrees of freedom and its upper tail
for (m in list(rbind(c(5, 9995), c(25, 9975)), rbind(c(40, 4960), c(44, 4956), c(38, 4962)))) {
  t <- suppressWarnings(chisq.test(m, correct = FALSE))
  cat("dispersion", t$statistic / t$parameter, t$p.value, "\n")
}
t1 <- suppressWarnings(chisq.test(rbind(c(5, 9995), c(25, 9975)), correct = FALSE))
t2 <- suppressWarnings(chisq.test(rbind(c(40, 4960), c(44, 4956), c(38, 4962)), correct = FALSE))
cat("both", (t1$statistic + t2$statistic) / 3, pchisq(t1$statistic + t2$statistic, 3, lower.tail = FALSE), "\n")
# Tubes that differ by 10 % beside counting: 50 of 10,000 against 5 of 10,000 as so many effective cells
own <- function(n, p, cv) n / (1 + cv^2 * n * min(p, 1 - p) / max(p, 1 - p))
cp <- function(x, n) c(qbeta(0.025, x, n - x + 1), qbeta(0.975, x + 1, n - x))
tell <- function(name, x, cv) {
  share <- (x[1] + x[3]) / (x[2] + x[4]); n <- c(own(x[2], share, cv[1]), own(x[4], share, cv[2]))
  k <- c(floor(x[1] * n[1] / x[2]), ceiling(x[3] * n[2] / x[4])); w <- round(n)
  f <- fisher.test(matrix(c(k[1], w[1] - k[1], k[2], w[2] - k[2]), 2), alternative = "greater")
  a <- x[1] / x[2]; b <- x[3] / x[4]; na <- own(x[2], a, cv[1]); nb <- own(x[4], b, cv[2])
  ca <- cp(a * na, na); cb <- cp(b * nb, nb)
  cat(name, n, k, format(f$p.value, digits = 12), 100 * (a - b - sqrt((a - ca[1])^2 + (cb[2] - b)^2)),
      100 * (a - b + sqrt((ca[2] - a)^2 + (b - cb[1])^2)), "\n")
}
tell("effective", c(50, 10000, 5, 10000), c(0.1, 0.1))
tell("two of one size stimulated", c(50, 10000, 5, 10000), c(0.1 / sqrt(2), 0.1))
tell("most of them", c(1400, 2000, 600, 2000), c(0.1, 0.1))
# The tube_cv that explains 5 and 25 of 10,000: ratio = 1 + cv^2 n p / (1 - p)
cat("cv", sqrt((t1$statistic - 1) / (10000 * 0.0015 / 0.9985)), "\n")
