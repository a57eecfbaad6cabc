/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of a page, which page/page.c puts in order. */
#ifndef CNN_PAGE_PARTS_H
#define CNN_PAGE_PARTS_H

#include "page/page.h"

typedef struct {
    const cnn_report_source *source;
    const cnn_results *results;
    const cnn_analysis *a;
    const cnn_figures *figures;
    const cnn_document *tables; /* the full report; its lead are the findings */
    cnn_text *out;
} cnn_page;

/** The name of the job, what the file holds, whether it is interim. */
void cnn_page_head(const cnn_page *p);
/** Findings and figures, section by section. */
void cnn_page_found(const cnn_page *p);
/** A section of figures with an introduction; nothing where it has none. */
void cnn_page_section(const cnn_page *p, cnn_figure_section section, const char *id,
                      const char *title, const char *introduction);
/** Lost and flagged runs; all other tables; job file and plan. */
void cnn_page_lost(const cnn_page *p);
void cnn_page_tables(const cnn_page *p);
void cnn_page_sources(const cnn_page *p);
/** The terms of docs/glossary.md that concern the experiment and statistics. */
void cnn_page_glossary(cnn_text *out);

/** All figures of a section, with their data. */
void cnn_page_figures(const cnn_page *p, cnn_figure_section section);

#endif
