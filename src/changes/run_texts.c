/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/run_texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE_OF(constant, title) title,
const char *const cnn_run_text_titles[] = {CNN_RUN_TEXTS(TITLE_OF)};

cnn_status cnn_texts_add(cnn_texts *t, const char *s)
{
    cnn_status st = CNN_OK;
    int at = 0;
    char *copy = NULL;
    if (!*s)
        return CNN_OK;
    while (at < t->n && strcmp(t->texts[at], s) < 0)
        at++;
    if (at < t->n && strcmp(t->texts[at], s) == 0)
        return CNN_OK;
    if (t->n == CNN_RUN_TEXTS_MOST) {
        t->more = true;
        return CNN_OK;
    }
    CNN_CHECK((copy = cnn_strdup(s)) != NULL, CNN_ENOMEM, "texts of runs");
    memmove(&t->texts[at + 1], &t->texts[at], (size_t)(t->n - at) * sizeof *t->texts);
    t->texts[at] = copy;
    t->n++;
done:
    return st;
}

void cnn_texts_free(cnn_texts *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->texts[i]);
    *t = (cnn_texts){0};
}

/** A text of a run, "" unknown; digits: room for numbers. */
static const char *text_of(const cnn_results *r, int run, cnn_run_text what, char digits[16])
{
    const cnn_measured *m = &r->measured[run];
    switch (what) {
    case CNN_TEXT_HOST:
        return m->host;
    case CNN_TEXT_DEVICE:
        return m->device;
    case CNN_TEXT_MODEL:
        return m->device_model;
    case CNN_TEXT_BACKEND:
        return m->backend;
    case CNN_TEXT_VERSIONS:
        return m->versions;
    case CNN_TEXT_DRIVER:
        return m->driver;
    case CNN_TEXT_DATA:
        return m->data_checksum;
    case CNN_TEXT_ENVIRONMENT:
        return m->environment >= 0 && m->environment < r->environment_count
                   ? r->environments[m->environment].variables
                   : "";
    case CNN_TEXT_THREADS:
    case CNN_RUN_TEXT_COUNT:
        break;
    }
    snprintf(digits, 16, "%d", m->threads);
    return m->threads > 0 ? digits : "";
}

cnn_status cnn_texts_of_runs(const cnn_runs_chosen *runs, cnn_run_text what, cnn_texts *out)
{
    cnn_status st = CNN_OK;
    char digits[16];
    *out = (cnn_texts){0};
    for (int i = 0; i < runs->results->run_count; i++)
        if (runs->of_run[i] >= 0 &&
            (runs->level < 0 || runs->results->planned[i].level == runs->level))
            CNN_TRY(cnn_texts_add(out, text_of(runs->results, i, what, digits)));
done:
    return st;
}

bool cnn_texts_are_equal(const cnn_texts *a, const cnn_texts *b)
{
    if (a->n != b->n || a->more != b->more)
        return false;
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->texts[i], b->texts[i]) != 0)
            return false;
    return true;
}

void cnn_texts_join(const cnn_texts *t, int most, cnn_text *out)
{
    for (int i = 0; i < t->n && i < most; i++)
        cnn_text_printf(out, "%s%s", i ? "; " : "", t->texts[i]);
    if (t->n > most || t->more)
        cnn_text_printf(out, "; ... %d in all%s", t->n, t->more ? " at least" : "");
}
