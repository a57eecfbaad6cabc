/* SPDX-License-Identifier: Apache-2.0 */
/* One trivial kernel on the GPU. A tool of the machine that cannot watch even this program is refused
 * by the machine, and a test under that tool says nothing (bench/gpu-host/step.sh). Exit status 3: no
 * usable GPU. */
#include "gpu/kernels/kernels.h"
#include "nn/ops.h"

#include <cuda_runtime_api.h>
#include <math.h>
#include <stdio.h>

enum { SIZE = 1000, NO_GPU = 3 };

static cnn_status run(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    void *values = NULL;
    float host[SIZE];
    CNN_TRY(cnn_ops_alloc(ops, sizeof host, "the probe's values", &values));
    CNN_CHECK(cnn_gpu_fill_random(NULL, SIZE, 1, values) == cudaSuccess, CNN_EBACKEND,
              "a kernel cannot be launched: %s", cudaGetErrorString(cudaGetLastError()));
    CNN_TRY(cnn_ops_download(ops, host, values, sizeof host));
    for (int i = 0; i < SIZE; i++)
        CNN_CHECK(isfinite(host[i]) && host[i] != 0.0f, CNN_EBACKEND, "value %d is %g", i,
                  (double)host[i]);
done:
    cnn_ops_free(ops, &values);
    return st;
}

int main(void)
{
    const cnn_ops_config config = {.threads = 1, .deterministic = true, .batch_sizes = {1}};
    cnn_ops *ops = NULL;
    cnn_ops_info info;
    cnn_status st = cnn_ops_open(&config, &ops);
    if (st == CNN_OK)
        st = run(ops);
    if (st == CNN_OK) {
        cnn_ops_describe(ops, &info);
        printf("%s on %s\n", info.version, info.device);
    } else {
        fprintf(stderr, "cnnbench-probe: %s\n", cnn_error_message());
    }
    cnn_ops_close(&ops);
    return st == CNN_OK ? 0 : st == CNN_EENV ? NO_GPU : 1;
}
