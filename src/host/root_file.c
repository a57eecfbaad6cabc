/* SPDX-License-Identifier: Apache-2.0 */
#include "host/root_file.h"

#include <string.h>

enum { PATH_ROOM = 4096 };

FILE *cnn_root_open(const char *root, const char *path)
{
    char full[PATH_ROOM];
    const int n = snprintf(full, sizeof full, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof full ? fopen(full, "re") : NULL;
}

bool cnn_root_line(const char *root, const char *path, char *line, size_t n)
{
    FILE *f = cnn_root_open(root, path);
    line[0] = '\0';
    if (!f)
        return false;
    const bool has_line = fgets(line, (int)n, f) != NULL;
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return has_line && line[0] != '\0';
}

bool cnn_root_number(const char *root, const char *path, double *out)
{
    FILE *f = cnn_root_open(root, path);
    if (!f)
        return false;
    const bool has_number = fscanf(f, "%lf", out) == 1;
    fclose(f);
    return has_number;
}
