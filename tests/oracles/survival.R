# Survival by R's survival package. It writes survival_small.csv, survival_cox.csv, survival_lung.csv and
# survival_heart.csv beside this file; what it prints stands literally in tests/clinical. Made with R 4.2.2,
# survival 3.5-3 (its data sets lung, heart and aml go with it, LGPL; figures only):
#   cd tests/oracles; Rscript survival.R
suppressMessages(library(survival))
options(digits = 10, width = 200)
set.seed(8)

# 1,000 small trials: medians and limits by quantile(survfit), survival on a day by summary(survfit, times).
small <- function(i) {
  n <- sample(3:30, 1)
  kind <- c("any", "ties", "heavy", "none", "all", "last", "half")[(i - 1) %% 7 + 1]
  days <- if (kind == "ties") sample(1:6, n, TRUE) else sample(1:400, n, TRUE)
  event <- as.integer(switch(kind,
    any = runif(n) < 0.6, ties = runif(n) < 0.6, heavy = runif(n) < 0.15, none = FALSE, all = TRUE,
    last = runif(n) < 0.7, half = TRUE) | logical(n))
  if (kind == "last") event[days == max(days)] <- 0L
  if (kind == "half") { # the curve lies flat at a half: half of an even number have the event, then some are censored
    n <- 2 * ceiling(n / 2)
    days <- sort(sample(1:400, n))
    rest <- n / 2
    event <- c(rep(1L, n / 2), if (i %% 2) rep(0L, rest) else c(0L, as.integer(runif(rest - 1) < 0.5)))
  }
  list(days = days, event = event, kind = kind)
}
rows <- lapply(1:1000, function(i) {
  s <- small(i)
  day <- sort(s$days)[ceiling(length(s$days) / 2)]
  out <- data.frame(set = i, kind = s$kind, days = paste(s$days, collapse = " "), events = paste(s$event, collapse = ""), day = day)
  for (type in c("log-log", "log", "plain")) {
    fit <- survfit(Surv(days, event) ~ 1, data = s, conf.type = type)
    raw <- quantile(fit, 0.5)
    # A curve that ends at 0.5 + 1e-16 has no quantile in R (its first guard has no tolerance, all others have), where
    # one at 0.5 has and print() gives one: such a curve is put to 0.5 here.
    fit$surv[abs(fit$surv - 0.5) < 1e-12] <- 0.5
    q <- quantile(fit, 0.5)
    out[["rounding"]] <- !identical(raw, q)
    at <- summary(fit, times = day)
    name <- gsub("-", "_", type)
    out[[paste0("median_", name)]] <- q$quantile
    out[[paste0("median_lower_", name)]] <- q$lower
    out[[paste0("median_upper_", name)]] <- q$upper
    out[["at"]] <- signif(at$surv, 12)
    out[[paste0("at_lower_", name)]] <- signif(at$lower, 12)
    out[[paste0("at_upper_", name)]] <- signif(at$upper, 12)
  }
  out
})
small_sets <- do.call(rbind, rows)
stopifnot(identical(small_sets$median_log, small_sets$median_log_log), identical(small_sets$median_log, small_sets$median_plain))
small_sets$median <- small_sets$median_log
cat("sets whose median is lost by rounding in R:", small_sets$set[small_sets$rounding], "\n")
small_sets$rounding <- NULL
small_sets <- small_sets[, !names(small_sets) %in% c("median_log", "median_log_log", "median_plain")]
write.csv(small_sets, "survival_small.csv", row.names = FALSE, quote = FALSE, na = "")

