/* SPDX-License-Identifier: Apache-2.0 */
/** metric: numbers that trainers report beside those of the run protocol. */
#include "base/printable.h"
#include "job/internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const compare_names[] = {"ratio", "difference", NULL};
static const char *const better_names[] = {"lower", "higher", NULL};

typedef struct {
    char *unit;
    int compare, better;
    double margin;
} keys;

static const cnn_field fields[] = {
    {.key = "unit", .kind = CNN_FIELD_STRING, .offset = offsetof(keys, unit)},
    {.key = "compare",
     .kind = CNN_FIELD_ENUM,
     .offset = offsetof(keys, compare),
     .names = compare_names},
    {.key = "margin",
     .kind = CNN_FIELD_REAL,
     .offset = offsetof(keys, margin),
     .min = DBL_MIN,
     .max = 1e300},
    {.key = "better",
     .kind = CNN_FIELD_ENUM,
     .offset = offsetof(keys, better),
     .names = better_names},
    {0},
};

/* Names that mean something else in events, or are measures already. */
static const char *const taken[] = {"event",
                                    "setup_seconds",
                                    "parameters",
                                    "train_images",
                                    "test_images",
                                    "backend",
                                    "versions",
                                    "device",
                                    "threads",
                                    "data_checksum",
                                    "epoch",
                                    "seconds",
                                    "train_loss",
                                    "test_loss",
                                    "test_error",
                                    "diverged",
                                    "checksum",
                                    "evaluation_seconds",
                                    "train_seconds",
                                    "total_seconds",
                                    "message",
                                    "algorithms",
                                    "timings",
                                    "step_seconds",
                                    "seconds_per_epoch",
                                    "steady_seconds"};

static bool is_name(const char *s)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *s && strchr(first, *s) && strlen(s) == strspn(s, rest) &&
           strlen(s) < CNN_JOB_METRIC_ROOM;
}

static bool check_name(cnn_job_reader *r, struct fy_node *key, const char *name)
{
    if (!is_name(name)) {
        cnn_yaml_error(
            r->y, key,
            "a metric's name has letters, digits and '_', at most %d of them, and begins "
            "with a letter",
            CNN_JOB_METRIC_ROOM - 1);
        return false;
    }
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(taken[i], name) == 0) {
            cnn_yaml_error(r->y, key, "'%s' is a member of the run protocol's own", name);
            return false;
        }
    return true;
}

static void read_metric(cnn_job_reader *r, struct fy_node *key, struct fy_node *value)
{
    const char *name = cnn_yaml_scalar(key);
    keys k = {.margin = NAN};
    cnn_job_metric *metric = &r->job->metrics[r->job->metric_count];
    if (!name || !check_name(r, key, name))
        return;
    cnn_yaml_fields(r->y, value, "a metric", fields, &k);
    if (k.unit && (strlen(k.unit) >= sizeof metric->units || !cnn_is_printable(k.unit) ||
                   strchr(k.unit, ',')))
        cnn_yaml_error(r->y, cnn_yaml_lookup(value, "unit"),
                       "'unit' must be printable text of at most %zu bytes without a comma",
                       sizeof metric->units - 1);
    if (k.compare == CNN_COMPARE_RATIO && k.margin > 1)
        cnn_yaml_error(r->y, cnn_yaml_lookup(value, "margin"),
                       "the margin of a ratio is a share of it, at most 1");
    cnn_copy_string(metric->name, sizeof metric->name, name);
    cnn_copy_string(metric->units, sizeof metric->units, k.unit ? k.unit : "");
    metric->compare = k.compare;
    metric->margin = k.margin;
    metric->better = k.better ? 1 : -1;
    r->job->metric_count++;
    free(k.unit);
}

/** A measure's name; an unknown one is reported with the names that there are. */
static void read_primary(cnn_job_reader *r, struct fy_node *node)
{
    const char *names[8 + CNN_JOB_METRICS_MAX + 1] = {NULL};
    int n = 0;
    while (cnn_job_measure_names[n]) {
        names[n] = cnn_job_measure_names[n];
        n++;
    }
    for (int i = 0; i < r->job->metric_count; i++)
        names[n++] = r->job->metrics[i].name;
    const cnn_field field = {.key = "primary", .kind = CNN_FIELD_ENUM, .names = names};
    cnn_yaml_field(r->y, node, &field, &r->job->analysis.primary);
}

void cnn_job_read_metrics(cnn_job_reader *r, struct fy_node *table, struct fy_node *primary)
{
    void *iter = NULL;
    const int count = table && fy_node_is_mapping(table) ? fy_node_mapping_item_count(table) : 0;
    if (table && !fy_node_is_mapping(table))
        cnn_yaml_error(r->y, table,
                       "metric must be a mapping of names, as in metric: {images_per_second: "
                       "{unit: images/s, better: higher}}");
    else if (count > CNN_JOB_METRICS_MAX)
        cnn_yaml_error(r->y, table, "at most %d metrics are possible", CNN_JOB_METRICS_MAX);
    else
        for (struct fy_node_pair *pair; table && (pair = fy_node_mapping_iterate(table, &iter));)
            read_metric(r, fy_node_pair_key(pair), fy_node_pair_value(pair));
    if (primary)
        read_primary(r, primary);
}
