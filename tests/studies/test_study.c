/* SPDX-License-Identifier: Apache-2.0 */
/* Studies in memory: every run is there, where and when its order says; system_simulate compares
 * the blocks with real jobs. */
#include "study.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEVICES = 6 };

static const char job_text[] =
    "repeats: 9\n"
    "train: {epochs: 3}\n"
    "limits: {retries: 1}\n"
    "factors:\n"
    "  framework:\n"
    "    - {name: a, simulate: {time: {run: 300, device: 0.1}, devices_per_node: 2}}\n"
    "    - {name: b, simulate: {time: {run: 300, device: 0.1}, devices_per_node: 2}}\n"
    "  architecture: [arch1, arch2]\n"
    "  dataset: [mnist]\n";

typedef struct {
    cnn_job *job;
    cnn_design *design;
    cnn_results *results;
} study;

static study run(cnn_study_order order, const char *const *sets)
{
    study s = {0};
    if (cnn_job_parse("study", job_text, sets, &s.job) != CNN_OK ||
        cnn_design_create(s.job, DEVICES, &s.design) != CNN_OK ||
        cnn_study_run(s.job, s.design, order, &s.results) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return s;
}

static void end(study *s)
{
    cnn_results_free(&s->results);
    cnn_design_destroy(&s->design);
    cnn_job_destroy(&s->job);
}

static void test_blocks_are_on_their_devices_in_their_order(void **state)
{
    (void)state;
    static const char *const sets[] = {"schedule={warmup: 1}", NULL};
    study s = run(CNN_STUDY_BLOCKS, sets);
    const cnn_results *r = s.results;
    assert_int_equal(r->run_count, 2 * (2 * 9 + DEVICES));
    double busy_until[DEVICES] = {0};
    for (int q = 0; q < s.design->block_count; q++) { /* device by device, in order */
        const cnn_block *block = &s.design->blocks[s.design->queue[q]];
        for (int position = 0; position < 2; position++) {
            const int i = cnn_block_run(block, cnn_block_level(s.design, block, position));
            const cnn_measured *m = &r->measured[i];
            assert_int_equal(r->status[i], CNN_RUN_DONE);
            assert_int_equal(m->rank, block->device);
            assert_true(m->start_time >= busy_until[block->device]);
            busy_until[block->device] = m->start_time + m->train_seconds;
            assert_int_equal(r->planned[i].warmup, block->warmup);
            assert_int_equal(m->epochs_done, 3);
            assert_true(fabs(m->train_seconds - 3 * r->epochs[3 * i].epoch_seconds) < 1e-9);
            assert_string_equal(m->device_model, "simulated");
            assert_string_equal(m->backend, "simulate");
        }
    }
    assert_string_equal(r->measured[cnn_block_run(&s.design->blocks[DEVICES], 0)].host,
                        "simulated node 0");
    end(&s);
}

static void test_a_dynamic_study_uses_every_device(void **state)
{
    (void)state;
    static const char *const sets[] = {"schedule={assign: dynamic}", NULL};
    study s = run(CNN_STUDY_BLOCKS, sets);
    int runs[DEVICES] = {0};
    for (int i = 0; i < s.results->run_count; i++)
        runs[s.results->measured[i].rank]++;
    for (int d = 0; d < DEVICES; d++)
        assert_int_equal(runs[d], 2 * 2 * 9 / DEVICES);
    end(&s);
}

/** One cell, one device, one stretch of time; cells get different devices. */
static void test_cells_follow_each_other_on_lent_devices(void **state)
{
    (void)state;
    study s = run(CNN_STUDY_CELL_AFTER_CELL, NULL);
    const cnn_results *r = s.results;
    int device[4] = {-1, -1, -1, -1}, different = 0;
    double first[4], last[4];
    for (int i = 0; i < r->run_count; i++) {
        const int cell = r->planned[i].cell;
        const double start = r->measured[i].start_time;
        if (device[cell] < 0) {
            device[cell] = r->measured[i].rank;
            first[cell] = last[cell] = start;
        }
        assert_int_equal(r->measured[i].rank, device[cell]);
        first[cell] = fmin(first[cell], start);
        last[cell] = fmax(last[cell], start);
    }
    for (int cell = 1; cell < 4; cell++) { /* cells are ordered by framework first */
        assert_true(first[cell] > last[cell - 1]);
        different += device[cell] != device[0];
    }
    assert_true(different > 0);
    end(&s);
}

static void test_failures_are_kept_as_attempts(void **state)
{
    (void)state;
    static const char *const sets[] = {"factors.framework.1.simulate.failures=0.5",
                                       "factors.framework.0.simulate.divergence=1", NULL};
    study s = run(CNN_STUDY_BLOCKS, sets);
    const cnn_results *r = s.results;
    int failed = 0, repeated = 0;
    for (int i = 0; i < r->run_count; i++) {
        const cnn_attempt *attempts = &r->attempts[2 * i];
        const cnn_measured *m = &r->measured[i];
        if (r->planned[i].level == 0) {
            assert_int_equal(r->status[i], CNN_RUN_DIVERGED);
            assert_true(isnan(m->train_loss));
            continue;
        }
        failed += r->status[i] == CNN_RUN_FAILED;
        repeated += r->status[i] == CNN_RUN_DONE && m->attempts == 2;
        assert_true(isnan(m->train_seconds) == (r->status[i] == CNN_RUN_FAILED));
        assert_true((attempts[0].attempt_outcome == CNN_OUTCOME_DONE) == (m->attempts == 1));
        assert_true((attempts[1].attempt_outcome == CNN_OUTCOME_NONE) == (m->attempts == 1));
    }
    assert_true(failed > 0 && repeated > 0 && failed + repeated < 18);
    end(&s);
}

static void test_real_frameworks_are_refused(void **state)
{
    (void)state;
    static const char *const sets[] = {"factors.framework.1=native", NULL};
    study s = {0};
    assert_int_equal(cnn_job_parse("study", job_text, sets, &s.job), CNN_OK);
    assert_int_equal(cnn_design_create(s.job, DEVICES, &s.design), CNN_OK);
    assert_int_equal(cnn_study_run(s.job, s.design, CNN_STUDY_BLOCKS, &s.results), CNN_EUSAGE);
    assert_null(s.results);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_on_their_devices_in_their_order),
        cmocka_unit_test(test_a_dynamic_study_uses_every_device),
        cmocka_unit_test(test_cells_follow_each_other_on_lent_devices),
        cmocka_unit_test(test_failures_are_kept_as_attempts),
        cmocka_unit_test(test_real_frameworks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
