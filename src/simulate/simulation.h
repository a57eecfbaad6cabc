/* SPDX-License-Identifier: Apache-2.0 */
/** The member `simulate` of a simulated run's specification. */
#ifndef CNN_SIMULATE_SIMULATION_H
#define CNN_SIMULATE_SIMULATION_H

#include "simulate/truth.h"

#include <stdint.h>

enum { CNN_SIMULATED_NAME = 64 /* bytes of a node's or device's name */ };

typedef struct {
    cnn_truth truth;
    uint32_t job_seed;
    char *cell; /* labels of the levels of all factors: "sim_a / arch1 / mnist" */
    char *node; /* names; the device's within its node */
    char *device;
    int block;   /* of the plan */
    int order;   /* place of the run among those of its device, from 0 */
    int attempt; /* of the run, from 0 */
} cnn_simulation;

/** Names on the virtual cluster of a truth's devices_per_node: of the node and the device that a
 *  rank stands for. */
void cnn_simulated_names(int devices_per_node, int rank, char node[CNN_SIMULATED_NAME],
                         char device[CNN_SIMULATED_NAME]);

/** Reads the mapping into *out; errors go into y. Strings are owned by *out;
 *  cnn_simulation_free. */
void cnn_simulation_read(cnn_yaml *y, struct fy_node *node, cnn_simulation *out);
/** Appends the JSON object that cnn_simulation_read reads back unchanged. */
void cnn_simulation_write_json(const cnn_simulation *simulation, cnn_text *out);
void cnn_simulation_free(cnn_simulation *simulation);

#endif
