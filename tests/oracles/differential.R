# voom, moderated t, duplicate correlation, TMM factors, filterByExpr, squeezeVar and lowess by R. What is printed here
# stands literally in tests/expression/; the tests of genes are written to differential_limma.tsv. Made with R 4.2.2,
# limma 3.54.1, edgeR 3.40.2, DESeq2 1.38.3, statmod 1.5.0:
#   Rscript tests/oracles/differential.R
suppressMessages({library(limma); library(edgeR); library(DESeq2)})
options(digits = 15, width = 100)
folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
path <- file.path(folder, "differential_counts.tsv")
subjects <- paste0("P", 1:4)
visits <- c("product", "D7", "D28")
design <- expand.grid(visit = visits, subject = subjects, stringsAsFactors = FALSE)
design$sample <- paste(design$subject, design$visit, sep = "_")

if (!file.exists(path)) {
  set.seed(20)
  genes <- 120
  base <- exp(rnorm(genes, 4, 1.6))
  base[1:6] <- c(0, 0.1, 0.3, 0.5, 1, 2)
  person <- matrix(rnorm(genes * 4, 0, 0.12), genes, dimnames = list(NULL, subjects))
  effect <- matrix(0, genes, 3, dimnames = list(NULL, visits))
  effect[11:30, "D7"] <- rnorm(20, 0, 1.5)
  effect[11:40, "D28"] <- rnorm(30, 0, 1.2)
  depth <- exp(rnorm(12, 0, 0.35))
  dispersion <- pmin(1 / rgamma(genes, 4, scale = 2.8), 0.6) * 0.15
  counts <- sapply(1:12, function(i) {
    mean <- base * exp(person[, design$subject[i]] + effect[, design$visit[i]]) * depth[i]
    rnbinom(genes, mu = mean, size = 1 / dispersion)
  })
  dimnames(counts) <- list(sprintf("gene%03d", 1:genes), design$sample)
  write.table(data.frame(gene = rownames(counts), counts), path, sep = "\t", quote = FALSE, row.names = FALSE)
}
all <- as.matrix(read.delim(path, row.names = 1))
design$visit <- factor(design$visit, visits)
here <- design$sample != "P3_D7"  # the missing visit
counts <- all[, here]
d <- design[here, ]

# Genes kept by edgeR, of these those that are expected to be counted 10 times in the shallowest level.
tested_genes <- function(counts, group) {
  sizes <- colSums(counts)
  expected <- rowSums(counts) / sum(sizes) * min(tapply(sizes, as.character(group), median))
  filterByExpr(counts, group = group) & expected >= 10
}
normalised <- function(counts, kept) calcNormFactors(DGEList(counts)[kept, , keep.lib.sizes = FALSE])
prepared <- function(counts, group) normalised(counts, tested_genes(counts, group))
results <- list()
keep_results <- function(name, fit, coefficient) {
  table <- topTable(fit, coef = coefficient, number = Inf, sort.by = "none", confint = TRUE)
  results[[name]] <<- data.frame(
    model = name, gene = rownames(table), mean = table$AveExpr, change = table$logFC, lower = table$CI.L,
    upper = table$CI.R, t = table$t, df = fit$df.total, p = table$P.Value, q = table$adj.P.Val
  )
  cat(name, "prior df, prior variance\n")
  print(c(fit$df.prior, fit$s2.prior))
}

cat("TMM factors of all genes; genes kept by the groups and by the design\n")
print(unname(calcNormFactors(counts)))
fixed <- model.matrix(~ subject + visit, d)
print(c(sum(filterByExpr(counts, group = d$visit)), sum(filterByExpr(counts, fixed)), 1 / max(hat(fixed))))

y <- normalised(counts, filterByExpr(counts, group = d$visit))
cat("TMM factors of the genes kept by edgeR, weights of the first two\n")
print(y$samples$norm.factors)
print(voom(y, fixed)$weights[1:2, 1:4])
y <- prepared(counts, d$visit)
keep_results("fixed", eBayes(lmFit(voom(y, fixed), fixed)), "visitD28")

