/* SPDX-License-Identifier: Apache-2.0 */
/** Trainer processes: started through the exec helper, watched by a rank's event loop. */
#ifndef CNN_HOST_CHILD_H
#define CNN_HOST_CHILD_H

#include "base/status.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/** A running or ended trainer process. */
typedef struct cnn_child cnn_child;

typedef struct {
    const char *helper; /* path of the exec helper (cnn-exec) */
    char *const *argv;  /* NULL-terminated; argv[0] is a path or sought in PATH by the helper */
    const char *cpus;   /* cores to run on, as a list "0-3,8"; NULL: as the rank's */
    char *const *environment; /* all that it gets but CNN_EVENTS_FD: host/environment.h */
    const char *input;        /* the specification: its standard input, then end of file */
} cnn_child_options;

/** Starts a trainer in a process group of its own, under a supervisor (the exec helper) that ends
 *  it with all its descendants when it ends, when the rank orders it and when the rank dies.
 *  SIGINT and SIGTERM are ignored. Blocks until the trainer's process exists: milliseconds. A program that
 *  cannot be executed ends with code 127, and the log has the reason. CNN_EENV: no process, or no
 *  descriptors, can be had. */
cnn_status cnn_child_start(const cnn_child_options *options, cnn_child **out);

/** Moves bytes: reads events and log without blocking, notices the end. Call often.
 *  timeout: waits that many seconds at most for something to happen (0: not at all). */
cnn_status cnn_child_poll(cnn_child *child, double timeout);

/** The next whole event line (terminated, without newline, borrowed until the next call), or NULL.
 *  A line longer than 64 kB is given cut and marks *too_long. Lines may outlast the trainer's
 *  end. */
const char *cnn_child_next_line(cnn_child *child, bool *too_long);

/** Ended with all its descendants, and all its output read. */
bool cnn_child_ended(const cnn_child *child);
/** Whether no further line can come: the child, and all that it handed its descriptor to, closed it. */
bool cnn_child_is_mute(const cnn_child *child);
/** Of an ended child. exit code >= 0, or -signal. */
int cnn_child_exit_code(const cnn_child *child);
/** Of an ended child: false when its program could not be executed. */
bool cnn_child_was_started(const cnn_child *child);
/** Of an ended child: how many of its descendants could not be ended within CNN_EXEC_PATIENCE
 *  seconds, so that they may still use the device; -1: unknown, its supervisor was killed. */
int cnn_child_left_behind(const cnn_child *child);
double cnn_child_start_wall(const cnn_child *child);
double cnn_child_life_seconds(const cnn_child *child); /* so far, or start to end */
const struct rusage *cnn_child_usage(const cnn_child *child);
pid_t cnn_child_pid(const cnn_child *child);
/** The last bytes (up to 511) of standard output and error together, whole lines, printable; never
 *  NULL. */
const char *cnn_child_log_tail(cnn_child *child);

/** The descriptor by which its supervisor is ordered to end it: one byte does. Borrowed; -1: it was
 *  ordered already. Another process or thread that holds a copy delays the order of
 *  cnn_child_kill, which closes it. */
int cnn_child_order(const cnn_child *child);
/** Orders its end, and that of its descendants; does not wait. Again: does nothing. */
void cnn_child_kill(cnn_child *child);
/** Kills it if it still runs, waits for at most twice the supervisor's patience, frees. */
void cnn_child_destroy(cnn_child **child);

#endif
