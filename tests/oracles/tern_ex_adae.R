# Rows of tern's `ex_adae` (insightsengineering/tern, Apache-2.0, commit eab2bd7, data/tern_ex_adae.rda), counted by
# subject and term: Rscript tern_ex_adae.R tern_ex_adae.rda > tern_ex_adae.tsv
load(commandArgs(TRUE)[1])
d <- as.data.frame(tern_ex_adae)
d$subject <- match(d$USUBJID, sort(unique(d$USUBJID)))
d$arm <- substr(d$ARM, 1, 1)
d$term <- sub("dcd ", "", d$AEDECOD)
wide <- as.data.frame.matrix(table(d$subject, d$term))
wide <- cbind(subject = as.integer(rownames(wide)), arm = d$arm[match(rownames(wide), d$subject)], wide)
write.table(wide, sep = "\t", quote = FALSE, row.names = FALSE)
