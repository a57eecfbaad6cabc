/* SPDX-License-Identifier: Apache-2.0 */
/** The figures of an analysis as rows of tables. One list of columns a table drives the struct, the
 *  variables under /analysis of the results file and CSV, as in results/record.h: X(member, type,
 *  units, long_name).
 *
 *  Undefined or unknown: NaN, -1; why is in the row's `reason`. units "": none, or those of the
 *  measure where long_name says so.
 *
 *  "Analysed scale": the natural logarithm of seconds for the measures of time, so that a
 *  difference is a ratio; the value itself for error and loss. */
#ifndef CNN_ANALYSIS_FIGURES_H
#define CNN_ANALYSIS_FIGURES_H

#include "job/conditions.h"
#include "results/results.h"
#include "stats/reasons.h"

/** Measures of a run. X(constant, name, units, title, on the log scale) */
#define CNN_MEASURES(X)                                                                            \
    X(CNN_MEASURE_TRAIN_SECONDS, "train_seconds", "s", "Training time", 1)                         \
    X(CNN_MEASURE_EPOCH_SECONDS, "seconds_per_epoch", "s", "Time of an epoch", 1)                  \
    X(CNN_MEASURE_TEST_ERROR, "test_error", "1", "Test error", 0)                                  \
    X(CNN_MEASURE_TEST_LOSS, "test_loss", "nat", "Test loss", 0)                                   \
    X(CNN_MEASURE_STEADY_SECONDS, "steady_seconds", "s", "Time of a steady epoch", 1)

/** Verdicts on level a against level b. X(constant, name) */
#define CNN_VERDICTS(X)                                                                            \
    X(CNN_VERDICT_INCONCLUSIVE, "inconclusive")                                                    \
    X(CNN_VERDICT_EQUIVALENT, "equivalent")                                                        \
    X(CNN_VERDICT_FASTER, "faster") /* measures of time */                                         \
    X(CNN_VERDICT_SLOWER, "slower")                                                                \
    X(CNN_VERDICT_LOWER, "lower") /* error, loss */                                                \
    X(CNN_VERDICT_HIGHER, "higher")

/** The same of the spread of a and b from run to run. */
#define CNN_VARIANCE_VERDICTS(X)                                                                   \
    X(CNN_VARIANCE_INCONCLUSIVE, "inconclusive")                                                   \
    X(CNN_VARIANCE_SMALLER, "varies_less")                                                         \
    X(CNN_VARIANCE_LARGER, "varies_more")

/** Tests that are corrected together: a family is one of these for one measure, over all
 *  combinations and pairs of levels. X(constant, name of its column without _p) */
#define CNN_TESTS(X)                                                                               \
    X(CNN_TEST_WELCH, welch)                                                                       \
    X(CNN_TEST_PAIRED, paired)                                                                     \
    X(CNN_TEST_SIGN_FLIP, sign_flip)                                                               \
    X(CNN_TEST_WILCOXON, wilcoxon)                                                                 \
    X(CNN_TEST_MANN_WHITNEY, mann_whitney)                                                         \
    X(CNN_TEST_F, f)                                                                               \
    X(CNN_TEST_BROWN_FORSYTHE, brown_forsythe)                                                     \
    X(CNN_TEST_PITMAN_MORGAN, pitman_morgan)                                                       \
    X(CNN_TEST_SPREAD, spread)                                                                     \
    X(CNN_TEST_NORMALITY, normality)                                                               \
    X(CNN_TEST_TOST, tost)                                                                         \
    X(CNN_TEST_DEVICE, device)                                                                     \
    X(CNN_TEST_DEVICE_TOST, device_tost)

/** How two levels stand in a condition that they must share. X(constant, name) */
#define CNN_STANDINGS(X)                                                                           \
    X(CNN_STANDING_EQUAL, "equal")                                                                 \
    X(CNN_STANDING_DECLARED, "declared") /* they differ by the contrast, or the job allows it */   \
    X(CNN_STANDING_UNEQUAL, "unequal")   /* they differ: no verdict on time */

