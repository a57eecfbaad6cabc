/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax cross-entropy, its counts and its gradient against the double-precision reference. */
#include "reference.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>

static const double tolerance = 1e-5;

static const struct {
    int classes, batch;
} cases[] = {{10, 32}, {10, 16}, {2, 32}, {2, 22}, {3, 1}, {17, 5}, {1000, 3}};
enum { CASES = sizeof cases / sizeof cases[0], MOST = 32 };

static void label(int n, int classes, int32_t *labels)
{
    for (int i = 0; i < n; i++)
        labels[i] = (i * 7 + 1) % classes;
}

static void check(int classes, int n, double spread)
{
    rig r;
    cnn_loss *loss = NULL;
    cnn_metrics counts;
    int32_t labels[MOST];
    double sum = 0;
    int64_t errors = 0;
    size_t size = (size_t)n * (size_t)classes;
    rig_open(&r, n, 0);
    snprintf(r.context, sizeof r.context, "%d images, %d classes, logits up to %g", n, classes,
             spread);
    label(n, classes, labels);
    double *z = rig_random(&r, 1, size, -spread, spread), *dz = rig_zeros(&r, size);
    float *dev_z = rig_upload(&r, z, size), *dev_dz = rig_garbage(&r, size);
    int32_t *dev_labels = rig_upload_int(&r, labels, (size_t)n);
    OK(cnn_loss_create(r.ops, classes, &loss));
    OK(cnn_loss_apply(loss, n, dev_z, dev_labels, dev_dz));
    OK(cnn_loss_apply(loss, n, dev_z, dev_labels, NULL)); /* counts again, without a gradient */
    OK(cnn_loss_read(loss, &counts));
    ref_loss(classes, n, z, labels, &sum, &errors, dz);
    rig_compare(&r, "dlogits", dz, dev_dz, size, tolerance);
    assert_int_equal(counts.images, 2 * n);
    assert_int_equal(counts.errors, 2 * errors);
    if (!(fabs(counts.loss_sum - 2 * sum) <= tolerance * 2 * sum))
        fail_msg("%s: loss %.9g, not %.9g", r.context, counts.loss_sum, 2 * sum);
    OK(cnn_loss_read(loss, &counts)); /* reading changes nothing */
    assert_int_equal(counts.images, 2 * n);
    OK(cnn_loss_reset(loss));
    OK(cnn_loss_read(loss, &counts));
    assert_true(counts.loss_sum == 0 && counts.errors == 0 && counts.images == 0);
    cnn_loss_destroy(&loss);
    assert_null(loss);
    rig_close(&r);
}

static void test_loss_agrees_with_reference(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        check(cases[i].classes, cases[i].batch, 3);
}

static void test_large_logits_do_not_overflow(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        check(cases[i].classes, cases[i].batch, 1000);
}

/* With all logits equal the first class is the guess, so that only its images are right. */
static void test_first_of_equal_logits_counts(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        int n = cases[i].batch, classes = cases[i].classes, others = 0;
        rig r;
        cnn_loss *loss = NULL;
        cnn_metrics counts;
        int32_t labels[MOST];
        rig_open(&r, n, 0);
        label(n, classes, labels);
        for (int k = 0; k < n; k++)
            others += labels[k] != 0;
        size_t size = (size_t)n * (size_t)classes;
        float *dev_z = rig_upload(&r, rig_zeros(&r, size), size);
        OK(cnn_loss_create(r.ops, classes, &loss));
        OK(cnn_loss_apply(loss, n, dev_z, rig_upload_int(&r, labels, (size_t)n), NULL));
        OK(cnn_loss_read(loss, &counts));
        assert_int_equal(counts.errors, others);
        assert_true(fabs(counts.loss_sum - n * log(classes)) < 1e-4 * n);
        cnn_loss_destroy(&loss);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_agrees_with_reference),
        cmocka_unit_test(test_large_logits_do_not_overflow),
        cmocka_unit_test(test_first_of_equal_logits_counts),
    };
    return cmocka_run_group_tests_name("ops: loss", tests, NULL, NULL);
}
