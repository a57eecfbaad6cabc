# SPDX-License-Identifier: Apache-2.0
# Golden values of src/stats/spending.h, written out. From the repository's root:
#   Rscript tests/golden/spending.R
# writes tests/golden/spending.csv: the level of each look of some plans, as increments of the
# O'Brien-Fleming spending function of Lan and DeMets (gsDesign's sfLDOF agrees with `spent`).
spent <- function(alpha, t) 2 * pnorm(qnorm(1 - alpha / 2) / sqrt(t), lower.tail = FALSE)
plans <- list(c(0.33, 0.67, 1), c(0.5, 1), c(0.01, 0.02, 0.99, 1), 1, seq(0.1, 1, 0.1))
rows <- list()
for (alpha in c(0.05, 0.01, 0.5, 1e-6))
  for (plan in seq_along(plans)) {
    t <- plans[[plan]]
    level <- diff(c(0, spent(alpha, t)))
    rows[[length(rows) + 1]] <- data.frame(plan, look = seq_along(t), alpha, fraction = t, level)
  }
table <- do.call(rbind, rows)
for (column in c("alpha", "fraction", "level")) table[[column]] <- sprintf("%.17g", table[[column]])
write.csv(table, "tests/golden/spending.csv", row.names = FALSE, quote = FALSE)
