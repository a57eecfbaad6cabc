/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/kernels.h"

#include <math.h>

/* Loss of one image; *largest becomes its first largest logit. */
static double image_loss(int classes, const float *logits, int label, float weight, float *dlogits,
                         int *largest)
{
    int top = 0;
    for (int c = 1; c < classes; c++)
        top = logits[c] > logits[top] ? c : top;
    *largest = top;
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        const double e = exp((double)logits[c] - (double)logits[top]);
        sum += e;
        if (dlogits)
            dlogits[c] = (float)e;
    }
    if (dlogits) {
        const double scale = 1 / sum;
        for (int c = 0; c < classes; c++)
            dlogits[c] = (float)((double)dlogits[c] * scale - (c == label)) * weight;
    }
    return log(sum) - ((double)logits[label] - (double)logits[top]);
}

cnn_status cnn_kernel_softmax_loss(int n, int classes, const float *logits, const int32_t *labels,
                                   float *dlogits, cnn_metrics *counts)
{
    const float weight = 1.0f / (float)n;
    for (int i = 0; i < n; i++) {
        const int label = labels[i];
        int largest = 0;
        if (label < 0 || label >= classes)
            return cnn_error_set(CNN_EDATA, "label %d of image %d of a batch: %d classes", label, i,
                                 classes);
        const size_t row = (size_t)i * (size_t)classes;
        counts->loss_sum += image_loss(classes, logits + row, label, weight,
                                       dlogits ? dlogits + row : NULL, &largest);
        counts->errors += largest != label;
    }
    counts->images += n;
    return CNN_OK;
}
