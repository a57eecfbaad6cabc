/* SPDX-License-Identifier: Apache-2.0 */
#include "data/idx.h"

#include "base/text.h"
#include "data/file.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { IDX_U8 = 0x08, MAX_RANK = 4 };

const char *const cnn_idx_names[CNN_IDX_FILES] = {
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
};

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

static bool is_zipped(const char *name)
{
    const size_t n = strlen(name);
    return n > 3 && strcasecmp(name + n - 3, ".gz") == 0;
}

/** Whether a file is one of the four by a name that others give it: "train-images.idx3-ubyte",
 *  "emnist-letters-test-labels-idx1-ubyte.gz", in letters of either case. */
static bool is_known_as(const char *name, int which)
{
    static const char *const parts[CNN_IDX_FILES][2] = {
        {"train-images-idx", "train-images-idx"},
        {"train-labels-idx", "train-labels-idx"},
        {"t10k-images-idx", "test-images-idx"},
        {"t10k-labels-idx", "test-labels-idx"},
    };
    char plain[256];
    cnn_copy_string(plain, sizeof plain, name);
    if (is_zipped(plain))
        plain[strlen(plain) - 3] = '\0';
    for (char *c = plain; *c; c++)
        *c = *c == '.' ? '-' : (char)tolower((unsigned char)*c);
    for (int i = 0; i < 2; i++) {
        const char *found = strstr(plain, parts[which][i]);
        const char *end = found ? found + strlen(parts[which][i]) : NULL;
        if (found && (found == plain || found[-1] == '-') && *end >= '1' && *end <= '4' &&
            strcmp(end + 1, "-ubyte") == 0)
            return true;
    }
    return false;
}

/** The one that is sought by other names, while a folder is searched. */
typedef struct {
    const char *folder;
    int which;
    char *path; /* NULL: none yet */
} search;

/** Takes a file that the folder holds; of a file and its zipped twin the plain one. */
static cnn_status take(search *s, char **path)
{
    cnn_status st = CNN_OK;
    const size_t n = s->path ? strlen(s->path) : 0, m = strlen(*path);
    const bool is_twin =
        n && strncasecmp(s->path, *path, n < m ? n : m) == 0 &&
        (n < m ? n + 3 == m && is_zipped(*path) : m + 3 == n && is_zipped(s->path));
    CNN_CHECK(!n || is_twin, CNN_EDATA,
              "'%s' holds '%s' and '%s': put each data set into a folder of its own", s->folder,
              s->path, *path);
    if (!n || m < n) {
        free(s->path);
        s->path = *path;
        *path = NULL;
    }
done:
    return st;
}

/** Searches a folder, and those below it that are called like the file that they hold. */
static cnn_status search_folder(search *s, const char *path, bool is_top)
{
    cnn_status st = CNN_OK;
    char *entry = NULL;
    DIR *folder = opendir(path);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        if (!is_known_as(e->d_name, s->which))
            continue;
        free(entry);
        CNN_CHECK((entry = cnn_asprintf("%s/%s", path, e->d_name)) != NULL, CNN_ENOMEM,
                  "path of '%s'", e->d_name);
        if (is_file(entry))
            CNN_TRY(take(s, &entry));
        else if (is_top)
            CNN_TRY(search_folder(s, entry, false));
    }
done:
    if (folder)
        closedir(folder);
    free(entry);
    return st;
}

cnn_status cnn_idx_locate(const char *folder, int which, char **path)
{
    cnn_status st = CNN_OK;
    search s = {.folder = folder, .which = which};
    *path = NULL;
    for (int zipped = 0; zipped <= 1; zipped++) {
        char *p = cnn_asprintf("%s/%s%s", folder, cnn_idx_names[which], zipped ? ".gz" : "");
        CNN_CHECK(p, CNN_ENOMEM, "path of '%s'", cnn_idx_names[which]);
        if (is_file(p)) {
            *path = p;
            return CNN_OK;
        }
        free(p);
    }
    CNN_TRY(search_folder(&s, folder, true));
    *path = s.path;
    s.path = NULL;
done:
    free(s.path);
    return st;
}

/** Reads the header of a file of lowest to highest dimensions. */
static cnn_status read_header(cnn_data_file *f, const char *what, int lowest, int highest,
                              uint64_t *dims, int *rank)
{
    cnn_status st = CNN_OK;
    const char *path = cnn_data_file_path(f);
    unsigned char head[4], size[4];
    CNN_TRY(cnn_data_file_read(f, "the IDX header", head, sizeof head));
    CNN_CHECK(head[0] == 0 && head[1] == 0, CNN_EDATA,
              "'%s' is no IDX file: it starts with %02x %02x, not with 00 00", path, head[0],
              head[1]);
    CNN_CHECK(head[2] == IDX_U8, CNN_EDATA,
              "'%s' holds elements of IDX type %02x (byte 2); only 08, unsigned bytes, can be read",
              path, head[2]);
    CNN_CHECK(head[3] >= lowest && head[3] <= highest, CNN_EDATA,
              "'%s' has %d dimensions (byte 3), but a file of %s has %s%d: is it the right file?",
              path, head[3], what, lowest < highest ? "3 or " : "", highest);
    *rank = head[3];
    for (int i = 0; i < *rank; i++) {
        CNN_TRY(cnn_data_file_read(f, "the IDX header", size, sizeof size));
        dims[i] =
            (uint64_t)size[0] << 24 | (uint64_t)size[1] << 16 | (uint64_t)size[2] << 8 | size[3];
    }
done:
    return st;
}

cnn_status cnn_idx_images(const char *path, cnn_image_shape *shape, uint64_t *sum,
                          unsigned char **pixels)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = NULL;
    uint64_t dims[MAX_RANK], bytes;
    int rank;
    CNN_TRY(cnn_data_file_open(path, &f));
    CNN_TRY(read_header(f, "images", 3, MAX_RANK, dims, &rank));
    CNN_TRY(cnn_image_shape_set(path, dims, rank, 1, shape, &bytes));
    if (pixels)
        CNN_TRY(cnn_data_file_payload(f, "images", bytes, sum, pixels));
    else
        CNN_TRY(cnn_data_file_promise(f, "images", bytes));
done:
    cnn_data_file_close(&f);
    return st;
}

cnn_status cnn_idx_labels(const char *path, int *count, uint64_t *sum, int32_t **labels)
{
    cnn_status st = CNN_OK;
    cnn_data_file *f = NULL;
    unsigned char *bytes = NULL;
    uint64_t dims[MAX_RANK];
    int rank;
    CNN_TRY(cnn_data_file_open(path, &f));
    CNN_TRY(read_header(f, "labels", 1, 1, dims, &rank));
    CNN_TRY(cnn_label_count_set(path, dims[0], count));
    CNN_TRY(cnn_data_file_payload(f, "labels", dims[0], sum, &bytes));
    *labels = malloc((size_t)*count * sizeof **labels);
    CNN_CHECK(*labels, CNN_ENOMEM, "%zu bytes for %d labels", (size_t)*count * sizeof **labels,
              *count);
    for (int i = 0; i < *count; i++)
        (*labels)[i] = bytes[i];
done:
    free(bytes);
    cnn_data_file_close(&f);
    return st;
}
