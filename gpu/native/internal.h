/* SPDX-License-Identifier: Apache-2.0 */
/** The native path on a GPU: a list of nodes over one arena, planned once, captured as CUDA graphs
 *  and replayed.
 *
 *  value[i] is what node i reads and value[i + 1] what it leaves; gradient[i] is the gradient of
 *  value[i]. Images that the first node reads where the feed has them, and logits that the last one
 *  keeps to itself, are no values. What differs from step to step lies on the device
 * (cnn_gpu_place), so that every replay is the same work. A node that ends in a ReLU masks its
 * gradient itself. */
#ifndef CNN_GPU_NATIVE_INTERNAL_H
#define CNN_GPU_NATIVE_INTERNAL_H

#include "gpu/convolution/plan.h"
#include "gpu/device/internal.h"
#include "gpu/kernels/launches.h"
#include "nn/native/plan.h"
#include "nn/step.h"

enum { CNN_NO_TENSOR = -1 };

/** A tensor of parameters in the parameter arenas. */
typedef struct {
    int parameter;       /* index in the network's parameters */
    size_t offset, size; /* values */
    bool packed;         /* [O, H, W, C] there, [O, C, H, W] in canonical order */
} cnn_native_parameter;

/** One way through the step. */
typedef struct {
    const cnn_feed *feed;
    int n, size; /* images; index of that batch size */
    bool training;
    bool updates; /* a whole training step: it counts */
} cnn_native_pass;

typedef struct cnn_native_node cnn_native_node;

/** What a kind of node can do. All work goes into the stream; nothing is allocated. */
typedef struct {
    /** Adds parameters and tensors; chooses algorithms. */
    cnn_status (*create)(cnn_step *s, cnn_native_node *node);
    cnn_status (*forward)(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass);
    cnn_status (*backward)(cnn_step *s, cnn_native_node *node, const cnn_native_pass *pass);
    /** Appends the work of forward and backward, for people. */
    void (*describe)(const cnn_step *s, const cnn_native_node *node, cnn_text *out);
} cnn_native_class;

struct cnn_native_node {
    const cnn_native_class *class;
    int index;
    const cnn_layer *layer, *pool; /* pool: NULL if the node has none */
    bool relu, trains;
    bool input_gradient; /* backward leaves gradient[index] */
    /* its ReLU's and its bias's gradients are taken by the batch normalisation behind it */
    bool finished_by_next;
    cnn_shape mid; /* before the pool */
    cnn_gpu_windows windows;
    int parameters[2]; /* indices in the step's parameters */
    cnn_conv_plan
        *plans[CNN_CONV_DIRECTIONS][CNN_MAX_BATCH_SIZES]; /* conv: by direction and batch size */
    bool own_first;                    /* conv: by first_convolution.cu, without plans */
    bool own_weights;                  /* conv: backward by few_channels.cu */
    bool unpools[CNN_MAX_BATCH_SIZES]; /* conv: backward from the pooled gradient, by batch size */
    bool own_classifier;               /* last: by classifier.cu */
    int before_pool, before_pool_gradient, mask; /* tensors of the plan */
    int mean, inverse, parts, losses;
    size_t tickets; /* first one, of its sums */
    size_t running; /* norm: offset of its statistics */
};

/** Graphs of whole training steps on one feed. */
typedef struct {
    const void *images, *labels, *order; /* of the feed that they were captured on */
    int count;
    unsigned mode;
    const void *workspaces[2];          /* of the convolutions in them: main, side stream */
    cudaGraphExec_t several, one, tail; /* tail: NULL where the last batch is whole */
} cnn_native_graphs;

