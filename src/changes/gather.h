/* SPDX-License-Identifier: Apache-2.0 */
/** The values of a cell in both files. */
#ifndef CNN_CHANGES_GATHER_H
#define CNN_CHANGES_GATHER_H

#include "analysis/groups.h"
#include "analysis/seed_means.h"
#include "changes/match.h"

/** Both files, grouped. Borrowed. */
typedef struct {
    const cnn_groups *groups; /* [CNN_CHANGES_FILES] */
    const cnn_changes_devices *devices;
} cnn_changes_runs;

/** Room for the values of a cell; end with cnn_changes_room_free. */
typedef struct {
    cnn_change_value *values;
    double *place;
    int *position, *other; /* of the run; of the control's, -1: none */
    cnn_seed_value *seeds[CNN_CHANGES_FILES];
    double *x, *y;
} cnn_changes_room;

cnn_status cnn_changes_room_create(const cnn_changes_runs *runs, cnn_changes_room *out);
void cnn_changes_room_free(cnn_changes_room *room);

/** Log times of a cell's runs; against_control: less that of the control's run in the same block,
 *  of the blocks in which both are done and were on one device. The sample borrows the room. */
cnn_change_sample cnn_changes_take_times(const cnn_changes_runs *runs, const cnn_changes_cell *cell,
                                         bool against_control, cnn_changes_room *room);

/** Error or loss of a cell: one value a seed. n [CNN_CHANGES_FILES] seeds of each file; the first
 *  `shared` ones of both are the same seeds, in the same order. Returns shared. */
int cnn_changes_take_seeds(const cnn_changes_runs *runs, const cnn_changes_cell *cell,
                           cnn_measure measure, cnn_changes_room *room, int *n);

#endif
