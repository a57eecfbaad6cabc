/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/spread.h"

#include "stats/dist.h"
#include "stats/ranks.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A place is determined by others if they leave less than this share of its squared length. */
#define NOTHING_LEFT 1e-12
/* |log| of a ratio that no test rejects */
#define FAR 30
/* Ends of the interval are sought from the ratio outwards, first in this many times the test's bound
 * over the root of the spare blocks: a third of half an interval, or so. */
#define FIRST_STEP 0.5

/** Blocks of one device, in work order. */
typedef struct {
    int first, count;
} group;

typedef struct {
    int n, groups, k; /* k: spare blocks */
    int places;       /* of a block, whose effects are taken off; 1: none is */
    double *x, *y;    /* [n] by group, as given */
    int *px, *py;     /* [n] */
    group *group;     /* [groups] */
    double *u, *v;    /* [n] x over the ratio in question, and y, without the effects of places */
    double *of_x, *of_y; /* [places - 1, places] normal equations of the places' effects on each */
    double *sums;        /* [places - 1, places] their weighted sum */
    double *effect;      /* [places - 1] of the places above 0 */
    double *du, *dv;     /* [pairs] |differences| of two blocks of a group, pair by pair */
    double *all;         /* [2 pairs] scratch: those of both above 0 */
    int pairs, varying;  /* varying: how many of `all` */
    double bound;        /* of T / sqrt(V), for the interval */
} work;

/* ---- groups -------------------------------------------------------------------------------- */

typedef struct {
    int device, index;
} place;