/** Why a block takes no part in paired tests. X(constant, name) */
#define CNN_BLOCK_FLAWS(X)                                                                         \
    X(CNN_BLOCK_WHOLE, "whole")                                                                    \
    X(CNN_BLOCK_INCOMPLETE, "incomplete") /* a run failed, diverged or is missing */               \
    X(CNN_BLOCK_SPLIT, "split")           /* its runs were on several devices */

/** Components of the model, as in stats/mixed/mixed.h; after them comes the residual of each level of the
 *  contrast. X(constant, name) */
#define CNN_COMPONENTS(X)                                                                          \
    X(CNN_COMPONENT_NODE, "node")                                                                  \
    X(CNN_COMPONENT_DEVICE, "device")                     /* within node */                        \
    X(CNN_COMPONENT_DEVICE_CONTRAST, "device_x_contrast") /* device x level of the contrast */     \
    X(CNN_COMPONENT_BLOCK, "block")                       /* within device */                      \
    X(CNN_COMPONENT_RESIDUAL, "residual")                 /* mean over the levels */

/** Units of the scope "devices like these". X(constant, name) */
#define CNN_DEVICE_UNITS(X)                                                                        \
    X(CNN_UNIT_DEVICE, "device")                                                                   \
    X(CNN_UNIT_HOST, "host") /* of several, one of which has several devices */

/** Where a value lies by Tukey's fences of its cell. X(constant, name) */
#define CNN_OUTLIERS(X)                                                                            \
    X(CNN_OUTLIER_NO, "inside")                                                                    \
    X(CNN_OUTLIER_LOW, "below")                                                                    \
    X(CNN_OUTLIER_HIGH, "above")

/** Agreement of the runs of one cell with one seed. X(constant, name) */
#define CNN_SEED_KINDS(X)                                                                          \
    X(CNN_SEED_UNKNOWN, "unknown")     /* fewer than two runs with a checksum */                   \
    X(CNN_SEED_IDENTICAL, "identical") /* one checksum: their times differ by resource noise */    \
    X(CNN_SEED_DIFFERENT, "different") /* several: the software is not deterministic */

/** A measure: one of the above, or a metric of the job, which comes after them. */
typedef struct {
    const char *name, *units, *title; /* borrowed from the results */
    bool is_log;                      /* compared by ratios, block by block */
    bool is_time;                     /* less is faster */
    bool is_of_weights; /* error, loss: equal weights give equal values, on any machine */
    int better;         /* -1: less is better, 1: more is, 0: unknown */
} cnn_measure_info;

#define CNN_FIGURE_CONSTANT(constant, ...) constant,
/** The metrics of a job are measures from CNN_MEASURE_COUNT on. */
typedef enum { CNN_MEASURES(CNN_FIGURE_CONSTANT) CNN_MEASURE_COUNT } cnn_measure;
enum { CNN_MEASURES_MAX = CNN_MEASURE_COUNT + CNN_METRICS_MAX };
typedef enum { CNN_VERDICTS(CNN_FIGURE_CONSTANT) CNN_VERDICT_COUNT } cnn_verdict;
typedef enum {
    CNN_VARIANCE_VERDICTS(CNN_FIGURE_CONSTANT) CNN_VARIANCE_VERDICT_COUNT
} cnn_variance_verdict;
typedef enum { CNN_TESTS(CNN_FIGURE_CONSTANT) CNN_TEST_COUNT } cnn_test_kind;
typedef enum { CNN_STANDINGS(CNN_FIGURE_CONSTANT) CNN_STANDING_COUNT } cnn_standing;
typedef enum { CNN_BLOCK_FLAWS(CNN_FIGURE_CONSTANT) CNN_BLOCK_FLAW_COUNT } cnn_block_flaw;
typedef enum { CNN_COMPONENTS(CNN_FIGURE_CONSTANT) CNN_COMPONENT_LEVELS } cnn_component_kind;
typedef enum { CNN_DEVICE_UNITS(CNN_FIGURE_CONSTANT) CNN_DEVICE_UNIT_COUNT } cnn_device_unit;
typedef enum { CNN_OUTLIERS(CNN_FIGURE_CONSTANT) CNN_OUTLIER_COUNT } cnn_outlier_kind;
typedef enum { CNN_SEED_KINDS(CNN_FIGURE_CONSTANT) CNN_SEED_KIND_COUNT } cnn_seed_kind;

