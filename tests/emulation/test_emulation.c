/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated device itself: what it runs, and what it refuses. */
#include "emulation/emulation.h"
#include "emulation/test_kernels.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CUDA(call)   assert_int_equal(call, cudaSuccess)
#define CUDNN(call)  assert_int_equal(call, CUDNN_STATUS_SUCCESS)
#define CUBLAS(call) assert_int_equal(call, CUBLAS_STATUS_SUCCESS)

enum { BLOCK = 256 };

static void *device_copy(const void *from, size_t bytes)
{
    void *p = NULL;
    CUDA(cudaMalloc(&p, bytes));
    if (from)
        CUDA(cudaMemcpy(p, from, bytes, cudaMemcpyHostToDevice));
    return p;
}

static void read_back(void *to, const void *from, size_t bytes)
{
    CUDA(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost));
}

static int reset(void **state)
{
    (void)state;
    cnn_emulated_fail(NULL, 0);
    cnn_emulated_defer(false);
    cnn_emulated_order("forward");
    cnn_emulated_clear_error();
    return 0;
}

/* Nothing that a test made is left. */
static int nothing_left(void **state)
{
    reset(state);
    if (cnn_emulated_live_objects() == 0)
        return 0;
    cnn_emulated_print_live();
    return -1;
}

/* ---- kernels ---- */

static void test_kernel_without_barriers(void **state)
{
    (void)state;
    enum { N = 1000 };
    int got[N], *out = device_copy(NULL, sizeof got);
    CUDA(launch_index(N, out, NULL));
    read_back(got, out, sizeof got);
    for (int i = 0; i < N; i++)
        assert_int_equal(got[i], i);
    CUDA(cudaFree(out));
}

static void check_sums(cudaError_t (*launch)(int, const float *, float *, cudaStream_t))
{
    enum { BLOCKS = 5 };
    float values[BLOCKS * BLOCK], got[BLOCKS];
    for (int i = 0; i < BLOCKS * BLOCK; i++)
        values[i] = (float)(i / BLOCK + 1);
    float *in = device_copy(values, sizeof values), *out = device_copy(NULL, sizeof got);
    CUDA(launch(BLOCKS, in, out, NULL));
    read_back(got, out, sizeof got);
    for (int i = 0; i < BLOCKS; i++)
        assert_float_equal(got[i], (float)(BLOCK * (i + 1)), 0.0f);
    CUDA(cudaFree(in));
    CUDA(cudaFree(out));
}

static void test_barriers_and_shuffles_in_any_order(void **state)
{
    (void)state;
    const char *const orders[] = {"forward", "reverse", "1", "2", "3"};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        cnn_emulated_order(orders[i]);
        check_sums(launch_block_sum);
        check_sums(launch_warp_sum);
    }
}

static void test_atomics(void **state)
{
    (void)state;
    unsigned counts[2] = {0, 0};
    unsigned *device = device_copy(counts, sizeof counts);
    CUDA(launch_count(7, 96, device, NULL));
    read_back(counts, device, sizeof counts);
    assert_int_equal(counts[0], 7 * 96);
    assert_int_equal(counts[1], 7 * 96 - 1);
    CUDA(cudaFree(device));
}

static void test_ballot_of_two_masks(void **state)
{
    (void)state;
    unsigned got[32], *out = device_copy(NULL, sizeof got);
    CUDA(launch_ballot(out, NULL));
    read_back(got, out, sizeof got);
    for (int i = 0; i < 32; i++)
        assert_int_equal(got[i], i < 16 ? 0x0000aaaau : 0xaaaa0000u);
    CUDA(cudaFree(out));
}

static void test_intrinsics(void **state)
{
    (void)state;
    const float expected[6] = {0.5f, 3.0f, 1.0f, 8.0f, -1.0f, 1.5f};
    float got[6], *out = device_copy(NULL, sizeof got);
    CUDA(launch_intrinsics(out, NULL));
    read_back(got, out, sizeof got);
    assert_memory_equal(got, expected, sizeof got);
    CUDA(cudaFree(out));
}

