/* SPDX-License-Identifier: Apache-2.0 */
#include "design/rounding.h"

#include "base/philox.h"

#include <stdlib.h>

/* With k the counter's epoch word, apart from those of queues (device numbers). */
#define EPOCH UINT32_C(0x80000000)

/* The table gets a row and a column of slack which make the sums of all its rows and columns
 * multiples of k. Seen as a graph, rows and columns are vertices and cells are edges between them.
 * Only remainders modulo k matter, and an edge is live while its remainder is neither 0 nor k. A
 * vertex with one live edge has a second one, since its sum is a multiple of k, so that a walk
 * along live edges always closes a cycle. Adding to every other edge of the cycle what is taken
 * from the rest keeps all sums and ends an edge; in the end none is live and every remainder, also
 * the slacks' and so the sums', is rounded to 0 or k. */
typedef struct {
    int k, vertex_count, edge_count;
    int (*end)[2];   /* [edge_count] row vertex, column vertex */
    int *remainder;  /* [edge_count] 0 .. k */
    int *first;      /* [vertex_count + 1] into incident */
    int *incident;   /* [2 * edge_count] edges of each vertex, live ones first */
    int *live;       /* [vertex_count] live edges */
    int (*place)[2]; /* [edge_count] where a live edge is in incident, for each of its ends */
    int *walk;       /* [vertex_count] vertices of the walk ... */
    int *taken;      /* [vertex_count] ... and the edges that it left them by */
    int *step;       /* [vertex_count] place of a vertex in the walk, -1: not in it */
    uint32_t seed;
    uint64_t cycles;
} rounding;

static void rounding_free(rounding *r)
{
    free(r->end);
    free(r->remainder);
    free(r->first);
    free(r->incident);
    free(r->live);
    free(r->place);
    free(r->walk);
    free(r->taken);
    free(r->step);
}

static cnn_status rounding_allocate(rounding *r, int vertex_count, int edge_count)
{
    cnn_status st = CNN_OK;
    size_t vertices = (size_t)vertex_count, edges = (size_t)edge_count;
    r->vertex_count = vertex_count;
    r->edge_count = edge_count;
    r->end = calloc(edges, sizeof *r->end);
    r->remainder = calloc(edges, sizeof *r->remainder);
    r->first = calloc(vertices + 1, sizeof *r->first);
    r->incident = calloc(2 * edges, sizeof *r->incident);
    r->live = calloc(vertices, sizeof *r->live);
    r->place = calloc(edges, sizeof *r->place);
    r->walk = calloc(vertices, sizeof *r->walk);
    r->taken = calloc(vertices, sizeof *r->taken);
    r->step = calloc(vertices, sizeof *r->step);
    CNN_CHECK(r->end && r->remainder && r->first && r->incident && r->live && r->place && r->walk &&
                  r->taken && r->step,
              CNN_ENOMEM, "rounding of a table with %d cells", edge_count);
done:
    return st;
}

static void set_edge(rounding *r, int edge, int row, int column, int64_t count)
{
    r->end[edge][0] = row;
    r->end[edge][1] = column;
    r->remainder[edge] = (int)(((count % r->k) + r->k) % r->k);
}

/** The table's cells and, after them, its slack. */
static cnn_status set_edges(rounding *r, int rows, int columns, int n, const cnn_count *cells)
{
    cnn_status st = CNN_OK;
    int64_t total = 0;
    int64_t *sum = calloc((size_t)rows + (size_t)columns, sizeof *sum); /* of rows, of columns */
    CNN_CHECK(sum, CNN_ENOMEM, "sums of a table of %d x %d", rows, columns);
    for (int i = 0; i < n; i++) {
        set_edge(r, i, cells[i].row, rows + 1 + cells[i].column, cells[i].count);
        sum[cells[i].row] += cells[i].count;
        sum[rows + cells[i].column] += cells[i].count;
        total += cells[i].count;
    }
    const int slack_row = rows, slack_column = rows + 1 + columns;
    for (int i = 0; i < rows; i++)
        set_edge(r, n + i, i, slack_column, -sum[i]);
    for (int j = 0; j < columns; j++)
        set_edge(r, n + rows + j, slack_row, rows + 1 + j, -sum[rows + j]);
    set_edge(r, n + rows + columns, slack_row, slack_column, total);
done:
    free(sum);
    return st;
}

