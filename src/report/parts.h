/* SPDX-License-Identifier: Apache-2.0 */
/** What the sections of a report share, and the sections, which report/document.c puts in order.
 *  Each adds tables or paragraphs to a document, which remembers failures. */
#ifndef CNN_REPORT_PARTS_H
#define CNN_REPORT_PARTS_H

#include "base/text.h"
#include "report/names.h"
#include "report/report.h"

typedef struct {
    const cnn_report_source *source;
    const cnn_results *results;
    const cnn_analysis *a;
    cnn_report_names names;
    bool full;
    cnn_document *out;
} cnn_report;

/** How a measure is shown. */
typedef struct {
    const char *title;      /* "Test error" */
    char in_sentence[40];   /* "test error" */
    const char *unit;       /* "%" */
    const char *difference; /* unit of a difference: "points" */
    double scale;
    bool is_log;  /* levels are compared by ratios */
    bool is_time; /* less is faster */
    int better;   /* -1: less is, 1: more is, 0: unknown */
    bool is_main; /* in the report that is not full */
} cnn_shown_measure;

/** Of a measure that every file has; and of one of this file's, which may be a metric. */
cnn_shown_measure cnn_report_shown(cnn_measure measure);
cnn_shown_measure cnn_report_shown_in(const cnn_report *r, cnn_measure measure);

/** Whether any cell has a value of the measure. */
bool cnn_report_is_measured(const cnn_report *r, cnn_measure measure);

/** Why no verdict is given whatever the tests find, in a table; NULL: it is given. */
const char *cnn_report_withheld(int reason);

/** One pair of levels in all combinations, for one measure. */
typedef struct {
    const cnn_report *r;
    cnn_measure measure;
    cnn_shown_measure shown;
    int pair;
    const char *a, *b; /* names of the levels */
} cnn_report_pair;

/** Calls `put` for every measure, the main ones alone unless `all`, and every pair. */
void cnn_report_each_pair(const cnn_report *r, bool all, void (*put)(const cnn_report_pair *v));
const cnn_comparison *cnn_report_comparison(const cnn_report_pair *v, int combination);

/** Decimals that leave `digits` to x, as shown; 0 to 6. */
int cnn_report_decimals(double x, int digits);

/** x with so many decimals and no exponent; from 1,000 on three digits and commas ("1,060"). out has
 *  CNN_AMOUNT_SIZE bytes. */
enum { CNN_AMOUNT_SIZE = 480 };
void cnn_report_amount(double x, int decimals, char *out);

/** "", or "s" unless n is 1. */
const char *cnn_report_plural(int n);

/** The key columns of a table over combinations: how many there are, and their values in a row. Where
 *  there is one combination, the head names it, and only CSV has the columns. */
int cnn_report_combination_columns(const cnn_report *r, cnn_table_column *columns);
void cnn_report_put_combination(const cnn_report *r, int combination, cnn_table *t);
enum { CNN_MOST_KEY_COLUMNS = 2 };
/** A level of the contrast as the job has it: "16" where its name is "batch_size 16". */
const char *cnn_report_level_value(const cnn_report *r, int level);
/** The study's name of a combination, else its own. */
const char *cnn_report_combination_name(const cnn_report *r, int combination);

/** A note under a table that names the rows whose figures are undefined, reason by reason.
 */
typedef struct {
    const char *name;
    int reason; /* cnn_reason */
} cnn_report_gap;
void cnn_report_note_gaps(cnn_table *t, const cnn_report_gap *gaps, int count);

/** Rows that a table of many lists: all of them in a full report, and a note on the others. */
int cnn_report_shown_rows(const cnn_report *r, int count);
void cnn_report_note_rest(const cnn_report *r, cnn_table *t, int count);

/** Spread that the contrast makes: sd of the levels' means by the model, around their mean. What
 *  their errors add to its square, (levels - 1) / (2 levels) times the mean squared standard error
 *  of a difference from level 0, is taken off; 0 where nothing is left. */
double cnn_report_level_sd(const cnn_analysis *a, int combination, cnn_measure measure);

/** Lines of a table of keys and values: machines of the runs, and disturbances there. Reads only
 *  results and full of r. */
void cnn_report_put_machine(const cnn_report *r, cnn_table *t);
/** Likewise: variables in which the environments of runs differ. */
void cnn_report_put_environment(const cnn_report *r, cnn_table *t);

/** The conditions in which a comparison is unequal: "parameters and threads". */
void cnn_report_put_conditions(const cnn_analysis *a, int comparison, cnn_text *out);
/** "parameters", "parameters and threads", "parameters, test images and threads" */
void cnn_report_put_titles(const bool of[CNN_CONDITION_COUNT], cnn_text *out);
/** For CSV: names of the levels, condition, values, blocks and standing. */
void cnn_report_put_difference(const cnn_report *r, const cnn_unequal *u, cnn_table *t);
/** Lines of a table of keys and values: what the job declares, and where verdicts are withheld. */
void cnn_report_put_unequal(const cnn_report *r, cnn_table *t);

void cnn_report_header(const cnn_report *r);          /* job, machines, lost runs */
void cnn_report_conditions(const cnn_report *r);      /* where levels that are compared differ */
void cnn_report_cells(const cnn_report *r);           /* cells, quantiles, trends */
void cnn_report_lost(const cnn_report *r);            /* failed runs, outliers, blocks not whole */
void cnn_report_contrasts(const cnn_report *r);       /* verdicts, tests, variances, effects */
void cnn_report_spread(const cnn_report *r);          /* variance components, blocking */
void cnn_report_study(const cnn_report *r);           /* beside the published study */
void cnn_report_seeds(const cnn_report *r);           /* seeds that several runs share */
void cnn_report_sessions(const cnn_report *r);        /* sessions with their overhead */
void cnn_report_memory(const cnn_report *r);          /* peak memory of each cell's runs */
void cnn_report_found(const cnn_report *r);           /* findings in sentences */
void cnn_report_positions(const cnn_report *r);       /* effects of the position within the block */
void cnn_report_found_positions(const cnn_report *r); /* the same in a sentence */
void cnn_report_found_unequal(const cnn_report *r);   /* unequal levels, in sentences */
void cnn_report_found_pairs(const cnn_report *r);     /* verdicts of every pair, in sentences */
void cnn_report_wide_tables(const cnn_report *r);     /* every column, for CSV */

#endif
