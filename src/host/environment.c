/* SPDX-License-Identifier: Apache-2.0 */
#include "host/environment.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

bool cnn_environment_is_launchers(const char *variable)
{
    static const char *const prefixes[] = {
        "OMPI_",         "PMIX_",          "PRTE_",          "ORTE_",
        "OPAL_",         "PMI_",           "HYDI_",          "HYDRA_",
        "MPI_LOCAL",     "SLURM_STEP",     "SLURM_PROCID",   "SLURM_LOCALID",
        "SLURM_NODEID",  "SLURM_GTIDS",    "SLURM_TASK",     "SLURM_NTASKS",
        "SLURM_NPROCS",  "SLURM_PMI",      "SLURM_MPI",      "SLURM_SRUN",
        "SLURM_LAUNCH_", "SLURM_CPU_BIND", "SLURM_MEM_BIND", "SLURM_DISTRIBUTION",
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/** Whether two "NAME=value" have the same name. */
static bool same_name(const char *a, const char *b)
{
    const size_t n = strcspn(a, "=");
    return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
}

static bool is_set(const char *variable, const char *const *set)
{
    for (; *set; set++)
        if (same_name(variable, *set))
            return true;
    return false;
}

cnn_status cnn_environment_make(char *const *from, const char *const *set, char ***out)
{
    cnn_status st = CNN_OK;
    char **list = NULL;
    size_t most = 1, n = 0;
    for (size_t i = 0; from[i]; i++)
        most++;
    for (size_t i = 0; set[i]; i++)
        most++;
    CNN_CHECK((list = calloc(most, sizeof *list)) != NULL, CNN_ENOMEM, "a trainer's environment");
    for (size_t i = 0; from[i]; i++) {
        if (cnn_environment_is_launchers(from[i]) || is_set(from[i], set))
            continue;
        CNN_CHECK((list[n++] = cnn_strdup(from[i])) != NULL, CNN_ENOMEM, "a trainer's environment");
    }
    for (size_t i = 0; set[i]; i++)
        CNN_CHECK((list[n++] = cnn_strdup(set[i])) != NULL, CNN_ENOMEM, "a trainer's environment");
    *out = list;
    list = NULL;
done:
    cnn_environment_free(&list);
    return st;
}

void cnn_environment_free(char ***environment)
{
    if (*environment)
        for (char **v = *environment; *v; v++)
            free(*v);
    free(*environment);
    *environment = NULL;
}
