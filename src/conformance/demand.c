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

static const trial_demand unknown = {NAN, NAN};

/** Of one thread, which may be gone. */
static trial_demand of_thread(int pid, const char *thread)
{
    char path[96];
    unsigned long long ran, waited;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    const int found = file ? fscanf(file, "%llu %llu", &ran, &waited) : 0;
    if (file)
        fclose(file);
    return found == 2 ? (trial_demand){1e-9 * (double)ran, 1e-9 * (double)waited} : unknown;
}

/** Adds what is known. */
static void add(trial_demand *sum, trial_demand more)
{
    if (isnan(more.ran))
        return;
    if (isnan(sum->ran))
        *sum = (trial_demand){0, 0};
    sum->ran += more.ran;
    sum->waited += more.waited;
}

static trial_demand of_process(int pid)
{
    char path[64];
    trial_demand sum = unknown;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            add(&sum, of_thread(pid, entry->d_name));
    if (tasks)
        closedir(tasks);
    return sum;
}

trial_demand trial_demand_of(int pid)
{
    trial_demand sum = of_process(pid);
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc)) != NULL;) {
        const int other =
            isdigit((unsigned char)entry->d_name[0]) ? (int)strtol(entry->d_name, NULL, 10) : 0;
        if (other > 0 && other != pid && cnn_proc_descends("", other, pid))
            add(&sum, of_process(other));
    }
    if (proc)
        closedir(proc);
    return sum;
}
