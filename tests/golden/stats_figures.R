# SPDX-License-Identifier: Apache-2.0
# Golden values of src/stats beyond stats.R, computed by R. From the repository's root:
#   Rscript tests/golden/stats_figures.R
# writes tests/golden/figures_samples.csv (sample, value) and figures.csv: one figure a row, by the
# name of what is called, its samples x and y, up to three numbers, and the field of the result.
set.seed(20261124, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
number <- function(v) ifelse(is.na(v), "NA", sprintf("%.17g", as.double(v)))
rows <- list()
put <- function(.name, .x, .y, .a, .b, .c, ...) { # ...: field = value
  fields <- list(...)
  rows[[length(rows) + 1]] <<- data.frame(name = .name, x = .x, y = .y, a = number(.a), b = number(.b),
                                          c = number(.c), field = names(fields),
                                          value = number(as.double(unlist(fields))))
}

# Samples. Times of two frameworks on shared blocks, errors that are whole multiples of 1e-4 (ties),
# sizes around the 50 where ranks stop being exact, heavy tails, small spread on large values.
block <- rnorm(15, 0, 3)
shared <- rnorm(20, 0, 1)
long <- rnorm(60)
ten <- function(v) round(v * 1e4) / 1e4
s <- list(
  native = 228.84 + block + rnorm(15), layered = 296.97 + block + rnorm(15, 0, 2),
  close = 229.3 + block + rnorm(15), error_a = ten(0.15 + rnorm(15, 0, 4e-4)),
  error_b = ten(0.1502 + rnorm(15, 0, 4e-4)), two_a = c(3.1, 4.7), two_b = c(2.9, 4.1),
  three_a = c(5, 7.5, 6.25), three_b = c(4.5, 6.75, 6.5), eight_a = rnorm(8, 10), eight_b = rnorm(8, 10.5),
  nine_a = rexp(9), nine_b = rexp(9), ten_a = rnorm(10), ten_b = rnorm(10, 0, 3),
  twenty_a = 100 + shared + rnorm(20, 0, 0.3), twenty_b = 100.1 + shared + rnorm(20, 0, 0.4),
  many_a = rnorm(49), many_b = rnorm(49, 0.4), fifty_a = rnorm(50), fifty_b = rnorm(50, 0.3, 2),
  sixty_a = long + rnorm(60, 0, 0.5), sixty_b = long + rt(60, 2), whole_a = as.double(rpois(40, 4)),
  whole_b = as.double(rpois(40, 5)), large_a = 1e6 + rnorm(12, 0, 1e-3),
  large_b = 1e6 + rnorm(12, 1e-3, 2e-3), drift = 10 + 0.05 * 1:60 + rnorm(60),
  time = as.double(1:60), spread = c(rnorm(30), 8, -9, 40), many_c = rexp(400), single = 4.25)
s$far <- s$native + 100 + rnorm(15, 0, 0.3) # t above a thousand
s$many_d <- s$many_c + 30 + rnorm(400, 0, 0.3)
s$drawn_a <- rnorm(22, -0.1) # too many pairs for all signs in src/stats, not here
s$drawn_b <- rnorm(22)
pairs <- list(c("native", "layered"), c("native", "close"), c("error_a", "error_b"), c("two_a", "two_b"),
              c("three_a", "three_b"), c("eight_a", "eight_b"), c("nine_a", "nine_b"),
              c("ten_a", "ten_b"), c("twenty_a", "twenty_b"), c("many_a", "many_b"),
              c("fifty_a", "fifty_b"), c("sixty_a", "sixty_b"), c("whole_a", "whole_b"),
              c("large_a", "large_b"), c("far", "native"), c("many_d", "many_c"))
unequal <- c(pairs, list(c("native", "twenty_b"), c("error_a", "spread"), c("two_a", "sixty_a"),
                         c("many_a", "fifty_b"), c("many_c", "nine_a"), c("whole_a", "ten_b")))

# Distributions; T noncentral by its definition, as in stats.R.
for (z in c(-37, -8, -1.96, 0, 0.3, 6)) put("normal_cdf", "", "", z, NA, NA, value = pnorm(z))
for (p in c(1e-12, 0.025, 0.5, 0.8, 0.999)) put("normal_quantile", "", "", p, NA, NA, value = qnorm(p))
for (df in c(1, 3.7, 28, 5000)) for (t in c(-40, -2.1, 0, 0.7, 5))
  put("student_cdf", "", "", t, df, NA, value = pt(t, df))
for (d1 in c(1, 4, 14.5)) for (d2 in c(2, 28, 900)) for (f in c(0, 0.01, 0.9, 3, 60)) {
  put("f_cdf", "", "", f, d1, d2, value = pf(f, d1, d2))
  put("f_sf", "", "", f, d1, d2, value = pf(f, d1, d2, lower.tail = FALSE))
}
for (p in c(1e-6, 0.025, 0.5, 0.975)) {
  put("f_quantile", "", "", p, 14, 9, value = qf(p, 14, 9))
  put("beta_quantile", "", "", p, 3, 18, value = qbeta(p, 3, 18))
  put("beta_quantile", "", "", p, 0.5, 200, value = qbeta(p, 0.5, 200))
  for (df in c(1, 2.5, 60)) put("chi_squared_quantile", "", "", p, df, NA, value = qchisq(p, df))
}
for (df in c(1, 2.5, 60)) for (q in c(0, 0.003, 2.7055, 80)) {
  put("chi_squared_cdf", "", "", q, df, NA, value = pchisq(q, df))
  put("chi_squared_sf", "", "", q, df, NA, value = pchisq(q, df, lower.tail = FALSE))
}
for (n in c(1, 15, 1000)) for (k in c(0, 3, 14, 480)) for (p in c(0.05, 0.5))
  put("binomial_cdf", "", "", k, n, p, value = pbinom(k, n, p))
for (a in c(0.5, 7, 14, 500, 1e6))
  put("gamma_ratio", "", "", a, 0.5, NA, value = exp(lgamma(a + 0.5) - lgamma(a)))
noncentral_cdf <- function(t, df, delta) {
  f <- function(v) pnorm(t * v / sqrt(df) - delta) * exp(log(2 * v) + dchisq(v^2, df, log = TRUE))
  ends <- c(sqrt(qchisq(1e-20, df)), sqrt(df), sqrt(qchisq(1e-20, df, lower.tail = FALSE)))
  # cut where the factor pnorm rises, too
  rise <- if (t != 0) pmin(pmax((delta + c(-8, -4, 0, 4, 8)) * sqrt(df) / t, ends[1]), ends[3])
  cuts <- sort(unique(c(ends, rise)))
  sum(mapply(function(low, high) integrate(f, low, high, rel.tol = 1e-13, abs.tol = 0,
                                           subdivisions = 10000, stop.on.error = FALSE)$value,
             head(cuts, -1), cuts[-1]))
}
root <- function(f, low, high) uniroot(f, c(low, high), tol = 1e-15 * max(1, abs(high)), maxiter = 10000)$root

# One sample.
median_interval <- function(x, level) {
  n <- length(x)
  l <- Filter(function(l) 1 - 2 * pbinom(l - 1, n, 0.5) >= level, seq_len(n %/% 2))
  l <- if (length(l)) max(l) else 1
  list(low = sort(x)[l], high = sort(x)[n + 1 - l], level = max(0, 1 - 2 * pbinom(l - 1, n, 0.5)))
}
for (name in names(s)) for (level in c(0.95, 0.8)) {
  x <- s[[name]]
  n <- length(x)
  q <- quantile(x, c(0.05, 0.25, 0.5, 0.75, 0.95), names = FALSE)
  m <- median_interval(x, level)
  t <- if (n > 1 && sd(x) > 0) t.test(x, conf.level = level)$conf.int else c(NA, NA)
  put("describe", name, "", level, NA, NA, n = n, mean = mean(x), variance = var(x), sd = sd(x),
      cv = sd(x) / abs(mean(x)), mean_low = t[1], mean_high = t[2], median = q[3],
      median_low = m$low, median_high = m$high, median_level = m$level, p5 = q[1],
      quartile_1 = q[2], quartile_3 = q[4], p95 = q[5], min = min(x), max = max(x))
}
for (name in names(s)) if (length(s[[name]]) >= 4) {
  x <- s[[name]]
  q <- quantile(x, c(0.25, 0.75), names = FALSE)
  out <- which(x < q[1] - 1.5 * diff(q) | x > q[2] + 1.5 * diff(q))
  put("outliers", name, "", NA, NA, NA, low = q[1] - 1.5 * diff(q), high = q[2] + 1.5 * diff(q),
      count = length(out), first = out[1] - 1, sum = sum(out - 1))
}
for (pair in c(pairs, list(c("drift", "time"), c("sixty_a", "time"), c("whole_a", "whole_a")))) {
  x <- s[[pair[1]]]
  y <- s[[pair[2]]]
  if (length(x) < 3) next
  exact <- length(x) <= 9 && !anyDuplicated(x) && !anyDuplicated(y)
  test <- suppressWarnings(cor.test(x, y, method = "spearman", exact = exact))
  put("spearman", pair[1], pair[2], NA, NA, NA, rho = test$estimate, p = test$p.value, exact = exact)
}

# Memory within groups of b, c and the remaining values: mean and variance over every order.
orders <- function(x) if (length(x) < 2) list(x) else
  do.call(c, lapply(seq_along(x), function(i) lapply(orders(x[-i]), function(rest) c(x[i], rest))))
products <- function(x) sum(head(x, -1) * tail(x, -1))
for (name in c("native", "eight_b", "nine_a", "ten_a")) for (sizes in list(c(7, 2), c(3, 4), c(1, 5))) {
  x <- s[[name]]
  x <- x[seq_len(min(length(x), sum(sizes) + 6))]
  groups <- split(x, rep(seq_len(3), c(sizes, 100))[seq_along(x)])
  groups <- lapply(groups, function(g) g - mean(g))
  under <- lapply(groups, function(g) sapply(orders(g), products))
  center <- sum(sapply(under, mean))
  spread <- sqrt(sum(sapply(under, function(v) mean((v - mean(v))^2))))
  squares <- sum(unlist(groups)^2)
  seen <- sum(sapply(groups, products))
  put("serial_correlation", name, "", sizes[1], sizes[2], length(x), r = seen / squares,
      expected = center / squares, p = 2 * pnorm(-abs(seen - center) / spread),
      pairs = length(x) - length(groups))
}
for (name in c("drift", "many_c")) put("serial_correlation", name, "", 1000, 0, length(s[[name]]),
                                       r = acf(s[[name]], lag.max = 1, plot = FALSE)$acf[2])

# Tests on means.
t_fields <- function(name, x, y, test, level, difference, mu = NA, shift = 0)
  put(name, x, y, level, mu, NA, difference = difference, standard_error = test$stderr,
      low = test$conf.int[1] - shift,
      high = test$conf.int[2] - shift, t = test$statistic, df = test$parameter,
      p = test$p.value)
tests <- function(pair, paired, level) {
  x <- s[[pair[1]]]
  y <- s[[pair[2]]]
  name <- if (paired) "paired" else "welch"
  difference <- if (paired) mean(x - y) else mean(x) - mean(y)
  t_fields(name, pair[1], pair[2], t.test(x, y, paired = paired, conf.level = level), level, difference)
  for (margin in c(0.5, 0.01)) {
    low <- t.test(x, y, paired = paired, mu = -margin, alternative = "greater")
    high <- t.test(x, y, paired = paired, mu = margin, alternative = "less")
    both <- t.test(x, y, paired = paired, conf.level = 0.9)$conf.int
    put(paste0("tost_", name), pair[1], pair[2], -margin, margin, 0.05, t_low = low$statistic,
        t_high = high$statistic, p_low = low$p.value, p_high = high$p.value,
        p = max(low$p.value, high$p.value), low = both[1], high = both[2], df = low$parameter)
  }
  if (min(x, y) <= 0) return()
  logs <- t.test(log(x), log(y), paired = paired, conf.level = level)
  center <- if (paired) mean(log(x) - log(y)) else mean(log(x)) - mean(log(y))
  margin <- 0.01
  put(paste0("ratio_", name), pair[1], pair[2], level, margin, NA, ratio = exp(center),
      low = exp(logs$conf.int[1]), high = exp(logs$conf.int[2]), p = logs$p.value,
      tost = max(t.test(log(x), log(y), paired = paired, mu = -log(1 + margin), alternative = "greater")$p.value,
                 t.test(log(x), log(y), paired = paired, mu = log(1 + margin), alternative = "less")$p.value))
}
for (level in c(0.95, 0.99)) {
  for (pair in pairs) tests(pair, TRUE, level)
  for (pair in unequal) tests(pair, FALSE, level)
}

# Ranks and signs. Errors in whole units of 1e-4, so that R sees their ties.
whole <- function(name) if (grepl("error", name)) round(s[[name]] * 1e4) else s[[name]]
for (pair in pairs) {
  d <- whole(pair[1]) - whole(pair[2])
  test <- suppressWarnings(wilcox.test(whole(pair[1]), whole(pair[2]), paired = TRUE))
  put("signed_rank", pair[1], pair[2], NA, NA, NA, statistic = test$statistic, p = test$p.value,
      exact = length(d) < 50 && !anyDuplicated(abs(d)) && all(d != 0))
  if (length(d) > 20) next
  sums <- 0
  for (value in d) sums <- c(sums + value, sums - value)
  put("sign_flip", pair[1], pair[2], NA, NA, NA,
      p = mean(abs(sums) >= abs(sum(d)) - 1e-9 * sum(abs(d))), permutations = 2^length(d),
      difference = mean(s[[pair[1]]] - s[[pair[2]]]))
}
sums <- 0
for (value in s$drawn_a - s$drawn_b) sums <- c(sums + value, sums - value)
put("sign_flip_drawn", "drawn_a", "drawn_b", NA, NA, NA,
    p = mean(abs(sums) >= abs(sum(s$drawn_a - s$drawn_b)) - 1e-9))
newcombe <- function(theta, nx, ny, level) {
  z <- qnorm((1 + level) / 2)
  n <- (nx + ny) / 2
  f <- function(t) (theta - t)^2 - z^2 * t * (1 - t) / (nx * ny) *
    (1 + (n - 1) * ((1 - t) / (2 - t) + t / (1 + t)))
  list(low = if (theta > 0) root(f, 1e-300, theta - if (theta < 1) 0 else 1e-12) else 0,
       high = if (theta < 1) root(f, theta + if (theta > 0) 0 else 1e-12, 1 - 1e-16) else 1)
}
for (pair in unequal) {
  x <- s[[pair[1]]]
  y <- s[[pair[2]]]
  test <- suppressWarnings(wilcox.test(x, y))
  put("rank_sum", pair[1], pair[2], NA, NA, NA, statistic = test$statistic, p = test$p.value,
      exact = max(length(x), length(y)) < 50 && !anyDuplicated(c(x, y)))
  theta <- mean(outer(x, y, ">") + outer(x, y, "==") / 2)
  i <- newcombe(theta, length(x), length(y), 0.95)
  put("superiority", pair[1], pair[2], 0.95, NA, NA, probability = theta, low = i$low, high = i$high)
}

# Variances.
for (pair in unequal) for (level in c(0.95, 0.9)) {
  x <- s[[pair[1]]]
  y <- s[[pair[2]]]
  test <- var.test(x, y, conf.level = level)
  df <- test$parameter
  put("f_test", pair[1], pair[2], level, NA, NA, ratio = test$estimate, low = test$conf.int[1],
      high = test$conf.int[2], df1 = df[1], df2 = df[2],
      p = 2 * min(pf(test$statistic, df[1], df[2]), pf(test$statistic, df[1], df[2], lower.tail = FALSE)))
}
for (pair in unequal) {
  x <- s[[pair[1]]]
  y <- s[[pair[2]]]
  if (max(length(x), length(y)) < 3) next
  table <- anova(lm(c(abs(x - median(x)), abs(y - median(y))) ~
                      factor(rep(1:2, c(length(x), length(y))))))
  put("brown_forsythe", pair[1], pair[2], NA, NA, NA, statistic = table[1, "F value"],
      df2 = table[2, "Df"], p = table[1, "Pr(>F)"], ratio = var(x) / var(y))
}
for (pair in pairs) {
  x <- s[[pair[1]]] - mean(s[[pair[1]]])
  y <- s[[pair[2]]] - mean(s[[pair[2]]])
  if (length(x) < 3) next
  test <- cor.test(x + y, x - y)
  # The interval by its meaning: ratios that the test does not reject.
  t_at <- function(log_ratio) {
    z <- sqrt(exp(log_ratio)) * y
    cor.test(x + z, x - z)$statistic
  }
  critical <- qt(0.975, length(x) - 2)
  middle <- log(var(x) / var(y))
  put("pitman_morgan", pair[1], pair[2], 0.95, NA, NA, ratio = var(x) / var(y),
      statistic = test$statistic, df1 = test$parameter, p = test$p.value,
      low = exp(root(function(r) t_at(r) - critical, middle - 40, middle)),
      high = exp(root(function(r) t_at(r) + critical, middle, middle + 40)))
}

# Normality.
for (name in setdiff(names(s), c("large_a", "large_b"))) if (length(s[[name]]) > 2) { # R cancels
  test <- shapiro.test(s[[name]])
  put("shapiro_wilk", name, "", NA, NA, NA, w = test$statistic, p = test$p.value)
}

# Effects.
hedges <- function(name, pair, t, df, scale, level) {
  bound <- function(p) root(function(delta) noncentral_cdf(t, df, delta) - p,
                            t - 10 - abs(t), t + 10 + abs(t)) * scale
  put(name, pair[1], pair[2], level, NA, NA, d = t * scale, df = df,
      g = t * scale * exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2),
      low = bound((1 + level) / 2), high = bound((1 - level) / 2))
}
for (pair in unequal) {
  test <- t.test(s[[pair[1]]], s[[pair[2]]], var.equal = TRUE)
  hedges("hedges_unpaired", pair, test$statistic, test$parameter,
         sqrt(1 / length(s[[pair[1]]]) + 1 / length(s[[pair[2]]])), 0.95)
}

