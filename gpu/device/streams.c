/* The device's two lanes. */
#include "gpu/device/internal.h"

static const size_t cublas_workspace_bytes = (size_t)32
                                             << 20; /* what cuBLAS advises from sm_90 on */

static void trade(cnn_cuda_lane *a, cnn_cuda_lane *b)
{
    const cnn_cuda_lane kept = *a;
    *a = *b;
    *b = kept;
}

void cnn_cuda_change_lane(cnn_ops *ops)
{
    cnn_cuda_lane now = {.stream = ops->stream,
                         .own_stream = ops->own_stream,
                         .cudnn = ops->cudnn,
                         .cublas = ops->cublas,
                         .cublas_workspace = ops->cublas_workspace,
                         .workspace = ops->workspace,
                         .workspace_bytes = ops->workspace_bytes};
    trade(&now, &ops->other);
    ops->stream = now.stream;
    ops->own_stream = now.own_stream;
    ops->cudnn = now.cudnn;
    ops->cublas = now.cublas;
    ops->cublas_workspace = now.cublas_workspace;
    ops->workspace = now.workspace;
    ops->workspace_bytes = now.workspace_bytes;
}

/* cuBLAS forgets its workspace when it is given a stream. */
static cnn_status set_stream(cnn_ops *ops, cudaStream_t stream)
{
    cnn_status st = CNN_OK;
    ops->stream = stream;
    CNN_CUDNN(cudnnSetStream(ops->cudnn, stream));
    CNN_CUBLAS(cublasSetStream(ops->cublas, stream));
    CNN_CUBLAS(cublasSetWorkspace(ops->cublas, ops->cublas_workspace, cublas_workspace_bytes));
done:
    return st;
}

/* TF32 is switched explicitly, whatever the library's default may be. */
cnn_status cnn_cuda_open_lane(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    const bool tf32 = ops->config.precision == CNN_PRECISION_TF32;
    CNN_CUDA(cudaStreamCreateWithFlags(&ops->own_stream, cudaStreamNonBlocking));
    CNN_CUDNN(cudnnCreate(&ops->cudnn));
    CNN_CUBLAS(cublasCreate(&ops->cublas));
    CNN_CUBLAS(
        cublasSetMathMode(ops->cublas, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
    CNN_TRY(cnn_cuda_alloc(ops, cublas_workspace_bytes, "the workspace of cuBLAS",
                           &ops->cublas_workspace));
    CNN_TRY(set_stream(ops, ops->own_stream));
done:
    return st;
}

void cnn_cuda_close_lane(cnn_ops *ops)
{
    if (ops->cublas)
        cublasDestroy(ops->cublas);
    if (ops->cudnn)
        cudnnDestroy(ops->cudnn);
    cnn_cuda_free(ops, &ops->cublas_workspace);
    cnn_cuda_free(ops, &ops->workspace);
    if (ops->own_stream)
        cudaStreamDestroy(ops->own_stream);
    ops->cublas = NULL;
    ops->cudnn = NULL;
    ops->stream = ops->own_stream = NULL;
    ops->workspace_bytes = 0;
}

cnn_status cnn_cuda_open_side(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    if (ops->other.own_stream)
        return CNN_OK;
    cnn_cuda_change_lane(ops);
    st = cnn_cuda_open_lane(ops);
    if (st != CNN_OK)
        cnn_cuda_close_lane(ops);
    cnn_cuda_change_lane(ops);
    return st;
}

cnn_status cnn_cuda_part_lanes(cnn_ops *ops, bool apart)
{
    cnn_status st = CNN_OK;
    const cudaStream_t wanted = apart ? ops->other.own_stream : ops->stream;
    if (ops->other.stream == wanted)
        return CNN_OK;
    CNN_TRY(cnn_ops_sync(ops));
    cnn_cuda_change_lane(ops);
    st = set_stream(ops, wanted);
    cnn_cuda_change_lane(ops);
done:
    return st;
}
