/* SPDX-License-Identifier: Apache-2.0 */
#include "host/environment.h"

#include "base/checksum.h"
#include "base/printable.h"
#include "base/text.h"
#include "base/variables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count(const void *list)
{
    size_t n = 0;
    for (char *const *v = list; v && v[n];)
        n++;
    return n;
}

/** The entry of a variable in a list of names or of "NAME=value"; NULL: none. */
static const char *find_in(const void *list, const char *variable)
{
    for (char *const *v = list; v && *v; v++)
        if (cnn_variable_is_same(*v, variable))
            return *v;
    return NULL;
}

static bool is_in(const void *list, const char *variable)
{
    return find_in(list, variable) != NULL;
}

/** Whether a variable of the rank reaches the trainer. */
static bool is_inherited(const char *variable, const cnn_environment_wishes *wishes)
{
    switch (cnn_variable_kind_of(variable)) {
    case CNN_VARIABLE_OTHER:
    case CNN_VARIABLE_PASSED:
        return true;
    case CNN_VARIABLE_DEFAULT:
    case CNN_VARIABLE_CLEARED:
        return is_in(wishes->pass, variable);
    case CNN_VARIABLE_OWNED:
    case CNN_VARIABLE_LAUNCHER:
        break;
    }
    return false;
}

static cnn_status add(char **list, size_t *n, const char *variable)
{
    if ((list[*n] = cnn_strdup(variable)) == NULL)
        return cnn_error_set(CNN_ENOMEM, "a trainer's environment");
    ++*n;
    return CNN_OK;
}

cnn_status cnn_environment_make(char *const *from, const cnn_environment_wishes *wishes,
                                const char *const *more, char ***out)
{
    static const cnn_environment_wishes none = {0};
    cnn_status st = CNN_OK;
    size_t n = 0;
    wishes = wishes ? wishes : &none;
    char **list = calloc(count(from) + count(wishes->set) + count(more) + 1, sizeof *list);
    CNN_CHECK(list != NULL, CNN_ENOMEM, "a trainer's environment");
    for (; *from; from++)
        if (is_inherited(*from, wishes) && !is_in(wishes->set, *from) && !is_in(more, *from))
            CNN_TRY(add(list, &n, *from));
    for (char *const *v = wishes->set; v && *v; v++)
        if (!is_in(more, *v))
            CNN_TRY(add(list, &n, *v));
    for (const char *const *v = more; v && *v; v++)
        CNN_TRY(add(list, &n, *v));
    *out = list;
    list = NULL;
done:
    cnn_environment_free(&list);
    return st;
}

void cnn_environment_free(char ***environment)
{
    for (char **v = *environment; v && *v; v++)
        free(*v);
    free(*environment);
    *environment = NULL;
}

cnn_status cnn_environment_of_run(char *const *from, const cnn_environment_wishes *wishes,
                                  const cnn_environment_place *place, char ***out)
{
    /* Spinning, bound threads are fastest on cores of their own, and ruinous on shared ones. Places
     * are named, or two threads could be put on one core's two hardware threads. */
    const char *const defaults[] = {
        "OMP_PLACES=cores", place->owns_cores ? "OMP_PROC_BIND=true" : "OMP_PROC_BIND=false",
        place->owns_cores ? "OMP_WAIT_POLICY=active" : "OMP_WAIT_POLICY=passive"};
    enum { DEFAULTS = sizeof defaults / sizeof defaults[0], OWNED = 3 };
    char threads[32], visible[128];
    const char *more[DEFAULTS + OWNED + 1], *own = find_in(from, "CUDA_VISIBLE_DEVICES");
    size_t n = 0;
    snprintf(threads, sizeof threads, "OMP_NUM_THREADS=%d", place->threads);
    snprintf(visible, sizeof visible, "CUDA_VISIBLE_DEVICES=%s", place->gpu ? place->gpu : "-1");
    more[n++] = threads;
    if (!place->sees_all_gpus || own)
        more[n++] =
            place->sees_all_gpus
                ? own
                : visible; /* by its UUID a device is the same one whatever else the trainer sees */
    more[n++] = "CUDA_DEVICE_ORDER=PCI_BUS_ID";
    for (int i = 0; i < DEFAULTS; i++) {
        const bool passed = is_in(wishes->pass, defaults[i]) && is_in(from, defaults[i]);
        if (!passed && !is_in(wishes->set, defaults[i]))
            more[n++] = defaults[i];
    }
    more[n] = NULL;
    return cnn_environment_make(from, wishes, more, out);
}

/* ---- its record ---------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint64_t checksum_of(const char *s)
{
    return cnn_checksum(CNN_CHECKSUM_START, s, strlen(s));
}

/** A line for one variable: a recorded one with its value, else its name. */
static void write_line(const char *variable, cnn_text *out)
{
    enum { MOST = 512, KEPT = 256 };
    const size_t name = cnn_variable_name_length(variable), length = strlen(variable);
    char shown[MOST + 256] = "";
    if (!cnn_variable_is_recorded(variable)) {
        cnn_text_append_bytes(out, variable, name);
        cnn_text_append(out, "\n");
        return;
    }
    const size_t size = length - name > MOST ? name + KEPT : sizeof shown;
    cnn_copy_printable(shown, size < sizeof shown ? size : sizeof shown, variable, false);
    cnn_text_append(out, shown);
    if (length - name > MOST)
        cnn_text_printf(out, "... (%zu bytes, FNV-1a %016" PRIx64 ")", length - name - 1,
                        checksum_of(variable + name + 1));
    cnn_text_append(out, "\n");
}

/** Copies lines that fit; of the others their checksum. */
static void copy_lines(const char *lines, char *text, size_t n)
{
    enum { REST = 64 };
    const size_t length = strlen(lines);
    size_t kept = length;
    if (length >= n)
        for (kept = n - REST; kept > 0 && lines[kept - 1] != '\n'; kept--)
            ;
    memset(text, 0, n);
    memcpy(text, lines, kept);
    if (kept < length)
        snprintf(text + kept, n - kept, "... (%zu bytes more, FNV-1a %016" PRIx64 ")\n",
                 length - kept, checksum_of(lines + kept));
}

cnn_status cnn_environment_describe(char *const *environment, const cnn_environment_wishes *wishes,
                                    char *text, size_t n)
{
    cnn_status st = CNN_OK;
    cnn_text lines = {0};
    size_t kept = 0;
    const char **list = calloc(count(environment) + 1, sizeof *list);
    CNN_CHECK(list != NULL, CNN_ENOMEM, "the record of a trainer's environment");
    for (; *environment; environment++)
        if (cnn_variable_is_recorded(*environment) ||
            (is_in(wishes->set, *environment) && !cnn_variable_is_secret(*environment)))
            list[kept++] = *environment;
    qsort(list, kept, sizeof *list, by_text);
    for (size_t i = 0; i < kept; i++)
        write_line(list[i], &lines);
    CNN_TRY(cnn_text_status(&lines));
    copy_lines(lines.s ? lines.s : "", text, n);
done:
    cnn_text_free(&lines);
    free(list);
    return st;
}
