/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into the tests that need a GPU: before main, ends the program with status 77 (CTest:
 * skipped) and a reason where none can be opened. */
#include "base/status.h"
#include "nn/ops.h"

#include <stdio.h>
#include <unistd.h>

enum { SKIPPED = 77 };

__attribute__((constructor)) static void skip_without_gpu(void)
{
    const cnn_ops_config config = {.threads = 1, .deterministic = true, .batch_sizes = {1}};
    cnn_ops *ops = NULL;
    if (cnn_ops_open(&config, &ops) == CNN_EENV) {
        printf("skipped: %s\n", cnn_error_message());
        fflush(stdout);
        _exit(SKIPPED);
    }
    cnn_ops_close(&ops); /* another failure is for the test to report */
}
