# Literal values of tests/clinical/test_safety.py. R 4.2.2: Rscript tests/oracles/safety.R
options(digits = 10)
# Three subjects seen for 101 (event), 204 and 153 days, and three for 208, 187 and 234 (an event each)
for (x in list(c(1, 458), c(3, 629))) {
  rate <- poisson.test(x[1], x[2] / 30.4375)
  cat("rate", 100 * rate$estimate, 100 * rate$conf.int, "\n")
}
for (x in list(c(2, 6), c(0, 6), c(6, 6), c(1, 6), c(3, 6), c(1, 5))) {
  cat("share", x[1], "/", x[2], binom.test(x[1], x[2])$conf.int, "\n")
}
