/* SPDX-License-Identifier: Apache-2.0 */
/** The network of every cell, with the shapes and parameter counts that follow from its data
 *  set. */
#ifndef CNN_DESIGN_NETWORKS_H
#define CNN_DESIGN_NETWORKS_H

#include "design/design.h"

/** *out: [cell_count] inferred networks, owned by the caller (cnn_networks_destroy); an entry is
 *  NULL where the cell's data set cannot be read, or is not needed: simulated frameworks. images:
 *  NULL, or [cell_count] that get the numbers of training images, 0 where unknown. problem: gets
 *  one line for each such data set and for each network that does not fit its data set's shape
 *  (the latter is also CNN_EUSAGE). Reads only the data sets' headers, each once. */
cnn_status cnn_networks_infer(const cnn_design *design, const cnn_job *job, cnn_network ***out,
                              int *images, cnn_text *problem);
void cnn_networks_destroy(cnn_network ***networks, int count);

#endif
