/* SPDX-License-Identifier: Apache-2.0 */
#include "host/nvml.h"

#include "base/text.h"
#include "host/nvml_internal.h"
#include "host/proc.h"

#include <dlfcn.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- loading ------------------------------------------------------------------------------- */

#define CNN_NVML_MUST true
#define CNN_NVML_MAY  false

/** Finds a function; false where a needed one is missing. */
static bool find(void *library, bool needed, const char *symbol, void *member, const char **missing)
{
    void *address = dlsym(library, symbol);
    memcpy(member, &address, sizeof address);
    if (!address && needed && !*missing)
        *missing = symbol;
    return address != NULL;
}

static cnn_status find_functions(cnn_nvml *n)
{
    cnn_status st = CNN_OK;
    const char *missing = NULL;
#define FIND(need, member, symbol, arguments)                                                      \
    find(n->library, CNN_NVML_##need, #symbol, &n->api.member, &missing);
    CNN_NVML_FUNCTIONS(FIND)
    CNN_NVML_STRUCT_FUNCTIONS(FIND)
#undef FIND
    find(n->library, true, "nvmlErrorString", &n->api.error_text, &missing);
    CNN_CHECK(!missing, CNN_EENV,
              "NVML on this host has no %s: its driver is too old, or not NVIDIA's", missing);
done:
    return st;
}

static const char *text_of(const cnn_nvml *n, unsigned code)
{
    const char *text = n->api.error_text(code);
    return text ? text : "unknown error";
}

cnn_status cnn_nvml_open(const char *library, cnn_nvml **out)
{
    cnn_status st = CNN_OK;
    unsigned code;
    cnn_nvml *n = calloc(1, sizeof *n);
    CNN_CHECK(n != NULL, CNN_ENOMEM, "NVML");
    library = library ? library : "libnvidia-ml.so.1";
    n->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    CNN_CHECK(n->library, CNN_EENV, "there is no %s on this host", library);
    CNN_TRY(find_functions(n));
    code = n->api.init();
    CNN_CHECK(code == CNN_NVML_SUCCESS, CNN_EENV, "NVML cannot start: %s", text_of(n, code));
    n->running = true;
    if (n->api.driver_version(n->driver, sizeof n->driver) != CNN_NVML_SUCCESS)
        n->driver[0] = '\0';
    *out = n;
    n = NULL;
done:
    cnn_nvml_close(&n);
    return st;
}

void cnn_nvml_close(cnn_nvml **nvml)
{
    cnn_nvml *n = *nvml;
    if (!n)
        return;
    if (n->running)
        n->api.shutdown();
    if (n->library)
        dlclose(n->library);
    free(n);
    *nvml = NULL;
}

const char *cnn_nvml_driver(const cnn_nvml *nvml)
{
    return nvml->driver;
}

/* ---- listing ------------------------------------------------------------------------------- */

#define CNN_NVML(n, what, call)                                                                    \
    do {                                                                                           \
        const unsigned code_ = (call);                                                             \
        CNN_CHECK(code_ == CNN_NVML_SUCCESS, CNN_EENV, "%s: NVML: %s", (what),                     \
                  text_of((n), code_));                                                            \
    } while (0)

/** The CPUs near a device as NVML reports them, where /sys does not. */
static void read_affinity(const cnn_nvml *n, cnn_nvml_device device, char *list, size_t size)
{
    enum { BITS = 8 * sizeof(unsigned long), WORDS = CPU_SETSIZE / BITS };
    unsigned long words[WORDS] = {0};
    cnn_text text = {0};
    if (!n->api.affinity || n->api.affinity(device, WORDS, words) != CNN_NVML_SUCCESS)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        int last = cpu;
        if (!(words[cpu / BITS] >> (cpu % BITS) & 1))
            continue;
        while (last + 1 < CPU_SETSIZE && (words[(last + 1) / BITS] >> ((last + 1) % BITS) & 1))
            last++;
        cnn_text_printf(&text, text.len ? ",%d" : "%d", cpu);
        if (last > cpu)
            cnn_text_printf(&text, "-%d", last);
        cpu = last;
    }
    if (text.s && text.len < size)
        cnn_copy_string(list, size, text.s);
    cnn_text_free(&text);
}

/** A whole GPU, while the list is made. */
typedef struct {
    cnn_nvml_device device;
    cnn_nvml_pci pci;
    cnn_gpu gpu;
} whole_gpu;

