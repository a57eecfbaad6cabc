/* SPDX-License-Identifier: Apache-2.0 */
/** A libnvidia-ml.so.1 whose GPUs are lines of the file named by $FAKE_NVML:
 *
 *    gpu KEY=VALUE;KEY=VALUE...     a GPU; those that follow `instance` are MIG instances of it
 *    instance KEY=VALUE;...
 *    init CODE                      nvmlInit fails with it
 *    driver VERSION
 *
 *  Keys: uuid, name, pci (0000:3b:00.0), cpus (a bit mask, hexadecimal); sm, mem, temp, power (mW),
 *  reasons: lists "1980,1500" of what successive calls tell, the last one for ever, "-" for not
 *  supported; persistence, ecc, rows ("0,0,0": uncorrectable,
 *  pending, failed), limit and default (mW), width ("16,16": now, at most), most (MHz), slowdown
 *  (degC), mps (clients): of a GPU's settings, not supported where they are left out;
 *  processes: a list of pids, in which "trainers" stands for the caller's; lost: after
 * so many calls of this GPU's clock everything says that the GPU is lost; broken: a code that its
 *  handle gives. Without the file there is no driver. Built with OLD_NVML it lacks what came late.
 */
#include "host/nvml_abi.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GPUS_MOST = 32, VALUES_MOST = 16, PIDS_MOST = 100 };

typedef struct {
    int count, next;
    bool supported[VALUES_MOST];
    unsigned long long values[VALUES_MOST];
} script;

struct nvmlDevice_st {
    char uuid[CNN_NVML_UUID_SIZE], name[CNN_NVML_NAME_SIZE];
    unsigned domain, bus, slot;
    unsigned long cpus;
    script sm, mem, temp, power, reasons;
    script persistence, ecc, rows, limit, default_limit, width, most, slowdown, mps;
    unsigned pids[PIDS_MOST];
    unsigned pid_count;
    bool trainers; /* the caller's count as well */
    int lost;      /* calls until it is; -1: never */
    unsigned broken;
    int parent; /* of an instance: index of its GPU's line; -1 */
};

static struct nvmlDevice_st devices[GPUS_MOST];
static int device_count;
static unsigned init_code;
static char driver[80] = "1.2.3";

/* ---- the file ------------------------------------------------------------------------------ */

static void read_script(script *s, char *list)
{
    for (char *word; (word = strsep(&list, ",")) != NULL && s->count < VALUES_MOST; s->count++) {
        s->supported[s->count] = strcmp(word, "-") != 0;
        s->values[s->count] = strtoull(word, NULL, 0);
    }
}

static void read_pids(struct nvmlDevice_st *d, char *list)
{
    for (char *word; (word = strsep(&list, ",")) != NULL;) {
        if (strcmp(word, "trainers") == 0)
            d->trainers = true;
        else if (d->pid_count < PIDS_MOST)
            d->pids[d->pid_count++] = (unsigned)strtoul(word, NULL, 10);
    }
}

static void read_key(struct nvmlDevice_st *d, const char *key, char *value)
{
    if (!strcmp(key, "uuid"))
        snprintf(d->uuid, sizeof d->uuid, "%s", value);
    else if (!strcmp(key, "name"))
        snprintf(d->name, sizeof d->name, "%s", value);
    else if (!strcmp(key, "pci"))
        sscanf(value, "%x:%x:%x", &d->domain, &d->bus, &d->slot);
    else if (!strcmp(key, "cpus"))
        d->cpus = strtoul(value, NULL, 16);
    else if (!strcmp(key, "sm"))
        read_script(&d->sm, value);
    else if (!strcmp(key, "mem"))
        read_script(&d->mem, value);
    else if (!strcmp(key, "temp"))
        read_script(&d->temp, value);
    else if (!strcmp(key, "power"))
        read_script(&d->power, value);
    else if (!strcmp(key, "reasons"))
        read_script(&d->reasons, value);
    else if (!strcmp(key, "persistence"))
        read_script(&d->persistence, value);
    else if (!strcmp(key, "ecc"))
        read_script(&d->ecc, value);
    else if (!strcmp(key, "rows"))
        read_script(&d->rows, value);
    else if (!strcmp(key, "limit"))
        read_script(&d->limit, value);
    else if (!strcmp(key, "default"))
        read_script(&d->default_limit, value);
    else if (!strcmp(key, "width"))
        read_script(&d->width, value);
    else if (!strcmp(key, "most"))
        read_script(&d->most, value);
    else if (!strcmp(key, "slowdown"))
        read_script(&d->slowdown, value);
    else if (!strcmp(key, "mps"))
        read_script(&d->mps, value);
    else if (!strcmp(key, "processes"))
        read_pids(d, value);
    else if (!strcmp(key, "lost"))
        d->lost = atoi(value);
    else if (!strcmp(key, "broken"))
        d->broken = (unsigned)atoi(value);
    else
        fprintf(stderr, "fake NVML: unknown key '%s'\n", key), abort();
}

