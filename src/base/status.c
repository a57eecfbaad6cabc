/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[16384]; /* a job file may have many errors */

const char *cnn_status_text(cnn_status st)
{
    static const char *const texts[] = {
#define CNN_STATUS_TEXT(code, text) text,
        CNN_STATUSES(CNN_STATUS_TEXT)
#undef CNN_STATUS_TEXT
    };
    const unsigned n = sizeof texts / sizeof texts[0];
    return (unsigned)st < n ? texts[(unsigned)st] : "unknown status";
}

cnn_status cnn_error_set(cnn_status st, const char *fmt, ...)
{
    char text[sizeof message]; /* the arguments may point into message */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    /* Messages of this status say what there was no memory for; of context added, once is
     * enough. */
    const char *lack = st == CNN_ENOMEM ? cnn_status_text(st) : "";
    if (*lack && !strstr(text, lack))
        snprintf(message, sizeof message, "%s: %.*s", lack,
                 (int)(sizeof message - sizeof "out of memory: "), text);
    else
        memcpy(message, text, sizeof message);
    return st;
}

cnn_status cnn_error_prefix(cnn_status st, const char *fmt, ...)
{
    char before[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(before, sizeof before, fmt, ap);
    va_end(ap);
    return cnn_error_set(st, "%s: %s", before, message);
}

const char *cnn_error_message(void)
{
    return message;
}
