/* SPDX-License-Identifier: Apache-2.0 */
/** What may disturb measurements on a host, before any run: settings and states that /proc, /sys and
 *  NVML show. Everything is read; nothing is changed. */
#ifndef CNN_AUDIT_AUDIT_H
#define CNN_AUDIT_AUDIT_H

#include "base/status.h"
#include "host/nvml.h"

#include <stdbool.h>

typedef enum {
    CNN_AUDIT_ABSENT, /* the rule is not for this device, or another rank of the host answers it */
    CNN_AUDIT_FINE,   /* as wanted */
    CNN_AUDIT_DISTURBS, /* otherwise than wanted */
    CNN_AUDIT_UNKNOWN,  /* this host does not show it */
} cnn_audit_outcome;

/** What a rule looks at. */
typedef enum {
    CNN_AUDIT_HOST, /* the host as a whole: once a host */
    CNN_AUDIT_CPUS, /* the CPUs of the rank's runs */
    CNN_AUDIT_GPU,  /* the rank's GPU */
} cnn_audit_scope;

/** One rule; the texts are literals. */
typedef struct {
    const char *name; /* "governor": stable, for programs and job files */
    cnn_audit_scope scope;
    bool is_setting; /* what is found stays until somebody changes it, so that hosts and devices are
                           comparable; false: a state of the moment */
    const char *wanted; /* "performance" */
    const char *why;    /* a sentence: what it does to measurements */
    const char *how;    /* how it is mended, "" where nobody can; begins with "root: " where only
                           root can */
} cnn_audit_rule;

/** X(identifier, name, scope, is_setting, wanted, why, how) */
#define CNN_AUDIT_RULES(X)                                                                          \
    X(GOVERNOR, "governor", CPUS, true, "performance",                                              \
      "the clock follows the load, so that the first steps of a run are slower",                    \
      "root: cpupower frequency-set -g performance")                                                \
    X(BOOST, "boost", HOST, true, "off",                                                            \
      "the clock depends on how many other cores are busy and how warm they are",                   \
      "root: echo 0 > /sys/devices/system/cpu/cpufreq/boost (or 1 > .../intel_pstate/no_turbo)")    \
    X(SMT, "smt", CPUS, true, "off, or both threads the run's",                                     \
      "another process on a core's second thread takes a part of the core",                         \
      "root: echo off > /sys/devices/system/cpu/smt/control; Slurm: --hint=nomultithread")          \
    X(IDLE_STATES, "idle_states", CPUS, true, "exit latency of at most 50 us",                      \
      "a thread that waited for others wakes up late, by as much as the exit latency",              \
      "root: cpupower idle-set -D 50")                                                              \
    X(ISOLATED, "isolated", CPUS, true, "the run's CPUs",                                           \
      "the kernel may put other processes on the run's cores",                                      \
      "root: boot with isolcpus=..., or give the job a cpuset of its own")                          \
    X(INTERRUPTS, "interrupts", CPUS, false, "none on the run's CPUs",                              \
      "devices interrupt the run's cores",                                                          \
      "root: write other CPUs to /proc/irq/*/smp_affinity_list, and stop irqbalance")               \
    X(NUMA_BALANCING, "numa_balancing", HOST, true, "off",                                          \
      "the kernel unmaps pages to see who uses them, and moves them during the run",                \
      "root: sysctl kernel.numa_balancing=0")                                                       \
    X(HUGE_PAGES, "huge_pages", HOST, true, "madvise or never",                                     \
      "the kernel merges pages in the background, at other moments in each run",                    \
      "root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")                           \
    X(ASLR, "aslr", HOST, true, "full (2)",                                                         \
      "one memory layout for all runs is a bias; drawn anew for each run, its effect averages out", \
      "root: sysctl kernel.randomize_va_space=2")                                                   \
    X(SWAP, "swap", HOST, false, "nothing swapped out",                                             \
      "a page of a run that was swapped out costs milliseconds", "root: swapoff -a")                \
    X(CPU_QUOTA, "cpu_quota", HOST, true, "none",                                                   \
      "the kernel stops a run that has used its share until the next period begins",                \
      "ask for whole CPUs without a quota (containers: --cpuset-cpus instead of --cpus)")           \
    X(THROTTLED, "throttled", HOST, false, "0 s",                                                   \
      "a CPU quota has stopped processes of this cgroup", "see cpu_quota")                          \
    X(LOAD, "load", HOST, false, "below 0.5",                                                       \
      "other processes share caches, memory bandwidth and power with the runs",                     \
      "end them, or ask for the whole node (Slurm: --exclusive)")                                   \
    X(PRESSURE, "pressure", HOST, false, "below 1 % each",                                          \
      "processes wait for CPU, memory or disk",                                                     \
      "find out who uses them, or ask for the whole node")                                          \
    X(TEMPERATURE, "temperature", HOST, false, "15 degC below the first limit",                     \
      "a processor near its limit lowers its clock", "wait, or improve the cooling")                \
    X(THERMAL_EVENTS, "thermal_events", CPUS, false, "none since boot",                             \
      "a processor that became too hot has lowered its clock", "improve the cooling")               \
    X(VIRTUAL, "virtual", HOST, true, "bare metal",                                                 \
      "other guests share the machine, and clocks and temperatures may be hidden", "")              \
    X(STEAL, "steal", HOST, false, "below 0.1 % since boot",                                        \
      "the hypervisor gave the guest's CPUs to others", "ask for a dedicated host")                 \
    X(KERNEL, "kernel", HOST, true, "the same on all hosts", "", "")                                \
    X(MICROCODE, "microcode", HOST, true, "the same on all hosts", "", "")                          \
    X(GPU_DRIVER, "gpu_driver", GPU, true, "the same on all hosts", "", "")                         \
    X(PERSISTENCE, "persistence", GPU, true, "on",                                                  \
      "without clients the driver shuts the GPU down, and the next run starts cold",                \
      "root: nvidia-smi -pm 1, or nvidia-persistenced")                                             \
    X(GPU_CLOCKS, "gpu_clocks", GPU, true, "locked", "the clock follows temperature and power",     \
      "root: nvidia-smi -lgc MHZ (NVML does not show whether clocks are locked)")                   \
    X(POWER_LIMIT, "power_limit", GPU, true, "the default",                                         \
      "a lower limit lowers clocks under load", "root: nvidia-smi -pl WATTS")                       \
    X(ECC, "ecc", GPU, true, "on", "with ECC off, errors of the memory change results unseen",      \
      "root: nvidia-smi -e 1, then a reset of the GPU")                                             \
    X(REMAPPED_ROWS, "remapped_rows", GPU, true, "no uncorrectable, pending or failed",             \
      "the GPU's memory has had errors", "have the GPU checked")                                    \
    X(MIG, "mig", GPU, true, "a whole GPU", "other instances share the GPU's power and clocks",     \
      "root: nvidia-smi -mig 0")                                                                    \
    X(MPS, "mps", GPU, false, "no client",                                                          \
      "clients of an MPS server run at the same time on one GPU",                                   \
      "end the server: echo quit | nvidia-cuda-mps-control")                                        \
    X(GPU_PROCESSES, "gpu_processes", GPU, false, "none",                                           \
      "another process has a context on the GPU", "end it, or ask for another GPU")                 \
    X(PCIE_WIDTH, "pcie_width", GPU, true, "as many lanes as the GPU has",                          \
      "a link with fewer lanes copies images more slowly", "check the slot and the riser")          \
    X(GPU_TEMPERATURE, "gpu_temperature", GPU, false, "15 degC below the slowdown",                 \
      "a GPU near its limit lowers its clock", "wait, or improve the cooling")