/** Of one cell: runs, warm-up runs not counted. */
#define CNN_CELL_COUNT_COLUMNS(X)                                                                  \
    X(planned, I32, "", "runs planned, warm-up runs not counted; -1 until analysed")               \
    X(done, I32, "", "of them done")                                                               \
    X(failed, I32, "", "of them failed")                                                           \
    X(diverged, I32, "", "of them diverged")                                                       \
    X(missing, I32, "", "of them not ended yet")                                                   \
    X(warm_epochs, I32, "",                                                                        \
      "leading epochs left out of steady_seconds: alike in all cells of a combination")

/** Of one cell and measure, in the measure's units; quantiles are Hyndman and Fan's type 7. */
#define CNN_SUMMARY_COLUMNS(X)                                                                     \
    X(n, I32, "", "runs summarised; -1 until analysed")                                            \
    X(reason, I8, "", "why figures of the row are undefined")                                      \
    X(counted, I32, "", "values that mean and intervals count: runs; error and loss: seeds")       \
    X(mean, F64, "", "mean, in the measure's units")                                               \
    X(mean_lower, F64, "", "t interval of the mean at 1 - alpha, in the measure's units")          \
    X(mean_upper, F64, "", "its upper end")                                                        \
    X(variance, F64, "", "variance (n - 1), in units squared")                                     \
    X(sd, F64, "", "standard deviation, in the measure's units")                                   \
    X(cv, F64, "1", "coefficient of variation: sd / mean")                                         \
    X(median, F64, "", "median, in the measure's units")                                           \
    X(median_lower, F64, "", "exact rank interval of the median, at least 1 - alpha")              \
    X(median_upper, F64, "", "its upper end")                                                      \
    X(median_coverage, F64, "1", "exact coverage of that interval")                                \
    X(q1, F64, "", "lower quartile, in the measure's units")                                       \
    X(q3, F64, "", "upper quartile, in the measure's units")                                       \
    X(p5, F64, "", "5 % quantile, in the measure's units")                                         \
    X(p95, F64, "", "95 % quantile, in the measure's units")                                       \
    X(min, F64, "", "least value, in the measure's units")                                         \
    X(max, F64, "", "greatest value, in the measure's units")                                      \
    X(fence_lower, F64, "", "Tukey's fence: q1 - 1.5 (q3 - q1)")                                   \
    X(fence_upper, F64, "", "Tukey's fence: q3 + 1.5 (q3 - q1)")                                   \
    X(outliers, I32, "", "values outside the fences; they stay in every figure")                   \
    X(trend_rho, F64, "1", "Spearman's correlation of value and start time")                       \
    X(trend_p, F64, "1", "its two-sided p value")                                                  \
    X(autocorrelation, F64, "1", "lag-1 autocorrelation along each device's order, pooled")        \
    X(autocorrelation_expected, F64, "1",                                                          \
      "its expectation without memory: below 0, as means are subtracted")                          \
    X(autocorrelation_p, F64, "1", "p value of it under all orders within the devices")            \
    X(autocorrelation_pairs, I32, "", "pairs of successive runs on a device that it is made of")

/** Which levels a comparison compares. */
#define CNN_PAIR_COLUMNS(X)                                                                        \
    X(combination, I32, "", "combination within which two levels are compared; -1 until analysed") \
    X(a, I32, "", "level a of the contrast")                                                       \
    X(b, I32, "", "level b of the contrast")

/** Of one pair of levels in one combination: CNN_STANDINGS of each condition, by the blocks of which
 *  both runs are done, on one device, and report it; -1: there is none. */
