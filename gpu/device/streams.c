/* SPDX-License-Identifier: Apache-2.0 */
/* The main and the side stream of a device, each with its library handles. */
#include "gpu/device/internal.h"

static const size_t cublas_workspace_bytes = (size_t)32
                                             << 20; /* what cuBLAS advises from sm_90 on */

void cnn_cuda_change_stream(cnn_ops *ops)
{
    const cnn_cuda_stream kept = ops->current;
    ops->current = ops->other;
    ops->other = kept;
}

/* cuBLAS forgets its workspace when it is given a stream. */
static cnn_status set_stream(cnn_ops *ops, cudaStream_t stream)
{
    cnn_status st = CNN_OK;
    ops->current.stream = stream;
    CNN_CUDNN(cudnnSetStream(ops->current.cudnn, stream));
    CNN_CUBLAS(cublasSetStream(ops->current.cublas, stream));
    CNN_CUBLAS(cublasSetWorkspace(ops->current.cublas, ops->current.cublas_workspace,
                                  cublas_workspace_bytes));
done:
    return st;
}

/* TF32 is switched explicitly, whatever the library's default may be. */
cnn_status cnn_cuda_open_stream(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    const bool tf32 = ops->config.precision == CNN_PRECISION_TF32;
    CNN_CUDA(cudaStreamCreateWithFlags(&ops->current.own_stream, cudaStreamNonBlocking));
    CNN_CUDNN(cudnnCreate(&ops->current.cudnn));
    CNN_CUBLAS(cublasCreate(&ops->current.cublas));
    CNN_CUBLAS(cublasSetMathMode(ops->current.cublas,
                                 tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
    CNN_TRY(cnn_cuda_alloc(ops, cublas_workspace_bytes, "the workspace of cuBLAS",
                           &ops->current.cublas_workspace));
    CNN_TRY(set_stream(ops, ops->current.own_stream));
done:
    return st;
}

void cnn_cuda_close_stream(cnn_ops *ops)
{
    if (ops->current.cublas)
        cublasDestroy(ops->current.cublas);
    if (ops->current.cudnn)
        cudnnDestroy(ops->current.cudnn);
    cnn_cuda_free(ops, &ops->current.cublas_workspace);
    cnn_cuda_free(ops, &ops->current.workspace);
    if (ops->current.own_stream)
        cudaStreamDestroy(cnn_gpu_foreign(ops->current.own_stream));
    ops->current.cublas = NULL;
    ops->current.cudnn = NULL;
    ops->current.stream = ops->current.own_stream = NULL;
    ops->current.workspace_bytes = 0;
}

cnn_status cnn_cuda_open_side_stream(cnn_ops *ops)
{
    cnn_status st = CNN_OK;
    if (ops->other.own_stream)
        return CNN_OK;
    cnn_cuda_change_stream(ops);
    st = cnn_cuda_open_stream(ops);
    if (st != CNN_OK)
        cnn_cuda_close_stream(ops);
    cnn_cuda_change_stream(ops);
    return st;
}

cnn_status cnn_cuda_separate_streams(cnn_ops *ops, bool separate)
{
    cnn_status st = CNN_OK;
    const cudaStream_t wanted = separate ? ops->other.own_stream : ops->current.stream;
    if (ops->other.stream == wanted)
        return CNN_OK;
    CNN_TRY(cnn_ops_sync(ops));
    cnn_cuda_change_stream(ops);
    st = set_stream(ops, wanted);
    cnn_cuda_change_stream(ops);
done:
    return st;
}
