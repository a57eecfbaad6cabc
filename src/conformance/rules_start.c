/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on what a run starts from: networks, data, weights, and the first step. */
#include "conformance/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The study's networks, with the bound of their first loss: of rounding, which grows with the
 *  number of sums behind a loss. */
static const struct {
    trial_case_id id;
    double loss, change;
} study[] = {
    {CASE_ARCH1_28, 1e-5, 1e-4},
    {CASE_ARCH1_50, 1e-5, 1e-4},
    {CASE_ARCH2_28, 1e-4, 1e-3},
    {CASE_ARCH2_50, 1e-4, 1e-3},
};
enum { STUDY = sizeof study / sizeof study[0] };

cnn_status rule_parameters(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    cnn_text found = {0};
    cnn_network *net = malloc(sizeof *net);
    CNN_CHECK(net, CNN_ENOMEM, "a network");
    for (int i = 0; i < STUDY; i++) {
        const trial_run *run;
        CNN_TRY(trial_need(t, row, study[i].id, &run));
        CNN_TRY(trial_network_of(t, study[i].id, net));
        if (!run)
            continue; /* a trainer may take some of them only */
        cnn_text_printf(&found, "%s%" PRId64, found.len ? ", " : "", run->record.row.parameters);
        if (run->record.row.parameters != net->parameter_total) {
            trial_fail(row, "%s: %" PRId64 " instead of %" PRId64, trial_cases[study[i].id].name,
                       run->record.row.parameters, net->parameter_total);
            goto done;
        }
    }
    CNN_TRY(cnn_text_status(&found));
    if (found.len)
        trial_pass(row, "%s", found.s);
done:
    cnn_text_free(&found);
    free(net);
    return st;
}

/** Compares what a run says of its data with the data set as this program loads it. */
static cnn_status compare_data(trial *t, cnn_conformance_row *row, trial_case_id id,
                               const trial_run *run)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    cnn_spec spec = {0};
    cnn_dataset *data = NULL;
    char checksum[17];
    const cnn_measured *m = &run->record.row;
    CNN_TRY(trial_spec_write(t, id, TRAINER, &text));
    CNN_TRY(cnn_text_status(&text));
    CNN_TRY(cnn_spec_parse(text.s, &spec));
    CNN_TRY(cnn_dataset_load(&spec.source, &data));
    cnn_dataset_fingerprint(data, checksum);
    if ((m->train_images >= 0 && m->train_images != data->train.count) ||
        (m->test_images >= 0 && m->test_images != data->test.count))
        trial_fail(row, "'%s': %" PRId64 " and %" PRId64 " images instead of %d and %d",
                   trial_cases[id].name, m->train_images, m->test_images, data->train.count,
                   data->test.count);
    else if (!m->data_checksum[0])
        trial_none(row, "it reports no data_checksum");
    else if (strcmp(m->data_checksum, checksum) != 0)
        trial_fail(row, "'%s': data_checksum %s instead of %s", trial_cases[id].name,
                   m->data_checksum, checksum);
    else
        trial_pass(row, "data_checksum %s", checksum);
done:
    cnn_dataset_destroy(&data);
    cnn_spec_free(&spec);
    cnn_text_free(&text);
    return st;
}

cnn_status rule_data(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    static const trial_case_id cases[] = {CASE_ORDER, CASE_LAYERS}; /* IDX; NPY with a split */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cnn_conformance_row of_case = {0};
        const trial_run *run;
        CNN_TRY(trial_need(t, &of_case, cases[i], &run));
        if (run)
            CNN_TRY(compare_data(t, &of_case, cases[i], run));
        if (row->verdict == CNN_CONFORMANCE_NONE || of_case.verdict == CNN_CONFORMANCE_FAIL) {
            row->verdict = of_case.verdict;
            memcpy(row->detail, of_case.detail, sizeof row->detail);
        }
    }
done:
    return st;
}

/** The initial weights of a case, owned by the caller. */
static cnn_status draw(const trial *t, trial_case_id id, cnn_network *net, float **out)
{
    cnn_status st = CNN_OK;
    CNN_TRY(trial_network_of(t, id, net));
    *out = malloc((size_t)net->parameter_total * sizeof **out);
    CNN_CHECK(*out, CNN_ENOMEM, "%" PRId64 " weights", net->parameter_total);
    cnn_network_draw(net, (uint64_t)trial_cases[id].seed, *out);
done:
    return st;
}

/** Whether the run's weights can be looked at; else the row is not applicable, or failed. */
static bool has_weights(cnn_conformance_row *row, const trial_run *run, const cnn_network *net)
{
    if (!run->weights)
        trial_none(row, "it writes no weights_out (version 2 of the protocol)");
    else if (run->weight_count != net->parameter_total)
        trial_fail(row, "weights_out holds %" PRId64 " weights instead of %" PRId64,
                   run->weight_count, net->parameter_total);
    return run->weights && run->weight_count == net->parameter_total;
}

