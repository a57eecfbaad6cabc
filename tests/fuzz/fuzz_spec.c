/* SPDX-License-Identifier: Apache-2.0 */
/* Run specifications: what is read is written and read again, and is the same. */
#include "fuzz.h"

#include "protocol/spec.h"

#include <stdlib.h>
#include <string.h>

static int same_source(const cnn_source *a, const cnn_source *b)
{
    return a->type == b->type && a->scale == b->scale && a->limit == b->limit &&
           a->test_limit == b->test_limit && a->split_seed == b->split_seed &&
           a->split == b->split && a->height == b->height && a->width == b->width &&
           a->channels == b->channels && a->classes == b->classes && a->count == b->count &&
           (a->type == CNN_SOURCE_IDX || a->test_fraction == b->test_fraction);
}

static int same(const cnn_spec *a, const cnn_spec *b)
{
    return a->run == b->run && a->path == b->path && a->seed == b->seed &&
           a->threads == b->threads && strcmp(a->framework, b->framework) == 0 &&
           a->train.epochs == b->train.epochs && a->train.momentum == b->train.momentum &&
           a->train.learning_rate == b->train.learning_rate && same_source(&a->source, &b->source);
}

static void write_and_read(const cnn_spec *spec)
{
    cnn_text first = {0}, second = {0};
    cnn_spec again;
    cnn_spec_write(spec, &first);
    MUST(cnn_text_status(&first) == CNN_OK);
    MUST(cnn_spec_parse(first.s, &again) == CNN_OK);
    MUST(same(spec, &again));
    cnn_spec_write(&again, &second);
    MUST(strcmp(first.s, second.s) == 0);
    cnn_spec_free(&again);
    cnn_text_free(&second);
    cnn_text_free(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cnn_spec spec;
    char *text = malloc(size + 1);
    MUST(text);
    memcpy(text, data, size);
    text[size] = '\0';
    if (cnn_spec_parse(text, &spec) == CNN_OK) {
        write_and_read(&spec);
        cnn_spec_free(&spec);
    }
    free(text);
    return 0;
}
