/* SPDX-License-Identifier: Apache-2.0 */
/* The experiment's layout: balance, seeds, queues. Jobs are built by hand. */
#include "design/design.h"

#include "design/rounding.h"
#include "design/seeds.h"
#include "results/record.h"
#include "stats/power.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_LEVELS = 40, MOST_FACTORS = 4 };

/** A job whose factors have the levels "l0", "l1", ... */
typedef struct {
    cnn_job job;
    cnn_factor factors[MOST_FACTORS];
    char *labels[MOST_FACTORS][MOST_LEVELS];
} fixture;

static char *names[MOST_FACTORS] = {"framework", "architecture", "dataset", "precision"};
static char *level_names[MOST_LEVELS] = {"l0",  "l1",  "l2",  "l3",  "l4",  "l5",  "l6",  "l7",
                                         "l8",  "l9",  "l10", "l11", "l12", "l13", "l14", "l15",
                                         "l16", "l17", "l18", "l19", "l20", "l21", "l22", "l23",
                                         "l24", "l25", "l26", "l27", "l28", "l29", "l30", "l31",
                                         "l32", "l33", "l34", "l35", "l36", "l37", "l38", "l39"};

static cnn_job *make_job(fixture *x, int factor_count, const int *levels, int contrast, int repeats)
{
    memset(x, 0, sizeof *x);
    for (int f = 0; f < factor_count; f++) {
        memcpy(x->labels[f], level_names, sizeof level_names);
        x->factors[f] =
            (cnn_factor){.name = names[f], .level_count = levels[f], .labels = x->labels[f]};
    }
    x->job.name = "test";
    x->job.factor_count = factor_count;
    x->job.factors = x->factors;
    x->job.contrast = contrast;
    x->job.repeats = repeats;
    x->job.seed = 20180601;
    x->job.train = cnn_train_defaults();
    x->job.analysis.alpha = 0.05;
    return &x->job;
}

static cnn_design *make_design(const cnn_job *job, int devices)
{
    cnn_design *d = NULL;
    assert_int_equal(cnn_design_create(job, devices, &d), CNN_OK);
    return d;
}

/** The study's job: 2 x 2 x 3, 15 repeats. */
static cnn_job *study_job(fixture *x)
{
    cnn_job *job = make_job(x, 3, (int[]){2, 2, 3}, 0, 15);
    char *labels[3][3] = {
        {"native", "layered", NULL}, {"arch1", "arch2", NULL}, {"mnist", "fashion_mnist", "idc"}};
    for (int f = 0; f < 3; f++)
        memcpy(x->labels[f], labels[f], sizeof labels[f]);
    return job;
}

/** Counts a design anew, in dense tables, and fails where counts differ by more than 1. */
static void assert_balanced(const cnn_design *d, bool dynamic)
{
    const int devices = dynamic ? 1 : d->device_count, orders = d->level_count;
    const int combinations = d->combination_count;
    int *n = calloc((size_t)(combinations + 1) * (size_t)(devices + 1) * (size_t)(orders + 1),
                    sizeof *n);
    assert_non_null(n);
#define N(c, v, o) n[((c) * (devices + 1) + (v)) * (orders + 1) + (o)]
    for (int b = 0; b < d->block_count; b++) {
        const cnn_block *k = &d->blocks[b];
        if (k->warmup)
            continue;
        int v = dynamic ? 0 : k->device;
        for (int mask = 0; mask < 8; mask++) /* the last index of each dimension is the sum */
            N(mask & 1 ? combinations : k->combination, mask & 2 ? devices : v,
              mask & 4 ? orders : k->order)
        ++;
    }
    for (int c = 0; c <= combinations; c++) {
        for (int v = 0; v < devices; v++)
            assert_in_range(N(c, v, orders) - N(c, 0, orders) + 1, 0, 2);
        for (int v = 0; v <= devices; v++)
            for (int o = 0; o < orders; o++)
                for (int p = 0; p < o; p++)
                    assert_in_range(N(c, v, o) - N(c, v, p) + 1, 0, 2);
    }
#undef N
    free(n);
}

