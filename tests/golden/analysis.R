# SPDX-License-Identifier: Apache-2.0
# Golden values of src/analysis: whole experiments, and every figure of them computed by R. From the
# repository's root:
#   Rscript tests/golden/analysis.R
# writes tests/golden/analysis_*.csv.
set.seed(20180601, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
folder <- "tests/golden"
alpha <- 0.05
margin <- c(train_seconds = log(1.01), seconds_per_epoch = log(1.01), test_error = 0.001,
            test_loss = NA, steady_seconds = log(1.01))
is_log <- c(train_seconds = TRUE, seconds_per_epoch = TRUE, test_error = FALSE, test_loss = FALSE,
            steady_seconds = TRUE)
measures <- names(is_log)
save <- function(table, name) {
  for (column in names(table)) {
    x <- table[[column]]
    if (is.double(x))
      table[[column]] <- ifelse(is.na(x), "NA", sprintf("%.17g", x))
  }
  write.csv(table, file.path(folder, name), row.names = FALSE, quote = FALSE)
}

# ---- the runs -----------------------------------------------------------------------------------
# Status 0 planned, 1 done, 2 diverged, 3 failed. Warm-up runs have repeat -1 and must not count.
# together: successive blocks on one device.
experiment <- function(scenario, levels, combinations, repeats, devices, effect, together = 1,
                       per_host = 2) {
  runs <- expand.grid(level = seq_len(levels) - 1, repeat. = seq_len(repeats) - 1,
                      combination = seq_len(combinations) - 1)
  warmups <- expand.grid(level = seq_len(levels) - 1, repeat. = -1, combination = 0)
  runs <- rbind(warmups, runs)
  runs$scenario <- scenario
  runs$block <- (seq_len(nrow(runs)) - 1) %/% levels
  runs$position <- (runs$level + runs$block) %% levels
  runs$warmup <- as.integer(runs$repeat. < 0)
  runs$seed <- 1000 + 100 * runs$combination + pmax(runs$repeat., 0)
  runs$status <- 1L
  device <- runs$block %/% together %% devices
  runs$host <- paste0("node", device %/% per_host)
  runs$device <- paste0("gpu", device %% per_host)
  runs$start_time <- 1527854096 + 40 * (runs$block %/% devices) * levels + 40 * runs$position +
    device
  of_device <- rnorm(devices, sd = 0.03)
  of_block <- rnorm(max(runs$block) + 1, sd = 0.01)
  runs$train_seconds <- exp(3 + 0.7 * runs$combination + effect[runs$level + 1] +
                              of_device[device + 1] + of_block[runs$block + 1] +
                              rnorm(nrow(runs), sd = 0.004 * (1 + runs$level)))
  runs$epochs_done <- 20L
  runs$test_error <- round(0.15 + 0.05 * runs$combination + of_block[runs$block + 1] / 3 +
                             rnorm(nrow(runs), sd = 0.0004), 4)
  runs$test_loss <- 0.5 + 0.002 * runs$level + rnorm(nrow(runs), sd = 0.01)
  runs$checksum <- paste0("w", runs$seed, "_", runs$level)
  runs$test_images <- 10000L
  runs$run <- seq_len(nrow(runs)) - 1
  runs
}
at <- function(runs, combination, level, repeats)
  runs$combination == combination & runs$level == level & runs$repeat. %in% repeats

# Everything is there, two levels; equal to within the margin in combination 0.
balanced <- experiment("balanced", 2, 2, 12, 4, c(0, 0.001), together = 2)
balanced$train_seconds <- ifelse(balanced$combination == 1 & balanced$level == 1,
                                 balanced$train_seconds * 1.05, balanced$train_seconds)
late <- balanced$combination == 1 # runs need not begin in the order of their rows
balanced$start_time[late] <- balanced$start_time[late][order(seq_len(sum(late)) %% 5)]
# Three levels; failed, diverged, missing and unreported ones, blocks on two devices, outliers,
# one combination whose level 2 has no run and whose level 1 has one, errors that do not vary.
incomplete <- experiment("incomplete", 3, 3, 9, 3, c(0, 0.02, -0.01))
incomplete$status[at(incomplete, 0, 1, 2)] <- 3L
incomplete$status[at(incomplete, 0, 2, 7:8)] <- 0L
incomplete$status[at(incomplete, 0, 0, 4)] <- 2L
incomplete$device[at(incomplete, 0, 1, 5)] <- "gpu7"
incomplete$host[at(incomplete, 0, 2, 6)] <- "node9"
incomplete$train_seconds[at(incomplete, 0, 0, 1)] <- 60
incomplete$train_seconds[at(incomplete, 0, 1, 3)] <- 5
incomplete$test_error[at(incomplete, 0, 0, 0)] <- NA
incomplete$test_loss[incomplete$combination == 0 & incomplete$level == 2] <- NA
incomplete$status[at(incomplete, 1, 1, 1:8)] <- 2L
incomplete$status[at(incomplete, 1, 2, 0:8)] <- 3L
incomplete$test_error[incomplete$combination == 2] <- 0.125
incomplete$test_images[incomplete$combination == 2] <- 200L # 0.5 points, coarser than the margin
# Times that differ by the same factor in every block; frameworks that end in the same weights.
constant <- experiment("constant", 2, 2, 8, 2, c(0, 0))
first <- constant$combination == 0
constant$train_seconds[first] <- 40 * 2^(constant$repeat.[first] %% 3) *
  c(1, 1.25)[constant$level[first] + 1]
constant$checksum[!first] <- paste0("w", constant$seed[!first])
constant$test_error <- 0.1 + constant$seed %% 7 / 1000
constant$test_error[first & constant$level == 1] <- constant$test_error[first & constant$level == 1] +
  0.002
# More blocks than are counted exactly, uneven numbers; every seed on each of three devices.
crossed <- experiment("crossed", 2, 1, 24, 3, c(0, 0.006))
crossed$seed <- 500 + pmax(crossed$repeat., 0) %/% 3
crossed$checksum <- paste0("w", crossed$seed, "_", crossed$level)
crossed$checksum[at(crossed, 0, 1, 4)] <- "other"
crossed$checksum[at(crossed, 0, 1, 7)] <- ""
crossed$status[at(crossed, 0, 1, c(10, 23))] <- 3L
crossed$status[at(crossed, 0, 0, 9:10)] <- 0L # one run is left of a seed
runs <- rbind(balanced, incomplete, crossed, constant)
# Epochs: the first of level 0 are slower, but not in combination 1; of one run a time is missing.
epochs <- t(sapply(seq_len(nrow(runs)), function(i) {
  slow <- if (runs$level[i] == 0 && runs$combination[i] != 1) c(0.3, 0.1) else c(0, 0)
  round(runs$train_seconds[i] / 20 * (1 + c(slow, rep(0, 6)) + rnorm(8, sd = 0.004)), 6)
}))
colnames(epochs) <- paste0("epoch_", 1:8)
epochs[runs$scenario == "balanced" & at(runs, 0, 1, 3), 5] <- NA
runs <- cbind(runs, epochs)
runs <- runs[c("scenario", "run", "combination", "level", "repeat.", "block", "position", "warmup",
               "seed", "status", "host", "device", "start_time", "train_seconds", "epochs_done",
               "test_error", "test_loss", "test_images", "checksum", colnames(epochs))]
save(runs, "analysis_runs.csv")
runs$seconds_per_epoch <- runs$train_seconds / runs$epochs_done
runs$place <- paste(runs$host, runs$device)
good <- runs[runs$status == 1 & runs$warmup == 0, ]
# First epochs that are slower than all of the last half, by the cells' profiles; the most of any
# level of a combination, at most a quarter.
epochs <- colnames(epochs)
leading <- function(cell) {
  t <- as.matrix(cell[epochs])
  t <- t[complete.cases(t), , drop = FALSE]
  if (!nrow(t)) return(0L)
  profile <- apply(t / apply(t, 1, median), 2, median)
  slow <- profile[1:2] > max(profile[5:8])
  sum(cumprod(slow))
}
runs$steady_seconds <- NA
runs$warm_epochs <- NA
for (s in unique(runs$scenario))
  for (k in unique(runs$combination[runs$scenario == s])) {
    of <- good[good$scenario == s & good$combination == k, ]
    warm <- max(sapply(split(of, of$level), leading))
    i <- runs$scenario == s & runs$combination == k
    runs$warm_epochs[i] <- warm
    runs$steady_seconds[i] <- rowMeans(runs[i, epochs[(warm + 1):8]])
  }
good <- runs[runs$status == 1 & runs$warmup == 0, ]
scaled <- function(x, measure) if (is_log[[measure]]) log(x) else x

# Error and loss are functions of the seed: one value a seed, different weights averaged.
seed_means <- function(runs, measure) {
  of_seed <- function(t) {
    weights <- ifelse(t$checksum == "", paste("run", t$run), t$checksum)
    mean(tapply(t[[measure]], weights, mean))
  }
  as.vector(sapply(split(runs, runs$seed), of_seed))
}

# ---- cells --------------------------------------------------------------------------------------
nothing <- function(n) rep(NA_real_, n)
median_interval <- function(x) {
  n <- length(x)
  lower <- max(c(0, which(2 * pbinom(seq_len(n) - 1, n, 0.5) <= alpha)))
  # order statistics l, n + 1 - l cover with 1 - 2 P(B < l); where none does: least and greatest
  l <- max(lower, 1)
  c(sort(x)[c(l, n + 1 - l)], 1 - 2 * pbinom(l - 1, n, 0.5))
}
successors <- function(table, x) {
  o <- order(table$place, table$start_time)
  place <- table$place[o]
  y <- x[o] - ave(x[o], place)
  same <- place[-1] == place[-length(place)]
  c(sum((y[-1] * y[-length(y)])[same]) / sum(y^2), sum(same))
}
cell <- function(scenario, combination, level, measure) {
  table <- good[good$scenario == scenario & good$combination == combination &
                  good$level == level, ]
  table <- table[!is.na(table[[measure]]), ]
  x <- table[[measure]]
  n <- length(x)
  q <- if (n) quantile(x, c(0.05, 0.25, 0.5, 0.75, 0.95), names = FALSE) else nothing(5)
  fences <- if (n >= 4) c(q[2] - 1.5 * (q[4] - q[2]), q[4] + 1.5 * (q[4] - q[2])) else nothing(2)
  varies <- n > 1 && sd(x) > 1e-12 * abs(mean(x))
  # error and loss: of seeds
  unit <- if (is_log[[measure]] || !n) x else seed_means(table, measure)
  units <- length(unit)
  half <- if (units > 1) qt(1 - alpha / 2, units - 1) * sd(unit) / sqrt(units) else NA
  middle <- if (n) median_interval(unit) else nothing(3)
  trend <- if (n >= 3 && varies) suppressWarnings(cor.test(table$start_time, x,
                                                           method = "spearman",
    exact = n <= 9 && !anyDuplicated(x)))
    else list(estimate = NA, p.value = if (n >= 3) 1 else NA) # a constant has no trend
  memory <- if (n && max(table(table$place)) >= 3 && varies) successors(table, x) else nothing(2)
  data.frame(scenario, combination, level, measure, n, counted = if (n) units else -1L,
             mean = if (n) mean(unit) else NA,
             mean_lower = mean(unit) - half, mean_upper = mean(unit) + half,
             variance = if (n > 1) var(x) else NA, sd = if (n > 1) sd(x) else NA,
             cv = if (n > 1) sd(x) / abs(mean(x)) else NA, median = q[3],
             median_lower = middle[1], median_upper = middle[2], median_coverage = middle[3],
             q1 = q[2], q3 = q[4], p5 = q[1], p95 = q[5], min = if (n) min(x) else NA,
             max = if (n) max(x) else NA, fence_lower = fences[1], fence_upper = fences[2],
             outliers = sum(x < fences[1] | x > fences[2], na.rm = TRUE),
             trend_rho = trend$estimate, trend_p = trend$p.value, autocorrelation = memory[1],
             autocorrelation_pairs = memory[2])
}
shape <- unique(runs[c("scenario", "combination", "level")])
g <- merge(data.frame(measure = measures), shape)
cells <- do.call(rbind, Map(cell, g$scenario, g$combination, g$level, g$measure))
cells$warm_epochs <- runs$warm_epochs[match(paste(cells$scenario, cells$combination),
                                            paste(runs$scenario, runs$combination))]
save(cells, "analysis_cells.csv")

# ---- comparisons --------------------------------------------------------------------------------
hedges <- function(x, y) {
  df <- length(x) + length(y) - 2
  pooled <- sqrt(((length(x) - 1) * var(x) + (length(y) - 1) * var(y)) / df)
  d <- (mean(x) - mean(y)) / pooled
  root <- sqrt(1 / length(x) + 1 / length(y))
  # by the definition of the noncentral t: pt() loses digits
  cdf <- function(ncp) integrate(function(s) pnorm(d / root * s / sqrt(df) - ncp) * 2 * s *
                                   dchisq(s^2, df), sqrt(qchisq(1e-18, df)),
                                 sqrt(qchisq(1e-18, df, lower.tail = FALSE)), rel.tol = 1e-12,
                                 subdivisions = 10000)$value
  limit <- function(p) uniroot(function(ncp) cdf(ncp) - p, d / root + c(-8, 8), tol = 1e-13)$root
  c(d * exp(lgamma(df / 2) - log(sqrt(df / 2)) - lgamma((df - 1) / 2)),
    root * limit(1 - alpha / 2), root * limit(alpha / 2))
}
superiority <- function(x, y) {
  p <- mean(outer(x, y, ">") + outer(x, y, "==") / 2)
  n <- (length(x) + length(y)) / 2
  excess <- function(t) (p - t)^2 - qnorm(1 - alpha / 2)^2 * t * (1 - t) *
    (1 + (n - 1) * ((1 - t) / (2 - t) + t / (1 + t))) / (length(x) * length(y))
  end <- function(a, b) if (a == b) a else uniroot(excess, c(a, b), tol = 1e-15)$root
  c(p, end(0, max(0, p - 1e-12)), end(min(1, p + 1e-12), 1))
}
sign_flip <- function(d) {
  n <- length(d)
  if (n > 20)
    return(NA)
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), n)))
  sums <- abs(signs %*% d)
  mean(sums >= abs(sum(d)) - 1e-9 * sum(abs(d)))
}
brown_forsythe <- function(x, y) {
  z <- c(abs(x - median(x)), abs(y - median(y)))
  test <- anova(lm(z ~ factor(rep(1:2, c(length(x), length(y))))))
  c(test$`F value`[1], test$`Pr(>F)`[1])
}
pitman_morgan <- function(x, y) {
  n <- length(x)
  test <- cor.test(x + y, x - y)
  r <- cor(x, y)
  k <- 1 + 2 * qt(1 - alpha / 2, n - 2)^2 * (1 - r^2) / (n - 2)
  c(var(x) / var(y), var(x) / var(y) * (k - sqrt(k^2 - 1)), var(x) / var(y) * (k + sqrt(k^2 - 1)),
    test$statistic, test$parameter, test$p.value)
}
source("tests/golden/spread.R")
# Pairs of the two levels in the blocks: both done, with a value, on one device of one host.
pairs_of <- function(all, a, b, measure) {
  blocks <- unique(all$block[all$warmup == 0])
  one <- function(level) {
    t <- all[all$level == level & all$status == 1, ]
    t[match(blocks, t$block), ]
  }
  x <- one(a)
  y <- one(b)
  whole <- !is.na(x[[measure]]) & !is.na(y[[measure]])
  split <- whole & x$place != y$place
  keep <- whole & !split
  r <- list(x = x[[measure]][keep], y = y[[measure]][keep], incomplete = sum(!whole),
            device = x$place[keep], place_x = x$position[keep], place_y = y$position[keep],
            split = sum(split), blocks = sum(keep), resolution = NA,
            place = x$place[keep], host = x$host[keep],
            same = any(keep) && all(x$checksum[keep] != "" & x$checksum[keep] == y$checksum[keep]))
  if (measure == "test_error" && any(keep))
    r$resolution <- 1 / min(x$test_images[keep], y$test_images[keep])
  if (!is_log[[measure]]) {
    r$x <- seed_means(x[keep, ], measure)
    r$y <- seed_means(y[keep, ], measure)
    r$device <- r$place_x <- r$place_y <- rep(0, length(r$x))
  }
  r
}
# ---- positions within the block ------------------------------------------------------------------
rank_of <- function(x) if (length(x)) qr(x)$rank else 0
# By the plan: at least 6 blocks, each level at each position at least twice.
is_planned <- function(all)
  length(unique(all$block)) >= 6 && all(table(all$level, factor(all$position, sort(unique(all$level)))) >= 2)
