/* SPDX-License-Identifier: Apache-2.0 */
#include "host/proc.h"

#include "base/process_stat.h"
#include "host/root_file.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

double cnn_proc_load(const char *root)
{
    double load = NAN;
    FILE *f = cnn_root_open(root, "/proc/loadavg");
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
    FILE *f = cnn_root_open(root, "/proc/stat");
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
        FILE *f = cnn_root_open(root, path);
        if (f && fscanf(f, "%lf", &khz) == 1) {
            sum += khz / 1000;
            known++;
        }
        if (f)
            fclose(f);
    }
    return known ? sum / known : NAN;
}

/** Throttled seconds in a folder's cpu.stat; NaN: no such file or line. */
static double throttled_in(const char *root, const char *folder)
{
    char path[PATH_ROOM + 32];
    double seconds = NAN;
    char key[64];
    unsigned long long value;
    snprintf(path, sizeof path, "%s/cpu.stat", folder);
    FILE *f = cnn_root_open(root, path);
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

/** CPUs that the files of a folder of version 2 or 1 allow; NaN: no such file. */
static double quota_in(const char *root, const char *folder)
{
    char path[PATH_ROOM + 32], line[128];
    double quota, period = NAN;
    snprintf(path, sizeof path, "%s/cpu.max", folder); /* "max 100000", "150000 100000" */
    if (cnn_root_line(root, path, line, sizeof line))
        return strncmp(line, "max", 3) == 0                                  ? INFINITY
               : sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period
                                                                             : NAN;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    cnn_root_number(root, path, &period);
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!cnn_root_number(root, path, &quota) || !(period > 0))
        return NAN;
    return quota < 0 ? INFINITY : quota / period;
}

/** A figure of a cgroup's folder, and how the figures of a cgroup and its ancestors combine. */
typedef struct {
    double (*read)(const char *root, const char *folder); /* NaN: the folder has none */
    double (*combine)(double a, double b);
} cgroup_figure;

static double sum(double a, double b)
{
    return a + b;
}

/** A figure of a cgroup and its ancestors below a mount point; NaN when none of them has it. In a
 *  container the path may be another's: then the mount's root is what there is. */
static double along(const char *root, const char *mount, const char *cgroup, cgroup_figure figure)
{
    char folder[PATH_ROOM], group[PATH_ROOM];
    double all = NAN;
    snprintf(group, sizeof group, "%s", strcmp(cgroup, "/") == 0 ? "" : cgroup);
    for (;;) {
        const int n = snprintf(folder, sizeof folder, "%s%s", mount, group);
        const double one = n < (int)sizeof folder ? figure.read(root, folder) : NAN;
        if (!isnan(one))
            all = isnan(all) ? one : figure.combine(all, one);
        char *slash = strrchr(group, '/');
        if (!slash)
            return all;
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
static double below(const char *root, const char *const *mounts, const char *cgroup,
                    cgroup_figure figure)
{
    for (; *mounts; mounts++) {
        const double value = along(root, *mounts, cgroup, figure);
        if (!isnan(value))
            return value;
    }
    return NAN;
}

/** A figure of this process's cgroup, in whichever version has it; NaN: neither. */
static double of_cgroup(const char *root, cgroup_figure figure)
{
    static const char *const unified[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL};
    static const char *const version_1[] = {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu",
                                            NULL};
    double value = NAN;
    char line[PATH_ROOM]; /* "4:cpu,cpuacct:/path", of version 2 "0::/path" */
    FILE *f = cnn_root_open(root, "/proc/self/cgroup");
    while (f && isnan(value) && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        controllers++;
        if (*controllers == '\0')
            value = below(root, unified, path, figure);
        else if (has_cpu(controllers))
            value = below(root, version_1, path, figure);
    }
    if (f)
        fclose(f);
    return value;
}

double cnn_proc_throttled_seconds(const char *root)
{
    return of_cgroup(root, (cgroup_figure){throttled_in, sum});
}

double cnn_proc_cpu_quota(const char *root)
{
    return of_cgroup(root, (cgroup_figure){quota_in, fmin});
}

int cnn_proc_pci_node(const char *root, const char *address)
{
    char path[128];
    int node = -1;
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/numa_node", address);
    FILE *f = cnn_root_open(root, path);
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
    FILE *f = cnn_root_open(root, path);
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

/** Resident bytes of one process; -1: it is gone. */
static int64_t resident_of(const char *root, int pid)
{
    char path[64];
    long long pages = -1;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *f = cnn_root_open(root, path);
    if (f && fscanf(f, "%*d %lld", &pages) != 1)
        pages = -1;
    if (f)
        fclose(f);
    return pages < 0 ? -1 : (int64_t)pages * sysconf(_SC_PAGESIZE);
}

/** Appends the children that a thread has started to pids [room]. */
static void add_children(const char *root, int pid, const char *thread, int *pids, int room, int *n)
{
    char path[128];
    int child;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", pid, thread);
    FILE *f = cnn_root_open(root, path);
    while (f && *n < room && fscanf(f, "%d", &child) == 1)
        pids[(*n)++] = child;
    if (f)
        fclose(f);
}

int64_t cnn_proc_tree_resident(const char *root, int pid, int *processes)
{
    enum { MOST = 256 };
    int pids[MOST] = {pid}, n = 1;
    int64_t sum = -1;
    *processes = 0;
    for (int i = 0; i < n; i++) {
        char path[PATH_ROOM];
        const int64_t bytes = resident_of(root, pids[i]);
        if (bytes < 0)
            continue;
        sum = (sum < 0 ? 0 : sum) + bytes;
        ++*processes;
        snprintf(path, sizeof path, "%s/proc/%d/task", root, pids[i]);
        DIR *tasks = opendir(path);
        for (struct dirent *d; tasks && (d = readdir(tasks)) != NULL;)
            if (d->d_name[0] != '.')
                add_children(root, pids[i], d->d_name, pids, MOST, &n);
        if (tasks)
            closedir(tasks);
    }
    return sum;
}

bool cnn_proc_numbers_are_the_hosts(const char *root)
{
    static const char initial[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO of the kernel */
    char path[PATH_ROOM], link[64];
    const int n = snprintf(path, sizeof path, "%s/proc/self/ns/pid", root);
    const ssize_t length = n > 0 && n < (int)sizeof path ? readlink(path, link, sizeof link) : -1;
    return length == (ssize_t)strlen(initial) && memcmp(link, initial, strlen(initial)) == 0;
}
