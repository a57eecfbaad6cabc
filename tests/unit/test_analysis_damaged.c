/* SPDX-License-Identifier: Apache-2.0 */
/* Results that a file may hold, and that no program of ours writes: found by tests/fuzz. */
#include "analysis/analysis.h"
#include "base/text.h"
#include "data_fixture.h"

#include <setjmp.h>

#include <cmocka.h>
#include <stdlib.h>

enum { RUNS = 4 };

/** Two levels, one combination, two blocks; nothing has run. */
static cnn_results *make_results(void)
{
    static const char *const labels[] = {"native", "layered"};
    cnn_results *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->job_name = cnn_strdup("job");
    r->factor_count = 1;
    r->factors = calloc(1, sizeof *r->factors);
    r->factors[0] = (cnn_results_factor){cnn_strdup("framework"), 2, calloc(2, sizeof(char *)), 0};
    for (int l = 0; l < 2; l++)
        r->factors[0].labels[l] = cnn_strdup(labels[l]);
    r->cell_count = r->level_count = 2;
    r->combination_count = 1;
    r->cell_levels = calloc(2, sizeof *r->cell_levels);
    r->cell_levels[1] = 1;
    r->run_count = RUNS;
    r->attempts_per_run = 1;
    r->alpha = 0.05;
    r->status = calloc(RUNS, sizeof *r->status);
    r->planned = calloc(RUNS, sizeof *r->planned);
    r->measured = calloc(RUNS, sizeof *r->measured);
    r->attempts = calloc(RUNS, sizeof *r->attempts);
    r->session_count = 1;
    r->sessions = calloc(1, sizeof *r->sessions);
    r->sessions[0] = (cnn_session){1000, 1};
    for (int i = 0; i < RUNS; i++) {
        r->planned[i] =
            (cnn_planned){.cell = i % 2, .level = i % 2, .repeat = i / 2, .block = i / 2};
        r->measured[i] = cnn_measured_unknown();
        r->attempts[i] = cnn_attempt_unknown();
    }
    return r;
}

/** A session of 2^31 - 1 ranks, of which the last one has made an attempt of 30 s out of 40. */
static bool analyse_many_ranks(const void *unused)
{
    cnn_results *r = make_results();
    cnn_analysis *a = NULL;
    (void)unused;
    r->sessions[0].ranks = INT32_MAX;
    r->attempts[2].attempt_outcome = CNN_OUTCOME_DONE;
    r->attempts[2].attempt_session = 0;
    r->attempts[2].attempt_rank = INT32_MAX - 1;
    r->attempts[2].attempt_start_time = 1010;
    r->attempts[2].attempt_life_seconds = 30;
    bool fine = cnn_analysis_create(r, 1, &a) == CNN_OK && a->session_overhead[0] == 0.25;
    cnn_analysis_destroy(&a);
    cnn_results_free(&r);
    return fine;
}

static void test_number_of_ranks_takes_no_memory(void **state)
{
    (void)state;
    assert_frugal(analyse_many_ranks, NULL, 64 << 20);
}

static void test_impossible_alpha_is_refused(void **state)
{
    static const double alphas[] = {0, -1, 1e-300, 9e-7, 0.6, 1};
    (void)state;
    for (size_t i = 0; i < sizeof alphas / sizeof alphas[0]; i++) {
        cnn_results *r = make_results();
        cnn_analysis *a = NULL;
        r->alpha = alphas[i];
        assert_int_equal(cnn_analysis_create(r, 1, &a), CNN_EDATA);
        assert_contains(cnn_error_message(), "alpha is");
        cnn_results_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_of_ranks_takes_no_memory),
        cmocka_unit_test(test_impossible_alpha_is_refused),
    };
    return cmocka_run_group_tests_name("analysis_damaged", tests, NULL, NULL);
}
