/* SPDX-License-Identifier: Apache-2.0 */
/** Leases: who counts as silent, as dead and as fenced, by a clock that the test moves. */
#include "mpi/dispatch/leases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const double seconds = 120;

static cnn_leases *make(int ranks, double now)
{
    cnn_leases *l = NULL;
    assert_int_equal(cnn_leases_create(ranks, seconds, now, &l), CNN_OK);
    return l;
}

static void test_leases_of_ranks_that_are_heard_go_on(void **state)
{
    (void)state;
    cnn_loss loss;
    cnn_leases *l = make(3, 1000);
    for (double now = 1000; now < 2000; now += 50) {
        for (int r = 1; r < 3; r++) {
            assert_false(cnn_leases_is_silent(l, r, now));
            assert_true(cnn_leases_hear(l, r, now));
        }
        assert_false(cnn_leases_next_loss(l, now, &loss));
    }
    cnn_leases_destroy(&l);
}

static void test_leases_silence_comes_before_death(void **state)
{
    (void)state;
    cnn_loss loss;
    cnn_leases *l = make(3, 0);
    cnn_leases_hear(l, 1, 100);
    assert_false(cnn_leases_is_silent(l, 2, 60));
    assert_true(cnn_leases_is_silent(l, 2, 60.1));
    assert_false(cnn_leases_next_loss(l, 120, &loss));
    assert_true(cnn_leases_next_loss(l, 120.5, &loss));
    assert_int_equal(loss.rank, 2);
    assert_false(loss.ended);
    assert_float_equal(loss.silence, 120.5, 1e-9);
    /* Once, and for good. */
    assert_false(cnn_leases_next_loss(l, 120.5, &loss));
    assert_false(cnn_leases_hear(l, 2, 121));
    assert_false(cnn_leases_next_loss(l, 130, &loss));
    cnn_leases_destroy(&l);
}

static void test_leases_of_a_process_that_has_ended_are_over_at_once(void **state)
{
    (void)state;
    cnn_loss loss;
    cnn_leases *l = make(4, 0);
    cnn_leases_end(l, 3);
    cnn_leases_hear(l, 3, 1); /* was on its way */
    assert_false(cnn_leases_is_silent(l, 3, 100));
    assert_true(cnn_leases_next_loss(l, 2, &loss));
    assert_int_equal(loss.rank, 3);
    assert_true(loss.ended);
    assert_false(cnn_leases_next_loss(l, 2, &loss));
    cnn_leases_destroy(&l);
}

static void test_leases_do_not_count_time_in_which_rank_0_did_not_run(void **state)
{
    (void)state;
    cnn_loss loss;
    cnn_leases *l = make(3, 0);
    cnn_leases_hear(l, 1, 100);
    cnn_leases_skip(l, 3600);
    assert_false(cnn_leases_is_silent(l, 1, 3600 + 160));
    assert_true(cnn_leases_is_silent(l, 2, 3600 + 61));
    assert_true(cnn_leases_next_loss(l, 3600 + 121, &loss));
    assert_int_equal(loss.rank, 2);
    assert_false(cnn_leases_next_loss(l, 3600 + 121, &loss));
    cnn_leases_destroy(&l);
}

static void test_leases_never_declare_rank_0(void **state)
{
    (void)state;
    cnn_loss loss;
    cnn_leases *l = make(2, 0);
    cnn_leases_hear(l, 1, 1e6);
    assert_false(cnn_leases_is_silent(l, 0, 1e6));
    assert_false(cnn_leases_next_loss(l, 1e6, &loss));
    cnn_leases_destroy(&l);
}

/** Signs and acknowledgements get lost at random: a rank is always fenced before it is declared
 *  dead, half a lease earlier at least, less the step by which it looks at its clock. */
static void test_leases_fence_before_they_declare(void **state)
{
    (void)state;
    const double step = cnn_lease_interval(seconds) / 3;
    uint32_t random = 1;
    int declared_in_all = 0;
    for (int trial = 0; trial < 2000; trial++) {
        cnn_loss loss;
        double acknowledged = 0, fenced = -1, declared = -1;
        const int lost_of_16 = trial % 17; /* signs, and acknowledgements, of 16 */
        cnn_leases *l = make(2, 0);
        for (double now = 0; now < 1500 && declared < 0; now += step) {
            random = random * 1664525u + 1013904223u;
            if (fenced < 0 && cnn_lease_is_over(acknowledged, seconds, now))
                fenced = now;
            const bool arrives = fenced < 0 && (int)(random >> 28) >= lost_of_16;
            const bool returns = (int)(random >> 20 & 15) >= lost_of_16;
            const double delay = (double)(random >> 8 & 7);
            if (arrives && cnn_leases_hear(l, 1, now + delay) && returns)
                acknowledged = now;
            if (cnn_leases_next_loss(l, now, &loss))
                declared = now;
        }
        assert_true(declared < 0 || fenced >= 0);
        assert_true(declared < 0 || declared - fenced >= seconds / 2 - step - 1e-9);
        declared_in_all += declared >= 0;
        cnn_leases_destroy(&l);
    }
    assert_true(declared_in_all > 100 && declared_in_all < 1900);
}

static void test_leases_refuse_what_is_none(void **state)
{
    (void)state;
    cnn_leases *l = NULL;
    assert_int_equal(cnn_leases_create(2, 0, 0, &l), CNN_EINVAL);
    assert_null(l);
    assert_true(cnn_lease_interval(1) < 0.1);
    assert_true(cnn_lease_interval(1e6) <= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leases_of_ranks_that_are_heard_go_on),
        cmocka_unit_test(test_leases_silence_comes_before_death),
        cmocka_unit_test(test_leases_of_a_process_that_has_ended_are_over_at_once),
        cmocka_unit_test(test_leases_do_not_count_time_in_which_rank_0_did_not_run),
        cmocka_unit_test(test_leases_never_declare_rank_0),
        cmocka_unit_test(test_leases_fence_before_they_declare),
        cmocka_unit_test(test_leases_refuse_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
