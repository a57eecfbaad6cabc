/* SPDX-License-Identifier: Apache-2.0 */
/** The native path on a GPU: nodes for nn/native/step.h, captured as CUDA graphs and replayed.
 *
 *  Values that differ from step to step are on the device (cnn_gpu_place), so that every replay is
 *  the same work. A node that ends in a ReLU masks its gradient itself. */
#ifndef CNN_GPU_NATIVE_INTERNAL_H
#define CNN_GPU_NATIVE_INTERNAL_H

#include "gpu/convolution/plan.h"
#include "gpu/device/internal.h"
#include "gpu/kernels/launches.h"
#include "nn/native/step.h"

/** What the GPU adds to a node: cnn_node.own. */
typedef struct {
    /** The batch normalisation after the node computes the gradients of its ReLU and bias. */
    bool finished_by_next;
    cnn_gpu_windows windows; /* of its pool */
    cnn_conv_plan
        *plans[CNN_CONV_DIRECTIONS][CNN_MAX_BATCH_SIZES]; /* conv: by direction and batch size */
    bool fused_first;                  /* conv: by first_convolution.cu, without plans */
    bool few_channels;                 /* conv: backward by few_channels.cu */
    bool unpools[CNN_MAX_BATCH_SIZES]; /* conv: backward from the pooled gradient, by batch size */
    bool fused_classifier;             /* last: by classifier.cu */
    int before_pool, before_pool_gradient, mask; /* tensors of the plan */
    int mean, inverse, parts, losses;
    size_t tickets; /* first one, of its sums */
} cnn_gpu_node;

/** Graphs of whole training steps on one feed. */
typedef struct {
    const void *images, *labels, *order; /* of the feed that they were captured on */
    int count;
    unsigned mode;
    const void *workspaces[2];          /* of the convolutions in them: main, side stream */
    cudaGraphExec_t several, one, tail; /* tail: NULL where the last batch is whole */
} cnn_gpu_step_graphs;

/** What the GPU adds to a step. */
typedef struct {
    cnn_step step; /* what every backend has */
    cnn_gpu_node nodes[CNN_MAX_LAYERS];
    float *running_kept; /* the running statistics, while a step is tried out */
    size_t ticket_count;
    unsigned *tickets;
    cnn_gpu_place *place;
    cnn_gpu_counts *training, *evaluation, *training_kept;
    bool tunes;                     /* the capture mode is open until the first capture */
    bool may_branch;                /* tensors and plans allow branches */
    unsigned mode;                  /* cnn_capture_mode: of what is queued */
    float tuned[CNN_CAPTURE_MODES]; /* milliseconds of a step by capture mode; 0: not timed */
    bool unjoined; /* the main stream does not wait for the side stream's work yet */
    cudaEvent_t forked, joined;
    cnn_gpu_step_graphs graphs;
    cudaEvent_t *events; /* of traced steps, one more than steps */
    int64_t event_count;
} cnn_gpu_step;

/** The GPU's half of a step, const where the step is. */
#define cnn_gpu_step_of(s)                                                                         \
    _Generic((s), const cnn_step * : (const cnn_gpu_step *)(s), cnn_step * : (cnn_gpu_step *)(s))

static inline cnn_gpu_node *cnn_gpu_node_of(const cnn_node *node)
{
    return node->own;
}

/** Values of a tensor of this pass, and its rows: all pixels of all images. */
static inline size_t cnn_gpu_pass_values(const cnn_step_pass *pass, cnn_shape shape)
{
    return (size_t)pass->n * (size_t)cnn_shape_size(shape);
}

static inline size_t cnn_gpu_pass_rows(const cnn_step_pass *pass, cnn_shape shape)
{
    return (size_t)pass->n * (size_t)shape.h * (size_t)shape.w;
}

/** The pass's batch in its feed, as seen from one of the place's positions. */
static inline cnn_gpu_batch cnn_gpu_pass_batch(const cnn_step_pass *pass,
                                               const cnn_gpu_position *position)
{
    return (cnn_gpu_batch){pass->feed->order, &position->first};
}
static inline cnn_gpu_images cnn_gpu_pass_images(const cnn_step_pass *pass,
                                                 const cnn_gpu_position *position)
{
    return (cnn_gpu_images){.pixels = pass->feed->images,
                            .is_u8 = pass->feed->pixel == CNN_PIXEL_U8,
                            .scale = (float)pass->feed->scale,
                            .batch = cnn_gpu_pass_batch(pass, position)};
}

/* prepare.c: cnn_step_backend's begin and finish */
/** Capture mode and lifetimes, before nodes are created. */
cnn_status cnn_gpu_step_prepare_nodes(cnn_step *s);
/** The GPU's further device memory, after nodes are created. */
cnn_status cnn_gpu_step_allocate(cnn_step *s);
void cnn_gpu_step_free(cnn_step *s);

/* nodes.c */
/** Adds weights ([O, H, W, C] there, [O, C, H, W] in canonical order) and bias of a node. */
void cnn_gpu_node_add_weights(cnn_step *s, cnn_node *node);
/** Adds memory for sums that a node needs from schedule position first to last. */
cnn_status cnn_gpu_node_add_sums(cnn_step *s, cnn_node *node, size_t parts, size_t tickets,
                                 int first, int last);
