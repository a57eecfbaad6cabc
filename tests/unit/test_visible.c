/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPUs a launcher's words mean. */
#include "host/visible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/** Three GPUs; the third in MIG mode with two instances, a fourth with one, a fifth with none. */
static const cnn_gpu host[] = {
    {.uuid = "GPU-0aaa", .index = 0},
    {.uuid = "GPU-0abb", .index = 1},
    {.uuid = "GPU-1ccc", .index = 2, .divided = true},
    {.uuid = "MIG-7777", .index = 2, .instance = true},
    {.uuid = "MIG-7888", .index = 2, .instance = true},
    {.uuid = "GPU-2ddd", .index = 3, .divided = true},
    {.uuid = "MIG-9999", .index = 3, .instance = true},
    {.uuid = "GPU-3eee", .index = 4, .divided = true},
};
enum { COUNT = sizeof host / sizeof host[0] };

/** The chosen as "0 1 "; what: the status otherwise. */
static void choose(const char *cuda, const char *slurm, const char *expected)
{
    const cnn_visible_variables variables = {cuda, slurm};
    int chosen[COUNT], n = -1;
    char text[64] = "";
    if (cnn_visible_gpus(host, COUNT, &variables, chosen, &n) != CNN_OK)
        fail_msg("'%s': %s", cuda ? cuda : "", cnn_error_message());
    for (int i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", chosen[i]);
    assert_string_equal(text, expected);
}

static void refuse(const char *cuda, const char *why)
{
    const cnn_visible_variables variables = {cuda, NULL};
    int chosen[COUNT], n;
    assert_int_equal(cnn_visible_gpus(host, COUNT, &variables, chosen, &n), CNN_EENV);
    if (!strstr(cnn_error_message(), why))
        fail_msg("'%s' should say '%s' of '%s'", cnn_error_message(), why, cuda);
}

static void test_numbers(void **state)
{
    (void)state;
    choose("0", NULL, "0 ");
    choose("1,0", NULL, "1 0 ");
    choose(" 1 , 0 ", NULL, "1 0 ");
    choose("3", NULL, "6 "); /* its only instance */
    refuse("5", "has GPU 5, but this host shows 5");
    refuse("0,0", "names GPU-0aaa twice");
    refuse("2", "in MIG mode with 2 instances");
    refuse("4", "in MIG mode and has no instance");
}

static void test_uuids_and_their_beginnings(void **state)
{
    (void)state;
    choose("GPU-0aaa", NULL, "0 ");
    choose("GPU-0abb,GPU-0aa", NULL, "1 0 ");
    choose("MIG-7888,MIG-9", NULL, "4 6 ");
    choose("0,GPU-0abb", NULL, "0 1 ");
    refuse("GPU-0a", "with which 2 devices begin");
    refuse("GPU-9", "no device here has it");
    refuse("GPU-1ccc", "in MIG mode: name its instances");
    refuse("GPU-0aaa,0", "twice");
    refuse("0aaa", "a number, GPU-... or MIG-... is expected");
    refuse("0,,1", "has ''");
}

static void test_none(void **state)
{
    (void)state;
    choose("", NULL, "");
    choose("  ", NULL, "");
    choose("-1", NULL, "");
    choose("NoDevFiles", NULL, "");
    choose("1,-1,0", NULL, "1 "); /* as CUDA does: -1 ends the list */
}

static void test_nothing_said_is_all_that_can_be_used(void **state)
{
    (void)state;
    choose(NULL, NULL, "0 1 3 4 6 ");
    choose(NULL, "", "0 1 3 4 6 ");
}

static void test_slurm_step(void **state)
{
    (void)state;
    choose(NULL, "1", "1 ");
    choose(NULL, "1,0", "1 0 ");
    choose("0", "1", "0 ");            /* CUDA's variable is what a trainer obeys */
    choose(NULL, "5,6", "0 1 3 4 6 "); /* numbers of a node whose other GPUs are hidden */
    choose(NULL, "0-1", "0 1 3 4 6 "); /* no list that is understood */
    choose(NULL, "NoDevFiles", "0 1 3 4 6 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_uuids_and_their_beginnings),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_nothing_said_is_all_that_can_be_used),
        cmocka_unit_test(test_slurm_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
