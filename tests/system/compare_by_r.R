# SPDX-License-Identifier: Apache-2.0
# The figures of `cnnmpi compare` computed again from the runs of both files:
#   Rscript compare_by_r.R before.csv after.csv cells.csv CONTROL limit.csv
# the first two by `cnnmpi report --runs`, the tables `cells` and `limit` by `cnnmpi compare --fail-on
# slower:3%`.
arguments <- commandArgs(TRUE)
runs <- rbind(cbind(read.csv(arguments[1]), file = 0), cbind(read.csv(arguments[2]), file = 1))
cells <- read.csv(arguments[3])
control <- arguments[4]
runs <- runs[runs$status == "done" & runs$warmup == 0, ]
runs$place <- paste(runs$host, runs$device)
positions <- max(runs$position) + 1
code <- function(p, j) (p == j) - (p == 0)
checked <- 0
same <- function(a, b, what) if (!isTRUE(all.equal(unname(a), unname(b), tolerance = 1e-8)))
  stop(what, ": ", format(a, digits = 12), " here, ", format(b, digits = 12), " there")
for (i in which(cells$measure == "train_seconds" & cells$level != control)) {
  cell <- cells[i, ]
  of <- function(level) runs[runs$framework == level &
                               paste(runs$architecture, runs$dataset, sep = "/") == cell$combination, ]
  pairs <- merge(of(cell$level), of(control), by = c("file", "block", "place"), suffixes = c("", ".c"))
  d <- log(pairs$train_seconds) - log(pairs$train_seconds.c)
  means <- function(x) {
    m <- tapply(x, list(pairs$place, pairs$file), mean)
    m <- m[complete.cases(m), , drop = FALSE]
    m[, "1"] - m[, "0"]
  }
  y <- means(d)
  z <- sapply(seq_len(positions - 1), function(j) means(code(pairs$position, j) - code(pairs$position.c, j)))
  fit <- lm(y ~ round(z, 12))
  s <- summary(fit)$coefficients["(Intercept)", ]
  same(s[[1]], cell$mean, "mean")
  same(s[[2]], cell$standard_error, "standard error")
  same(fit$df.residual, cell$df, "degrees of freedom")
  same(expm1(confint(fit)[1, ]), c(cell$change_low, cell$change_high), "interval")
  same(s[[4]], cell$p, "p")
  checked <- checked + 1
}
judged <- cells[cells$measure == "train_seconds" & cells$level != control, ]
same(p.adjust(judged$p, "holm"), judged$p_holm, "Holm")
limit <- read.csv(arguments[5])
stopifnot(checked >= 2, nrow(limit) == nrow(judged), limit$combination == judged$combination)
same(limit$lower, expm1(judged$mean - qt(1 - 0.05 / checked, judged$df) * judged$standard_error), "lower")
same(limit$upper, expm1(judged$mean + qt(0.95, judged$df) * judged$standard_error), "upper")
p <- pt((log(1.03) - judged$mean) / judged$standard_error, judged$df)
same(limit$p, p, "p of the limit")
same(limit$p_holm, p.adjust(p, "holm"), "Holm of the limit")
cat("agrees:", checked, "cells\n")
