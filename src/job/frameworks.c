/* SPDX-License-Identifier: Apache-2.0 */
/* Levels of the factor `framework`: paths of our own, trainers that come with cnnmpi, other
 * programs, simulated ones. */
#include "job/internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/** A framework level that is a mapping. */
typedef struct {
    char *name, *trainer, *mode, *backend;
    int path; /* -1: none is given */
    struct fy_node *command, *simulate;
} program;

static const cnn_field program_fields[] = {
    {.key = "name", .kind = CNN_FIELD_STRING, .offset = offsetof(program, name), .required = true},
    {.key = "path",
     .kind = CNN_FIELD_ENUM,
     .offset = offsetof(program, path),
     .names = cnn_path_names},
    {.key = "command", .kind = CNN_FIELD_NODE, .offset = offsetof(program, command)},
    {.key = "simulate", .kind = CNN_FIELD_NODE, .offset = offsetof(program, simulate)},
    {.key = "trainer", .kind = CNN_FIELD_STRING, .offset = offsetof(program, trainer)},
    {.key = "mode", .kind = CNN_FIELD_STRING, .offset = offsetof(program, mode)},
    {.key = "backend", .kind = CNN_FIELD_STRING, .offset = offsetof(program, backend)},
    {0},
};

/** A word of a command. "~/" at its start is expanded; a dollar sign is the program's business. */
static bool read_word(cnn_job_reader *r, struct fy_node *item, char **out)
{
    static const cnn_field word = {.key = "command", .kind = CNN_FIELD_STRING};
    if (!cnn_yaml_field(r->y, item, &word, out))
        return false;
    if (strncmp(*out, "~/", 2) == 0 && !strchr(*out, '$'))
        cnn_job_expand_path(r, item, out);
    return true;
}

static cnn_status read_command(cnn_job_reader *r, struct fy_node *list, cnn_framework *out)
{
    cnn_status st = CNN_OK;
    int count = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : 0, n = 0;
    if (count <= 0) {
        cnn_yaml_error(r->y, list,
                       "'command' must be a list of words, as in [python3, trainers/pytorch.py]");
        return CNN_OK;
    }
    out->command = calloc((size_t)count + 1, sizeof *out->command);
    CNN_CHECK(out->command, CNN_ENOMEM, "command of %d words", count);
    out->is_command = true;
    void *iter = NULL;
    for (struct fy_node *item; (item = fy_node_sequence_iterate(list, &iter));)
        n += read_word(r, item, &out->command[n]);
done:
    return st;
}

/** What `key` of a level chooses of what its trainer has; the first of them without it. NULL: the
 *  trainer has no choice, or the choice is an error of the file. */
static const char *choice(cnn_job_reader *r, struct fy_node *level, const char *key,
                          const char *word, const char *const *names, const char *trainer)
{
    struct fy_node *node = cnn_yaml_key(level, key);
    if (!word)
        return names[0];
    for (const char *const *name = names; *name; name++)
        if (strcmp(*name, word) == 0)
            return *name;
    cnn_text list = {0};
    for (const char *const *name = names; *name; name++)
        cnn_text_printf(&list, "%s%s", name == names ? "" : ", ", *name);
    if (names[0])
        cnn_yaml_error(r->y, node, "the trainer '%s' has no %s '%s'; it has %s", trainer, key, word,
                       list.s ? list.s : "");
    else
        cnn_yaml_error(r->y, node, "the trainer '%s' has no choice of a %s", trainer, key);
    cnn_text_free(&list);
    return NULL;
}

static void read_trainer(cnn_job_reader *r, struct fy_node *level, const program *p,
                         cnn_framework *out)
{
    struct fy_node *node = cnn_yaml_lookup(level, "trainer");
    out->trainer = cnn_shipped_trainer_find(p->trainer);
    if (!out->trainer) {
        cnn_job_unknown_level(r, node, "trainer", cnn_shipped_trainer_names,
                              "other programs are given as command: [program, argument, ...]");
        return;
    }
    out->mode = choice(r, level, "mode", p->mode, out->trainer->modes, p->trainer);
    out->backend = choice(r, level, "backend", p->backend, out->trainer->backends, p->trainer);
}

/** `mode` and `backend` are choices of a trainer that comes with cnnmpi. */
static void refuse_choices(cnn_job_reader *r, struct fy_node *level, const program *p)
{
    if (p->mode || p->backend)
        cnn_yaml_error(r->y, cnn_yaml_key(level, p->mode ? "mode" : "backend"),
                       "'%s' belongs to a framework with 'trainer'", p->mode ? "mode" : "backend");
}

static void check_program_name(cnn_job_reader *r, struct fy_node *level, const char *text)
{
    struct fy_node *name = cnn_yaml_lookup(level, "name");
    if (!text || !cnn_job_check_name(r->y, name, text))
        return;
    for (const char *const *path = cnn_path_names; *path; path++)
        if (strcmp(*path, text) == 0)
            cnn_yaml_error(r->y, name,
                           "'%s' is a path of cnnmpi's own; give this level another name", text);
}

static cnn_status read_program(cnn_job_reader *r, struct fy_node *level, cnn_framework *out)
{
    cnn_status st = CNN_OK;
    program p = {.path = -1};
    cnn_yaml_fields(r->y, level, "a framework", program_fields, &p);
    check_program_name(r, level, p.name);
    out->is_simulated = p.simulate != NULL;
    if (p.simulate)
        cnn_truth_read(r->y, p.simulate, &out->truth);
    out->path = p.path > 0 ? p.path : 0;
    if (!p.trainer)
        refuse_choices(r, level, &p);
    if (!!p.simulate + !!p.command + !!p.trainer + (p.path >= 0) > 1)
        cnn_yaml_error(r->y,
                       cnn_yaml_key(level, p.command   ? "command"
                                           : p.trainer ? "trainer"
                                                       : "path"),
                       "a framework is one of 'command', 'trainer', 'simulate' and 'path'");
    else if (p.command)
        CNN_TRY(read_command(r, p.command, out));
    else if (p.trainer)
        read_trainer(r, level, &p, out);
    else if (!p.simulate && p.path < 0)
        cnn_yaml_error(
            r->y, level,
            "'command' is missing in a framework; add it, or trainer: keras, or simulate: "
            "{...}, or path: native");
    out->folder = cnn_strdup(r->job->folder);
    CNN_CHECK(out->folder, CNN_ENOMEM, "a framework's folder");
    out->name = p.name;
    p.name = NULL;
done:
    free(p.name);
    free(p.trainer);
    free(p.mode);
    free(p.backend);
    return st;
}

cnn_status cnn_job_read_framework(cnn_job_reader *r, struct fy_node *level, cnn_framework *out)
{
    cnn_status st = CNN_OK;
    if (fy_node_is_mapping(level))
        return read_program(r, level, out);
    const char *text = cnn_yaml_scalar(level);
    int path = 0;
    while (cnn_path_names[path] && strcmp(cnn_path_names[path], text) != 0)
        path++;
    if (!cnn_path_names[path])
        cnn_job_unknown_level(r, level, "framework", cnn_path_names,
                              "there are native, layered, {name: ..., trainer: keras}, "
                              "{name: ..., command: [...]} and {name: ..., simulate: {...}}");
    out->path = path;
    out->name = cnn_strdup(text);
    out->folder = cnn_strdup(r->job->folder);
    CNN_CHECK(out->name && out->folder, CNN_ENOMEM, "framework '%s'", text);
done:
    return st;
}
