/* SPDX-License-Identifier: Apache-2.0 */
/** What the conformance tests share: an open device, values on both sides, comparisons. A test that
 *  fails leaves its rig behind; the process ends soon. */
#ifndef CNN_TESTS_CONFORMANCE_RIG_H
#define CNN_TESTS_CONFORMANCE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/ops.h"

/** Fails the test with the call and the error message unless it returns CNN_OK. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != CNN_OK)                                                                      \
            fail_msg("%s: %s", #call, cnn_error_message());                                        \
    } while (0)

enum { RIG_MEMORY = 128 };

typedef struct {
    cnn_ops *ops;
    cnn_precision precision; /* fp32, or what CNN_TEST_PRECISION says */
    char context[160];       /* the case at hand, for messages */
    int host_count, device_count;
    void *host[RIG_MEMORY], *device[RIG_MEMORY]; /* freed by rig_close */
} rig;

/** What rigs are opened with from now on: algorithms of an earlier one (cnn_ops_algorithms), so
 * that two devices compute alike; NULL, as at the beginning: each tunes for itself. Borrowed. */
extern const char *rig_algorithms;

/** Opens the device, with two threads, for batches of two sizes (tail 0: one size). */
void rig_open(rig *r, int batch, int tail);
void rig_close(rig *r);

/** The relative rounding of an operand: of float, or of TF32, which keeps ten bits. */
double rig_unit(const rig *r);

/** Values on the host that a float holds exactly: zeros; uniform in (low, high) from a stream. */
double *rig_zeros(rig *r, size_t n);
double *rig_random(rig *r, uint32_t stream, size_t n, double low, double high);

/** Values on the device: copies; NaN, to see that an output is overwritten. */
float *rig_upload(rig *r, const double *values, size_t n);
float *rig_garbage(rig *r, size_t n);
int32_t *rig_upload_int(rig *r, const int32_t *values, size_t n);
void rig_download(rig *r, const float *device, size_t n, float *host);

/** max |actual - expected| <= tolerance * max |expected|; NaN fails. */
void rig_compare_host(const rig *r, const char *what, const double *expected, const float *actual,
                      size_t n, double tolerance);
void rig_compare(rig *r, const char *what, const double *expected, const float *device, size_t n,
                 double tolerance);

/** The layer as cnn_network_infer completes it for this input. */
cnn_layer rig_layer(cnn_layer layer, cnn_shape input);

#endif
