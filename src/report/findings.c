/* SPDX-License-Identifier: Apache-2.0 */
#include "report/parts.h"

cnn_status cnn_report_findings(const cnn_report_source *source, cnn_document *out)
{
    cnn_status st = CNN_OK;
    cnn_report r = {.source = source,
                    .results = source->results,
                    .a = source->analysis,
                    .full = true,
                    .out = out};
    CNN_TRY(cnn_report_names_make(r.results, r.a, &r.names));
    cnn_report_found(&r);
    CNN_TRY(cnn_document_status(out));
done:
    cnn_report_names_free(&r.names);
    return st;
}
