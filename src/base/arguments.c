/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arguments.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 26, LINE_WIDTH = 100 };

/** The option that a word such as "--set", "--set=x=1" or "-o" names; NULL: none. */
static const cnn_option *find(const cnn_option *options, const char *word)
{
    const size_t n = strcspn(word, "=");
    for (; options->name; options++) {
        const bool is_short = options->letter && word[1] == options->letter && !word[2];
        if (is_short || (strlen(options->name) == n && !strncmp(options->name, word, n)))
            return options;
    }
    return NULL;
}

static cnn_status unknown(const cnn_option *options, const char *word)
{
    cnn_status st = CNN_OK;
    int n = 0;
    const char **names = NULL;
    char *name = cnn_strndup(word, strcspn(word, "="));
    while (options[n].name)
        n++;
    names = calloc((size_t)n + 1, sizeof *names);
    CNN_CHECK(name && names, CNN_ENOMEM, "names of %d options", n);
    for (int i = 0; i < n; i++)
        names[i] = options[i].name;
    const char *close = cnn_suggest(name, names);
    CNN_CHECK(false, CNN_EUSAGE, "unknown option '%s'%s%s%s (--help lists them)", name,
              close ? "; did you mean " : "", close ? close : "", close ? "?" : "");
done:
    free(names);
    free(name);
    return st;
}

cnn_status cnn_argument_next(const cnn_option *options, int argc, char **argv, int *i,
                             cnn_argument *out)
{
    cnn_status st = CNN_OK;
    const char *word = argv[(*i)++], *equals = strchr(word, '=');
    *out = (cnn_argument){.text = word};
    if (word[0] != '-' || !word[1])
        return CNN_OK;
    const cnn_option *option = find(options, word);
    if (!option)
        return unknown(options, word);
    *out = (cnn_argument){.option = option, .text = equals ? equals + 1 : NULL};
    CNN_CHECK(option->value || !equals, CNN_EUSAGE, "%s takes no value", option->name);
    if (option->value && !equals) {
        CNN_CHECK(*i < argc, CNN_EUSAGE, "%s needs a value", option->name);
        out->text = argv[(*i)++];
    }
done:
    return st;
}

/** Appends a description behind its option, `used` columns in: words wrapped into a column. */
static void append_wrapped(cnn_text *out, const char *s, int used)
{
    for (bool first = true; *s; first = false) {
        const size_t n = strcspn(s, " ");
        if (!first && used + 1 + (int)n > LINE_WIDTH) {
            cnn_text_printf(out, "\n%*s", NAME_WIDTH, "");
            used = NAME_WIDTH;
        } else if (!first) {
            cnn_text_append(out, " ");
            used++;
        }
        cnn_text_append_bytes(out, s, n);
        used += (int)n;
        s += n + strspn(s + n, " ");
    }
    cnn_text_append(out, "\n");
}

void cnn_options_help(const cnn_option *options, cnn_text *out)
{
    for (; options->name; options++) {
        const size_t start = out->len;
        if (!options->help)
            continue;
        cnn_text_append(out, "  ");
        if (options->letter)
            cnn_text_printf(out, "-%c, ", options->letter);
        cnn_text_printf(out, "%s%s%s", options->name, options->value ? " " : "",
                        options->value ? options->value : "");
        const int used = (int)(out->len - start);
        cnn_text_printf(out, "%*s", used < NAME_WIDTH - 1 ? NAME_WIDTH - used : 1, "");
        append_wrapped(out, options->help, used < NAME_WIDTH - 1 ? NAME_WIDTH : used + 1);
    }
}
