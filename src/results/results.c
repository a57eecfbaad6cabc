/* SPDX-License-Identifier: Apache-2.0 */
#include "results/results.h"

#include <stdlib.h>
#include <string.h>

void cnn_results_free(cnn_results **results)
{
    cnn_results *r = *results;
    if (!r)
        return;
    for (int f = 0; r->factors && f < r->factor_count; f++) {
        cnn_results_factor *factor = &r->factors[f];
        for (int l = 0; factor->labels && l < factor->level_count; l++)
            free(factor->labels[l]);
        free(factor->labels);
        free(factor->name);
    }
    free(r->factors);
    free(r->job_name);
    free(r->job_text);
    free(r->overrides);
    free(r->plan);
    free(r->created);
    free(r->backend);
    free(r->cell_levels);
    free(r->status);
    free(r->planned);
    free(r->measured);
    free(r->epochs);
    free(r->attempts);
    free(r->sessions);
    free(r->quarantines);
    free(r->tunings);
    free(r->environments);
    free(r);
    *results = NULL;
}

#define KIND_NAME(name) #name,
const char *const cnn_factor_kind_names[] = {CNN_FACTOR_KINDS(KIND_NAME) NULL};

const char *cnn_results_level_text(const cnn_results_factor *factor, int level)
{
    const char *label = factor->labels[level];
    const size_t name = strlen(factor->name);
    const bool is_named = strncmp(label, factor->name, name) == 0 && label[name] == ' ';
    return factor->kind == CNN_RESULTS_FACTOR_FREE && is_named ? label + name + 1 : label;
}

bool cnn_results_factor_is_shown(const cnn_results_factor *factor)
{
    return factor->kind != CNN_RESULTS_FACTOR_FREE || factor->level_count > 1;
}

bool cnn_results_varies(const cnn_results *results, const char *factor)
{
    static const char times[] = " x "; /* between the members of a compound */
    const size_t n = strlen(factor);
    for (int f = 0; f < results->factor_count; f++) {
        const char *name = results->factors[f].name;
        if (results->factors[f].level_count < 2)
            continue;
        for (const char *end; name; name = end ? end + strlen(times) : NULL) {
            end = strstr(name, times);
            if (strncmp(name, factor, n) == 0 && (end ? name + n == end : !name[n]))
                return true;
        }
    }
    return false;
}
