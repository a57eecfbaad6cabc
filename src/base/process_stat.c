/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process_stat.h"

#include <stdio.h>
#include <string.h>

/** "12 (name) S 11 ...": the name may hold spaces and brackets, what follows its last one not. */
static bool parse(char *text, cnn_process_stat *out)
{
    enum { PARENT = 2, START = 20 }; /* fields behind the name: proc(5) */
    unsigned long long start = 0;
    long long parent = 0;
    char *open = strchr(text, '('), *close = strrchr(text, ')'), *at = close;
    *out = (cnn_process_stat){.parent = 0};
    if (!open || !close || close < open)
        return false;
    for (int field = 1; at && field <= START; field++) {
        at = strchr(at + 1, ' ');
        if (field == PARENT && (!at || sscanf(at, " %lld", &parent) != 1))
            return false;
    }
    if (at && sscanf(at, " %llu", &start) != 1)
        start = 0;
    *close = '\0';
    snprintf(out->name, sizeof out->name, "%s", open + 1);
    out->parent = parent;
    out->start = start;
    return true;
}

bool cnn_process_stat_read(const char *root, int64_t pid, cnn_process_stat *out)
{
    char path[4096], text[2048];
    const int length = snprintf(path, sizeof path, "%s/proc/%lld/stat", root, (long long)pid);
    FILE *f = length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
    const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    return parse(text, out);
}
