# SPDX-License-Identifier: Apache-2.0
# The test of spread from run to run of src/stats/spread.h, written out. Sourced by analysis.R;
# by itself, from the repository's root,
#   Rscript tests/golden/spread.R
# it writes tests/golden/spread.csv (designs and figures) and spread_blocks.csv (their blocks).
spread_test <- function(x, y, device, px, py, positions, level = 0.95) {
  most <- 16 # blocks of a group
  least <- 3 # blocks beyond the first of each group
  unknown <- c(across = NA, ratio = NA, lower = NA, upper = NA, t = NA, df = NA, p = NA)
  if (length(x) <= least) return(unknown)
  o <- order(device)
  x <- x[o]; y <- y[o]; device <- device[o]; px <- px[o]; py <- py[o]
  split <- function(device) unlist(lapply(rle(device)$lengths, function(n) {
    parts <- ceiling(n / most)
    rep(seq_len(parts), diff(floor(n * 0:parts / parts)))
  }))
  group <- paste(device, split(device))
  k <- length(x) - length(unique(group))
  across <- k < least
  if (across) {
    first <- !duplicated(device)
    x <- x[first]; y <- y[first]; px <- px[first]; py <- py[first]
    group <- as.character(split(rep(1, length(x))))
    k <- length(x) - length(unique(group))
  }
  if (k < least) return(unknown)
  varies <- function(v) any(tapply(v, group, function(u) length(unique(u)) > 1))
  by_place <- varies(x) && varies(y)
  # x / ratio and y without the effect of the place, by lm with means of the groups of both
  without_places <- function(ratio) {
    if (!by_place) return(list(x = x / ratio, y = y))
    of_group <- factor(c(paste("x", group), paste("y", group)))
    places <- rbind(sapply(seq_len(positions - 1), function(p) (px == p) / ratio),
                    sapply(seq_len(positions - 1), function(p) (py == p) / 1))
    fit <- lm(c(x / ratio, y) ~ 0 + of_group + places)
    effect <- coef(fit)[-seq_len(nlevels(of_group))]
    effect <- c(0, ifelse(is.na(effect), 0, effect))
    list(x = (x - effect[px + 1]) / ratio, y = y - effect[py + 1])
  }
  phi <- function(u) log1p(u^2)
  members <- Filter(function(i) length(i) > 1, base::split(seq_along(x), factor(group)))
  distances <- function(v) as.vector(unlist(lapply(members, function(i) dist(v[i]))))
  clean <- function(d, v) d[d > 64 * .Machine$double.eps * max(abs(v))]
  here <- without_places(1)
  if (!length(clean(distances(here$x), here$x)) && !length(clean(distances(here$y), here$y)))
    return(c(across = across, ratio = 1, lower = NA, upper = NA, t = NA, df = NA, p = 1))
  studentised <- function(log_ratio) {
    here <- without_places(exp(log_ratio))
    x <- here$x
    y <- here$y
    s <- median(c(clean(distances(x), x), clean(distances(y), y)))
    terms <- lapply(members, function(i)
      list(a = phi(as.matrix(dist(x[i])) / s) / length(i),
           b = phi(as.matrix(dist(y[i])) / s) / length(i)))
    total <- sum(sapply(terms, function(m) sum(m$a) / 2 + sum(m$b) / 2))
    T <- sum(sapply(terms, function(m) sum(m$a - m$b) / 2))
    by_blocks <- sum(sapply(terms, function(m) {
      row <- rowSums(m$a - m$b)
      g <- length(row)
      g / (g - 1) * sum((row - mean(row) / 2)^2)
    }))
    by_runs <- sum(mapply(function(i, m) {
      g <- length(i)
      if (g == 2)
        return(4 * sum((c(m$a[1, 2], m$b[1, 2]) / 2 - total / 4 / k)^2))
      from <- function(mx, my) {
        v <- c(x[i] - mx, y[i] - my) / s
        psi <- rowMeans(phi(outer(v, v, "-")))
        g / (g - 1) * sum((psi - mean(psi))^2)
      }
      if (g >= 6) # of an even number the lower and the upper of the two middle values
        max(sapply(c(floor, ceiling), function(round)
          from(sort(x[i])[round((g + 1) / 2)], sort(y[i])[round((g + 1) / 2)])))
      else from(median(x[i]), median(y[i]))
    }, members, terms))
    T / sqrt(max(by_blocks, by_runs))
  }
  r <- studentised(0)
  t <- r * sqrt((k - 1) / (k - r^2))
  df <- if (k > least) k - 1 else 1
  bound <- qt((1 + level) / 2, df)
  bound <- bound * sqrt(k / (k - 1 + bound^2))
  far <- 30
  at <- function(bound) {
    f <- function(l) if (abs(l) > far) -sign(l) else studentised(l) - bound
    l <- uniroot(f, c(-far - 1, far + 1), tol = 1e-13)$root
    if (abs(l) >= far - 1e-6) (if (l > 0) Inf else 0) else exp(l)
  }
  ends <- if (by_place) c(at(0), at(bound), at(-bound)) else c(if (varies(x)) Inf else 0, NA, NA)
  c(across = across, ratio = ends[1], lower = ends[2], upper = ends[3], t = t, df = df,
    p = 2 * pt(-abs(t), df))
}

if (sys.nframe() == 0) {
  set.seed(20261129, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  number <- function(v) ifelse(is.na(v), "NA", sprintf("%.17g", as.double(v)))
  noises <- list(normal = rnorm, t3 = function(n) rt(n, 3), exponential = rexp,
                 outliers = function(n) rnorm(n) + 40 * rbinom(n, 1, 0.05))
  rows <- blocks <- NULL
  design <- 0
  for (n in c(5, 8, 15, 30, 70)) for (devices in c(1, 4, 8, 20)) for (levels in 2:3)
    for (noise in names(noises)) {
      design <- design + 1
      device <- sample(devices, n, replace = TRUE)
      order <- sample(levels, n, replace = TRUE) - 1
      px <- (0 - order) %% levels
      py <- (1 - order) %% levels
      place <- c(0, 2, -1)
      shared <- rnorm(n) + rnorm(devices, 0, 3)[device]
      x <- shared + rnorm(devices)[device] + place[px + 1] + 1.5 * noises[[noise]](n)
      y <- shared + rnorm(devices)[device] + place[py + 1] + noises[[noise]](n)
      figures <- spread_test(x, y, device, px, py, levels)
      rows <- rbind(rows, data.frame(design, noise, levels, t(sapply(figures, number))))
      blocks <- rbind(blocks, data.frame(design, x = number(x), y = number(y), device, px, py))
    }
  write.csv(rows, "tests/golden/spread.csv", row.names = FALSE, quote = FALSE)
  write.csv(blocks, "tests/golden/spread_blocks.csv", row.names = FALSE, quote = FALSE)
}
