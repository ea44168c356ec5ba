# Change of clones between two samples by R's pbinom, dbinom, binom.test and p.adjust; the results printed here stand
# literally in tests/repertoire/test_change.py. Made with R 4.2.2:
#   Rscript tests/oracles/change.R
options(digits = 12)
# Counts of clones a to h and of the rest; the samples are worth 1,000 and 2,500 cells of 1,000 and 2,500 counts.
before <- c(a = 12, b = 4, c = 0, d = 60, e = 3, f = 40, g = 1, h = 250)
after <- c(a = 12, b = 40, c = 9, d = 20, e = 0, f = 101, g = 2, h = 640)
n <- c(1000, 2500)
two_sided <- function(k, m, share) {
  seen <- dbinom(k, m, share) / 2
  min(1, 2 * min(pbinom(k, m, share) - seen, pbinom(k - 1, m, share, lower.tail = FALSE) - seen))
}
all_before <- c(before, rest = n[[1]] - sum(before))
all_after <- c(after, rest = n[[2]] - sum(after))
total <- all_before + all_after
tested <- total >= 5
share <- n[[2]] / sum(n)
p <- mapply(two_sided, all_after, total, share)
p[!tested] <- NA
limits <- t(mapply(function(k, m) binom.test(k, m)$conf.int, all_after, total))
odds <- function(x) log2(x / (1 - x) * n[[1]] / n[[2]])
print(cbind(ratio = log2((all_after / n[[2]]) / (all_before / n[[1]])), lower = odds(limits[, 1]), upper = odds(limits[, 2]), p, q = p.adjust(p, "BH")))

# The same samples with ten times the counts, of as many cells: shares of reads and effective cells that are not whole.
# Worth 1 / (1 / 1000 + 1 / 10000) and 1 / (1 / 2500 + 1 / 25000): the incomplete beta function takes what is not whole.
worth <- 1 / (1 / n + 1 / (10 * n))
k <- after[["a"]] / n[[2]] * worth[[2]]
m <- before[["a"]] / n[[1]] * worth[[1]] + k
s <- worth[[2]] / sum(worth)
seen <- exp(lgamma(m + 1) - lgamma(k + 1) - lgamma(m - k + 1) + k * log(s) + (m - k) * log(1 - s)) / 2
cat("a of reads: p", format(2 * min(pbeta(1 - s, m - k, k + 1) - seen, pbeta(s, k, m - k + 1) - seen)), "\n")
cat(" limits", format(log2(c(qbeta(0.025, k, m - k + 1) / (1 - qbeta(0.025, k, m - k + 1)),
  qbeta(0.975, k + 1, m - k) / (1 - qbeta(0.975, k + 1, m - k))) * worth[[1]] / worth[[2]])), "\n")

# Over-dispersion of 0.01: beta-binomial of whole cells, limits of m / (1 + (m - 1) 0.01) cells.
rho <- 0.01
chance <- function(k, m, share) {
  size <- 1 / rho - 1
  exp(lchoose(m, k) + lbeta(k + share * size, m - k + (1 - share) * size) - lbeta(share * size, (1 - share) * size))
}
for (clone in c("b", "d", "e", "h")) {
  k <- after[[clone]]
  m <- total[[clone]]
  every <- chance(0:m, m, share)
  half <- every[k + 1] / 2
  shrunk <- max(1, 1 + (m - 1) * rho)
  lower <- qbeta(0.025, k / shrunk, (m - k) / shrunk + 1)
  upper <- qbeta(0.975, k / shrunk + 1, (m - k) / shrunk)
  cat(clone, "of", rho, ": p", format(min(1, 2 * min(sum(every[0:k + 1]) - half, sum(every[(k:m) + 1]) - half))),
    " limits", format(odds(c(lower, upper))), "\n")
}
