/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

/** All that a short report leaves out. */
static void add_details(const cnn_report *r)
{
    cnn_report_sessions(r);
    cnn_report_positions(r);
    cnn_report_spread(r);
    cnn_report_seeds(r);
    cnn_report_study(r);
    cnn_report_wide_tables(r);
    cnn_document_paragraph(r->out, "How verdicts are given: %s", cnn_verdict_rule);
}

cnn_status cnn_report_document(const cnn_report_source *source, bool full, cnn_document *out)
{
    cnn_status st = CNN_OK;
    cnn_report r = {.source = source,
                    .results = source->results,
                    .a = source->analysis,
                    .full = full,
                    .out = out};
    out->is_short = !full;
    CNN_TRY(cnn_report_names_make(r.results, r.a, &r.names));
    cnn_report_found(&r);
    cnn_report_header(&r);
    cnn_report_conditions(&r);
    cnn_report_cells(&r);
    cnn_report_memory(&r);
    cnn_report_lost(&r);
    cnn_report_contrasts(&r);
    if (full)
        add_details(&r);
    CNN_TRY(cnn_document_status(out));
done:
    cnn_report_names_free(&r.names);
    return st;
}