struct cnn_step {
    cnn_ops *ops; /* borrowed */
    cnn_network net;
    cnn_train train;
    uint64_t seed;
    cnn_plan plan;
    int node_count; /* without the loss */
    cnn_native_node nodes[CNN_MAX_LAYERS];
    int first_trained;              /* the first node with backward */
    int values[CNN_MAX_LAYERS + 1]; /* tensors of the plan */
    int gradients[CNN_MAX_LAYERS + 1];
    char *arena; /* on the device, as all that follows */
    int parameter_count;
    cnn_native_parameter parameters[CNN_MAX_PARAMETERS];
    size_t parameter_size;             /* values of each of the next four */
    float *weights, *weight_gradients; /* of all parameters */
    float *first, *second;             /* the optimiser's; NULL when not needed */
    float *running;                    /* means and variances of all batchnorm layers */
    float *running_kept;               /* as long: while a step is tried out */
    size_t ticket_count;
    unsigned *tickets;
    cnn_gpu_place *place;
    cnn_gpu_counts *training, *evaluation, *training_kept;
    bool tunes;                     /* the capture mode is open until the first capture */
    bool may_branch;                /* tensors and plans are such that the step may have branches */
    unsigned mode;                  /* cnn_capture_mode: of what is queued */
    float tuned[CNN_CAPTURE_MODES]; /* milliseconds of a step by capture mode; 0: not timed */
    bool unjoined; /* the side stream has work that the main one does not wait for yet */
    cudaEvent_t forked, joined;
    cnn_native_graphs graphs;
    cudaEvent_t *events; /* of traced steps, one more than steps */
    int64_t event_count;
};

/** Values of a tensor of this pass, and its rows: all pixels of all images. */
static inline size_t cnn_native_batch(const cnn_native_pass *pass, cnn_shape shape)
{
    return (size_t)pass->n * (size_t)cnn_shape_size(shape);
}

static inline size_t cnn_native_rows(const cnn_native_pass *pass, cnn_shape shape)
{
    return (size_t)pass->n * (size_t)shape.h * (size_t)shape.w;
}

/** The pass's batch in its feed, as seen from one of the place's positions. */
static inline cnn_gpu_batch cnn_native_order(const cnn_native_pass *pass,
                                             const cnn_gpu_position *position)
{
    return (cnn_gpu_batch){pass->feed->order, &position->first};
}
static inline cnn_gpu_images cnn_native_images(const cnn_native_pass *pass,
                                               const cnn_gpu_position *position)
{
    return (cnn_gpu_images){.pixels = pass->feed->images,
                            .is_u8 = pass->feed->pixel == CNN_PIXEL_U8,
                            .scale = (float)pass->feed->scale,
                            .batch = cnn_native_order(pass, position)};
}

/** Where in the plan's schedule a node's backward runs; its forward runs at its index. */
static inline int cnn_native_back(const cnn_step *s, int node)
{
    return 2 * s->plan.node_count - 1 - node;
}

/** Where a tensor of the plan lies; NULL for CNN_NO_TENSOR. */
static inline void *cnn_native_at(const cnn_step *s, int tensor)
{
    return tensor < 0 ? NULL : s->arena + s->plan.tensors[tensor].offset;
}

static inline float *cnn_native_value(const cnn_step *s, int i)
{
    return cnn_native_at(s, s->values[i]);
}

static inline float *cnn_native_gradient(const cnn_step *s, int i)
{
    return cnn_native_at(s, s->gradients[i]);
}

static inline float *cnn_native_weights(const cnn_step *s, const cnn_native_node *node, int k)
{
    return s->weights + s->parameters[node->parameters[k]].offset;
}

static inline float *cnn_native_weight_gradients(const cnn_step *s, const cnn_native_node *node,
                                                 int k)
{
    return s->weight_gradients + s->parameters[node->parameters[k]].offset;
}

/* plan.c */
/** Adds a tensor to the plan: CNN_ENOMEM when there are too many. */
cnn_status cnn_native_tensor(cnn_step *s, const char *what, int node, size_t bytes, int first,
                             int last, int *out);
/** Adds parameter tensor k (0, 1) of a node. packed: see cnn_native_parameter. */
void cnn_native_add_parameter(cnn_step *s, cnn_native_node *node, int k, bool packed);
/** Room for sums that a node needs from first to last. */
cnn_status cnn_native_add_sums(cnn_step *s, cnn_native_node *node, size_t parts, size_t tickets,
                               int first, int last);
cnn_gpu_sums cnn_native_sums(const cnn_step *s, const cnn_native_node *node);
/** Nodes, tensors, algorithms, memory. */
cnn_status cnn_native_build(cnn_step *s);

