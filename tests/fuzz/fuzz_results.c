/* SPDX-License-Identifier: Apache-2.0 */
/* Results files with parts that are missing, of another type or shape, or that refer to nothing.
 * HDF5 itself does not survive every damage to its own structures, so the file is changed through
 * HDF5, which keeps it a good HDF5 file. $CNN_FUZZ_RESULTS names an undamaged one. The input is a
 * list of changes of four bytes: what, which part, and two arguments. */
#include "fuzz.h"

#include "analysis/analysis.h"
#include "base/printable.h"
#include "document/render.h"
#include "hdf5io/hdf5_error.h"
#include "hdf5io/reader.h"
#include "report/report.h"
#include "status/job_status.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANGES = 8, PARTS = 512 };

static const char *whole;
static char path[64]; /* of the damaged copy */
static char *bytes;   /* of the undamaged file */
static size_t size_of_file;
/** Something in the file; variables are stored in one piece. */
typedef struct {
    char *path;
    size_t offset, elements, width; /* elements 0: no variable of numbers */
    int is_real;
} part_info;
static part_info parts[PARTS];
static int part_count;

static void look_at(hid_t file, part_info *part)
{
    hid_t set = H5Dopen2(file, part->path, H5P_DEFAULT);
    if (set < 0)
        return;
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    part->is_real = H5Tget_class(type) == H5T_FLOAT;
    part->width = H5Tget_size(type);
    part->offset = (size_t)H5Dget_offset(set);
    if (H5Dget_offset(set) != HADDR_UNDEF && part->width <= 8)
        part->elements = (size_t)H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
}

static herr_t add_part(hid_t file, const char *name, const H5O_info_t *info, void *user)
{
    (void)info;
    (void)user;
    const char *slash = strrchr(name, '/');
    if (strcmp(name, ".") == 0 || part_count == PARTS)
        return 0;
    if (strncmp(slash ? slash + 1 : name, "string_", 7) == 0)
        return 0; /* dimensions of characters, which nobody reads */
    MUST((parts[part_count].path = strdup(name)) != NULL);
    look_at(file, &parts[part_count++]);
    return 0;
}

static void remove_copy(void)
{
    unlink(path);
}

static void read_whole(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    whole = getenv("CNN_FUZZ_RESULTS");
    MUST(whole != NULL);
    snprintf(path, sizeof path, "%s/cnn-fuzz-%ld.h5", memory, (long)getpid());
    atexit(remove_copy);
    cnn_hdf5_quiet();
    MUST(cnn_read_file(whole, 1 << 26, &bytes, &size_of_file) == CNN_OK);
    hid_t file = H5Fopen(whole, H5F_ACC_RDONLY, H5P_DEFAULT);
    MUST(file >= 0 && H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, add_part, NULL) >= 0);
    H5Fclose(file);
}

/* ---- changes ------------------------------------------------------------------------------- */

static hid_t type_of(uint8_t a)
{
    const hid_t types[] = {H5T_STD_I8LE,  H5T_STD_I32LE,  H5T_STD_I64LE, H5T_IEEE_F64LE, H5T_C_S1,
                           H5T_STD_I16BE, H5T_IEEE_F32LE, H5T_STD_U32LE, H5T_STD_REF_OBJ};
    hid_t type = H5Tcopy(types[a % (sizeof types / sizeof types[0])]);
    if (a >= 128 && H5Tget_class(type) == H5T_STRING)
        H5Tset_size(type, a > 192 ? H5T_VARIABLE : (size_t)a);
    return type;
}

/** Extents: those of the part as it was, one of them changed; or others. */
static int extents_of(hid_t file, const char *part, uint8_t b, hsize_t *extents)
{
    static const hsize_t sizes[] = {
        0, 1, 2, 3, 8, 255, 256, 1 << 20, (hsize_t)1 << 31, (hsize_t)1 << 40, (hsize_t)1 << 62};
    int rank = 0;
    hid_t set = H5Dopen2(file, part, H5P_DEFAULT);
    if (set >= 0) {
        hid_t space = H5Dget_space(set);
        rank = H5Sget_simple_extent_dims(space, extents, NULL);
        H5Sclose(space);
        H5Dclose(set);
    }
    rank = rank < 0 ? 0 : rank;
    if (b & 1 && rank < 3)
        extents[rank++] = 1;
    else if (b & 2 && rank > 0)
        rank--;
    if (b & 4 && rank > 0)
        extents[b % rank] = sizes[(b >> 3) % (sizeof sizes / sizeof sizes[0])];
    return rank;
}

