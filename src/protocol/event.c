/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/event.h"

#include "base/printable.h"
#include "base/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 5 };
static const char *const kind_names[KINDS + 1] = {"ready", "epoch", "done", "error", "tuned", NULL};

typedef enum { SECONDS, MEASURE, COUNT, INTEGER, FLAG, TEXT, WHOLE_TEXT, IDENTITY } member_type;

static const char *const type_texts[] = {
    [SECONDS] = "a number, 0 or more",
    [MEASURE] = "a number or null",
    [COUNT] = "a whole number, 0 or more",
    [INTEGER] = "a whole number, 0 or more",
    [FLAG] = "true or false",
    [TEXT] = "a string",
    [WHOLE_TEXT] = "a string of at most 16383 bytes",
    [IDENTITY] = "a string of at most 31 bytes",
};

typedef struct {
    cnn_event_kind kind;
    member_type type; /* SECONDS, MEASURE: double; COUNT: int64_t; INTEGER: int; TEXT, WHOLE_TEXT,
                         IDENTITY: char [size] */
    bool required;
    const char *name;
    size_t offset, size;
} member;

#define MEMBER(kind, type, required, name)                                                         \
    {                                                                                              \
        CNN_EVENT_##kind, type, required, #name, offsetof(cnn_event, name),                        \
            sizeof(((cnn_event *)0)->name)                                                         \
    }

/** The members of each event, for both ends; docs/trainer-protocol.md has the same table. */
static const member members[] = {
    MEMBER(READY, SECONDS, true, setup_seconds),
    MEMBER(READY, COUNT, true, parameters),
    MEMBER(READY, COUNT, false, train_images),
    MEMBER(READY, COUNT, false, test_images),
    MEMBER(READY, TEXT, true, backend),
    MEMBER(READY, TEXT, false, versions),
    MEMBER(READY, TEXT, false, device),
    MEMBER(READY, INTEGER, false, threads),
    MEMBER(READY, IDENTITY, false, data_checksum),
    MEMBER(EPOCH, INTEGER, true, epoch),
    MEMBER(EPOCH, SECONDS, true, seconds),
    MEMBER(EPOCH, MEASURE, true, train_loss),
    MEMBER(EPOCH, MEASURE, true, test_loss),
    MEMBER(EPOCH, MEASURE, true, test_error),
    MEMBER(EPOCH, SECONDS, true, evaluation_seconds),
    MEMBER(DONE, SECONDS, true, train_seconds),
    MEMBER(DONE, SECONDS, false, total_seconds),
    MEMBER(DONE, FLAG, false, diverged),
    MEMBER(DONE, IDENTITY, true, checksum),
    MEMBER(ERROR, TEXT, true, message),
    MEMBER(TUNED, WHOLE_TEXT, true, algorithms),
    MEMBER(TUNED, TEXT, false, timings),
};
enum { MEMBERS = sizeof members / sizeof members[0] };

cnn_event cnn_event_make(cnn_event_kind kind)
{
    cnn_event e = {.kind = kind, .threads = -1, .epoch = -1};
    e.parameters = e.train_images = e.test_images = -1;
    e.setup_seconds = e.seconds = e.evaluation_seconds = NAN;
    e.train_loss = e.test_loss = e.test_error = NAN;
    e.train_seconds = e.total_seconds = NAN;
    for (int i = 0; i < CNN_EVENT_METRICS_MAX; i++)
        e.metrics[i] = NAN;
    return e;
}

/* ---- writing ------------------------------------------------------------------------------- */

/** Appends `,"name":value`; what is unknown is left out, except measures, which become null. */
static void write_member(const member *m, const void *at, cnn_text *out)
{
    double real = m->type == SECONDS || m->type == MEASURE ? *(const double *)at : 0;
    int64_t whole = m->type == COUNT     ? *(const int64_t *)at
                    : m->type == INTEGER ? *(const int *)at
                                         : 0;
    const bool empty =
        (m->type == TEXT || m->type == IDENTITY) && !m->required && !*(const char *)at;
    if ((m->type == SECONDS && isnan(real)) || whole < 0 || empty)
        return;
    cnn_text_printf(out, ",\"%s\":", m->name);
    switch (m->type) {
    case SECONDS:
    case MEASURE:
        cnn_text_append_json_number(out, real);
        break;
    case COUNT:
    case INTEGER:
        cnn_text_printf(out, "%lld", (long long)whole);
        break;
    case FLAG:
        cnn_text_append(out, *(const bool *)at ? "true" : "false");
        break;
    case TEXT:
    case WHOLE_TEXT:
    case IDENTITY: /* cut, two of them could become one */
        cnn_text_append_json(out, at);
        break;
    }
}

