/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/summary.h"

#include "base/text.h"

#include <string.h>

static const cnn_audit_finding *finding_of(const cnn_audit *audit, int rule)
{
    return &audit->findings[rule];
}

static bool is_equal(const cnn_audit_finding *a, const cnn_audit_finding *b)
{
    return a->outcome == b->outcome && strcmp(a->found, b->found) == 0;
}

static int count_outcome(const cnn_audit *audits, int count, int rule, int outcome)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        n += finding_of(&audits[i], rule)->outcome == outcome;
    return n;
}

/** Whether a setting is found in more than one value. */
static bool differs(const cnn_audit *audits, int count, int rule)
{
    const cnn_audit_finding *first = NULL;
    if (!cnn_audit_rules[rule].is_setting)
        return false;
    for (int i = 0; i < count; i++) {
        const cnn_audit_finding *f = finding_of(&audits[i], rule);
        if (f->outcome == CNN_AUDIT_ABSENT)
            continue;
        if (first && !is_equal(first, f))
            return true;
        first = f;
    }
    return false;
}

/** Who found the same as audit `first`, none of those before it: "all", or the names of hosts or
 *  devices. */
static void name_places(const cnn_audit *audits, int count, int rule, int first, cnn_text *out)
{
    enum { NAMED_MOST = 4 };
    int same = 0, asked = 0;
    const bool is_host = cnn_audit_rules[rule].scope == CNN_AUDIT_HOST;
    for (int i = 0; i < count; i++) {
        if (finding_of(&audits[i], rule)->outcome == CNN_AUDIT_ABSENT)
            continue;
        asked++;
        if (!is_equal(finding_of(&audits[i], rule), finding_of(&audits[first], rule)))
            continue;
        same++;
        if (same <= NAMED_MOST)
            cnn_text_printf(out, "%s%s", same > 1 ? ", " : "",
                            is_host ? audits[i].host : audits[i].device);
    }
    if (same > NAMED_MOST)
        cnn_text_printf(out, " and %d more", same - NAMED_MOST);
    if (same == asked && asked > 1) {
        cnn_text_free(out);
        cnn_text_printf(out, "all %d", asked);
    }
}

/** Rows of a rule: one for each value that was found, or only for those that disturb. */
static void add_rows(const cnn_audit *audits, int count, int rule, bool only_disturbing,
                     cnn_table *table)
{
    for (int i = 0; i < count; i++) {
        const cnn_audit_finding *f = finding_of(&audits[i], rule);
        bool is_first = f->outcome != CNN_AUDIT_ABSENT &&
                        (!only_disturbing || f->outcome == CNN_AUDIT_DISTURBS);
        for (int before = 0; before < i && is_first; before++)
            is_first = !is_equal(finding_of(&audits[before], rule), f);
        if (!is_first)
            continue;
        cnn_text places = {0};
        name_places(audits, count, rule, i, &places);
        cnn_table_row(table);
        cnn_table_text(table, "%s", cnn_audit_rules[rule].name);
        cnn_table_text(table, "%s",
                       f->outcome == CNN_AUDIT_UNKNOWN && !*f->found ? "not shown" : f->found);
        cnn_table_text(table, "%s", cnn_audit_rules[rule].wanted);
        cnn_table_text(table, "%s", places.s ? places.s : "");
        cnn_text_free(&places);
    }
}

static cnn_table *add_table(cnn_document *out, const char *name, const char *title)
{
    static const cnn_table_column columns[] = {
        {.name = "rule", .title = "rule", .key = true},
        {.name = "found", .title = "found"},
        {.name = "wanted", .title = "wanted"},
        {.name = "where", .title = "where", .wrap = true},
    };
    return cnn_document_table(out, name, columns, sizeof columns / sizeof columns[0], "%s", title);
}

static void describe_differences(const cnn_audit *audits, int count, cnn_document *out)
{
    cnn_table *table =
        add_table(out, "differences", "Settings that differ between hosts or devices");
    for (int rule = 0; rule < CNN_AUDIT_RULE_COUNT; rule++)
        if (differs(audits, count, rule))
            add_rows(audits, count, rule, false, table);
}

static int describe_disturbances(const cnn_audit *audits, int count, cnn_document *out)
{
    int disturbed = 0;
    cnn_table *table = add_table(out, "disturbances", "What may disturb measurements");
    for (int rule = 0; rule < CNN_AUDIT_RULE_COUNT; rule++) {
        if (!count_outcome(audits, count, rule, CNN_AUDIT_DISTURBS))
            continue;
        add_rows(audits, count, rule, true, table);
        disturbed++;
    }
    return disturbed;
}

/** Why each matters, and how it is mended. */
static void describe_remedies(const cnn_audit *audits, int count, cnn_document *out)
{
    static const char root[] = "root: ";
    for (int rule = 0; rule < CNN_AUDIT_RULE_COUNT; rule++) {
        const cnn_audit_rule *r = &cnn_audit_rules[rule];
        const bool by_root = strncmp(r->how, root, strlen(root)) == 0;
        if (!count_outcome(audits, count, rule, CNN_AUDIT_DISTURBS))
            continue;
        if (*r->how)
            cnn_document_paragraph(out, "- %s: %s. Remedy%s: %s.", r->name, r->why,
                                   by_root ? " (administrator)" : "",
                                   r->how + (by_root ? strlen(root) : 0));
        else
            cnn_document_paragraph(out, "- %s: %s.", r->name, r->why);
    }
}

/** Names of the rules that nothing disturbs, and of those that no host answers. */
static void describe_rest(const cnn_audit *audits, int count, cnn_document *out)
{
    cnn_text fine = {0}, unknown = {0};
    for (int rule = 0; rule < CNN_AUDIT_RULE_COUNT; rule++) {
        const int knows = count_outcome(audits, count, rule, CNN_AUDIT_FINE);
        if (count_outcome(audits, count, rule, CNN_AUDIT_DISTURBS))
            continue;
        cnn_text *list = count_outcome(audits, count, rule, CNN_AUDIT_UNKNOWN) ? &unknown
                         : knows                                               ? &fine
                                                                               : NULL;
        if (list)
            cnn_text_printf(list, "%s%s", list->len ? ", " : "", cnn_audit_rules[rule].name);
    }
    if (fine.len)
        cnn_document_paragraph(out, "As wanted: %s.", fine.s);
    if (unknown.len)
        cnn_document_paragraph(out, "Not shown here, and so not checked: %s.", unknown.s);
    cnn_text_free(&fine);
    cnn_text_free(&unknown);
}

int cnn_audit_describe(const cnn_audit *audits, int count, cnn_document *out)
{
    describe_differences(audits, count, out);
    const int disturbed = describe_disturbances(audits, count, out);
    describe_remedies(audits, count, out);
    describe_rest(audits, count, out);
    if (disturbed)
        cnn_document_paragraph(out, "cnnmpi reads these settings and changes none of them.");
    return disturbed;
}
