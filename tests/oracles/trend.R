# Trends of clones over visits by R's glm and MASS; the results printed here stand literally in
# tests/repertoire/test_trend.py. Made with R 4.2.2, MASS 7.3-58.2:
#   Rscript tests/oracles/trend.R
suppressMessages(library(MASS))
options(digits = 12)
days <- c(7, 14, 28, 42, 56, 84)
worth <- c(40000, 25000, 60000, 50000, 30000, 45000)
clones <- rbind(
  falls = c(400, 130, 160, 60, 12, 3),
  rises = c(2, 3, 14, 20, 31, 120),
  level = c(40, 28, 55, 52, 24, 50),
  rough = c(90, 20, 150, 20, 44, 15),
  few = c(6, 1, 1, 0, 0, 0)
)
# Limits where the profile likelihood falls by half of the quantile squared.
profile_limit <- function(y, family, quantile, side) {
  fit <- glm(y ~ days, offset = log(worth), family = family, control = list(epsilon = 1e-14, maxit = 100))
  best <- coef(fit)[[2]]
  deviance_at <- function(b) {
    glm(y ~ 1, offset = log(worth) + b * days, family = family, control = list(epsilon = 1e-14, maxit = 100))$deviance
  }
  uniroot(function(b) deviance_at(b) - fit$deviance - quantile^2, sort(best + side * c(1e-9, 0.7)), tol = 1e-13)$root
}
trend <- function(y, family, quantile) {
  control <- list(epsilon = 1e-14, maxit = 100)
  fit <- glm(y ~ days, offset = log(worth), family = family, control = control)
  level <- glm(y ~ 1, offset = log(worth), family = family, control = control)
  c(slope = coef(fit)[[2]],
    lower = profile_limit(y, family, quantile, -1), upper = profile_limit(y, family, quantile, 1),
    root = sign(coef(fit)[[2]]) * sqrt(level$deviance - fit$deviance))
}
cat("Poisson\n")
print(t(apply(clones, 1, trend, family = poisson(), quantile = qnorm(0.975))))
cat("negative binomial, dispersion 0.1\n")
print(t(apply(clones, 1, trend, family = negative.binomial(10), quantile = qnorm(0.975))))

cat("most likely dispersion of `rough` by glm.nb, and the trend with it\n")
y <- clones["rough", ]
fit <- glm.nb(y ~ days + offset(log(worth)), control = glm.control(epsilon = 1e-14, maxit = 100))
cat(format(1 / fit$theta), format(coef(fit)[[2]]), "\n")

cat("dispersion at which Pearson's statistic of falls, rises, level and rough is its degrees of freedom, 16\n")
pearson <- function(log_alpha) {
  sum(apply(clones[1:4, ], 1, function(y) {
    family <- negative.binomial(exp(-log_alpha))
    fit <- glm(y ~ days, offset = log(worth), family = family, control = list(epsilon = 1e-14, maxit = 100))
    sum(residuals(fit, "pearson")^2)
  })) - 16
}
alpha <- exp(uniroot(pearson, log(c(1e-3, 10)), tol = 1e-14)$root)
cat(format(alpha), "\n")
found <- t(apply(clones[1:4, ], 1, trend, family = negative.binomial(1 / alpha), quantile = qt(0.975, 16)))
p <- 2 * pt(-abs(found[, "root"]), 16)
print(cbind(found, p, q = p.adjust(p, "BH")))