#define CNN_CONDITION_COLUMNS(X)                                                                   \
    X(parameters, I8, "", "whether a and b have the same number of parameters")                    \
    X(train_images, I8, "", "whether a and b have the same number of training images")             \
    X(test_images, I8, "", "whether a and b have the same number of test images")                  \
    X(epochs_done, I8, "", "whether a and b have done the same number of epochs")                  \
    X(data_checksum, I8, "", "whether a and b have had the same data")                             \
    X(threads, I8, "", "whether a and b have had the same number of CPU threads")

/** Of one pair of levels in one combination, and measure: a against b. p values are two-sided,
 *  *_p_holm: adjusted by Holm within the family. Paired figures rest on the whole blocks: both runs
 *  done and on one device. */
#define CNN_COMPARISON_COLUMNS(X)                                                                    \
    X(verdict, I8, "", "verdict on a against b")                                                     \
    X(verdict_reason, I8, "", "reason of an inconclusive verdict")                                   \
    X(variance_verdict, I8, "", "whether a varies more than b from run to run, by spread_p_holm")    \
    X(variance_reason, I8, "", "reason of an inconclusive verdict on the variances")                 \
    X(n_a, I32, "", "runs of a; error and loss: their seeds")                                        \
    X(n_b, I32, "", "runs of b; error and loss: their seeds")                                        \
    X(blocks, I32, "", "whole blocks: both runs done, on one device")                                \
    X(units, I32, "",                                                                                \
      "independent pairs in the paired figures: whole blocks; error and loss: their seeds")          \
    X(resolution, F64, "1",                                                                          \
      "of a test error: 1 / test images; TOST takes the sd of differences to be at least that")      \
    X(same_weights, I8, "", "1: a and b ended in the same weights in every whole block")             \
    X(blocks_incomplete, I32, "", "blocks left out of them: a run is not done, or has no value")     \
    X(blocks_split, I32, "", "blocks left out of them: runs on two devices")                         \
    X(position_adjusted, I8, "",                                                                     \
      "whether paired figures are free of the position within the block")                            \
    X(position_reason, I8, "", "why they are not")                                                   \
    X(difference, F64, "", "mean of a minus mean of b, in the measure's units")                      \
    X(difference_lower, F64, "", "Welch's interval of it at 1 - alpha")                              \
    X(difference_upper, F64, "", "its upper end")                                                    \
    X(ratio, F64, "1", "geometric mean of a over that of b; error and loss: ratio of means")         \
    X(ratio_lower, F64, "1", "Welch's interval of it, from log time, at 1 - alpha")                  \
    X(ratio_upper, F64, "1", "its upper end")                                                        \
    X(study_t, F64, "1", "the study's t of the measure itself, judged against 1.96 there")           \
    X(welch_t, F64, "1", "Welch's t, on the analysed scale")                                         \
    X(welch_df, F64, "1", "its degrees of freedom")                                                  \
    X(welch_p, F64, "1", "its p value")                                                              \
    X(welch_p_holm, F64, "1", "the same, adjusted by Holm")                                          \
    X(paired_difference, F64, "", "mean of a - b in the blocks, in the measure's units")             \
    X(paired_difference_lower, F64, "", "t interval of it at 1 - alpha")                             \
    X(paired_difference_upper, F64, "", "its upper end")                                             \
    X(paired_mean, F64, "", "mean of a - b in the blocks, on the analysed scale")                    \
    X(paired_sd, F64, "",                                                                            \
      "standard deviation of a - b in the blocks; adjusted: of the residuals, paired_df degrees of " \
      "freedom")                                                                                     \
    X(paired_lower, F64, "", "t interval of the mean at 1 - alpha")                                  \
    X(paired_upper, F64, "", "its upper end")                                                        \
    X(paired_ratio, F64, "1", "geometric mean of the ratio a / b in the blocks; times only")         \
    X(paired_ratio_lower, F64, "1", "t interval of it at 1 - alpha")                                 \
    X(paired_ratio_upper, F64, "1", "its upper end")                                                 \
    X(paired_t, F64, "1", "paired t")                                                                \
    X(paired_df, F64, "1",                                                                           \
      "its degrees of freedom: units - 1, less those of the positions where adjusted")               \
    X(paired_p, F64, "1", "its p value; that of sign flips where all differences are the same")      \
    X(paired_p_holm, F64, "1", "the same, adjusted by Holm")                                         \
    X(sign_flip_p, F64, "1",                                                                         \
      "p value of the sign-flip permutation test on the blocks; adjusted: of all orders that the "   \
      "blocks may have had (two levels, up to 20 blocks), or of residuals")                          \
    X(sign_flip_exact, I8, "", "how it was found")                                                   \
    X(sign_flip_p_holm, F64, "1", "the same, adjusted by Holm")                                      \
    X(wilcoxon_v, F64, "1",                                                                          \
      "Wilcoxon's signed rank sum on the blocks; adjusted: rank sum over the two orders, or signed " \
      "ranks of residuals")                                                                          \
    X(wilcoxon_p, F64, "1", "its p value")                                                           \
    X(wilcoxon_exact, I8, "", "how it was found")                                                    \
    X(wilcoxon_p_holm, F64, "1", "the same, adjusted by Holm")                                       \
    X(normality_w, F64, "1", "Shapiro and Wilk's W of the residuals of the paired differences")      \
    X(normality_p, F64, "1", "its p value; from 8 units on")                                         \
    X(normality_p_holm, F64, "1", "the same, adjusted by Holm")                                      \
    X(mann_whitney_u, F64, "1", "Mann and Whitney's U of a")                                         \
    X(mann_whitney_p, F64, "1", "its p value")                                                       \
    X(mann_whitney_exact, I8, "", "how it was found")                                                \
    X(mann_whitney_p_holm, F64, "1", "the same, adjusted by Holm")                                   \
    X(variance_ratio, F64, "1", "variance of a over that of b, on the analysed scale: F")            \
    X(variance_ratio_lower, F64, "1", "interval of it at 1 - alpha, for independent runs")           \
    X(variance_ratio_upper, F64, "1", "its upper end")                                               \
    X(f_p, F64, "1", "p value of the F test")                                                        \
    X(f_p_holm, F64, "1", "the same, adjusted by Holm")                                              \
    X(brown_forsythe_f, F64, "1", "Brown and Forsythe's F of the spreads around the medians")        \
    X(brown_forsythe_p, F64, "1", "its p value")                                                     \
    X(brown_forsythe_p_holm, F64, "1", "the same, adjusted by Holm")                                 \
    X(paired_variance_ratio, F64, "1", "variance of a over that of b in the blocks")                 \
    X(paired_variance_ratio_lower, F64, "1", "Pitman and Morgan's interval of it at 1 - alpha")      \
    X(paired_variance_ratio_upper, F64, "1", "its upper end")                                        \
    X(pitman_morgan_t, F64, "1", "Pitman and Morgan's t of the variances in the blocks")             \
    X(pitman_morgan_df, F64, "1", "its degrees of freedom: units - 2")                               \
    X(pitman_morgan_p, F64, "1", "its p value")                                                      \
    X(pitman_morgan_p_holm, F64, "1", "the same, adjusted by Holm")                                  \
    X(spread_across, I8, "", "what the spread from run to run is of")                                \
    X(spread_ratio, F64, "1",                                                                        \
      "spread of a over that of b from run to run, as of standard deviations, on the analysed "      \
      "scale")                                                                                       \
    X(spread_lower, F64, "1", "interval of it at 1 - alpha: the ratios that the test accepts")       \
    X(spread_upper, F64, "1", "its upper end")                                                       \
    X(spread_t, F64, "1", "t of the test of equal spread")                                           \
    X(spread_df, F64, "1", "its degrees of freedom")                                                 \
    X(spread_p, F64, "1", "its p value")                                                             \
    X(spread_p_holm, F64, "1", "the same, adjusted by Holm")                                         \
    X(hedges_g, F64, "1", "Hedges' g, on the analysed scale")                                        \
    X(hedges_g_lower, F64, "1", "interval of it at 1 - alpha")                                       \
    X(hedges_g_upper, F64, "1", "its upper end")                                                     \
    X(superiority, F64, "1", "P(A > B): share of pairs of runs with a above b, ties halved")         \
    X(superiority_lower, F64, "1", "interval of it at 1 - alpha")                                    \
    X(superiority_upper, F64, "1", "its upper end")                                                  \
    X(margin, F64, "", "margin of equivalence on the analysed scale: log(1 + margin) of time")       \
    X(tost_lower, F64, "",                                                                           \
      "interval of the paired mean at 1 - 2 alpha: inside the margin if equivalent")                 \
    X(tost_upper, F64, "", "its upper end")                                                          \
    X(tost_p, F64, "1", "p value of the two one-sided paired t tests")                               \
    X(tost_p_holm, F64, "1", "the same, adjusted by Holm")                                           \
    X(device_units, I32, "",                                                                         \
      "units of the scope \"devices like these\": devices, or hosts; times only")                    \
    X(device_unit, I8, "", "what they are")                                                          \
    X(device_hosts, I32, "", "hosts that these devices are in")                                      \
    X(device_mean, F64, "", "unweighted mean of their mean differences a - b, analysed scale")       \
    X(device_lower, F64, "", "t interval of it at 1 - alpha")                                        \
    X(device_upper, F64, "", "its upper end")                                                        \
    X(device_p, F64, "1", "p value of that t test; from 4 units on")                                 \
    X(device_p_holm, F64, "1", "the same, adjusted by Holm")                                         \
    X(device_tost_p, F64, "1", "p value of the two one-sided t tests of the units' means")           \
    X(device_tost_p_holm, F64, "1", "the same, adjusted by Holm")                                    \
    X(device_verdict, I8, "", "a against b for devices like these")                                  \
    X(device_reason, I8, "", "reason of an inconclusive verdict for devices like these")             \
    X(detectable, F64, "",                                                                           \
      "smallest paired mean, on the analysed scale, that so many blocks find with power 0.8 at "     \
      "alpha / size of the family, the sd at its 80 % upper confidence bound")                       \
    X(blocks_needed, I32, "",                                                                        \
      "blocks that find a difference as large as the margin with power 0.8 at alpha / size of "      \
      "the family; -1 unknown")                                                                      \
    X(blocks_equivalence, I32, "",                                                                   \
      "blocks for which TOST concludes with power 0.8 if there is no difference; -1 unknown")        \
    X(blocking_gain, F64, "1",                                                                       \
      "what blocking bought: variance of the unpaired difference over that of the paired one, on "   \
      "the same blocks")

