/* SPDX-License-Identifier: Apache-2.0 */
/** The network of every cell, with the shapes and parameter counts that follow from its data
 *  set. */
#ifndef CNN_DESIGN_NETWORKS_H
#define CNN_DESIGN_NETWORKS_H

#include "design/design.h"

/** Of a cell's data set, after split and limit. */
typedef struct {
    int train, test;
} cnn_image_counts;

/** *out: [cell_count] inferred networks, owned by the caller (cnn_networks_destroy); an entry is
 *  NULL where the cell's data set cannot be read, or is not needed: simulated frameworks. images:
 *  NULL, or [cell_count] that get the numbers of images, 0 where unknown. problem: gets
 *  one line for each such data set and for each network that does not fit its data set's shape
 *  (the latter is also CNN_EUSAGE). Reads only the data sets' headers, each once. */
cnn_status cnn_networks_infer(const cnn_design *design, const cnn_job *job, cnn_network ***out,
                              cnn_image_counts *images, cnn_text *problem);
/** Warns of each data set on which one test image is more than the margin of the test error, so that
 *  equivalence can hardly be shown. images: as cnn_networks_infer gives them. */
void cnn_networks_describe_resolution(const cnn_design *design, const cnn_job *job,
                                      const cnn_image_counts *images, cnn_text *out);
void cnn_networks_destroy(cnn_network ***networks, int count);

#endif
