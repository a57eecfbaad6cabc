/* SPDX-License-Identifier: Apache-2.0 */
/* Which edges a capture gives to a dependent launch: programmatic behind one kernel, full behind
 * anything else. tests/emulation takes this for granted (edge_from in streams.cpp); here the card says
 * whether it is so. */
#include "dependent_kernel.h"
#include "rig.h"

#include "gpu/device/internal.h"
#ifdef CNN_EMULATED_DEVICE
#include "emulation/emulation.h"
#endif

#include <stdio.h>
#include <stdlib.h>

#if CUDART_VERSION >= 12030

#if CUDART_VERSION < 13000 /* the old name's function knows no edge data */
#define cudaGraphGetEdges cudaGraphGetEdges_v2
#endif

#define CUDA(call) assert_string_equal(cudaGetErrorName(call), "cudaSuccess")

enum { MOST = 8, ROOM = 32 };

typedef struct {
    rig r;
    float *x; /* on the device */
    cudaStream_t stream, other;
    cudaEvent_t forked, joined;
    cudaGraph_t graph;
    cudaGraphEdgeData edges[MOST];
    size_t edge_count;
} capture;

static void begin(capture *c)
{
    rig_open(&c->r, 1, 0);
    c->x = rig_upload(&c->r, rig_zeros(&c->r, ROOM), ROOM);
    CUDA(cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking));
    CUDA(cudaStreamCreateWithFlags(&c->other, cudaStreamNonBlocking));
    CUDA(cudaEventCreate(&c->forked));
    CUDA(cudaEventCreate(&c->joined));
    CUDA(cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeThreadLocal));
}

static void increment(capture *c, bool dependent, cudaStream_t stream)
{
    CUDA(cnn_test_increment(dependent, c->x, stream));
}

/* Reads the edges, and runs the graph once: x is then `expected`. */
static void end(capture *c, double expected)
{
    cudaGraphNode_t from[MOST], to[MOST];
    cudaGraphExec_t executable;
    CUDA(cudaStreamEndCapture(c->stream, &c->graph));
    c->edge_count = MOST;
    CUDA(cudaGraphGetEdges(c->graph, from, to, c->edges, &c->edge_count));
    CUDA(cudaGraphInstantiate(&executable, c->graph, 0));
    CUDA(cudaGraphLaunch(executable, c->stream));
    CUDA(cudaStreamSynchronize(c->stream));
    rig_compare(&c->r, "x", &expected, c->x, 1, 0);
    CUDA(cudaGraphExecDestroy(executable));
    CUDA(cudaGraphDestroy(c->graph));
    CUDA(cudaEventDestroy(c->forked));
    CUDA(cudaEventDestroy(c->joined));
    CUDA(cudaStreamDestroy(c->stream));
    CUDA(cudaStreamDestroy(c->other));
    rig_close(&c->r);
}

static int programmatic_edges(const capture *c)
{
    int count = 0;
    for (size_t i = 0; i < c->edge_count; i++) {
        print_message("edge %zu: type %d, ports %d and %d\n", i, (int)c->edges[i].type,
                      (int)c->edges[i].from_port, (int)c->edges[i].to_port);
        if (c->edges[i].type == cudaGraphDependencyTypeProgrammatic) {
            assert_int_equal(c->edges[i].from_port, cudaGraphKernelNodePortProgrammatic);
            count++;
        }
    }
    return count;
}

static void test_behind_a_kernel_the_edge_is_programmatic(void **state)
{
    (void)state;
    capture c;
    begin(&c);
    increment(&c, false, c.stream);
    increment(&c, true, c.stream);
    end(&c, 2);
    assert_int_equal(c.edge_count, 1);
    assert_int_equal(programmatic_edges(&c), 1);
}

static void test_the_first_node_has_no_edge(void **state)
{
    (void)state;
    capture c;
    begin(&c);
    increment(&c, true, c.stream);
    end(&c, 1);
    assert_int_equal(c.edge_count, 0);
}

static void test_behind_a_memset_the_edge_is_full(void **state)
{
    (void)state;
    capture c;
    begin(&c);
    CUDA(cudaMemsetAsync(c.x, 0, sizeof *c.x, c.stream));
    increment(&c, true, c.stream);
    end(&c, 1);
    assert_int_equal(c.edge_count, 1);
    assert_int_equal(programmatic_edges(&c), 0);
}

static void test_behind_a_copy_the_edge_is_full(void **state)
{
    (void)state;
    capture c;
    float *from;
    const double seven = 7;
    begin(&c);
    CUDA(cudaStreamEndCapture(c.stream, &c.graph)); /* nothing yet: values are uploaded outside */
    CUDA(cudaGraphDestroy(c.graph));
    from = rig_upload(&c.r, &seven, 1);
    CUDA(cudaStreamBeginCapture(c.stream, cudaStreamCaptureModeThreadLocal));
    CUDA(cudaMemcpyAsync(c.x, from, sizeof *c.x, cudaMemcpyDeviceToDevice, c.stream));
    increment(&c, true, c.stream);
    end(&c, 8);
    assert_int_equal(c.edge_count, 1);
    assert_int_equal(programmatic_edges(&c), 0);
}

static void test_behind_two_branches_the_edges_are_full(void **state)
{
    (void)state;
    capture c;
    begin(&c);
    increment(&c, false, c.stream);
    CUDA(cudaEventRecord(c.forked, c.stream));
    CUDA(cudaStreamWaitEvent(c.other, c.forked, 0));
    increment(&c, false, c.other);
    CUDA(cudaEventRecord(c.joined, c.other));
    CUDA(cnn_test_increment(false, c.x + ROOM / 2, c.stream));
    CUDA(cudaStreamWaitEvent(c.stream, c.joined, 0));
    increment(&c, true, c.stream);
    end(&c, 3);
    assert_int_equal(c.edge_count, 4);
    assert_int_equal(programmatic_edges(&c), 0);
}

/* Skipped where the device or the program has no dependent launches. */
static bool has_dependents(void)
{
    rig r;
    bool can = false;
    rig_open(&r, 1, 0);
    CUDA(cnn_gpu_can_launch_dependents(r.ops->device, &can));
    rig_close(&r);
    return can;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_a_kernel_the_edge_is_programmatic),
        cmocka_unit_test(test_the_first_node_has_no_edge),
        cmocka_unit_test(test_behind_a_memset_the_edge_is_full),
        cmocka_unit_test(test_behind_a_copy_the_edge_is_full),
        cmocka_unit_test(test_behind_two_branches_the_edges_are_full),
    };
#ifdef CNN_EMULATED_DEVICE
    cnn_emulated_permit_any_dependent(true);
#endif
    if (!has_dependents()) {
        puts("skipped: dependent launches need compute capability 9.0 and CUDA 12.3");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    puts("skipped: dependent launches in graphs need CUDA 12.3");
    return 77;
}

#endif
