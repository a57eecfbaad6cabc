/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of a job file. */
#include "base/paths.h"
#include "job/internal.h"

#include <stdlib.h>

void cnn_job_expand_path(cnn_job_reader *r, struct fy_node *node, char **path)
{
    char *expanded = NULL;
    if (*path && cnn_path_expand(*path, &expanded) == CNN_OK) {
        free(*path);
        *path = expanded;
    } else if (*path && !r->stored) {
        cnn_yaml_error(r->y, node, "%s", cnn_error_message());
    }
}
