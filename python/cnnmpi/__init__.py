# SPDX-License-Identifier: Apache-2.0
"""cnnmpi from Python: `cnnmpi.contender` and `cnnmpi.trainer` for trainers of its run protocol,
`cnnmpi.results` for its results files."""
