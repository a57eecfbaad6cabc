/* SPDX-License-Identifier: Apache-2.0 */
/** The report as a page: one HTML file that needs no other, in the syntax of XML. */
#ifndef CNN_PAGE_PAGE_H
#define CNN_PAGE_PAGE_H

#include "base/text.h"
#include "figures/figures.h"
#include "report/report.h"

/** Appends the page. figures: drawn. */
cnn_status cnn_page_render(const cnn_report_source *source, const cnn_figures *figures,
                           cnn_text *out);

#endif
