/* SPDX-License-Identifier: Apache-2.0 */
/** The half of the native path that no backend writes itself: from a network to a list of nodes
 *  over one arena, made once and replayed for every batch. A backend adds the kinds of nodes
 *  (cnn_node_class) and a cnn_step_backend; cnn_step_create of nn/step.h is then a call of
 *  cnn_step_build, and this folder holds the other functions of nn/step.h.
 *
 *  value[i] is what node i reads and value[i + 1] what it leaves; gradient[i] is the gradient of
 *  value[i]. Tensors live in the arena for a part of the schedule: forward of node i is its
 *  position i, backward is cnn_step_back(i). */
#ifndef CNN_NN_NATIVE_STEP_H
#define CNN_NN_NATIVE_STEP_H

#include "nn/native/grid.h"
#include "nn/native/plan.h"
#include "nn/step.h"

enum { CNN_NO_TENSOR = -1 };

/** A tensor of parameters in the parameter arenas. */
typedef struct {
    int parameter;       /* index in the network's parameters */
    size_t offset, size; /* values */
    void *layout;        /* for the backend's import and export, borrowed; NULL: canonical order */
} cnn_step_parameter;

/** One pass through the nodes. */
typedef struct {
    const cnn_feed *feed;
    int n;    /* images */
    int size; /* index of n among the backend's batch sizes, where it needs one */
    bool training;
    bool updates;  /* the optimiser follows: the step counts */
    uint32_t step; /* updates before this one, where the host counts them */
} cnn_step_pass;

typedef struct cnn_node cnn_node;

/** What a kind of node can do. Passes allocate nothing. */
typedef struct {
    /** Adds parameters and tensors; makes or chooses what the passes run. */
    cnn_status (*create)(cnn_step *s, cnn_node *node);
    /** NULL: nothing to do. Also after create has failed or was never called. */
    void (*destroy)(cnn_node *node);
    cnn_status (*forward)(cnn_step *s, cnn_node *node, const cnn_step_pass *pass);
    /** Called where the node trains. */
    cnn_status (*backward)(cnn_step *s, cnn_node *node, const cnn_step_pass *pass);
    /** Appends what forward and backward run, for people. */
    void (*describe)(const cnn_step *s, const cnn_node *node, cnn_text *out);
} cnn_node_class;

struct cnn_node {
    const cnn_node_class *class;
    int index;
    const cnn_layer *layer, *pool; /* pool: NULL if the node has none */
    bool relu;
    bool trains;           /* backward runs */
    bool input_gradient;   /* and leaves gradient[index] */
    bool input_is_relu;    /* value[index] is a ReLU's result */
    cnn_grid in, mid, out; /* mid: before the pool */
    int reads_until;   /* last position at which backward reads value[index], gradient[index + 1] */
    int parameters[2]; /* indices in the step's parameters */
    size_t running;    /* batch normalisation: offset of its means, then its variances */
    void *own;         /* the backend's */
};

/** What a backend adds to the nodes. begin, finish, destroy, reset and describe may be NULL where
 *  nothing is to be done. */
typedef struct {
    size_t step_bytes;       /* of the backend's step, whose first member is a cnn_step */
    size_t parameter_values; /* tensors of parameters begin at multiples of so many values */
    size_t tensor_bytes;     /* the largest tensor that the kernels can index; 0: any */
    const cnn_node_class *classes[CNN_NODE_LOSS]; /* by cnn_node_kind */
    /** The last node, when its forward includes the loss: it leaves gradients as soon as that, and
     *  keeps the logits, which are no value, to itself. NULL: the backend runs the loss. */
    const cnn_node_class *classifier;

    /** Memory as of cnn_ops_alloc, of any length; freed with cnn_ops_free. */
    cnn_status (*alloc)(cnn_ops *ops, size_t bytes, const char *what, void **out);
    /** Nodes are set up, in NHWC: decides layouts (cnn_step_set_block), reads_until, reads_feed. */
    cnn_status (*begin)(cnn_step *s);
    /** Nodes are created and all memory of cnn_step is there: allocates the rest. */
    cnn_status (*finish)(cnn_step *s);
    /** What begin, finish and passes have made, whatever of it there is; before nodes and memory
     *  are destroyed. */
    void (*destroy)(cnn_step *s);

    /** Parameters that have a layout, between canonical order on the host and the arena. */
    cnn_status (*import)(cnn_step *s, const cnn_step_parameter *p, const float *from, float *to);
    cnn_status (*export)(cnn_step *s, const cnn_step_parameter *p, const float *from, float *to);
    /** Sets the step counter and the counts of training to zero. */
    cnn_status (*reset)(cnn_step *s);
    /* As their namesakes in nn/step.h; the feed fits and holds the batches. */
    cnn_status (*differentiate)(cnn_step *s, const cnn_feed *feed, int64_t b, double *loss);
    cnn_status (*train)(cnn_step *s, const cnn_feed *feed, int64_t first, int64_t count,
                        float *seconds);
    cnn_status (*metrics)(cnn_step *s, cnn_metrics *out);
    cnn_status (*evaluate)(cnn_step *s, const cnn_feed *feed, cnn_metrics *out);
    /** Appends lines between those of the nodes and the plan. */
    void (*describe)(const cnn_step *s, cnn_text *out);
} cnn_step_backend;

