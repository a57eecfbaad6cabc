/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads a trainer really uses. The share of a core that it gets depends on what else
 * runs; the time for which its threads run or wait for a core does not. */
#include "conformance/internal.h"

#include "host/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/** Seconds run and waited of one thread; NaN: it is gone, or the kernel does not say. */
static double of_thread(int pid, const char *thread)
{
    char path[96];
    unsigned long long ran, waited;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    const int found = file ? fscanf(file, "%llu %llu", &ran, &waited) : 0;
    if (file)
        fclose(file);
    return found == 2 ? 1e-9 * (double)(ran + waited) : NAN;
}

static double of_process(int pid)
{
    char path[64];
    double sum = NAN;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;) {
        const double seconds =
            isdigit((unsigned char)entry->d_name[0]) ? of_thread(pid, entry->d_name) : NAN;
        if (!isnan(seconds))
            sum = (isnan(sum) ? 0 : sum) + seconds;
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

double trial_demand_seconds(int pid)
{
    double sum = of_process(pid);
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc)) != NULL;) {
        const int other =
            isdigit((unsigned char)entry->d_name[0]) ? (int)strtol(entry->d_name, NULL, 10) : 0;
        if (other <= 0 || other == pid || !cnn_proc_descends("", other, pid))
            continue;
        const double seconds = of_process(other);
        if (!isnan(seconds))
            sum = (isnan(sum) ? 0 : sum) + seconds;
    }
    if (proc)
        closedir(proc);
    return sum;
}
