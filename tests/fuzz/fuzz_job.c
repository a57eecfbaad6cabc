/* SPDX-License-Identifier: Apache-2.0 */
/* Job files. What follows a byte 1 is an argument of --set; at most four. */
#include "fuzz.h"

#include "design/design.h"

#include <stdlib.h>
#include <string.h>

enum { OVERRIDES = 4, RUNS = 2000, DEVICES = 3 };

/** A job may have a million runs; that is slow, and not what is looked for. */
static int is_small(const cnn_job *job)
{
    double runs = job->crossed ? job->crossed * DEVICES : job->repeats;
    for (int f = 0; f < job->factor_count; f++)
        runs *= job->factors[f].level_count;
    return runs + job->schedule.warmup * 100.0 <= RUNS;
}

static void lay_out(const cnn_job *job)
{
    cnn_design *design = NULL;
    cnn_text text = {0};
    if (cnn_design_create(job, DEVICES, &design) != CNN_OK)
        return;
    MUST(design->run_count > 0);
    for (int run = 0; run < design->run_count; run++) {
        cnn_treatment t = cnn_job_treatment(job, design->cells[design->runs[run].cell].levels);
        MUST(t.framework && t.architecture && t.train.epochs > 0);
        cnn_text_printf(&text, "%s", t.framework->name);
    }
    cnn_text_free(&text);
    cnn_design_destroy(&design);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *overrides[OVERRIDES + 1] = {NULL};
    cnn_job *job = NULL;
    char *text = malloc(size + 1);
    MUST(text);
    memcpy(text, data, size);
    text[size] = '\0';
    size_t length = size;
    int n = 0;
    for (size_t i = 0; i < size && n < OVERRIDES; i++)
        if (text[i] == 1) {
            text[i] = '\0';
            length = n ? length : i;
            overrides[n++] = text + i + 1;
        }
    if (cnn_job_read(fuzz_file(text, length), overrides, &job) == CNN_OK) {
        if (is_small(job))
            lay_out(job);
        cnn_job_destroy(&job);
    } else {
        MUST(job == NULL && *cnn_error_message());
    }
    free(text);
    return 0;
}
