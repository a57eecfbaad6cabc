/* SPDX-License-Identifier: Apache-2.0 */
/* cuBLAS: matrix products, column-major. Sums in double, in the order of k. */
#include "emulation/numerics.h"
#include "emulation/state.h"

#include <cublas_v2.h>
#include <vector>

struct cublasContext {
    cudaStream_t stream = nullptr;
    cublasMath_t math = CUBLAS_DEFAULT_MATH;
    cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
    void *workspace = nullptr;
    size_t workspace_bytes = 0;
};

namespace emulated
{

namespace
{

/* op(M) as it stands in memory. */
struct Matrix {
    const float *values;
    int rows, columns, ld; /* of op(M) */
    bool transposed;
    size_t length() const
    {
        const int outer = transposed ? rows : columns, inner = transposed ? columns : rows;
        return outer == 0 || inner == 0 ? 0 : (size_t)(outer - 1) * (size_t)ld + (size_t)inner;
    }
    bool fits() const
    {
        return ld >= std::max(1, transposed ? columns : rows) &&
               (length() == 0 || device_range(values, length() * sizeof(float)));
    }
    float at(int i, int j) const
    {
        return transposed ? values[(size_t)i * (size_t)ld + (size_t)j]
                          : values[(size_t)j * (size_t)ld + (size_t)i];
    }
};

/* One or several, whose matrices lie strides apart. */
struct Product {
    Matrix a, b;
    float *c;
    int ldc;
    float alpha, beta;
    bool tf32;
    int batches = 1;
    long long stride_a = 0, stride_b = 0, stride_c = 0;
    Product batch(int i) const
    {
        Product p = *this;
        p.a.values += i * stride_a;
        p.b.values += i * stride_b;
        p.c += i * stride_c;
        p.batches = 1;
        return p;
    }
};

/* op(M) column by column, without gaps. */
std::vector<float> packed(const Matrix &m, bool tf32)
{
    std::vector<float> p((size_t)m.rows * (size_t)m.columns);
    for (int j = 0; j < m.columns; j++)
        for (int i = 0; i < m.rows; i++) {
            const float v = m.at(i, j);
            p[(size_t)j * (size_t)m.rows + (size_t)i] = tf32 ? round_tf32(v) : v;
        }
    return p;
}

void store(const Product &p, int column, const std::vector<double> &sums)
{
    float *c = p.c + (size_t)column * (size_t)p.ldc;
    for (int i = 0; i < p.a.rows; i++)
        c[i] = (float)(p.alpha * sums[(size_t)i] + (p.beta == 0.0f ? 0.0 : (double)p.beta * c[i]));
}

void multiply_one(const Product &p)
{
    const int m = p.a.rows, k = p.a.columns, n = p.b.columns;
    const std::vector<float> a = packed(p.a, p.tf32), b = packed(p.b, p.tf32);
    std::vector<double> sums((size_t)m);
    for (int j = 0; j < n; j++) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (int l = 0; l < k; l++)
            add_scaled((size_t)m, b[(size_t)j * (size_t)k + (size_t)l], &a[(size_t)l * (size_t)m],
                       sums.data());
        store(p, j, sums);
    }
}

void multiply(const Product &p)
{
    DeviceAccess access;
    for (int i = 0; i < p.batches; i++)
        multiply_one(p.batch(i));
}

bool fits(const Product &p)
{
    const Matrix c = {p.c, p.a.rows, p.b.columns, p.ldc, false};
    return p.a.fits() && p.b.fits() && c.fits();
}

/* Results must not overlap, which cuBLAS takes on trust. */
cublasStatus_t check(const Product &p)
{
    const Matrix c = {p.c, p.a.rows, p.b.columns, p.ldc, false};
    if (p.a.rows < 0 || p.a.columns < 0 || p.b.columns < 0 || p.batches < 0)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (p.batches > 1 && p.stride_c < (long long)c.length())
        return CUBLAS_STATUS_INVALID_VALUE;
    for (int i = 0; i < p.batches; i++)
        if (!fits(p.batch(i)))
            return CUBLAS_STATUS_INVALID_VALUE;
    return CUBLAS_STATUS_SUCCESS;
}

/* Of all products of a batch. */
Range range_of(const Matrix &m, int batches, long long stride, bool written)
{
    const size_t others = (size_t)(batches - 1) * (size_t)stride;
    return {m.values, (others + m.length()) * sizeof(float), written};
}

cublasStatus_t queue(cublasHandle_t handle, const Product &p)
{
    const cublasStatus_t status = check(p);
    if (status != CUBLAS_STATUS_SUCCESS)
        return status;
    const cudaError_t error = submit(
        handle->stream, "a product", cudaGraphNodeTypeKernel, [p]() { multiply(p); },
        library_footprint(
            {range_of(p.a, p.batches, p.stride_a, false),
             range_of(p.b, p.batches, p.stride_b, false),
             range_of({p.c, p.a.rows, p.b.columns, p.ldc, false}, p.batches, p.stride_c, true),
             {handle->workspace, handle->workspace_bytes, true},
             {handle, 1, true}}));
    return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

bool known(cublasHandle_t handle)
{
    return object_is(handle, "cuBLAS handle");
}

/* Scalars on the device would be read when the work runs; gpu/ has none. */
bool scalars_on_host(cublasHandle_t handle, const void *alpha, const void *beta)
{
    return handle->pointers == CUBLAS_POINTER_MODE_HOST && alpha && beta && !is_device(alpha) &&
           !is_device(beta);
}

struct Batches {
    int count;
    long long stride_a, stride_b, stride_c;
};

cublasStatus_t gemm(cublasHandle_t handle, bool tf32, cublasOperation_t ta, cublasOperation_t tb,
                    int m, int n, int k, const float *alpha, const float *a, int lda,
                    const float *b, int ldb, const float *beta, float *c, int ldc,
                    Batches batches = {1, 0, 0, 0})
{
    if (!known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!scalars_on_host(handle, alpha, beta))
        return CUBLAS_STATUS_INVALID_VALUE;
    const Product p = {{a, m, k, lda, ta != CUBLAS_OP_N},
                       {b, k, n, ldb, tb != CUBLAS_OP_N},
                       c,
                       ldc,
                       *alpha,
                       *beta,
                       tf32,
                       batches.count,
                       batches.stride_a,
                       batches.stride_b,
                       batches.stride_c};
    return queue(handle, p);
}

bool math_allows_tf32(cublasHandle_t handle)
{
    return known(handle) && handle->math == CUBLAS_TF32_TENSOR_OP_MATH;
}

} // namespace

} // namespace emulated

