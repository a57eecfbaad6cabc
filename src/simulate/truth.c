/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/truth.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/** Above any standard deviation of log time, and any effect, that makes sense. */
#define MOST 10

#define REAL(name, member, least, most)                                                            \
    {                                                                                              \
        .key = name, .kind = CNN_FIELD_REAL, .offset = offsetof(cnn_truth, member), .min = least,  \
        .max = most                                                                                \
    }
#define COMPONENTS(measure, most)                                                                  \
    REAL("node", measure.sd.node, 0, most), REAL("device", measure.sd.device, 0, most),            \
        REAL("device_framework", measure.sd.device_framework, 0, most),                            \
        REAL("block", measure.sd.block, 0, most), REAL("residual", measure.sd.residual, 0, most),  \
    {                                                                                              \
        .key = "df", .kind = CNN_FIELD_REAL, .offset = offsetof(cnn_truth, measure.sd.df),         \
        .min = 2.01, .max = 1e6, .word = "normal", .word_value = 0                                 \
    }

static const cnn_field time_fields[] = {
    REAL("run", time.run, 1e-6, 1e9),
    REAL("epoch", time.epoch, 1e-6, 1e9),
    REAL("ratio", time.ratio, 0.001, 1000),
    REAL("drift", time.drift, -1, 1),
    COMPONENTS(time, MOST),
    REAL("outlier_probability", time.outlier_probability, 0, 1),
    REAL("outlier_factor", time.outlier_factor, 0.001, 1000),
    {0},
};

static const cnn_field error_fields[] = {
    REAL("mean", error.mean, 0, 1),
    REAL("effect", error.effect, -1, 1),
    COMPONENTS(error, 1),
    REAL("seed", error.sd.seed, 0, 1),
    {0},
};

#define REPORTED(name, least)                                                                      \
    {                                                                                              \
        .key = #name, .kind = CNN_FIELD_INT, .offset = offsetof(cnn_truth, reports.name),          \
        .min = least, .max = INT_MAX                                                               \
    }

static const cnn_field reports_fields[] = {
    REPORTED(parameters, 0),
    REPORTED(train_images, 0),
    REPORTED(test_images, 0),
    REPORTED(threads, 1),
    {0},
};

/** The truth, and what is read by a table or function of its own. */
typedef struct {
    cnn_truth truth; /* first: its fields' offsets hold here as well */
    struct fy_node *time, *error, *sleep, *reports;
} reading;

#define NODE(name)  .key = #name, .kind = CNN_FIELD_NODE, .offset = offsetof(reading, name)
#define WHOLE(name) .key = #name, .kind = CNN_FIELD_INT, .offset = offsetof(cnn_truth, name)

static const cnn_field fields[] = {
    {NODE(time), .required = true},
    {NODE(error)},
    REAL("failures", failures, 0, 1),
    REAL("hangs", hangs, 0, 1),
    REAL("divergence", divergence, 0, 1),
    REAL("nondeterminism", nondeterminism, 0, 1),
    {WHOLE(devices_per_node), .min = 1, .max = 1024},
    {WHOLE(machine_seed), .min = 0, .max = INT_MAX},
    {NODE(sleep)},
    {NODE(reports)},
    {0},
};

static const cnn_field sleep_field = {.key = "sleep",
                                      .kind = CNN_FIELD_REAL,
                                      .offset = offsetof(cnn_truth, sleep),
                                      .min = 0,
                                      .max = 1000,
                                      .word = "true",
                                      .word_value = 1};

cnn_truth cnn_truth_defaults(void)
{
    return (cnn_truth){
        .time = {.run = 1, .ratio = 1, .outlier_factor = 1},
        .error = {.mean = 0.1},
        .machine_seed = -1,
    };
}

/** The seconds of a run or those of an epoch, and not both. */
static void read_time(cnn_yaml *y, struct fy_node *node, cnn_truth *out)
{
    cnn_yaml_fields(y, node, "time", time_fields, out);
    if (!fy_node_is_mapping(node))
        return;
    const bool run = cnn_yaml_lookup(node, "run"), epoch = cnn_yaml_lookup(node, "epoch");
    if (run && epoch)
        cnn_yaml_error(y, cnn_yaml_key(node, "epoch"),
                       "'epoch' stands beside 'run'; state the seconds of one of them");
    else if (!run && !epoch)
        cnn_yaml_error(y, node, "'run' is missing in time: the seconds of a run; or state 'epoch'");
    if (epoch)
        out->time.run = 0;
}

/** true, false, or how many real seconds a simulated one takes. */
static void read_sleep(cnn_yaml *y, struct fy_node *node, cnn_truth *out)
{
    const char *text = cnn_yaml_scalar(node);
    if (text && strcmp(text, "false") == 0)
        out->sleep = 0;
    else
        cnn_yaml_field(y, node, &sleep_field, out);
}

void cnn_truth_read(cnn_yaml *y, struct fy_node *node, cnn_truth *out)
{
    reading r = {.truth = cnn_truth_defaults()};
    cnn_yaml_fields(y, node, "simulate", fields, &r);
    if (r.time)
        read_time(y, r.time, &r.truth);
    if (r.error)
        cnn_yaml_fields(y, r.error, "error", error_fields, &r.truth);
    if (r.sleep)
        read_sleep(y, r.sleep, &r.truth);
    if (r.reports)
        cnn_yaml_fields(y, r.reports, "reports", reports_fields, &r.truth);
    *out = r.truth;
}

void cnn_truth_write_json(const cnn_truth *t, cnn_text *out)
{
    const reading r = {.truth = *t};
    cnn_text_append(out, "{\"time\":{");
    cnn_fields_write_json(time_fields, 0, t, out);
    cnn_text_append(out, "},\"error\":{");
    cnn_fields_write_json(error_fields, 0, t, out);
    cnn_text_append(out, "},");
    cnn_fields_write_json(fields, 0, &r, out);
    cnn_text_append(out, ",\"sleep\":");
    cnn_fields_write_value(&sleep_field, t, out);
    cnn_text_append(out, ",\"reports\":{");
    cnn_fields_write_json(reports_fields, 0, t, out);
    cnn_text_append(out, "}}");
}
