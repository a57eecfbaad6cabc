/* SPDX-License-Identifier: Apache-2.0 */
/** Division of a host's cores among its ranks. */
#include "mpi/placement/divide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RANKS = 8, CORES = 16 };

/** Divides; may: one string a rank, a '#' for each core that it may use, '+' for one that is near
 * its GPU too. Writes likewise into gets. */
static void divide(int ranks, int cores, const char *const *may, char gets[RANKS][CORES + 1],
                   bool *lacks)
{
    bool allowed[RANKS * CORES], near[RANKS * CORES], given[RANKS * CORES];
    for (int r = 0; r < ranks; r++)
        for (int c = 0; c < cores; c++) {
            near[r * cores + c] = may[r][c] == '+';
            allowed[r * cores + c] = may[r][c] != '-';
        }
    assert_int_equal(cnn_divide_cores(ranks, cores, allowed, near, given, lacks), CNN_OK);
    for (int r = 0; r < ranks; r++) {
        for (int c = 0; c < cores; c++)
            gets[r][c] = given[r * cores + c] ? '#' : '-';
        gets[r][cores] = '\0';
    }
}

static void test_divide_bound_ranks_keep_their_cores(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    const char *const may[] = {"##--", "--##"};
    divide(2, 4, may, gets, lacks);
    assert_string_equal(gets[0], "##--");
    assert_string_equal(gets[1], "--##");
    assert_false(lacks[0] || lacks[1]);
}

static void test_divide_shared_set_in_equal_neighbouring_parts(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    const char *const may[] = {"########", "########", "########"};
    divide(3, 8, may, gets, lacks);
    assert_string_equal(gets[0], "##------");
    assert_string_equal(gets[1], "--##----");
    assert_string_equal(gets[2], "----##--"); /* two are left over: all devices are alike */
}

static void test_divide_two_numa_nodes_apart(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    const char *const may[] = {"####----", "----####", "####----", "----####"};
    divide(4, 8, may, gets, lacks);
    assert_string_equal(gets[0], "##------");
    assert_string_equal(gets[1], "----##--");
    assert_string_equal(gets[2], "--##----");
    assert_string_equal(gets[3], "------##");
}

static void test_divide_cores_near_a_gpu_go_to_its_rank(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    const char *const may[] = {"####++++", "++++####", "####++++", "++++####"};
    divide(4, 8, may, gets, lacks);
    assert_string_equal(gets[0], "----##--");
    assert_string_equal(gets[1], "##------");
    assert_string_equal(gets[2], "------##");
    assert_string_equal(gets[3], "--##----");
}

static void test_divide_near_cores_are_shared_equally(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    /* Three GPUs on the first node, with four cores for three ranks of three: one near core each.
     * The fourth takes all of its own. Rank 1 does not care, and must not take what others are
     * near. */
    const char *const may[] = {"++++########", "############", "++++########", "++++########"};
    divide(4, 12, may, gets, lacks);
    assert_string_equal(gets[0], "#--##-------");
    assert_string_equal(gets[1], "-----###----");
    assert_string_equal(gets[2], "-#------##--");
    assert_string_equal(gets[3], "--#-------##");
    const char *const two[] = {"++####", "##++++", "##++++"};
    divide(3, 6, two, gets, lacks);
    assert_string_equal(gets[0], "##----");
    assert_string_equal(gets[1], "--##--");
    assert_string_equal(gets[2], "----##");
    assert_false(lacks[0] || lacks[1] || lacks[2]);
}

static void test_divide_overlapping_sets_by_matching(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    /* Rank 0 must leave core 0 to rank 1, which has no other. */
    const char *const may[] = {"##", "#-"};
    divide(2, 2, may, gets, lacks);
    assert_string_equal(gets[0], "-#");
    assert_string_equal(gets[1], "#-");
    assert_false(lacks[0] || lacks[1]);
}

static void test_divide_too_few_cores(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    const char *const may[] = {"##-", "##-", "##-", "--#"};
    divide(4, 3, may, gets, lacks);
    assert_true(lacks[0] && lacks[1] && lacks[2]);
    assert_false(lacks[3]); /* has its own */
    assert_string_equal(gets[0], "#--");
    assert_string_equal(gets[1], "-#-");
    assert_string_equal(gets[2], "#--");
    assert_string_equal(gets[3], "--#");
}

static void test_divide_every_case_is_fair(void **state)
{
    (void)state;
    char gets[RANKS][CORES + 1];
    bool lacks[RANKS];
    char rows[RANKS][CORES + 1];
    const char *may[RANKS];
    uint32_t x = 12345;
    for (int n = 0; n < 2000; n++) {
        const int ranks = 1 + n % 4, cores = 1 + n % 9;
        for (int r = 0; r < ranks; r++) {
            for (int c = 0; c < cores; c++) {
                x = x * 1664525u + 1013904223u;
                rows[r][c] = x >> 30 ? '#' : '-';
            }
            rows[r][r % cores] = '#';
            rows[r][cores] = '\0';
            may[r] = rows[r];
        }
        divide(ranks, cores, may, gets, lacks);
        for (int r = 0; r < ranks; r++) {
            int own = 0;
            for (int c = 0; c < cores; c++) {
                own += gets[r][c] == '#';
                assert_true(gets[r][c] != '#' || rows[r][c] == '#');
                for (int other = 0; other < r; other++)
                    if (!lacks[r])
                        assert_false(gets[r][c] == '#' && gets[other][c] == '#');
            }
            assert_true(own >= 1);
            if (ranks <= cores) /* core r is rank r's: nobody can lack one */
                assert_false(lacks[r]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divide_bound_ranks_keep_their_cores),
        cmocka_unit_test(test_divide_shared_set_in_equal_neighbouring_parts),
        cmocka_unit_test(test_divide_two_numa_nodes_apart),
        cmocka_unit_test(test_divide_cores_near_a_gpu_go_to_its_rank),
        cmocka_unit_test(test_divide_near_cores_are_shared_equally),
        cmocka_unit_test(test_divide_overlapping_sets_by_matching),
        cmocka_unit_test(test_divide_too_few_cores),
        cmocka_unit_test(test_divide_every_case_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
