/* SPDX-License-Identifier: Apache-2.0 */
#include "host/proc.h"

#include "base/process_stat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static FILE *open_under(const char *root, const char *path)
{
    char full[PATH_ROOM];
    const int n = snprintf(full, sizeof full, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof full ? fopen(full, "re") : NULL;
}

double cnn_proc_load(const char *root)
{
    double load = NAN;
    FILE *f = open_under(root, "/proc/loadavg");
    if (f && fscanf(f, "%lf", &load) != 1)
        load = NAN;
    if (f)
        fclose(f);
    return load;
}

double cnn_proc_steal_seconds(const char *root)
{
    unsigned long long steal; /* user nice system idle iowait irq softirq steal ... */
    double seconds = NAN;
    FILE *f = open_under(root, "/proc/stat");
    if (f && fscanf(f, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) == 1)
        seconds = (double)steal / (double)sysconf(_SC_CLK_TCK);
    if (f)
        fclose(f);
    return seconds;
}

double cnn_proc_frequency(const char *root, const cpu_set_t *cpus)
{
    double sum = 0;
    int known = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        char path[128];
        double khz;
        if (!CPU_ISSET((size_t)cpu, cpus))
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", cpu);
        FILE *f = open_under(root, path);
        if (f && fscanf(f, "%lf", &khz) == 1) {
            sum += khz / 1000;
            known++;
        }
        if (f)
            fclose(f);
    }
    return known ? sum / known : NAN;
}

/** Throttled seconds in a cpu.stat file; NaN: no such file or line. */
static double throttled_in(const char *root, const char *path)
{
    double seconds = NAN;
    char key[64];
    unsigned long long value;
    FILE *f = open_under(root, path);
    while (f && fscanf(f, "%63s %llu", key, &value) == 2) {
        if (strcmp(key, "throttled_usec") == 0) /* version 2 */
            seconds = 1e-6 * (double)value;
        else if (strcmp(key, "throttled_time") == 0) /* version 1 */
            seconds = 1e-9 * (double)value;
    }
    if (f)
        fclose(f);
    return seconds;
}

/** Sum over a cgroup and its ancestors below a mount point; NaN when none of them has it. In a
 *  container the path may be another's: then the mount's root is what there is. */
static double throttled_along(const char *root, const char *mount, const char *cgroup)
{
    char path[PATH_ROOM], group[PATH_ROOM];
    double sum = NAN;
    snprintf(group, sizeof group, "%s", strcmp(cgroup, "/") == 0 ? "" : cgroup);
    for (;;) {
        const int n = snprintf(path, sizeof path, "%s%s/cpu.stat", mount, group);
        const double seconds = n < (int)sizeof path ? throttled_in(root, path) : NAN;
        if (!isnan(seconds))
            sum = isnan(sum) ? seconds : sum + seconds;
        char *slash = strrchr(group, '/');
        if (!slash)
            return sum;
        *slash = '\0';
    }
}

/** Whether a comma-separated list of version 1 controllers has "cpu". */
static bool has_cpu(const char *controllers)
{
    for (const char *s = controllers; *s; s += strcspn(s, ","), s += *s == ',')
        if (strcspn(s, ",") == 3 && strncmp(s, "cpu", 3) == 0)
            return true;
    return false;
}

/** First mount point that has a value. */
static double throttled_below(const char *root, const char *const *mounts, const char *cgroup)
{
    for (; *mounts; mounts++) {
        const double seconds = throttled_along(root, *mounts, cgroup);
        if (!isnan(seconds))
            return seconds;
    }
    return NAN;
}

double cnn_proc_throttled_seconds(const char *root)
{
    static const char *const unified[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
    static const char *const version_1[] = {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu",
                                            NULL};
    double seconds = NAN;
    char line[PATH_ROOM]; /* "4:cpu,cpuacct:/path", of version 2 "0::/path" */
    FILE *f = open_under(root, "/proc/self/cgroup");
    while (f && isnan(seconds) && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        controllers++;
        if (*controllers == '\0')
            seconds = throttled_below(root, unified, path);
        else if (has_cpu(controllers))
            seconds = throttled_below(root, version_1, path);
    }
    if (f)
        fclose(f);
    return seconds;
}

int cnn_proc_pci_node(const char *root, const char *address)
{
    char path[128];
    int node = -1;
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/numa_node", address);
    FILE *f = open_under(root, path);
    if (f && fscanf(f, "%d", &node) != 1)
        node = -1;
    if (f)
        fclose(f);
    return node < 0 ? -1 : node;
}

void cnn_proc_pci_cpus(const char *root, const char *address, char *list, size_t n)
{
    char path[128];
    list[0] = '\0';
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/local_cpulist", address);
    FILE *f = open_under(root, path);
    if (f && fgets(list, (int)n, f)) {
        const size_t end = strcspn(list, "\n");
        list[list[end] == '\n' ? end : 0] = '\0'; /* a list without its end is none */
    }
    if (f)
        fclose(f);
}

bool cnn_proc_descends(const char *root, int pid, int ancestor)
{
    enum { DEEPEST = 64 };
    cnn_process_stat stat;
    for (int i = 0; i < DEEPEST && pid > 0; i++) {
        if (pid == ancestor)
            return true;
        pid = cnn_process_stat_read(root, pid, &stat) ? (int)stat.parent : 0;
    }
    return false;
}

bool cnn_proc_numbers_are_the_hosts(const char *root)
{
    static const char initial[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO of the kernel */
    char path[PATH_ROOM], link[64];
    const int n = snprintf(path, sizeof path, "%s/proc/self/ns/pid", root);
    const ssize_t length = n > 0 && n < (int)sizeof path ? readlink(path, link, sizeof link) : -1;
    return length == (ssize_t)strlen(initial) && memcmp(link, initial, strlen(initial)) == 0;
}
