# Enrichment by limma (camera, eBayes), GSVA, phyper, t.test and p.adjust; the results printed here stand literally in
# tests/expression/test_camera.py, test_sign_flips.py, test_sample_scores.py, test_over_representation.py and
# test_enrichment.py. Made with R 4.2.2, limma 3.54.1, GSVA 1.46.0:
#   Rscript tests/oracles/enrichment.R
suppressMessages({library(limma); library(GSVA)})
options(digits = 12)
# Numbers that any language makes the same: genes 1 to 300, columns s.
u <- function(g, s) ((g * g * 17 + s * s * 5 + g * s * 131 + 7 * g + 3 * s) %% 1009) / 1009
genes <- sprintf("G%03d", 1:300)
sets <- list(a = genes[1:20], b = genes[21:60], c = genes[c(1:5, 100:120)])
# Differences of five subjects: genes of set a move together, and up.
x <- outer(1:300, 1:5, u) - 0.5
x <- x * (1 + (1:300 %% 7) / 3)
x[1:20, ] <- x[1:20, ] + rep(c(0.9, 0.1, 0.5, 0.7, 0.2), each = 20)
rownames(x) <- genes
cat("camera, correlation estimated\n")
print(camera(x, sets, matrix(1, 5, 1), inter.gene.cor = NA, sort = FALSE))
cat("camera, correlation 0.01\n")
print(camera(x, sets, matrix(1, 5, 1), inter.gene.cor = 0.01, sort = FALSE))
cat("camera on pairs, each subject a block\n")
before <- outer(1:300, 11:15, u)
subject <- factor(rep(1:5, 2)); visit <- rep(0:1, each = 5)
print(camera(cbind(before, before + x), sets, model.matrix(~ subject + visit), inter.gene.cor = NA, sort = FALSE))
cat("zscoreT, Hill\n")
print(zscoreT(c(-7, -1, 0, 0.3, 4), df = 5.5, approx = TRUE, method = "hill"))
cat("moderated t of genes 1, 2, 150, 300, the data as they are and with subjects 2 and 5 flipped\n")
for (signs in list(c(1, 1, 1, 1, 1), c(1, -1, 1, 1, -1)))
  print(unname(eBayes(lmFit(t(t(x) * signs), matrix(1, 5, 1)))$t[c(1, 2, 150, 300), 1]))
cat("mean of sets over subjects, t.test\n")
for (s in sets) { t <- t.test(colMeans(x[s, ])); print(c(t$estimate, t$conf.int)) }
cat("ssgsea, gsva of six samples\n")
y <- 4 * outer(1:300, 1:6, u)^2 + 0.3 * outer(1:300 %% 13, (1:6)^2 %% 5)
dimnames(y) <- list(genes, paste0("s", 1:6))
print(invisible(gsva(y, sets, method = "ssgsea", ssgsea.norm = FALSE, verbose = FALSE)))
print(gsva(y, sets, method = "gsva", kcdf = "Gaussian", verbose = FALSE))
cat("gsva of genes that tie: B to E are counted in s1 alone\n")
ties <- rbind(A = c(5, 3, 8, 1), B = c(1, 0, 0, 0), C = c(2, 0, 0, 0), D = c(1, 0, 0, 0), E = c(3, 0, 0, 0),
              F = c(4, 9, 2, 6), G = c(0, 2, 7, 5), H = c(6, 6, 1, 3), I = c(2, 8, 4, 9), J = c(7, 1, 3, 2))
colnames(ties) <- paste0("s", 1:4)
print(gsva(ties, list(one = c("B", "D", "F"), two = c("C", "E", "A")), method = "gsva", kcdf = "Gaussian", verbose = FALSE))
cat("upper tails of the hypergeometric\n")
print(phyper(c(4, 0, 15, 30) - 1, c(20, 20, 15, 200), 300 - c(20, 20, 15, 200), c(25, 25, 40, 40), lower.tail = FALSE))
cat("p.adjust\n")
print(p.adjust(c(0.01, 0.04, 0.03, 0.5), "BH")); print(p.adjust(c(0.01, 0.04), "BH")); print(p.adjust(c(0.03, 0.5), "BH"))