/** Every block once in the queues, where its queue_position says; every run once, in its place. */
static void assert_complete(const cnn_design *d, bool dynamic)
{
    char *seen = calloc((size_t)d->block_count, 1);
    assert_non_null(seen);
    assert_int_equal(d->queue_start[0], 0);
    assert_int_equal(d->queue_start[d->device_count], d->block_count);
    for (int v = 0; v < d->device_count; v++)
        for (int i = d->queue_start[v]; i < d->queue_start[v + 1]; i++) {
            const cnn_block *b = &d->blocks[d->queue[i]];
            assert_int_equal(seen[d->queue[i]]++, 0);
            assert_int_equal(b->queue_position, i - d->queue_start[v]);
            assert_int_equal(b->device, dynamic ? (b->warmup ? b->device : -1) : v);
            if (i > d->queue_start[v] && b->warmup)
                assert_true(d->blocks[d->queue[i - 1]].warmup);
        }
    for (int b = 0; b < d->block_count; b++) {
        const cnn_block *block = &d->blocks[b];
        assert_int_equal(seen[b], 1);
        assert_true(block->seed < UINT32_C(1) << 31);
        assert_int_equal(block->first_run, b * d->level_count);
        for (int k = 0; k < d->level_count; k++) {
            int level = cnn_block_level(d, block, k), r = cnn_block_run(block, level);
            assert_int_equal(d->runs[r].block, b);
            assert_int_equal(d->runs[r].level, level);
            assert_int_equal(d->runs[r].position, k);
            const cnn_cell *cell = &d->cells[d->runs[r].cell];
            assert_int_equal(cell->combination, block->combination);
            assert_int_equal(cell->level, level);
        }
    }
    free(seen);
}

static void test_design_balances_over_a_grid(void **state)
{
    (void)state;
    const int levels[] = {2, 3, 4, 5, 8}, devices[] = {1, 2, 3, 4, 6, 7, 16};
    const int repeats[] = {1, 2, 3, 8, 15, 16, 31}, combinations[] = {1, 2, 6, 13};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (size_t v = 0; v < sizeof devices / sizeof *devices; v++)
            for (size_t r = 0; r < sizeof repeats / sizeof *repeats; r++)
                for (size_t c = 0; c < sizeof combinations / sizeof *combinations; c++) {
                    fixture x;
                    cnn_job *job =
                        make_job(&x, 2, (int[]){combinations[c], levels[l]}, 1, repeats[r]);
                    job->schedule.warmup = (int)(r % 3);
                    job->schedule.assign =
                        (l + v + r + c) % 5 == 0 ? CNN_ASSIGN_DYNAMIC : CNN_ASSIGN_BALANCED;
                    bool dynamic = job->schedule.assign == CNN_ASSIGN_DYNAMIC;
                    cnn_design *d = make_design(job, devices[v]);
                    assert_balanced(d, dynamic);
                    assert_complete(d, dynamic);
                    assert_in_range(cnn_design_imbalance(d), 0, 1);
                    cnn_design_destroy(&d);
                    assert_null(d);
                }
}

static void test_design_of_the_study(void **state)
{
    (void)state;
    fixture x;
    cnn_design *d = make_design(study_job(&x), 4);
    assert_int_equal(d->cell_count, 12);
    assert_int_equal(d->combination_count, 6);
    assert_int_equal(d->block_count, 90);
    assert_int_equal(d->run_count, 180);
    assert_string_equal(d->cells[0].label, "native / arch1 / mnist");
    assert_string_equal(d->cells[11].label, "layered / arch2 / idc");
    assert_string_equal(d->combinations[4].label, "arch2 / fashion_mnist");
    assert_int_equal(d->combinations[4].levels[0], -1);
    assert_int_equal(d->cells[10].combination, 4);
    /* four devices and two orders: taking the order from the block's number would give each
     * device one order only */
    int first[4] = {0}, all[4] = {0};
    for (int b = 0; b < d->block_count; b++) {
        all[d->blocks[b].device]++;
        first[d->blocks[b].device] += d->blocks[b].order == 0;
    }
    for (int v = 0; v < 4; v++)
        assert_in_range(2 * first[v] - all[v] + 1, 0, 2);
    cnn_text t = {0};
    cnn_design_label_run(d, cnn_block_run(&d->blocks[3], 1), &t);
    assert_string_equal(t.s, "layered / arch1 / mnist, repeat 3");
    cnn_text_free(&t);
    cnn_design_destroy(&d);
}