static void read_device(char *keys, int parent)
{
    struct nvmlDevice_st *d = &devices[device_count];
    *d = (struct nvmlDevice_st){.lost = -1, .parent = parent};
    for (char *word; (word = strsep(&keys, ";")) != NULL;) {
        char *value = strchr(word, '=');
        if (value) {
            *value = '\0';
            read_key(d, word, value + 1);
        }
    }
    device_count++;
}

static bool read_devices(void)
{
    char line[1024];
    const char *path = getenv("FAKE_NVML");
    FILE *f = path ? fopen(path, "re") : NULL;
    int whole = -1;
    device_count = 0;
    init_code = 0;
    while (f && fgets(line, sizeof line, f) && device_count < GPUS_MOST) {
        line[strcspn(line, "\n")] = '\0';
        if (!strncmp(line, "gpu ", 4)) {
            whole = device_count;
            read_device(line + 4, -1);
        } else if (!strncmp(line, "instance ", 9)) {
            read_device(line + 9, whole);
        } else if (!strncmp(line, "init ", 5)) {
            init_code = (unsigned)atoi(line + 5);
        } else if (!strncmp(line, "driver ", 7)) {
            snprintf(driver, sizeof driver, "%.79s", line + 7);
        }
    }
    if (f)
        fclose(f);
    return f != NULL;
}

/* ---- the library --------------------------------------------------------------------------- */

#define EXPORT(...)                                                                                \
    __VA_ARGS__;                                                                                   \
    __attribute__((visibility("default"))) __VA_ARGS__

EXPORT(unsigned nvmlInit_v2(void))
{
    return read_devices() ? init_code : CNN_NVML_DRIVER_NOT_LOADED;
}

EXPORT(unsigned nvmlShutdown(void))
{
    return 0;
}

EXPORT(const char *nvmlErrorString(unsigned code))
{
    return code == CNN_NVML_GPU_IS_LOST         ? "GPU is lost"
           : code == CNN_NVML_DRIVER_NOT_LOADED ? "Driver Not Loaded"
                                                : "another error";
}

EXPORT(unsigned nvmlSystemGetDriverVersion(char *version, unsigned n))
{
    snprintf(version, n, "%s", driver);
    return 0;
}

static bool is_lost(struct nvmlDevice_st *d)
{
    return d->lost == 0 || (d->parent >= 0 && devices[d->parent].lost == 0);
}

EXPORT(unsigned nvmlDeviceGetCount_v2(unsigned *count))
{
    *count = 0;
    for (int i = 0; i < device_count; i++)
        *count += devices[i].parent < 0;
    return 0;
}

EXPORT(unsigned nvmlDeviceGetHandleByIndex_v2(unsigned index, cnn_nvml_device *device))
{
    for (int i = 0; i < device_count; i++) {
        if (devices[i].parent >= 0 || index-- > 0)
            continue;
        *device = &devices[i];
        return devices[i].broken;
    }
    return CNN_NVML_INVALID_ARGUMENT;
}

EXPORT(unsigned nvmlDeviceGetHandleByUUID(const char *uuid, cnn_nvml_device *device))
{
    for (int i = 0; i < device_count; i++) {
        if (strcmp(devices[i].uuid, uuid) == 0) {
            *device = &devices[i];
            return 0;
        }
    }
    return CNN_NVML_NOT_FOUND;
}

EXPORT(unsigned nvmlDeviceGetUUID(cnn_nvml_device d, char *uuid, unsigned n))
{
    snprintf(uuid, n, "%s", d->uuid);
    return 0;
}

EXPORT(unsigned nvmlDeviceGetName(cnn_nvml_device d, char *name, unsigned n))
{
    snprintf(name, n, "%s", d->name);
    return 0;
}

