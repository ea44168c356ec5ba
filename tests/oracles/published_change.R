# How many of the clones that Minervina et al. (eLife 2021;10:e63502; github.com/pogorely/Minervina_COVID, MIT) publish as
# contracting are called so by the mid-p binomial test of effective cells, in either replicate, by R's pbeta and
# p.adjust; the results printed here stand literally in tests/repertoire/test_change_published.py. Made with R 4.2.2:
#   Rscript tests/oracles/published_change.R FOLDER   (with minervina_Table_S1.tsv and S3.tsv)
folder <- commandArgs(TRUE)[[1]]
read <- function(name) {
  read.delim(file.path(folder, paste0("minervina_Table_", name, ".tsv")), check.names = FALSE, quote = "")
}
depth <- subset(read("S1"), Chain == "TCRbeta")
clones <- read("S3")
cells <- 1e6 # half of two million PBMC
call <- function(donor, replicates) {
  ours <- clones[clones$donor == donor, ]
  library_of <- function(day, replicate) {
    umis <- depth$UMIs[depth$`Sample id` == sprintf("%s_d%d_%s", donor, day, replicate)]
    share <- ours[[sprintf("freq_d_%d_%s", day, replicate)]]
    worth <- 1 / (1.7 / cells + 1 / umis) # cells yield UMIs unequally, with a squared coefficient of variation of 0.7
    list(counts = round(share * umis), umis = umis, worth = worth)
  }
  seen <- lapply(c(15, 85), function(day) {
    each <- lapply(replicates, library_of, day = day)
    sum_of <- function(name) Reduce(`+`, lapply(each, `[[`, name))
    share <- sum_of("counts") / sum_of("umis")
    list(cells = c(share, 1 - sum(share)) * sum_of("worth"), worth = sum_of("worth"))
  })
  k <- seen[[2]]$cells
  m <- seen[[1]]$cells + k
  s <- seen[[2]]$worth / (seen[[1]]$worth + seen[[2]]$worth)
  half <- exp(lgamma(m + 1) - lgamma(k + 1) - lgamma(m - k + 1) + k * log(s) + (m - k) * log(1 - s)) / 2
  at_most <- pbeta(1 - s, pmax(m - k, 1e-300), k + 1)
  at_least <- ifelse(k > 0, pbeta(s, pmax(k, 1e-300), m - k + 1), 1)
  p <- pmin(1, 2 * pmin(at_most - half, at_least - half))
  p[m < 5] <- NA
  q <- p.adjust(p, "BH")
  called <- !is.na(q) & q <= 0.05 & k / m < s
  called[seq_len(nrow(ours))]
}
for (donor in c("M", "W")) {
  one <- call(donor, "F1")
  two <- call(donor, "F2")
  both <- sum(call(donor, c("F1", "F2")))
  cat(donor, "clones", length(one), " F1", sum(one), " F2", sum(two), " both alike", sum(one == two), " summed", both, "\n")
}