struct cnn_step {
    const cnn_step_backend *backend;
    cnn_ops *ops; /* borrowed */
    cnn_network net;
    cnn_train train;
    uint64_t seed;
    cnn_plan plan;
    int node_count; /* without the loss */
    cnn_node nodes[CNN_MAX_LAYERS];
    int first_trained;                  /* the first node with backward */
    bool reads_feed;                    /* node 0 reads the feed's images: value[0] is no tensor */
    cnn_grid grids[CNN_MAX_LAYERS + 1]; /* of value[i] */
    int values[CNN_MAX_LAYERS + 1];     /* tensors of the plan */
    int gradients[CNN_MAX_LAYERS + 1];
    char *arena; /* on the device, as all that follows */
    int parameter_count;
    cnn_step_parameter parameters[CNN_MAX_PARAMETERS];
    size_t parameter_size;             /* values of each of the next four */
    float *weights, *weight_gradients; /* of all parameters */
    float *first, *second;             /* the optimiser's; NULL when not needed */
    float *running;                    /* means and variances of all batchnorm layers */
};

/** Position in the schedule of a node's backward. */
static inline int cnn_step_back(const cnn_step *s, int node)
{
    return 2 * s->plan.node_count - 1 - node;
}

/** Address of a tensor of the plan; NULL for CNN_NO_TENSOR. */
static inline void *cnn_step_at(const cnn_step *s, int tensor)
{
    return tensor < 0 ? NULL : s->arena + s->plan.tensors[tensor].offset;
}

static inline float *cnn_step_value(const cnn_step *s, int i)
{
    return cnn_step_at(s, s->values[i]);
}

static inline float *cnn_step_gradient(const cnn_step *s, int i)
{
    return cnn_step_at(s, s->gradients[i]);
}

static inline float *cnn_step_weights(const cnn_step *s, const cnn_node *node, int k)
{
    return s->weights + s->parameters[node->parameters[k]].offset;
}

static inline float *cnn_step_weight_gradients(const cnn_step *s, const cnn_node *node, int k)
{
    return s->weight_gradients + s->parameters[node->parameters[k]].offset;
}

/* nodes.c: for begin and create */
/** Values of a tensor of the largest batch. */
size_t cnn_step_values(const cnn_step *s, const cnn_grid *g);
/** Adds a tensor to the plan. CNN_ENOMEM: there are too many; CNN_EUSAGE: it is too long. */
cnn_status cnn_step_tensor(cnn_step *s, const char *what, int node, size_t bytes, int first,
                           int last, int *out);
/** Adds parameter tensor k (0, 1) of a node, of `size` values. layout: see cnn_step_parameter; it
 *  must live as long as the step. */
void cnn_step_add_parameter(cnn_step *s, cnn_node *node, int k, size_t size, void *layout);
/** Adds the tensors before the pool that a node includes: its result there, and, if the node trains,
 *  that result's gradient. mid_gradient: NULL if backward needs none. */
cnn_status cnn_step_add_mid(cnn_step *s, const cnn_node *node, int *mid, int *mid_gradient);
/** value[i] lies in blocks of so many channels: its grid, and those of the nodes on both sides. */
void cnn_step_set_block(cnn_step *s, int i, int block);

/* build.c */
/** cnn_step_create of nn/step.h, for a backend. */
cnn_status cnn_step_build(const cnn_step_backend *backend, cnn_ops *ops, const cnn_network *net,
                          const cnn_train *train, uint64_t seed, cnn_step **out);

/* run.c */
/** Forward of all nodes; backward of those that train. */
cnn_status cnn_step_forward(cnn_step *s, const cnn_step_pass *pass);
cnn_status cnn_step_backward(cnn_step *s, const cnn_step_pass *pass);

#endif
