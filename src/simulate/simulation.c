/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate/simulation.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/** Numbers as base reads them, and the truth's node. */
typedef struct {
    cnn_simulation simulation; /* first: its strings' offsets hold here as well */
    int job_seed;
    struct fy_node *truth;
} reading;

#define STRING(name)                                                                               \
    {                                                                                              \
        .key = #name, .kind = CNN_FIELD_STRING, .offset = offsetof(cnn_simulation, name),          \
        .required = true                                                                           \
    }
#define COUNT(name)                                                                                \
    {                                                                                              \
        .key = #name, .kind = CNN_FIELD_INT, .offset = offsetof(cnn_simulation, name),             \
        .required = true, .min = 0, .max = INT_MAX                                                 \
    }

static const cnn_field fields[] = {
    {.key = "truth", .kind = CNN_FIELD_NODE, .offset = offsetof(reading, truth), .required = true},
    {.key = "job_seed",
     .kind = CNN_FIELD_INT,
     .offset = offsetof(reading, job_seed),
     .required = true,
     .min = 0,
     .max = INT_MAX},
    STRING(cell),
    STRING(node),
    STRING(device),
    COUNT(block),
    COUNT(order),
    COUNT(attempt),
    {0},
};

void cnn_simulated_names(int devices_per_node, int rank, char node[CNN_SIMULATED_NAME],
                         char device[CNN_SIMULATED_NAME])
{
    snprintf(node, CNN_SIMULATED_NAME, "simulated node %d", rank / devices_per_node);
    snprintf(device, CNN_SIMULATED_NAME, "%.40s, device %d", node, rank % devices_per_node);
}

void cnn_simulation_read(cnn_yaml *y, struct fy_node *node, cnn_simulation *out)
{
    reading r = {.simulation.truth = cnn_truth_defaults()};
    cnn_yaml_fields(y, node, "simulate", fields, &r);
    if (r.truth)
        cnn_truth_read(y, r.truth, &r.simulation.truth);
    r.simulation.job_seed = (uint32_t)r.job_seed;
    *out = r.simulation;
}

void cnn_simulation_write_json(const cnn_simulation *s, cnn_text *out)
{
    const reading r = {.simulation = *s, .job_seed = (int)s->job_seed};
    cnn_text_append(out, "{\"truth\":");
    cnn_truth_write_json(&s->truth, out);
    cnn_text_append(out, ",");
    cnn_fields_write_json(fields, 0, &r, out);
    cnn_text_append(out, "}");
}

void cnn_simulation_free(cnn_simulation *s)
{
    free(s->cell);
    free(s->node);
    free(s->device);
    *s = (cnn_simulation){0};
}