/* nodes.c */
/** Values of a tensor of the largest batch. */
size_t cnn_native_floats(const cnn_step *s, cnn_shape shape);
/** Tensors of a pool that is folded into a node: what comes before it, and the mask. */
cnn_status cnn_native_add_pool(cnn_step *s, cnn_native_node *node);
/** Sums over rows of what the node leaves, for its bias's gradient. */
cnn_status cnn_native_add_bias_sums(cnn_step *s, cnn_native_node *node, size_t rows, int columns);
const cnn_native_class *cnn_native_class_of(cnn_node_kind kind);
void cnn_native_node_destroy(cnn_native_node *node);

/* conv.c, dense.c, classifier.c, norm.c, simple.c */
extern const cnn_native_class cnn_native_conv, cnn_native_dense, cnn_native_classifier,
    cnn_native_norm, cnn_native_pool, cnn_native_relu, cnn_native_dropout;

/* unpool.c */
/** Whether the node's backward may begin with the pooled gradient. */
bool cnn_native_may_unpool(const cnn_step *s, const cnn_native_node *node);
/** Where it may: takes the algorithm from the table, or makes it by timing. After the node's plans. */
cnn_status cnn_native_choose_unpool(cnn_step *s, cnn_native_node *node);
/** Backward from the pooled gradient; gradients of weights and bias aside. */
cnn_status cnn_native_unpool_backward(cnn_step *s, cnn_native_node *node,
                                      const cnn_native_pass *pass);

/* branches.c */
/** The device's side stream, and events; for steps that may branch. */
cnn_status cnn_native_open_branches(cnn_step *s);
void cnn_native_close_branches(cnn_step *s);
/** Whether the gradient of a node's weights is taken in the side stream. */
bool cnn_native_goes_aside(const cnn_step *s, int node);
/** Until when what that gradient reads must stay, in the plan's schedule. */
int cnn_native_aside_until(const cnn_step *s, int node);
/** Work between the two goes to the side stream, if the node's does. */
cnn_status cnn_native_begin_aside(cnn_step *s, const cnn_native_node *node);
void cnn_native_end_aside(cnn_step *s, const cnn_native_node *node);
/** What is queued from now on waits for the side stream. */
cnn_status cnn_native_join(cnn_step *s);
/** After a failure: joins as far as may be, so that a capture can be ended. */
void cnn_native_abandon(cnn_step *s);

/* graph_edges.c */
/** Dependents of a captured graph begin as soon as the kernels in front of them have begun. */
cnn_status cnn_native_launch_early(cudaGraph_t graph);

/* capture_mode.c */
static inline bool cnn_native_has_dependents(unsigned mode)
{
    return mode & (CNN_CAPTURE_DEPENDENT | CNN_CAPTURE_EARLY);
}
/** Which capture mode the step has: the frozen one, or plain until one is tuned. Decides tunes and
 *  may_branch. CNN_EUSAGE: it cannot be had here. */
cnn_status cnn_native_take_capture_mode(cnn_step *s);
/** Times the capture modes on the feed, from the step's state, which it leaves as it was; the fastest
 *  that ends in the plain one's bits is the step's from now on, and goes into the table. */
cnn_status cnn_native_tune_capture_mode(cnn_step *s, const cnn_feed *feed);
void cnn_native_describe_capture_mode(const cnn_step *s, cnn_text *out);

/* run.c */
/** Queues one training step on the batch at the step's place: gather, forward, loss, backward and,
 *  if updates, the optimiser. Between forward and backward the place goes on to the next batch. */
cnn_status cnn_native_queue_step(cnn_step *s, const cnn_feed *feed, int n, bool updates);
/** Queues the optimiser over the first `values` of the parameters. */
cnn_status cnn_native_queue_update(cnn_step *s, size_t values);

/* graphs.c */
/** Steps in one graph, where that many are left. */
enum { CNN_NATIVE_STEPS = 8 };
/** Captures the feed's graphs unless they are there. */
cnn_status cnn_native_capture(cnn_step *s, const cnn_feed *feed);
void cnn_native_drop_graphs(cnn_native_graphs *graphs);

#endif
