/* SPDX-License-Identifier: Apache-2.0 */
#include "base/philox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

/* Known answers that the generator's authors publish (Random123, kat_vectors, philox4x32 10). */
static const struct {
    uint32_t counter[4], key[2], answer[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_philox_gives_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const uint32_t *c = known[i].counter, *k = known[i].key;
        cnn_philox p =
            cnn_philox_at((uint64_t)k[1] << 32 | k[0], c[3], c[2], (uint64_t)c[1] << 32 | c[0]);
        for (int w = 0; w < 4; w++)
            assert_int_equal(p.w[w], known[i].answer[w]);
    }
}

static void test_word_is_a_word_of_its_counter(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 9; i++) {
        cnn_philox p = cnn_philox_at(7, CNN_RANDOM_WEIGHTS, 3, i / 4);
        assert_int_equal(cnn_random_word(7, CNN_RANDOM_WEIGHTS, 3, i), p.w[i % 4]);
    }
}

static void test_unit_stays_inside_zero_and_one(void **state)
{
    (void)state;
    assert_true(cnn_random_unit(0) > 0);
    assert_true(cnn_random_unit(UINT32_MAX) < 1);
    assert_true(cnn_random_unit(0x80000000u) == 0.5 + 0x1p-33);
}

static void test_order_is_a_permutation(void **state)
{
    (void)state;
    enum { N = 1000 };
    int32_t order[N];
    int seen[N] = {0}, in_place = 0;
    assert_int_equal(cnn_random_order(1, CNN_RANDOM_SHUFFLE, 0, N, order), CNN_OK);
    for (int i = 0; i < N; i++) {
        assert_in_range(order[i], 0, N - 1);
        seen[order[i]]++;
        in_place += order[i] == i;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_true(in_place < 20); /* 1 on average: it has been shuffled */
}

static void test_order_sorts_by_key_and_index(void **state)
{
    (void)state;
    enum { N = 300 };
    int32_t order[N];
    assert_int_equal(cnn_random_order(99, CNN_RANDOM_SPLIT, 4, N, order), CNN_OK);
    for (int i = 1; i < N; i++) {
        uint32_t a = cnn_philox_at(99, CNN_RANDOM_SPLIT, 4, (uint64_t)order[i - 1]).w[0];
        uint32_t b = cnn_philox_at(99, CNN_RANDOM_SPLIT, 4, (uint64_t)order[i]).w[0];
        assert_true(a < b || (a == b && order[i - 1] < order[i]));
    }
}

static void test_order_depends_on_all_it_is_drawn_for(void **state)
{
    (void)state;
    enum { N = 100 };
    int32_t first[N], again[N], other[N];
    assert_int_equal(cnn_random_order(5, CNN_RANDOM_SHUFFLE, 2, N, first), CNN_OK);
    assert_int_equal(cnn_random_order(5, CNN_RANDOM_SHUFFLE, 2, N, again), CNN_OK);
    assert_memory_equal(first, again, sizeof first);
    const struct {
        uint64_t seed;
        uint32_t purpose, epoch;
    } others[] = {{6, CNN_RANDOM_SHUFFLE, 2},
                  {5 + (UINT64_C(1) << 32), CNN_RANDOM_SHUFFLE, 2},
                  {5, CNN_RANDOM_DESIGN, 2},
                  {5, CNN_RANDOM_SHUFFLE, 3}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(
            cnn_random_order(others[i].seed, others[i].purpose, others[i].epoch, N, other), CNN_OK);
        assert_memory_not_equal(first, other, sizeof first);
    }
}

static void test_order_of_nothing_is_ok(void **state)
{
    (void)state;
    int32_t one[1] = {7};
    assert_int_equal(cnn_random_order(1, CNN_RANDOM_SHUFFLE, 0, 0, one), CNN_OK);
    assert_int_equal(one[0], 7);
    assert_int_equal(cnn_random_order(1, CNN_RANDOM_SHUFFLE, 0, 1, one), CNN_OK);
    assert_int_equal(one[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_gives_known_answers),
        cmocka_unit_test(test_word_is_a_word_of_its_counter),
        cmocka_unit_test(test_unit_stays_inside_zero_and_one),
        cmocka_unit_test(test_order_is_a_permutation),
        cmocka_unit_test(test_order_sorts_by_key_and_index),
        cmocka_unit_test(test_order_depends_on_all_it_is_drawn_for),
        cmocka_unit_test(test_order_of_nothing_is_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
