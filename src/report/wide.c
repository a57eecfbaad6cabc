/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

#include <math.h>
#include <stdlib.h>

/* The columns of analysis/figures.h as columns of CSV: flags as their names, whole numbers that are
 * unknown (-1) and NaN as empty fields. */
#define FORMAT_I8  CNN_FORMAT_WHOLE
#define FORMAT_I32 CNN_FORMAT_WHOLE
#define FORMAT_I64 CNN_FORMAT_WHOLE
#define FORMAT_F64 CNN_FORMAT_DIGITS
#define WIDE_COLUMN(member, type, units, long_name)                                                \
    {.name = #member, .title = #member, .unit = units, .format = FORMAT_##type, .digits = 6},
#define CONDITION_COLUMN(member, type, units, long_name)                                           \
    {.name = "condition_" #member, .title = "condition_" #member, .format = FORMAT_##type},
#define WHOLE(x)                            ((x) == -1 ? NAN : (double)(x))
#define NUMBER_I8(x)                        WHOLE(x)
#define NUMBER_I32(x)                       WHOLE(x)
#define NUMBER_I64(x)                       WHOLE(x)
#define NUMBER_F64(x)                       (x)
#define PUT(member, type, units, long_name) cnn_table_number(t, NUMBER_##type(x->member));

/** The key columns of a row. */
typedef struct {
    const cnn_report *r;
    cnn_table_column *columns; /* room for all */
    int count;
} wide;

/** Room for `more` columns after those of the factors and some keys. */
static bool start(wide *w, const cnn_report *r, size_t more)
{
    enum { KEYS = 8 };
    *w = (wide){.r = r};
    w->columns = calloc((size_t)r->results->factor_count + KEYS + more, sizeof *w->columns);
    r->out->failed |= !w->columns;
    return w->columns != NULL;
}

static void add_key(wide *w, const char *name, cnn_table_format format)
{
    w->columns[w->count++] = (cnn_table_column){.name = name, .title = name, .format = format};
}

/** The factors as columns, with the contrast where the row is about a cell. */
static void add_factors(wide *w, bool contrast)
{
    const cnn_results *x = w->r->results;
    for (int f = 0; f < x->factor_count; f++)
        if (contrast || f != x->contrast)
            add_key(w, x->factors[f].name, CNN_FORMAT_TEXT);
}

static void put_factors(const cnn_report *r, int cell, bool contrast, cnn_table *t)
{
    const cnn_results *x = r->results;
    const int *levels = &x->cell_levels[cell * x->factor_count];
    for (int f = 0; f < x->factor_count; f++)
        if (contrast || f != x->contrast)
            cnn_table_text(t, "%s", cnn_results_level_text(&x->factors[f], levels[f]));
}

static cnn_table *make(wide *w, const char *name, const cnn_table_column *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        w->columns[w->count++] = more[i];
    cnn_table *t = cnn_document_table(w->r->out, name, w->columns, w->count, "%s", name);
    t->left_out = CNN_ONLY_IN_CSV;
    free(w->columns);
    return t;
}
#define MAKE(w, name, more) make(w, name, more, sizeof(more) / sizeof *(more))

static int first_cell(const cnn_report *r, int combination)
{
    return r->a->cell_of[combination * r->a->level_count];
}

static void wide_cells(const cnn_report *r)
{
    static const cnn_table_column more[] = {{.name = "reason_name", .title = "reason_name"},
                                            CNN_CELL_COUNT_COLUMNS(WIDE_COLUMN)
                                                CNN_SUMMARY_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, true);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    add_key(&w, "units", CNN_FORMAT_TEXT);
    cnn_table *t = MAKE(&w, "cells", more);
    for (int m = 0; m < r->a->measure_count; m++)
        for (int cell = 0; cell < r->a->cell_count; cell++) {
            cnn_table_row(t);
            put_factors(r, cell, true, t);
            cnn_table_text(t, "%s", r->a->measures[m].name);
            cnn_table_text(t, "%s", r->a->measures[m].units);
            const cnn_summary *s = cnn_analysis_summary(r->a, cell, (cnn_measure)m);
            cnn_table_text(t, "%s", cnn_reason_names[s->reason]);
            {
                const cnn_cell_count *x = &r->a->counts[cell];
                CNN_CELL_COUNT_COLUMNS(PUT)
            }
            {
                const cnn_summary *x = s;
                CNN_SUMMARY_COLUMNS(PUT)
            }
        }
}

static void wide_comparisons(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "verdict_name", .title = "verdict_name"},
        {.name = "verdict_reason_name", .title = "verdict_reason_name"},
        {.name = "variance_verdict_name", .title = "variance_verdict_name"},
        {.name = "variance_reason_name", .title = "variance_reason_name"},
        {.name = "position_adjusted_name", .title = "position_adjusted_name"},
        {.name = "position_reason_name", .title = "position_reason_name"},
        {.name = "device_verdict_name", .title = "device_verdict_name"},
        {.name = "device_reason_name", .title = "device_reason_name"},
        CNN_CONDITION_COLUMNS(CONDITION_COLUMN) CNN_COMPARISON_COLUMNS(WIDE_COLUMN)};
    wide w;
    const cnn_analysis *a = r->a;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, false);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    add_key(&w, "a_name", CNN_FORMAT_TEXT);
    add_key(&w, "b_name", CNN_FORMAT_TEXT);
    cnn_table *t = MAKE(&w, "comparisons", more);
    for (int m = 0; m < r->a->measure_count; m++)
        for (int i = 0; i < a->comparison_count; i++) {
            const cnn_comparison *x = cnn_analysis_comparison(a, i, (cnn_measure)m);
            cnn_table_row(t);
            put_factors(r, first_cell(r, a->pairs[i].combination), false, t);
            cnn_table_text(t, "%s", r->a->measures[m].name);
            cnn_table_text(t, "%s", cnn_report_level_value(r, a->pairs[i].a));
            cnn_table_text(t, "%s", cnn_report_level_value(r, a->pairs[i].b));
            cnn_table_text(t, "%s", cnn_verdict_names[x->verdict]);
            cnn_table_text(t, "%s", cnn_reason_names[x->verdict_reason]);
            cnn_table_text(t, "%s", cnn_variance_verdict_names[x->variance_verdict]);
            cnn_table_text(t, "%s", cnn_reason_names[x->variance_reason]);
            cnn_table_text(t, "%s", cnn_adjustment_names[x->position_adjusted]);
            cnn_table_text(t, "%s", cnn_reason_names[x->position_reason]);
            cnn_table_text(t, "%s", cnn_verdict_names[x->device_verdict]);
            cnn_table_text(t, "%s", cnn_reason_names[x->device_reason]);
            for (int c = 0; c < CNN_CONDITION_COUNT; c++)
                cnn_table_number(t, WHOLE(cnn_analysis_standing(a, i, (cnn_condition)c)));
            CNN_COMPARISON_COLUMNS(PUT)
        }
}

