/* SPDX-License-Identifier: Apache-2.0 */
/** How kernels that sum over rows of [rows, columns] divide it: a block has a tile of columns and a
 *  chunk of rows (cnn_sum_of_rows). */
#ifndef CNN_GPU_KERNELS_ROW_CHUNKS_CUH
#define CNN_GPU_KERNELS_ROW_CHUNKS_CUH

#include "gpu/kernels/launch.cuh"

/** Chunks enough to fill a device, and few enough for the last block. */
enum { CNN_MAX_CHUNKS = 512 };

/** As many columns as a warp has lanes, or half as many where there are no more. */
static inline dim3 cnn_chunk_block(int columns)
{
    return columns <= CNN_WARP / 2 ? dim3(CNN_WARP / 2, 2 * CNN_BLOCK / CNN_WARP)
                                   : dim3(CNN_WARP, CNN_BLOCK / CNN_WARP);
}

/** Does not decrease with more rows: room for a batch's sums suffices for any smaller one. */
static inline unsigned cnn_chunks_of(size_t rows, int columns)
{
    const size_t usual = cnn_chunk_block(columns).y, chunks = (rows + usual - 1) / usual;
    return (unsigned)(chunks < CNN_MAX_CHUNKS ? chunks : (size_t)CNN_MAX_CHUNKS);
}

/** The last chunks may have fewer, or none. */
static inline unsigned cnn_rows_a_chunk(size_t rows, int columns)
{
    const size_t chunks = cnn_chunks_of(rows, columns);
    return (unsigned)((rows + chunks - 1) / chunks);
}

static inline dim3 cnn_chunk_grid(size_t rows, int columns)
{
    const unsigned tile = cnn_chunk_block(columns).x;
    return dim3(((unsigned)columns + tile - 1) / tile, cnn_chunks_of(rows, columns));
}

/** A block's rows. */
struct cnn_chunk {
    unsigned first, end;
};

__device__ static inline cnn_chunk cnn_chunk_of_block(unsigned rows, unsigned a_chunk)
{
    const unsigned first = blockIdx.y * a_chunk < rows ? blockIdx.y * a_chunk : rows;
    const cnn_chunk c = {first, rows - first < a_chunk ? rows : first + a_chunk};
    return c;
}

#endif
