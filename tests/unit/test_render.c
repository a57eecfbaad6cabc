/* SPDX-License-Identifier: Apache-2.0 */
/* One document, three renderings. */
#include "base/text.h"
#include "document/output.h"
#include "document/render.h"
#include "document/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const cnn_table_column columns[] = {
    {.name = "case", .title = "case", .key = true},
    {.name = "dataset", .title = "data set", .left_out = CNN_ONLY_IN_CSV},
    {.name = "n", .title = "n", .format = CNN_FORMAT_WHOLE},
    {.name = "error",
     .title = "error",
     .unit = "%",
     .format = CNN_FORMAT_FIXED,
     .digits = 2,
     .scale = 100},
    {.name = "variance",
     .title = "variance",
     .unit = "s^2",
     .format = CNN_FORMAT_DIGITS,
     .digits = 3},
    {.name = "ratio",
     .title = "95 % interval",
     .format = CNN_FORMAT_FIXED,
     .digits = 2,
     .interval = true},
    {.name = "p", .title = "p", .format = CNN_FORMAT_P},
};
enum { COLUMNS = (int)(sizeof columns / sizeof *columns) };

static void add_row(cnn_table *t, const char *label, double n, double error, double variance,
                    double low, double high, double p)
{
    cnn_table_row(t);
    cnn_table_text(t, "%s", label);
    cnn_table_text(t, "set \"%s\", all", label);
    cnn_table_number(t, n);
    cnn_table_number(t, error);
    cnn_table_number(t, variance);
    cnn_table_interval(t, low, high);
    cnn_table_number(t, p);
}

static void make_document(cnn_document *d)
{
    cnn_document_heading(d, "What was found");
    cnn_table *t = cnn_document_table(d, "errors", columns, COLUMNS, "Errors of %d cells", 3);
    add_row(t, "a_1", 15, 0.1, 1234.5678, 0.5, 2, 0.0123);
    add_row(t, "b", 2, -0.00001, 2.5e-7, -1, INFINITY, 3e-11);
    cnn_table_rule(t);
    add_row(t, "c", 0, NAN, NAN, NAN, NAN, NAN);
    cnn_table_note(t, "Holm: over %d tests; 5 %% level.", 3);
    cnn_document_paragraph(d, "Nothing more & nothing less.");
}

static void as_text(const cnn_document *d, const char *name, cnn_text *out)
{
    cnn_render_text(d, name, CNN_TEXT_WIDTH, out);
}

static char *rendered(void (*render)(const cnn_document *, const char *, cnn_text *),
                      const cnn_document *d, const char *name)
{
    cnn_text t = {0};
    assert_int_equal(cnn_document_status(d), CNN_OK);
    render(d, name, &t);
    assert_int_equal(cnn_text_status(&t), CNN_OK);
    return cnn_text_take(&t);
}

static void test_text_is_aligned(void **state)
{
    (void)state;
    cnn_document d = {0};
    make_document(&d);
    char *s = rendered(as_text, &d, NULL);
    assert_string_equal(s, "What was found\n"
                           "==============\n"
                           "\n"
                           "Errors of 3 cells\n"
                           "  case   n  error  variance  95 % interval        p\n"
                           "              (%)     (s^2)\n"
                           "  a_1   15  10.00      1235   [0.50, 2.00]   0.0123\n"
                           "  b      2   0.00  2.50e-07   [-1.00, inf]  3.0e-11\n"
                           "\n"
                           "  c      0      -         -              -        -\n"
                           "  Holm: over 3 tests; 5 % level.\n"
                           "\n"
                           "Nothing more & nothing less.\n");
    free(s);
    s = rendered(as_text, &d, "other");
    assert_true(!s || !*s);
    free(s);
    cnn_document_free(&d);
}

static void test_csv_keeps_every_digit(void **state)
{
    (void)state;
    cnn_document d = {0};
    make_document(&d);
    cnn_table *more = cnn_document_table(&d, "errors", columns, COLUMNS, "More of them");
    add_row(more, "d, e", 3, 1 / 3.0, 1e300, 0, 1, 1);
    char *s = rendered(cnn_render_csv, &d, "errors");
    assert_string_equal(s, "case,dataset,n,error,variance,ratio_low,ratio_high,p\n"
                           "a_1,\"set \"\"a_1\"\", all\",15,0.10000000000000001,1234.5678,0.5,2,"
                           "0.0123\n"
                           "b,\"set \"\"b\"\", all\",2,-1.0000000000000001e-05,"
                           "2.4999999999999999e-07,-1,inf,3e-11\n"
                           "c,\"set \"\"c\"\", all\",0,,,,,\n"
                           "\"d, e\",\"set \"\"d, e\"\", all\",3,0.33333333333333331,"
                           "1.0000000000000001e+300,0,1,1\n");
    free(s);
    cnn_document_free(&d);
}

