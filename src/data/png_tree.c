/* SPDX-License-Identifier: Apache-2.0 */
#include "data/png_tree.h"

#include "base/text.h"
#include "data/png.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_CLASSES = 4096 };

/** Sorted names of one folder. */
typedef struct {
    char **name;
    size_t count, room;
} name_list;

/** How many images have a size. */
typedef struct {
    cnn_image_shape shape; /* count is the number of images */
} size_count;
enum { MOST_SIZES = 256 /* counted separately */ };

/** An image as it comes, before it is known which ones are kept. */
typedef struct {
    cnn_image_shape shape;
    int32_t class, patient; /* class: in the order in which they were met */
} image;

/** What grows while the tree is read. */
typedef struct {
    const cnn_image_shape *wanted;
    bool inspect;
    int32_t class, patient; /* of the folder that is being read */
    name_list classes;      /* in the order in which they were met */
    image *images;          /* [image_count] */
    size_t image_count, image_room;
    unsigned char *pixels; /* of all images, one after the other */
    size_t used, room;
    int files, other_files;
    size_count sizes[MOST_SIZES]; /* [size_count] of all images */
    int size_count;
} gathering;

static void free_names(name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->name[i]);
    free(list->name);
    *list = (name_list){0};
}

/** Makes room for one more element of `size` bytes; false when out of memory. */
static bool grow(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room ? 2 * *room : 16;
    void *moved = realloc(*array, more * size);
    if (!moved)
        return false;
    *array = moved;
    *room = more;
    return true;
}

static cnn_status add_name(name_list *list, const char *name)
{
    cnn_status st = CNN_OK;
    void *array = list->name;
    CNN_CHECK(grow(&array, list->count, &list->room, sizeof *list->name), CNN_ENOMEM,
              "names of a folder");
    list->name = array;
    CNN_CHECK((list->name[list->count] = cnn_strdup(name)) != NULL, CNN_ENOMEM,
              "names of a folder");
    list->count++;
done:
    return st;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/** Names in a folder that do not start with a dot, sorted. *is_folder is false, and the list empty,
 *  where path is something else. */
static cnn_status list_folder(const char *path, name_list *list, bool *is_folder)
{
    cnn_status st = CNN_OK;
    DIR *folder = opendir(path);
    *is_folder = folder || errno != ENOTDIR;
    if (!*is_folder)
        return CNN_OK;
    CNN_CHECK(folder, CNN_EIO, "cannot open '%s': %s", path, strerror(errno));
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        CNN_CHECK(entry || errno == 0, CNN_EIO, "cannot read '%s': %s", path, strerror(errno));
        if (!entry)
            break;
        if (entry->d_name[0] != '.')
            CNN_TRY(add_name(list, entry->d_name));
    }
    if (list->count)
        qsort(list->name, list->count, sizeof *list->name, by_bytes);
done:
    if (folder)
        closedir(folder);
    return st;
}

/** `work` on every entry of a folder, in order: cnn_status work(path of the entry, its name). */
typedef cnn_status (*entry_work)(gathering *g, const char *path, const char *name);

static cnn_status for_each(gathering *g, const char *path, entry_work work)
{
    cnn_status st = CNN_OK;
    name_list list = {0};
    char *entry = NULL;
    bool is_folder;
    CNN_TRY(list_folder(path, &list, &is_folder));
    for (size_t i = 0; i < list.count; i++) {
        free(entry);
        CNN_CHECK((entry = cnn_asprintf("%s/%s", path, list.name[i])) != NULL, CNN_ENOMEM,
                  "path of '%s'", list.name[i]);
        CNN_TRY(work(g, entry, list.name[i]));
    }
done:
    free(entry);
    free_names(&list);
    return st;
}

/* ---- one image ----------------------------------------------------------------------------- */

static bool same_size(const cnn_image_shape *a, const cnn_image_shape *b)
{
    return a->height == b->height && a->width == b->width && a->channels == b->channels;
}