static void test_imbalance_sees_a_block_moved(void **state)
{
    (void)state;
    fixture x;
    cnn_design *d = make_design(make_job(&x, 2, (int[]){3, 2}, 1, 8), 2);
    assert_int_equal(cnn_design_imbalance(d), 0);
    cnn_block *b = &d->blocks[5];
    b->order = 1 - b->order;
    assert_int_equal(cnn_design_imbalance(d), 2);
    b->order = 1 - b->order;
    b->device = 1 - b->device;
    assert_int_equal(cnn_design_imbalance(d), 2);
    cnn_design_destroy(&d);
}

static void test_design_is_a_function_of_job_and_devices(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    job->schedule.warmup = 1;
    cnn_design *a = make_design(job, 3), *b = make_design(job, 3);
    assert_memory_equal(a->blocks, b->blocks, (size_t)a->block_count * sizeof *a->blocks);
    assert_memory_equal(a->queue, b->queue, (size_t)a->block_count * sizeof *a->queue);
    assert_memory_equal(a->runs, b->runs, (size_t)a->run_count * sizeof *a->runs);
    cnn_design_destroy(&b);
    job->seed++;
    b = make_design(job, 3);
    assert_memory_not_equal(a->queue, b->queue, (size_t)a->block_count * sizeof *a->queue);
    for (int i = 0; i < a->block_count; i++)
        assert_int_not_equal(a->blocks[i].seed, b->blocks[i].seed);
    cnn_design_destroy(&a);
    cnn_design_destroy(&b);
}

static void test_queue_order_is_random(void **state)
{
    (void)state;
    fixture x;
    cnn_design *d = make_design(make_job(&x, 1, (int[]){2}, 0, 1000), 1);
    /* 1000 shuffled blocks: ascents ~ N(499.5, 9.1), blocks left in place ~ Poisson(1), and the
     * orders are mixed over the queue: AB in its first half ~ hypergeometric, sd 7.9 */
    int ascents = 0, fixed = 0, begin = 0;
    for (int i = 0; i < 1000; i++) {
        ascents += i && d->queue[i] > d->queue[i - 1];
        fixed += d->queue[i] == i;
        begin += i < 500 && d->blocks[d->queue[i]].order == 0;
    }
    assert_in_range(ascents, 450, 550);
    assert_in_range(fixed, 0, 8);
    assert_in_range(begin, 210, 290);
    cnn_design_destroy(&d);
}

static void test_warmup_repeats_the_first_block_of_its_device(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    job->schedule.warmup = 2;
    for (int dynamic = 0; dynamic < 2; dynamic++) {
        job->schedule.assign = dynamic ? CNN_ASSIGN_DYNAMIC : CNN_ASSIGN_BALANCED;
        cnn_design *d = make_design(job, 3);
        assert_int_equal(d->block_count, 96);
        for (int i = 0; i < 96; i++) {
            const cnn_block *b = &d->blocks[i];
            assert_int_equal(b->warmup, i < 6);
            if (i >= 6)
                continue;
            assert_int_equal(b->device, i / 2);
            assert_int_equal(b->repeat, -1);
            int first = dynamic ? d->queue[6 + i / 2] : d->queue[d->queue_start[i / 2] + 2];
            assert_int_equal(b->combination, d->blocks[first].combination);
            assert_int_equal(b->order, d->blocks[first].order);
            for (int k = 0; k < 96; k++)
                assert_true(k == i || d->blocks[k].seed != b->seed);
        }
        cnn_design_destroy(&d);
    }
}

static void test_devices_without_blocks_get_no_warmup(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = make_job(&x, 1, (int[]){2}, 0, 3);
    job->schedule.warmup = 1;
    cnn_design *d = make_design(job, 5);
    assert_int_equal(d->block_count, 6);
    assert_complete(d, false);
    assert_int_equal(d->queue_start[3], 6);
    assert_string_equal(d->combinations[0].label, "all");
    cnn_design_destroy(&d);
}

