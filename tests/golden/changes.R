# SPDX-License-Identifier: Apache-2.0
# Golden values of src/changes: by how much the values of two files differ, by R. From the
# repository's root:
#   Rscript tests/golden/changes.R
# writes tests/golden/changes_values.csv, changes_estimates.csv and changes_sessions.csv.
set.seed(20261129, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
folder <- "tests/golden"
level <- 0.95
save <- function(table, name) {
  for (column in names(table)) {
    x <- table[[column]]
    if (is.double(x))
      table[[column]] <- ifelse(is.na(x), "NA", sprintf("%.17g", x))
  }
  write.csv(table, file.path(folder, name), row.names = FALSE, quote = FALSE)
}

# ---- values ---------------------------------------------------------------------------------------
# A block of `positions` runs: a value is that of the run at `at`, less that of the control at `control`
# (-1: there is none). Columns of positions sum to 0 over a block.
sample_of <- function(scenario, file, devices, blocks, sessions, positions, shift, control = TRUE,
                      orders = NULL) {
  t <- expand.grid(block = seq_len(blocks) - 1, device = devices)
  t$scenario <- scenario
  t$file <- file
  t$session <- (t$block * sessions) %/% blocks
  t$at <- if (is.null(orders)) sample(positions, nrow(t), replace = TRUE) - 1 else
    orders[(seq_len(nrow(t)) - 1) %% length(orders) + 1]
  t$control <- if (control) (t$at + 1) %% positions else -1
  of_device <- rnorm(20, sd = 0.01)
  of_session <- rnorm(sessions, sd = 0.004)
  effect <- c(0.02, 0, -0.01, 0.005)
  t$value <- shift * file + of_device[t$device + 1] + of_session[t$session + 1] +
    effect[t$at + 1] - ifelse(t$control >= 0, effect[pmax(t$control, 0) + 1], 0) +
    rnorm(nrow(t), sd = 0.003)
  for (j in 1:3) {
    one <- function(p) ifelse(p < 0, 0, (p == j) - (p == 0))
    t[[paste0("place_", j)]] <- one(t$at) - one(t$control)
  }
  t$positions <- positions
  t
}
keep <- function(t, share) t[runif(nrow(t)) < share, ]
values <- rbind(
  # every device has its orders equally often, in both files
  sample_of("balanced", 0, 0:5, 4, 1, 2, 0.02, orders = c(0, 1)),
  sample_of("balanced", 1, 0:5, 6, 1, 2, 0.02, orders = c(0, 1)),
  # orders by chance, three positions, devices that one file lacks
  sample_of("orders", 0, 0:6, 5, 1, 3, -0.01),
  sample_of("orders", 1, 1:8, 3, 1, 3, -0.01),
  # too few shared devices for each to be one value
  sample_of("few", 0, 0:2, 6, 1, 2, 0.01),
  sample_of("few", 1, 1:3, 9, 1, 2, 0.01),
  # one device; no device of both files, without a control
  sample_of("one", 0, 0, 8, 2, 2, 0),
  sample_of("one", 1, 0, 5, 1, 2, 0),
  sample_of("none", 0, 0:1, 7, 1, 2, 0.05, control = FALSE),
  sample_of("none", 1, 2:4, 4, 1, 2, 0.05, control = FALSE),
  # one order in a file does not tell its mean from the positions
  sample_of("lost", 0, 0:1, 4, 1, 2, 0.01, orders = 0),
  sample_of("lost", 1, 0:1, 4, 1, 2, 0.01, orders = c(0, 1)),
  # sessions of both files; blocks that are not there
  keep(sample_of("sessions", 0, 0:7, 6, 3, 2, 0.01, orders = c(0, 1)), 0.85),
  keep(sample_of("sessions", 1, 0:7, 6, 2, 2, 0.01, orders = c(0, 1)), 0.85),
  # contrast of one level: no positions
  sample_of("alone", 0, 0:4, 3, 1, 1, 0.03, control = FALSE),
  sample_of("alone", 1, 0:4, 3, 1, 1, 0.03, control = FALSE))
values <- values[c("scenario", "file", "device", "session", "positions", "value",
                   paste0("place_", 1:3))]
save(values, "changes_values.csv")

# ---- estimates ------------------------------------------------------------------------------------
places <- function(t) {
  as.matrix(t[paste0("place_", 1:3)])[, seq_len(t$positions[1] - 1), drop = FALSE]
}
margin <- log(1.01)
row_of <- function(scenario, unit, units, before, after, adjusted, mean, se, df) {
  half <- qt((1 + level) / 2, df) * se
  data.frame(scenario, unit, units, before, after, adjusted = as.integer(adjusted), mean, se, df,
             lower = mean - half, upper = mean + half, p = 2 * pt(-abs(mean / se), df),
             tost = max(pt((mean - margin) / se, df), pt(-(mean + margin) / se, df)))
}
by_device <- function(name, t) {
  shared <- intersect(t$device[t$file == 0], t$device[t$file == 1])
  if (length(shared) < 2)
    return(NULL)
  t <- t[t$device %in% shared, ]
  means <- function(x) {
    m <- tapply(x, list(t$device, t$file), mean)
    m[, "1"] - m[, "0"]
  }
  d <- means(t$value)
  p <- places(t)
  z <- if (ncol(p)) zapsmall(apply(p, 2, means), 12) else NULL
  if (!is.null(z) && qr(z)$rank == qr(cbind(z, 1))$rank)
    return(NULL) # the difference is not told from the positions
  fit <- lm(if (is.null(z)) d ~ 1 else d ~ z)
  if (fit$df.residual < 1)
    return(NULL)
  s <- summary(fit)$coefficients
  row_of(name, "device", length(shared), sum(t$file == 0), sum(t$file == 1), ncol(p) > 0,
         s["(Intercept)", 1], s["(Intercept)", 2], fit$df.residual)
}
# Mean over the devices of one file's fitted means where positions are 0.
file_mean <- function(t, with_places) {
  v <- factor(t$device)
  p <- if (with_places) places(t) else places(t)[, 0, drop = FALSE]
  x <- cbind(if (nlevels(v) > 1) contr.sum(nlevels(v))[as.integer(v), , drop = FALSE], p, one = 1)
  rank <- qr(x)$rank
  if (qr(x[, -ncol(x), drop = FALSE])$rank == rank || rank >= nrow(x))
    return(NULL)
  fit <- summary(lm(t$value ~ x - 1))
  c(fit$coefficients[nrow(fit$coefficients), 1:2], df = fit$df[2])
}
by_block <- function(name, t) {
  shared <- intersect(t$device[t$file == 0], t$device[t$file == 1])
  if (length(shared))
    t <- t[t$device %in% shared, ]
  fit <- function(with_places) lapply(0:1, function(f) file_mean(t[t$file == f, ], with_places))
  adjusted <- t$positions[1] > 1
  m <- fit(adjusted)
  if (is.null(m[[1]]) || is.null(m[[2]])) {
    adjusted <- FALSE
    m <- fit(FALSE)
  }
  a <- m[[1]][2]^2
  b <- m[[2]][2]^2
  row_of(name, "block", nrow(t), sum(t$file == 0), sum(t$file == 1), adjusted,
         m[[2]][1] - m[[1]][1], sqrt(a + b), (a + b)^2 / (a^2 / m[[1]][3] + b^2 / m[[2]][3]))
}
# Level x session: F of sessions beside devices and positions, both files pooled.
sessions_of <- function(name, t) {
  sums <- c(0, 0, 0, 0, 0)
  for (f in 0:1) {
    x <- t[t$file == f, ]
    if (length(unique(x$device)) > 1)
      x <- aggregate(x[c("value", paste0("place_", 1:3), "positions")], x[c("device", "session")], mean)
    if (length(unique(x$session)) < 2)
      next
    dummies <- function(x) outer(x, unique(x), "==") * 1
    base <- cbind(dummies(x$device), places(x))
    indicator <- dummies(x$session)
    rss <- function(m, y) sum(lm.fit(m, y)$residuals^2)
    df <- qr(cbind(base, indicator))$rank - qr(base)$rank
    full <- rss(cbind(base, indicator), x$value)
    sums <- sums + c(df, nrow(x) - qr(cbind(base, indicator))$rank, rss(base, x$value) - full, full,
                     sum(apply(indicator, 2, function(y) rss(base, y))))
  }
  if (sums[1] < 1 || sums[2] < 1)
    return(NULL)
  error <- sums[4] / sums[2]
  f <- sums[3] / sums[1] / error
  sd_at <- function(q) sqrt(max(0, f / q - 1) * error / (sums[5] / sums[1]))
  data.frame(scenario = name, df = sums[1], error_df = sums[2], f, p = pf(f, sums[1], sums[2], lower.tail = FALSE),
             sd = sd_at(1), lower = sd_at(qf((1 + level) / 2, sums[1], sums[2])),
             upper = sd_at(qf((1 - level) / 2, sums[1], sums[2])))
}
each <- function(f) do.call(rbind, lapply(unique(values$scenario), function(s) f(s, values[values$scenario == s, ])))
save(rbind(each(by_device), each(by_block)), "changes_estimates.csv")
save(each(sessions_of), "changes_sessions.csv")