static cnn_status check_name(const gathering *g, const char *path, const char *name)
{
    static const char mark[] = "_class";
    cnn_status st = CNN_OK;
    const char *folder = g->classes.name[g->class], *last = NULL;
    for (const char *s = strstr(name, mark); s; s = strstr(s + 1, mark))
        last = s + sizeof mark - 1;
    size_t n = last ? strlen(last) - strlen(".png") : 0;
    CNN_CHECK(!last || (n == strlen(folder) && memcmp(last, folder, n) == 0), CNN_EDATA,
              "'%s' is of class %.*s by its name, but lies in the folder of class %s", path, (int)n,
              last, folder);
done:
    return st;
}

static cnn_status decode(gathering *g, cnn_png *png, const char *path)
{
    cnn_status st = CNN_OK;
    const size_t bytes = cnn_image_elements(cnn_png_shape(png));
    if (g->room - g->used < bytes) {
        size_t room = g->used + bytes + g->used / 2;
        unsigned char *moved = realloc(g->pixels, room);
        CNN_CHECK(moved, CNN_ENOMEM, "%zu bytes of images, with '%s'", room, path);
        g->pixels = moved;
        g->room = room;
    }
    CNN_TRY(cnn_png_decode(png, g->pixels + g->used));
    g->used += bytes;
done:
    return st;
}

static cnn_status keep_record(gathering *g, const cnn_image_shape *shape)
{
    cnn_status st = CNN_OK;
    void *array = g->images;
    CNN_CHECK(grow(&array, g->image_count, &g->image_room, sizeof *g->images), CNN_ENOMEM,
              "records of %zu images", g->image_count);
    g->images = array;
    g->images[g->image_count++] = (image){*shape, g->class, g->patient};
done:
    return st;
}

static void count_size(gathering *g, const cnn_image_shape *shape)
{
    int i = 0;
    while (i < g->size_count && !same_size(&g->sizes[i].shape, shape))
        i++;
    if (i == MOST_SIZES)
        return;
    if (i == g->size_count) {
        g->sizes[g->size_count++].shape = *shape;
        g->sizes[i].shape.count = 0;
    }
    g->sizes[i].shape.count++;
}

static cnn_status read_image(gathering *g, const char *path, const char *name)
{
    cnn_status st = CNN_OK;
    cnn_png *png = NULL;
    size_t n = strlen(name);
    if (n < 4 || strcasecmp(name + n - 4, ".png") != 0) {
        g->other_files += g->other_files < INT_MAX;
        return CNN_OK;
    }
    CNN_TRY(check_name(g, path, name));
    CNN_CHECK(g->files < INT_MAX, CNN_EDATA, "more images than can be counted, at '%s'", path);
    CNN_TRY(cnn_png_open(path, &png));
    g->files++;
    count_size(g, cnn_png_shape(png));
    if (g->wanted->height && !same_size(g->wanted, cnn_png_shape(png)))
        goto done;
    if (!g->inspect)
        CNN_TRY(decode(g, png, path));
    CNN_TRY(keep_record(g, cnn_png_shape(png)));
done:
    cnn_png_close(&png);
    return st;
}

static cnn_status read_class(gathering *g, const char *path, const char *name)
{
    cnn_status st = CNN_OK;
    size_t c = 0;
    while (c < g->classes.count && strcmp(g->classes.name[c], name) != 0)
        c++;
    const int before = g->files;
    const bool is_new = c == g->classes.count;
    if (is_new) {
        CNN_CHECK(c < MAX_CLASSES, CNN_EDATA, "'%s': more than %d classes", path, MAX_CLASSES);
        CNN_TRY(add_name(&g->classes, name));
    }
    g->class = (int32_t)c;
    CNN_TRY(for_each(g, path, read_image));
    if (is_new && g->files == before) /* a folder without images is no class */
        free(g->classes.name[--g->classes.count]);
done:
    return st;
}

static cnn_status read_patient(gathering *g, const char *path, const char *name)
{
    (void)name;
    g->patient++;
    return for_each(g, path, read_class);
}