static void test_dynamic_shared_memory_must_be_allowed(void **state)
{
    (void)state;
    enum { LARGE = 100 * 1024 };
    float values[BLOCK], got[BLOCK];
    for (int i = 0; i < BLOCK; i++)
        values[i] = (float)i;
    float *in = device_copy(values, sizeof values), *out = device_copy(NULL, sizeof got);
    assert_int_equal(launch_reverse(LARGE, in, out, NULL), cudaErrorInvalidValue);
    CUDA(allow_reverse(LARGE));
    CUDA(launch_reverse(LARGE, in, out, NULL));
    read_back(got, out, sizeof got);
    for (int i = 0; i < BLOCK; i++)
        assert_float_equal(got[i], (float)(BLOCK - 1 - i), 0.0f);
    assert_int_equal(allow_reverse(228 * 1024), cudaErrorInvalidValue);
    CUDA(cudaFree(in));
    CUDA(cudaFree(out));
}

static void test_shapes_out_of_range(void **state)
{
    (void)state;
    const dim3 one = {1, 1, 1}, none = {0, 1, 1}, many = {1025, 1, 1}, flat = {64, 32, 1};
    assert_int_equal(launch_shape(none, one, 0), cudaErrorInvalidConfiguration);
    assert_int_equal(launch_shape(one, none, 0), cudaErrorInvalidConfiguration);
    assert_int_equal(launch_shape(one, many, 0), cudaErrorInvalidConfiguration);
    assert_int_equal(launch_shape(one, flat, 0), cudaErrorInvalidConfiguration);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    assert_int_equal(cudaGetLastError(), cudaSuccess);
}

