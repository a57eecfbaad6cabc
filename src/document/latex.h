/* SPDX-License-Identifier: Apache-2.0 */
/** Text and numbers as LaTeX, and how wide they are there. Only the renderer includes this. */
#ifndef CNN_DOCUMENT_LATEX_H
#define CNN_DOCUMENT_LATEX_H

#include "base/text.h"
#include "document/table.h"

#include <stdbool.h>

/** Definitions that the text below needs; to be put before it, as often as wanted. */
extern const char cnn_latex_definitions[];

/** Appends s so that it looks the same whatever it holds, with pdfLaTeX and XeLaTeX. Long words may be
 *  broken: between any characters, but best behind punctuation. */
void cnn_latex_put_text(cnn_text *out, const char *s);
/** A field: text, a number, or an interval. */
void cnn_latex_put_field(cnn_text *out, const cnn_table_column *column, const cnn_table_entry *f);

/** Widths in points at 8 pt in Computer Modern, rounded up: of text on one line, of a field. */
double cnn_latex_text_width(const char *s);
double cnn_latex_field_width(const cnn_table_column *column, const cnn_table_entry *f);

#endif
