/* The IDX file format of the MNIST database: a big-endian magic number and sizes, then the pixels; mostly gzipped. No
 * size in a header is trusted: memory grows as bytes arrive, so a header that promises gigabytes costs no more than
 * the file delivers, and gzip data may deliver at most ESP_IDX_MAX_IMAGES. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "autoencoder/autoencoder.h"

enum {
    HEADER = 16,           /* magic number, count, rows, columns */
    MAGIC_IMAGES = 0x0803, /* unsigned bytes (08) of three dimensions (03) */
    MAGIC_LABELS = 0x0801,
    CHUNK = 1 << 16,
    FIRST_BLOCK = 1 << 20
};

/* ---- bytes of a plain or gzipped file ---- */

typedef struct {
    const char *path;
    int         fd;
    bool        gzipped;
    bool        complete; /* the gzip data may end here */
    bool        damaged;  /* the gzip data was refused: its error replaces any later one */
    z_stream    z;        /* next_in and avail_in are the unread part of `chunk`, for plain files too */
    uint8_t     chunk[CHUNK];
} source;

/* Leaves nothing available at the end of the file. */
static esp_status refill(source *in)
{
    ssize_t n;
    do n = read(in->fd, in->chunk, CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0) return esp_fail(ESP_ERR_IO, "cannot read '%s': %s", in->path, strerror(errno));
    in->z.next_in = in->chunk;
    in->z.avail_in = (uInt)n;
    return ESP_OK;
}

