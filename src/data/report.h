/* SPDX-License-Identifier: Apache-2.0 */
/** What `cnnmpi data JOB` says about the data sets of a job. */
#ifndef CNN_DATA_REPORT_H
#define CNN_DATA_REPORT_H

#include "base/status.h"
#include "base/text.h"
#include "data/source.h"

/** Loads each of sources [count] in turn and appends to *out, for people: what was found where,
 *  shape, classes, counts of training and test images and of each class, checksum; or what is wrong
 *  and how to get it. *missing is the number of data sets that cannot be used, which is no error of
 *  this function. CNN_ENOMEM: no memory for the text. */
cnn_status cnn_data_report(const cnn_source *sources, int count, cnn_text *out, int *missing);

#endif
