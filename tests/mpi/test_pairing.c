/* SPDX-License-Identifier: Apache-2.0 */
/** Which rank takes which GPU. */
#include "mpi/placement/pairing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

/** near: one string a rank, a '#' for each GPU near it; expected: each rank's GPU, as digits. */
static void assert_pairs(int ranks, int gpus, const char *const *near, const char *expected)
{
    bool table[MOST * MOST];
    int gpu[MOST];
    char pairs[MOST + 1] = "";
    for (int r = 0; r < ranks; r++)
        for (int g = 0; g < gpus; g++)
            table[r * gpus + g] = near[r][g] == '#';
    assert_int_equal(cnn_pair_gpus(ranks, gpus, table, gpu), CNN_OK);
    for (int r = 0; r < ranks; r++)
        pairs[r] = (char)('0' + gpu[r]);
    assert_string_equal(pairs, expected);
}

static void test_pair_by_number_where_nearness_says_nothing(void **state)
{
    (void)state;
    assert_pairs(4, 4, (const char *const[]){"----", "----", "----", "----"}, "0123");
    assert_pairs(4, 4, (const char *const[]){"####", "####", "####", "####"}, "0123");
    assert_pairs(2, 4, (const char *const[]){"####", "----"}, "01");
    assert_pairs(1, 1, (const char *const[]){"-"}, "0");
}

static void test_pair_ranks_bound_to_sockets_in_turn(void **state)
{
    (void)state;
    assert_pairs(4, 4, (const char *const[]){"##--", "--##", "##--", "--##"}, "0213");
    assert_pairs(2, 4, (const char *const[]){"--##", "##--"}, "21");
    assert_pairs(3, 4, (const char *const[]){"##--", "##--", "##--"}, "012");
}

static void test_pair_moves_others_where_that_helps(void **state)
{
    (void)state;
    /* Rank 0 may have either; rank 1 only the first. */
    assert_pairs(2, 2, (const char *const[]){"##", "#-"}, "10");
    assert_pairs(3, 3, (const char *const[]){"##-", "-##", "#--"}, "120");
    /* Rank 1, which does not care, leaves what others are near. */
    assert_pairs(2, 2, (const char *const[]){"-#", "--"}, "10");
}

static void test_pair_more_ranks_than_gpus_take_turns(void **state)
{
    (void)state;
    assert_pairs(5, 2, (const char *const[]){"-#", "-#", "-#", "-#", "-#"}, "01010");
}

/** Every table of 3 ranks and 3 GPUs: no GPU twice, and as many near ones as the best
 *  permutation. */
static void test_pair_every_case_is_the_best(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned bits = 0; bits < 512; bits++) {
        bool near[9];
        int gpu[3], best = 0, got = 0;
        for (int i = 0; i < 9; i++)
            near[i] = bits >> i & 1;
        assert_int_equal(cnn_pair_gpus(3, 3, near, gpu), CNN_OK);
        assert_true(gpu[0] != gpu[1] && gpu[1] != gpu[2] && gpu[0] != gpu[2]);
        for (int o = 0; o < 6; o++) {
            int count = 0;
            for (int r = 0; r < 3; r++)
                count += near[r * 3 + orders[o][r]];
            best = count > best ? count : best;
        }
        for (int r = 0; r < 3; r++)
            got += near[r * 3 + gpu[r]];
        assert_int_equal(got, best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_by_number_where_nearness_says_nothing),
        cmocka_unit_test(test_pair_ranks_bound_to_sockets_in_turn),
        cmocka_unit_test(test_pair_moves_others_where_that_helps),
        cmocka_unit_test(test_pair_more_ranks_than_gpus_take_turns),
        cmocka_unit_test(test_pair_every_case_is_the_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