/** Where a GPU is attached. */
static cnn_status locate(const cnn_nvml *n, const char *root, whole_gpu *w)
{
    cnn_status st = CNN_OK;
    cnn_gpu *gpu = &w->gpu;
    CNN_NVML(n, "PCI address", n->api.pci(w->device, &w->pci));
    snprintf(gpu->pci, sizeof gpu->pci, "%04x:%02x:%02x.0", w->pci.domain & 0xffffff,
             w->pci.bus & 0xff, w->pci.device & 0xff);
    gpu->numa_node = cnn_proc_pci_node(root, gpu->pci);
    cnn_proc_pci_cpus(root, gpu->pci, gpu->cpus, sizeof gpu->cpus);
    if (!gpu->cpus[0])
        read_affinity(n, w->device, gpu->cpus, sizeof gpu->cpus);
done:
    return st;
}

static cnn_status identify(const cnn_nvml *n, cnn_nvml_device device, cnn_gpu *gpu)
{
    cnn_status st = CNN_OK;
    CNN_NVML(n, "UUID", n->api.uuid(device, gpu->uuid, sizeof gpu->uuid));
    CNN_NVML(n, "name", n->api.name(device, gpu->name, sizeof gpu->name));
done:
    return st;
}

static bool is_divided(const cnn_nvml *n, cnn_nvml_device device)
{
    unsigned now = 0, later = 0;
    return n->api.mig_mode && n->api.mig_mode(device, &now, &later) == CNN_NVML_SUCCESS &&
           now == CNN_NVML_MIG_ENABLED;
}

/** Appends the instances of a GPU in MIG mode; places without one are passed over. */
static cnn_status list_instances(const cnn_nvml *n, cnn_nvml_device device, const cnn_gpu *whole,
                                 cnn_gpu *gpus, int *count)
{
    cnn_status st = CNN_OK;
    unsigned most = 0;
    if (!n->api.mig_most || !n->api.mig_by_index ||
        n->api.mig_most(device, &most) != CNN_NVML_SUCCESS)
        return CNN_OK;
    for (unsigned i = 0; i < most && *count < CNN_GPUS_MOST; i++) {
        cnn_nvml_device instance;
        cnn_gpu *gpu = &gpus[*count];
        if (n->api.mig_by_index(device, i, &instance) != CNN_NVML_SUCCESS)
            continue;
        *gpu = *whole;
        gpu->instance = true;
        gpu->divided = false;
        CNN_TRY(identify(n, instance, gpu));
        ++*count;
    }
done:
    return st;
}

/** Describes a GPU. *there: false for one that this process must not use (a batch system confines
 *  it), which NVML counts all the same. */
static cnn_status describe(const cnn_nvml *n, const char *root, unsigned index, whole_gpu *w,
                           bool *there)
{
    cnn_status st = CNN_OK;
    *w = (whole_gpu){.gpu.numa_node = -1};
    const unsigned code = n->api.by_index(index, &w->device);
    *there = code != CNN_NVML_NO_PERMISSION;
    if (!*there)
        return CNN_OK;
    CNN_NVML(n, "handle", code);
    CNN_TRY(locate(n, root, w));
    CNN_TRY(identify(n, w->device, &w->gpu));
    w->gpu.divided = is_divided(n, w->device);
done:
    return st;
}

static int by_address(const void *a, const void *b)
{
    const cnn_nvml_pci *p = &((const whole_gpu *)a)->pci, *q = &((const whole_gpu *)b)->pci;
    return p->domain != q->domain ? (p->domain < q->domain ? -1 : 1)
           : p->bus != q->bus     ? (p->bus < q->bus ? -1 : 1)
                                  : (int)p->device - (int)q->device;
}

static cnn_status describe_all(const cnn_nvml *n, const char *root, whole_gpu *all, int *count)
{
    cnn_status st = CNN_OK;
    unsigned total = 0;
    bool there;
    CNN_NVML(n, "the number of GPUs", n->api.count(&total));
    for (unsigned i = 0; i < total && *count < CNN_GPUS_MOST; i++) {
        st = describe(n, root, i, &all[*count], &there);
        if (st != CNN_OK) {
            cnn_error_prefix(st, "GPU %u of this host", i);
            goto done;
        }
        *count += there;
    }
    /* NVML promises no order. */
    qsort(all, (size_t)*count, sizeof *all, by_address);
done:
    return st;
}

