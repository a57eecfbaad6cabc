# SPDX-License-Identifier: Apache-2.0
# Golden values of src/stats, computed by R. From the repository's root:
#   Rscript tests/golden/stats.R
# writes tests/golden/stats_*.csv. share/published.csv is the study's table.
set.seed(20180601, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
folder <- "tests/golden"
save <- function(table, name) {
  for (column in names(table))
    if (is.double(table[[column]]))
      table[[column]] <- ifelse(is.na(table[[column]]), "NA", sprintf("%.17g", table[[column]]))
  write.csv(table, file.path(folder, name), row.names = FALSE, quote = FALSE)
}

# Distributions: name, up to three arguments, value.
distribution <- function(name, a, b, c, value)
  data.frame(name = name, a = as.double(a), b = as.double(b), c = as.double(c), value = value)
g <- expand.grid(t = c(0, 1e-8, 0.3, 1, 1.96, -2.5, 8.57, 55.52, 1506.89),
                 df = c(0.5, 1, 2, 14, 15.37, 27.6, 28, 1000, 1e6))
two_sided <- distribution("two_sided", g$t, g$df, NA, 2 * pt(-abs(g$t), g$df))
g <- expand.grid(p = c(1e-10, 0.001, 0.025, 0.3, 0.45, 0.8, 0.975, 0.9999),
                 df = c(0.7, 1, 3, 14, 27.6, 500))
quantiles <- distribution("quantile", g$p, g$df, NA, qt(g$p, g$df))
g <- expand.grid(t = c(-1, 0.5, 2.14, 4, 12.7), df = c(1, 7, 14, 99), delta = c(0, 0.5, 2, 3))
# By its definition, T = (Z + delta) / sqrt(U / df) with U chi-squared: R's own pt() warns of lost
# digits where delta is not 0. s = sqrt(U).
noncentral_cdf <- function(t, df, delta)
  integrate(function(s) pnorm(t * s / sqrt(df) - delta) * 2 * s * dchisq(s^2, df),
            sqrt(qchisq(1e-18, df)), sqrt(qchisq(1e-18, df, lower.tail = FALSE)),
            rel.tol = 1e-13, subdivisions = 10000)$value
noncentral <- distribution("noncentral", g$t, g$df, g$delta,
                           mapply(noncentral_cdf, g$t, g$df, g$delta))
power_of <- function(n, effect, alpha)
  power.t.test(n = n, delta = effect, sd = 1, sig.level = alpha, type = "paired",
               alternative = "two.sided", strict = TRUE)$power
g <- expand.grid(n = c(2, 3, 8, 15, 100), effect = c(0.2, 0.8, 2), alpha = c(0.05, 0.01))
powers <- distribution("power", g$n, g$effect, g$alpha, mapply(power_of, g$n, g$effect, g$alpha))
detectable <- function(n, alpha, power)
  power.t.test(n = n, power = power, sd = 1, sig.level = alpha, type = "paired",
               alternative = "two.sided", strict = TRUE, tol = 1e-14)$delta
g <- expand.grid(n = c(3, 4, 8, 15, 60, 400), alpha = c(0.05, 0.01), power = c(0.8, 0.9))
detected <- distribution("detectable", g$n, g$alpha, g$power,
                         mapply(detectable, g$n, g$alpha, g$power))
save(rbind(two_sided, quantiles, noncentral, powers, detected), "stats_distributions.csv")

# Samples: large means with small spread, as training times have; unequal sizes and variances.
samples <- list(a = rnorm(15, 296.97, sqrt(19.58)), b = rnorm(15, 228.84, sqrt(15.17)),
                c = rnorm(8, 1e6, 1e-3), d = rnorm(3, 1e6 + 1e-3, 5e-3), e = rexp(40),
                f = rnorm(2))
save(data.frame(sample = rep(names(samples), lengths(samples)), value = unlist(samples)),
     "stats_samples.csv")
save(data.frame(sample = names(samples), n = lengths(samples), mean = sapply(samples, mean),
                variance = sapply(samples, var)), "stats_moments.csv")
welch <- function(x, y) {
  test <- t.test(samples[[x]], samples[[y]])
  data.frame(x = x, y = y, t = test$statistic, df = test$parameter, p = test$p.value)
}
save(rbind(welch("a", "b"), welch("b", "a"), welch("c", "d"), welch("d", "c"), welch("a", "e"),
           welch("e", "f")), "stats_welch.csv")
