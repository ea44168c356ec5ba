# 5PL of two analytes at given errors of their wells by nls (port), weighted, with what curves are like a priori as one
# more observation a parameter; expected values of tests/cytokines/test_joint.py. The same fit as tilseq's joint one
# where errors are not shared but known.
# Rscript tests/oracles/joint_curves.R   (R 4)
lx <- log(10000 / 4^(0:6))
errors <- c(0, .1, -.05, .2, 0, -.1, .05)
curve <- function(x, b, ld, m, s, a)
  ifelse(is.finite(x), log(exp(b) + exp(ld) * (1 + exp(-exp(s) * (pmax(x, -50) - m)))^(-exp(a))), b)
noise <- c(.05, -.04, .03, .06, -.05, .02, -.03, -.02, .03, -.05, .01, .04, -.03, .02, .01, -.03)
sd <- c(rep(c(.03, .03, .05, .05, .08, .05, .03), 2), .04, .04)
at <- c(lx + errors, lx + errors, -Inf, -Inf)
vague <- c(3, 1, 3, .3, .5)
true <- list(c(log(90), log(60000), log(2500), .1, .3), c(log(120), log(40000), log(400), 0, -.1))
options(digits = 12)
for (k in 1:2) {
  y <- round(do.call(curve, c(list(at), as.list(true[[k]]))) + c(1, -1)[k] * noise, 6)
  usual <- c(min(y), max(y) + .5, median(lx) + 2, .1, 0)
  seen <- c(y / sd, usual / vague)
  told <- function(b, ld, m, s, a) c(curve(at, b, ld, m, s, a) / sd, c(b, ld, m, s, a) / vague)
  fit <- nls(
    seen ~ told(b, ld, m, s, a),
    start = setNames(as.list(true[[k]]), c("b", "ld", "m", "s", "a")),
    control = nls.control(maxiter = 1000, tol = 1e-12), algorithm = "port"
  )
  print(y)
  print(unname(coef(fit)))
  print(unname(sqrt(diag(summary(fit)$cov.unscaled))))
}