static void test_crossed_gives_every_seed_to_every_device(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    job->seeds = CNN_SEEDS_CROSSED;
    job->crossed = 5;
    cnn_design *d = make_design(job, 3);
    assert_int_equal(d->block_count, 6 * 5 * 3);
    assert_balanced(d, false);
    assert_complete(d, false);
    for (int b = 0; b < d->block_count; b++) {
        const cnn_block *k = &d->blocks[b];
        assert_int_equal(k->repeat, b % 15);
        assert_int_equal(k->device, k->repeat % 3);
        assert_int_equal(k->seed, d->blocks[b - b % 3].seed);
        if (b >= 3)
            assert_int_not_equal(k->seed, d->blocks[b - 3].seed);
    }
    cnn_design_destroy(&d);
    job->schedule.assign = CNN_ASSIGN_DYNAMIC;
    assert_int_equal(cnn_design_create(job, 3, &d), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "crossed"));
}

/** Seed of (architecture, dataset, repeat) by name. */
static uint32_t seed_of(const cnn_job *job, const char *architecture, const char *dataset,
                        int repeat)
{
    int levels[MOST_FACTORS] = {0};
    for (int f = 0; f < job->factor_count; f++)
        for (int l = 0; l < job->factors[f].level_count; l++)
            if (!strcmp(job->factors[f].labels[l], architecture) ||
                !strcmp(job->factors[f].labels[l], dataset))
                levels[f] = l;
    return cnn_design_seed(job, levels, false, (uint32_t)repeat);
}

static void test_seeds_stay_when_the_job_changes(void **state)
{
    (void)state;
    fixture x, y;
    cnn_job *a = study_job(&x), *b = study_job(&y);
    /* y: factors and levels in another order, a level more of one factor and of the contrast */
    cnn_factor first = y.factors[0];
    y.factors[0] = y.factors[2];
    y.factors[2] = first;
    b->contrast = 2;
    y.factors[2].level_count = 3;
    y.labels[0][2] = "torch";
    y.labels[1][0] = "arch2";
    y.labels[1][1] = "lenet";
    y.labels[1][2] = "arch1";
    y.factors[1].level_count = 3;
    const char *architectures[] = {"arch1", "arch2"};
    const char *datasets[] = {"mnist", "fashion_mnist", "idc"};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int r = 0; r < 20; r++)
                assert_int_equal(seed_of(a, architectures[i], datasets[j], r),
                                 seed_of(b, architectures[i], datasets[j], r));
    assert_int_not_equal(seed_of(b, "lenet", "idc", 0), seed_of(b, "arch1", "idc", 0));
}

static int by_seed(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void test_seeds_differ_between_combinations_and_repeats(void **state)
{
    (void)state;
    enum { SIDE = 40, REPEATS = 8, ALL = SIDE * SIDE * REPEATS };
    static uint32_t seeds[ALL];
    fixture x;
    /* two factors with the same level names: (l1, l2) is not (l2, l1) */
    cnn_job *job = make_job(&x, 3, (int[]){2, SIDE, SIDE}, 0, REPEATS);
    for (int i = 0; i < ALL; i++) {
        int levels[3] = {-1, i / REPEATS / SIDE, i / REPEATS % SIDE};
        seeds[i] = cnn_design_seed(job, levels, false, (uint32_t)(i % REPEATS));
        assert_true(seeds[i] < UINT32_C(1) << 30);
    }
    qsort(seeds, ALL, sizeof *seeds, by_seed);
    int same = 0;
    for (int i = 1; i < ALL; i++)
        same += seeds[i] == seeds[i - 1];
    assert_in_range(same, 0, 8); /* chance: 12,800^2 / 2 / 2^30 = 0.08 pairs, in runs of up to 8 */
}

static void test_hundred_thousand_blocks(void **state)
{
    (void)state;
    const struct {
        int factors[3], contrast, repeats, devices;
    } grid[] = {{{1, 2, 1}, 1, 100000, 8},
                {{40, 5, 40}, 1, 63, 24},
                {{40, 3, 25}, 1, 100, 500},
                {{40, 8, 40}, 1, 63, 1000}};
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) {
        fixture x;
        cnn_job *job = make_job(&x, 3, grid[i].factors, grid[i].contrast, grid[i].repeats);
        job->schedule.warmup = 1;
        cnn_design *d = make_design(job, grid[i].devices);
        assert_true(d->block_count >= 100000);
        assert_in_range(cnn_design_imbalance(d), 0, 1);
        assert_complete(d, false);
        cnn_design_destroy(&d);
    }
}