static void set_layout(hid_t plist, uint8_t a, int rank, const hsize_t *extents)
{
    hsize_t chunk[4] = {1, 1, 1, 1};
    double elements = 1;
    for (int i = 0; i < rank; i++)
        elements *= (double)extents[i];
    if (a % 5 == 1 && rank > 0)
        H5Pset_chunk(plist, rank, chunk);
    else if (a % 5 == 2)
        H5Pset_layout(plist, H5D_COMPACT);
    else if (elements < 1e6 && a % 5 != 3)
        H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
}

/** Puts another data set in the part's place. */
static void replace(hid_t file, const char *part, uint8_t a, uint8_t b)
{
    hsize_t extents[8] = {0};
    int rank = extents_of(file, part, b, extents);
    hid_t space = rank ? H5Screate_simple(rank, extents, NULL) : H5Screate(H5S_SCALAR);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), type = type_of(a);
    set_layout(plist, (uint8_t)(a / 16), rank, extents);
    H5Ldelete(file, part, H5P_DEFAULT);
    hid_t set = H5Dcreate2(file, part, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (set >= 0)
        H5Dclose(set);
    H5Tclose(type);
    H5Pclose(plist);
    H5Sclose(space);
}

static void relink(hid_t file, const char *part, uint8_t a)
{
    H5Ldelete(file, part, H5P_DEFAULT);
    if (a % 4 == 1)
        H5Lcreate_soft("status", file, part, H5P_DEFAULT, H5P_DEFAULT);
    else if (a % 4 == 2)
        H5Lcreate_external(whole, part, file, part, H5P_DEFAULT, H5P_DEFAULT);
    else if (a % 4 == 3) {
        hid_t group = H5Gcreate2(file, part, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (group >= 0)
            H5Gclose(group);
    }
}

static void change_attribute(hid_t file, uint8_t which, uint8_t a, uint8_t b)
{
    static const char *const names[] = {"layout_version", "title",       "contrast",     "repeats",
                                        "seed",           "margin_time", "margin_error", "alpha",
                                        "primary",        "looks"};
    const char *name = names[which % (sizeof names / sizeof names[0])];
    hsize_t extent = b % 3;
    unsigned char value[512];
    memset(value, b, sizeof value);
    H5Adelete(file, name);
    if (a == 0)
        return;
    hid_t type = type_of(a),
          space = b % 5 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
    hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0 && H5Tis_variable_str(type) <= 0)
        H5Awrite(attribute, type, value);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

/** Writes a number into an element, in the file's own type and place. */
static void poke(unsigned char *file, const part_info *part, uint8_t a, uint8_t b)
{
    static const int64_t values[] = {0,        1,         -1,        2,         3,        100,
                                     INT8_MAX, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    const double real = b % 4 == 1 ? NAN : b % 4 == 2 ? INFINITY : (double)values[b % 11];
    if (part->elements == 0)
        return;
    const size_t element = a == 255 ? part->elements - 1 : a % part->elements;
    memcpy(file + part->offset + element * part->width,
           part->is_real ? (const void *)&real : &values[b % 11], part->width);
}

static int is_poke(const uint8_t *four)
{
    return four[0] % 8 >= 4;
}

static const part_info *part_of(const uint8_t *four)
{
    return &parts[(four[1] + 256 * (four[0] / 16)) % part_count];
}

/** Through HDF5. */
static void change(hid_t file, const uint8_t *four)
{
    const char *part = part_of(four)->path;
    switch (four[0] % 8) {
    case 0:
    case 1:
        replace(file, part, four[2], four[3]);
        break;
    case 2:
        relink(file, part, four[2]);
        break;
    case 3:
        change_attribute(file, four[1], four[2], four[3]);
        break;
    default:
        break;
    }
}

static void write_damaged(const uint8_t *data, size_t size)
{
    int through_hdf5 = 0;
    unsigned char *file = malloc(size_of_file);
    MUST(file);
    memcpy(file, bytes, size_of_file);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        if (is_poke(data + i))
            poke(file, part_of(data + i), data[i + 2], data[i + 3]);
        else
            through_hdf5 = 1;
    }
    FILE *copy = fopen(path, "wb");
    MUST(copy && fwrite(file, 1, size_of_file, copy) == size_of_file && fclose(copy) == 0);
    free(file);
    if (!through_hdf5)
        return;
    hid_t h5 = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    MUST(h5 >= 0);
    for (size_t i = 0; i + 4 <= size; i += 4)
        change(h5, data + i);
    H5Fclose(h5);
}

/* ---- reading ------------------------------------------------------------------------------- */

/** Text that is shown on a terminal, as document/output.c prints it. */
static void check_text(cnn_text *text)
{
    char *printed = NULL;
    size_t n = 0;
    MUST(cnn_text_status(text) == CNN_OK && text->s);
    MUST(strlen(text->s) == text->len);
    FILE *out = open_memstream(&printed, &n);
    MUST(out != NULL);
    cnn_print(out, text->s);
    MUST(fclose(out) == 0 && n > 0);
    for (size_t i = 0; i < n; i++)
        MUST((unsigned char)printed[i] >= 0x20 || printed[i] == '\n');
    free(printed);
    cnn_text_free(text);
}

/** One of three renderings, as all take long. */
static void report(const cnn_results *r, const cnn_analysis *a, int rendering)
{
    cnn_document document = {0};
    cnn_text text = {0};
    const cnn_report_source source = {.results = r, .analysis = a, .path = "damaged.h5"};
    MUST(cnn_report_document(&source, true, &document) == CNN_OK);
    if (rendering == 0)
        cnn_render_text(&document, NULL, CNN_TEXT_WIDTH, &text);
    else if (rendering == 1)
        cnn_render_latex(&document, NULL, &text);
    for (int i = 0; rendering == 2 && i < document.item_count; i++)
        if (document.items[i].table)
            cnn_render_csv(&document, document.items[i].table->name, &text);
    check_text(&text);
    cnn_document_free(&document);
}

/** What `report` does with what it reads. */
static void analyse(const cnn_results *r, int rendering)
{
    cnn_analysis *a = NULL;
    cnn_status st = cnn_analysis_create(r, 1, &a);
    MUST(st == CNN_OK || st == CNN_EDATA);
    if (st == CNN_OK) {
        MUST(a->total.planned >= a->total.done && a->cell_count == r->cell_count);
        report(r, a, rendering);
    }
    cnn_analysis_destroy(&a);
}

static void read_damaged(int rendering)
{
    cnn_results *r = NULL;
    cnn_job_status status;
    cnn_text text = {0};
    cnn_status st = cnn_results_read(path, &r);
    MUST(st == CNN_OK || st == CNN_EDATA);
    if (st != CNN_OK)
        return;
    st = cnn_job_status_create(r, 2e9, &status);
    MUST(st == CNN_OK || st == CNN_EDATA);
    if (st == CNN_OK) {
        cnn_job_status_text(r, &status, "", path, &text);
        MUST(cnn_text_status(&text) == CNN_OK);
        cnn_job_status_free(&status);
    }
    cnn_text_free(&text);
    analyse(r, rendering);
    cnn_results_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_damaged(data, size < 4 * CHANGES ? size : 4 * CHANGES);
    int sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += data[i];
    read_damaged(sum % 3);
    return 0;
}

/** Numbers that the reader reads: those of the analysis it leaves alone. */
static int is_swept(const part_info *part)
{
    return part->elements > 0 && strncmp(part->path, "analysis", strlen("analysis")) != 0;
}

/** Chance alone would need long to come to each part once: first every number with values that
 * refer to nothing, in its first and last place. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t values[] = {2, 5, 7, 8};
    (void)argc;
    (void)argv;
    read_whole();
    for (int part = 0; part < part_count; part++)
        for (int i = 0; i < 2 * (int)sizeof values && is_swept(&parts[part]); i++) {
            const uint8_t four[] = {(uint8_t)(4 + 16 * (part / 256)), (uint8_t)(part % 256),
                                    i % 2 ? 255 : 0, values[i / 2]};
            LLVMFuzzerTestOneInput(four, sizeof four);
        }
    return 0;
}