/** Gain of blocking over all comparisons of a measure: variances pooled by degrees of freedom.
 */
#define CNN_BLOCKING_COLUMNS(X)                                                                    \
    X(comparisons, I32, "", "comparisons pooled: those of at least two whole blocks")              \
    X(blocks, I32, "", "their whole blocks")                                                       \
    X(unpaired_variance, F64, "",                                                                  \
      "variance of a difference of two runs, were they not of a block")                            \
    X(paired_variance, F64, "", "variance of the difference within a block")                       \
    X(gain, F64, "1", "what blocking bought over all comparisons: unpaired over paired variance")  \
    X(removed, F64, "1", "share of the noise that blocking removed: 1 - 1 / gain; may be negative")

/** Of one combination, measure and position within the block, as many as levels of the contrast:
 *  times whose plan tells positions from levels. */
#define CNN_POSITION_COLUMNS(X)                                                                    \
    X(effect, F64, "",                                                                             \
      "what a position in the block adds against the first, on the analysed scale; by position")   \
    X(lower, F64, "", "t interval of it at 1 - alpha")                                             \
    X(upper, F64, "", "its upper end")                                                             \
    X(df, I32, "", "its degrees of freedom")

/** Of one combination and measure: the model that the components come from; training time, time of a
 *  steady epoch and test error have one. */
