/* SPDX-License-Identifier: Apache-2.0 */
/** Ending what a process has started, whatever group or session it moved to. */
#ifndef CNN_HOST_DESCENDANTS_H
#define CNN_HOST_DESCENDANTS_H

/** Kills the calling process's children, and their children as they become its own, until none is
 *  left or the time is over; reaps them. The caller must be a subreaper (PR_SET_CHILD_SUBREAPER),
 *  so that orphans come to it, and must block SIGCHLD. Returns how many children are left. Blocks
 *  for at most `seconds` and a moment. */
int cnn_descendants_end(double seconds);

#endif
