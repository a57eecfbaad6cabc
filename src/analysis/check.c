/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/parts.h"

#include <limits.h>

/** Every cell must have levels that exist. */
static cnn_status check_cells(const cnn_results *r)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(r->cell_count > 0 && r->level_count > 0 && r->run_count >= 0 &&
                  (int64_t)r->combination_count * r->level_count == r->cell_count,
              CNN_EDATA, "the results are damaged: %d cells, but %d combinations of %d levels",
              r->cell_count, r->combination_count, r->level_count);
    CNN_CHECK(r->contrast >= 0 && r->contrast < r->factor_count &&
                  r->factors[r->contrast].level_count == r->level_count,
              CNN_EDATA, "the results are damaged: contrast %d of %d factors, %d levels",
              r->contrast, r->factor_count, r->level_count);
    for (int i = 0; i < r->cell_count * r->factor_count; i++) {
        const cnn_results_factor *factor = &r->factors[i % r->factor_count];
        CNN_CHECK(r->cell_levels[i] >= 0 && r->cell_levels[i] < factor->level_count, CNN_EDATA,
                  "the results are damaged: cell %d has level %d of %d of %s", i / r->factor_count,
                  r->cell_levels[i], factor->level_count, factor->name);
    }
done:
    return st;
}

/** Every run must be in a cell that exists. */
static cnn_status check_runs(const cnn_results *r)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_planned *p = &r->planned[i];
        CNN_CHECK(p->cell >= 0 && p->cell < r->cell_count && p->combination >= 0 &&
                      p->combination < r->combination_count && p->level >= 0 &&
                      p->level < r->level_count && p->block >= 0 && p->block < r->run_count,
                  CNN_EDATA,
                  "run %d of the results is damaged: cell %d of %d, combination %d of %d, level %d "
                  "of %d, block %d",
                  i, p->cell, r->cell_count, p->combination, r->combination_count, p->level,
                  r->level_count, p->block);
        CNN_CHECK(r->status[i] >= 0 && r->status[i] < CNN_RUN_STATUS_COUNT, CNN_EDATA,
                  "run %d of the results is damaged: status %d", i, r->status[i]);
    }
done:
    return st;
}

cnn_status cnn_analysis_check(const cnn_results *results)
{
    cnn_status st = CNN_OK;
    CNN_TRY(check_cells(results));
    CNN_TRY(check_runs(results));
    for (int k = 0; k < results->look_count; k++)
        CNN_CHECK(results->look_count <= CNN_RESULTS_LOOKS_MAX &&
                      results->looks[k] > (k ? results->looks[k - 1] : 0) &&
                      results->looks[k] <= 1 &&
                      (k + 1 < results->look_count || results->looks[k] >= 1),
                  CNN_EDATA, "the results are damaged: look %d is at %g of the blocks", k + 1,
                  results->looks[k]);
    /* as job files have it; 1 - alpha must not round to 1 */
    CNN_CHECK(results->alpha >= 1e-6 && results->alpha <= 0.5, CNN_EDATA,
              "the results are damaged: alpha is %g", results->alpha);
    CNN_CHECK((int64_t)results->combination_count * results->level_count * results->level_count <
                  INT_MAX / (2 * CNN_MEASURES_MAX),
              CNN_EDATA, "%d combinations of %d levels have too many pairs",
              results->combination_count, results->level_count);
done:
    return st;
}