EXPORT(unsigned nvmlDeviceGetPciInfo_v3(cnn_nvml_device d, cnn_nvml_pci *pci))
{
    *pci = (cnn_nvml_pci){.domain = d->domain, .bus = d->bus, .device = d->slot};
    snprintf(pci->bus_id, sizeof pci->bus_id, "%08X:%02X:%02X.0", d->domain, d->bus, d->slot);
    return 0;
}

EXPORT(unsigned nvmlDeviceGetCpuAffinity(cnn_nvml_device d, unsigned words, unsigned long *set))
{
    memset(set, 0, words * sizeof *set);
    set[0] = d->cpus;
    return d->cpus ? 0 : CNN_NVML_NOT_SUPPORTED;
}

static int first_instance(const struct nvmlDevice_st *d)
{
    for (int i = 0; i < device_count; i++)
        if (devices[i].parent == d - devices)
            return i;
    return -1;
}

EXPORT(unsigned nvmlDeviceGetMigMode(cnn_nvml_device d, unsigned *now, unsigned *later))
{
    *now = *later = first_instance(d) >= 0;
    return *now ? 0 : CNN_NVML_NOT_SUPPORTED;
}

EXPORT(unsigned nvmlDeviceGetMaxMigDeviceCount(cnn_nvml_device d, unsigned *most))
{
    (void)d;
    *most = 7; /* more than there are, as on real ones */
    return 0;
}

EXPORT(unsigned nvmlDeviceGetMigDeviceHandleByIndex(cnn_nvml_device d, unsigned index,
                                                    cnn_nvml_device *instance))
{
    const int i = first_instance(d) + (int)index;
    if (i >= device_count || devices[i].parent != d - devices)
        return CNN_NVML_NOT_FOUND;
    *instance = &devices[i];
    return 0;
}

EXPORT(unsigned nvmlDeviceGetDeviceHandleFromMigDeviceHandle(cnn_nvml_device d,
                                                             cnn_nvml_device *whole))
{
    if (d->parent < 0)
        return CNN_NVML_INVALID_ARGUMENT;
    *whole = &devices[d->parent];
    return 0;
}

/** What the script says next. Instances have no clocks of their own. */
static unsigned tell(struct nvmlDevice_st *d, script *s, unsigned long long *value)
{
    if (is_lost(d))
        return CNN_NVML_GPU_IS_LOST;
    if (s->count == 0 || d->parent >= 0)
        return CNN_NVML_NOT_SUPPORTED;
    const int i = s->next < s->count ? s->next++ : s->count - 1;
    *value = s->values[i];
    return s->supported[i] ? 0 : CNN_NVML_NOT_SUPPORTED;
}

static unsigned tell_short(struct nvmlDevice_st *d, script *s, unsigned *value)
{
    unsigned long long wide = 0;
    const unsigned code = tell(d, s, &wide);
    *value = (unsigned)wide;
    return code;
}

EXPORT(unsigned nvmlDeviceGetClockInfo(cnn_nvml_device d, unsigned kind, unsigned *mhz))
{
    if (kind == CNN_NVML_CLOCK_SM && d->lost > 0)
        d->lost--;
    return kind == CNN_NVML_CLOCK_SM       ? tell_short(d, &d->sm, mhz)
           : kind == CNN_NVML_CLOCK_MEMORY ? tell_short(d, &d->mem, mhz)
                                           : CNN_NVML_INVALID_ARGUMENT;
}

EXPORT(unsigned nvmlDeviceGetTemperature(cnn_nvml_device d, unsigned sensor, unsigned *celsius))
{
    return sensor ? CNN_NVML_INVALID_ARGUMENT : tell_short(d, &d->temp, celsius);
}

EXPORT(unsigned nvmlDeviceGetPowerUsage(cnn_nvml_device d, unsigned *milliwatts))
{
    return tell_short(d, &d->power, milliwatts);
}

/** The n-th value of a list; not supported where the list is shorter. */
static unsigned tell_value(const struct nvmlDevice_st *d, const script *s, int n, unsigned *value)
{
    if (d->parent >= 0 || n >= s->count || !s->supported[n])
        return CNN_NVML_NOT_SUPPORTED;
    *value = (unsigned)s->values[n];
    return 0;
}

EXPORT(unsigned nvmlDeviceGetPersistenceMode(cnn_nvml_device d, unsigned *on))
{
    return tell_value(d, &d->persistence, 0, on);
}

EXPORT(unsigned nvmlDeviceGetEccMode(cnn_nvml_device d, unsigned *now, unsigned *later))
{
    *later = 0;
    return tell_value(d, &d->ecc, 0, now);
}