static void wide_conditions(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "a_name", .title = "a_name"},
        {.name = "b_name", .title = "b_name"},
        {.name = "condition", .title = "condition"},
        {.name = "a_value", .title = "a_value"},
        {.name = "b_value", .title = "b_value"},
        {.name = "blocks_unequal", .title = "blocks_unequal", .format = CNN_FORMAT_WHOLE},
        {.name = "standing", .title = "standing"}};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, false);
    cnn_table *t = MAKE(&w, "conditions", more);
    for (int i = 0; i < r->a->unequal_count; i++) {
        const cnn_unequal *u = &r->a->unequal[i];
        cnn_table_row(t);
        put_factors(r, first_cell(r, r->a->pairs[u->comparison].combination), false, t);
        cnn_report_put_difference(r, u, t);
    }
}

static void wide_blocking(const cnn_report *r)
{
    static const cnn_table_column more[] = {CNN_BLOCKING_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    cnn_table *t = MAKE(&w, "blocking", more);
    for (int m = 0; m < r->a->measure_count; m++) {
        const cnn_blocking *x = &r->a->blocking[m];
        cnn_table_row(t);
        cnn_table_text(t, "%s", r->a->measures[m].name);
        CNN_BLOCKING_COLUMNS(PUT)
    }
}

static void wide_positions(const cnn_report *r)
{
    static const cnn_table_column more[] = {CNN_POSITION_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, false);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    add_key(&w, "position", CNN_FORMAT_WHOLE);
    cnn_table *t = MAKE(&w, "positions", more);
    for (int m = 0; m < r->a->measure_count; m++)
        for (int i = 0; r->a->measures[m].is_log && i < r->a->cell_count; i++) {
            const int k = i / r->a->level_count, position = i % r->a->level_count;
            const cnn_position_effect *x = cnn_analysis_position(r->a, k, (cnn_measure)m, position);
            if (position == 0)
                continue;
            cnn_table_row(t);
            put_factors(r, first_cell(r, k), false, t);
            cnn_table_text(t, "%s", r->a->measures[m].name);
            cnn_table_number(t, position);
            CNN_POSITION_COLUMNS(PUT)
        }
}

static void wide_models(const cnn_report *r)
{
    static const cnn_table_column more[] = {{.name = "reason_name", .title = "reason_name"},
                                            CNN_MODEL_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, false);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    cnn_table *t = MAKE(&w, "models", more);
    for (int m = 0; m < r->a->measure_count; m++)
        for (int k = 0; k < r->a->combination_count; k++) {
            const cnn_model_row *x = cnn_analysis_model(r->a, k, (cnn_measure)m);
            cnn_table_row(t);
            put_factors(r, first_cell(r, k), false, t);
            cnn_table_text(t, "%s", r->a->measures[m].name);
            cnn_table_text(t, "%s", cnn_reason_names[x->reason]);
            CNN_MODEL_COLUMNS(PUT)
        }
}

static void wide_fixed(const cnn_report *r)
{
    static const cnn_table_column more[] = {CNN_FIXED_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, true);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    cnn_table *t = MAKE(&w, "fixed_effects", more);
    for (int m = 0; m < r->a->measure_count; m++)
        for (int i = 0; i < r->a->cell_count; i++) {
            const int k = i / r->a->level_count, l = i % r->a->level_count;
            const cnn_fixed *x = cnn_analysis_fixed(r->a, k, (cnn_measure)m, l);
            cnn_table_row(t);
            put_factors(r, r->a->cell_of[i], true, t);
            cnn_table_text(t, "%s", r->a->measures[m].name);
            CNN_FIXED_COLUMNS(PUT)
        }
}

static void wide_components(const cnn_report *r)
{
    static const cnn_table_column more[] = {{.name = "reason_name", .title = "reason_name"},
                                            CNN_COMPONENT_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, false);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    add_key(&w, "component", CNN_FORMAT_TEXT);
    add_key(&w, "level", CNN_FORMAT_TEXT); /* of which it is the residual */
    cnn_table *t = MAKE(&w, "components", more);
    for (int m = 0; m < r->a->measure_count; m++)
        for (int k = 0; k < r->a->combination_count; k++)
            for (int c = 0; c < r->a->component_count; c++) {
                const cnn_component *x = cnn_analysis_component(r->a, k, (cnn_measure)m, c);
                const bool is_level = c > CNN_COMPONENT_RESIDUAL;
                cnn_table_row(t);
                put_factors(r, first_cell(r, k), false, t);
                cnn_table_text(t, "%s", r->a->measures[m].name);
                cnn_table_text(t, "%s", cnn_component_names[is_level ? CNN_COMPONENT_RESIDUAL : c]);
                cnn_table_text(t, "%s",
                               is_level ? cnn_report_level_value(r, c - CNN_COMPONENT_LEVELS) : "");
                cnn_table_text(t, "%s", cnn_reason_names[x->reason]);
                CNN_COMPONENT_COLUMNS(PUT)
            }
}

static void wide_seeds(const cnn_report *r)
{
    static const cnn_table_column of_groups[] = {{.name = "kind_name", .title = "kind_name"},
                                                 CNN_SEED_GROUP_COLUMNS(WIDE_COLUMN)};
    static const cnn_table_column of_cells[] = {CNN_CELL_SEEDS_COLUMNS(WIDE_COLUMN)};
    wide w;
    if (!start(&w, r, sizeof of_groups / sizeof *of_groups))
        return;
    add_factors(&w, true);
    cnn_table *t = MAKE(&w, "seed_groups", of_groups);
    for (int i = 0; i < r->a->seed_group_count; i++) {
        const cnn_seed_group *x = &r->a->seed_groups[i];
        cnn_table_row(t);
        put_factors(r, x->cell, true, t);
        cnn_table_text(t, "%s", cnn_seed_kind_names[x->kind]);
        CNN_SEED_GROUP_COLUMNS(PUT)
    }
    if (!start(&w, r, sizeof of_cells / sizeof *of_cells))
        return;
    add_factors(&w, true);
    t = MAKE(&w, "seeds", of_cells);
    for (int cell = 0; cell < r->a->cell_count; cell++) {
        const cnn_cell_seeds *x = &r->a->cell_seeds[cell];
        cnn_table_row(t);
        put_factors(r, cell, true, t);
        CNN_CELL_SEEDS_COLUMNS(PUT)
    }
}

static void wide_outliers(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "run", .title = "run", .format = CNN_FORMAT_WHOLE},
        {.name = "repeat", .title = "repeat", .format = CNN_FORMAT_WHOLE},
        {.name = "side", .title = "side"},
        {.name = "value", .title = "value", .format = CNN_FORMAT_DIGITS, .digits = 6},
        {.name = "fences",
         .title = "fences",
         .format = CNN_FORMAT_DIGITS,
         .digits = 6,
         .interval = true},
        {.name = "device", .title = "device"}};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, true);
    add_key(&w, "measure", CNN_FORMAT_TEXT);
    cnn_table *t = MAKE(&w, "outliers", more);
    for (int i = 0; i < r->a->outlier_count; i++) {
        const cnn_outlier *o = &r->a->outliers[i];
        const cnn_summary *s = cnn_analysis_summary(r->a, o->cell, (cnn_measure)o->measure);
        cnn_table_row(t);
        put_factors(r, o->cell, true, t);
        cnn_table_text(t, "%s", r->a->measures[o->measure].name);
        cnn_table_number(t, o->run);
        cnn_table_number(t, r->results->planned[o->run].repeat);
        cnn_table_text(t, "%s", cnn_outlier_names[o->side]);
        cnn_table_number(t, o->value);
        cnn_table_interval(t, s->fence_lower, s->fence_upper);
        cnn_table_text(t, "%s", r->results->measured[o->run].device);
    }
}

