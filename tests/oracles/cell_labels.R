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

# A Poisson number of cells that yield unequally: each a negative binomial, with a variance of u beyond the mean in all.
# The squared coefficient of variation of what a cell yields is 0.7 of UMIs and 1.4 of reads.
unequal <- function(y, mean, u, squared_cv) {
  each <- u / (1 + squared_cv)
  cells <- 1:4000
  (y == 0) * dpois(0, mean / each) +
    sum(dpois(cells, mean / each) * dnbinom(y, size = cells / squared_cv, mu = cells * each))
}
for (mean in c(0.5, 4)) for (u in c(0.5, 10)) {
  cat("umis", mean, u, sapply(c(0, 1, 2, 7, 40), unequal, mean = mean, u = u, squared_cv = 0.7), "\n")
  cat("reads", mean, u, sapply(c(0, 1, 2, 7, 40), unequal, mean = mean, u = u, squared_cv = 1.4), "\n")
}

# A Poisson number of templates, each missed, counted once or counted twice.
templates <- function(y, mean, u) {
  total <- 0
  for (drawn in 0:200) for (twice in 0:min(drawn, floor(y / 2))) {
    once <- y - 2 * twice
    if (once + twice <= drawn) {
      ways <- dmultinom(c(drawn - once - twice, once, twice), prob = c(u / 2, 1 - u, u / 2))
      total <- total + dpois(drawn, mean) * ways
    }
  }
  total
}
for (mean in c(0.5, 4)) cat("templates", mean, 0.3, sapply(c(0, 1, 2, 7, 40), templates, mean = mean, u = 0.3), "\n")

# Mean of a normal distribution cut off at 0 and 1.
for (share in c(0.05, 0.5, 1, 1.6, 10, 1000)) {
  f <- function(x) dnorm(x, share, 0.25 * share)
  cat(share, integrate(function(x) x * f(x), 0, 1, rel.tol = 1e-10)$value / integrate(f, 0, 1, rel.tol = 1e-10)$value, "\n")
}

# Chance of so many cells of a clone of a mean, whose growth is Student's t with 3 degrees of freedom on a log scale.
grown <- function(cells, mean, scale) {
  f <- function(t) dpois(cells, mean * exp(scale * t)) * dt(t, 3)
  sum(sapply(-60:59, function(from) integrate(f, from, from + 1, rel.tol = 1e-10)$value)) +
    integrate(f, -Inf, -60)$value + integrate(f, 60, Inf)$value
}
for (mean in c(0.1, 2)) cat("grown", mean, sapply(c(0, 1, 4, 12), grown, mean = mean, scale = 0.6), "\n")

# The same of large clones, where the logarithm of the mean before growth is normal (0.8, 1.4) and the scale 0.8.
of_size <- function(one) {
  f <- function(t) dt(t, 3) * dnorm(one - 0.8 - 0.8 * t, 0, 1.4)
  ends <- c(-400, -40, -10, -3, 0, 3, 10, 40, 400)
  sum(sapply(1:8, function(k) integrate(f, ends[k], ends[k + 1], rel.tol = 1e-9)$value))
}
for (cells in c(10, 60, 400, 3000, 20000)) {
  near <- log(cells) + c(-12, 12) / sqrt(cells)
  f <- function(l) sapply(l, of_size) * dpois(cells, exp(l))
  cat("large", cells, integrate(f, near[1], near[2], rel.tol = 1e-9)$value, "\n")
}

# Costs of laws: minus the logarithm of the likelihood of counts seen, of sizes that are log-normal between a thousandth of
# a count and three times the largest, and of the prior of their spread.
counts <- c(rep(1, 40), rep(2, 15), rep(3, 8), 4, 4, 5, 6, 9, 14, 30)
ends <- (log(c(0.001, 3 * 30)) - 0.3) / 1.4
chance <- function(of) {
  integrate(function(z) of(exp(0.3 + 1.4 * z)) * dnorm(z), ends[1], ends[2], rel.tol = 1e-10)$value / diff(pnorm(ends))
}
once <- function(k) chance(function(mu) dpois(k, mu))
often <- function(k) chance(function(mu) sapply(mu, function(m) sum(dpois(0:400, m) * dpois(k, 0:400))))
for (one in list(once, often)) {
  likely <- sum(sapply(counts, function(k) log(one(k)))) - length(counts) * log(1 - one(0))
  cat("cost", -likely + ((log(1.4) - log(1.7)) / 0.3)^2 / 2, "\n")
}