# Power.
paired_power <- function(n, effect) {
  critical <- qt(0.975, n - 1)
  noncentral_cdf(-critical, n - 1, -effect * sqrt(n)) + noncentral_cdf(-critical, n - 1, effect * sqrt(n))
}
smallest <- function(enough) {
  n <- 2
  while (!enough(n)) n <- n + 1
  n
}
for (effect in c(0.2, 0.5, 1.3, 20)) for (power in c(0.8, 0.95))
  put("paired_blocks", "", "", effect, 0.05, power,
      value = smallest(function(n) paired_power(n, effect) >= power))
tost_power <- function(n, difference, sd) {
  critical <- qt(0.95, n - 1)
  max(0, noncentral_cdf(-critical, n - 1, (difference - 0.01) / (sd / sqrt(n))) -
         noncentral_cdf(critical, n - 1, (difference + 0.01) / (sd / sqrt(n))))
}
for (sd in c(0.002, 0.01, 0.03)) for (difference in c(0, 0.003)) {
  for (n in c(3, 15, 80)) put("tost_power", "", "", n, difference, sd, value = tost_power(n, difference, sd))
  put("tost_blocks", "", "", difference, sd, 0.8,
      value = smallest(function(n) tost_power(n, difference, sd) >= 0.8))
}

# Holm: position in the family, then the adjusted value. Member b of family a.
families <- list(c(0.01, 0.02, 0.03, 0.04), c(0.5, 0.001, NA, 0.001, 0.03, 1, 0.2, NA), runif(40)^3,
                 NA_real_, 0.3)
for (a in seq_along(families)) for (b in seq_along(families[[a]]))
  put("holm", "", "", a, b, families[[a]][b], value = p.adjust(families[[a]], "holm")[b])

write.table(data.frame(sample = rep(names(s), lengths(s)), value = number(unlist(s))),
            "tests/golden/figures_samples.csv", sep = ",", row.names = FALSE, quote = FALSE)
table <- do.call(rbind, rows)
write.table(table, "tests/golden/figures.csv", sep = ",", row.names = FALSE, quote = FALSE)