#define CNN_MODEL_COLUMNS(X)                                                                       \
    X(reason, I8, "", "why there is no model, or how far it can be trusted")                       \
    X(runs, I32, "", "runs in the model; -1 until analysed")                                       \
    X(nodes, I32, "", "nodes that they were on")                                                   \
    X(devices, I32, "", "devices that they were on")                                               \
    X(blocks, I32, "", "blocks that they were in")                                                 \
    X(total_variance, F64, "",                                                                     \
      "variance of a run, on the analysed scale: the sum of the components")                       \
    X(residual_lrt, F64, "1",                                                                      \
      "likelihood ratio (REML) against one residual variance for all levels")                      \
    X(residual_p, F64, "1", "its p value by chi-square(levels - 1)")                               \
    X(log_likelihood, F64, "1", "restricted log likelihood")

/** Of one combination, measure and level of the contrast: the fixed effect. */
#define CNN_FIXED_COLUMNS(X)                                                                       \
    X(mean, F64, "", "mean of the level by the model, on the analysed scale")                      \
    X(se, F64, "", "its standard error")                                                           \
    X(effect, F64, "", "mean of the level minus that of level 0")                                  \
    X(effect_se, F64, "", "its standard error")

/** Of one combination, measure and component: those of CNN_COMPONENTS, and the residual of each
 *  level. */