/** Tables of one name have the columns of all of them; what a spreadsheet would compute is text. */
static void test_csv_joins_columns_and_holds_no_formula(void **state)
{
    (void)state;
    static const cnn_table_column first[] = {
        {.name = "who", .title = "who"},
        {.name = "ratio", .title = "ratio", .format = CNN_FORMAT_FIXED, .interval = true},
    };
    static const cnn_table_column second[] = {
        {.name = "who", .title = "who"},
        {.name = "difference", .title = "difference", .format = CNN_FORMAT_FIXED},
    };
    static const char *const names[] = {"=1+1", "+a", "-cmd|' /C calc'!A0", "@sum", "-0.5",
                                        "+3",   "a"};
    cnn_document d = {0};
    cnn_table *t = cnn_document_table(&d, "joined", first, 2, "First");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cnn_table_row(t);
        cnn_table_text(t, "%s", names[i]);
        cnn_table_interval(t, 1, 2);
    }
    t = cnn_document_table(&d, "joined", second, 2, "Second");
    cnn_table_row(t);
    cnn_table_text(t, "=2,\"3\"");
    cnn_table_number(t, 3);
    char *s = rendered(cnn_render_csv, &d, "joined");
    assert_string_equal(s, "who,ratio_low,ratio_high,difference\n"
                           "'=1+1,1,2,\n'+a,1,2,\n'-cmd|' /C calc'!A0,1,2,\n'@sum,1,2,\n"
                           "-0.5,1,2,\n+3,1,2,\na,1,2,\n"
                           "\"'=2,\"\"3\"\"\",,,3\n");
    free(s);
    cnn_document_free(&d);
}

static void test_latex_is_escaped(void **state)
{
    (void)state;
    cnn_document d = {0};
    make_document(&d);
    char *s = rendered(cnn_render_latex, &d, NULL);
    assert_string_equal(
        strstr(s, "\n\\subsection"),
        "\n\\subsection*{What was found}\n"
        "\n\\begin{table*}[!htbp]\n"
        "\\caption{Errors of 3 cells}\n"
        "\\label{tab:errors}\n"
        "\\smallskip\\centering\\fontsize{8}{9.5}\\selectfont\\setlength{\\tabcolsep}{3pt}\n"
        "\\begin{tabular}{@{}lrrrrr@{}}\n"
        "\\toprule\n"
        "case & n & error & variance & 95 \\% interval & p \\\\\n"
        " &  & (\\%) & (s\\textasciicircum{}2) &  &  \\\\\n"
        "\\midrule\n"
        "a\\_1 & 15 & 10.00 & 1235 & {[}0.50, 2.00] & 0.0123 \\\\\n"
        "b & 2 & 0.00 & 2.50$\\times$10\\cnnmpiexponent{-7} & {[}$-$1.00, $\\infty$] & "
        "3.0$\\times$10\\cnnmpiexponent{-11} \\\\\n"
        "\\addlinespace\n"
        "c & 0 & -- & -- & -- & -- \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\\par\n"
        "\\smallskip\\raggedright\n"
        "Holm: over 3 tests; 5 \\% level.\n"
        "\\end{table*}\n"
        "\n\\begin{sloppypar}\n"
        "Nothing more \\& nothing less.\n"
        "\\end{sloppypar}\n");
    free(s);
    cnn_document_free(&d);
}

