/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/cores.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

/** Whether a hardware thread of the same core, with a smaller number, is in the mask too. */
static bool has_earlier_sibling(int cpu, const cpu_set_t *mask)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool found = false;
    int first;
    for (char sign = '\0'; !found && fscanf(f, "%d%c", &first, &sign) >= 1;) { /* "0,64", "0-1" */
        int last = first;
        if (sign == '-' && fscanf(f, "%d%*c", &last) < 1)
            break;
        for (int i = first; i <= last && i < cpu && !found; i++)
            found = i >= 0 && CPU_ISSET(i, mask);
        sign = '\0';
    }
    fclose(f);
    return found;
}

int cnn_cores_available(void)
{
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        return 1;
    int cores = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        cores += CPU_ISSET(cpu, &mask) && !has_earlier_sibling(cpu, &mask);
    return cores > 0 ? cores : 1;
}
