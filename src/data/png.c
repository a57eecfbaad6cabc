/* SPDX-License-Identifier: Apache-2.0 */
#include "data/png.h"

#include "base/text.h"
#include "data/file.h"

#include <inttypes.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    SIGNATURE = 8,
    IHDR = 8 + 13 + 4, /* length and name, content, checksum */
    HEAD = SIGNATURE + IHDR,
    DEFLATE_RATIO = 1032, /* no deflate stream expands more */
    CHUNK_MAX = 1 << 16,  /* bytes of a chunk that libpng may keep; a palette has 768 */
    GREY = 0,
    RGB = 2,
};

struct cnn_png {
    cnn_data_file *file;
    cnn_image_shape shape;
    unsigned char head[HEAD]; /* read by us, then again by libpng */
    size_t replayed;          /* bytes of head that libpng has got */
    cnn_status st;            /* why libpng was left */
};

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/** Whether the kind of pixels is one that is read. */
static cnn_status check_kind(const char *path, int depth, int colour, int interlace)
{
    static const char *const kinds[] = {"grey",           "", "RGB",          "palette",
                                        "grey and alpha", "", "RGB and alpha"};
    cnn_status st = CNN_OK;
    bool known = colour <= 6 && *kinds[colour];
    CNN_CHECK(depth == 8 && (colour == RGB || colour == GREY) && interlace == 0, CNN_EDATA,
              "'%s' is a PNG file of %s with %d bits a sample%s; 8-bit RGB and 8-bit grey, not "
              "interlaced, can be read. Convert it: mogrify -define png:color-type=2 -define "
              "png:bit-depth=8 -interlace none FILE",
              path, known ? kinds[colour] : "an unknown kind", depth,
              interlace ? ", interlaced" : "");
done:
    return st;
}

static cnn_status check_head(cnn_png *p)
{
    static const unsigned char start[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    cnn_status st = CNN_OK;
    const char *path = cnn_data_file_path(p->file);
    const unsigned char *ihdr = p->head + SIGNATURE + 8;
    uint64_t bytes, size = cnn_data_file_size(p->file);
    CNN_CHECK(memcmp(p->head, start, sizeof start - 1) == 0, CNN_EDATA,
              "'%s' is not a PNG file: its signature is missing", path);
    CNN_CHECK(crc32(0, ihdr - 4, 13 + 4) == big_endian(ihdr + 13), CNN_EDATA,
              "'%s' is damaged: the checksum of its header is wrong", path);
    CNN_TRY(check_kind(path, ihdr[8], ihdr[9], ihdr[12]));
    const uint64_t width = big_endian(ihdr), height = big_endian(ihdr + 4);
    const uint64_t dims[] = {1, height, width, ihdr[9] == RGB ? 3 : 1};
    CNN_TRY(cnn_image_shape_set(path, dims, 4, 1, &p->shape, &bytes));
    CNN_CHECK(bytes / DEFLATE_RATIO <= size, CNN_EDATA,
              "'%s': its header promises %" PRIu64 " bytes of pixels, more than a PNG file of "
              "%" PRIu64 " bytes can hold",
              path, bytes, size);
done:
    return st;
}

cnn_status cnn_png_open(const char *path, cnn_png **out)
{
    cnn_status st = CNN_OK;
    cnn_png *p = calloc(1, sizeof *p);
    CNN_CHECK(p, CNN_ENOMEM, "reading '%s'", path);
    CNN_TRY(cnn_data_file_open(path, &p->file));
    CNN_TRY(cnn_data_file_read(p->file, "the PNG header", p->head, HEAD));
    CNN_TRY(check_head(p));
    *out = p;
    p = NULL;
done:
    cnn_png_close(&p);
    return st;
}

void cnn_png_close(cnn_png **png)
{
    cnn_png *p = *png;
    if (!p)
        return;
    cnn_data_file_close(&p->file);
    free(p);
    *png = NULL;
}

const cnn_image_shape *cnn_png_shape(const cnn_png *png)
{
    return &png->shape;
}

/* ---- libpng, which leaves by longjmp ------------------------------------------------------- */

static void give_bytes(png_structp reader, png_bytep bytes, size_t n)
{
    cnn_png *p = png_get_io_ptr(reader);
    size_t head = HEAD - p->replayed < n ? HEAD - p->replayed : n;
    memcpy(bytes, p->head + p->replayed, head);
    p->replayed += head;
    p->st = cnn_data_file_read(p->file, "the image", bytes + head, n - head);
    if (p->st != CNN_OK)
        png_longjmp(reader, 1);
}

static void take_error(png_structp reader, png_const_charp message)
{
    cnn_png *p = png_get_error_ptr(reader);
    p->st = cnn_error_set(CNN_EDATA, "'%s' is damaged: libpng says '%s'",
                          cnn_data_file_path(p->file), message);
    png_longjmp(reader, 1);
}

static void ignore_warning(png_structp reader, png_const_charp message)
{
    (void)reader;
    (void)message;
}

/** What follows is as strict as it can be, and reads nothing but what makes the pixels. */
static void set_up(png_structp reader, cnn_png *p)
{
    png_set_read_fn(reader, p, give_bytes);
    png_set_user_limits(reader, (png_uint_32)p->shape.width, (png_uint_32)p->shape.height);
    png_set_chunk_malloc_max(reader, CHUNK_MAX);
    png_set_benign_errors(reader, 0);
    png_set_crc_action(reader, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(reader, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

/** Everything between here and return may be left by longjmp: no locals that change. */
static void decode(png_structp reader, png_infop info, cnn_png *p, unsigned char *pixels)
{
    const size_t row = (size_t)p->shape.width * (size_t)p->shape.channels;
    if (setjmp(png_jmpbuf(reader)))
        return;
    set_up(reader, p);
    png_read_info(reader, info);
    png_read_update_info(reader, info);
    if (png_get_rowbytes(reader, info) != row)
        png_error(reader, "rows are not as long as the header says");
    for (int y = 0; y < p->shape.height; y++)
        png_read_row(reader, pixels + (size_t)y * row, NULL);
    png_read_end(reader, NULL);
}

cnn_status cnn_png_decode(cnn_png *p, unsigned char *pixels)
{
    cnn_status st = CNN_OK;
    png_structp reader = NULL;
    png_infop info = NULL;
    p->st = CNN_OK;
    reader = png_create_read_struct(PNG_LIBPNG_VER_STRING, p, take_error, ignore_warning);
    CNN_CHECK(reader && (info = png_create_info_struct(reader)) != NULL, CNN_ENOMEM,
              "decoding '%s'", cnn_data_file_path(p->file));
    decode(reader, info, p, pixels);
    st = p->st;
done:
    png_destroy_read_struct(&reader, &info, NULL);
    return st;
}
