/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/algorithms.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------- */

static cnn_status malformed(const char *what, const char *at)
{
    return cnn_error_set(CNN_EUSAGE, "the frozen algorithms are malformed: %s expected at '%.40s'",
                         what, at);
}

/* A whole number without sign or spaces; *at moves behind it. */
static bool read_number(const char **at, int64_t *out)
{
    char *end = NULL;
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    const long long value = strtoll(*at, &end, 10);
    *out = value;
    *at = end;
    return errno == 0;
}

static cnn_status read_version(const char **at, size_t version)
{
    static const char prefix[] = "cudnn=";
    int64_t found = 0;
    if (strncmp(*at, prefix, sizeof prefix - 1) != 0)
        return malformed("cudnn=VERSION", *at);
    *at += sizeof prefix - 1;
    if (!read_number(at, &found))
        return malformed("a version", *at);
    if ((size_t)found != version)
        return cnn_error_set(
            CNN_EUSAGE,
            "the algorithms were frozen with cuDNN %lld, but this is cuDNN %zu: use "
            "the same library, or start a new results file",
            (long long)found, version);
    return CNN_OK;
}

static cnn_status read_knobs(const char **at, cnn_cudnn_engine *engine)
{
    while (**at == ',') {
        (*at)++;
        if (engine->knob_count == CNN_MAX_KNOBS)
            return malformed("fewer knobs", *at);
        const int i = engine->knob_count++;
        if (!read_number(at, &engine->knobs[i].type) || **at != ':')
            return malformed("KNOB:VALUE", *at);
        (*at)++;
        if (!read_number(at, &engine->knobs[i].value))
            return malformed("a knob's value", *at);
    }
    return CNN_OK;
}

/* An engine is 'e' or 'p' and a digit; anything else is a name. */
static bool is_engine(const char *at)
{
    return (at[0] == 'e' || at[0] == 'p') && isdigit((unsigned char)at[1]);
}

static cnn_status read_own(const char **at, cnn_algorithm *out)
{
    const size_t length = strcspn(*at, ";");
    out->kind = CNN_ALGORITHM_OWN;
    out->own = cnn_own_convolution_named(*at, length);
    if (!out->own)
        return malformed("an own kernel's name, eNUMBER or pNUMBER", *at);
    *at += length;
    return CNN_OK;
}

static const char *const mode_names[CNN_CAPTURE_MODES] = {
    [0] = "plain",
    [CNN_CAPTURE_BRANCHES] = "branches",
    [CNN_CAPTURE_DEPENDENT] = "dependent",
    [CNN_CAPTURE_BRANCHES | CNN_CAPTURE_DEPENDENT] = "branches+dependent",
    [CNN_CAPTURE_EARLY] = "early",
    [CNN_CAPTURE_BRANCHES | CNN_CAPTURE_EARLY] = "branches+early",
};

const char *cnn_capture_mode_name(unsigned mode)
{
    return mode_names[mode];
}

static cnn_status read_mode(const char **at, cnn_algorithm *out)
{
    const size_t length = strcspn(*at, ";");
    out->kind = CNN_ALGORITHM_STEP;
    for (unsigned i = 0; i < CNN_CAPTURE_MODES; i++)
        if (strlen(mode_names[i]) == length && strncmp(mode_names[i], *at, length) == 0) {
            out->mode = i;
            *at += length;
            return CNN_OK;
        }
    return malformed("a capture mode", *at);
}

static const char *const unpool_names[] = {"apart", "pooled"};

static cnn_status read_unpool(const char **at, cnn_algorithm *out)
{
    const size_t length = strcspn(*at, ";");
    out->kind = CNN_ALGORITHM_UNPOOL;
    for (int i = 0; i < 2; i++)
        if (strlen(unpool_names[i]) == length && strncmp(unpool_names[i], *at, length) == 0) {
            out->pooled = i;
            *at += length;
            return CNN_OK;
        }
    return malformed("apart or pooled", *at);
}

static bool begins(const char *problem, const char *prefix)
{
    return strncmp(problem, prefix, strlen(prefix)) == 0;
}