/** Names that mean something to TeX, and to Markdown. */
static void test_markup_is_text(void **state)
{
    (void)state;
    static const struct {
        const char *name, *latex, *markdown;
    } cases[] = {
        {"a_b%c", "a\\_b\\%c", "a\\_b%c"},
        {"x -- ''y''", "x -{}- '{}'y'{}'", "x -- ''y''"},
        {"\"q\" `c`", "\\symbol{34}q\\symbol{34} \\textasciigrave{}c\\textasciigrave{}",
         "\"q\" \\`c\\`"},
        {"<b>&amp;", "$<$b$>$\\&amp;", "&lt;b\\>&amp;amp;"},
        {"*[1]|2", "{*}{[}1]$|$2", "\\*\\[1\\]\\|2"},
        {"Größe", "Größe", "Größe"},
        {"中", "\\cnnmpicharacter{20013}{4E2D}", "中"},
        {"by -3.5 to 2", "by $-$3.5 to 2", "by -3.5 to 2"},
    };
    static const cnn_table_column column[] = {{.name = "name", .title = "name"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_document d = {0};
        cnn_table *t = cnn_document_table(&d, "names", column, 1, "Names");
        cnn_table_row(t);
        cnn_table_text(t, "%s", cases[i].name);
        cnn_document_hint(&d, "a hint");
        cnn_table_hint(t, "another hint");
        char *latex = rendered(cnn_render_latex, &d, NULL);
        char *markdown = rendered(cnn_render_markdown, &d, NULL), line[256];
        snprintf(line, sizeof line, "\\midrule\n%s \\\\\n", cases[i].latex);
        if (!strstr(latex, line))
            fail_msg("%s: %s", cases[i].name, latex);
        snprintf(line, sizeof line, "|:--|\n| %s |\n", cases[i].markdown);
        if (!strstr(markdown, line))
            fail_msg("%s: %s", cases[i].name, markdown);
        assert_null(strstr(latex, "hint"));
        assert_null(strstr(markdown, "hint"));
        free(latex);
        free(markdown);
        cnn_document_free(&d);
    }
}

static void assert_narrow(const char *s, size_t width)
{
    while (*s) {
        const size_t n = strcspn(s, "\n");
        if (n > width)
            fail_msg("a line of %zu characters: %.*s", n, (int)n, s);
        assert_true(n == 0 || s[n - 1] != ' ');
        s += n + (s[n] == '\n');
    }
}

static void test_wide_tables_are_folded_and_long_texts_broken(void **state)
{
    (void)state;
    static const cnn_table_column wide[] = {
        {.name = "key", .title = "key", .key = true},
        {.name = "a", .title = "a column with a title of forty characters", .format = CNN_FORMAT_P},
        {.name = "b",
         .title = "another one that has quite as many of them",
         .format = CNN_FORMAT_P},
        {.name = "c", .title = "the third column does not fit into a line", .format = CNN_FORMAT_P},
        {.name = "d", .title = "text", .wrap = true},
    };
    cnn_document d = {0};
    cnn_table *t = cnn_document_table(&d, "wide", wide, 5, "Wide");
    for (int r = 0; r < 2; r++) {
        cnn_table_row(t);
        cnn_table_text(t, "row %d", r);
        for (int i = 0; i < 3; i++)
            cnn_table_number(t, 0.5);
        cnn_table_text(t, "%s",
                       "a text of many words that has to be broken into several lines, "
                       "since it is longer than what is left of a line of the terminal");
    }
    char *s = rendered(as_text, &d, NULL);
    assert_narrow(s, CNN_TEXT_WIDTH);
    int keys = 0;
    for (const char *k = s; (k = strstr(k, "row 1")); k++)
        keys++;
    assert_int_equal(keys, 2); /* in both folds */
    assert_non_null(strstr(s, "of the terminal\n"));
    free(s);
    /* other terminals: more folds, or none; prose stays as narrow as it was */
    static const char prose[] =
        "a text of many words that is longer than a line of prose, since it "
        "has more than a hundred characters in all";
    cnn_document_paragraph(&d, "%s", prose);
    for (int width = 60; width <= 180; width += 60) {
        cnn_text text = {0};
        keys = 0;
        cnn_render_text(&d, NULL, width, &text);
        assert_narrow(text.s, (size_t)width);
        for (const char *k = text.s; (k = strstr(k, "row 1")); k++)
            keys++;
        assert_int_equal(keys, width == 60 ? 4 : width == 120 ? 2 : 1);
        assert_null(strstr(text.s, prose));
        cnn_text_free(&text);
    }
    cnn_document_free(&d);
}

static void test_a_number_keeps_its_percent_sign(void **state)
{
    (void)state;
    cnn_text text = {0};
    cnn_render_wrapped(&text, "from 17 to 18 %, 8 blocks", 0, 13);
    assert_string_equal(text.s, "from 17 to\n18 %, 8\nblocks\n");
    cnn_text_free(&text);
}

static void test_items_of_a_list_hang(void **state)
{
    (void)state;
    cnn_text text = {0};
    cnn_render_wrapped(&text, "Two of them:\n- from -18 to -15 blocks\n- none\nand that is all", 1,
                       13);
    assert_string_equal(text.s, " Two of them:\n - from -18\n   to -15\n   blocks\n - none\n"
                                " and that is\n all\n");
    cnn_text_free(&text);
}

static void test_row_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 3; wrong++) {
        cnn_document d = {0};
        cnn_table *t = cnn_document_table(&d, "errors", columns, COLUMNS, "Errors");
        add_row(t, "a", 1, 1, 1, 1, 1, 1);
        if (wrong == 0) {
            cnn_table_row(t);
            cnn_table_text(t, "short");
        } else if (wrong == 1) {
            cnn_table_number(t, 1); /* one too many */
        } else {
            cnn_table_row(t);
            cnn_table_number(t, 1); /* where a text belongs */
        }
        assert_int_equal(cnn_document_status(&d), CNN_EINVAL);
        assert_non_null(strstr(cnn_error_message(), "'errors'"));
        cnn_document_free(&d);
    }
}

