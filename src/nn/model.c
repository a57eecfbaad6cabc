/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/model.h"

#include "base/clock.h"
#include "nn/layered.h"
#include "nn/step.h"

#include <stdlib.h>

/** Times of the layered path's steps, while they are traced. */
typedef struct {
    cnn_ops *ops;
    float *seconds; /* of the next step; NULL: not traced */
    double before;  /* end of the step before, or the start */
} step_trace;

struct cnn_model {
    cnn_layered *layered; /* one of the two; the other is NULL */
    cnn_step *step;
    step_trace trace;
};

/** A cnn_batch_callback. Waiting for each step takes time, so only a traced run does. */
static cnn_status take_step_time(void *user, int64_t batch, int n)
{
    cnn_status st = CNN_OK;
    step_trace *t = user;
    (void)batch;
    (void)n;
    if (!t->seconds)
        return CNN_OK;
    CNN_TRY(cnn_ops_sync(t->ops));
    const double now = cnn_clock_monotonic();
    *t->seconds++ = (float)(now - t->before);
    t->before = now;
done:
    return st;
}

static cnn_status train_layered(cnn_model *m, const cnn_feed *feed, int64_t first, int64_t count,
                                float *seconds)
{
    cnn_status st = CNN_OK;
    if (seconds)
        CNN_TRY(cnn_ops_sync(m->trace.ops));
    m->trace.before = cnn_clock_monotonic();
    m->trace.seconds = seconds;
    CNN_TRY(cnn_layered_train(m->layered, feed, first, count));
done:
    m->trace.seconds = NULL;
    return st;
}

static cnn_status draw(cnn_model *m, const cnn_network *net, uint64_t seed)
{
    float *values = malloc((size_t)net->parameter_total * sizeof *values);
    if (!values)
        return cnn_error_set(CNN_ENOMEM, "%lld initial parameters",
                             (long long)net->parameter_total);
    cnn_network_draw(net, seed, values);
    cnn_status st = cnn_model_reset(m, values);
    free(values);
    return st;
}

cnn_status cnn_model_create(cnn_ops *ops, const cnn_network *net, const cnn_train *train,
                            cnn_path path, uint64_t seed, cnn_model **out)
{
    cnn_status st = CNN_OK;
    cnn_model *m = NULL;
    CNN_CHECK(ops && net && train && out && net->parameter_total > 0, CNN_EINVAL,
              "a model needs a device, an inferred network and training settings");
    CNN_CHECK((m = calloc(1, sizeof *m)) != NULL, CNN_ENOMEM, "a model");
    m->trace.ops = ops;
    if (path == CNN_PATH_LAYERED) {
        CNN_TRY(cnn_layered_create(ops, net, train, seed, &m->layered));
        CNN_TRY(cnn_layered_on_batch(m->layered, take_step_time, &m->trace));
    } else {
        CNN_TRY(cnn_step_create(ops, net, train, seed, &m->step));
    }
    CNN_TRY(draw(m, net, seed));
    *out = m;
    m = NULL; /* the caller owns it now */
done:
    cnn_model_destroy(&m);
    return st;
}

void cnn_model_destroy(cnn_model **model)
{
    if (!*model)
        return;
    cnn_layered_destroy(&(*model)->layered);
    cnn_step_destroy(&(*model)->step);
    free(*model);
    *model = NULL;
}

cnn_status cnn_model_reset(cnn_model *m, const float *parameters)
{
    return m->layered ? cnn_layered_reset(m->layered, parameters)
                      : cnn_step_reset(m->step, parameters);
}

cnn_status cnn_model_parameters(cnn_model *m, float *parameters)
{
    return m->layered ? cnn_layered_parameters(m->layered, parameters)
                      : cnn_step_parameters(m->step, parameters);
}

cnn_status cnn_model_gradients(cnn_model *m, float *gradients)
{
    return m->layered ? cnn_layered_gradients(m->layered, gradients)
                      : cnn_step_gradients(m->step, gradients);
}

cnn_status cnn_model_differentiate(cnn_model *m, const cnn_feed *feed, int64_t b, double *loss)
{
    return m->layered ? cnn_layered_differentiate(m->layered, feed, b, loss)
                      : cnn_step_differentiate(m->step, feed, b, loss);
}

cnn_status cnn_model_train(cnn_model *m, const cnn_feed *feed, int64_t first, int64_t count,
                           float *seconds)
{
    return m->layered ? train_layered(m, feed, first, count, seconds)
                      : cnn_step_train(m->step, feed, first, count, seconds);
}

cnn_status cnn_model_metrics(cnn_model *m, cnn_metrics *out)
{
    return m->layered ? cnn_layered_metrics(m->layered, out) : cnn_step_metrics(m->step, out);
}

cnn_status cnn_model_evaluate(cnn_model *m, const cnn_feed *feed, cnn_metrics *out)
{
    return m->layered ? cnn_layered_evaluate(m->layered, feed, out)
                      : cnn_step_evaluate(m->step, feed, out);
}

void cnn_model_describe(const cnn_model *m, cnn_text *out)
{
    if (m->layered)
        cnn_layered_describe(m->layered, out);
    else
        cnn_step_describe(m->step, out);
}
