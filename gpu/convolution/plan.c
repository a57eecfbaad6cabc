/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/internal.h"

#include <stdlib.h>

/* What own kernels do of the problem: all of it, or the convolution before a pool. */
cnn_conv_problem cnn_conv_own_part(const cnn_conv_problem *problem, const cnn_own_convolution *own)
{
    return problem->direction == CNN_CONV_FORWARD_POOL && !own->fits(problem)
               ? cnn_conv_problem_plain(problem)
               : *problem;
}

static cnn_status run_own(cnn_ops *ops, const cnn_conv_problem *problem,
                          const cnn_own_convolution *own, cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    const cnn_conv_problem part = cnn_conv_own_part(problem, own);
    if (part.direction == problem->direction)
        return own->run(ops, problem, o, ops->current.workspace);
    CNN_TRY(own->run(ops, &part, cnn_conv_operands_plain(problem, o), ops->current.workspace));
    CNN_CUDA(cnn_conv_finish(ops->current.stream, problem, o));
done:
    return st;
}

cnn_status cnn_conv_run_way(cnn_ops *ops, const cnn_conv_problem *problem, cnn_conv_way w,
                            cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    if (w.kind == CNN_CHOICE_OWN)
        return run_own(ops, problem, w.own, o);
    CNN_TRY(
        cnn_cudnn_plan_run(w.plan, cnn_conv_operands_plain(problem, o), ops->current.workspace));
    if (w.kind == CNN_CHOICE_PLAIN)
        CNN_CUDA(cnn_conv_finish(ops->current.stream, problem, o));
done:
    return st;
}

size_t cnn_conv_way_workspace(const cnn_conv_problem *problem, cnn_conv_way w)
{
    if (w.kind != CNN_CHOICE_OWN)
        return cnn_cudnn_plan_workspace(w.plan);
    const cnn_conv_problem part = cnn_conv_own_part(problem, w.own);
    return cnn_own_convolution_workspace(w.own, &part);
}

static cnn_conv_way way_of(const cnn_conv_plan *p)
{
    return (cnn_conv_way){p->choice.kind, p->choice.own, p->plan};
}

cnn_status cnn_conv_plan_run(cnn_conv_plan *p, cnn_conv_operands o)
{
    return cnn_conv_run_way(p->ops, &p->problem, way_of(p), o);
}

void cnn_conv_plan_describe(const cnn_conv_plan *plan, cnn_text *out)
{
    if (!plan->graph && !plan->plain) {
        cnn_text_append(out, "by an engine that the device chooses");
        return;
    }
    cnn_choice_describe(&plan->choice, out);
}

/* The choice for the plan's problem: from the table, else made and added. */
static cnn_status take_choice(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text name = {0};
    cnn_conv_problem_name(&p->problem, &name);
    CNN_TRY(cnn_text_status(&name));
    const cnn_choice *known = cnn_choices_find(&p->ops->choices, name.s);
    if (known) {
        p->choice = *known;
        goto done;
    }
    CNN_CHECK(!p->ops->choices.frozen, CNN_EUSAGE,
              "the frozen algorithms have none for %s: they were tuned for another network, batch "
              "size or data set",
              name.s);
    CNN_TRY(cnn_conv_choose(p));
    CNN_TRY(cnn_choices_add(&p->ops->choices, name.s, &p->choice));
done:
    p->choice.problem = NULL; /* the table's */
    cnn_text_free(&name);
    return st;
}

static cnn_status build(cnn_conv_plan *p)
{
    cnn_status st = CNN_OK;
    cnn_text text = {0};
    cnn_cudnn_graph *graph = p->choice.kind == CNN_CHOICE_PLAIN ? p->plain : p->graph;
    if (p->choice.kind != CNN_CHOICE_OWN) {
        CNN_CHECK(graph != NULL, CNN_EUSAGE,
                  "the frozen algorithms have an engine for a "
                  "convolution that is not computed so");
        CNN_TRY(cnn_cudnn_plan_create(graph, &p->choice.engine, &p->plan));
        if (!p->plan) {
            cnn_choice_describe(&p->choice, &text);
            st = cnn_error_prefix(CNN_EBACKEND, "cuDNN cannot run its algorithm %s here",
                                  text.s ? text.s : "");
            goto done;
        }
    }
    if (p->choice.kind == CNN_CHOICE_OWN) {
        const cnn_conv_problem part = cnn_conv_own_part(&p->problem, p->choice.own);
        CNN_CHECK(p->choice.own->fits(&part), CNN_EUSAGE,
                  "the frozen algorithms have '%s' for a convolution that it cannot do",
                  p->choice.own->name);
    }
    CNN_TRY(cnn_cuda_need_workspace(p->ops, cnn_conv_way_workspace(&p->problem, way_of(p))));
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
        CNN_TRY(take_choice(p));
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