/* ---- all images ---------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const cnn_image_shape *x = a, *y = b;
    if (x->height != y->height)
        return x->height < y->height ? -1 : 1;
    if (x->width != y->width)
        return x->width < y->width ? -1 : 1;
    return (x->channels > y->channels) - (x->channels < y->channels);
}

/** The size that most images have. */
static cnn_status find_majority(const gathering *g, cnn_image_shape *out)
{
    cnn_status st = CNN_OK;
    size_t most = 0, run = 0;
    cnn_image_shape *all = malloc(g->image_count * sizeof *all);
    CNN_CHECK(all, CNN_ENOMEM, "sizes of %zu images", g->image_count);
    for (size_t i = 0; i < g->image_count; i++)
        all[i] = g->images[i].shape;
    qsort(all, g->image_count, sizeof *all, by_size);
    for (size_t i = 0; i < g->image_count; i++) {
        run = i > 0 && same_size(&all[i], &all[i - 1]) ? run + 1 : 1;
        if (run > most) {
            most = run;
            *out = all[i];
        }
    }
done:
    free(all);
    return st;
}

/** Moves the images of the tree's size together: pixels, labels, patients. */
static void keep_images(gathering *g, const int32_t *class_of, cnn_png_tree *tree)
{
    size_t from = 0, to = 0;
    int32_t n = 0, last = -1;
    for (size_t i = 0; i < g->image_count; i++) {
        const image *m = &g->images[i];
        const size_t bytes = cnn_image_elements(&m->shape);
        if (same_size(&m->shape, &tree->shape)) {
            if (g->pixels)
                memmove(g->pixels + to, g->pixels + from, bytes);
            to += bytes;
            tree->patients += m->patient != last;
            last = m->patient;
            tree->labels[n] = class_of[m->class];
            tree->patient[n++] = tree->patients - 1;
        }
        from += bytes;
    }
    tree->shape.count = n;
    if (g->pixels && to < g->room) {
        unsigned char *less = realloc(g->pixels, to);
        g->pixels = less ? less : g->pixels;
    }
    tree->pixels = g->pixels;
    g->pixels = NULL;
}

/** Sorts the classes; class_of [classes]: the place of each in the order of their names. */
static cnn_status number_classes(gathering *g, cnn_png_tree *tree, int32_t **class_of)
{
    cnn_status st = CNN_OK;
    const size_t n = g->classes.count;
    CNN_CHECK((tree->class_names = malloc(n * sizeof *tree->class_names)) != NULL &&
                  (*class_of = malloc(n * sizeof **class_of)) != NULL,
              CNN_ENOMEM, "%zu classes", n);
    memcpy(tree->class_names, g->classes.name, n * sizeof *tree->class_names);
    qsort(tree->class_names, n, sizeof *tree->class_names, by_bytes);
    for (size_t met = 0; met < n; met++)
        for (size_t k = 0; k < n; k++)
            if (tree->class_names[k] == g->classes.name[met])
                (*class_of)[met] = (int32_t)k;
    tree->classes = (int)n;
    free(g->classes.name); /* the names belong to the tree now */
    g->classes = (name_list){0};
done:
    return st;
}

static int by_count(const void *a, const void *b)
{
    const size_count *x = a, *y = b;
    return (x->shape.count < y->shape.count) - (x->shape.count > y->shape.count);
}

/** Checks that few images are skipped: leaving out many would change the data set. */
static cnn_status check_skipped(gathering *g, const char *root, const cnn_image_shape *kept)
{
    enum { SHOWN = 5 };
    cnn_status st = CNN_OK;
    cnn_text sizes = {0};
    const int skipped = g->files - kept->count;
    if (20 * (int64_t)skipped <= g->files)
        return CNN_OK;
    qsort(g->sizes, (size_t)g->size_count, sizeof *g->sizes, by_count);
    for (int i = 0; i < g->size_count && i < SHOWN; i++)
        cnn_text_printf(&sizes, "%s%d are %d x %d x %d", i ? ", " : "", g->sizes[i].shape.count,
                        g->sizes[i].shape.height, g->sizes[i].shape.width,
                        g->sizes[i].shape.channels);
    if (g->size_count > SHOWN)
        cnn_text_append(&sizes, ", others of other sizes");
    CNN_TRY(cnn_text_status(&sizes));
    CNN_CHECK(
        false, CNN_EDATA,
        "'%s': %d of %d images are not %d x %d x %d and would be left out (%s). Bring them to "
        "one size, choose another one with `shape`, or write `skip: allow` in the data set's "
        "entry",
        root, skipped, g->files, kept->height, kept->width, kept->channels, sizes.s);
done:
    cnn_text_free(&sizes);
    return st;
}