/* The message goes to standard error; the error stays, as on a real device. */
static void test_torn_barrier_fails_and_stays(void **state)
{
    (void)state;
    void *p = NULL;
    assert_int_equal(launch_torn_barrier(NULL), cudaErrorLaunchFailure);
    assert_int_equal(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    assert_int_equal(launch_torn_barrier(NULL), cudaErrorLaunchFailure);
    cnn_emulated_clear_error();
    CUDA(cudaMalloc(&p, 16));
    CUDA(cudaFree(p));
}

/* On a real device it would be right, but for rare times: dependents may begin too early. */
static void test_kernel_that_does_not_wait_fails(void **state)
{
    (void)state;
    float *x = device_copy(NULL, sizeof *x);
    assert_int_equal(launch_hasty(x, NULL), cudaErrorLaunchFailure);
    cnn_emulated_clear_error();
    CUDA(cudaFree(x));
}

static void test_a_race_shows_as_an_order(void **state)
{
    (void)state;
    int forward[BLOCK], backward[BLOCK], *out = device_copy(NULL, sizeof forward);
    CUDA(launch_race(out, NULL));
    read_back(forward, out, sizeof forward);
    cnn_emulated_order("reverse");
    CUDA(launch_race(out, NULL));
    read_back(backward, out, sizeof backward);
    assert_memory_not_equal(forward, backward, sizeof forward);
    CUDA(cudaFree(out));
}

/* ---- memory ---- */

static void test_memory_begins_as_nan(void **state)
{
    (void)state;
    float got[16], *p = device_copy(NULL, sizeof got);
    read_back(got, p, sizeof got);
    for (int i = 0; i < 16; i++)
        assert_true(isnan(got[i]));
    CUDA(cudaFree(p));
}

static void test_copies_check_their_sides(void **state)
{
    (void)state;
    float host[4] = {0}, *p = device_copy(host, sizeof host);
    assert_int_equal(cudaMemcpy(host, p, sizeof host, cudaMemcpyHostToDevice),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(p, host, sizeof host + 1, cudaMemcpyHostToDevice),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpy(p, host, sizeof host, cudaMemcpyDeviceToHost),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaMemset(host, 0, sizeof host), cudaErrorInvalidValue);
    assert_int_equal(cudaFree(p + 1), cudaErrorInvalidValue);
    CUDA(cudaFree(p));
    assert_int_equal(cudaFree(p), cudaErrorInvalidValue);
    CUDA(cudaFree(NULL));
}

static void test_memory_ends(void **state)
{
    (void)state;
    void *p = NULL, *q = NULL;
    cnn_emulated_memory_limit(1 << 20);
    CUDA(cudaMalloc(&p, 1 << 19));
    assert_int_equal(cudaMalloc(&q, (1 << 19) + 1), cudaErrorMemoryAllocation);
    CUDA(cudaMalloc(&q, 1 << 19));
    CUDA(cudaFree(p));
    CUDA(cudaFree(q));
    cnn_emulated_memory_limit((size_t)1 << 30);
}

/* In a process of its own: it is to crash. */
static void test_host_cannot_read_device_memory(void **state)
{
    (void)state;
    float *p = device_copy(NULL, 64);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const volatile float *watched = p;
        signal(SIGSEGV, SIG_DFL); /* the test framework's would go on testing */
        alarm(10);
        (void)watched[0];
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* a sanitizer exits with 1 */
    CUDA(cudaFree(p));
}

/* ---- streams, events, graphs ---- */

static void test_deferred_work_waits_for_a_wait(void **state)
{
    (void)state;
    float host[1] = {1}, *pinned = NULL, *x = device_copy(host, sizeof host);
    cudaStream_t stream;
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CUDA(cudaMallocHost((void **)&pinned, sizeof *pinned));
    *pinned = -1;
    cnn_emulated_defer(true);
    CUDA(launch_increment(x, stream));
    CUDA(cudaMemcpyAsync(pinned, x, sizeof *x, cudaMemcpyDeviceToHost, stream));
    assert_int_equal(cnn_emulated_pending(), 2);
    assert_float_equal(*pinned, -1, 0);
    assert_int_equal(cudaStreamQuery(stream), cudaErrorNotReady);
    CUDA(cudaStreamSynchronize(stream));
    assert_float_equal(*pinned, 2, 0);
    CUDA(cudaFreeHost(pinned));
    CUDA(cudaFree(x));
    CUDA(cudaStreamDestroy(stream));
}

static void test_streams_are_ordered_by_events_only(void **state)
{
    (void)state;
    float host[1] = {0}, *x = device_copy(host, sizeof host), *pinned = NULL;
    cudaStream_t a, b;
    cudaEvent_t event;
    CUDA(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
    CUDA(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
    CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    CUDA(cudaMallocHost((void **)&pinned, sizeof *pinned));
    cnn_emulated_defer(true);
    CUDA(launch_increment(x, a));
    CUDA(cudaMemcpyAsync(pinned, x, sizeof *x, cudaMemcpyDeviceToHost, b));
    CUDA(cudaStreamSynchronize(b));
    assert_float_equal(*pinned, 0, 0); /* nothing orders b behind a */
    CUDA(cudaEventRecord(event, a));
    CUDA(cudaStreamWaitEvent(b, event, 0));
    CUDA(cudaMemcpyAsync(pinned, x, sizeof *x, cudaMemcpyDeviceToHost, b));
    CUDA(cudaStreamSynchronize(b));
    assert_float_equal(*pinned, 1, 0);
    CUDA(cudaEventDestroy(event));
    CUDA(cudaStreamDestroy(a));
    CUDA(cudaStreamDestroy(b));
    CUDA(cudaFreeHost(pinned));
    CUDA(cudaFree(x));
}

static void test_events_measure(void **state)
{
    (void)state;
    cudaEvent_t from, to;
    cudaStream_t stream;
    float ms = -1;
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CUDA(cudaEventCreate(&from));
    CUDA(cudaEventCreate(&to));
    assert_int_equal(cudaEventElapsedTime(&ms, from, to), cudaErrorInvalidResourceHandle);
    cnn_emulated_defer(true);
    CUDA(cudaEventRecord(from, stream));
    CUDA(cudaEventRecord(to, stream));
    assert_int_equal(cudaEventElapsedTime(&ms, from, to), cudaErrorNotReady);
    CUDA(cudaEventSynchronize(to));
    CUDA(cudaEventElapsedTime(&ms, from, to));
    assert_true(ms >= 0 && ms < 1000);
    CUDA(cudaEventDestroy(from));
    CUDA(cudaEventDestroy(to));
    CUDA(cudaStreamDestroy(stream));
}

static void test_capture_records_and_replays(void **state)
{
    (void)state;
    float host[1] = {0}, *x = device_copy(host, sizeof host);
    cudaStream_t stream;
    cudaGraph_t graph = NULL;
    cudaGraphExec_t replay = NULL;
    size_t nodes = 0;
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    CUDA(launch_increment(x, stream));
    CUDA(launch_increment(x, stream));
    CUDA(cudaStreamEndCapture(stream, &graph));
    read_back(host, x, sizeof host);
    assert_float_equal(host[0], 0, 0);
    CUDA(cudaGraphGetNodes(graph, NULL, &nodes));
    assert_int_equal(nodes, 2);
    CUDA(cudaGraphInstantiate(&replay, graph, 0));
    CUDA(cudaGraphDestroy(graph));
    for (int i = 0; i < 3; i++)
        CUDA(cudaGraphLaunch(replay, stream));
    CUDA(cudaStreamSynchronize(stream));
    read_back(host, x, sizeof host);
    assert_float_equal(host[0], 6, 0);
    CUDA(cudaGraphExecDestroy(replay));
    CUDA(cudaStreamDestroy(stream));
    CUDA(cudaFree(x));
}

/* cudaMalloc and waiting may not happen while a stream is captured. */
static void test_capture_forbids(void **state)
{
    (void)state;
    cudaStream_t stream;
    cudaGraph_t graph = NULL;
    void *p = NULL;
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    assert_int_equal(cudaMalloc(&p, 16), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(launch_torn_barrier(stream), cudaErrorStreamCaptureInvalidated);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    assert_null(graph);
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    assert_int_equal(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);
    CUDA(cudaStreamDestroy(stream));
}

static void test_forked_capture_must_join(void **state)
{
    (void)state;
    float host[1] = {0}, *x = device_copy(host, sizeof host);
    cudaStream_t a, b;
    cudaEvent_t fork_event, join;
    cudaGraph_t graph = NULL;
    CUDA(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
    CUDA(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
    CUDA(cudaEventCreateWithFlags(&fork_event, cudaEventDisableTiming));
    CUDA(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
    for (int joined = 0; joined < 2; joined++) {
        CUDA(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal));
        CUDA(cudaEventRecord(fork_event, a));
        CUDA(cudaStreamWaitEvent(b, fork_event, 0));
        CUDA(launch_increment(x, b));
        CUDA(cudaEventRecord(join, b));
        if (joined)
            CUDA(cudaStreamWaitEvent(a, join, 0));
        assert_int_equal(cudaStreamEndCapture(a, &graph),
                         joined ? cudaSuccess : cudaErrorStreamCaptureUnjoined);
    }
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaEventDestroy(fork_event));
    CUDA(cudaEventDestroy(join));
    CUDA(cudaStreamDestroy(a));
    CUDA(cudaStreamDestroy(b));
    CUDA(cudaFree(x));
}

/* Two streams, and the events between them. */
typedef struct {
    cudaStream_t main, side;
    cudaEvent_t forked, joined;
} fork_of;

static fork_of make_fork(void)
{
    fork_of f;
    CUDA(cudaStreamCreateWithFlags(&f.main, cudaStreamNonBlocking));
    CUDA(cudaStreamCreateWithFlags(&f.side, cudaStreamNonBlocking));
    CUDA(cudaEventCreateWithFlags(&f.forked, cudaEventDisableTiming));
    CUDA(cudaEventCreateWithFlags(&f.joined, cudaEventDisableTiming));
    return f;
}

static void free_fork(fork_of *f)
{
    CUDA(cudaEventDestroy(f->forked));
    CUDA(cudaEventDestroy(f->joined));
    CUDA(cudaStreamDestroy(f->main));
    CUDA(cudaStreamDestroy(f->side));
}

/* x counts in the main stream, y in the side stream, and y becomes x at the end; touched: what the
 * main stream's second kernel counts. */
static cudaGraph_t capture_fork(const fork_of *f, float *x, float *y, float *touched)
{
    cudaGraph_t graph = NULL;
    CUDA(cudaStreamBeginCapture(f->main, cudaStreamCaptureModeThreadLocal));
    CUDA(launch_increment(x, f->main));
    CUDA(cudaEventRecord(f->forked, f->main));
    CUDA(cudaStreamWaitEvent(f->side, f->forked, 0));
    CUDA(launch_increment(y, f->side));
    CUDA(launch_increment(touched, f->main));
    CUDA(cudaEventRecord(f->joined, f->side));
    CUDA(cudaStreamWaitEvent(f->main, f->joined, 0));
    CUDA(cudaMemcpyAsync(x, y, sizeof *x, cudaMemcpyDeviceToDevice, f->main));
    CUDA(cudaStreamEndCapture(f->main, &graph));
    return graph;
}

static void test_branches_run_in_any_order(void **state)
{
    (void)state;
    const char *const orders[] = {"forward", "reverse", "1", "2"};
    fork_of f = make_fork();
    float host[2] = {5, 0}, *x = device_copy(host, sizeof host), *y = x + 1;
    cudaGraph_t graph = capture_fork(&f, x, y, x);
    cudaGraphExec_t replay = NULL;
    CUDA(cudaGraphInstantiate(&replay, graph, 0));
    CUDA(cudaGraphDestroy(graph));
    for (int i = 0; i < 4; i++) {
        cnn_emulated_order(orders[i]);
        CUDA(cudaGraphLaunch(replay, f.main));
        CUDA(cudaStreamSynchronize(f.main));
        read_back(host, x, sizeof host);
        assert_float_equal(host[0], i + 1, 0);
        assert_float_equal(host[1], i + 1, 0);
    }
    CUDA(cudaGraphExecDestroy(replay));
    CUDA(cudaFree(x));
    free_fork(&f);
}

static void test_branches_that_race_are_refused(void **state)
{
    (void)state;
    fork_of f = make_fork();
    float host[2] = {0, 0}, *x = device_copy(host, sizeof host), *y = x + 1;
    cudaGraph_t graph = capture_fork(&f, x, y, y);
    cudaGraphExec_t replay = NULL;
    assert_int_equal(cudaGraphInstantiate(&replay, graph, 0), cudaErrorLaunchFailure);
    cnn_emulated_clear_error();
    CUDA(cudaGraphExecDestroy(replay));
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaFree(x));
    free_fork(&f);
}

/* The event that the main stream waits for was recorded before the side stream's last work. */
static void test_work_after_the_join_is_unjoined(void **state)
{
    (void)state;
    fork_of f = make_fork();
    float host[1] = {0}, *x = device_copy(host, sizeof host);
    cudaGraph_t graph = NULL;
    CUDA(cudaStreamBeginCapture(f.main, cudaStreamCaptureModeThreadLocal));
    CUDA(launch_increment(x, f.main));
    CUDA(cudaEventRecord(f.forked, f.main));
    CUDA(cudaStreamWaitEvent(f.side, f.forked, 0));
    CUDA(cudaEventRecord(f.joined, f.side));
    CUDA(launch_increment(x, f.side));
    CUDA(cudaStreamWaitEvent(f.main, f.joined, 0));
    assert_int_equal(cudaStreamEndCapture(f.main, &graph), cudaErrorStreamCaptureUnjoined);
    assert_int_equal(cudaStreamWaitEvent(f.side, f.joined, 0), cudaErrorCapturedEvent);
    CUDA(cudaFree(x));
    free_fork(&f);
}

static void test_a_graph_takes_its_longest_way(void **state)
{
    (void)state;
    fork_of f = make_fork();
    float host[2] = {0, 0}, *x = device_copy(host, sizeof host), ms = 0;
    cudaGraph_t graph = capture_fork(&f, x, x + 1, x);
    cudaGraphExec_t replay = NULL;
    cudaEvent_t from, to;
    CUDA(cudaEventCreate(&from));
    CUDA(cudaEventCreate(&to));
    cnn_emulated_graph_seconds(100, 10, 1, 50);
    CUDA(cudaGraphInstantiate(&replay, graph, 0));
    cnn_emulated_graph_seconds(0, 0, 0, 0);
    CUDA(cudaEventRecord(from, f.main));
    CUDA(cudaGraphLaunch(replay, f.main));
    CUDA(cudaEventRecord(to, f.main));
    CUDA(cudaEventElapsedTime(&ms, from, to));
    assert_in_range((int)(ms / 1e3f), 350, 355); /* three nodes, one of them in the branch */
    CUDA(cudaEventDestroy(from));
    CUDA(cudaEventDestroy(to));
    CUDA(cudaGraphExecDestroy(replay));
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaFree(x));
    free_fork(&f);
}

/* ---- dependent launches and kernels that never wait ---- */

static void test_a_dependent_launch_follows_another_launch(void **state)
{
    (void)state;
    cudaStream_t stream;
    float host[1] = {0}, *x = device_copy(host, sizeof host);
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CUDA(launch_increment(x, stream));
    CUDA(launch_dependent_increment(x, stream));
    CUDA(cudaMemsetAsync(x, 0, sizeof *x, stream));
    assert_int_equal(launch_dependent_increment(x, stream), cudaErrorLaunchFailure);
    cnn_emulated_clear_error();
    CUDA(launch_increment(x, stream));
    CUDA(launch_dependent_increment(x, stream));
    CUDA(cudaStreamDestroy(stream));
    CUDA(cudaFree(x));
}

/* y = x * x by cuBLAS, between a kernel that writes x and one that counts `last`. */
static cudaGraph_t capture_product(cudaStream_t stream, cublasHandle_t blas, float *x, float *y,
                                   float *last)
{
    static const float one = 1, zero = 0;
    cudaGraph_t graph = NULL;
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    CUDA(launch_increment(x, stream));
    CUBLAS(cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, y + 1, 1, y + 1, 1, &zero, y,
                       1));
    CUDA(launch_increment(last, stream));
    CUDA(cudaStreamEndCapture(stream, &graph));
    return graph;
}

static cudaError_t instantiate(cudaGraph_t graph)
{
    cudaGraphExec_t replay = NULL;
    const cudaError_t error = cudaGraphInstantiate(&replay, graph, 0);
    cnn_emulated_clear_error();
    CUDA(cudaGraphExecDestroy(replay));
    return error;
}

static void make_first_edge_full(cudaGraph_t graph)
{
    cudaGraphNode_t from[2], to[2];
    cudaGraphEdgeData data[2];
    size_t count = 2;
    CUDA(cudaGraphGetEdges(graph, from, to, data, &count));
    assert_int_equal(count, 2);
    assert_int_equal(data[0].type, cudaGraphDependencyTypeProgrammatic);
    assert_int_equal(data[1].type, cudaGraphDependencyTypeDefault);
    CUDA(cudaGraphRemoveDependencies(graph, from, to, data, 1));
    data[0] = (cudaGraphEdgeData){0};
    CUDA(cudaGraphAddDependencies(graph, from, to, data, 1));
}

/* The product does not use x, and what follows waits for the product alone, which waits for nothing:
 * x may be counted twice at a time. A full edge in front of the product orders all three. */
static void test_a_kernel_that_never_waits_breaks_the_chain(void **state)
{
    (void)state;
    cudaStream_t stream;
    cublasHandle_t blas;
    float host[4] = {0}, *x = device_copy(host, sizeof host);
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    CUBLAS(cublasCreate(&blas));
    CUBLAS(cublasSetStream(blas, stream));
    for (int never_waits = 0; never_waits < 2; never_waits++) {
        cnn_emulated_libraries_never_wait(never_waits);
        cudaGraph_t graph = capture_product(stream, blas, x, x + 1, x);
        assert_int_equal(instantiate(graph), never_waits ? cudaErrorLaunchFailure : cudaSuccess);
        if (never_waits) {
            make_first_edge_full(graph);
            assert_int_equal(instantiate(graph), cudaSuccess);
        }
        CUDA(cudaGraphDestroy(graph));
        graph = capture_product(stream, blas, x + 1, x + 1, x); /* the product itself writes it */
        assert_int_equal(instantiate(graph), never_waits ? cudaErrorLaunchFailure : cudaSuccess);
        CUDA(cudaGraphDestroy(graph));
    }
    cnn_emulated_libraries_never_wait(false);
    CUBLAS(cublasDestroy(blas));
    CUDA(cudaStreamDestroy(stream));
    CUDA(cudaFree(x));
}

/* ---- failures on request ---- */

static void test_nth_call_fails(void **state)
{
    (void)state;
    void *p[3] = {NULL};
    cnn_emulated_fail("cudaMalloc", 2);
    CUDA(cudaMalloc(&p[0], 16));
    assert_false(cnn_emulated_has_failed());
    assert_int_equal(cudaMalloc(&p[1], 16), cudaErrorMemoryAllocation);
    assert_true(cnn_emulated_has_failed());
    assert_string_equal(cnn_emulated_failed_call(), "cudaMalloc");
    CUDA(cudaMalloc(&p[2], 16));
    CUDA(cudaFree(p[0]));
    cnn_emulated_fail("any", 1);
    CUDA(cudaFree(p[2])); /* what frees does not fail by "any" */
    assert_int_not_equal(cudaMalloc(&p[0], 16), cudaSuccess);
}

/* ---- cuBLAS ---- */

/* C = A B, column-major 2 x 3 times 3 x 2; A's first value needs more bits than TF32 has. */
static void product(cublasMath_t math, float got[4])
{
    const float fine = 1.0f + 0x1p-13f;
    const float a[6] = {fine, 4, 2, 5, 3, 6}, b[6] = {1, 0, 0, 0, 1, 1};
    const float one = 1, zero = 0;
    float *da = device_copy(a, sizeof a), *db = device_copy(b, sizeof b),
          *dc = device_copy(NULL, 4 * sizeof *got);
    cublasHandle_t blas;
    CUBLAS(cublasCreate(&blas));
    CUBLAS(cublasSetMathMode(blas, math));
    CUBLAS(cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, da, 2, db, 3, &zero, dc, 2));
    assert_int_not_equal(
        cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, da, 1, db, 3, &zero, dc, 2),
        CUBLAS_STATUS_SUCCESS);
    assert_int_not_equal(
        cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, a, 2, db, 3, &zero, dc, 2),
        CUBLAS_STATUS_SUCCESS);
    read_back(got, dc, 4 * sizeof *got);
    CUBLAS(cublasDestroy(blas));
    CUDA(cudaFree(da));
    CUDA(cudaFree(db));
    CUDA(cudaFree(dc));
}

