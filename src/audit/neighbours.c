/* SPDX-License-Identifier: Apache-2.0 */
/** Who else uses the machine: processes, guests, devices. */
#include "audit/sources.h"
#include "host/cpulist.h"
#include "host/proc.h"
#include "host/root_file.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void audit_load(const char *root, cnn_audit *out)
{
    const double load = cnn_proc_load(root);
    if (isnan(load))
        cnn_audit_enter_unknown(out, CNN_RULE_LOAD);
    else
        cnn_audit_enter(out, CNN_RULE_LOAD, load < 0.5, "%.2f over the last minute", load);
}

/** Share of the last ten seconds in which some process waited (percent); NaN: unknown. */
static double pressure_of(const char *root, const char *what)
{
    char path[64], line[256];
    double share;
    snprintf(path, sizeof path, "/proc/pressure/%s", what);
    cnn_root_line(root, path, line, sizeof line);
    return sscanf(line, "some avg10=%lf", &share) == 1 ? share : NAN;
}

static void audit_pressure(const char *root, cnn_audit *out)
{
    const double cpu = pressure_of(root, "cpu"), memory = pressure_of(root, "memory"),
                 io = pressure_of(root, "io");
    if (isnan(cpu) || isnan(memory) || isnan(io))
        cnn_audit_enter_unknown(out, CNN_RULE_PRESSURE);
    else /* fmax passes over NaN; the kernel shows all three or none */
        cnn_audit_enter(out, CNN_RULE_PRESSURE, fmax(cpu, fmax(memory, io)) < 1,
                        "cpu %.1f, memory %.1f, io %.1f %%", cpu, memory, io);
}

/** Whether the processors' flags name a hypervisor, or the board is one's. */
static bool is_virtual(const char *root, bool *known)
{
    static const char *const products[] = {"KVM",       "QEMU",       "VMware", "VirtualBox",
                                           "Virtual",   "HVM",        "Xen",    "Google Compute",
                                           "OpenStack", "Firecracker"};
    char line[4096];
    *known = cnn_audit_cpuinfo(root, "flags", line, sizeof line);
    bool found = *known && strstr(line, "hypervisor");
    if (!found && cnn_root_line(root, "/sys/class/dmi/id/product_name", line, sizeof line)) {
        *known = true;
        for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
            found = found || strstr(line, products[i]);
    }
    return found;
}

static void audit_virtual(const char *root, cnn_audit *out)
{
    bool known = false;
    const bool found = is_virtual(root, &known);
    if (!known)
        cnn_audit_enter_unknown(out, CNN_RULE_VIRTUAL);
    else
        cnn_audit_enter(out, CNN_RULE_VIRTUAL, !found, "%s",
                        found ? "a virtual machine" : "bare metal");
}

static void audit_steal(const char *root, cnn_audit *out)
{
    double t[8], total = 0; /* user nice system idle iowait irq softirq steal */
    char line[512];
    cnn_root_line(root, "/proc/stat", line, sizeof line);
    if (sscanf(line, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4],
               &t[5], &t[6], &t[7]) != 8) {
        cnn_audit_enter_unknown(out, CNN_RULE_STEAL);
        return;
    }
    for (int i = 0; i < 8; i++)
        total += t[i];
    const double share = total > 0 ? 100 * t[7] / total : 0;
    cnn_audit_enter(out, CNN_RULE_STEAL, share < 0.1, "%.2f %%", share);
}

void cnn_audit_neighbours(const char *root, cnn_audit *out)
{
    audit_load(root, out);
    audit_pressure(root, out);
    audit_virtual(root, out);
    audit_steal(root, out);
}

/** Whether an interrupt may be handled on one of the CPUs; *known: its file could be read. */
static bool interrupts_any(const char *root, const char *irq, const cpu_set_t *cpus, bool *known)
{
    char path[320], list[512];
    cpu_set_t handled;
    snprintf(path, sizeof path, "/proc/irq/%s/effective_affinity_list", irq);
    if (!cnn_root_line(root, path, list, sizeof list)) {
        snprintf(path, sizeof path, "/proc/irq/%s/smp_affinity_list", irq);
        if (!cnn_root_line(root, path, list, sizeof list))
            return false;
    }
    if (!cnn_cpulist_parse(list, &handled))
        return false;
    *known = true;
    CPU_AND(&handled, &handled, cpus);
    return CPU_COUNT(&handled) > 0;
}

void cnn_audit_interrupts(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    char path[4096];
    int here = 0, all = 0;
    snprintf(path, sizeof path, "%s/proc/irq", root);
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        bool known = false;
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        here += interrupts_any(root, entry->d_name, cpus, &known);
        all += known;
    }
    if (folder)
        closedir(folder);
    if (!all)
        cnn_audit_enter_unknown(out, CNN_RULE_INTERRUPTS);
    else
        cnn_audit_enter(out, CNN_RULE_INTERRUPTS, !here, "%d of %d may come here", here, all);
}