static int by_device(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/** A device's blocks [count] as groups of nearly equal size. */
static void split_device(work *w, int first, int count)
{
    const int parts = (count + CNN_SPREAD_MOST_IN_GROUP - 1) / CNN_SPREAD_MOST_IN_GROUP;
    for (int i = 0; i < parts; i++) {
        const int from = (int)((long)count * i / parts), to = (int)((long)count * (i + 1) / parts);
        w->group[w->groups++] = (group){first + from, to - from};
    }
}

static void put_block(work *w, const cnn_spread_pairs *p, int i)
{
    w->x[w->n] = p->x[i];
    w->y[w->n] = p->y[i];
    w->px[w->n] = p->position_x[i];
    w->py[w->n++] = p->position_y[i];
}

/** Fills groups with all blocks, or with the first one of each device as if they were of one. */
static void form_groups(work *w, const cnn_spread_pairs *p, const place *places, bool across)
{
    w->n = w->groups = w->pairs = 0;
    for (int i = 0, end; i < p->n; i = end) {
        const int first = w->n;
        for (end = i; end < p->n && places[end].device == places[i].device; end++)
            if (!across || end == i)
                put_block(w, p, places[end].index);
        if (!across)
            split_device(w, first, w->n - first);
    }
    if (across)
        split_device(w, 0, w->n);
    w->k = w->n - w->groups;
    for (int g = 0; g < w->groups; g++)
        w->pairs += w->group[g].count * (w->group[g].count - 1) / 2;
}

/* ---- places within the block --------------------------------------------------------------- */

/** Adds a group's share to the normal equations [places - 1, places] of the effects of places on
 *  values v of that level, with a mean for each group. times [places - 1]: scratch. */
static void add_group(const work *w, const group *g, const double *v, const int *position,
                      double *times, double *equations)
{
    const int m = w->places - 1, first = g->first, end = first + g->count;
    double mean = 0;
    for (int p = 0; p < m; p++)
        times[p] = 0;
    for (int i = first; i < end; i++) {
        mean += (v[i] - v[first]) / g->count;
        if (position[i] > 0)
            times[position[i] - 1]++;
    }
    for (int p = 0; p < m; p++) {
        double *row = equations + (size_t)p * (size_t)w->places;
        for (int q = 0; q < m; q++)
            row[q] += (p == q ? times[p] : 0) - times[p] * times[q] / g->count;
    }
    for (int i = first; i < end; i++)
        if (position[i] > 0)
            equations[(size_t)(position[i] - 1) * (size_t)w->places + (size_t)m] +=
                v[i] - v[first] - mean;
}

static void form_equations(work *w)
{
    for (int g = 0; w->places > 1 && g < w->groups; g++) {
        add_group(w, &w->group[g], w->x, w->px, w->effect, w->of_x);
        add_group(w, &w->group[g], w->y, w->py, w->effect, w->of_y);
    }
}

/** Fills effect: least squares with weights 1 / ratio^2 for x and 1 for y, by elimination; a place
 *  that those before it determine has none. */
static void find_effects(work *w, double ratio)
{
    const int m = w->places - 1, width = w->places;
    const double weight = 1 / (ratio * ratio);
    double *a = w->sums;
    for (int i = 0; i < m * width; i++)
        a[i] = weight * w->of_x[i] + w->of_y[i];
    for (int c = 0; c < m; c++) {
        const double before = weight * w->of_x[c * width + c] + w->of_y[c * width + c];
        if (a[c * width + c] <= NOTHING_LEFT * before) {
            a[c * width + c] = 0;
            continue;
        }
        for (int r = c + 1; r < m; r++) {
            const double times = a[r * width + c] / a[c * width + c];
            for (int k = c; k < width; k++)
                a[r * width + k] -= times * a[c * width + k];
        }
    }
    for (int c = m - 1; c >= 0; c--) {
        double rest = a[c * width + m];
        for (int k = c + 1; k < m; k++)
            rest -= a[c * width + k] * w->effect[k];
        w->effect[c] = a[c * width + c] > 0 ? rest / a[c * width + c] : 0;
    }
}

/** Fills u and v. */
static void take_off_places(work *w, double ratio)
{
    const bool has_effects = w->places > 1;
    if (has_effects)
        find_effects(w, ratio);
    for (int i = 0; i < w->n; i++) {
        w->u[i] = (w->x[i] - (has_effects && w->px[i] > 0 ? w->effect[w->px[i] - 1] : 0)) / ratio;
        w->v[i] = w->y[i] - (has_effects && w->py[i] > 0 ? w->effect[w->py[i] - 1] : 0);
    }
}

static bool is_constant(const work *w, const double *x)
{
    for (int g = 0; g < w->groups; g++)
        for (int i = 1; i < w->group[g].count; i++)
            if (x[w->group[g].first + i] != x[w->group[g].first])
                return false;
    return true;
}

/* ---- differences --------------------------------------------------------------------------- */

/** |x[i] - x[j]| of a group's pairs into d; what is rounding is 0, and what is not goes into all. */
static void take_differences(work *w, const double *x, double *d)
{
    double magnitude = 0;
    int pair = 0;
    for (int i = 0; i < w->n; i++)
        magnitude = fmax(magnitude, fabs(x[i]));
    for (int g = 0; g < w->groups; g++) {
        const int first = w->group[g].first, end = first + w->group[g].count;
        for (int i = first; i < end; i++)
            for (int j = i + 1; j < end; j++) {
                const double size = fabs(x[i] - x[j]);
                const bool differs = size > 64 * DBL_EPSILON * magnitude;
                d[pair++] = differs ? size : 0;
                if (differs)
                    w->all[w->varying++] = size;
            }
    }
}

/** Puts the k-th smallest (from 0) of v [n] at v[k], none greater before it, none smaller after it
 *  (Hoare 1961). */
static double smallest(double *v, int n, int k)
{
    for (int low = 0, high = n - 1; low < high;) {
        const double pivot = v[low + (high - low) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i > j)
                break;
            const double swap = v[i];
            v[i++] = v[j];
            v[j--] = swap;
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return v[k];
}

/** The median of the differences above 0. */
static double scale_of(work *w)
{
    const int n = w->varying;
    const double high = smallest(w->all, n, n / 2);
    if (n % 2)
        return high;
    double low = w->all[0];
    for (int i = 1; i < n / 2; i++)
        low = fmax(low, w->all[i]);
    return (low + high) / 2;
}

/* ---- the statistic ------------------------------------------------------------------------- */

/** A sum of log(1 + u^2): the logarithm of a product, which few logarithms make. */
typedef struct {
    double logarithm, product; /* of the factors before, and of those after it */
} phi_sum;

static inline void add_phi(phi_sum *s, double u)
{
    s->product *=
        1 + u * u; /* |u| is below 1e40: differences below rounding are 0, FAR bounds ratios */
    if (s->product > 1e200) {
        s->logarithm += log(s->product);
        s->product = 1;
    }
}

static double phi_total(const phi_sum *s)
{
    return s->logarithm + log(s->product);
}

/** Sums over all groups. */
typedef struct {
    double x, y;          /* T is their difference */
    double blocks;        /* V by blocks */
    double runs;          /* V by runs, but for the groups of two */
    double squares, twos; /* of phi / 4 in the groups of two blocks: sum of squares, sum */
    int two_count;        /* such values */
} sums;

/** What a group adds to T and to V by blocks. d: its pairs begin at `pair`. */
static void add_blocks(const work *w, const group *g, int pair, double scale, sums *s)
{
    const int n = g->count;
    phi_sum of_x[CNN_SPREAD_MOST_IN_GROUP], of_y[CNN_SPREAD_MOST_IN_GROUP];
    double row[CNN_SPREAD_MOST_IN_GROUP], total = 0, sum_x = 0, sum_y = 0;
    for (int i = 0; i < n; i++)
        of_x[i] = of_y[i] = (phi_sum){0, 1};
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++, pair++) {
            const double a = w->du[pair] / scale, b = w->dv[pair] / scale;
            add_phi(&of_x[i], a);
            add_phi(&of_x[j], a);
            add_phi(&of_y[i], b);
            add_phi(&of_y[j], b);
        }
    for (int i = 0; i < n; i++) {
        const double a = phi_total(&of_x[i]) / n, b = phi_total(&of_y[i]) / n;
        sum_x += a / 2;
        sum_y += b / 2;
        row[i] = a - b;
        total += row[i];
    }
    s->x += sum_x;
    s->y += sum_y;
    if (n == 2) {
        s->squares += (sum_x * sum_x + sum_y * sum_y) / 4;
        s->twos += (sum_x + sum_y) / 2;
        s->two_count += 2;
    }
    for (int i = 0; i < n; i++) {
        const double z = row[i] - total / n / 2;
        s->blocks += z * z * n / (n - 1.0);
    }
}

/** What a group adds to V by runs, which are taken from mx and my. */
static double runs_from(const work *w, const group *g, double mx, double my, double scale)
{
    const int n = g->count, runs = 2 * n;
    const double *x = w->u + g->first, *y = w->v + g->first;
    double v[2 * CNN_SPREAD_MOST_IN_GROUP], psi[2 * CNN_SPREAD_MOST_IN_GROUP], mean = 0, sum = 0;
    phi_sum of[2 * CNN_SPREAD_MOST_IN_GROUP];
    for (int i = 0; i < n; i++) {
        v[i] = (x[i] - mx) / scale;
        v[n + i] = (y[i] - my) / scale;
    }
    for (int i = 0; i < runs; i++)
        of[i] = (phi_sum){0, 1};
    for (int i = 0; i < runs; i++)
        for (int j = i + 1; j < runs; j++) {
            add_phi(&of[i], v[i] - v[j]);
            add_phi(&of[j], v[i] - v[j]);
        }
    for (int i = 0; i < runs; i++) {
        psi[i] = phi_total(&of[i]) / runs;
        mean += psi[i] / runs;
    }
    for (int i = 0; i < runs; i++)
        sum += (psi[i] - mean) * (psi[i] - mean) * n / (n - 1.0);
    return sum;
}

/** Of three blocks or more, from the medians. Half of a level's runs may be far from the other half,
 *  and the middle between them near neither: in larger groups the two middle values take its place,
 *  in turn. */
static void add_runs(const work *w, const group *g, double scale, sums *s)
{
    const int n = g->count, low = (n - 1) / 2, high = n / 2;
    double x[CNN_SPREAD_MOST_IN_GROUP], y[CNN_SPREAD_MOST_IN_GROUP];
    memcpy(x, w->u + g->first, (size_t)n * sizeof *x);
    memcpy(y, w->v + g->first, (size_t)n * sizeof *y);
    const double x_low = smallest(x, n, low), y_low = smallest(y, n, low);
    const double x_high = smallest(x, n, high), y_high = smallest(y, n, high);
    double sum;
    if (high > low && n >= CNN_SPREAD_TWO_MIDDLES)
        sum = fmax(runs_from(w, g, x_low, y_low, scale), runs_from(w, g, x_high, y_high, scale));
    else
        sum = runs_from(w, g, (x_low + x_high) / 2, (y_low + y_high) / 2, scale);
    s->runs += sum;
}

/** T / sqrt(V) with x divided by exp(log_ratio). */
static double studentised(work *w, double log_ratio)
{
    sums s = {0};
    int pair = 0;
    take_off_places(w, exp(log_ratio));
    w->varying = 0;
    take_differences(w, w->u, w->du);
    take_differences(w, w->v, w->dv);
    const double scale = scale_of(w);
    for (int g = 0; g < w->groups; g++) {
        const int n = w->group[g].count;
        if (n < 2)
            continue;
        add_blocks(w, &w->group[g], pair, scale, &s);
        if (n > 2)
            add_runs(w, &w->group[g], scale, &s);
        pair += n * (n - 1) / 2;
    }
    const double centre = (s.x + s.y) / 4 / w->k;
    const double twos = s.squares - 2 * centre * s.twos + centre * centre * s.two_count;
    const double variance = fmax(s.blocks, s.runs + 4 * twos);
    return variance > 0 ? (s.x - s.y) / sqrt(variance) : 0;
}

/* ---- test and interval --------------------------------------------------------------------- */

/** Falls as the ratio grows. Beyond FAR the sign is forced, so that there is always a zero. */
static double above_bound(double log_ratio, const void *context)
{
    work *w = *(work *const *)context; /* whose scratch it uses */
    if (fabs(log_ratio) > FAR)
        return log_ratio > 0 ? -1 : 1;
    return studentised(w, log_ratio) - w->bound;
}

/** The ratio at which T / sqrt(V) is `bound`, sought from `guess`, a logarithm, in steps that
 *  double. */
static double ratio_at(work *w, double bound, double guess, double step)
{
    w->bound = bound;
    double low = guess, at_low = above_bound(low, &w), high = low, at_high = at_low;
    for (; at_low <= 0; step *= 2) {
        high = low;
        at_high = at_low;
        low -= step;
        at_low = above_bound(low, &w);
    }
    for (; at_high >= 0; step *= 2) {
        low = at_high > 0 ? high : low;
        at_low = at_high > 0 ? at_high : at_low;
        high += step;
        at_high = above_bound(high, &w);
    }
    const double x = cnn_root_between(above_bound, &w, low, high, at_low, at_high, 1e-12);
    return fabs(x) >= FAR - 1e-6 ? x > 0 ? INFINITY : 0 : exp(x);
}

/** Three spare blocks: with two degrees of freedom the test would be too bold. */
static double degrees_of_freedom(int k)
{
    return k > CNN_SPREAD_LEAST_SPARE ? k - 1 : 1;
}

static void estimate(work *w, double level, cnn_spread *out)
{
    const double k = w->k, t = cnn_student_quantile((1 + level) / 2, out->df);
    const double bound = t * sqrt(k / (k - 1 + t * t));
    out->ratio = ratio_at(w, 0, 0, 0.125);
    const double at = out->ratio > 0 && isfinite(out->ratio) ? log(out->ratio) : 0;
    const double step = FIRST_STEP * bound / sqrt(k);
    out->interval = (cnn_interval){ratio_at(w, bound, at, step), ratio_at(w, -bound, at, step)};
}

static void judge(work *w, double level, cnn_spread *out)
{
    const bool x_varies = !is_constant(w, w->x), y_varies = !is_constant(w, w->y);
    const double k = w->k;
    if (!x_varies || !y_varies)
        w->places = 1; /* what is constant has no effect of the place */
    const double r = x_varies || y_varies ? studentised(w, 0) : 0;
    if (!w->varying) { /* but for rounding */
        out->outcome = CNN_STAT_IDENTICAL;
        out->ratio = out->p = 1;
        return;
    }
    out->df = degrees_of_freedom(w->k);
    out->t = r * r < k * (1 - 1e-12) ? r * sqrt((k - 1) / (k - r * r)) : copysign(INFINITY, r);
    out->p = isinf(out->t) ? pow(2, 1 - k) : cnn_student_two_sided(out->t, out->df);
    if (x_varies && y_varies)
        estimate(w, level, out);
    else
        out->ratio = x_varies ? INFINITY : 0;
}

/* ---- all together -------------------------------------------------------------------------- */

static cnn_status allocate(work *w, int n)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)n + 1;
    w->x = calloc(4 * room, sizeof *w->x);
    w->px = calloc(2 * room, sizeof *w->px);
    w->group = calloc(room, sizeof *w->group);
    CNN_CHECK(w->x && w->px && w->group, CNN_ENOMEM, "spread of %d blocks", n);
    w->y = w->x + room;
    w->u = w->y + room;
    w->v = w->u + room;
    w->py = w->px + room;
