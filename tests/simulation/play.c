/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a seed: a job, its sessions, and what must be true at the end. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

enum { STREAM_MAIL = 10, STREAM_SCHEDULE, STREAM_FATES };

static cnn_status make_world(sim_world *w)
{
    cnn_status st = CNN_OK;
    const uint64_t seed = w->scenario.seed;
    w->session = -1;
    w->mail = sim_random_stream(seed, STREAM_MAIL);
    w->schedule = sim_random_stream(seed, STREAM_SCHEDULE);
    w->fates = sim_random_stream(seed, STREAM_FATES);
    CNN_TRY(cnn_job_parse("world.yaml", w->scenario.job, NULL, &w->job));
    CNN_TRY(cnn_design_create(w->job, w->scenario.sessions[0].ranks, &w->design));
    w->holder = calloc((size_t)w->design->block_count, sizeof *w->holder);
    w->kept_back = calloc((size_t)w->design->block_count, sizeof *w->kept_back);
    w->longest = calloc((size_t)w->design->cell_count, sizeof *w->longest);
    w->before = calloc((size_t)w->design->run_count, sizeof *w->before);
    w->row = calloc((size_t)w->design->run_count, sizeof *w->row);
    w->algorithms = calloc((size_t)w->design->cell_count, sizeof *w->algorithms);
    CNN_CHECK(w->holder && w->kept_back && w->longest && w->before && w->row && w->algorithms,
              CNN_ENOMEM, "a world");
    CNN_TRY(sim_disk_format(w));
    sim_scenario_draw_sessions(&w->scenario, w->design->run_count, w->design->cell_count);
done:
    return st;
}

static void destroy_world(sim_world *w)
{
    free(w->holder);
    free(w->kept_back);
    free(w->longest);
    free(w->before);
    free(w->row);
    free(w->algorithms);
    free(w->queue);
    cnn_results_free(&w->disk);
    cnn_design_destroy(&w->design);
    cnn_job_destroy(&w->job);
    free(w);
}

bool sim_play(uint64_t seed, bool tracing, sim_tally *tally, char *failure, size_t n)
{
    cnn_status st = CNN_OK;
    sim_world *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->tracing = tracing;
    w->tally = tally;
    sim_scenario_draw(seed, &w->scenario);
    if (tracing)
        printf("%s\n", w->scenario.job);
    CNN_TRY(make_world(w));
    for (int k = 0; k <= w->scenario.session_count && !w->failure[0]; k++)
        CNN_TRY(sim_session_run(w, &w->scenario.sessions[k]));
    if (!w->failure[0])
        sim_check_all(w);
    tally->worlds++;
    tally->runs += w->design->run_count;
    tally->steps += w->steps;
done:
    if (st != CNN_OK)
        sim_world_fail(w, "%s", cnn_error_message());
    snprintf(failure, n, "%s", w->failure);
    const bool good = !w->failure[0];
    destroy_world(w);
    return good;
}