cnn_gpu_sums cnn_gpu_node_sums(const cnn_step *s, const cnn_node *node);
/** Tensors of a pool that a node includes: those before it, and the mask. */
cnn_status cnn_gpu_node_add_pool(cnn_step *s, cnn_node *node);
/** u8, as long as the node's result: the position of each maximum in its window, for backward. */
cnn_status cnn_gpu_node_add_mask(cnn_step *s, cnn_node *node);
/** Sums over the rows of the node's result, for the gradient of its bias. */
cnn_status cnn_gpu_node_add_bias_sums(cnn_step *s, cnn_node *node, size_t rows, int columns);

/* conv.c, dense.c, classifier.c, norm.c, simple.c */
extern const cnn_node_class cnn_gpu_conv_node, cnn_gpu_dense_node, cnn_gpu_classifier_node,
    cnn_gpu_norm_node, cnn_gpu_pool_node, cnn_gpu_relu_node, cnn_gpu_dropout_node;

/** Whether own kernels compute the whole convolution node; a first node then reads the feed's
 *  images in place. conv.c. */
bool cnn_gpu_node_fuses_first(const cnn_node *node);

/* unpool.c */
/** Whether the node's backward may begin with the pooled gradient. */
bool cnn_gpu_node_may_unpool(const cnn_step *s, const cnn_node *node);
/** If it may: takes the algorithm from the table, or chooses it by timing. After the node's
 *  plans. */
cnn_status cnn_gpu_node_choose_unpool(cnn_step *s, cnn_node *node);
/** Backward from the pooled gradient; gradients of weights and bias aside. */
cnn_status cnn_gpu_node_unpool_backward(cnn_step *s, cnn_node *node, const cnn_step_pass *pass);

/* branches.c */
/** The device's side stream, and events; for steps that may branch. */
cnn_status cnn_gpu_step_open_branches(cnn_step *s);
void cnn_gpu_step_close_branches(cnn_step *s);
/** Whether the side stream computes the gradient of a node's weights. */
bool cnn_gpu_step_goes_aside(const cnn_step *s, int node);
/** Last schedule position at which the weight gradient's inputs are live. */
int cnn_gpu_step_aside_until(const cnn_step *s, int node);
/** Work between these calls goes to the side stream, if the node's does. */
cnn_status cnn_gpu_step_begin_aside(cnn_step *s, const cnn_node *node);
void cnn_gpu_step_end_aside(cnn_step *s, const cnn_node *node);
/** Work queued after this call waits for the side stream. */
cnn_status cnn_gpu_step_join(cnn_step *s);
/** After a failure: joins without further errors, so that a capture can be ended. */
void cnn_gpu_step_abandon(cnn_step *s);

/* graph_edges.c */
/** After a capture with dependent launches: every programmatic edge of a node that is not one of
 *  our launches (cnn_gpu_note_nodes) becomes a full one; early: those between our own kernels
 *  let the later one begin as soon as the other has begun. CNN_EBACKEND: an edge cannot be made
 *  full. */
cnn_status cnn_gpu_step_order_edges(cudaGraph_t graph, bool early);

/* capture_mode.c */
static inline bool cnn_gpu_step_has_dependents(unsigned mode)
{
    return mode & (CNN_CAPTURE_DEPENDENT | CNN_CAPTURE_EARLY);
}
/** Sets the step's capture mode: the frozen one, or plain until one is tuned. Decides tunes and
 *  may_branch. CNN_EUSAGE: this device or program does not support the frozen mode. */
cnn_status cnn_gpu_step_take_capture_mode(cnn_step *s);
/** Times the capture modes on the feed and restores the step's state. The fastest mode that
 *  reproduces the plain one bit for bit becomes the step's and goes into the table. */
cnn_status cnn_gpu_step_tune_capture_mode(cnn_step *s, const cnn_feed *feed);
void cnn_gpu_step_describe_capture_mode(const cnn_step *s, cnn_text *out);

/* queue.c */
/** Queues forward, which adds the batch's loss to the counts. */
cnn_status cnn_gpu_step_queue_forward(cnn_step *s, const cnn_step_pass *pass);
/** Queues one training step on the batch at the step's place: gather, forward, loss, backward and,
 *  if updates, the optimiser. The place advances to the next batch between forward and backward. */
cnn_status cnn_gpu_step_queue(cnn_step *s, const cnn_feed *feed, int n, bool updates);
/** Queues the optimiser over the first `values` of the parameters. */
cnn_status cnn_gpu_step_queue_update(cnn_step *s, size_t values);

/* graphs.c */
/** Steps in one graph, where that many are left. */
enum { CNN_GPU_GRAPH_STEPS = 8 };
/** Captures the feed's graphs, unless they exist. */
cnn_status cnn_gpu_step_capture(cnn_step *s, const cnn_feed *feed);
void cnn_gpu_step_drop_graphs(cnn_gpu_step_graphs *graphs);

#endif
