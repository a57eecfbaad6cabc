/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu/convolution/candidate.h"

#include "gpu/device/internal.h"

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

cnn_status cnn_conv_candidate_run(cnn_ops *ops, const cnn_conv_problem *problem,
                                  cnn_conv_candidate c, cnn_conv_operands o)
{
    cnn_status st = CNN_OK;
    if (c.kind == CNN_ALGORITHM_OWN)
        return run_own(ops, problem, c.own, o);
    CNN_TRY(cnn_cudnn_plan_run(c.plan, ops->current.stream, cnn_conv_operands_plain(problem, o),
                               ops->current.workspace));
    if (c.kind == CNN_ALGORITHM_PLAIN)
        CNN_CUDA(cnn_conv_finish(ops->current.stream, problem, o));
done:
    return st;
}

size_t cnn_conv_candidate_workspace(const cnn_conv_problem *problem, cnn_conv_candidate c)
{
    if (c.kind != CNN_ALGORITHM_OWN)
        return cnn_cudnn_plan_workspace(c.plan);
    const cnn_conv_problem part = cnn_conv_own_part(problem, c.own);
    return cnn_own_convolution_workspace(c.own, &part);
}
