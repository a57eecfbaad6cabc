/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpulist.h"

#include <ctype.h>
#include <stdlib.h>

/** Reads a number at *s and steps over it; -1 when there is none in range. */
static long read_cpu(const char **s)
{
    if (!isdigit((unsigned char)**s))
        return -1;
    char *end;
    const long cpu = strtol(*s, &end, 10);
    *s = end;
    return cpu < CPU_SETSIZE ? cpu : -1;
}

bool cnn_cpulist_parse(const char *list, cpu_set_t *out)
{
    CPU_ZERO(out);
    for (const char *s = list;; s++) {
        const long first = read_cpu(&s);
        long last = first;
        if (*s == '-') {
            s++;
            last = read_cpu(&s);
        }
        if (first < 0 || last < first)
            return false;
        for (long cpu = first; cpu <= last; cpu++)
            CPU_SET((size_t)cpu, out);
        if (*s == '\0')
            return true;
        if (*s != ',')
            return false;
    }
}