static esp_status open_source(source *in, const char *path)
{
    struct stat info;
    in->path = path;
    in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must be refused, not waited for */
    if (in->fd < 0 || fstat(in->fd, &info) != 0)
        return esp_fail(ESP_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return esp_fail(ESP_ERR_IO, "cannot read '%s': it is not a regular file", path);
    esp_status status = refill(in);
    in->gzipped = status == ESP_OK && in->z.avail_in >= 2 && in->chunk[0] == 0x1f && in->chunk[1] == 0x8b;
    if (in->gzipped && inflateInit2(&in->z, 16 + MAX_WBITS) != Z_OK) /* 16: a gzip header, not zlib's */
        return esp_fail(ESP_ERR_MACHINE, "cannot unpack '%s': zlib has no memory", path);
    return status;
}

static void close_source(source *in)
{
    if (in->gzipped) inflateEnd(&in->z);
    if (in->fd >= 0) close(in->fd);
}

static void copy_some(source *in, uint8_t *out, size_t size, size_t *written)
{
    *written = in->z.avail_in < size ? in->z.avail_in : size;
    memcpy(out, in->z.next_in, *written);
    in->z.next_in += *written;
    in->z.avail_in -= (uInt)*written;
}

/* A gzip file is one or several gzip members in a row (RFC 1952). */
static esp_status inflate_some(source *in, uint8_t *out, size_t size, size_t *written)
{
    *written = 0;
    if (in->complete) {
        if (*in->z.next_in != 0x1f) return esp_fail(ESP_ERR_FORMAT, "%s: has bytes after its gzip data", in->path);
        inflateReset(&in->z);
        in->complete = false;
    }
    uInt room = size < FIRST_BLOCK ? (uInt)size : FIRST_BLOCK; /* zlib counts in 32 bits */
    in->z.next_out = out;
    in->z.avail_out = room;
    int code = inflate(&in->z, Z_NO_FLUSH);
    in->damaged = code != Z_OK && code != Z_STREAM_END;
    if (in->damaged)
        return esp_fail(ESP_ERR_FORMAT, "%s: its gzip data is corrupt (%s); copy the file again", in->path,
                        in->z.msg ? in->z.msg : "zlib cannot continue");
    in->complete = code == Z_STREAM_END;
    *written = room - in->z.avail_out;
    return ESP_OK;
}

/* *got is less than `size` only where the data ends. */
static esp_status read_source(source *in, uint8_t *out, size_t size, size_t *got)
{
    esp_status status = ESP_OK;
    for (*got = 0; *got < size && status == ESP_OK;) {
        size_t written = 0;
        if (in->z.avail_in == 0) status = refill(in);
        if (status != ESP_OK) return status;
        if (in->z.avail_in == 0) {
            if (!in->gzipped || in->complete) return ESP_OK;
            return esp_fail(ESP_ERR_FORMAT, "%s: its gzip data ends too early; copy the file again", in->path);
        }
        if (in->gzipped) status = inflate_some(in, out + *got, size - *got, &written);
        else             copy_some(in, out + *got, size - *got, &written);
        *got += written;
    }
    return status;
}

/* ---- the format ---- */

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static esp_status check_magic(const char *path, uint32_t magic)
{
    if (magic == MAGIC_IMAGES) return ESP_OK;
    if (magic == MAGIC_LABELS)
        return esp_fail(ESP_ERR_FORMAT, "%s: holds labels, not images (magic number 0x%08x, expected 0x%08x)", path,
                        magic, MAGIC_IMAGES);
    if (magic >> 16)
        return esp_fail(ESP_ERR_FORMAT, "%s: is not an IDX file (magic number 0x%08x, expected 0x%08x)", path, magic,
                        MAGIC_IMAGES);
    if (magic >> 8 != MAGIC_IMAGES >> 8)
        return esp_fail(ESP_ERR_FORMAT, "%s: holds IDX type 0x%02x, expected 0x08 (unsigned bytes)", path, magic >> 8);
    return esp_fail(ESP_ERR_FORMAT, "%s: has %u dimensions, images have 3 (count, rows, columns)", path, magic & 0xff);
}

static esp_status read_header(source *in, int *count)
{
    uint8_t header[HEADER];
    size_t got;
    esp_status status = read_source(in, header, HEADER, &got);
    if (status != ESP_OK) return status;
    if (got == 0) return esp_fail(ESP_ERR_FORMAT, "%s: is empty, expected IDX images", in->path);
    if (got >= 4) status = check_magic(in->path, big_endian(header));
    if (status != ESP_OK) return status;
    if (got < HEADER)
        return esp_fail(ESP_ERR_FORMAT, "%s: ends after %zu bytes, but an IDX header of images has %d", in->path, got,
                        HEADER);
    uint32_t images = big_endian(header + 4), rows = big_endian(header + 8), columns = big_endian(header + 12);
    if (images < 1 || images > ESP_IDX_MAX_IMAGES)
        return esp_fail(ESP_ERR_FORMAT, "%s: its header counts %u images, expected 1 to %d", in->path, images,
                        ESP_IDX_MAX_IMAGES);
    if (rows != ESP_IMAGE_SIDE || columns != ESP_IMAGE_SIDE)
        return esp_fail(ESP_ERR_FORMAT, "%s: its images have %u rows and %u columns, expected %d and %d", in->path,
                        rows, columns, ESP_IMAGE_SIDE, ESP_IMAGE_SIDE);
    *count = (int)images;
    return ESP_OK;
}

/* Makes room for `size` bytes. The new block is not touched and the old one is not copied but moved by the kernel, so
 * the memory in use stays what was read so far. */
static esp_status grow(const char *path, uint8_t **pixels, size_t size)
{
    uint8_t *larger = realloc(*pixels, size);
    if (!larger) return esp_fail(ESP_ERR_MACHINE, "%s: this machine has no memory for %zu bytes of pixels", path, size);
    *pixels = larger;
    return ESP_OK;
}

/* *pixels belongs to the caller on failure as well. */
static esp_status read_pixels(source *in, int count, uint8_t **pixels)
{
    size_t total = (size_t)count * ESP_IMAGE_PIXELS, have = 0, got = 0;
    while (have < total) {
        size_t room = have ? 2 * have : FIRST_BLOCK;
        if (room > total) room = total;
        esp_status status = grow(in->path, pixels, room);
        if (status == ESP_OK) status = read_source(in, *pixels + have, room - have, &got);
        if (status != ESP_OK) return status;
        have += got;
        if (have < room)
            return esp_fail(ESP_ERR_FORMAT, "%s: ends after %zu bytes of pixels, but its %d images need %zu", in->path,
                            have, count, total);
    }
    uint8_t surplus;
    esp_status status = read_source(in, &surplus, 1, &got); /* reads the checksum of gzip data as well */
    if (status == ESP_OK && got > 0)
        status = esp_fail(ESP_ERR_FORMAT, "%s: has bytes after its %d images, which end at byte %zu", in->path, count,
                          HEADER + total);
    return status;
}

/* A damaged byte of gzip data first shows as a wrong header, or as too few or too many pixels; the checksum at the
 * end is the better witness. Reads on to it, unless that takes longer than the largest file. */
static esp_status blame_damage(source *in, esp_status status)
{
    esp_error found;
    uint8_t rest[4096];
    size_t got = sizeof rest, left = (size_t)ESP_IDX_MAX_IMAGES * ESP_IMAGE_PIXELS;
    if (status != ESP_ERR_FORMAT || !in->gzipped || in->damaged) return status;
    esp_error_take(&found, status);
    for (; got == sizeof rest && left > got; left -= got) {
        status = read_source(in, rest, sizeof rest, &got);
        if (status != ESP_OK) return status;
    }
    return esp_error_raise(&found);
}

esp_status esp_idx_read(const char *path, esp_images *out)
{
    source *in = esp_alloc(1, sizeof *in);
    esp_images images = {0};
    esp_status status = open_source(in, path);
    if (status == ESP_OK) status = read_header(in, &images.count);
    if (status == ESP_OK) status = read_pixels(in, images.count, &images.pixels);
    status = blame_damage(in, status);
    close_source(in);
    free(in);
    if (status == ESP_OK) *out = images;
    else                  esp_images_free(&images);
    return status;
}
