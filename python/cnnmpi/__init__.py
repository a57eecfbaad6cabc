# SPDX-License-Identifier: Apache-2.0
"""cnnmpi from Python: `cnnmpi.trainer` for trainers of its run protocol."""