# 80 trials with ties, two covariates, three groups and two strata; every second also split into two spans a subject
# (the covariate b switches on), so that risk sets have entries.
cox_rows <- lapply(1:80, function(i) {
  n <- sample(15:60, 1)
  a <- sample(-5:5, n, TRUE)
  group <- sample(rep(1:3, length.out = n))
  stratum <- sample(rep(1:2, length.out = n))
  time <- pmax(1, ceiling(rexp(n, exp(0.15 * a + 0.3 * (group == 2)) / 40) / ifelse(i %% 3 == 0, 10, 1)))
  limit <- sample(5:150, n, TRUE)
  days <- pmin(time, limit); event <- as.integer(time <= limit)
  switch_day <- sample(c(0, 1:60), n, TRUE) # 0: never
  spans <- do.call(rbind, lapply(1:n, function(k) {
    s <- switch_day[k]
    if (s == 0 || s >= days[k]) data.frame(start = 0, stop = days[k], event = event[k], a = a[k], b = 0, stratum = stratum[k])
    else data.frame(start = c(0, s), stop = c(s, days[k]), event = c(0L, event[k]), a = a[k], b = c(0, 1), stratum = stratum[k])
  }))
  out <- data.frame(set = i, days = paste(days, collapse = " "), events = paste(event, collapse = ""),
    a = paste(a, collapse = " "), group = paste(group, collapse = ""), stratum = paste(stratum, collapse = ""),
    switch = paste(switch_day, collapse = " "))
  control <- coxph.control(eps = 1e-11, iter.max = 50)
  for (ties in c("efron", "breslow")) {
    fit <- coxph(Surv(days, event) ~ a + (group == 2), ties = ties, control = control)
    tied <- coxph(Surv(start, stop, event) ~ a + b + strata(stratum), data = spans, ties = ties, control = control)
    figures <- c(coef(fit), sqrt(diag(vcov(fit))), fit$loglik, fit$score, coef(tied), sqrt(diag(vcov(tied))), tied$loglik)
    names(figures) <- c("a", "g", "se_a", "se_g", "null", "fitted", "score", "td_a", "td_b", "td_se_a", "td_se_b", "td_null", "td_fitted")
    for (name in names(figures)) out[[paste0(ties, "_", name)]] <- signif(figures[[name]], 12)
  }
  out$log_rank <- signif(survdiff(Surv(days, event) ~ group)$chisq, 12)
  out$log_rank_stratified <- signif(survdiff(Surv(days, event) ~ group + strata(stratum))$chisq, 12)
  out
})
write.csv(do.call(rbind, cox_rows), "survival_cox.csv", row.names = FALSE, quote = FALSE, na = "")

lung_rows <- data.frame(days = lung$time, event = lung$status - 1, sex = lung$sex, age = lung$age, ph_ecog = lung$ph.ecog)
write.csv(lung_rows, "survival_lung.csv", row.names = FALSE, quote = FALSE, na = "")
heart_rows <- heart[, c("id", "start", "stop", "event", "age", "surgery")]
heart_rows$transplant <- as.integer(heart$transplant) - 1L
write.csv(heart_rows, "survival_heart.csv", row.names = FALSE, quote = FALSE, na = "")

for (type in c("log-log", "log", "plain")) {
  fit <- survfit(Surv(time, status) ~ 1, lung, conf.type = type)
  cat("lung", type, "median", unlist(quantile(fit, 0.5)), "\n")
  print(summary(fit, times = c(180, 365))[c("n.risk", "surv", "lower", "upper")])
}
print(survfit(Surv(time, 3 - status) ~ 1, lung, conf.type = "log-log"))
print(survdiff(Surv(time, status) ~ sex, lung)[c("obs", "exp", "chisq")])
print(survdiff(Surv(time, status) ~ sex + strata(ph.ecog), lung)[c("chisq")])
print(survdiff(Surv(time, status) ~ ph.ecog, lung)[c("obs", "exp", "chisq")])
for (ties in c("efron", "breslow")) {
  print(summary(coxph(Surv(time, status) ~ sex, lung, ties = ties))$coefficients)
  print(summary(coxph(Surv(time, status) ~ sex + age + strata(ph.ecog), lung, ties = ties))$coefficients)
  print(coef(summary(coxph(Surv(start, stop, event) ~ transplant, heart, ties = ties))))
  print(coef(summary(coxph(Surv(start, stop, event) ~ transplant + age + surgery, heart, ties = ties))))
}
for (type in c("log-log", "log")) print(survfit(Surv(time, status) ~ x, aml, conf.type = type))
cat("aml", paste(aml$time, collapse = " "), "|", paste(aml$status, collapse = ""), "|", paste(as.integer(aml$x), collapse = ""), "\n")
for (end in c(180, 365, 700)) print(summary(survfit(Surv(time, status) ~ sex, lung), rmean = end)$table[, c("rmean", "se(rmean)")])
print(summary(survfit(Surv(time, status) ~ x, aml), rmean = 40)$table[, c("rmean", "se(rmean)")])

