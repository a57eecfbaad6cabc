/** Reading what Linux tells about the machine. root: "" on a real machine, a folder in tests. */
#ifndef CNN_HOST_PROC_H
#define CNN_HOST_PROC_H

#include <sched.h>

/** The host's load average over the last minute; NaN: unknown. */
double cnn_proc_load(const char *root);

/** CPU seconds stolen from the host by its hypervisor since its start, all CPUs; NaN: unknown. */
double cnn_proc_steal_seconds(const char *root);

/** Mean clock now of a set of CPUs (MHz), of those that tell; NaN: none does. */
double cnn_proc_frequency(const char *root, const cpu_set_t *cpus);

/** Seconds for which CPU quotas have throttled this process's cgroup so far, summed over the cgroup
 *  and those that it lies in (versions 1 and 2); NaN: unknown. */
double cnn_proc_throttled_seconds(const char *root);

#endif
