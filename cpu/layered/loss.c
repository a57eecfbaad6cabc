/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax cross-entropy, its gradient, and the counts. */
#include "cpu/kernels/kernels.h"
#include "cpu/onednn/device.h"

#include <stdlib.h>

struct cnn_loss {
    int classes;
    cnn_metrics counts;
};

cnn_status cnn_loss_create(cnn_ops *ops, int classes, cnn_loss **out)
{
    cnn_status st = CNN_OK;
    cnn_loss *loss = NULL;
    (void)ops;
    CNN_CHECK(classes > 0, CNN_EINVAL, "a loss over %d classes", classes);
    CNN_CHECK((loss = calloc(1, sizeof *loss)), CNN_ENOMEM, "the loss");
    loss->classes = classes;
    *out = loss;
done:
    return st;
}

void cnn_loss_destroy(cnn_loss **loss)
{
    free(*loss);
    *loss = NULL;
}

cnn_status cnn_loss_reset(cnn_loss *loss)
{
    loss->counts = (cnn_metrics){0};
    return CNN_OK;
}

cnn_status cnn_loss_apply(cnn_loss *loss, int n, const float *logits, const int32_t *labels,
                          float *dlogits)
{
    return cnn_kernel_softmax_loss(n, loss->classes, logits, labels, dlogits, &loss->counts);
}

cnn_status cnn_loss_read(cnn_loss *loss, cnn_metrics *out)
{
    *out = loss->counts;
    return CNN_OK;
}