# Beta products of aml's maintained group by a million draws: limits of the curve on days 0, 9, 13, 31 and 161.
maintained <- subset(aml, x == "Maintained")
draws <- 1e6
for (day in c(0, 9, 13, 31, 161)) {
  falls <- maintained[maintained$status == 1 & maintained$time <= day, ]
  upper <- rep(1, draws)
  for (t in falls$time) upper <- upper * rbeta(draws, sum(maintained$time >= t), 1)
  after <- sum(maintained$time > day)
  lower <- if (after) upper * rbeta(draws, after, 1) else 0 * upper
  cat("beta product", day, quantile(lower, 0.025), quantile(upper, 0.975), "\n")
}
# Six of ten by a day, none censored: Clopper and Pearson of four who remain.
print(binom.test(4, 10)$conf.int)
print(binom.test(10, 10)$conf.int)
print(binom.test(0, 10)$conf.int)

# All ways to put 3 of 8 into a group: the share whose observed less expected events lie as far from 0.
days <- c(3, 5, 5, 8, 10, 12, 12, 15); event <- c(1, 1, 0, 1, 1, 1, 0, 1)
test <- function(one) survdiff(Surv(days, event) ~ group, data.frame(days, event, group = seq_along(days) %in% one))
apart <- function(one) with(test(one), abs(obs[1] - exp[1]))
every <- combn(8, 3, apart)
cat("exact permutation", mean(every >= apart(1:3) - 1e-9), "of", length(every), "chi-square", test(1:3)$chisq, "\n")

# Difference of restricted means by MOVER (Zou and Donner 2008) of logit-t limits, from survfit's means and errors.
logit_t <- function(m, se, n, end, alpha) {
  w <- qt(1 - alpha / 2, n - 1) * se * end / (m * (end - m)) * sqrt(n / (n - 1))
  end * plogis(qlogis(m / end) + c(-1, 1) * w)
}
mover <- function(t, n, end, alpha = 0.05) {
  m <- t[, "rmean"]; se <- t[, "se(rmean)"]
  a <- logit_t(m[2], se[2], n[2], end, alpha); b <- logit_t(m[1], se[1], n[1], end, alpha)
  d <- m[2] - m[1]
  c(d - sqrt((m[2] - a[1])^2 + (b[2] - m[1])^2), d + sqrt((a[2] - m[2])^2 + (m[1] - b[1])^2))
}
for (end in c(180, 365, 700)) {
  fit <- survfit(Surv(time, status) ~ sex, lung)
  t <- summary(fit, rmean = end)$table
  p <- uniroot(function(a) mover(t, fit$n, end, a)[1], c(1e-12, 0.9999), tol = 1e-13)$root
  cat("difference", end, format(c(t[2, "rmean"] - t[1, "rmean"], mover(t, fit$n, end), p), digits = 10), "\n")
}

# Grambsch and Therneau's test of proportional hazards.
for (ties in c("efron", "breslow")) {
  print(cox.zph(coxph(Surv(time, status) ~ sex, lung, ties = ties))$table, digits = 12)
  print(cox.zph(coxph(Surv(time, status) ~ sex + strata(ph.ecog), lung, ties = ties))$table, digits = 12)
  print(cox.zph(coxph(Surv(time, status) ~ x, aml, ties = ties))$table, digits = 12)
}