# The two visits alone.
pair <- d$visit != "D7"
two <- droplevels(d[pair, ])
pairs <- model.matrix(~ subject + visit, two)
yy <- prepared(counts[, pair], two$visit)
keep_results("pairs", eBayes(lmFit(voom(yy, pairs), pairs)), "visitD28")

# Subjects as a correlation. limma's own stops where a step gains less than 1e-6; the other is let run to the end.
random <- model.matrix(~ visit, d)
converged <- function(v) {
  rho <- sapply(seq_len(nrow(v)), function(i) {
    s <- suppressWarnings(statmod::mixedModel2Fit(v$E[i, ], random, model.matrix(~ 0 + factor(d$subject)),
      v$weights[i, ], only.varcomp = TRUE, tol = 1e-16, maxit = 500)$varcomp)
    s[2] / sum(s)
  })
  tanh(mean(atanh(pmin(pmax(rho, 1 / (1 - 3) + 0.01), 0.99)), trim = 0.15))
}
correlated <- function(name, correlation_of) {
  v <- voom(y, random)
  first <- correlation_of(v)
  v <- voom(y, random, block = d$subject, correlation = first)
  second <- correlation_of(v)
  cat(name, "\n")
  print(c(first, second))
  lmFit(v, random, block = d$subject, correlation = second)
}
keep_results("correlated", eBayes(correlated("correlations run to the end", converged)), "visitD7")
invisible(correlated("limma's own", function(v) duplicateCorrelation(v, random, block = d$subject)$consensus))

# A batch beside the subject.
d$batch <- strsplit("aabaabbaabb", "")[[1]]
covariate <- model.matrix(~ subject + visit + batch, d)
keep_results("covariate", eBayes(lmFit(voom(y, covariate), covariate)), "visitD28")

# The same twelve samples as three subjects at two visits, infused and not.
four <- data.frame(
  subject = rep(c("A", "B", "C"), each = 4), visit = factor(rep(c("product", "product", "D28", "D28"), 3), c("product", "D28")),
  status = factor(rep(c("not_seen_in_product", "infused"), 6), c("not_seen_in_product", "infused"))
)
high <- four$visit == "D28"
infused <- four$status == "infused"
interaction <- cbind(
  model.matrix(~ 0 + subject:visit, four), model.matrix(~ 0 + subject, four) * infused, both = high & infused
)
y <- prepared(all, interaction(four$visit, four$status))
keep_results("interaction", eBayes(lmFit(voom(y, interaction), interaction)), "both")

cat("squeezeVar: few degrees of freedom to the prior, and infinite\n")
spread <- apply(log(counts + 1), 1, var)[21:30]
print(unname(spread))
s <- squeezeVar(spread, 6)
print(c(s$df.prior, s$var.prior))
print(unname(s$var.post))
alike <- c(0.9, 1, 1.1, 1.2, 0.8, 1.05)
print(unlist(squeezeVar(alike, 4)))
print(squeezeVar(c(0, 1, 2, 3, 4, 40), c(2, 3, 4, 5, 6, 7)))

cat("lowess\n")
x <- c(1, 2, 2, 3, 4.5, 5, 5.001, 6, 8, 9, 9, 12, 13, 15, 20)
y <- c(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 30)
print(lowess(x, y, f = 0.5)$y)
print(lowess(x, y)$y)
print(lowess(x, y, f = 0.3, iter = 0)$y)
print(lowess(c(1, 1, 1), c(1, 2, 6))$y)

cat("DESeq2\n")
tested <- counts[filterByExpr(counts, group = d$visit), ]
dds <- DESeqDataSetFromMatrix(tested, d, ~ subject + visit)
dds <- suppressMessages(DESeq(dds))
r <- DESeq2::results(dds, contrast = c("visit", "D28", "product"), independentFiltering = FALSE)
print(as.data.frame(r)[c("gene011", "gene012", "gene020", "gene035", "gene050", "gene100"), c(2, 3, 4, 5)])

table <- do.call(rbind, results)
numbers <- sapply(table, is.numeric)
table[numbers] <- lapply(table[numbers], function(x) sprintf("%.12g", x))
write.table(table, file.path(folder, "differential_limma.tsv"), sep = "\t", quote = FALSE, row.names = FALSE)
