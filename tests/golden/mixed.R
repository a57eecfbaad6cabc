# SPDX-License-Identifier: Apache-2.0
# Golden values of the mixed model (src/stats/mixed/mixed.h). From the repository's root:
#   Rscript tests/golden/mixed.R
# writes tests/golden/mixed_*.csv. Needs Debian's r-cran-lme4 and r-cran-nlme (setup.sh does not
# install them: the tables are committed). One residual variance: lme4. One for each level: the
# likelihood written out, since nlme ends its searches early and has no profiles; the estimates must
# agree with nlme's to its digits, or the script stops.
suppressMessages({library(lme4); library(nlme)})
set.seed(20180601, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
folder <- "tests/golden"
save <- function(table, name) {
  for (column in names(table))
    if (is.double(table[[column]]))
      table[[column]] <- ifelse(is.na(table[[column]]), "NA", sprintf("%.17g", table[[column]]))
  write.csv(table, file.path(folder, name), row.names = FALSE, quote = FALSE)
}

# An experiment: devices on each node, range of blocks on each device, levels, runs of a level in a
# block, sds (node, device, device x level, block, residual by level), share of runs lost.
experiment <- function(devices, blocks, levels, copies, sd, mean, lost = 0) {
  runs <- list()
  sd$residual <- rep_len(sd$residual, levels)
  device <- block <- 0
  for (node in seq_along(devices)) {
    at_node <- rnorm(1, sd = sd$node)
    for (d in seq_len(devices[node])) {
      device <- device + 1
      at_device <- rnorm(1, sd = sd$device)
      at_level <- rnorm(levels, sd = sd$device_level)
      for (b in seq_len(if (length(blocks) > 1) sample(blocks, 1) else blocks)) {
        block <- block + 1
        at_block <- rnorm(1, sd = sd$block)
        level <- rep(seq_len(levels), each = copies)
        y <- mean[level] + at_node + at_device + at_level[level] + at_block +
          rnorm(length(level), sd = sd$residual[level])
        runs[[block]] <- data.frame(y, level = level - 1L, node, device, block)
      }
    }
  }
  runs <- do.call(rbind, runs)
  runs[sample(nrow(runs), round(nrow(runs) * (1 - lost))), ] # in no order
}
sds <- function(node, device, device_level, block, residual)
  list(node = node, device = device, device_level = device_level, block = block,
       residual = residual)
cases <- list(
  balanced = experiment(c(3, 3, 3), 6, 2, 1, sds(.05, .03, .015, .02, .015), c(5, 5.2)),
  unbalanced = experiment(c(1, 4, 2, 3), 3:9, 3, 1, sds(.05, .03, .015, .02, .015),
                          c(5, 5.2, 5.1), lost = 0.2),
  small_log_time = experiment(6, 4:6, 2, 1, sds(0, 1e-3, 5e-4, 8e-4, 6e-4), c(3.3, 3.4), 0.1),
  nothing_but_residual = experiment(c(3, 3), 5, 2, 1, sds(0, 0, 0, 0, 1), c(228, 297)),
  one_device = experiment(1, 20, 2, 1, sds(0, 0, 0, .02, .01), c(5, 5.1), 0.1),
  test_error = experiment(c(2, 3), 8, 2, 1, sds(0, 1e-5, 0, 1e-4, 8e-5), c(.012, .01203), 0.05),
  mixed_models_of_devices = experiment(c(2, 2, 2), 6, 2, 1, sds(.05, .1, .02, .003, .003), c(5, 5.1),
                                       0.15),
  one_level = experiment(c(2, 3, 4), 4:8, 1, 3, sds(.03, .02, 0, .02, .01), 5, 0.15),
  copies = experiment(c(3, 2), 3:5, 3, 2, sds(.03, .02, .01, .02, .01), c(5, 5.1, 5.3), 0.1),
  one_run_per_device_level = experiment(c(4, 5, 3), 1, 3, 1, sds(.03, .02, 0, 0, .01),
                                        c(5, 5.1, 5.3), 0.1),
  per_level = experiment(8, 6, 2, 1, sds(0, .03, .015, .02, c(.01, .03)), c(5, 5.2)),
  per_level_unbalanced = experiment(c(2, 3, 4, 2), 4:7, 3, 1,
                                    sds(.06, .03, .02, .02, c(.02, .03, .045)), c(5, 5.2, 5.1), .15)
)
per_level <- c("per_level", "per_level_unbalanced")
terms_of <- list(node = "node", device = "node:device", device_level = "node:device:level",
                 block = "node:device:block")
present <- list( # what the design identifies; the C side must find the same
  balanced = 1:4, unbalanced = 1:4, small_log_time = 2:4, nothing_but_residual = 1:4,
  one_device = 4, test_error = 1:4, mixed_models_of_devices = 1:4, one_level = c(1, 2, 4),
  copies = 1:4, one_run_per_device_level = 1:2, per_level = 2:4, per_level_unbalanced = 1:4)

# lme4, its searches ended late: bobyqa, then nlminb in units of where that came to, in turns.
optimizer <- function(fn, par, lower, upper, control) {
  best <- list(par = par, objective = fn(par))
  keep <- function(p, value) if (value < best$objective) best <<- list(par = p, objective = value)
  for (round in 1:4) {
    start <- pmax(best$par, 0.05)
    if (length(par) == 1) { # bobyqa wants two parameters
      found <- optimize(fn, c(0, 20 * start), tol = 1e-11)
      keep(found$minimum, found$objective)
    } else {
      found <- minqa::bobyqa(start, fn, lower, control = list(rhobeg = 0.1 * min(start),
                             rhoend = 1e-9, maxfun = 20000))
      keep(found$par, found$fval)
    }
    found <- nlminb(pmax(best$par, 1e-3), fn, lower = lower, scale = 1 / pmax(best$par, 0.1),
                    control = list(rel.tol = 1e-15, x.tol = 1e-12, abs.tol = 0, eval.max = 5000,
                                   iter.max = 2000))
    keep(found$par, found$objective)
  }
  for (k in seq_along(par)) { # to the bound, where that is as good
    p <- replace(best$par, k, 0)
    if (fn(p) <= best$objective + 1e-10) best <- list(par = p, objective = fn(p))
  }
  list(par = best$par, fval = fn(best$par), conv = 0, message = "")
}
control <- lmerControl(optimizer = optimizer, calc.derivs = FALSE, check.nobs.vs.nRE = "ignore",
                       check.nobs.vs.nlev = "ignore", check.conv.singular = "ignore")
fit_lme4 <- function(data, components, reml) {
  text <- paste("y ~", if (nlevels(data$level) > 1) "0 + level" else "1",
                paste0(" + (1 | ", terms_of[components], ")", collapse = ""))
  if (!length(components)) return(lm(as.formula(sub(" \\+ \\(.*", "", text)), data))
  suppressMessages(lmer(as.formula(text), data, REML = reml, control = control,
                        start = rep(1, length(components))))
}
as_list <- function(fit, components)
  list(sd = sqrt(variances(fit, components)), log_likelihood = as.numeric(logLik(fit)),
       mean = as.numeric(fixef(fit)), covariance = as.matrix(vcov(fit)))
variances <- function(fit, components) {
  v <- as.data.frame(VarCorr(fit))
  c(v$vcov[match(gsub("node:device:level|level:node:device", "x", unlist(terms_of[components])),
                 gsub("node:device:level", "x", v$grp))], sigma(fit)^2)
}

# Deviance of the scaled data by all sds, ML: lme4's own, from a model without its estimates.
deviance_lme4 <- function(data, components) {
  fit <- fit_lme4(data, components, FALSE)
  devfun <- update(fit, devFunOnly = TRUE)
  n <- nrow(data)
  order <- match(sub("level:node:device", "node:device:level", names(getME(fit, "flist"))),
                 unlist(terms_of[components]))
  function(sd) {
    sigma <- sd[length(sd)]
    devfun(sd[-length(sd)][order] / sigma)
    e <- environment(devfun)
    e$pp$ldL2() + (e$resp$wrss() + e$pp$sqrL(1)) / sigma^2 + n * log(2 * pi * sigma^2)
  }
}
# The same written out, with a residual sd for each level; ML or REML. Means and their covariance
# are attributes.
deviance_dense <- function(data, components, reml = FALSE) {
  share <- lapply(terms_of[components], function(term)
    with(data, { g <- eval(parse(text = gsub(":", ",", paste0("interaction(", term, ")"))))
                 outer(g, g, "==") + 0 }))
  x <- model.matrix(~ 0 + level, data)
  function(sd, details = FALSE) {
    k <- length(share)
    v <- diag(sd[k + as.integer(data$level)]^2)
    for (i in seq_len(k)) v <- v + sd[i]^2 * share[[i]]
    r <- chol(v)
    z <- backsolve(r, cbind(x, data$y), transpose = TRUE)
    precision <- crossprod(z[, seq_len(ncol(x)), drop = FALSE])
    fit <- lm.fit(z[, seq_len(ncol(x)), drop = FALSE], z[, ncol(z)])
    if (details) return(list(mean = fit$coefficients, covariance = solve(precision)))
    (nrow(data) - if (reml) ncol(x) else 0) * log(2 * pi) + 2 * sum(log(diag(r))) +
      sum(fit$residuals^2) + if (reml) as.numeric(determinant(precision)$modulus) else 0
  }
}
fit_dense <- function(data, components, reml) {
  deviance <- deviance_dense(data, components, reml)
  n <- length(components) + nlevels(data$level)
  best <- list(objective = Inf, par = rep(0.5, n))
  for (i in 1:6) {
    again <- nlminb(pmax(best$par, 0.01), deviance, lower = rep(c(0, 1e-4), c(length(components),
                    nlevels(data$level))), control = list(rel.tol = 1e-15, x.tol = 1e-12,
                    abs.tol = 0, eval.max = 5000, iter.max = 2000))
    if (again$objective < best$objective) best <- again
  }
  c(list(sd = best$par, log_likelihood = -best$objective / 2), deviance(best$par, TRUE))
}
# 95 % interval of every sd: the best deviance with it kept, chi2(1) above the lowest.
profile_intervals <- function(deviance, best) {
  n <- length(best)
  critical <- qchisq(0.95, 1)
  kept <- function(k, value, start) { # best deviance with sd k at the value, from several starts
    if (n == 1) return(deviance(value))
    f <- function(free) { sd <- numeric(n); sd[k] <- value; sd[-k] <- abs(free); deviance(sd) }
    lower <- ifelse(seq_len(n) > n - residuals_of(best), 1e-4, 0)[-k]
    one <- function(s) nlminb(s, f, lower = lower, control = list(rel.tol = 1e-15, x.tol = 1e-11,
                              abs.tol = 0, eval.max = 5000, iter.max = 2000))
    first <- one(pmax(start[-k], 0.02))
    second <- one(pmax(first$par, 0.002))
    third <- one(start[-k] + 0.2)
    min(first$objective, second$objective, third$objective)
  }
  residuals_of <- function(sd) attr(best, "residuals")
  lowest <- deviance(best)
  lowest <- min(lowest, kept(1, best[1], best))
  t(sapply(seq_len(n), function(k) {
    height <- function(value) {
      d <- kept(k, value, as.numeric(best)) - lowest
      sign(d) * sqrt(abs(d)) - sqrt(critical)
    }
    smallest <- if (k > n - residuals_of(best)) 1e-3 else 0
    top <- max(best[k], 0.05)
    while (height(top) < 0) top <- 1.5 * top
    high <- uniroot(height, c(best[k], top), tol = 1e-12)$root
    low <- if (height(smallest) < 0) 0
           else uniroot(height, c(smallest, best[k]), tol = 1e-12)$root
    c(low, high)
  }))
}

# nlme's estimates agree with the ones written out.
check_with_nlme <- function(data, components, reml, ours) {
  inner <- list(device = pdBlocked(list(pdIdent(~ 1), pdIdent(~ level - 1))), block = pdIdent(~ 1))
  fit <- lme(y ~ 0 + level, data, method = if (reml) "REML" else "ML",
             random = if (1 %in% components) c(list(node = pdIdent(~ 1)), inner) else inner,
             weights = varIdent(form = ~ 1 | level),
             control = lmeControl(maxIter = 500, msMaxIter = 500, niterEM = 200,
                                  returnObject = TRUE)) # it says why it ended; we see where
  v <- lapply(as.matrix(fit$modelStruct$reStruct), function(m) m * fit$sigma^2)
  ratio <- coef(fit$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
  theirs <- sqrt(c(if (1 %in% components) v$node[1, 1], v$device[1, 1], v$device[2, 2],
                   v$block[1, 1], (fit$sigma * ratio[sort(names(ratio))])^2))
  message("nlme: ", paste(format(theirs / ours$sd - 1, digits = 2), collapse = " "))
  stopifnot(abs(theirs - ours$sd) < 1e-3 * max(ours$sd),
            abs(fit$logLik - ours$log_likelihood) < 1e-5,
            abs(fixef(fit) - ours$mean) < 1e-4, abs(vcov(fit) / ours$covariance - 1) < 1e-3)
}

analyse <- function(name) {
  raw <- cases[[name]]
  components <- present[[name]]
  own <- name %in% per_level
  # scaled, so that tolerances mean the same in every case; put back below
  unit <- sd(raw$y - ave(raw$y, raw$level))
  data <- transform(raw, y = y / unit, level = factor(level), node = factor(node),
                    device = factor(device), block = factor(block))
  n <- nrow(data); p <- nlevels(data$level)
  if (own) {
    reml <- fit_dense(data, components, TRUE)
    ml <- fit_dense(data, components, FALSE)
    check_with_nlme(data, components, TRUE, reml)
    check_with_nlme(data, components, FALSE, ml)
  } else {
    reml <- as_list(fit_lme4(data, components, TRUE), components)
    ml <- as_list(lme4_ml <- fit_lme4(data, components, FALSE), components)
  }
  best <- structure(ml$sd, residuals = if (own) p else 1)
  ends <- profile_intervals((if (own) deviance_dense else deviance_lme4)(data, components), best)
  if (!own && name %in% c("balanced", "unbalanced")) { # lme4's interpolated profile, to its digits
    usual <- update(lme4_ml, control = lmerControl(optimizer = "bobyqa",
                                                   check.conv.singular = "ignore"))
    theirs <- suppressMessages(confint(usual, parm = "theta_", method = "profile", quiet = TRUE))
    groups <- sub("level:node:device", "node:device:level", names(getME(lme4_ml, "flist")))
    mine <- ends[c(match(groups, unlist(terms_of[components])), length(best)), ]
    stopifnot(all(abs(theirs - mine) < 2e-3 * mine[, 2]))
  }
  statistic <- sapply(seq_along(components), function(i) {
    if (own) return(NA)
    without <- fit_lme4(data, components[-i], TRUE)
    max(0, 2 * (reml$log_likelihood - as.numeric(logLik(without, REML = TRUE))))
  })
  label <- c(names(terms_of)[components], if (own) paste0("level", seq_len(p) - 1) else "residual")
  list(components = data.frame(
         case = name, component = label, variance = reml$sd^2 * unit^2,
         ml_variance = ml$sd^2 * unit^2, low = ends[, 1] * unit, high = ends[, 2] * unit,
         statistic = c(statistic, rep(NA, length(label) - length(statistic))),
         p = c(ifelse(statistic > 0, pchisq(statistic, 1, lower.tail = FALSE) / 2, 1),
               rep(NA, length(label) - length(statistic)))),
       fits = data.frame(
         case = name, per_level = as.integer(own), runs = n,
         reml = reml$log_likelihood - (n - p) * log(unit),
         ml = ml$log_likelihood - n * log(unit),
         equal_statistic = if (own) 2 * (reml$log_likelihood -
                               as.numeric(logLik(fit_lme4(data, components, TRUE)))) else NA),
       means = data.frame(
         case = name, level = seq_len(p) - 1,
         mean = unit * reml$mean,
         variance = unit^2 * diag(reml$covariance),
         covariance_with_first = unit^2 * reml$covariance[, 1]))
}
only <- commandArgs(TRUE) # names of cases: a look at them, nothing is written
results <- lapply(if (length(only)) only else names(cases), function(name) { message(name); analyse(name) })
if (length(only)) { print(results); quit() }
for (part in c("components", "fits", "means"))
  save(do.call(rbind, lapply(results, `[[`, part)), paste0("mixed_", part, ".csv"))
save(do.call(rbind, lapply(names(cases), function(name) data.frame(case = name, cases[[name]]))),
     "mixed_runs.csv")