static void wide_blocks(const cnn_report *r)
{
    static const cnn_table_column more[] = {
        {.name = "repeat", .title = "repeat", .format = CNN_FORMAT_WHOLE},
        {.name = "block", .title = "block", .format = CNN_FORMAT_WHOLE},
        {.name = "missing", .title = "missing", .format = CNN_FORMAT_WHOLE},
        {.name = "flaw", .title = "flaw"}};
    wide w;
    if (!start(&w, r, sizeof more / sizeof *more))
        return;
    add_factors(&w, false);
    cnn_table *t = MAKE(&w, "blocks", more);
    for (int i = 0; i < r->a->flawed_count; i++) {
        const cnn_flawed_block *b = &r->a->flawed[i];
        cnn_table_row(t);
        put_factors(r, first_cell(r, b->combination), false, t);
        cnn_table_number(t, b->repeat);
        cnn_table_number(t, b->block);
        cnn_table_number(t, b->missing);
        cnn_table_text(t, "%s", cnn_block_flaw_names[b->flaw]);
    }
}

void cnn_report_wide_tables(const cnn_report *r)
{
    wide_cells(r);
    wide_conditions(r);
    wide_comparisons(r);
    wide_positions(r);
    wide_blocking(r);
    wide_models(r);
    wide_fixed(r);
    wide_components(r);
    wide_seeds(r);
    wide_outliers(r);
    wide_blocks(r);
}