using namespace emulated;

extern "C" {

cublasStatus_t cublasCreate(cublasHandle_t *out)
{
    if (fails("cublasCreate"))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!out)
        return CUBLAS_STATUS_INVALID_VALUE;
    *out = new cublasContext();
    object_born(*out, "cuBLAS handle");
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    if (fails("cublasDestroy", true))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    drain_all();
    object_died(handle);
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    if (fails("cublasSetStream") || !known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    handle->stream = stream;
    handle->workspace = nullptr; /* the library's own from now on */
    handle->workspace_bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t *stream)
{
    if (!known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *stream = handle->stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t math)
{
    if (fails("cublasSetMathMode") || !known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    handle->math = (cublasMath_t)(math & 0xf); /* the rest are flags */
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *math)
{
    if (!known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *math = handle->math;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t)
{
    return fails("cublasSetAtomicsMode") || !known(handle) ? CUBLAS_STATUS_NOT_INITIALIZED
                                                           : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
    if (fails("cublasSetWorkspace") || !known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (bytes > 0 && (!device_range(workspace, bytes) || (uintptr_t)workspace % 256 != 0))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = workspace;
    handle->workspace_bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t handle, cublasPointerMode_t mode)
{
    if (fails("cublasSetPointerMode") || !known(handle))
        return CUBLAS_STATUS_NOT_INITIALIZED;
    handle->pointers = mode;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m,
                           int n, int k, const float *alpha, const float *a, int lda,
                           const float *b, int ldb, const float *beta, float *c, int ldc)
{
    if (fails("cublasSgemm"))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    return gemm(handle, math_allows_tf32(handle), ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c,
                ldc);
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t ta,
                                         cublasOperation_t tb, int m, int n, int k,
                                         const float *alpha, const float *a, int lda,
                                         long long stride_a, const float *b, int ldb,
                                         long long stride_b, const float *beta, float *c, int ldc,
                                         long long stride_c, int batches)
{
    if (fails("cublasSgemmStridedBatched"))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    return gemm(handle, math_allows_tf32(handle), ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c,
                ldc, {batches, stride_a, stride_b, stride_c});
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                            int m, int n, int k, const void *alpha, const void *a,
                            cudaDataType type_a, int lda, const void *b, cudaDataType type_b,
                            int ldb, const void *beta, void *c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t)
{
    if (fails("cublasGemmEx"))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (type_a != CUDA_R_32F || type_b != CUDA_R_32F || type_c != CUDA_R_32F)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_PEDANTIC &&
        compute != CUBLAS_COMPUTE_32F_FAST_TF32)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    const bool tf32 = compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                      (compute == CUBLAS_COMPUTE_32F && math_allows_tf32(handle));
    return gemm(handle, tf32, ta, tb, m, n, k, static_cast<const float *>(alpha),
                static_cast<const float *>(a), lda, static_cast<const float *>(b), ldb,
                static_cast<const float *>(beta), static_cast<float *>(c), ldc);
}

/* y = alpha op(A) x + beta y, with steps of 1 only. */
cublasStatus_t cublasSgemv(cublasHandle_t handle, cublasOperation_t trans, int m, int n,
                           const float *alpha, const float *a, int lda, const float *x, int incx,
                           const float *beta, float *y, int incy)
{
    if (fails("cublasSgemv"))
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (incx != 1 || incy != 1)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    const bool t = trans != CUBLAS_OP_N;
    const int rows = t ? n : m, inner = t ? m : n;
    return gemm(handle, false, trans, CUBLAS_OP_N, rows, 1, inner, alpha, a, lda, x,
                std::max(1, inner), beta, y, std::max(1, rows));
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int *version)
{
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int *value)
{
    if (fails("cublasGetProperty"))
        return CUBLAS_STATUS_INVALID_VALUE;
    *value = type == MAJOR_VERSION   ? CUBLAS_VER_MAJOR
             : type == MINOR_VERSION ? CUBLAS_VER_MINOR
                                     : CUBLAS_VER_PATCH;
    return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
        return "unknown status";
    }
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    return cublasGetStatusName(status);
}

} // extern "C"
