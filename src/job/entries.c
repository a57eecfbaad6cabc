/* SPDX-License-Identifier: Apache-2.0 */
/** Things that levels name: data sets, architectures, programs. */
#include "base/printable.h"
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

bool cnn_job_check_name(cnn_yaml *y, struct fy_node *node, const char *text)
{
    if (strlen(text) > CNN_JOB_NAME_MAX) {
        cnn_yaml_error(y, node, "a name has at most %d bytes, this one %zu", CNN_JOB_NAME_MAX,
                       strlen(text));
        return false;
    }
    if (!cnn_is_printable(text)) {
        cnn_yaml_error(y, node, "a name must not hold control characters");
        return false;
    }
    if (*text)
        return true;
    cnn_yaml_error(y, node, "a name must not be empty");
    return false;
}

/** True if node is a mapping of names; count is set to its size. */
static bool is_table(cnn_yaml *y, struct fy_node *node, const char *what, const char *example,
                     int *count)
{
    *count = 0;
    if (!node)
        return false;
    if (!fy_node_is_mapping(node)) {
        cnn_yaml_error(y, node, "%s must be a mapping of names, as in %s", what, example);
        return false;
    }
    *count = fy_node_mapping_item_count(node);
    return true;
}

static cnn_status read_dataset(cnn_job_reader *r, struct fy_node *key, struct fy_node *value)
{
    cnn_status st = CNN_OK;
    const char *name = cnn_yaml_scalar(key);
    if (!name || !*name || !cnn_job_check_name(r->y, key, name))
        return CNN_OK;
    cnn_job_dataset *entry = &r->dataset_entries[r->dataset_count++];
    entry->name = name;
    cnn_source_read(r->y, value, name, &entry->source);
    cnn_job_expand_path(r, cnn_yaml_lookup(value, "path"), &entry->source.path);
    cnn_job_expand_path(r, cnn_yaml_lookup(value, "images"), &entry->source.images);
    cnn_job_expand_path(r, cnn_yaml_lookup(value, "labels"), &entry->source.labels);
    if (!cnn_yaml_lookup(value, "split_seed"))
        entry->source.split_seed = r->job->seed;
    free(entry->source.folder);
    entry->source.folder = cnn_strdup(r->job->folder);
    CNN_CHECK(entry->source.folder, CNN_ENOMEM, "data set '%s'", name);
done:
    return st;
}

static void read_architecture(cnn_job_reader *r, struct fy_node *key, struct fy_node *value)
{
    cnn_network builtin;
    const char *name = cnn_yaml_scalar(key);
    if (!name || !*name || !cnn_job_check_name(r->y, key, name))
        return;
    if (cnn_network_builtin(name, &builtin))
        cnn_yaml_error(r->y, key, "'%s' is built in; give yours another name", name);
    cnn_network *entry = &r->architecture_entries[r->architecture_count++];
    cnn_network_read(r->y, value, name, entry);
    cnn_copy_string(entry->name, sizeof entry->name, name);
}

cnn_status cnn_job_read_entries(cnn_job_reader *r)
{
    cnn_status st = CNN_OK;
    int count;
    void *iter = NULL;
    struct fy_node_pair *pair;
    if (is_table(r->y, r->datasets, "datasets", "datasets: {mnist: {type: idx, path: mnist}}",
                 &count)) {
        r->dataset_entries = calloc((size_t)count + 1, sizeof *r->dataset_entries);
        CNN_CHECK(r->dataset_entries, CNN_ENOMEM, "%d data sets", count);
        while ((pair = fy_node_mapping_iterate(r->datasets, &iter)))
            CNN_TRY(read_dataset(r, fy_node_pair_key(pair), fy_node_pair_value(pair)));
    }
    iter = NULL;
    if (is_table(r->y, r->architectures, "architectures",
                 "architectures: {small: [{dense: classes}]}", &count)) {
        r->architecture_entries = calloc((size_t)count + 1, sizeof *r->architecture_entries);
        CNN_CHECK(r->architecture_entries, CNN_ENOMEM, "%d architectures", count);
        while ((pair = fy_node_mapping_iterate(r->architectures, &iter)))
            read_architecture(r, fy_node_pair_key(pair), fy_node_pair_value(pair));
    }
done:
    return st;
}

