/* SPDX-License-Identifier: Apache-2.0 */
#include "results/record.h"

#include <math.h>
#include <stddef.h>

#define NAME(constant, text) text,
const char *const cnn_run_status_names[] = {CNN_RUN_STATUSES(NAME) NULL};
const char *const cnn_outcome_names[] = {CNN_OUTCOMES(NAME) NULL};
const char *const cnn_memory_source_names[] = {CNN_MEMORY_SOURCES(NAME) NULL};

/* Texts are empty already: the rows start as zero. */
#define UNKNOWN_I8(m)  row.m = -1;
#define UNKNOWN_I32(m) row.m = -1;
#define UNKNOWN_I64(m) row.m = -1;
#define UNKNOWN_F64(m) row.m = NAN;
#define UNKNOWN_T16(m)
#define UNKNOWN_T32(m)
#define UNKNOWN_T64(m)
#define UNKNOWN_T96(m)
#define UNKNOWN_T128(m)
#define UNKNOWN_T512(m)
#define UNKNOWN(member, type, units, long_name) UNKNOWN_##type(member)

cnn_measured cnn_measured_unknown(void)
{
    cnn_measured row = {0};
    CNN_MEASURED_COLUMNS(UNKNOWN)
    return row;
}

cnn_epoch_row cnn_epoch_row_unknown(void)
{
    cnn_epoch_row row = {0};
    CNN_EPOCH_COLUMNS(UNKNOWN)
    return row;
}

cnn_attempt cnn_attempt_unknown(void)
{
    cnn_attempt row = {0};
    CNN_ATTEMPT_COLUMNS(UNKNOWN)
    row.attempt_outcome = CNN_OUTCOME_NONE; /* a flag: -1 has no meaning in the file */
    return row;
}

static const size_t metric_offsets[CNN_METRICS_MAX] = {
    offsetof(cnn_measured, metric_1), offsetof(cnn_measured, metric_2),
    offsetof(cnn_measured, metric_3), offsetof(cnn_measured, metric_4),
    offsetof(cnn_measured, metric_5), offsetof(cnn_measured, metric_6),
    offsetof(cnn_measured, metric_7), offsetof(cnn_measured, metric_8)};

double cnn_measured_metric(const cnn_measured *row, int metric)
{
    return *(const double *)((const char *)row + metric_offsets[metric]);
}

void cnn_measured_set_metric(cnn_measured *row, int metric, double value)
{
    *(double *)((char *)row + metric_offsets[metric]) = value;
}
