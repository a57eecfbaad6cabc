# SPDX-License-Identifier: Apache-2.0
# A filled results file as R sees it: read_r.R FILE ncdf4|rhdf5
arguments <- commandArgs(trailingOnly = TRUE)
package <- arguments[2]
if (!requireNamespace(package, quietly = TRUE)) {
    cat("skipped: the R package", package, "is not installed\n")
    quit(status = 77)
}
runs <- 0:27
written <- runs %% 5 != 4
seen <- written & runs %% 7 != 3 # the fixture leaves others NaN

check <- function(seconds, status, loss, mean) {
    stopifnot(length(seconds) == 28, all(is.nan(seconds) | is.na(seconds) == !seen))
    stopifnot(all.equal(diff(seconds[seen]), as.numeric(diff(runs[seen])), tolerance = 0))
    stopifnot(all(status == ifelse(written, c(1, 2, 3)[runs %% 3 + 1], 0)))
    stopifnot(identical(dim(loss), c(3L, 28L)), loss[3, 1] == 2 + 1 / 64, loss[1, 3] == 200 + 1 / 64)
    # row i, column k of the summaries: i + k / 64, but NaN where i %% 7 == 3; the mean is column 3
    row <- 0:39
    stopifnot(identical(dim(mean), c(5L, 8L)), is.na(mean) == (row %% 7 == 3),
              all(mean[row %% 7 != 3] == (row + 3 / 64)[row %% 7 != 3]))
}

read_ncdf4 <- function(path) {
    file <- ncdf4::nc_open(path)
    get <- function(name) ncdf4::ncvar_get(file, name)
    check(as.vector(get("train_seconds")), as.vector(get("status")), get("epoch_train_loss"),
          get("analysis/mean"))
    names <- function(variable) sapply(file$var[[variable]]$dim, function(d) d$name)
    stopifnot(identical(names("epoch_train_loss"), c("epoch", "run")))
    stopifnot(file$var[["train_seconds"]]$units == "s")
    stopifnot(get("factor_name") == c("framework", "architecture", "epochs", "threads"))
    host <- get("host")
    Encoding(host) <- "UTF-8"
    stopifnot(host[6] == "5 host \u00e4\u00f6\u00fc", host[5] == "")
    stopifnot(ncdf4::ncatt_get(file, 0, "contrast")$value == "framework")
    ncdf4::nc_close(file)
}

read_rhdf5 <- function(path) {
    get <- function(name) rhdf5::h5read(path, name)
    check(as.vector(get("train_seconds")), as.vector(get("status")), get("epoch_train_loss"),
          get("analysis/mean"))
    text <- function(name) apply(get(name), 2, paste, collapse = "")
    stopifnot(text("factor_name") == c("framework", "architecture", "epochs", "threads"))
    stopifnot(rhdf5::h5readAttributes(path, "train_seconds")$units == "s")
    stopifnot(rhdf5::h5readAttributes(path, "/")$contrast == "framework")
}

if (package == "ncdf4") read_ncdf4(arguments[1]) else read_rhdf5(arguments[1])
cat("R with", package, as.character(packageVersion(package)), ": all as written\n")
