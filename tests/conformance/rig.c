/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include "base/philox.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *rig_algorithms;

static cnn_precision wanted_precision(void)
{
    const char *name = getenv("CNN_TEST_PRECISION");
    return name && strcmp(name, "tf32") == 0 ? CNN_PRECISION_TF32 : CNN_PRECISION_FP32;
}

/* Timing candidates takes long where there is no GPU, and each opening may end with others. */
static bool wanted_autotune(void)
{
    const char *wanted = getenv("CNN_TEST_AUTOTUNE");
    return !wanted || strcmp(wanted, "0") != 0;
}

double rig_unit(const rig *r)
{
    return r->precision == CNN_PRECISION_TF32 ? 0x1p-11 : (double)FLT_EPSILON;
}

void rig_open(rig *r, int batch, int tail)
{
    memset(r, 0, sizeof *r);
    r->precision = wanted_precision();
    cnn_ops_config config = {.threads = 2,
                             .precision = r->precision,
                             .deterministic = true,
                             .autotune = wanted_autotune(),
                             .algorithms = rig_algorithms,
                             .batch_sizes = {batch, tail}};
    OK(cnn_ops_open(&config, &r->ops));
}

void rig_close(rig *r)
{
    for (int i = 0; i < r->device_count; i++)
        cnn_ops_free(r->ops, &r->device[i]);
    for (int i = 0; i < r->host_count; i++)
        free(r->host[i]);
    cnn_ops_close(&r->ops);
    assert_null(r->ops);
}

double *rig_zeros(rig *r, size_t n)
{
    double *values = calloc(n ? n : 1, sizeof *values);
    assert_non_null(values);
    assert_true(r->host_count < RIG_MEMORY);
    return r->host[r->host_count++] = values;
}

double *rig_random(rig *r, uint32_t stream, size_t n, double low, double high)
{
    double *values = rig_zeros(r, n);
    for (size_t i = 0; i < n; i++) {
        double u = cnn_random_unit(cnn_random_word(20180601, CNN_RANDOM_SYNTHETIC, stream, i));
        values[i] = (double)(float)(low + (high - low) * u);
    }
    return values;
}

static void *allocate(rig *r, size_t bytes)
{
    void *memory = NULL;
    assert_true(r->device_count < RIG_MEMORY);
    OK(cnn_ops_alloc(r->ops, bytes, "a test's values", &memory));
    return r->device[r->device_count++] = memory;
}

static float *upload_floats(rig *r, const float *values, size_t n)
{
    float *device = allocate(r, n * sizeof *values);
    OK(cnn_ops_upload(r->ops, device, values, n * sizeof *values));
    return device;
}

float *rig_upload(rig *r, const double *values, size_t n)
{
    float *rounded = calloc(n ? n : 1, sizeof *rounded);
    assert_non_null(rounded);
    for (size_t i = 0; i < n; i++)
        rounded[i] = (float)values[i];
    float *device = upload_floats(r, rounded, n);
    free(rounded);
    return device;
}

float *rig_garbage(rig *r, size_t n)
{
    float *values = calloc(n ? n : 1, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < n; i++)
        values[i] = NAN;
    float *device = upload_floats(r, values, n);
    free(values);
    return device;
}

int32_t *rig_upload_int(rig *r, const int32_t *values, size_t n)
{
    int32_t *device = allocate(r, n * sizeof *values);
    OK(cnn_ops_upload(r->ops, device, values, n * sizeof *values));
    return device;
}

void rig_download(rig *r, const float *device, size_t n, float *host)
{
    OK(cnn_ops_sync(r->ops));
    OK(cnn_ops_download(r->ops, host, device, n * sizeof *host));
}

void rig_compare_host(const rig *r, const char *what, const double *expected, const float *actual,
                      size_t n, double tolerance)
{
    double largest = FLT_MIN; /* below it floats lose their digits */
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)actual[i] - expected[i]) <= tolerance * largest))
            fail_msg("%s: %s: value %zu of %zu is %.9g, not %.9g (largest %.3g, tolerance %g)",
                     r->context, what, i, n, (double)actual[i], expected[i], largest, tolerance);
}

void rig_compare(rig *r, const char *what, const double *expected, const float *device, size_t n,
                 double tolerance)
{
    float *actual = calloc(n ? n : 1, sizeof *actual);
    assert_non_null(actual);
    rig_download(r, device, n, actual);
    rig_compare_host(r, what, expected, actual, n, tolerance);
    free(actual);
}

cnn_layer rig_layer(cnn_layer layer, cnn_shape input)
{
    cnn_network net = {
        .name = "test", .layer_count = 2, .layers = {layer, {.kind = CNN_LAYER_DENSE}}};
    OK(cnn_network_infer(&net, input, 2));
    return net.layers[0];
}