static void test_too_many_runs_are_refused(void **state)
{
    (void)state;
    fixture x;
    cnn_design *d = NULL;
    cnn_job *job = make_job(&x, 4, (int[]){40, 40, 40, 40}, 0, INT_MAX);
    assert_int_equal(cnn_design_create(job, 4, &d), CNN_EUSAGE);
    assert_null(d);
    assert_non_null(strstr(cnn_error_message(), "more than"));
    assert_int_equal(cnn_design_create(job, 0, &d), CNN_EINVAL);
    job->contrast = 4;
    assert_int_equal(cnn_design_create(job, 4, &d), CNN_EINVAL);
}

static void test_count_part_rounds_rows_columns_and_all(void **state)
{
    (void)state;
    const cnn_count cells[] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 7}, {1, 0, 4}, {1, 2, 2}, {2, 1, 5}};
    for (int k = 1; k <= 9; k++)
        for (uint32_t seed = 0; seed < 20; seed++) {
            int part[6], n[7] = {0}, p[7] = {0}; /* three rows, three columns, all */
            assert_int_equal(cnn_count_part(3, 3, 6, cells, k, seed, part), CNN_OK);
            for (int i = 0; i < 6; i++) {
                const int at[] = {cells[i].row, 3 + cells[i].column, 6};
                assert_in_range(part[i] * k - cells[i].count + k, 1, 2 * k - 1);
                for (int j = 0; j < 3; j++) {
                    n[at[j]] += cells[i].count;
                    p[at[j]] += part[i];
                }
            }
            for (int j = 0; j < 7; j++)
                assert_in_range(p[j] * k - n[j] + k, 1, 2 * k - 1);
        }
    assert_int_equal(cnn_count_part(3, 3, 6, cells, 0, 1, NULL), CNN_EINVAL);
}

static void assert_lines_fit(const char *s, size_t width)
{
    for (; *s; s += strcspn(s, "\n") + (s[strcspn(s, "\n")] == '\n')) {
        if (strcspn(s, "\n") > width)
            fail_msg("a line of %zu characters: %.*s", strcspn(s, "\n"), (int)strcspn(s, "\n"), s);
    }
}