static void test_products_show_their_precision(void **state)
{
    (void)state;
    float full[4], tf32[4];
    product(CUBLAS_DEFAULT_MATH, full);
    product(CUBLAS_TF32_TENSOR_OP_MATH, tf32);
    const float expected[4] = {1.0f + 0x1p-13f, 4, 5, 11};
    assert_memory_equal(full, expected, sizeof full);
    assert_float_equal(tf32[0], 1.0f, 0.0f);
    assert_float_equal(tf32[3], 11.0f, 0.0f);
}

/* Two products 2 x 1 times 1 x 2, a gap after each result. */
static void test_batched_products(void **state)
{
    (void)state;
    const float a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, one = 1, zero = 0;
    const float expected[10] = {5, 10, 6, 12, -1, 21, 28, 24, 32, -1};
    float got[10] = {[4] = -1, [9] = -1};
    float *da = device_copy(a, sizeof a), *db = device_copy(b, sizeof b),
          *dc = device_copy(got, sizeof got);
    cublasHandle_t blas;
    CUBLAS(cublasCreate(&blas));
    const struct {
        long long stride_a, stride_c;
        int count;
        bool right;
    } calls[] = {{2, 5, 2, true}, {2, 3, 2, false}, {3, 5, 2, false}, {2, 5, -1, false}};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        assert_int_equal(cublasSgemmStridedBatched(blas, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 1, &one,
                                                   da, 2, calls[i].stride_a, db, 1, 2, &zero, dc, 2,
                                                   calls[i].stride_c, calls[i].count),
                         calls[i].right ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE);
    read_back(got, dc, sizeof got);
    assert_memory_equal(got, expected, sizeof got);
    CUBLAS(cublasDestroy(blas));
    CUDA(cudaFree(da));
    CUDA(cudaFree(db));
    CUDA(cudaFree(dc));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reset, nothing_left)
    const struct CMUnitTest tests[] = {
        TEST(test_kernel_without_barriers),
        TEST(test_barriers_and_shuffles_in_any_order),
        TEST(test_atomics),
        TEST(test_ballot_of_two_masks),
        TEST(test_intrinsics),
        TEST(test_dynamic_shared_memory_must_be_allowed),
        TEST(test_shapes_out_of_range),
        TEST(test_torn_barrier_fails_and_stays),
        TEST(test_kernel_that_does_not_wait_fails),
        TEST(test_a_race_shows_as_an_order),
        TEST(test_memory_begins_as_nan),
        TEST(test_copies_check_their_sides),
        TEST(test_memory_ends),
        TEST(test_host_cannot_read_device_memory),
        TEST(test_deferred_work_waits_for_a_wait),
        TEST(test_streams_are_ordered_by_events_only),
        TEST(test_events_measure),
        TEST(test_capture_records_and_replays),
        TEST(test_capture_forbids),
        TEST(test_forked_capture_must_join),
        TEST(test_branches_run_in_any_order),
        TEST(test_branches_that_race_are_refused),
        TEST(test_work_after_the_join_is_unjoined),
        TEST(test_a_graph_takes_its_longest_way),
        TEST(test_a_dependent_launch_follows_another_launch),
        TEST(test_a_kernel_that_never_waits_breaks_the_chain),
        TEST(test_nth_call_fails),
        TEST(test_products_show_their_precision),
        TEST(test_batched_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
