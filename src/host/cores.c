/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cores.h"

#include "base/text.h"
#include "host/cpulist.h"
#include "host/root_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The CPUs of a core, by one of them. */
static cpu_set_t siblings_of(const char *root, int cpu)
{
    cpu_set_t set;
    char path[128], line[256];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    cnn_root_line(root, path, line, sizeof line);
    if (!cnn_cpulist_parse(line, &set)) {
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
    }
    return set;
}

/** Writes a set as a list: "0-3,8". */
static void write_list(const cpu_set_t *set, cnn_text *out)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        int last = cpu;
        if (!CPU_ISSET((size_t)cpu, set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET((size_t)(last + 1), set))
            last++;
        cnn_text_printf(out, "%s%d", out->len ? "," : "", cpu);
        if (last > cpu)
            cnn_text_printf(out, "-%d", last);
        cpu = last;
    }
}

cnn_status cnn_cores_keep_first(const char *root, int count, char *list, size_t n)
{
    cnn_status st = CNN_OK;
    cpu_set_t all, kept;
    cnn_text text = {0};
    int cores = 0;
    CPU_ZERO(&kept);
    CNN_CHECK(cnn_cpulist_parse(list, &all), CNN_EINVAL, "not a list of CPUs: '%s'", list);
    for (int cpu = 0; cpu < CPU_SETSIZE && cores < count; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &all) || CPU_ISSET((size_t)cpu, &kept))
            continue;
        cpu_set_t core = siblings_of(root, cpu);
        CPU_AND(&core, &core, &all);
        CPU_SET((size_t)cpu, &core);
        CPU_OR(&kept, &kept, &core);
        cores++;
    }
    if (CPU_EQUAL(&kept, &all))
        goto done;
    write_list(&kept, &text);
    CNN_TRY(cnn_text_status(&text));
    cnn_copy_string(list, n, text.s ? text.s : "");
done:
    cnn_text_free(&text);
    return st;
}
