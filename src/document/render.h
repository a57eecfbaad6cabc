/* SPDX-License-Identifier: Apache-2.0 */
/** Renderings of a document (document/table.h). What fails is remembered in `out`. */
#ifndef CNN_DOCUMENT_RENDER_H
#define CNN_DOCUMENT_RENDER_H

#include "base/text.h"
#include "document/table.h"

/** Characters of a line of text in files and pipes, and the most of a line of prose. */
#define CNN_TEXT_WIDTH 100
/** Those of the terminal on standard output, 80 to 200; CNN_TEXT_WIDTH where it is none. */
int cnn_render_terminal_width(void);
/** The width of lines on a terminal of so many columns. */
int cnn_render_width(int columns);

/** name: of the tables to be rendered, without the document's paragraphs; NULL: everything.
 *
 *  Text: aligned, in lines of at most `width` characters where labels allow: a wider table is
 *  folded, its key columns repeated, or loses columns where the document is short. A table
 *  without rows is left out. */
void cnn_render_text(const cnn_document *d, const char *name, int width, cnn_text *out);

/** LaTeX: floats with \caption and \label{tab:NAME}, for \input into a document that loads booktabs
 *  and tabularx. They fit the text of an A4 article and both columns of a two-column class: wide
 *  tables are divided by columns, long ones by rows. The font is 8 pt, exponents 7 pt. */
void cnn_render_latex(const cnn_document *d, const char *name, cnn_text *out);

/** CSV (RFC 4180; lines end in \n) of all tables with the name: a row of the names of all their
 *  columns, then every number in as many digits as give it back exactly, unscaled. Missing: an empty
 *  field; infinities: inf, -inf. */
void cnn_render_csv(const cnn_document *d, const char *name, cnn_text *out);

/** JSON by share/report.schema.json: the lead's paragraphs, and the tables that CSV has, with types,
 *  units and every digit. */
enum { CNN_JSON_VERSION = 1 };
void cnn_render_json(const cnn_document *d, const char *name, cnn_text *out);

/** Markdown with tables, as GitHub and GitLab show them. */
void cnn_render_markdown(const cnn_document *d, const char *name, cnn_text *out);

/** Appends s as a field of a CSV file, quoted where it must be; before what a spreadsheet would take
 *  for a formula (it begins with = + - @ and is no number) stands a '. */
void cnn_render_csv_text(cnn_text *out, const char *s);
/** Appends x: a whole number as such, another one with up to 17 significant digits. */
void cnn_render_csv_number(cnn_text *out, double x);

/** Appends s as text of HTML, escaped, in the syntax of XML; what is not printable as elsewhere
 *  (base/printable.h). */
void cnn_render_html_text(cnn_text *out, const char *s);
/** Appends a paragraph; lines that start with "- " become a list. */
void cnn_render_html_paragraph(cnn_text *out, const char *s);
/** Appends a table with the columns of the text, and its notes. Every number has its digits, unscaled,
 *  in the attribute data-v (an interval's ends: data-v, data-w), every column its name in data-n. Of
 *  many rows the first. */
void cnn_render_html_table(cnn_text *out, const cnn_table *t, int most_rows);

/** A number as text and LaTeX show it to people: "12.30", "1.2e-07", "< 1e-300", "-" missing. */
void cnn_render_number(const cnn_table_column *column, double x, char *out, size_t size);

/** Appends a paragraph in lines of at most `width` characters, each after `indent` spaces. A word
 *  that is longer stays whole, and so does a number with its percent sign; line feeds in s are
 *  kept. Further lines of an item ("- ...") are indented by 2 more. */
void cnn_render_wrapped(cnn_text *out, const char *s, int indent, int width);

#endif