EXPORT(unsigned nvmlDeviceGetRemappedRows(cnn_nvml_device d, unsigned *correctable,
                                          unsigned *uncorrectable, unsigned *pending,
                                          unsigned *failed))
{
    *correctable = 0;
    return tell_value(d, &d->rows, 0, uncorrectable) | tell_value(d, &d->rows, 1, pending) |
           tell_value(d, &d->rows, 2, failed);
}

EXPORT(unsigned nvmlDeviceGetMaxClockInfo(cnn_nvml_device d, unsigned kind, unsigned *mhz))
{
    return kind == CNN_NVML_CLOCK_SM ? tell_value(d, &d->most, 0, mhz) : CNN_NVML_INVALID_ARGUMENT;
}

EXPORT(unsigned nvmlDeviceGetEnforcedPowerLimit(cnn_nvml_device d, unsigned *milliwatts))
{
    return tell_value(d, &d->limit, 0, milliwatts);
}

EXPORT(unsigned nvmlDeviceGetPowerManagementDefaultLimit(cnn_nvml_device d, unsigned *milliwatts))
{
    return tell_value(d, &d->default_limit, 0, milliwatts);
}

EXPORT(unsigned nvmlDeviceGetCurrPcieLinkWidth(cnn_nvml_device d, unsigned *lanes))
{
    return tell_value(d, &d->width, 0, lanes);
}

EXPORT(unsigned nvmlDeviceGetMaxPcieLinkWidth(cnn_nvml_device d, unsigned *lanes))
{
    return tell_value(d, &d->width, 1, lanes);
}

EXPORT(unsigned nvmlDeviceGetTemperatureThreshold(cnn_nvml_device d, unsigned kind,
                                                  unsigned *celsius))
{
    return kind == CNN_NVML_TEMPERATURE_SLOWDOWN ? tell_value(d, &d->slowdown, 0, celsius)
                                                 : CNN_NVML_INVALID_ARGUMENT;
}

EXPORT(unsigned nvmlDeviceGetMPSComputeRunningProcesses_v3(cnn_nvml_device d, unsigned *count,
                                                           cnn_nvml_process *processes))
{
    unsigned clients;
    const unsigned code = tell_value(d, &d->mps, 0, &clients);
    if (code)
        return code;
    for (unsigned i = 0; i < clients && i < *count; i++)
        processes[i] = (cnn_nvml_process){.pid = i + 1};
    *count = clients;
    return 0;
}

#ifdef OLD_NVML
EXPORT(unsigned nvmlDeviceGetCurrentClocksThrottleReasons(cnn_nvml_device d,
                                                          unsigned long long *bits))
#else
EXPORT(unsigned nvmlDeviceGetCurrentClocksEventReasons(cnn_nvml_device d, unsigned long long *bits))
#endif
{
    return tell(d, &d->reasons, bits);
}

#ifndef OLD_NVML
/** 0: the process is gone. */
static int parent_of(int pid)
{
    char path[300], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    text[f ? fread(text, 1, sizeof text - 1, f) : 0] = '\0';
    const char *end = strrchr(text, ')');
    if (!end || sscanf(end + 1, " %*c %d", &parent) != 1)
        parent = 0;
    if (f)
        fclose(f);
    return parent;
}

/** The trainers of the calling rank: children of the exec helpers that it has started. */
static void add_trainers(unsigned *pids, unsigned *count)
{
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && *count < PIDS_MOST && (entry = readdir(folder));) {
        const int pid = atoi(entry->d_name), helper = pid > 0 ? parent_of(pid) : 0;
        if (helper > 0 && parent_of(helper) == (int)getpid())
            pids[(*count)++] = (unsigned)pid;
    }
    if (folder)
        closedir(folder);
}

EXPORT(unsigned nvmlDeviceGetComputeRunningProcesses_v3(cnn_nvml_device d, unsigned *count,
                                                        cnn_nvml_process *processes))
{
    unsigned pids[PIDS_MOST], n = d->pid_count;
    if (is_lost(d))
        return CNN_NVML_GPU_IS_LOST;
    memcpy(pids, d->pids, sizeof pids);
    if (d->trainers)
        add_trainers(pids, &n);
    const unsigned room = *count;
    *count = n;
    if (n > room)
        return CNN_NVML_INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < n; i++)
        processes[i] = (cnn_nvml_process){.pid = pids[i]};
    return 0;
}
#endif