void cnn_job_free_entries(cnn_job_reader *r)
{
    for (int i = 0; i < r->dataset_count; i++)
        cnn_source_free(&r->dataset_entries[i].source);
    for (int i = 0; i < r->architecture_count; i++)
        free(r->architecture_entries[i].opaque);
    free(r->dataset_entries);
    free(r->architecture_entries);
}

void cnn_job_unknown_level(cnn_job_reader *r, struct fy_node *level, const char *what,
                           const char *const *names, const char *otherwise)
{
    const char *text = cnn_yaml_scalar(level);
    const char *meant = cnn_suggest(text, names);
    if (meant)
        cnn_yaml_error(r->y, level, "unknown %s '%s'; did you mean '%s'?", what, text, meant);
    else
        cnn_yaml_error(r->y, level, "unknown %s '%s'; %s", what, text, otherwise);
}

cnn_status cnn_job_take_architecture(cnn_job_reader *r, struct fy_node *level, cnn_network *out)
{
    cnn_status st = CNN_OK;
    const char *name = cnn_yaml_scalar(level), **names = NULL;
    int n = 0;
    for (int i = 0; i < r->architecture_count; i++)
        if (strcmp(r->architecture_entries[i].name, name) == 0) {
            *out = r->architecture_entries[i];
            r->architecture_entries[i].opaque = NULL; /* names are unique: it is taken only once */
            return CNN_OK;
        }
    if (cnn_network_builtin(name, out))
        return CNN_OK;
    for (const char *const *b = cnn_network_builtins; *b; b++)
        n++;
    names = calloc((size_t)(n + r->architecture_count + 1), sizeof *names);
    CNN_CHECK(names, CNN_ENOMEM, "architecture '%s'", name);
    for (int i = 0; i < n; i++)
        names[i] = cnn_network_builtins[i];
    for (int i = 0; i < r->architecture_count; i++)
        names[n + i] = r->architecture_entries[i].name;
    cnn_job_unknown_level(r, level, "architecture", names, "describe it under architectures:");
done:
    free(names);
    return st;
}

cnn_status cnn_job_take_dataset(cnn_job_reader *r, struct fy_node *level, cnn_source *out)
{
    static const char *const wellknown[] = {"mnist", "fashion_mnist", "idc"};
    enum { WELLKNOWN = sizeof wellknown / sizeof wellknown[0] };
    cnn_status st = CNN_OK;
    const char *name = cnn_yaml_scalar(level), **names = NULL;
    for (int i = 0; i < r->dataset_count; i++)
        if (strcmp(r->dataset_entries[i].name, name) == 0) {
            *out = r->dataset_entries[i].source; /* names are unique: it is taken only once */
            memset(&r->dataset_entries[i].source, 0, sizeof *out);
            return CNN_OK;
        }
    st = cnn_source_wellknown(name, out);
    if (st == CNN_OK) {
        out->split_seed = r->job->seed;
        free(out->folder);
        out->folder = cnn_strdup(r->job->folder);
        CNN_CHECK(out->folder, CNN_ENOMEM, "data set '%s'", name);
        goto done;
    }
    if (st == CNN_ENOMEM)
        goto done;
    st = CNN_OK; /* an unknown name is the file's error */
    names = calloc((size_t)(WELLKNOWN + r->dataset_count + 1), sizeof *names);
    CNN_CHECK(names, CNN_ENOMEM, "data set '%s'", name);
    memcpy(names, wellknown, sizeof wellknown);
    for (int i = 0; i < r->dataset_count; i++)
        names[WELLKNOWN + i] = r->dataset_entries[i].name;
    cnn_job_unknown_level(r, level, "data set", names, "describe it under datasets:");
done:
    free(names);
    return st;
}
