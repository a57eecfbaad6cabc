/* SPDX-License-Identifier: Apache-2.0 */
#include "hdf5io/reader_check.h"

#include "hdf5io/tables.h"

static cnn_status check_cells(const cnn_results *r)
{
    cnn_status st = CNN_OK;
    for (int c = 0; c < r->cell_count; c++)
        for (int f = 0; f < r->factor_count; f++) {
            int level = r->cell_levels[c * r->factor_count + f];
            CNN_CHECK(level >= 0 && level < r->factors[f].level_count, CNN_EDATA,
                      "'cell_levels': cell %d has level %d of factor %s, which has %d", c, level,
                      r->factors[f].name, r->factors[f].level_count);
        }
done:
    return st;
}

static cnn_status check_run(const cnn_results *r, int run)
{
    cnn_status st = CNN_OK;
    const cnn_planned *p = &r->planned[run];
    const cnn_measured *m = &r->measured[run];
    CNN_CHECK(r->status[run] >= 0 && r->status[run] < CNN_RUN_STATUS_COUNT, CNN_EDATA,
              "'status': run %d has %d", run, r->status[run]);
    CNN_CHECK(p->cell >= 0 && p->cell < r->cell_count, CNN_EDATA, "'cell': run %d has %d of %d",
              run, (int)p->cell, r->cell_count);
    CNN_CHECK(p->combination >= 0 && p->combination < r->combination_count, CNN_EDATA,
              "'combination': run %d has %d of %d", run, (int)p->combination, r->combination_count);
    CNN_CHECK(p->level == r->cell_levels[p->cell * r->factor_count + r->contrast], CNN_EDATA,
              "'level': run %d has not the level of its cell", run);
    CNN_CHECK(
        p->repeat >= -1 && p->repeat < r->run_count && p->block >= 0 && p->block < r->run_count,
        CNN_EDATA, "'block' or 'repeat': run %d has %d, %d", run, (int)p->block, (int)p->repeat);
    CNN_CHECK(p->position >= 0 && p->position < r->level_count, CNN_EDATA,
              "'position': run %d has %d of %d", run, (int)p->position, r->level_count);
    CNN_CHECK(p->warmup == 0 || p->warmup == 1, CNN_EDATA, "'warmup': run %d has %d", run,
              p->warmup);
    CNN_CHECK(m->epochs_done >= -1 && m->epochs_done <= r->epoch_count, CNN_EDATA,
              "'epochs_done': run %d has %d of %d", run, (int)m->epochs_done, r->epoch_count);
    CNN_CHECK(m->attempts >= -1 && m->attempts <= r->attempts_per_run, CNN_EDATA,
              "'attempts': run %d has %d of %d", run, (int)m->attempts, r->attempts_per_run);
    CNN_CHECK(m->environment >= -1 && m->environment < r->environment_count, CNN_EDATA,
              "'environment': run %d has %d of %d", run, (int)m->environment, r->environment_count);
    CNN_CHECK(m->session >= -1 && m->session < CNN_SESSION_PLACES, CNN_EDATA,
              "'session': run %d has %d", run, (int)m->session);
done:
    return st;
}

static cnn_status check_attempts(const cnn_results *r)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < r->run_count * r->attempts_per_run; i++) {
        const cnn_attempt *a = &r->attempts[i];
        CNN_CHECK(a->attempt_outcome >= 0 && a->attempt_outcome < CNN_OUTCOME_COUNT, CNN_EDATA,
                  "'attempt_outcome': attempt %d has %d", i, a->attempt_outcome);
        CNN_CHECK(a->attempt_session >= -1 && a->attempt_session < CNN_SESSION_PLACES, CNN_EDATA,
                  "'attempt_session': attempt %d has %d", i, (int)a->attempt_session);
    }
done:
    return st;
}

cnn_status cnn_results_check(const cnn_results *results)
{
    cnn_status st = CNN_OK;
    CNN_TRY(check_cells(results));
    for (int run = 0; run < results->run_count; run++)
        CNN_TRY(check_run(results, run));
    CNN_TRY(check_attempts(results));
    for (int i = 0; i < results->tuning_count; i++)
        CNN_CHECK(results->tunings[i].cell >= -1 && results->tunings[i].cell < results->cell_count,
                  CNN_EDATA, "'tuned_cell': place %d has %d of %d", i,
                  (int)results->tunings[i].cell, results->cell_count);
    for (int s = 0; s < results->session_count; s++)
        CNN_CHECK(results->sessions[s].ranks >= -1, CNN_EDATA, "'session_ranks': session %d has %d",
                  s, results->sessions[s].ranks);
done:
    return st;
}
