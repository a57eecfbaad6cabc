/* SPDX-License-Identifier: Apache-2.0 */
/* The device: oneDNN's engine, threads, memory. */
#include "cpu/onednn/device.h"

#include "cpu/onednn/team.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static void read_processor(char *s, size_t n)
{
    char line[256];
    cnn_copy_string(s, n, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        colon += strspn(colon, ": \t");
        colon[strcspn(colon, "\n")] = '\0';
        cnn_copy_string(s, n, colon);
        break;
    }
    fclose(f);
}

static void collect_sizes(cnn_ops *ops)
{
    for (int i = 0; i < CNN_MAX_BATCH_SIZES; i++) {
        int size = ops->config.batch_sizes[i], at = 0;
        while (at < ops->size_count && ops->sizes[at] > size)
            at++;
        if (size <= 0 || (at < ops->size_count && ops->sizes[at] == size))
            continue;
        for (int k = ops->size_count++; k > at; k--)
            ops->sizes[k] = ops->sizes[k - 1];
        ops->sizes[at] = size;
    }
}

cnn_status cnn_ops_open(const cnn_ops_config *config, cnn_ops **out)
{
    cnn_status st = CNN_OK;
    cnn_ops *ops = NULL;
    CNN_CHECK(config && out, CNN_EINVAL, "config and out must not be NULL");
    CNN_CHECK(config->threads > 0, CNN_EINVAL, "threads must be 1 or more, not %d",
              config->threads);
    CNN_CHECK(config->precision == CNN_PRECISION_FP32, CNN_EUSAGE,
              "precision %s needs a GPU; the CPU backend computes in fp32",
              cnn_precision_names[config->precision]);
    CNN_CHECK((ops = calloc(1, sizeof *ops)), CNN_ENOMEM, "the CPU backend");
    ops->config = *config;
    collect_sizes(ops);
    CNN_CHECK(ops->size_count > 0, CNN_EINVAL, "no batch size given");
    CNN_TRY(cnn_cpu_team_set(config->threads));
    CNN_TRY(cnn_dnn_open(&ops->dnn));
    ops->dnn_open = true;
    cnn_copy_string(ops->info.backend, sizeof ops->info.backend, "onednn");
    cnn_dnn_version(ops->info.version, sizeof ops->info.version);
    read_processor(ops->info.device, sizeof ops->info.device);
    ops->info.threads = config->threads;
    *out = ops;
    ops = NULL;
done:
    cnn_ops_close(&ops);
    return st;
}

void cnn_ops_close(cnn_ops **ops)
{
    if (!*ops)
        return;
    if ((*ops)->dnn_open)
        cnn_dnn_close(&(*ops)->dnn);
    free(*ops);
    *ops = NULL;
}

void cnn_ops_describe(const cnn_ops *ops, cnn_ops_info *out)
{
    *out = ops->info;
}

int cnn_ops_max_batch(const cnn_ops *ops)
{
    return ops->sizes[0];
}

cnn_status cnn_ops_algorithms(const cnn_ops *ops, cnn_text *out)
{
    (void)ops; /* nothing to choose */
    (void)out;
    return CNN_OK;
}

cnn_status cnn_ops_timings(const cnn_ops *ops, cnn_text *out)
{
    (void)ops; /* nothing is timed */
    (void)out;
    return CNN_OK;
}

cnn_status cnn_ops_sync(cnn_ops *ops)
{
    (void)ops; /* every operation has ended when its function returns */
    return CNN_OK;
}

cnn_status cnn_cpu_alloc(size_t bytes, const char *what, void **out)
{
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = rounded < bytes ? NULL : aligned_alloc(ALIGNMENT, rounded ? rounded : ALIGNMENT);
    if (!memory)
        return cnn_error_set(CNN_ENOMEM, "%zu bytes for %s", bytes, what);
    memset(memory, 0, rounded ? rounded : ALIGNMENT);
    *out = memory;
    return CNN_OK;
}

cnn_status cnn_cpu_floats(size_t count, const char *what, float **out)
{
    void *memory = NULL;
    cnn_status st = count > SIZE_MAX / sizeof(float)
                        ? cnn_error_set(CNN_ENOMEM, "%zu values for %s", count, what)
                        : cnn_cpu_alloc(count * sizeof(float), what, &memory);
    *out = memory;
    return st;
}

void cnn_cpu_share(size_t count, size_t grain, size_t *begin, size_t *end)
{
    const size_t threads = (size_t)omp_get_num_threads(), me = (size_t)omp_get_thread_num();
    const size_t grains = (count + grain - 1) / grain;
    const size_t from = grains * me / threads * grain, to = grains * (me + 1) / threads * grain;
    *begin = from < count ? from : count;
    *end = to < count ? to : count;
}

cnn_status cnn_ops_alloc(cnn_ops *ops, size_t bytes, const char *what, void **out)
{
    (void)ops;
    return cnn_cpu_alloc(bytes, what, out);
}

void cnn_ops_free(cnn_ops *ops, void **memory)
{
    (void)ops;
    free(*memory);
    *memory = NULL;
}

cnn_status cnn_ops_upload(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    (void)ops;
    if (bytes)
        memcpy(to, from, bytes);
    return CNN_OK;
}

cnn_status cnn_ops_download(cnn_ops *ops, void *to, const void *from, size_t bytes)
{
    return cnn_ops_upload(ops, to, from, bytes);
}

cnn_status cnn_ops_zero(cnn_ops *ops, void *memory, size_t bytes)
{
    (void)ops;
    if (bytes)
        memset(memory, 0, bytes);
    return CNN_OK;
}

cnn_status cnn_cpu_size_index(const cnn_ops *ops, int n, int *index)
{
    for (int i = 0; i < ops->size_count; i++) {
        if (ops->sizes[i] == n) {
            *index = i;
            return CNN_OK;
        }
    }
    return cnn_error_set(CNN_EINVAL, "batch of %d images: the backend was not opened for this size",
                         n);
}
