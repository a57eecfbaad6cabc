/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on what a run learns and how it evaluates, beside the reference. */
#include "conformance/internal.h"

#include <math.h>
#include <string.h>

/* Of losses. Rounding in single precision moves them by about 1e-7, a mistake by far more. Batch
 * norm amplifies rounding. */
static const double loss_bound = 1e-5, norm_loss_bound = 1e-4;

/** The column of one case beside the reference's. */
static cnn_status judge_losses(trial *t, cnn_conformance_row *row, trial_case_id id,
                               trial_column column, double bound)
{
    cnn_status st = CNN_OK;
    const trial_run *run, *reference;
    int epoch = 0;
    CNN_TRY(trial_need_both(t, row, id, &run, &reference));
    if (!run)
        goto done;
    const double difference = trial_loss_difference(run, reference, column, &epoch);
    trial_bound(row, trial_cases[id].name, difference, bound);
done:
    return st;
}

cnn_status rule_losses(trial *t, cnn_conformance_row *row)
{
    return judge_losses(t, row, CASE_STEPS, TRAIN_LOSS, loss_bound);
}

cnn_status rule_batch_order(trial *t, cnn_conformance_row *row)
{
    return judge_losses(t, row, CASE_ORDER, TRAIN_LOSS, loss_bound);
}

cnn_status rule_test_loss(trial *t, cnn_conformance_row *row)
{
    return judge_losses(t, row, CASE_STEPS, TEST_LOSS, loss_bound);
}

cnn_status rule_momentum(trial *t, cnn_conformance_row *row)
{
    return judge_losses(t, row, CASE_MOMENTUM, TRAIN_LOSS, loss_bound);
}

cnn_status rule_adam(trial *t, cnn_conformance_row *row)
{
    return judge_losses(t, row, CASE_ADAM, TRAIN_LOSS, loss_bound);
}

/** Its share in the mean loss of an epoch, and the size that its gradients are divided by. */
cnn_status rule_last_batch(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    CNN_TRY(judge_losses(t, row, CASE_RAGGED, TRAIN_LOSS, loss_bound));
    if (row->verdict == CNN_CONFORMANCE_PASS)
        CNN_TRY(judge_losses(t, row, CASE_SMALL, TRAIN_LOSS, loss_bound));
done:
    return st;
}

/** Batch norm's running statistics show in the test losses. */
cnn_status rule_layers(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    CNN_TRY(judge_losses(t, row, CASE_LAYERS, TRAIN_LOSS, norm_loss_bound));
    if (row->verdict == CNN_CONFORMANCE_PASS)
        CNN_TRY(judge_losses(t, row, CASE_LAYERS, TEST_LOSS, norm_loss_bound));
done:
    return st;
}

cnn_status rule_error_count(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    const int images = trial_cases[CASE_STEPS].test_images;
    const trial_run *run, *reference;
    CNN_TRY(trial_need_both(t, row, CASE_STEPS, &run, &reference));
    if (!run)
        goto done;
    trial_pass(row, "%d epochs of %d images: equal counts", run->record.row.epochs_done, images);
    for (int e = 0; e < run->record.row.epochs_done; e++) {
        const double count = images * run->record.epochs[e].epoch_test_error;
        const double expected = images * reference->record.epochs[e].epoch_test_error;
        if (isfinite(count) && fabs(count - round(count)) <= 1e-3 &&
            round(count) == round(expected))
            continue;
        trial_fail(row, "epoch %d: %.6g of %d images instead of %.0f", e, count, images, expected);
        goto done;
    }
done:
    return st;
}

static const char *checksum_of(const trial_run *run)
{
    return run->record.row.weight_checksum;
}

cnn_status rule_checksum(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    const trial_run *first, *again, *other;
    if (t->options->nondeterministic) {
        trial_none(row, "the runs need not be deterministic");
        goto done;
    }
    CNN_TRY(trial_need(t, row, CASE_ORDER, &first));
    if (!first)
        goto done;
    CNN_TRY(trial_need(t, row, CASE_AGAIN, &again));
    if (!again)
        goto done;
    CNN_TRY(trial_need(t, row, CASE_OTHER, &other));
    if (!other)
        goto done;
    if (strcmp(checksum_of(first), checksum_of(again)) != 0)
        trial_fail(row, "the same run twice: %s and %s", checksum_of(first), checksum_of(again));
    else if (strcmp(checksum_of(first), checksum_of(other)) == 0)
        trial_fail(row, "two seeds, one checksum: %s", checksum_of(first));
    else
        trial_pass(row, "the same run twice: %s; another seed: %s", checksum_of(first),
                   checksum_of(other));
done:
    return st;
}