done:
    return st;
}

/** Scratch for the groups that are formed. */
static cnn_status allocate_scratch(work *w)
{
    cnn_status st = CNN_OK;
    const size_t room = (size_t)w->pairs + 1, places = (size_t)w->places;
    w->of_x = calloc(3 * places * places + places, sizeof *w->of_x);
    w->du = calloc(4 * room, sizeof *w->du);
    CNN_CHECK(w->of_x && w->du, CNN_ENOMEM, "%d differences of blocks", w->pairs);
    w->of_y = w->of_x + places * places;
    w->sums = w->of_y + places * places;
    w->effect = w->sums + places * places;
    w->dv = w->du + room;
    w->all = w->dv + room;
done:
    return st;
}

static bool has_positions_in_range(const cnn_spread_pairs *p, int places)
{
    for (int i = 0; i < p->n; i++)
        if (p->position_x[i] < 0 || p->position_x[i] >= places || p->position_y[i] < 0 ||
            p->position_y[i] >= places)
            return false;
    return true;
}

cnn_status cnn_spread_test(const cnn_spread_pairs *pairs, double level, cnn_spread *out)
{
    cnn_status st = CNN_OK;
    work w = {.places = pairs->positions > 1 ? pairs->positions : 1};
    place *places = NULL;
    *out = (cnn_spread){CNN_STAT_OK, false, NAN, {NAN, NAN}, NAN, NAN, NAN};
    out->outcome = cnn_outcome_of_pairs(pairs->x, pairs->y, pairs->n, CNN_SPREAD_LEAST_SPARE + 1);
    if (!(level > 0 && level < 1) || (w.places > 1 && !has_positions_in_range(pairs, w.places)))
        out->outcome = CNN_STAT_DOMAIN;
    if (out->outcome != CNN_STAT_OK)
        return CNN_OK;
    places = calloc((size_t)pairs->n, sizeof *places);
    CNN_CHECK(places, CNN_ENOMEM, "spread of %d blocks", pairs->n);
    CNN_TRY(allocate(&w, pairs->n));
    for (int i = 0; i < pairs->n; i++)
        places[i] = (place){pairs->device[i], i};
    qsort(places, (size_t)pairs->n, sizeof *places, by_device);
    form_groups(&w, pairs, places, false);
    out->across = w.k < CNN_SPREAD_LEAST_SPARE;
    if (out->across)
        form_groups(&w, pairs, places, true);
    if (w.k < CNN_SPREAD_LEAST_SPARE) {
        out->outcome = CNN_STAT_TOO_FEW;
        goto done;
    }
    CNN_TRY(allocate_scratch(&w));
    form_equations(&w);
    judge(&w, level, out);
done:
    free(places);
    free(w.x);
    free(w.px);
    free(w.group);
    free(w.of_x);
    free(w.du);
    return st;
}