# The differences d on the positions of the two: lm, whose intercept is free of them.
free_of_positions <- function(d, px, py, levels) {
  z <- sapply(seq_len(levels - 1), function(j) (px == j) - (py == j))
  z <- matrix(z, length(d))
  if (rank_of(cbind(1, z)) == rank_of(z) || length(d) <= rank_of(cbind(1, z)))
    return(NULL)
  fit <- lm(d ~ z)
  s <- suppressWarnings(summary(fit)) # "essentially perfect fit"
  list(mean = coef(fit)[[1]], sd = s$sigma, se = s$coefficients[1, 2], df = fit$df.residual,
       t = s$coefficients[1, 3], p = s$coefficients[1, 4], interval = confint(fit)[1, ],
       free = coef(fit)[[1]] + residuals(fit))
}
# All orders that two levels' blocks may have had, as many of each as there are.
permute_orders <- function(first, second) {
  n <- length(first) + length(second)
  if (n > 20)
    return(NA)
  v <- c(first, second)
  differ <- combn(n, length(first), function(i) abs(mean(v[i]) - mean(v[-i])))
  mean(differ >= abs(mean(first) - mean(second)) - 1e-9 * mean(abs(v)))
}
position_effects <- function(scenario, combination, measure) {
  all <- runs[runs$scenario == scenario & runs$combination == combination & runs$warmup == 0, ]
  levels <- max(all$level) + 1
  r <- data.frame(scenario, combination, measure, position = seq_len(levels) - 1, effect = NA_real_,
                  lower = NA_real_, upper = NA_real_, df = -1L)
  t <- all[all$status == 1 & !is.na(all[[measure]]), ]
  t <- t[order(t$block, t$level), ]
  t <- t[t$place == t$place[match(t$block, t$block)], ]
  t <- t[t$block %in% t$block[duplicated(t$block)], ]
  if (!is_log[[measure]] || !is_planned(all) || !nrow(t))
    return(r)
  y <- log(t[[measure]])
  block <- outer(t$block, unique(t$block), "==") + 0
  others <- sapply(seq_len(levels - 1), function(j) t$level == j)
  places <- sapply(seq_len(levels - 1), function(j) t$position == j)
  for (j in seq_len(levels - 1)) {
    x <- cbind(block, others, places[, -j])
    if (rank_of(cbind(x, places[, j])) == rank_of(x)) next
    fit <- lm(y ~ 0 + cbind(places[, j], x))
    if (fit$df.residual < 1) next
    r$effect[j + 1] <- coef(fit)[[1]]
    r$df[j + 1] <- fit$df.residual
    if (suppressWarnings(summary(fit)$sigma) > 1e-12)
      r[j + 1, c("lower", "upper")] <- confint(fit)[1, ]
  }
  r
}
comparison <- function(scenario, combination, a, b, measure) {
  all <- runs[runs$scenario == scenario & runs$combination == combination & runs$warmup == 0, ]
  value <- function(level) {
    x <- all[all$level == level & all$status == 1 & !is.na(all[[measure]]), ]
    if (is_log[[measure]] || !nrow(x)) x[[measure]] else seed_means(x, measure)
  }
  x <- value(a)
  y <- value(b)
  lx <- scaled(x, measure)
  ly <- scaled(y, measure)
  p <- pairs_of(all, a, b, measure)
  n <- length(p$x)
  px <- scaled(p$x, measure)
  py <- scaled(p$y, measure)
  r <- data.frame(scenario, combination, a, b, measure, n_a = length(x), n_b = length(y),
                  blocks = p$blocks, units = n, blocks_incomplete = p$incomplete, blocks_split = p$split)
  r$resolution <- p$resolution
  r$same_weights <- if (p$blocks) as.integer(p$same) else -1L
  columns <- c("difference", "difference_lower", "difference_upper", "ratio", "ratio_lower",
               "ratio_upper", "study_t", "welch_t", "welch_df", "welch_p", "paired_difference",
               "paired_difference_lower", "paired_difference_upper", "paired_mean", "paired_sd",
               "paired_lower", "paired_upper", "paired_ratio", "paired_ratio_lower",
               "paired_ratio_upper", "paired_t", "paired_df", "paired_p", "sign_flip_p",
               "wilcoxon_v", "wilcoxon_p", "mann_whitney_u", "mann_whitney_p", "variance_ratio",
               "variance_ratio_lower", "variance_ratio_upper", "f_p", "brown_forsythe_f",
               "brown_forsythe_p", "paired_variance_ratio", "paired_variance_ratio_lower",
               "paired_variance_ratio_upper", "pitman_morgan_t", "pitman_morgan_df",
               "pitman_morgan_p", "spread_across", "spread_ratio", "spread_lower",
               "spread_upper", "spread_t", "spread_df", "spread_p", "hedges_g", "hedges_g_lower", "hedges_g_upper", "superiority",
               "superiority_lower", "superiority_upper", "tost_lower", "tost_upper", "tost_p",
               "device_mean", "device_lower", "device_upper", "device_p", "device_tost_p",
               "blocking_gain", "normality_w", "normality_p")
  levels <- max(all$level) + 1
  fit <- if (n && is_log[[measure]] && is_planned(all))
    free_of_positions(px - py, p$place_x, p$place_y, levels)
  r$position_adjusted <- as.integer(!is.null(fit))
  r$position_reason <- if (!is_log[[measure]]) "by_seed" else if (!is_planned(all)) "few_orders"
    else if (is.null(fit)) "orders_lost" else "none"
  r$parameters <- if (is.null(fit)) 1L else as.integer(n - fit$df)
  r$information <- if (is.null(fit)) n else (fit$sd / fit$se)^2
  r[columns] <- NA_real_
  set <- function(names, values) r[names] <<- as.list(as.double(values))
  two <- min(length(x), length(y)) > 1
  if (length(x) && length(y)) {
    r$difference <- mean(x) - mean(y)
    r$ratio <- if (is_log[[measure]]) exp(mean(lx) - mean(ly)) else mean(x) / mean(y)
    set(c("superiority", "superiority_lower", "superiority_upper"), superiority(lx, ly))
    u <- suppressWarnings(wilcox.test(lx, ly))
    set(c("mann_whitney_u", "mann_whitney_p"), c(u$statistic, u$p.value))
    if (is.nan(u$p.value))
      r$mann_whitney_p <- 1 # all equal
  }
  varies <- two && var(lx) + var(ly) > 0
  if (varies) {
    raw <- t.test(x, y)
    log. <- t.test(lx, ly)
    set(c("difference_lower", "difference_upper", "study_t", "welch_t", "welch_df", "welch_p"),
        c(raw$conf.int, (mean(x) - mean(y)) / sqrt(var(x) / length(x) + var(y) / length(y)),
          log.$statistic, log.$parameter, log.$p.value))
    if (is_log[[measure]])
      set(c("ratio_lower", "ratio_upper"), exp(log.$conf.int))
    f <- var.test(lx, ly)
    set(c("variance_ratio", "variance_ratio_lower", "variance_ratio_upper", "f_p"),
        c(f$estimate, f$conf.int, f$p.value))
    set(c("brown_forsythe_f", "brown_forsythe_p"), brown_forsythe(lx, ly))
    set(c("hedges_g", "hedges_g_lower", "hedges_g_upper"), hedges(lx, ly))
  }
  if (two && !varies && mean(x) == mean(y)) { # nothing varies, and nothing differs
    set(c("difference_lower", "difference_upper", "study_t", "welch_t", "welch_df", "welch_p",
          "variance_ratio", "f_p", "brown_forsythe_p", "hedges_g"),
        c(0, 0, 0, 0, length(x) + length(y) - 2, 1, 1, 1, 1, 0))
    if (n > 2)
      set(c("paired_variance_ratio", "pitman_morgan_df", "pitman_morgan_p"), c(1, n - 2, 1))
  }
  if (n)
    set(paste0("spread_", c("across", "ratio", "lower", "upper", "t", "df", "p")),
        spread_test(px, py, p$device, p$place_x, p$place_y, max(all$level) + 1, 1 - alpha))
  if (n) {
    r$paired_difference <- mean(p$x - p$y)
    r$paired_mean <- mean(px - py)
    if (!is.null(fit)) {
      raw <- free_of_positions(p$x - p$y, p$place_x, p$place_y, levels)
      r$paired_difference <- raw$mean
      r$paired_mean <- fit$mean
    }
    if (is_log[[measure]])
      r$paired_ratio <- exp(r$paired_mean)
  }
  if (n && any(px != py)) { # differences that are equal but for rounding tie
    d <- px - py
    if (!is.null(fit) && levels == 2) { # first minus second run, by order
      by_order <- split(ifelse(p$place_x == 0, d, -d), p$place_x)
      v <- suppressWarnings(wilcox.test(round(by_order[[1]], 11), round(by_order[[2]], 11)))
      flips <- permute_orders(by_order[[1]], by_order[[2]])
    } else {
      if (!is.null(fit)) # residuals, spread like independent differences
        d <- fit$mean + (fit$free - fit$mean) * sqrt((n - 1) / fit$df)
      v <- suppressWarnings(wilcox.test(round(d, 12)))
      flips <- sign_flip(d)
    }
    set(c("wilcoxon_v", "wilcoxon_p", "sign_flip_p"), c(v$statistic, v$p.value, flips))
  }
  spread <- if (n > 1) if (is.null(fit)) sd(px - py) else fit$sd else NA
  if (n > 1 && spread <= 10 * .Machine$double.eps * max(abs(px), abs(py)))
    spread <- 0 # up to rounding
  if (n > 1 && spread > 0) {
    raw <- t.test(p$x, p$y, paired = TRUE)
    log. <- t.test(px, py, paired = TRUE)
    set(c("paired_difference_lower", "paired_difference_upper", "paired_sd", "paired_lower",
          "paired_upper", "paired_t", "paired_df", "paired_p"),
        c(raw$conf.int, sd(px - py), log.$conf.int, log.$statistic, log.$parameter, log.$p.value))
    if (!is.null(fit))
      set(c("paired_difference_lower", "paired_difference_upper", "paired_sd", "paired_lower",
            "paired_upper", "paired_t", "paired_df", "paired_p"),
          c(free_of_positions(p$x - p$y, p$place_x, p$place_y, levels)$interval, fit$sd,
            fit$interval, fit$t, fit$df, fit$p))
    if (is_log[[measure]])
      set(c("paired_ratio_lower", "paired_ratio_upper"), exp(c(r$paired_lower, r$paired_upper)))
    set(c("paired_variance_ratio", "paired_variance_ratio_lower", "paired_variance_ratio_upper",
          "pitman_morgan_t", "pitman_morgan_df", "pitman_morgan_p"), pitman_morgan(px, py))
    r$blocking_gain <- (var(px) + var(py)) / spread^2
    if (n >= 8) {
      normal <- shapiro.test(if (is.null(fit)) px - py else fit$free)
      set(c("normality_w", "normality_p"), c(normal$statistic, normal$p.value))
    }
  }
  if (n > 1 && spread == 0) { # the same difference in every block: judged by sign flips
    set(c("paired_sd", "paired_df"), c(0, n - r$parameters))
    if (!is_log[[measure]] && p$same) # else by chance: no interval
      set(c("paired_lower", "paired_upper", "paired_difference_lower", "paired_difference_upper"),
          c(r$paired_mean, r$paired_mean, r$paired_difference, r$paired_difference))
    if (var(px) + var(py) > 0) # equal variances: the differences have none
      set(c("paired_variance_ratio", "pitman_morgan_df", "pitman_morgan_p"), c(1, n - 2, 1))
    if (all(px == py))
      set(c("paired_t", "paired_p", "sign_flip_p", "wilcoxon_v", "wilcoxon_p"), c(0, 1, 1, 0, 1))
    else
      r$paired_p <- r$sign_flip_p
  }
  m <- margin[[measure]]
  if (n > 1 && !is.na(m)) { # the sd of errors is at least their resolution
    exact <- !is_log[[measure]] && p$same
    sd. <- if (exact) spread else max(spread, p$resolution, na.rm = TRUE)
    se <- if (is.null(fit)) sd. / sqrt(n) else fit$se
    df <- n - r$parameters
    if (sd. > 0)
      set(c("tost_lower", "tost_upper", "tost_p"),
          c(r$paired_mean + c(-1, 1) * qt(1 - alpha, df) * se,
            max(pt((r$paired_mean + m) / se, df, lower.tail = FALSE),
                pt((r$paired_mean - m) / se, df))))
    else if (exact)
      set(c("tost_lower", "tost_upper", "tost_p"),
          c(r$paired_mean, r$paired_mean, as.numeric(abs(r$paired_mean) > m)))
  }
  r$device_units <- -1L
  if (is_log[[measure]]) { # each device, or host, is one value
    hosts <- if (n) as.vector(tapply(p$host, p$place, function(h) h[1])) else nothing(0)
    of_units <- function(v) { # means of devices, or of hosts' devices
      means <- as.vector(tapply(v, p$place, mean))
      if (length(unique(hosts)) > 1 && length(unique(hosts)) < length(means))
        means <- as.vector(tapply(means, hosts, mean))
      means
    }
    devices <- if (n) of_units(if (is.null(fit)) px - py else fit$free) else nothing(0)
    units <- length(devices)
    r$device_units <- units
    if (units)
      r$device_mean <- mean(devices)
    df <- units - 1
    se <- if (units > 1) sd(devices) / sqrt(units) else 0
    if (units && !is.null(fit)) {
      of <- function(j) (p$place_x == j) - (p$place_y == j)
      z <- matrix(sapply(seq_len(levels - 1), of), n)
      z_units <- matrix(apply(z, 2, of_units), units)
      # positions within devices, where these tell them from the units
      device <- factor(p$place)
      inside <- lm(px - py ~ 0 + device + z)
      z_inside <- apply(z, 2, function(v) v - ave(v, p$place))
      estimable <- units > 1 && inside$df.residual > 0 &&
        rank_of(rbind(z_inside, z_units)) == rank_of(z_inside)
      if (estimable) {
        effects <- coef(inside)[-seq_len(nlevels(device))]
        known <- !is.na(effects)
        devices <- of_units(px - py - z[, known, drop = FALSE] %*% effects[known])
        r$device_mean <- mean(devices)
        v <- vcov(inside)[nlevels(device) + which(known), nlevels(device) + which(known)]
        zbar <- colMeans(z_units)[known]
        of_devices <- var(devices) / units
        of_effects <- if (any(known)) as.vector(zbar %*% v %*% zbar) else 0
        se <- sqrt(of_devices + of_effects)
        df <- se^4 / (of_devices^2 / (units - 1) + of_effects^2 / inside$df.residual)
      } else {
        df <- units - qr(cbind(z_units, 1))$rank
        se <- sqrt(sum((devices - mean(devices))^2) / df / units) * fit$se / fit$sd * sqrt(n)
      }
    }
    if (df > 0 && sd(devices) > 1e-12) {
      set(c("device_lower", "device_upper"), mean(devices) + c(-1, 1) * qt(1 - alpha / 2, df) * se)
      upper <- function(x) pt(x / se, df, lower.tail = FALSE)
      if (units >= 4)
        set(c("device_p", "device_tost_p"),
            c(2 * upper(abs(mean(devices))),
              max(upper(mean(devices) + m), upper(m - mean(devices)))))
    } else if (df > 0) {
      set(c("device_lower", "device_upper"), rep(r$device_mean, 2))
    }
  }
  r
}
pairs <- list(c(0, 1), c(0, 2), c(1, 2))
g <- data.frame()
for (scenario in unique(runs$scenario))
  for (k in sort(unique(runs$combination[runs$scenario == scenario])))
    for (pair in pairs)
      if (pair[2] <= max(runs$level[runs$scenario == scenario]))
        for (m in measures)
          g <- rbind(g, data.frame(scenario, combination = k, a = pair[1], b = pair[2],
                                   measure = m))
