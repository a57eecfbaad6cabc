/* SPDX-License-Identifier: Apache-2.0 */
#include "changes/gate.h"

#include "stats/dist.h"
#include "stats/multiple.h"

#include <math.h>
#include <stdlib.h>

#define NAME_OF(constant, name) name,
const char *const cnn_gate_outcome_names[] = {CNN_GATE_OUTCOMES(NAME_OF) NULL};

static cnn_gate_cell bounds_of(const cnn_t_result *t, double limit, double alpha, int family)
{
    cnn_gate_cell c = {NAN, NAN, NAN, NAN, CNN_GATE_UNDECIDED};
    if (t->outcome != CNN_STAT_OK || family < 1)
        return c;
    c.lower = t->difference - cnn_student_quantile(1 - alpha / family, t->df) * t->standard_error;
    c.upper = t->difference + cnn_student_quantile(1 - alpha, t->df) * t->standard_error;
    c.p = cnn_student_cdf((limit - t->difference) / t->standard_error, t->df);
    return c;
}

/** Whether the cell's result may decide. */
static bool counts(const cnn_changes *c, int cell)
{
    const cnn_changes_figures *x = cnn_changes_figures_of(c, cell, 0);
    return c->has_control && c->cells[cell].control[CNN_BEFORE] >= 0 &&
           !c->cells[cell].is_control && x->judged.t.outcome == CNN_STAT_OK &&
           x->reason != CNN_CHANGE_REASON_INTERIM && x->reason != CNN_CHANGE_REASON_SESSIONS;
}

static cnn_status judge_cells(const cnn_changes *c, cnn_gate *g, double *p)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < c->cell_count; i++)
        g->tested += counts(c, i);
    for (int i = 0; i < c->cell_count; i++) {
        const cnn_t_result *t = &cnn_changes_figures_of(c, i, 0)->judged.t;
        g->cells[i] = counts(c, i) ? bounds_of(t, g->limit, c->alpha, g->tested)
                                   : (cnn_gate_cell){NAN, NAN, NAN, NAN, CNN_GATE_UNDECIDED};
        p[i] = g->cells[i].p;
    }
    CNN_TRY(cnn_holm(p, c->cell_count, p, NULL));
    for (int i = 0; i < c->cell_count; i++) {
        cnn_gate_cell *cell = &g->cells[i];
        cell->p_holm = p[i];
        if (p[i] <= c->alpha)
            cell->outcome = CNN_GATE_BEYOND;
        else if (cell->upper <= g->limit)
            cell->outcome = CNN_GATE_WITHIN;
        g->beyond += cell->outcome == CNN_GATE_BEYOND;
        g->within += cell->outcome == CNN_GATE_WITHIN;
    }
done:
    return st;
}

cnn_status cnn_gate_judge(const cnn_changes *c, double limit, cnn_gate *out)
{
    cnn_status st = CNN_OK;
    int controls = 0;
    double *p = calloc((size_t)c->cell_count + 1, sizeof *p);
    *out = (cnn_gate){.limit = log1p(limit), .outcome = CNN_GATE_UNDECIDED};
    out->cells = calloc((size_t)c->cell_count + 1, sizeof *out->cells);
    CNN_CHECK(p && out->cells, CNN_ENOMEM, "limits of %d cells", c->cell_count);
    CNN_TRY(judge_cells(c, out, p));
    for (int i = 0; i < c->cell_count; i++)
        controls += c->cells[i].is_control;
    if (out->beyond)
        out->outcome = CNN_GATE_BEYOND;
    else if (out->within && out->within == c->cell_count - controls)
        out->outcome = CNN_GATE_WITHIN;
done:
    free(p);
    return st;
}

void cnn_gate_free(cnn_gate *gate)
{
    free(gate->cells);
    *gate = (cnn_gate){0};
}
