/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into the tests that need a GPU: where none can be opened it ends the program before main,
 * with the reason and status 77 (CTest: skipped), or with a failure where CNN_REQUIRE_GPU=1. */
#include "base/status.h"
#include "nn/ops.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 1, SKIPPED = 77 };

__attribute__((constructor)) static void skip_without_gpu(void)
{
    const cnn_ops_config config = {.threads = 1, .deterministic = true, .batch_sizes = {1}};
    cnn_ops *ops = NULL;
    if (cnn_ops_open(&config, &ops) == CNN_EENV) {
        const char *required = getenv("CNN_REQUIRE_GPU");
        const bool fails = required && strcmp(required, "1") == 0;
        printf("%s: %s\n", fails ? "failed, as CNN_REQUIRE_GPU=1" : "skipped", cnn_error_message());
        fflush(stdout);
        _exit(fails ? FAILED : SKIPPED);
    }
    cnn_ops_close(&ops); /* another failure is for the test to report */
}
