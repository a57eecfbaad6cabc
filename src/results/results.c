/* SPDX-License-Identifier: Apache-2.0 */
#include "results/results.h"

#include <stdlib.h>

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
