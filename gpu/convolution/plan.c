/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution's plan: its algorithm from the table or chosen, built and run. */
#include "gpu/convolution/internal.h"

#include <stdlib.h>

static cnn_conv_candidate candidate_of(const cnn_conv_plan *p)
{
    return (cnn_conv_candidate){p->algorithm.kind, p->algorithm.own, p->plan};
}

cnn_status cnn_conv_plan_run(cnn_conv_plan *p, cnn_conv_operands o)
{
    return cnn_conv_candidate_run(p->ops, &p->problem, candidate_of(p), o);
}

void cnn_conv_plan_describe(const cnn_conv_plan *plan, cnn_text *out)
{
    if (!plan->graph && !plan->plain) {
        cnn_text_append(out, "by an engine that the device chooses");
        return;
    }
    cnn_algorithm_describe(&plan->algorithm, out);
}

/* The algorithm for the plan's problem: from the table, else chosen and added. */
static cnn_status take_algorithm(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text name = {0};
    cnn_conv_problem_name(&p->problem, &name);
    CNN_TRY(cnn_text_status(&name));
    const cnn_algorithm *known = cnn_algorithms_find(&p->ops->algorithms, name.s);
    if (known) {
        p->algorithm = *known;
        goto done;
    }
    CNN_CHECK(!p->ops->algorithms.frozen, CNN_EUSAGE,
              "the frozen algorithms have none for %s: they were tuned for another network, batch "
              "size or data set",
              name.s);
    CNN_TRY(cnn_conv_choose(p));
    CNN_TRY(cnn_algorithms_add(&p->ops->algorithms, name.s, &p->algorithm));
done:
    p->algorithm.problem = NULL; /* the table's */
    cnn_text_free(&name);
    return st;
}

static cnn_status build(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    cnn_cudnn_graph *graph = p->algorithm.kind == CNN_ALGORITHM_PLAIN ? p->plain : p->graph;
    if (p->algorithm.kind != CNN_ALGORITHM_OWN) {
        CNN_CHECK(graph != NULL, CNN_EUSAGE,
                  "the frozen algorithms have an engine for a "
                  "convolution that is not computed so");
        CNN_TRY(cnn_cudnn_plan_create(graph, &p->algorithm.engine, &p->plan));
        if (!p->plan) {
            cnn_algorithm_describe(&p->algorithm, &text);
            st = cnn_error_prefix(CNN_EBACKEND, "cuDNN cannot run its algorithm %s here",
                                  text.s ? text.s : "");
            goto done;
        }
    }
    if (p->algorithm.kind == CNN_ALGORITHM_OWN) {
        const cnn_conv_problem part = cnn_conv_own_part(&p->problem, p->algorithm.own);
        CNN_CHECK(p->algorithm.own->fits(&part), CNN_EUSAGE,
                  "the frozen algorithms have '%s' for a convolution that it cannot do",
                  p->algorithm.own->name);
    }
    CNN_TRY(cnn_cuda_need_workspace(p->ops,
                                    cnn_conv_candidate_workspace(&p->problem, candidate_of(p))));
done:
    cnn_text_free(&text);
    return st;
}

static cnn_status make_graphs(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    const cnn_cudnn_target target = {.handle = p->ops->current.cudnn};
    const cnn_conv_problem plain = cnn_conv_problem_plain(&p->problem);
    const bool pool = p->problem.direction == CNN_CONV_FORWARD_POOL;
    if (!pool)
        CNN_TRY(cnn_cudnn_graph_create(target, &p->problem, &p->graph));
    if (pool || p->problem.direction == CNN_CONV_FORWARD_BIAS_RELU)
        CNN_TRY(cnn_cudnn_graph_create(target, &plain, &p->plain));
done:
    return st;
}

cnn_status cnn_conv_plan_create(cnn_ops *ops, const cnn_conv_problem *problem, bool native,
                                cnn_conv_plan **out)
{
    cnn_status st = CNN_OK;
    cnn_conv_plan *p = calloc(1, sizeof *p);
    CNN_CHECK(p != NULL, CNN_ENOMEM, "a convolution's plan");
    p->ops = ops;
    p->problem = *problem;
    p->native = native;
    if (!ops->config.plan_only) {
        CNN_TRY(make_graphs(p));
        CNN_TRY(take_algorithm(p));
        CNN_TRY(build(p));
    }
    *out = p;
    p = NULL; /* the caller owns it now */
done:
    cnn_conv_plan_destroy(&p);
    return st;
}

void cnn_conv_plan_destroy(cnn_conv_plan **plan)
{
    cnn_conv_plan *p = *plan;
    if (!p)
        return;
    cnn_cudnn_plan_destroy(&p->plan);
    cnn_cudnn_graph_destroy(&p->graph);
    cnn_cudnn_graph_destroy(&p->plain);
    free(p);
    *plan = NULL;
}
