/* SPDX-License-Identifier: Apache-2.0 */
/** Figures of the machine from /proc, /sys and the cgroup files. root: "" on a real machine, a
 *  folder in tests. */
#ifndef CNN_HOST_PROC_H
#define CNN_HOST_PROC_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The host's load average over the last minute; NaN: unknown. */
double cnn_proc_load(const char *root);

/** CPU seconds stolen from the host by its hypervisor since its start, all CPUs; NaN: unknown. */
double cnn_proc_steal_seconds(const char *root);

/** Mean clock now of a set of CPUs (MHz), of those that report one; NaN: none does. */
double cnn_proc_frequency(const char *root, const cpu_set_t *cpus);

/** Seconds for which CPU quotas have throttled this process's cgroup so far, summed over the cgroup
 *  and those that it lies in (versions 1 and 2); NaN: unknown. */
double cnn_proc_throttled_seconds(const char *root);

/** CPUs that quotas let this process's cgroup use at most, the least of the cgroup and those that it
 *  lies in; infinite: no quota; NaN: unknown. */
double cnn_proc_cpu_quota(const char *root);

/** NUMA node that a PCI device ("0000:3b:00.0") is attached to; -1: unknown. */
int cnn_proc_pci_node(const char *root, const char *address);

/** The CPUs near a PCI device as a list; "": unknown. */
void cnn_proc_pci_cpus(const char *root, const char *address, char *list, size_t n);

/** Resident memory in bytes of a process and its descendants, as far as /proc shows them; a page that
 *  processes share counts for each. *processes: how many they are. -1: unknown. */
int64_t cnn_proc_tree_resident(const char *root, int pid, int *processes);

/** Whether a process is `ancestor` or descends from it. */
bool cnn_proc_descends(const char *root, int pid, int ancestor);

/** Whether this process numbers processes as the kernel and its drivers do: false in a container
 *  with process numbers of its own, and where that is unknown. */
bool cnn_proc_numbers_are_the_hosts(const char *root);

#endif