/** Checks that the first level holds patients and not the parts of a split. */
static cnn_status check_top(const char *root)
{
    static const char *const parts[] = {"train",      "training", "val",     "valid",
                                        "validation", "test",     "testing", NULL};
    cnn_status st = CNN_OK;
    name_list list = {0};
    bool is_folder;
    const char *found[2] = {NULL, NULL};
    CNN_TRY(list_folder(root, &list, &is_folder));
    for (size_t i = 0; i < list.count; i++)
        for (const char *const *part = parts; *part; part++)
            if (strcasecmp(list.name[i], *part) == 0)
                found[found[0] != NULL] = list.name[i];
    CNN_CHECK(!found[1], CNN_EDATA,
              "'%s' holds folders called %s and %s, which would be taken for patients. Put the "
              "images of all parts below one folder (all/CLASS/NAME.png) and let test_fraction "
              "divide them, or make a folder whose only entry is a link to one part",
              root, found[0], found[1]);
done:
    free_names(&list);
    return st;
}

static cnn_status settle(gathering *g, const char *root, bool allow_skip, cnn_png_tree *tree)
{
    cnn_status st = CNN_OK;
    int32_t *class_of = NULL;
    CNN_CHECK(g->files > 0, CNN_EDATA,
              "'%s' holds no PNG image at PATIENT/CLASS/NAME.png below it%s", root,
              g->other_files ? ", only files of other kinds" : "");
    CNN_CHECK(g->image_count > 0, CNN_EDATA,
              "'%s': none of %d images is %d x %d x %d, as `shape` "
              "says",
              root, g->files, g->wanted->height, g->wanted->width, g->wanted->channels);
    CNN_TRY(find_majority(g, &tree->shape));
    CNN_TRY(number_classes(g, tree, &class_of));
    CNN_CHECK((tree->labels = malloc(g->image_count * sizeof *tree->labels)) != NULL &&
                  (tree->patient = malloc(g->image_count * sizeof *tree->patient)) != NULL,
              CNN_ENOMEM, "%zu labels", g->image_count);
    keep_images(g, class_of, tree);
    if (!allow_skip)
        CNN_TRY(check_skipped(g, root, &tree->shape));
    tree->files = g->files;
    tree->other_files = g->other_files;
    tree->skipped = g->files - tree->shape.count;
done:
    free(class_of);
    return st;
}

cnn_status cnn_png_tree_read(const char *root, const cnn_image_shape *wanted, bool allow_skip,
                             bool inspect, cnn_png_tree *out)
{
    cnn_status st = CNN_OK;
    cnn_png_tree tree = {0};
    gathering g = {.wanted = wanted, .inspect = inspect};
    CNN_TRY(check_top(root));
    CNN_TRY(for_each(&g, root, read_patient));
    CNN_TRY(settle(&g, root, allow_skip, &tree));
    *out = tree;
    tree = (cnn_png_tree){0};
done:
    cnn_png_tree_free(&tree);
    free_names(&g.classes);
    free(g.images);
    free(g.pixels);
    return st;
}

void cnn_png_tree_free(cnn_png_tree *tree)
{
    for (int c = 0; c < tree->classes; c++)
        free(tree->class_names[c]);
    free(tree->class_names);
    free(tree->labels);
    free(tree->patient);
    free(tree->pixels);
    *tree = (cnn_png_tree){0};
}