#define CNN_COMPONENT_COLUMNS(X)                                                                   \
    X(reason, I8, "", "why the design cannot identify the component")                              \
    X(variance, F64, "", "REML estimate, on the analysed scale")                                   \
    X(sd, F64, "", "its root: of log time, so about a share of the time")                          \
    X(share, F64, "1",                                                                             \
      "share of the variance of a run; a level's residual: of a run of that level")                \
    X(sd_lower, F64, "", "profile likelihood interval of the sd (ML) at 1 - alpha")                \
    X(sd_upper, F64, "", "its upper end")                                                          \
    X(at_zero, I8, "", "whether the estimate lies on the boundary")                                \
    X(lrt, F64, "1", "likelihood ratio (REML) against the model without it")                       \
    X(lrt_p, F64, "1", "its p value by the half-chi-square mixture; none for residuals")           \
    X(lrt_p_holm, F64, "1", "the same, adjusted by Holm over the components of all combinations")

/** Of one cell and seed that the plan gives to several runs. */
#define CNN_SEED_GROUP_COLUMNS(X)                                                                  \
    X(cell, I32, "", "cell; -1 until analysed")                                                    \
    X(number, I64, "", "the seed")                                                                 \
    X(kind, I8, "", "whether the final weights agree")                                             \
    X(runs, I32, "", "runs done with it")                                                          \
    X(devices, I32, "", "devices that they were on")                                               \
    X(checksums, I32, "", "different checksums of the final weights")                              \
    X(time_mean, F64, "s", "mean training time")                                                   \
    X(time_sd, F64, "s", "its standard deviation; identical weights: resource noise")              \
    X(time_cv, F64, "1", "sd / mean")                                                              \
    X(error_min, F64, "1", "least test error")                                                     \
    X(error_max, F64, "1", "greatest test error; above the least: the software's nondeterminism")

/** Of one cell, over its seeds that several runs share. */
#define CNN_CELL_SEEDS_COLUMNS(X)                                                                  \
    X(groups, I32, "", "seeds with at least two runs whose checksum is known")                     \
    X(identical, I32, "", "of them with one checksum: bit-for-bit the same training")              \
    X(different, I32, "", "of them with several: the software's nondeterminism")                   \
    X(noise_df, I32, "", "runs with equal seed and checksum, less one for each such set")          \
    X(noise_sd, F64, "1",                                                                          \
      "resource noise: sd of log time among runs with equal seed and checksum")                    \
    X(error_sd, F64, "1", "software's nondeterminism: sd of test error among runs of one seed")

/** How far conclusions reach: what the runs that are done were on. */
#define CNN_SCOPE_COLUMNS(X)                                                                       \
    X(nodes, I32, "", "nodes that the analysed runs were on; -1 until analysed")                   \
    X(devices, I32, "", "devices that they were on: conclusions hold for these")                   \
    X(sessions, I32, "", "invocations of cnnmpi that they are of")                                 \
    X(runs, I32, "", "runs analysed: done, warm-up runs not counted")