static void write_steps(const cnn_event *event, cnn_text *out)
{
    cnn_text_append(out, ",\"step_seconds\":[");
    for (int i = 0; i < event->step_count && i < CNN_EVENT_MAX_STEPS; i++)
        cnn_text_printf(out, "%s%.6g", i ? "," : "", (double)event->step_seconds[i]);
    cnn_text_append(out, "]");
}

void cnn_event_write(const cnn_event *event, cnn_text *out)
{
    cnn_text_printf(out, "{\"event\":\"%s\"", kind_names[event->kind]);
    for (int i = 0; i < MEMBERS; i++)
        if (members[i].kind == event->kind)
            write_member(&members[i], (const char *)event + members[i].offset, out);
    if (event->kind == CNN_EVENT_EPOCH && event->step_seconds)
        write_steps(event, out);
    cnn_text_append(out, "}\n");
}

/* ---- parsing ------------------------------------------------------------------------------- */

/** Lets only JSON's own characters through to libfyaml, which reads YAML: no anchors and aliases
 *  (which can grow without bounds), tags, comments or directives. */
static bool has_json_letters(const char *s, size_t n)
{
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\0' || (c < 0x20 && c != '\t') || (quoted && c == '\t'))
            return false;
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\')
            i++;
        else if (!quoted && !strchr("{}[]:, \t+-.0123456789eEtrufalsn", c))
            return false;
    }
    return !quoted;
}

/** Appends the start of a line as it can be shown: what ends a line elsewhere is made visible. */
static void append_start(cnn_text *out, const char *line, size_t n)
{
    enum { MOST = 60 };
    char start[MOST + 1] = "";
    const bool ends_in_cr = n > 0 && line[n - 1] == '\r';
    size_t k = n < MOST ? n : MOST;
    for (size_t i = 0; i < k; i++)
        start[i] = line[i] ? line[i] : '?';
    if (ends_in_cr && k == n)
        start[k - 1] = '\0';
    cnn_make_printable(start, false);
    cnn_text_printf(out, "'%s%s%s'", start, n > k ? "..." : "", ends_in_cr ? "\\r" : "");
}

/** What Python's json writes in place of numbers that JSON does not have; NULL: nothing of it. */
static const char *find_no_number(const char *s, size_t n)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            quoted = !quoted;
        else if (quoted && s[i] == '\\')
            i++;
        for (size_t w = 0; !quoted && w < sizeof words / sizeof words[0]; w++)
            if (strlen(words[w]) <= n - i && !memcmp(s + i, words[w], strlen(words[w])))
                return words[w];
    }
    return NULL;
}

static cnn_status no_json(const char *line, size_t n)
{
    cnn_status st = CNN_OK;
    cnn_text shown = {0};
    const char *word = find_no_number(line, n);
    append_start(&shown, line, n);
    CNN_TRY(cnn_text_status(&shown));
    CNN_CHECK(n == 0 || line[n - 1] != '\r', CNN_EPROTOCOL,
              "an event ends in a newline (\\n) alone, but this line ends in \\r\\n: %s", shown.s);
    CNN_CHECK(!word, CNN_EPROTOCOL, "%s is not JSON: write null, in the event %s", word, shown.s);
    CNN_CHECK(false, CNN_EPROTOCOL, "an event must be one JSON object on one line, not %s",
              shown.s);
done:
    cnn_text_free(&shown);
    return st;
}

/** Copies text (UTF-8, as libfyaml has checked) into a field, cut between characters. */
static void copy_text(char *field, size_t size, const char *s)
{
    size_t n = strlen(s);
    if (n >= size)
        for (n = size - 1; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
            n--;
    memset(field, 0, size);
    memcpy(field, s, n);
}

/** Reads a value into the member at `at`; false when it is of another type. */
static bool read_value(const member *m, struct fy_node *node, void *at)
{
    const char *s = cnn_yaml_scalar(node);
    const bool is_text = m->type == TEXT || m->type == WHOLE_TEXT || m->type == IDENTITY;
    if (!s || (fy_node_get_style(node) == FYNS_DOUBLE_QUOTED) != is_text)
        return false;
    double real;
    int64_t whole;
    switch (m->type) {
    case MEASURE:
        if (strcmp(s, "null") == 0)
            return true;
        /* fall through */
    case SECONDS:
        if (!cnn_parse_real(s, &real) || (m->type == SECONDS && real < 0))
            return false;
        *(double *)at = real;
        return true;
    case COUNT:
    case INTEGER:
        if (!cnn_parse_int(s, &whole) || whole < 0 || (m->type == INTEGER && whole > INT32_MAX))
            return false;
        if (m->type == COUNT)
            *(int64_t *)at = whole;
        else
            *(int *)at = (int)whole;
        return true;
    case FLAG:
        *(bool *)at = strcmp(s, "true") == 0;
        return *(bool *)at || strcmp(s, "false") == 0;
    case WHOLE_TEXT:
    case IDENTITY:
        if (strlen(s) >= m->size)
            return false;
        /* fall through */
    case TEXT:
        copy_text(at, m->size, s);
        return true;
    }
    return false;
}

static cnn_status read_kind(struct fy_node *root, cnn_event_kind *out)
{
    struct fy_node *node = cnn_yaml_lookup(root, "event");
    const char *name = node ? cnn_yaml_scalar(node) : NULL;
    for (int i = 0; name && i < KINDS; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *out = (cnn_event_kind)i;
            return CNN_OK;
        }
    }
    return cnn_error_set(CNN_EPROTOCOL,
                         "an event's member \"event\" must be \"ready\", \"epoch\", "
                         "\"done\", \"error\" or \"tuned\"%s%.40s%s",
                         name ? ", not \"" : "", name ? name : "", name ? "\"" : "");
}

