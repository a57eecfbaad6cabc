# SPDX-License-Identifier: Apache-2.0
# Golden values of src/published/judge.c: what R makes of the study's table. From the repository's
# root:
#   Rscript tests/golden/published.R
# writes tests/golden/published_rows.csv, published_tests.csv and published_claims.csv.
folder <- "tests/golden"
save <- function(table, name) {
  for (column in names(table))
    if (is.double(table[[column]]))
      table[[column]] <- ifelse(is.na(table[[column]]), "NA", sprintf("%.17g", table[[column]]))
  write.csv(table, file.path(folder, name), row.names = FALSE, quote = FALSE)
}
study <- read.csv("share/published.csv")
n <- 15
half <- 0.005 # figures are printed with two decimals
positive <- function(x) pmax(x, 0)

# Samples of 15 with exactly these means and variances, so that R's own tests can be asked.
sample_of <- function(mean, variance) {
  z <- scale(seq_len(n)^1.5)[, 1]
  mean + z * sqrt(variance)
}
rows <- do.call(rbind, lapply(seq_len(nrow(study)), function(i) {
  s <- study[i, ]
  x <- sample_of(s$keras_mean, s$keras_variance)
  y <- sample_of(s$tensorflow_mean, s$tensorflow_variance)
  both_vary <- s$keras_variance > 0 && s$tensorflow_variance > 0
  varies <- s$keras_variance + s$tensorflow_variance > 0
  t <- if (varies) t.test(x, y) else list(statistic = sign(s$keras_mean - s$tensorflow_mean) * Inf,
                                          parameter = NA, p.value = NA, conf.int = c(NA, NA))
  f <- if (both_vary) var.test(y, x) else list(estimate = NA, p.value = NA, conf.int = c(NA, NA))
  d <- abs(s$keras_mean - s$tensorflow_mean)
  v <- s$keras_variance
  w <- s$tensorflow_variance
  t_low <- positive(d - 2 * half) / sqrt((v + half + w + half) / n)
  t_high <- (d + 2 * half) / sqrt((positive(v - half) + positive(w - half)) / n)
  f_low <- positive(w - half) / (v + half)
  f_high <- (w + half) / positive(v - half)
  two_sided <- function(f) min(1, 2 * min(pf(f, n - 1, n - 1), 1 - pf(f, n - 1, n - 1)))
  ends <- c(two_sided(f_low), two_sided(f_high))
  data.frame(measure = s$measure, architecture = s$architecture, dataset = s$dataset,
             difference = s$keras_mean - s$tensorflow_mean,
             t = t$statistic, df = t$parameter, p = t$p.value,
             reproduced = as.integer(sprintf("%.2f", abs(t$statistic)) ==
                                       sprintf("%.2f", s$published_t)),
             t_low, t_high,
             possible = as.integer(s$published_t + half >= t_low && s$published_t - half <= t_high),
             p_most = 2 * pt(-t_low, n - 1),
             f = f$estimate, f_interval_low = f$conf.int[1], f_interval_high = f$conf.int[2],
             f_p = f$p.value, f_low, f_high, fp_low = min(ends),
             fp_high = if (f_low <= 1 && f_high >= 1) 1 else max(ends))
}))
# The rows of time and of accuracy are families of their own.
holm <- function(p) ave(p, rows$measure, FUN = function(x) p.adjust(x, "holm"))
rows$welch_holm <- holm(rows$p)
rows$p_most_holm <- holm(rows$p_most)
rows$f_holm <- holm(rows$f_p)
rows$fp_most_holm <- holm(rows$fp_high)
save(rows, "published_rows.csv")

time <- rows[rows$measure == "time", ]
accuracy <- rows[rows$measure == "accuracy", ]
printed <- study[study$measure == "time", ]
ratio <- printed$keras_mean / printed$tensorflow_mean
errors <- cbind(printed$keras_variance / (n * printed$keras_mean^2),
                printed$tensorflow_variance / (n * printed$tensorflow_mean^2))
satterthwaite <- function(estimate, parts) {
  df <- sum(parts)^2 / sum(parts^2 / (n - 1))
  2 * pt(-abs(estimate) / sqrt(sum(parts)), df)
}
tests <- function(name, estimate, p) data.frame(name, estimate, p, holm = p.adjust(p, "holm"))
longer <- tests("longer", ratio[1:3],
                sapply(1:3, function(i) satterthwaite(log(ratio[i] / 1.35), errors[i, ])))
closer_by <- abs(log(ratio[1:3])) - abs(log(ratio[4:6]))
closer <- tests("closer", closer_by, sapply(1:3, function(i)
  satterthwaite(closer_by[i], c(errors[i, ], errors[i + 3, ]))))
spread <- c((errors[3, 1] / errors[1, 1]), errors[6, 1] / errors[4, 1],
            errors[3, 2] / errors[1, 2], errors[6, 2] / errors[4, 2])
relative <- tests("relative_spread", spread,
                  2 * pmin(pf(spread, n - 1, n - 1), pf(spread, n - 1, n - 1, lower.tail = FALSE)))
# Two one-sided tests of the ratio of A2 MNIST's means within 1 %, on logarithms.
alike_by <- log(ratio[4])
se <- sqrt(sum(errors[4, ]))
df <- sum(errors[4, ])^2 / sum(errors[4, ]^2 / (n - 1))
margin <- log(1.01)
alike_p <- max(pt((alike_by + margin) / se, df, lower.tail = FALSE),
               pt((alike_by - margin) / se, df))
save(rbind(longer, closer, relative,
           data.frame(name = "alike", estimate = alike_by, p = alike_p, holm = alike_p)),
     "published_tests.csv")

alpha <- 0.05
claim <- function(name, significant, supports, most = FALSE) {
  k <- sum(significant & supports)
  c <- sum(significant & !supports)
  all <- length(significant)
  data.frame(name, cases = all, supported = k, opposed = c,
             verdict = if (if (most) 2 * k > all else k == all) "holds"
                       else if (c > 0) "contradicted" else if (k > 0) "holds in part"
                       else "not shown")
}
differs <- time$welch_holm <= alpha
accurate <- accuracy$p_most_holm <= alpha
alike <- alike_p <= alpha
save(rbind(
  claim("times_differ_arch1", differs[1:3], rep(TRUE, 3)),
  claim("times_differ_arch2", differs[5:6], rep(TRUE, 2)),
  claim("times_alike_arch2_mnist", alike || differs[4], alike),
  claim("tensorflow_faster", differs, time$difference > 0),
  claim("keras_35_percent_longer", rep(TRUE, 3), longer$holm > alpha),
  claim("tensorflow_varies_more", time$f_holm <= alpha, time$f > 1),
  claim("accuracies_differ", accurate, rep(TRUE, 6)),
  claim("keras_more_accurate", accurate, accuracy$difference > 0, most = TRUE),
  claim("complexity_reduces_differences", closer$holm <= alpha, closer$estimate > 0),
  claim("complex_data_vary_more", relative$holm <= alpha, relative$estimate > 1),
  claim("except_arch2_mnist", c(alike || differs[4], accurate[4]), c(alike, FALSE))),
  "published_claims.csv")
