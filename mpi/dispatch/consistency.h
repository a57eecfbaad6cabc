/* SPDX-License-Identifier: Apache-2.0 */
/** What trainers report of their set-up must agree: parameters and image counts between the runs of
 *  a cell, the data's checksum between all runs of a data set, also over sessions and hosts. The
 *  first report stands, until its run fails before another has agreed with it.
 *  Rank 0 only; nothing blocks, nothing is collective. */
#ifndef CNN_MPI_DISPATCH_CONSISTENCY_H
#define CNN_MPI_DISPATCH_CONSISTENCY_H

#include "design/design.h"
#include "mpi/message.h"

typedef struct cnn_consistency cnn_consistency;

/** Keeps nothing of job and design but which run belongs to which cell and data set. */
cnn_status cnn_consistency_create(const cnn_job *job, const cnn_design *design,
                                  cnn_consistency **out);
void cnn_consistency_destroy(cnn_consistency **consistency);

/** Compares a run's report with those before it and keeps it where it is the first. What a report
 *  leaves unknown (-1, "") is not compared. False: it differs; reason [n] names both values. */
bool cnn_consistency_check(cnn_consistency *consistency, int run, const cnn_setup_report *report,
                           char *reason, size_t n);

/** The run's row may be in the file, though no rank has reported it: what its trainer reported stands,
 *  since --resume would find it there. */
void cnn_consistency_keep(cnn_consistency *consistency, int run);
/** A run has failed: its report does not stand unless another run has agreed with it. */
void cnn_consistency_forget(cnn_consistency *consistency, int run);

#endif