static void test_describe_says_what_is_planned(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    job->schedule.warmup = 1;
    cnn_design *d = make_design(job, 4);
    cnn_network net, other;
    assert_true(cnn_network_builtin("arch1", &net));
    assert_int_equal(cnn_network_infer(&net, (cnn_shape){28, 28, 1}, 10), CNN_OK);
    assert_true(cnn_network_builtin("arch2", &other));
    assert_int_equal(cnn_network_infer(&other, (cnn_shape){28, 28, 1}, 10), CNN_OK);
    const cnn_network *networks[12] = {[0] = &net, [3] = &other};
    cnn_text t = {0};
    cnn_design_describe(d, job, networks, &t);
    cnn_design_describe_unmeasured(d, job, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    static const char *const parts[] = {
        "Plan of 'test' for 4 devices",
        "180 in 90 blocks: 6 combinations x 15 repeats x 2 levels of framework",
        "8 runs in 4 blocks, discarded",
        "native / arch1 / mnist              15         28,938",
        "layered / arch2 / idc               15        unknown",
        "largest difference between counts that should be equal: 1",
        "280,174",
        "     height\n",
        "20 epochs, batch size 32, sgd, learning rate 0.01, momentum 0, fp32",
        "warm-up of device 0",
        "device 3: 23 blocks",
        "unknown: nothing has been measured yet",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(t.s, parts[i])) {
            fputs(t.s, stderr); /* too long for cmocka's messages */
            fail_msg("'%s' is missing in the plan above", parts[i]);
        }
    char effect[64]; /* tested against R in test_stats */
    snprintf(effect, sizeof effect, "%.3g sd of the differences",
             cnn_paired_detectable(15, 2, 0.05, 0.8));
    assert_non_null(strstr(t.s, effect));
    assert_lines_fit(t.s, 100);
    cnn_text_free(&t);
    cnn_design_destroy(&d);
}

static void test_describe_does_not_claim_what_a_factor_settles(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    x.factors[2].name = "epochs";
    memcpy(x.labels[2], ((char *[]){"10", "20", "30"}), 3 * sizeof(char *));
    cnn_design *d = make_design(job, 2);
    cnn_text t = {0};
    cnn_design_describe(d, job, NULL, &t);
    assert_non_null(strstr(t.s, "train   epochs (factor), batch size 32, sgd,"));
    assert_null(strstr(t.s, "20 epochs"));
    cnn_text_free(&t);
    cnn_design_destroy(&d);
}

static void test_describe_aligns_names_that_are_not_ascii(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    x.labels[1][0] = "sch\xc3\xb6n"; /* as wide as arch2, and a byte longer */
    cnn_design *d = make_design(job, 2);
    cnn_text t = {0};
    cnn_design_describe(d, job, NULL, &t);
    assert_non_null(strstr(t.s, "\n  layered / sch\xc3\xb6n / fashion_mnist     15 "));
    assert_non_null(strstr(t.s, "\n  layered / arch2 / fashion_mnist     15 "));
    assert_non_null(strstr(t.s, "\n  sch\xc3\xb6n / fashion_mnist     15 "));
    assert_non_null(strstr(t.s, "\n  arch2 / fashion_mnist     15 "));
    cnn_text_free(&t);
    cnn_design_destroy(&d);
}

static void test_describe_shortens_long_lists(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = make_job(&x, 3, (int[]){40, 9, 40}, 1, 2);
    cnn_design *d = make_design(job, 64);
    cnn_text t = {0};
    cnn_design_describe(d, job, NULL, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    assert_lines_fit(t.s, 100);
    assert_non_null(strstr(t.s, "... and 14368 more cells"));
    assert_non_null(strstr(t.s, "... and 1568 more combinations"));
    assert_non_null(strstr(t.s, "... and 56 more devices"));
    assert_non_null(strstr(t.s, "... and 56 more queues"));
    int lines = 0;
    for (const char *s = t.s; *s; s++)
        lines += *s == '\n';
    assert_in_range(lines, 50, 150);
    cnn_text_free(&t);
    cnn_design_destroy(&d);
}

static void test_describe_other_schedules(void **state)
{
    (void)state;
    fixture x;
    cnn_job *job = study_job(&x);
    job->schedule.assign = CNN_ASSIGN_DYNAMIC;
    job->repeats = 1;
    cnn_design *d = make_design(job, 4);
    cnn_text t = {0};
    cnn_design_describe(d, job, NULL, &t);
    cnn_design_describe_unmeasured(d, job, &t);
    assert_non_null(strstr(t.s, "common queue: 6 blocks\n"));
    assert_non_null(strstr(t.s, "blocks    o0   o1\n"));
    assert_non_null(strstr(t.s, "6 combinations x 1 repeat x 2 levels"));
    assert_non_null(strstr(t.s, "warm-up none"));
    assert_non_null(strstr(t.s, "none: 1 block of a combination cannot be tested"));
    assert_lines_fit(t.s, 100);
    cnn_text_free(&t);
    cnn_design_destroy(&d);
    job->schedule.assign = CNN_ASSIGN_BALANCED;
    job->seeds = CNN_SEEDS_CROSSED;
    job->crossed = 3;
    d = make_design(job, 4);
    cnn_design_describe(d, job, NULL, &t);
    assert_non_null(strstr(t.s, "crossed: 3 for each combination, each on every device"));
    assert_non_null(strstr(t.s, "6 combinations x 12 repeats"));
    assert_lines_fit(t.s, 100);
    cnn_text_free(&t);
    cnn_design_destroy(&d);
}

static void test_unknown_records_are_unknown(void **state)
{
    (void)state;
    cnn_measured m = cnn_measured_unknown();
    assert_int_equal(m.attempts, -1);
    assert_int_equal(m.shared_device, -1);
    assert_true(m.parameters == -1);
    assert_true(isnan(m.start_time) && isnan(m.throttled_seconds));
    assert_string_equal(m.host, "");
    cnn_epoch_row e = cnn_epoch_row_unknown();
    assert_true(isnan(e.epoch_seconds) && isnan(e.epoch_evaluation_seconds));
    cnn_attempt a = cnn_attempt_unknown();
    assert_int_equal(a.attempt_outcome, CNN_OUTCOME_NONE);
    assert_int_equal(a.attempt_rank, -1);
    assert_string_equal(a.attempt_log, "");
    assert_string_equal(cnn_run_status_names[CNN_RUN_DIVERGED], "diverged");
    assert_null(cnn_run_status_names[CNN_RUN_STATUS_COUNT]);
    assert_string_equal(cnn_outcome_names[CNN_OUTCOME_STOPPED], "stopped");
    assert_null(cnn_outcome_names[CNN_OUTCOME_COUNT]);
}

static void test_a_free_factor_with_one_level_changes_nothing(void **state)
{
    (void)state;
    fixture x, y;
    cnn_job *job = study_job(&x), *more = study_job(&y);
    cnn_design *before = make_design(job, 3);
    y.factors[3] = (cnn_factor){.name = "num_workers",
                                .kind = CNN_FACTOR_FREE,
                                .level_count = 1,
                                .labels = (char *[]){"num_workers 4"}};
    more->factor_count = 4;
    cnn_design *after = make_design(more, 3);
    assert_int_equal(after->run_count, before->run_count);
    for (int b = 0; b < before->block_count; b++) {
        assert_int_equal(after->blocks[b].seed, before->blocks[b].seed);
        assert_int_equal(after->blocks[b].order, before->blocks[b].order);
    }
    for (int c = 0; c < before->cell_count; c++)
        assert_string_equal(after->cells[c].label, before->cells[c].label);
    cnn_design_destroy(&after);
    y.factors[3].level_count = 2;
    y.factors[3].labels = (char *[]){"num_workers 4", "num_workers 0"};
    after = make_design(more, 3);
    assert_string_equal(after->cells[1].label, "native / arch1 / mnist / num_workers 0");
    assert_int_not_equal(cnn_design_seed(more, (int[]){0, 0, 0, 0}, false, 0),
                         cnn_design_seed(more, (int[]){0, 0, 0, 1}, false, 0));
    cnn_design_destroy(&before);
    cnn_design_destroy(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_design_balances_over_a_grid),
        cmocka_unit_test(test_design_of_the_study),
        cmocka_unit_test(test_imbalance_sees_a_block_moved),
        cmocka_unit_test(test_design_is_a_function_of_job_and_devices),
        cmocka_unit_test(test_queue_order_is_random),
        cmocka_unit_test(test_warmup_repeats_the_first_block_of_its_device),
        cmocka_unit_test(test_devices_without_blocks_get_no_warmup),
        cmocka_unit_test(test_crossed_gives_every_seed_to_every_device),
        cmocka_unit_test(test_seeds_stay_when_the_job_changes),
        cmocka_unit_test(test_seeds_differ_between_combinations_and_repeats),
        cmocka_unit_test(test_hundred_thousand_blocks),
        cmocka_unit_test(test_too_many_runs_are_refused),
        cmocka_unit_test(test_count_part_rounds_rows_columns_and_all),
        cmocka_unit_test(test_describe_says_what_is_planned),
        cmocka_unit_test(test_describe_does_not_claim_what_a_factor_settles),
        cmocka_unit_test(test_describe_aligns_names_that_are_not_ascii),
        cmocka_unit_test(test_describe_shortens_long_lists),
        cmocka_unit_test(test_describe_other_schedules),
        cmocka_unit_test(test_a_free_factor_with_one_level_changes_nothing),
        cmocka_unit_test(test_unknown_records_are_unknown),
    };
    return cmocka_run_group_tests_name("design", tests, NULL, NULL);
}
