/* SPDX-License-Identifier: Apache-2.0 */
/** Clocks, hardware threads, idle states and isolation of processors. */
#include "audit/sources.h"
#include "host/cpulist.h"
#include "host/root_file.h"

#include <stdio.h>
#include <string.h>

static void cpu_path(char path[128], int cpu, const char *file)
{
    snprintf(path, 128, "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
}

/** One value of all CPUs, or how many have another one than wanted. */
static void audit_governor(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    char path[128], governor[64], other[64] = "";
    int known = 0, others = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, cpus))
            continue;
        cpu_path(path, cpu, "cpufreq/scaling_governor");
        if (!cnn_root_line(root, path, governor, sizeof governor))
            continue;
        known++;
        if (strcmp(governor, "performance") == 0)
            continue;
        others++;
        memcpy(other, governor, sizeof other);
    }
    if (!known)
        cnn_audit_enter_unknown(out, CNN_RULE_GOVERNOR);
    else if (!others || others == known)
        cnn_audit_enter(out, CNN_RULE_GOVERNOR, !others, "%s", others ? other : "performance");
    else
        cnn_audit_enter(out, CNN_RULE_GOVERNOR, false, "%s on %d of %d CPUs", other, others, known);
}

/** Siblings of the run's CPUs that are not the run's. */
static void audit_smt(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    char path[128], list[256];
    int known = 0, foreign = 0;
    bool is_on = false;
    cpu_set_t siblings;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, cpus))
            continue;
        cpu_path(path, cpu, "topology/thread_siblings_list");
        if (!cnn_root_line(root, path, list, sizeof list) || !cnn_cpulist_parse(list, &siblings))
            continue;
        known++;
        const int threads = CPU_COUNT(&siblings);
        is_on = is_on || threads > 1;
        CPU_AND(&siblings, &siblings, cpus);
        foreign += CPU_COUNT(&siblings) < threads;
    }
    if (!known)
        cnn_audit_enter_unknown(out, CNN_RULE_SMT);
    else if (foreign)
        cnn_audit_enter(out, CNN_RULE_SMT, false, "on; the siblings of %d CPUs are not the run's",
                        foreign);
    else
        cnn_audit_enter(out, CNN_RULE_SMT, true, "%s",
                        is_on ? "on; both threads of each core are the run's" : "off");
}

/** The enabled idle state of a CPU that takes longest to leave; false: it has none on record. */
static bool deepest_state(const char *root, int cpu, char name[32], double *latency)
{
    char path[128], file[64];
    bool known = false;
    *latency = 0;
    for (int state = 0; state < 16; state++) {
        double us, disabled = 0;
        snprintf(file, sizeof file, "cpuidle/state%d/latency", state);
        cpu_path(path, cpu, file);
        if (!cnn_root_number(root, path, &us))
            break;
        known = true;
        snprintf(file, sizeof file, "cpuidle/state%d/disable", state);
        cpu_path(path, cpu, file);
        cnn_root_number(root, path, &disabled);
        if (disabled || us <= *latency)
            continue;
        *latency = us;
        snprintf(file, sizeof file, "cpuidle/state%d/name", state);
        cpu_path(path, cpu, file);
        cnn_root_line(root, path, name, 32);
    }
    return known;
}

static void audit_idle_states(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    enum { LATENCY_MOST = 50 }; /* microseconds */
    char name[32] = "", deepest[32] = "";
    double latency, most = 0;
    bool known = false;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, cpus) || !deepest_state(root, cpu, name, &latency))
            continue;
        known = true;
        if (latency <= most)
            continue;
        most = latency;
        memcpy(deepest, name, sizeof deepest);
    }
    if (!known)
        cnn_audit_enter_unknown(out, CNN_RULE_IDLE_STATES);
    else
        cnn_audit_enter(out, CNN_RULE_IDLE_STATES, most <= LATENCY_MOST, "%s%s%.0f us", deepest,
                        *deepest ? ", " : "", most);
}

static void audit_isolation(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    static const char path[] = "/sys/devices/system/cpu/isolated";
    char list[256];
    cpu_set_t isolated, both;
    FILE *f = cnn_root_open(root, path); /* without isolated CPUs the file is an empty line */
    if (!f) {
        cnn_audit_enter_unknown(out, CNN_RULE_ISOLATED);
        return;
    }
    fclose(f);
    if (!cnn_root_line(root, path, list, sizeof list) || !cnn_cpulist_parse(list, &isolated)) {
        cnn_audit_enter(out, CNN_RULE_ISOLATED, false, "none");
        return;
    }
    CPU_AND(&both, &isolated, cpus);
    cnn_audit_enter(out, CNN_RULE_ISOLATED, CPU_EQUAL(&both, cpus), "CPUs %.80s", list);
}

static void audit_thermal_events(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    char path[128];
    double count, sum = 0;
    bool known = false;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, cpus))
            continue;
        cpu_path(path, cpu, "thermal_throttle/core_throttle_count");
        if (!cnn_root_number(root, path, &count))
            continue;
        known = true;
        sum += count;
    }
    if (!known)
        cnn_audit_enter_unknown(out, CNN_RULE_THERMAL_EVENTS);
    else
        cnn_audit_enter(out, CNN_RULE_THERMAL_EVENTS, sum == 0, "%.0f", sum);
}

void cnn_audit_processor(const char *root, const cpu_set_t *cpus, cnn_audit *out)
{
    audit_governor(root, cpus, out);
    audit_smt(root, cpus, out);
    audit_idle_states(root, cpus, out);
    audit_isolation(root, cpus, out);
    audit_thermal_events(root, cpus, out);
}

static void audit_boost(const char *root, cnn_audit *out)
{
    double value;
    if (cnn_root_number(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", &value))
        cnn_audit_enter(out, CNN_RULE_BOOST, value != 0, "%s", value ? "off" : "on");
    else if (cnn_root_number(root, "/sys/devices/system/cpu/cpufreq/boost", &value))
        cnn_audit_enter(out, CNN_RULE_BOOST, value == 0, "%s", value ? "on" : "off");
    else
        cnn_audit_enter_unknown(out, CNN_RULE_BOOST);
}

bool cnn_audit_cpuinfo(const char *root, const char *key, char *value, size_t n)
{
    char line[4096];
    bool found = false;
    FILE *f = cnn_root_open(root, "/proc/cpuinfo");
    while (f && !found && fgets(line, sizeof line, f)) {
        const size_t length = strlen(key);
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, length) != 0 || !strchr("\t :", line[length]))
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(value, n, "%s", colon[1] ? colon + 2 : "");
        found = true;
    }
    if (f)
        fclose(f);
    return found;
}

void cnn_audit_processor_of_host(const char *root, cnn_audit *out)
{
    char microcode[64];
    audit_boost(root, out);
    if (cnn_audit_cpuinfo(root, "microcode", microcode, sizeof microcode))
        cnn_audit_enter(out, CNN_RULE_MICROCODE, true, "%s", microcode);
    else
        cnn_audit_enter_unknown(out, CNN_RULE_MICROCODE);
}
