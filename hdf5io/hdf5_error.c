/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/hdf5_error.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_SIZE = 512 };

void cnn_hdf5_quiet(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/** Keeps the system's message where HDF5 quotes it ("..., error message = 'No space left on
 *  device', buf = 0x..."), else the description as it is. */
static void keep_reason(char reason[REASON_SIZE], const char *description)
{
    static const char quote[] = "error message = '";
    const char *start = strstr(description, quote);
    const char *end = start ? strchr(start + sizeof quote - 1, '\'') : NULL;
    if (end)
        snprintf(reason, REASON_SIZE, "%.*s", (int)(end - start - (int)sizeof quote + 1),
                 start + sizeof quote - 1);
    else
        snprintf(reason, REASON_SIZE, "%s", description);
}

static herr_t take_innermost(unsigned n, const H5E_error2_t *error, void *reason)
{
    if (n == 0 && error->desc)
        keep_reason(reason, error->desc);
    return 0;
}

cnn_status cnn_hdf5_error(cnn_status st, const char *fmt, ...)
{
    char reason[REASON_SIZE] = "";
    va_list ap;
    char *text = NULL;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, reason);
    H5Eclear2(H5E_DEFAULT);
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    cnn_error_set(st, "%s%s%s", text ? text : fmt, reason[0] ? ": " : "", reason);
    free(text);
    return st;
}

const char *cnn_hdf5_system_reason(void)
{
    return errno ? strerror(errno) : "no reason is known";
}

cnn_status cnn_hdf5_close(cnn_status st, hid_t *id, herr_t (*close)(hid_t), const char *what)
{
    if (*id >= 0 && close(*id) < 0 && st == CNN_OK)
        st = cnn_hdf5_error(CNN_EIO, "cannot close %s", what);
    *id = -1;
    return st;
}