cnn_status rule_initial_weights(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    cnn_network *net = malloc(sizeof *net);
    float *expected = NULL;
    const trial_run *run;
    CNN_CHECK(net, CNN_ENOMEM, "a network");
    CNN_TRY(trial_need(t, row, CASE_INITIAL, &run));
    if (!run)
        goto done;
    CNN_TRY(draw(t, CASE_INITIAL, net, &expected));
    if (!has_weights(row, run, net))
        goto done;
    trial_pass(row, "%" PRId64 " weights are those drawn from the seed", net->parameter_total);
    for (int p = 0; p < net->parameter_count; p++) {
        const cnn_parameter *q = &net->parameters[p];
        for (int64_t i = q->offset; i < q->offset + q->size; i++) {
            /* The step's own change is about 1e-13. */
            if (fabs((double)run->weights[i] - (double)expected[i]) <= 1e-10)
                continue;
            trial_fail(row, "tensor %d, weight %" PRId64 ": %.9g instead of %.9g", p, i - q->offset,
                       (double)run->weights[i], (double)expected[i]);
            goto done;
        }
    }
done:
    free(expected);
    free(net);
    return st;
}

cnn_status rule_first_loss(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    double worst = 0;
    int judged = 0;
    for (int i = 0; i < STUDY; i++) {
        const trial_run *run, *reference;
        int epoch = 0;
        CNN_TRY(trial_need_both(t, row, study[i].id, &run, &reference));
        if (!run)
            continue;
        const double difference = trial_loss_difference(run, reference, TRAIN_LOSS, &epoch);
        judged++;
        worst = fmax(worst, difference / study[i].loss);
        if (!(difference <= study[i].loss)) {
            trial_bound(row, trial_cases[study[i].id].name, difference, study[i].loss);
            goto done;
        }
    }
    if (judged)
        trial_pass(row, "%d networks; at most %.2g of the bounds, 1e-5 (arch1) and 1e-4 (arch2)",
                   judged, worst);
done:
    return st;
}

/** One network of the study; *share: of its bound, -1 where it cannot be judged. */
static cnn_status judge_change(trial *t, cnn_conformance_row *row, int i, double *share)
{
    cnn_status st = CNN_OK;
    cnn_network *net = malloc(sizeof *net);
    float *initial = NULL;
    const trial_run *run, *reference;
    int tensor = 0;
    *share = -1;
    CNN_CHECK(net, CNN_ENOMEM, "a network");
    CNN_TRY(trial_need_both(t, row, study[i].id, &run, &reference));
    if (!run)
        goto done;
    CNN_TRY(draw(t, study[i].id, net, &initial));
    if (!has_weights(row, run, net))
        goto done;
    const double difference = trial_weight_difference(net, initial, run, reference, &tensor);
    *share = difference / study[i].change;
    if (!(difference <= study[i].change))
        trial_fail(row, "%s, tensor %d: %.3g of its largest change, bound %g",
                   trial_cases[study[i].id].name, tensor, difference, study[i].change);
done:
    free(initial);
    free(net);
    return st;
}

cnn_status rule_first_change(trial *t, cnn_conformance_row *row)
{
    cnn_status st = CNN_OK;
    double worst = -1;
    int judged = 0;
    for (int i = 0; i < STUDY; i++) {
        double share;
        CNN_TRY(judge_change(t, row, i, &share));
        if (row->verdict == CNN_CONFORMANCE_FAIL)
            goto done;
        judged += share >= 0;
        worst = fmax(worst, share);
    }
    if (judged)
        trial_pass(row, "%d networks; at most %.2g of the bounds, 1e-4 (arch1) and 1e-3 (arch2)",
                   judged, worst);
done:
    return st;
}

/** Judges the weights that both end a case with. of: what the difference is relative to. */
static cnn_status judge_weights(trial *t, cnn_conformance_row *row, trial_case_id id,
                                const char *of, double bound)
{
    cnn_status st = CNN_OK;
    cnn_network *net = malloc(sizeof *net);
    float *initial = NULL;
    const trial_run *run, *reference;
    int tensor = 0;
    CNN_CHECK(net, CNN_ENOMEM, "a network");
    CNN_TRY(trial_need_both(t, row, id, &run, &reference));
    if (!run)
        goto done;
    CNN_TRY(draw(t, id, net, &initial));
    if (has_weights(row, run, net))
        trial_bound(row, of, trial_weight_difference(net, initial, run, reference, &tensor), bound);
done:
    free(initial);
    free(net);
    return st;
}

cnn_status rule_weights(trial *t, cnn_conformance_row *row)
{
    return judge_weights(t, row, CASE_STEPS, "of a tensor's largest change", 1e-4);
}

cnn_status rule_adam_epsilon(trial *t, cnn_conformance_row *row)
{
    return judge_weights(t, row, CASE_EPSILON,
                         "of a tensor's largest change, with gradients near epsilon", 1e-3);
}
