/* SPDX-License-Identifier: Apache-2.0 */
/** Which rank gets which unfinished block. */
#include "mpi/dispatch/dealing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** A job of 3 combinations x 7 repeats of pairs, laid out for 4 devices, 1 warm-up block each. */
typedef struct {
    cnn_job *job;
    cnn_rank_context context;
} fixture;

static const char job_text[] =
    "name: deal\nrepeats: 7\nseed: 5\nfactors:\n  framework: [native, layered]\n"
    "  architecture: [arch1]\n  dataset: [a, b, c]\nschedule: {warmup: 1, assign: %s}\n"
    "datasets:\n  a: {type: synthetic}\n  b: {type: synthetic}\n  c: {type: synthetic}\n";

static void set_up(fixture *f, const char *how, int ranks)
{
    char text[1024];
    snprintf(text, sizeof text, job_text, how);
    memset(f, 0, sizeof *f);
    if (cnn_job_parse("deal.yaml", text, NULL, &f->job) != CNN_OK ||
        cnn_design_create(f->job, 4, &f->context.design) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    f->context.job = f->job;
    f->context.size = ranks;
    f->context.status = calloc((size_t)f->context.design->run_count, 1);
    assert_non_null(f->context.status);
}

static void tear_down(fixture *f)
{
    free(f->context.status);
    cnn_design_destroy(&f->context.design);
    cnn_job_destroy(&f->job);
}

/** Takes everything off the queues, rank by rank in turn; owner [block_count]: rank, or -1. */
static void take_all(const fixture *f, int *owner)
{
    cnn_dealing *d = NULL;
    bool more = true;
    assert_int_equal(cnn_dealing_create(&f->context, &d), CNN_OK);
    for (int b = 0; b < f->context.design->block_count; b++)
        owner[b] = -1;
    while (more) {
        more = false;
        for (int r = 0; r < f->context.size; r++) {
            const int b = cnn_dealing_take(d, r);
            if (b < 0)
                continue;
            assert_int_equal(owner[b], -1); /* nobody else has it */
            owner[b] = r;
            more = true;
        }
    }
    cnn_dealing_destroy(&d);
    assert_null(d);
}

static void finish(fixture *f, int block, int level)
{
    f->context.status[cnn_block_run(&f->context.design->blocks[block], level)] = CNN_RUN_DONE;
}

static void test_dealing_follows_the_plan(void **state)
{
    (void)state;
    fixture f;
    int owner[64], position[4] = {0};
    set_up(&f, "balanced", 4);
    const cnn_design *design = f.context.design;
    take_all(&f, owner);
    for (int b = 0; b < design->block_count; b++)
        assert_int_equal(owner[b], design->blocks[b].device);
    cnn_dealing *d = NULL;
    assert_int_equal(cnn_dealing_create(&f.context, &d), CNN_OK);
    assert_int_equal(d->redealt, 0);
    for (int r = 0; r < 4; r++)
        for (int b; (b = cnn_dealing_take(d, r)) >= 0;)
            assert_int_equal(design->blocks[b].queue_position, position[r]++);
    cnn_dealing_destroy(&d);
    tear_down(&f);
}

static void test_dealing_leaves_out_what_is_finished(void **state)
{
    (void)state;
    fixture f;
    int owner[64];
    set_up(&f, "balanced", 4);
    finish(&f, 6, 0);
    finish(&f, 6, 1);
    finish(&f, 9, 1); /* half a block is still to be done */
    f.context.status[cnn_block_run(&f.context.design->blocks[10], 0)] = CNN_RUN_FAILED;
    finish(&f, 10, 1); /* what failed is tried again */
    take_all(&f, owner);
    assert_int_equal(owner[6], -1);
    assert_true(owner[9] >= 0 && owner[10] >= 0);
    tear_down(&f);
}

/** Counts by rank differ by at most 1 per combination and in total; every measured block is
 *  dealt. */
static void check_fair(const fixture *f, const int *owner)
{
    const cnn_design *design = f->context.design;
    int all[8] = {0}, warm[8] = {0};
    for (int c = 0; c < design->combination_count; c++) {
        int count[8] = {0}, least = 1000, most = 0;
        for (int b = 0; b < design->block_count; b++) {
            if (design->blocks[b].warmup || design->blocks[b].combination != c)
                continue;
            assert_true(owner[b] >= 0);
            count[owner[b]]++;
            all[owner[b]]++;
        }
        for (int r = 0; r < f->context.size; r++) {
            least = count[r] < least ? count[r] : least;
            most = count[r] > most ? count[r] : most;
        }
        assert_true(most - least <= 1);
    }
    for (int r = 1; r < f->context.size; r++)
        assert_true(abs(all[r] - all[0]) <= 1);
    for (int b = 0; b < design->block_count; b++)
        if (design->blocks[b].warmup && owner[b] >= 0)
            assert_int_equal(++warm[owner[b]], 1);
}

static void test_dealing_anew_for_other_ranks_is_fair(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 7; ranks++) {
        fixture f;
        int owner[64];
        if (ranks == 4)
            continue;
        set_up(&f, "balanced", ranks);
        take_all(&f, owner);
        check_fair(&f, owner);
        tear_down(&f);
    }
}

static void test_dealing_dynamic_is_common_but_for_warm_ups(void **state)
{
    (void)state;
    fixture f;
    int owner[64];
    cnn_dealing *d = NULL;
    set_up(&f, "dynamic", 4);
    take_all(&f, owner);
    for (int b = 0; b < f.context.design->block_count; b++)
        assert_true(owner[b] >= 0);
    /* A single rank that asks gets everything but the others' warm-up blocks. */
    assert_int_equal(cnn_dealing_create(&f.context, &d), CNN_OK);
    int n = 0;
    for (int b; (b = cnn_dealing_take(d, 2)) >= 0; n++)
        assert_true(f.context.design->blocks[b].warmup == (n == 0));
    assert_int_equal(n, 1 + 21);
    cnn_dealing_destroy(&d);
    tear_down(&f);
}

static void test_dealing_takes_half_done_blocks_home(void **state)
{
    (void)state;
    static const char *const ways[] = {"balanced", "dynamic"};
    for (int way = 0; way < 2; way++) {
        fixture f;
        int owner[64], home[64];
        set_up(&f, ways[way], 3);
        for (int b = 0; b < 64; b++)
            home[b] = -1;
        home[6] = 2;
        home[7] = 0;
        home[12] = 2;
        f.context.home = home;
        take_all(&f, owner);
        for (int b = 0; b < f.context.design->block_count; b++)
            if (home[b] >= 0)
                assert_int_equal(owner[b], home[b]);
            else if (!f.context.design->blocks[b].warmup)
                assert_true(owner[b] >= 0);
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dealing_follows_the_plan),
        cmocka_unit_test(test_dealing_leaves_out_what_is_finished),
        cmocka_unit_test(test_dealing_anew_for_other_ranks_is_fair),
        cmocka_unit_test(test_dealing_takes_half_done_blocks_home),
        cmocka_unit_test(test_dealing_dynamic_is_common_but_for_warm_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