table <- do.call(rbind, Map(comparison, g$scenario, g$combination, g$a, g$b, g$measure))
tests <- c("welch", "paired", "sign_flip", "wilcoxon", "mann_whitney", "f", "brown_forsythe",
           "pitman_morgan", "spread", "normality", "tost", "device", "device_tost")
for (test in tests) # a family: scenario, measure and test; also as the second look at a study
  for (looks in 1:2) {
    to <- paste0(test, if (looks == 1) "_holm" else "_holm_2")
    table[[to]] <- NA_real_
    for (s in unique(table$scenario))
      for (m in measures) {
        rows <- which(table$scenario == s & table$measure == m &
                        !is.na(table[[paste0(test, "_p")]]))
        p <- table[[paste0(test, "_p")]][rows]
        table[[to]][rows] <- p.adjust(c(p, rep(1, (looks - 1) * length(p))), "holm")[seq_along(p)]
      }
  }
verdict <- function(r, suffix) {
  tost <- r[[paste0("tost_", suffix)]]
  paired <- r[[paste0("paired_", suffix)]]
  words <- if (is_log[[r$measure]]) c("faster", "slower") else c("lower", "higher")
  if (isTRUE(tost <= alpha)) "equivalent"
  else if (isTRUE(paired <= alpha)) words[1 + (r$paired_mean > 0)]
  else "inconclusive"
}
of_variance <- function(r, suffix) {
  p <- r[[paste0("spread_", suffix)]]
  if (isTRUE(p <= alpha)) if (r$spread_t < 0) "varies_less" else "varies_more"
  else "inconclusive"
}
rows <- split(table, seq_len(nrow(table)))
table$verdict <- sapply(rows, verdict, "holm")
table$verdict_2 <- sapply(rows, verdict, "holm_2")
table$variance_verdict <- sapply(rows, of_variance, "holm")
table$variance_verdict_2 <- sapply(rows, of_variance, "holm_2")
# what so many blocks find, at Holm's first step; R's pt() loses digits where ncp is large
power <- function(n, parameters, difference, sd, level) {
  df <- n - parameters
  critical <- qt(level / 2, df, lower.tail = FALSE)
  ncp <- sqrt(n) * difference / sd
  pt(critical, df, ncp, lower.tail = FALSE) + pt(-critical, df, ncp)
}
for (i in seq_len(nrow(table))) {
  r <- table[i, ]
  m <- sum(table$scenario == r$scenario & table$measure == r$measure & !is.na(table$paired_p))
  # the sd at its 80 % upper confidence bound
  df <- r$units - r$parameters
  sd. <- if (df > 0) r$paired_sd * sqrt(df / qchisq(0.2, df)) else NA
  level <- alpha / m
  table$detectable[i] <- if (r$units > 1 && isTRUE(r$paired_sd > 0))
    sqrt(r$units / r$information) * uniroot(function(d) power(r$units, r$parameters, d, sd., level) - 0.8,
                                            c(1e-6, 100) * sd., tol = 1e-15 * sd.)$root
    else NA
  # an adjusted plan has at least 6 blocks, or two for each level
  levels <- max(runs$level[runs$scenario == r$scenario]) + 1
  least <- max(6, 2 * levels)
  needed <- function(parameters) {
    n <- parameters + 1L
    while (power(n, parameters, margin[[r$measure]], sd., level) < 0.8)
      n <- n + 1L
    n
  }
  table$blocks_needed[i] <- if (is.na(table$detectable[i]) || is.na(margin[[r$measure]])) -1L
    else if (!is_log[[r$measure]] || (!r$position_adjusted && needed(1L) < least)) needed(1L)
    else max(least, needed(as.integer(levels)))
}
save(table, "analysis_comparisons.csv")