cnn_status cnn_nvml_list(const cnn_nvml *n, const char *root, cnn_gpu *gpus, int *count)
{
    cnn_status st = CNN_OK;
    int wholes = 0;
    whole_gpu *all = calloc(CNN_GPUS_MOST, sizeof *all);
    *count = 0;
    CNN_CHECK(all != NULL, CNN_ENOMEM, "a list of GPUs");
    CNN_TRY(describe_all(n, root, all, &wholes));
    for (int i = 0; i < wholes && *count < CNN_GPUS_MOST; i++) {
        cnn_gpu *gpu = &gpus[(*count)++];
        *gpu = all[i].gpu;
        gpu->index = i;
        if (gpu->divided)
            CNN_TRY(list_instances(n, all[i].device, gpu, gpus, count));
    }
done:
    free(all);
    return st;
}

/* ---- watching ------------------------------------------------------------------------------ */

cnn_status cnn_nvml_watch(cnn_nvml *n, const char *uuid)
{
    cnn_status st = CNN_OK;
    cnn_nvml_device whole;
    n->watched = NULL;
    CNN_NVML(n, uuid, n->api.by_uuid(uuid, &n->watched));
    n->whole = n->watched;
    if (n->api.mig_parent && strncmp(uuid, "MIG-", 4) == 0 &&
        n->api.mig_parent(n->watched, &whole) == CNN_NVML_SUCCESS)
        n->whole = whole;
done:
    return st;
}

/** Whether NVML returned a figure; remembers a GPU that is lost. */
static bool returned(unsigned code, cnn_gpu_sample *out)
{
    if (code == CNN_NVML_GPU_IS_LOST)
        out->lost = true;
    return code == CNN_NVML_SUCCESS;
}

static double clock_of(const cnn_nvml *n, unsigned kind, cnn_gpu_sample *out)
{
    unsigned mhz;
    return n->api.clock && returned(n->api.clock(n->whole, kind, &mhz), out) ? mhz : NAN;
}

static int64_t reasons_of(const cnn_nvml *n, cnn_gpu_sample *out)
{
    unsigned long long
        bits; /* the function's old name goes with NVML 13, its new one came with 535 */
    if (n->api.event_reasons && returned(n->api.event_reasons(n->whole, &bits), out))
        return (int64_t)bits;
    if (!n->api.event_reasons && n->api.throttle_reasons &&
        returned(n->api.throttle_reasons(n->whole, &bits), out))
        return (int64_t)bits;
    return -1;
}

static void list_processes(const cnn_nvml *n, cnn_gpu_sample *out)
{
    cnn_nvml_process processes[CNN_GPU_PROCESSES_MOST];
    unsigned count = CNN_GPU_PROCESSES_MOST;
    out->process_count = -1;
    if (!n->api.processes)
        return;
    const unsigned code = n->api.processes(n->watched, &count, processes);
    if (!returned(code, out))
        return;
    out->process_count = 0;
    for (unsigned i = 0; i < count && i < CNN_GPU_PROCESSES_MOST; i++) {
        const unsigned long long bytes = processes[i].used_memory; /* all bits set: unknown */
        out->memory[out->process_count] = bytes <= INT64_MAX ? (int64_t)bytes : -1;
        out->pids[out->process_count++] = (int)processes[i].pid;
    }
}

void cnn_nvml_sample(const cnn_nvml *n, cnn_gpu_sample *out)
{
    unsigned value;
    *out = (cnn_gpu_sample){.temperature = NAN, .power = NAN, .reasons = -1, .process_count = -1};
    out->sm_clock = out->memory_clock = NAN;
    if (!n->watched)
        return;
    out->sm_clock = clock_of(n, CNN_NVML_CLOCK_SM, out);
    if (out->lost)
        return; /* the other calls would fail as well, perhaps slowly */
    out->memory_clock = clock_of(n, CNN_NVML_CLOCK_MEMORY, out);
    if (n->api.temperature &&
        returned(n->api.temperature(n->whole, CNN_NVML_TEMPERATURE_GPU, &value), out))
        out->temperature = value;
    if (n->api.power && returned(n->api.power(n->whole, &value), out))
        out->power = 1e-3 * value; /* from milliwatts */
    out->reasons = reasons_of(n, out);
    list_processes(n, out);
}