static cnn_status read_algorithm(const char *problem, const char **at, cnn_algorithm *out)
{
    *out = (cnn_algorithm){0};
    if (begins(problem, "step:"))
        return read_mode(at, out);
    if (begins(problem, "unpool:"))
        return read_unpool(at, out);
    if (!is_engine(*at))
        return read_own(at, out);
    out->kind = **at == 'e' ? CNN_ALGORITHM_ENGINE : CNN_ALGORITHM_PLAIN;
    (*at)++;
    if (!read_number(at, &out->engine.engine))
        return malformed("an engine's number", *at);
    return read_knobs(at, &out->engine);
}

cnn_status cnn_algorithms_read(const char *text, size_t version, cnn_algorithms *out)
{
    cnn_status st = CNN_OK;
    const char *at = text;
    cnn_algorithms table = {0};
    char *problem = NULL;
    CNN_TRY(read_version(&at, version));
    while (*at == ';') {
        const size_t length = strcspn(++at, "=;");
        cnn_algorithm algorithm;
        if (length == 0 || at[length] != '=') {
            st = malformed("PROBLEM=ALGORITHM", at);
            goto done;
        }
        CNN_CHECK((problem = cnn_strndup(at, length)) != NULL, CNN_ENOMEM, "frozen algorithms");
        at += length + 1;
        CNN_TRY(read_algorithm(problem, &at, &algorithm));
        CNN_TRY(cnn_algorithms_add(&table, problem, &algorithm));
        free(problem);
        problem = NULL;
    }
    if (*at != '\0') {
        st = malformed("';' or the end", at);
        goto done;
    }
    table.frozen = true;
    *out = table;
    table = (cnn_algorithms){0};
done:
    free(problem);
    cnn_algorithms_free(&table);
    return st;
}

void cnn_algorithms_free(cnn_algorithms *table)
{
    for (int i = 0; i < table->count; i++)
        free(table->list[i].problem);
    free(table->list);
    *table = (cnn_algorithms){0};
}

/* ---- the table ----------------------------------------------------------------------------- */

const cnn_algorithm *cnn_algorithms_find(const cnn_algorithms *table, const char *problem)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->list[i].problem, problem) == 0)
            return &table->list[i];
    return NULL;
}

cnn_status cnn_algorithms_add(cnn_algorithms *table, const char *problem,
                              const cnn_algorithm *algorithm)
{
    cnn_status st = CNN_OK;
    const size_t size = ((size_t)table->count + 1) * sizeof *table->list;
    cnn_algorithm *list = realloc(table->list, size);
    CNN_CHECK(list != NULL, CNN_ENOMEM, "a table of algorithms");
    table->list = list;
    cnn_algorithm *added = &list[table->count];
    *added = *algorithm;
    CNN_CHECK((added->problem = cnn_strdup(problem)) != NULL, CNN_ENOMEM, "a table of algorithms");
    table->count++;
done:
    return st;
}

void cnn_algorithm_describe(const cnn_algorithm *algorithm, cnn_text *out)
{
    const cnn_cudnn_engine *e = &algorithm->engine;
    if (algorithm->kind == CNN_ALGORITHM_OWN) {
        cnn_text_append(out, algorithm->own->name);
        return;
    }
    if (algorithm->kind == CNN_ALGORITHM_STEP) {
        cnn_text_append(out, cnn_capture_mode_name(algorithm->mode));
        return;
    }
    if (algorithm->kind == CNN_ALGORITHM_UNPOOL) {
        cnn_text_append(out, unpool_names[algorithm->pooled]);
        return;
    }
    cnn_text_printf(out, "%c%lld", algorithm->kind == CNN_ALGORITHM_PLAIN ? 'p' : 'e',
                    (long long)e->engine);
    for (int i = 0; i < e->knob_count; i++)
        cnn_text_printf(out, ",%lld:%lld", (long long)e->knobs[i].type,
                        (long long)e->knobs[i].value);
}

void cnn_algorithms_write(const cnn_algorithms *table, size_t version, cnn_text *out)
{
    cnn_text_printf(out, "cudnn=%zu", version);
    for (int i = 0; i < table->count; i++) {
        cnn_text_printf(out, ";%s=", table->list[i].problem);
        cnn_algorithm_describe(&table->list[i], out);
    }
}