# ---- what blocking bought -----------------------------------------------------------------------
blocking <- function(scenario, measure) {
  r <- table[table$scenario == scenario & table$measure == measure & !is.na(table$blocking_gain), ]
  df <- r$paired_df
  paired <- sum(df * r$paired_sd^2) / sum(df)
  unpaired <- sum(df * r$blocking_gain * r$paired_sd^2) / sum(df)
  data.frame(scenario, measure, comparisons = nrow(r), blocks = sum(r$units),
             unpaired_variance = unpaired, paired_variance = paired, gain = unpaired / paired,
             removed = 1 - paired / unpaired)
}
g <- expand.grid(measure = measures, scenario = unique(runs$scenario), stringsAsFactors = FALSE)
save(do.call(rbind, Map(blocking, g$scenario, g$measure)), "analysis_blocking.csv")

g <- unique(runs[c("scenario", "combination")])
g <- merge(data.frame(measure = measures), g)
save(do.call(rbind, Map(position_effects, g$scenario, g$combination, g$measure)),
     "analysis_positions.csv")

# ---- seeds against machine ----------------------------------------------------------------------
pool_sd <- function(x, by) {
  by <- by[!is.na(x)]
  x <- x[!is.na(x)]
  df <- length(x) - length(unique(by))
  c(if (df > 0) sqrt(sum((x - ave(x, by))^2) / df) else NA, df)
}
seeds <- function(level) {
  all <- crossed[crossed$level == level & crossed$warmup == 0, ]
  done <- all[all$status == 1, ]
  rows <- do.call(rbind, lapply(sort(unique(all$seed)), function(seed) {
    d <- done[done$seed == seed, ]
    known <- d$checksum[d$checksum != ""]
    kind <- if (length(known) < 2) "unknown" else if (length(unique(known)) == 1) "identical"
            else "different"
    data.frame(level, seed, kind, runs = nrow(d), devices = length(unique(paste(d$host, d$device))),
               checksums = length(unique(known)),
               time_mean = if (nrow(d)) mean(d$train_seconds) else NA,
               time_sd = sd(d$train_seconds), time_cv = sd(d$train_seconds) / mean(d$train_seconds),
               error_min = if (nrow(d)) min(d$test_error) else NA,
               error_max = if (nrow(d)) max(d$test_error) else NA)
  }))
  known <- done[done$checksum != "", ]
  noise <- pool_sd(log(known$train_seconds), paste(known$seed, known$checksum))
  rows$noise_sd <- noise[1]
  rows$noise_df <- as.integer(noise[2])
  rows$error_sd <- pool_sd(done$test_error, done$seed)[1]
  rows
}
save(rbind(seeds(0), seeds(1)), "analysis_seeds.csv")