#define CNN_FIGURE(member, type, units, long_name) CNN_MEMBER_##type(member)
/* clang-format off */
typedef struct { CNN_CELL_COUNT_COLUMNS(CNN_FIGURE) } cnn_cell_count;
typedef struct { CNN_SUMMARY_COLUMNS(CNN_FIGURE) } cnn_summary;
typedef struct { CNN_PAIR_COLUMNS(CNN_FIGURE) } cnn_pair;
typedef struct { CNN_CONDITION_COLUMNS(CNN_FIGURE) } cnn_conditions;
typedef struct { CNN_COMPARISON_COLUMNS(CNN_FIGURE) } cnn_comparison;
typedef struct { CNN_BLOCKING_COLUMNS(CNN_FIGURE) } cnn_blocking;
typedef struct { CNN_POSITION_COLUMNS(CNN_FIGURE) } cnn_position_effect;
typedef struct { CNN_MODEL_COLUMNS(CNN_FIGURE) } cnn_model_row;
typedef struct { CNN_FIXED_COLUMNS(CNN_FIGURE) } cnn_fixed;
typedef struct { CNN_COMPONENT_COLUMNS(CNN_FIGURE) } cnn_component;
typedef struct { CNN_SEED_GROUP_COLUMNS(CNN_FIGURE) } cnn_seed_group;
typedef struct { CNN_CELL_SEEDS_COLUMNS(CNN_FIGURE) } cnn_cell_seeds;
typedef struct { CNN_SCOPE_COLUMNS(CNN_FIGURE) } cnn_scope;
/* clang-format on */

cnn_measure_info cnn_measure_built_in(cnn_measure measure);
/** The measures of a file into out [CNN_MEASURES_MAX], which borrows its texts; returns how many. */
int cnn_measures_of(const cnn_results *results, cnn_measure_info *out);
/** Names of the constants, in their order, NULL-terminated: flag_meanings of the file, CSV. */
extern const char *const cnn_measure_names[];
extern const char *const cnn_verdict_names[];
extern const char *const cnn_variance_verdict_names[];
extern const char *const cnn_test_names[];
extern const char *const cnn_standing_names[];
extern const char *const cnn_block_flaw_names[];
extern const char *const cnn_component_names[]; /* the residuals of the levels left out */
extern const char *const cnn_device_unit_names[];
extern const char *const cnn_outlier_names[];
extern const char *const cnn_seed_kind_names[];
extern const char *const cnn_exactness_names[];  /* "approximate", "exact": columns *_exact */
extern const char *const cnn_boundary_names[];   /* "inside", "at_zero": the column at_zero */
extern const char *const cnn_adjustment_names[]; /* the column position_adjusted */
extern const char *const cnn_spread_names[];     /* "on_a_device", "across_devices" */

/** Texts of the constants. */
extern const char *const cnn_measure_units[];  /* [CNN_MEASURE_COUNT] "s", "1", "nat" */
extern const char *const cnn_measure_titles[]; /* [CNN_MEASURE_COUNT] "Training time" */
extern const int8_t cnn_measure_is_log[];      /* [CNN_MEASURE_COUNT] 1: analysed as log */

/** Rows with everything undefined. */
cnn_cell_count cnn_cell_count_unknown(void);
cnn_summary cnn_summary_unknown(void);
cnn_pair cnn_pair_unknown(void);
cnn_conditions cnn_conditions_unknown(void);
cnn_comparison cnn_comparison_unknown(void);
cnn_blocking cnn_blocking_unknown(void);
cnn_position_effect cnn_position_effect_unknown(void);
cnn_model_row cnn_model_row_unknown(void);
cnn_fixed cnn_fixed_unknown(void);
cnn_component cnn_component_unknown(void);
cnn_seed_group cnn_seed_group_unknown(void);
cnn_cell_seeds cnn_cell_seeds_unknown(void);

#endif
