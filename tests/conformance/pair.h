/* SPDX-License-Identifier: Apache-2.0 */
/** Both paths of the linked backend and the double-precision reference, on the same network,
 * weights and images. */
#ifndef CNN_TESTS_CONFORMANCE_PAIR_H
#define CNN_TESTS_CONFORMANCE_PAIR_H

#include "nn/model.h"
#include "reference.h"
#include "rig.h"

/** Images on the host, in [0, 1]. */
typedef struct {
    cnn_shape shape;
    int classes, count;
    float *x;        /* [count, H, W, C] */
    int32_t *labels; /* [count] */
} picture_set;

/** Draws pictures with structure: each class has its own waves, under noise. */
picture_set pictures_synthetic(cnn_shape shape, int classes, int count);
void pictures_free(picture_set *p);

typedef struct {
    rig rig;
    cnn_network net;
    cnn_train train;
    const picture_set *pictures; /* borrowed */
    cnn_feed *feed;              /* of all pictures, in their order */
    cnn_model *model[2];         /* indexed by cnn_path */
    ref_network *reference;
    double *x;             /* a batch for the reference */
    float *values, *start; /* [parameter_total]: room; the drawn weights */
} pair;

/** Infers net for the pictures, and starts all three from the weights drawn from the seed. */
void pair_open(pair *p, const cnn_network *net, const cnn_train *train, uint64_t seed,
               const picture_set *pictures);
void pair_close(pair *p);

/** Images of batch b: their number; their values in p->x, their labels in *labels (borrowed). */
int pair_batch(pair *p, int64_t b, const int32_t **labels);

/** The reference's mean loss of batch b, its gradients kept. */
double pair_differentiate_reference(pair *p, int64_t b);

/** Parameters of the reference rounded to float, to the reference and both paths. */
void pair_share_parameters(pair *p);

/** Compares, tensor by tensor, with the reference: max norm, relative. */
void pair_compare_gradients(pair *p, cnn_path path, double tolerance);
void pair_compare_parameters(pair *p, cnn_path path, double tolerance);

/** errors [parameter_count]: the distance of each tensor's gradient from the reference's, relative
 *  to the reference's largest value. */
void pair_gradient_errors(pair *p, cnn_path path, double *errors);

/** spread [parameter_count]: how far the reference's own gradients of batch b move, likewise, when
 *  its layers' outputs move by some tens of units of a float's last place (two of TF32's): much
 * where a ReLU or a maximum sits on its kink. Needs the gradients of batch b, and leaves them as
 * they are. */
void pair_gradient_spread(pair *p, int64_t b, double *spread);

/** Mean loss of the batches trained since the last call. */
double pair_training_loss(pair *p, cnn_path path);

#endif
