/* Which variant of its step a network has. */
#include "gpu/native_internal.h"

static void name_of(const cnn_step *s, cnn_text *out)
{
    const cnn_shape in = s->net.input;
    cnn_text_printf(out, "step:%dx%dx%dx%d", s->train.batch_size, in.h, in.w, in.c);
}

static cnn_status check_dependents(const cnn_step *s)
{
    cnn_status st = CNN_OK;
    bool can = false;
    CNN_CUDA(cnn_gpu_can_launch_dependents(s->ops->device, &can));
    CNN_CHECK(can, CNN_EUSAGE,
              "the frozen algorithms have kernels launched as dependents, which needs compute "
              "capability 9.0 in the GPU and in the program, and CUDA 12.3 in both it and the "
              "driver");
done:
    return st;
}

cnn_status cnn_native_take_variant(cnn_step *s)
{
    cnn_status st = CNN_OK;
    cnn_text name = {0};
    name_of(s, &name);
    CNN_TRY(cnn_text_status(&name));
    const cnn_choice *known = cnn_choices_find(&s->ops->choices, name.s);
    s->variant = known ? known->variant : 0;
    s->may_branch = s->variant & CNN_STEP_BRANCHES;
    if (s->ops->config.plan_only)
        goto done;
    if (s->variant & CNN_STEP_DEPENDENT)
        CNN_TRY(check_dependents(s));
    if (s->may_branch)
        CNN_TRY(cnn_native_open_branches(s));
done:
    cnn_text_free(&name);
    return st;
}
