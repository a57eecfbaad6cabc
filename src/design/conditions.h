/* SPDX-License-Identifier: Apache-2.0 */
/** Conditions that the levels of the contrast must share, as far as a plan knows them. */
#ifndef CNN_DESIGN_CONDITIONS_H
#define CNN_DESIGN_CONDITIONS_H

#include "design/design.h"
#include "design/networks.h"

/** Appends what the job declares (compare:), what the contrast itself varies, and a warning for
 *  each condition in which levels will differ undeclared, so that a report will give no verdict on
 *  time. Numbers are those of our own paths and of simulated frameworks; other programs' are
 *  unknown. networks, images: as cnn_networks_infer gives them. */
void cnn_conditions_describe(const cnn_design *design, const cnn_job *job,
                             const cnn_network *const *networks, const cnn_image_counts *images,
                             cnn_text *out);

#endif
