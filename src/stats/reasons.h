/* SPDX-License-Identifier: Apache-2.0 */
/** Reasons for which a figure is missing: one list for statistics, analysis, results file and report. */
#ifndef CNN_STATS_REASONS_H
#define CNN_STATS_REASONS_H

/** Why a figure is undefined or a verdict not given. X(constant, name, sentence) */
#define CNN_REASONS(X)                                                                             \
    X(CNN_REASON_NONE, "none", "")                                                                 \
    X(CNN_REASON_NO_RUNS, "no_runs", "no run has been done")                                       \
    X(CNN_REASON_ALL_FAILED, "all_failed", "every run failed or diverged")                         \
    X(CNN_REASON_NOT_REPORTED, "not_reported", "the trainer does not report it")                   \
    X(CNN_REASON_ONE_RUN, "one_run", "one run has no spread")                                      \
    X(CNN_REASON_NO_VARIANCE, "no_variance", "there is no variance to judge by")                   \
    X(CNN_REASON_SAME_DIFFERENCE, "same_difference", "the difference is the same in every block")  \
    X(CNN_REASON_ONE_UNIT, "one_unit", "not estimable from one device or host")                    \
    X(CNN_REASON_FEW_UNITS, "few_units", "too few devices or hosts, below 4")                      \
    X(CNN_REASON_BY_SEED, "by_seed",                                                               \
      "error and loss are functions of the seed, not of device or order")                          \
    X(CNN_REASON_FEW_ORDERS, "few_orders",                                                         \
      "fewer than 6 blocks are planned, or a level is planned at a position fewer than twice")     \
    X(CNN_REASON_ORDERS_LOST, "orders_lost",                                                       \
      "the whole blocks do not tell the level from the position")                                  \
    X(CNN_REASON_NOT_POSITIVE, "not_positive", "a time is not positive and has no logarithm")      \
    X(CNN_REASON_NO_BLOCKS, "no_whole_blocks", "no block has both levels done on one device")      \
    X(CNN_REASON_ONE_BLOCK, "one_whole_block", "one whole block has no spread")                    \
    X(CNN_REASON_ONE_LEVEL, "one_level",                                                           \
      "the contrast has one level: there is nothing to compare")                                   \
    X(CNN_REASON_NO_MARGIN, "no_margin", "the job declares no margin of equivalence for it")       \
    X(CNN_REASON_INTERIM, "interim", "the study is not finished, and no declared look is reached") \
    X(CNN_REASON_UNEQUAL, "unequal", "the levels are unequal, see the table of conditions")        \
    X(CNN_REASON_NO_START_TIMES, "no_start_times", "the runs have no start times")                 \
    X(CNN_REASON_FEW_BLOCKS, "few_whole_blocks",                                                   \
      "too few whole blocks: to compare two spreads takes three beyond the first of each device, " \
      "or else blocks on four devices")                                                            \
    /* of models and components; see stats/mixed/mixed.h */                                        \
    X(CNN_REASON_NOT_MODELLED, "not_modelled", "no model is fitted to this measure")               \
    X(CNN_REASON_TOO_FEW_RUNS, "too_few_runs", "there are no more runs than means to estimate")    \
    X(CNN_REASON_NO_RESIDUAL, "no_residual",                                                       \
      "the runs of a block differ by the same amount in every block")                              \
    X(CNN_REASON_NOT_CONVERGED, "not_converged", "the search for the maximum did not converge")    \
    X(CNN_REASON_FLAT, "flat_likelihood", "the likelihood hardly depends on some components")      \
    X(CNN_REASON_ZERO_RESIDUAL, "zero_residual",                                                   \
      "the residual is estimated as zero: too few blocks are whole to separate it from them")      \
    X(CNN_REASON_ONE_NODE, "one_node", "all runs were on one node")                                \
    X(CNN_REASON_DEVICE_IS_NODE, "one_device_per_node",                                            \
      "every node has one device: the node's effect counts as the device's")                       \
    X(CNN_REASON_ONE_DEVICE, "one_device", "all runs were on one device")                          \
    X(CNN_REASON_RUN_IS_DEVICE, "one_run_per_device",                                              \
      "every device has one run: its effect counts as residual")                                   \
    X(CNN_REASON_LEVEL_IS_DEVICE, "one_level_per_device",                                          \
      "every device ran one level: the interaction counts as the device's effect")                 \
    X(CNN_REASON_RUN_IS_DEVICE_LEVEL, "one_run_per_device_and_level",                              \
      "every device ran each level at most once: the interaction counts as residual")              \
    X(CNN_REASON_SAME_BLOCK, "one_block", "all runs were in one block")                            \
    X(CNN_REASON_BLOCK_IS_DEVICE, "one_block_per_device",                                          \
      "every device has one block: its effect counts as the device's")                             \
    X(CNN_REASON_RUN_IS_BLOCK, "one_run_per_block",                                                \
      "every block has one run: its effect counts as residual")                                    \
    X(CNN_REASON_CONSTANT_LEVEL, "constant_level",                                                 \
      "the runs of a level, or what two differ by, do not vary on any device: one variance for "   \
      "all levels")                                                                                \
    X(CNN_REASON_ALIASED, "aliased", "these runs cannot separate it from the other components")

typedef enum {
#define CNN_REASON_CONSTANT(constant, name, sentence) constant,
    CNN_REASONS(CNN_REASON_CONSTANT) CNN_REASON_COUNT
#undef CNN_REASON_CONSTANT
} cnn_reason;

extern const char *const cnn_reason_names[];     /* by the enum; NULL-terminated */
extern const char *const cnn_reason_sentences[]; /* [CNN_REASON_COUNT], no full stop */

#endif
