/* SPDX-License-Identifier: Apache-2.0 */
#include "host/visible.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/** A choice in the making. */
typedef struct {
    const cnn_gpu *all; /* [count] */
    int count;
    int *chosen, n;
} choice;

static bool is_usable(const cnn_gpu *gpu)
{
    return !gpu->divided;
}

static cnn_status take(choice *c, int i, const char *word)
{
    cnn_status st = CNN_OK;
    for (int k = 0; k < c->n; k++)
        CNN_CHECK(c->chosen[k] != i, CNN_EENV, "CUDA_VISIBLE_DEVICES names %s twice (%s)",
                  c->all[i].uuid, word);
    c->chosen[c->n++] = i;
done:
    return st;
}

/** By number: the GPU itself, or the one instance that it is divided into. */
static cnn_status take_number(choice *c, int64_t number, const char *word)
{
    cnn_status st = CNN_OK;
    int found = -1, fitting = 0, gpus = 0;
    for (int i = 0; i < c->count; i++) {
        gpus += !c->all[i].instance;
        if (c->all[i].index != number || !is_usable(&c->all[i]))
            continue;
        found = i;
        fitting++;
    }
    CNN_CHECK(number < gpus, CNN_EENV,
              "CUDA_VISIBLE_DEVICES has GPU %s, but this host shows %d (counted from 0)", word,
              gpus);
    CNN_CHECK(fitting > 0, CNN_EENV,
              "CUDA_VISIBLE_DEVICES has GPU %s, which is in MIG mode and has no instance", word);
    CNN_CHECK(fitting == 1, CNN_EENV,
              "CUDA_VISIBLE_DEVICES has GPU %s, which is in MIG mode with %d instances: name them "
              "by their UUIDs (nvidia-smi -L)",
              word, fitting);
    CNN_TRY(take(c, found, word));
done:
    return st;
}

static cnn_status take_uuid(choice *c, const char *word)
{
    cnn_status st = CNN_OK;
    int found = -1, fitting = 0;
    for (int i = 0; i < c->count; i++) {
        if (strncmp(c->all[i].uuid, word, strlen(word)) != 0)
            continue;
        found = i;
        fitting++;
    }
    CNN_CHECK(fitting > 0, CNN_EENV, "CUDA_VISIBLE_DEVICES has '%s', and no device here has it",
              word);
    CNN_CHECK(fitting == 1, CNN_EENV, "CUDA_VISIBLE_DEVICES has '%s', with which %d devices begin",
              word, fitting);
    CNN_CHECK(is_usable(&c->all[found]), CNN_EENV,
              "CUDA_VISIBLE_DEVICES has '%s', which is in MIG mode: name its instances (MIG-...)",
              word);
    CNN_TRY(take(c, found, word));
done:
    return st;
}

/** One entry of the list. *ended: it ends the list. */
static cnn_status take_word(choice *c, const char *word, bool *ended)
{
    int64_t number;
    if (cnn_parse_int(word, &number)) {
        *ended = number < 0;
        return *ended ? CNN_OK : take_number(c, number, word);
    }
    *ended = strcmp(word, "NoDevFiles") == 0;
    if (*ended)
        return CNN_OK;
    if (strncmp(word, "GPU-", 4) == 0 || strncmp(word, "MIG-", 4) == 0)
        return take_uuid(c, word);
    return cnn_error_set(
        CNN_EENV, "CUDA_VISIBLE_DEVICES has '%s': a number, GPU-... or MIG-... is expected", word);
}

/** Without blanks at both ends, in place. */
static char *trim(char *s)
{
    s += strspn(s, " \t");
    for (size_t n = strlen(s); n > 0 && strchr(" \t", s[n - 1]);)
        s[--n] = '\0';
    return s;
}

static cnn_status take_list(choice *c, const char *list)
{
    cnn_status st = CNN_OK;
    bool ended = false;
    char *copy = cnn_strdup(list), *rest = copy;
    CNN_CHECK(copy != NULL, CNN_ENOMEM, "CUDA_VISIBLE_DEVICES");
    if (!*trim(copy))
        goto done;
    for (char *word; !ended && (word = strsep(&rest, ",")) != NULL;)
        CNN_TRY(take_word(c, trim(word), &ended));
done:
    free(copy);
    return st;
}

static void take_all(choice *c)
{
    c->n = 0;
    for (int i = 0; i < c->count; i++)
        if (is_usable(&c->all[i]))
            c->chosen[c->n++] = i;
}

cnn_status cnn_visible_gpus(const cnn_gpu *all, int count, const cnn_visible_variables *variables,
                            int *chosen, int *n)
{
    cnn_status st = CNN_OK;
    choice c = {.all = all, .count = count, .chosen = chosen};
    if (variables->cuda)
        st = take_list(&c, variables->cuda);
    else if (!variables->slurm_step || !variables->slurm_step[0] ||
             take_list(&c, variables->slurm_step) != CNN_OK || c.n == 0)
        take_all(&c); /* numbers that do not exist: the step sees its own GPUs only */
    *n = c.n;
    return st;
}