/** Members that a measurement may leave out: all that describe training. */
static bool is_needed(const member *m, const cnn_event_rules *rules)
{
    static const char *const spared[] = {"parameters", "train_loss",         "test_loss",
                                         "test_error", "evaluation_seconds", "checksum"};
    for (size_t i = 0; rules && rules->is_measurement && i < sizeof spared / sizeof spared[0]; i++)
        if (strcmp(spared[i], m->name) == 0)
            return false;
    return m->required;
}

/** Reads the job's metrics, each a number or null. */
static cnn_status read_metrics(struct fy_node *root, const cnn_event_rules *rules, cnn_event *event)
{
    cnn_status st = CNN_OK;
    static const member any = {.type = MEASURE};
    const bool has = event->kind == CNN_EVENT_EPOCH || event->kind == CNN_EVENT_DONE;
    for (int i = 0; rules && has && i < rules->metric_count; i++) {
        struct fy_node *value = cnn_yaml_lookup(root, rules->metrics[i]);
        CNN_CHECK(!value || read_value(&any, value, &event->metrics[i]), CNN_EPROTOCOL,
                  "the metric \"%s\" of the %s event must be %s", rules->metrics[i],
                  kind_names[event->kind], type_texts[MEASURE]);
    }
done:
    return st;
}

static cnn_status read_members(struct fy_node *root, const cnn_event_rules *rules, cnn_event *event)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < MEMBERS; i++) {
        const member *m = &members[i];
        struct fy_node *value = m->kind == event->kind ? cnn_yaml_lookup(root, m->name) : NULL;
        CNN_CHECK(value || m->kind != event->kind || !is_needed(m, rules), CNN_EPROTOCOL,
                  "the %s event lacks its member \"%s\" (%s)", kind_names[event->kind], m->name,
                  type_texts[m->type]);
        CNN_CHECK(!value || read_value(m, value, (char *)event + m->offset), CNN_EPROTOCOL,
                  "\"%s\" of the %s event must be %s", m->name, kind_names[event->kind],
                  type_texts[m->type]);
    }
done:
    return st;
}

cnn_status cnn_event_parse(const char *line, size_t n, cnn_event *out)
{
    return cnn_event_parse_by(line, n, NULL, out);
}

cnn_status cnn_event_parse_by(const char *line, size_t n, const cnn_event_rules *rules,
                              cnn_event *out)
{
    cnn_status st = CNN_OK;
    cnn_yaml *y = NULL;
    char *text = NULL;
    cnn_event_kind kind = CNN_EVENT_ERROR;
    CNN_CHECK(n <= CNN_EVENT_MAX_BYTES, CNN_EPROTOCOL,
              "an event of %zu bytes is longer than the %d allowed", n, CNN_EVENT_MAX_BYTES);
    if (n == 0 || line[0] != '{' || line[n - 1] != '}' || !has_json_letters(line, n))
        return no_json(line, n);
    CNN_CHECK((text = cnn_strndup(line, n)) != NULL, CNN_ENOMEM, "an event of %zu bytes", n);
    CNN_TRY(cnn_yaml_parse("event", text, &y));
    struct fy_node *root = cnn_yaml_errors(y) ? NULL : cnn_yaml_root(y);
    if (!root || !fy_node_is_mapping(root)) {
        st = no_json(line, n);
        goto done;
    }
    CNN_TRY(read_kind(root, &kind));
    cnn_event event = cnn_event_make(kind);
    CNN_TRY(read_members(root, rules, &event));
    CNN_TRY(read_metrics(root, rules, &event));
    *out = event;
done:
    cnn_yaml_close(&y);
    free(text);
    return st;
}