static void link_live_edges(rounding *r)
{
    for (int e = 0; e < r->edge_count; e++)
        for (int side = 0; side < 2 && r->remainder[e]; side++)
            r->first[r->end[e][side] + 1]++;
    for (int v = 0; v < r->vertex_count; v++)
        r->first[v + 1] += r->first[v];
    for (int e = 0; e < r->edge_count; e++)
        for (int side = 0; side < 2 && r->remainder[e]; side++) {
            int v = r->end[e][side];
            r->place[e][side] = r->first[v] + r->live[v]++;
            r->incident[r->place[e][side]] = e;
        }
}

static void drop_edge(rounding *r, int edge)
{
    for (int side = 0; side < 2; side++) {
        int v = r->end[edge][side], hole = r->place[edge][side];
        int moved = r->incident[r->first[v] + --r->live[v]];
        r->incident[hole] = moved;
        r->place[moved][side] = hole; /* all edges of a row are at its row end */
    }
}

/** Adds to every other edge what it takes from the rest, as much as possible. */
static void round_cycle(rounding *r, int n, const int *edges)
{
    uint32_t word =
        cnn_random_word(r->seed, CNN_RANDOM_DESIGN, EPOCH | (uint32_t)r->k, r->cycles++);
    const int growing = (int)(word & 1);
    int most = r->k;
    for (int i = 0; i < n; i++) {
        int x = r->remainder[edges[i]], room = i % 2 == growing ? r->k - x : x;
        most = room < most ? room : most;
    }
    for (int i = 0; i < n; i++) {
        int *x = &r->remainder[edges[i]];
        *x += i % 2 == growing ? most : -most;
        if (*x == 0 || *x == r->k)
            drop_edge(r, edges[i]);
    }
}

/** Walks from a vertex and rounds every cycle it closes until the vertex has no live edge. */
static void round_from(rounding *r, int start)
{
    int at = 0;
    r->walk[0] = start;
    r->step[start] = 0;
    while (r->live[r->walk[at]] > 0) {
        int v = r->walk[at], edge = r->incident[r->first[v]];
        if (at > 0 && edge == r->taken[at - 1]) /* not back the way it came */
            edge = r->incident[r->first[v] + 1];
        int next = r->end[edge][0] == v ? r->end[edge][1] : r->end[edge][0];
        r->taken[at] = edge;
        if (r->step[next] < 0) {
            r->step[next] = ++at;
            r->walk[at] = next;
            continue;
        }
        int back = r->step[next];
        round_cycle(r, at - back + 1, r->taken + back);
        for (; at > back; at--)
            r->step[r->walk[at]] = -1;
    }
    r->step[start] = -1;
}

cnn_status cnn_count_part(int rows, int columns, int n, const cnn_count *cells, int k,
                          uint32_t seed, int *part)
{
    cnn_status st = CNN_OK;
    rounding r = {.k = k, .seed = seed};
    CNN_CHECK(rows > 0 && columns > 0 && n >= 0 && k > 0, CNN_EINVAL,
              "a table of %d x %d with %d cells cannot be divided by %d", rows, columns, n, k);
    CNN_TRY(rounding_allocate(&r, rows + columns + 2, n + rows + columns + 1));
    CNN_TRY(set_edges(&r, rows, columns, n, cells));
    link_live_edges(&r);
    for (int v = 0; v < r.vertex_count; v++)
        r.step[v] = -1;
    for (int v = 0; v < r.vertex_count; v++)
        round_from(&r, v);
    for (int i = 0; i < n; i++)
        part[i] = cells[i].count / k + (r.remainder[i] == k);
done:
    rounding_free(&r);
    return st;
}
