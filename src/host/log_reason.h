/* SPDX-License-Identifier: Apache-2.0 */
/** Why a program failed, by what it has printed. */
#ifndef CNN_HOST_LOG_REASON_H
#define CNN_HOST_LOG_REASON_H

#include <stddef.h>

/** The line of a log that says it best: the exception of the last Python traceback, else the last
 *  line that speaks of an error, else the last line that is not blank. Borrowed from log, *n bytes
 *  long; 0 where there is none. */
const char *cnn_log_reason(const char *log, size_t *n);

#endif