#define CNN_AUDIT_ENUM(id, ...) CNN_RULE_##id,
typedef enum { CNN_AUDIT_RULES(CNN_AUDIT_ENUM) CNN_AUDIT_RULE_COUNT } cnn_audit_rule_id;
#undef CNN_AUDIT_ENUM

extern const cnn_audit_rule cnn_audit_rules[CNN_AUDIT_RULE_COUNT];

enum { CNN_AUDIT_FOUND_SIZE = 116 };

typedef struct {
    int outcome;                      /* cnn_audit_outcome */
    char found[CNN_AUDIT_FOUND_SIZE]; /* "" where that is unknown */
} cnn_audit_finding;

/** What one rank found, rule by rule. Plain data, sent between ranks as bytes. */
typedef struct {
    char host[64];
    char device[96]; /* "host cpus 0-1", or the GPU's UUID */
    cnn_audit_finding findings[CNN_AUDIT_RULE_COUNT];
} cnn_audit;

/** What a rank looks at. */
typedef struct {
    const char *root;     /* "" on a real machine, a folder in tests */
    const char *cpus;     /* those of its runs, as a list */
    bool answers_host;    /* whether this rank answers the rules of CNN_AUDIT_HOST */
    const cnn_nvml *nvml; /* watching its GPU (cnn_nvml_watch); NULL: it has none */
} cnn_audit_place;

/** Fills out->findings. Never fails: what cannot be read is CNN_AUDIT_UNKNOWN. Any thread; reads files,
 *  does not wait. */
void cnn_audit_look(const cnn_audit_place *place, cnn_audit *out);

#endif
