/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that show a running job: every rank is there, listed or counted, in any width. */
#include "mpi/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_RANKS = 1000 };

static char *lay_out(int ranks, int columns, int most)
{
    static const char *const runs[] = {"native / arch1 / mnist, repeat 3",
                                       "layered / arch1 / mnist, repeat 12",
                                       "native / arch2 / größer, warm-up"};
    static cnn_live_rank all[MOST_RANKS];
    cnn_text t = {0};
    for (int r = 0; r < ranks; r++) {
        all[r] = (cnn_live_rank){.rank = r, .run = runs[r % 3]};
        all[r].cell = (int)(strrchr(runs[r % 3], ',') - runs[r % 3]);
        snprintf(all[r].epochs, sizeof all[r].epochs, "1/2");
    }
    cnn_live_lay_out("12/96 done, 0 failed, time left 4:05", all, ranks, columns, most, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    return cnn_text_take(&t);
}

static void test_every_rank_is_listed_where_there_is_room(void **state)
{
    (void)state;
    for (int columns = 60; columns <= 200; columns += 20) {
        char *s = lay_out(6, columns, 8), item[16];
        for (int r = 0; r < 6; r++) {
            snprintf(item, sizeof item, "%d: ", r);
            assert_non_null(strstr(s, item));
        }
        assert_null(strstr(s, "ranks"));
        for (const char *line = s; *line;
             line += strcspn(line, "\n") + (strchr(line, '\n') != NULL))
            assert_true(strcspn(line, "\n") < (size_t)columns + 4); /* bytes of letters with dots */
        assert_true(cnn_live_height(s, columns) <= 8);
        free(s);
    }
}

static void test_ranks_are_counted_where_there_is_none(void **state)
{
    (void)state;
    char *s = lay_out(64, 80, 8);
    assert_non_null(strstr(s, "22 ranks: native / arch1 / mnist"));
    assert_non_null(strstr(s, "21 ranks: layered / arch1 / mnist"));
    assert_non_null(strstr(s, "21 ranks: native / arch2 / größer"));
    assert_true(cnn_live_height(s, 80) <= 8);
    free(s);
    s = lay_out(MOST_RANKS, 40, 2); /* a head, and one line */
    assert_non_null(strstr(s, "\n334 ranks: nati | ... and 666 more"));
    assert_int_equal(cnn_live_height(s, 40), 2);
    free(s);
}

static void test_a_narrower_window_needs_more_lines(void **state)
{
    (void)state;
    assert_int_equal(cnn_live_height("", 80), 1);
    assert_int_equal(cnn_live_height("0123456789", 10), 1);
    assert_int_equal(cnn_live_height("0123456789", 9), 2);
    assert_int_equal(cnn_live_height("0123456789\n01234\n", 5), 4);
    assert_int_equal(cnn_live_height("größer", 6), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rank_is_listed_where_there_is_room),
        cmocka_unit_test(test_ranks_are_counted_where_there_is_none),
        cmocka_unit_test(test_a_narrower_window_needs_more_lines),
    };
    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
