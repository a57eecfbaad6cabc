/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/choices.h"

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

/* Names are told from engines by what follows the letter. */
static bool is_engine(const char *at)
{
    return (at[0] == 'e' || at[0] == 'p') && isdigit((unsigned char)at[1]);
}

static cnn_status read_own(const char **at, cnn_choice *out)
{
    const size_t length = strcspn(*at, ";");
    out->kind = CNN_CHOICE_OWN;
    out->own = cnn_own_convolution_named(*at, length);
    if (!out->own)
        return malformed("an own kernel's name, eNUMBER or pNUMBER", *at);
    *at += length;
    return CNN_OK;
}

static const char *const variant_names[CNN_STEP_VARIANTS] = {
    [0] = "plain",
    [CNN_STEP_BRANCHES] = "branches",
    [CNN_STEP_DEPENDENT] = "dependent",
    [CNN_STEP_BRANCHES | CNN_STEP_DEPENDENT] = "branches+dependent",
    [CNN_STEP_EARLY] = "early",
    [CNN_STEP_BRANCHES | CNN_STEP_EARLY] = "branches+early",
};

const char *cnn_step_variant_name(unsigned variant)
{
    return variant_names[variant];
}

static cnn_status read_variant(const char **at, cnn_choice *out)
{
    const size_t length = strcspn(*at, ";");
    out->kind = CNN_CHOICE_STEP;
    for (unsigned i = 0; i < CNN_STEP_VARIANTS; i++)
        if (strlen(variant_names[i]) == length && strncmp(variant_names[i], *at, length) == 0) {
            out->variant = i;
            *at += length;
            return CNN_OK;
        }
    return malformed("a variant of the step", *at);
}

static const char *const unpool_names[] = {"apart", "pooled"};

static cnn_status read_unpool(const char **at, cnn_choice *out)
{
    const size_t length = strcspn(*at, ";");
    out->kind = CNN_CHOICE_UNPOOL;
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

static cnn_status read_choice(const char *problem, const char **at, cnn_choice *out)
{
    *out = (cnn_choice){0};
    if (begins(problem, "step:"))
        return read_variant(at, out);
    if (begins(problem, "unpool:"))
        return read_unpool(at, out);
    if (!is_engine(*at))
        return read_own(at, out);
    out->kind = **at == 'e' ? CNN_CHOICE_ENGINE : CNN_CHOICE_PLAIN;
    (*at)++;
    if (!read_number(at, &out->engine.engine))
        return malformed("an engine's number", *at);
    return read_knobs(at, &out->engine);
}

cnn_status cnn_choices_read(const char *text, size_t version, cnn_choices *out)
{
    cnn_status st = CNN_OK;
    const char *at = text;
    cnn_choices table = {0};
    char *problem = NULL;
    CNN_TRY(read_version(&at, version));
    while (*at == ';') {
        const size_t length = strcspn(++at, "=;");
        cnn_choice choice;
        if (length == 0 || at[length] != '=') {
            st = malformed("PROBLEM=CHOICE", at);
            goto done;
        }
        CNN_CHECK((problem = cnn_strndup(at, length)) != NULL, CNN_ENOMEM, "frozen algorithms");
        at += length + 1;
        CNN_TRY(read_choice(problem, &at, &choice));
        CNN_TRY(cnn_choices_add(&table, problem, &choice));
        free(problem);
        problem = NULL;
    }
    if (*at != '\0') {
        st = malformed("';' or the end", at);
        goto done;
    }
    table.frozen = true;
    *out = table;
    table = (cnn_choices){0};
done:
    free(problem);
    cnn_choices_free(&table);
    return st;
}

void cnn_choices_free(cnn_choices *choices)
{
    for (int i = 0; i < choices->count; i++)
        free(choices->list[i].problem);
    free(choices->list);
    *choices = (cnn_choices){0};
}

/* ---- the table ----------------------------------------------------------------------------- */

const cnn_choice *cnn_choices_find(const cnn_choices *choices, const char *problem)
{
    for (int i = 0; i < choices->count; i++)
        if (strcmp(choices->list[i].problem, problem) == 0)
            return &choices->list[i];
    return NULL;
}

cnn_status cnn_choices_add(cnn_choices *choices, const char *problem, const cnn_choice *choice)
{
    cnn_status st = CNN_OK;
    const size_t size = ((size_t)choices->count + 1) * sizeof *choices->list;
    cnn_choice *list = realloc(choices->list, size);
    CNN_CHECK(list != NULL, CNN_ENOMEM, "a table of algorithms");
    choices->list = list;
    cnn_choice *added = &list[choices->count];
    *added = *choice;
    CNN_CHECK((added->problem = cnn_strdup(problem)) != NULL, CNN_ENOMEM, "a table of algorithms");
    choices->count++;
done:
    return st;
}

void cnn_choice_describe(const cnn_choice *choice, cnn_text *out)
{
    const cnn_cudnn_engine *e = &choice->engine;
    if (choice->kind == CNN_CHOICE_OWN) {
        cnn_text_append(out, choice->own->name);
        return;
    }
    if (choice->kind == CNN_CHOICE_STEP) {
        cnn_text_append(out, cnn_step_variant_name(choice->variant));
        return;
    }
    if (choice->kind == CNN_CHOICE_UNPOOL) {
        cnn_text_append(out, unpool_names[choice->pooled]);
        return;
    }
    cnn_text_printf(out, "%c%lld", choice->kind == CNN_CHOICE_PLAIN ? 'p' : 'e',
                    (long long)e->engine);
    for (int i = 0; i < e->knob_count; i++)
        cnn_text_printf(out, ",%lld:%lld", (long long)e->knobs[i].type,
                        (long long)e->knobs[i].value);
}

void cnn_choices_write(const cnn_choices *choices, size_t version, cnn_text *out)
{
    cnn_text_printf(out, "cudnn=%zu", version);
    for (int i = 0; i < choices->count; i++) {
        cnn_text_printf(out, ";%s=", choices->list[i].problem);
        cnn_choice_describe(&choices->list[i], out);
    }
}