static void test_empty_and_long_tables(void **state)
{
    (void)state;
    cnn_document d = {0};
    cnn_document_table(&d, "errors", columns, COLUMNS, "Errors");
    char *s = rendered(as_text, &d, NULL);
    assert_true(!s || !*s);
    free(s);
    s = rendered(cnn_render_csv, &d, "errors");
    assert_string_equal(s, "case,dataset,n,error,variance,ratio_low,ratio_high,p\n");
    free(s);
    cnn_table *t = cnn_document_table(&d, "long", columns, COLUMNS, "Many rows");
    for (int i = 0; i < 50; i++)
        add_row(t, "x", i, 0, 0, 0, 0, 1e-310);
    s = rendered(cnn_render_latex, &d, "long");
    int tables = 0;
    for (const char *at = s; (at = strstr(at, "\\begin{table*}")); at++)
        tables++;
    assert_int_equal(tables, 2); /* 50 rows need more than a page */
    assert_non_null(strstr(s, "Many rows (continued)"));
    assert_non_null(strstr(s, "$<$10\\cnnmpiexponent{-300}"));
    free(s);
    cnn_document_free(&d);
}

static void test_files_are_not_replaced_unasked(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnn_render_XXXXXX", path[64], file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/csv", folder);
    snprintf(file, sizeof file, "%s/csv/errors.csv", folder);
    cnn_document d = {0};
    make_document(&d);
    cnn_report_output to = {.format = CNN_REPORT_CSV};
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE); /* no folder */
    to.output = "/tmp/cnn_no_folder.csv"; /* what looks like a file is no folder */
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE);
    assert_int_equal(access(to.output, F_OK), -1);
    to.output = path;
    assert_int_equal(cnn_report_write(&d, &to), CNN_OK);
    assert_int_equal(access(file, R_OK), 0);
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "--force"));
    to.force = true;
    assert_int_equal(cnn_report_write(&d, &to), CNN_OK);
    to.output = file;
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE); /* no folder */
    to.table = "eror";
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE);
    assert_non_null(strstr(cnn_error_message(), "errors"));
    to.table = "errors";
    to.force = false;
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE);
    to.output = path; /* a folder for one table */
    to.force = true;
    assert_int_equal(cnn_report_write(&d, &to), CNN_EUSAGE);
    to.output = "/dev/full";
    assert_int_equal(cnn_report_write(&d, &to), CNN_EIO);
    assert_int_equal(access("/dev/full", F_OK), 0); /* it is a device: not removed */
    unlink(file);
    rmdir(path);
    rmdir(folder);
    cnn_document_free(&d);
}

static void test_numbers_for_people(void **state)
{
    (void)state;
    static const struct {
        cnn_table_format format;
        int digits;
        double x;
        const char *shown;
    } cases[] = {
        {CNN_FORMAT_DIGITS, 3, 0.123456, "0.123"},
        {CNN_FORMAT_DIGITS, 3, 12.3456, "12.3"},
        {CNN_FORMAT_DIGITS, 3, -123456, "-123456"},
        {CNN_FORMAT_DIGITS, 3, 12345678, "1.23e+07"},
        {CNN_FORMAT_DIGITS, 3, 0.00012345, "0.000123"},
        {CNN_FORMAT_DIGITS, 3, 0, "0"},
        {CNN_FORMAT_FIXED, 2, -0.001, "0.00"},
        {CNN_FORMAT_FIXED, 2, -0.006, "-0.01"},
        {CNN_FORMAT_P, 0, 0, "0"},
        {CNN_FORMAT_P, 0, 0.00099, "9.9e-04"},
        {CNN_FORMAT_P, 0, 0.001, "0.0010"},
        {CNN_FORMAT_P, 0, 1e-305, "< 1e-300"},
        {CNN_FORMAT_WHOLE, 0, 1e9, "1000000000"},
        {CNN_FORMAT_FIXED, 2, NAN, "-"},
        {CNN_FORMAT_FIXED, 2, -INFINITY, "-inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char s[64];
        const cnn_table_column column = {.format = cases[i].format, .digits = cases[i].digits};
        cnn_render_number(&column, cases[i].x, s, sizeof s);
        assert_string_equal(s, cases[i].shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_for_people),
        cmocka_unit_test(test_text_is_aligned),
        cmocka_unit_test(test_csv_keeps_every_digit),
        cmocka_unit_test(test_csv_joins_columns_and_holds_no_formula),
        cmocka_unit_test(test_latex_is_escaped),
        cmocka_unit_test(test_markup_is_text),
        cmocka_unit_test(test_wide_tables_are_folded_and_long_texts_broken),
        cmocka_unit_test(test_a_number_keeps_its_percent_sign),
        cmocka_unit_test(test_items_of_a_list_hang),
        cmocka_unit_test(test_row_that_does_not_fit_is_an_error),
        cmocka_unit_test(test_empty_and_long_tables),
        cmocka_unit_test(test_files_are_not_replaced_unasked),
    };
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
