/* Event files for TensorBoard: records framed as TFRecord, each a protobuf message `Event` of tensorflow/core/util/
 * event.proto. Of both formats only the few fields that scalars need are written. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report/report.h"

/* ---- CRC-32C (Castagnoli), reflected polynomial 0x82f63b78; zlib has only CRC-32 ---- */

static uint32_t crc32c(const uint8_t *data, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

/* A checksum that is stored beside the data that it covers is rotated and offset, because the CRC of data that holds
 * its own CRC is weak (tensorflow/core/lib/hash/crc32c.h). */
static uint32_t masked_crc(const void *data, size_t size)
{
    uint32_t crc = crc32c(data, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* ---- protobuf: a field is a key, number << 3 | wire type, and a value ---- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* A message under construction. */
typedef struct {
    uint8_t *data; /* owned */
    size_t   size;
} message;

static void put(message *m, const void *data, size_t size)
{
    uint8_t *longer = esp_alloc(m->size + size, 1);
    if (m->size) memcpy(longer, m->data, m->size);
    memcpy(longer + m->size, data, size);
    free(m->data);
    m->data = longer;
    m->size += size;
}

static void put_varint(message *m, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    for (; value > 0x7f; value >>= 7) bytes[count++] = (uint8_t)(value | 0x80);
    bytes[count++] = (uint8_t)value;
    put(m, bytes, count);
}

static void put_key(message *m, int field, int wire)
{
    put_varint(m, (uint64_t)(field << 3 | wire));
}

static void put_bytes(message *m, int field, const void *data, size_t size)
{
    put_key(m, field, BYTES);
    put_varint(m, size);
    put(m, data, size);
}

/* Puts a finished message into another one, as its field. */
static void put_message(message *m, int field, message *inner)
{
    put_bytes(m, field, inner->data, inner->size);
    free(inner->data);
}

/* ---- events ---- */

/* Event.wall_time and Event.step; x86-64 is little-endian, as protobuf is. */
static message event_at(double wall_time, int64_t step)
{
    message event = {NULL, 0};
    put_key(&event, 1, FIXED64);
    put(&event, &wall_time, sizeof wall_time);
    put_key(&event, 2, VARINT);
    put_varint(&event, (uint64_t)step);
    return event;
}

/* Summary.Value.tag and .simple_value. */
static message value_of(const char *tag, float number)
{
    message value = {NULL, 0};
    put_bytes(&value, 1, tag, strlen(tag));
    put_key(&value, 2, FIXED32);
    put(&value, &number, sizeof number);
    return value;
}

/* Frames a finished event: length, its checksum, data, its checksum. */
static void write_record(FILE *out, message *event)
{
    uint64_t length = event->size;
    uint32_t of_length = masked_crc(&length, sizeof length), of_data = masked_crc(event->data, event->size);
    fwrite(&length, sizeof length, 1, out);
    fwrite(&of_length, sizeof of_length, 1, out);
    fwrite(event->data, 1, event->size, out);
    fwrite(&of_data, sizeof of_data, 1, out);
    free(event->data);
}

void esp_events_begin(FILE *out, double wall_time, int64_t first_step)
{
    static const char version[] = "brain.Event:2"; /* from version 2 on readers look at session logs */
    message event = event_at(wall_time, 0), start = event_at(wall_time, first_step), log = {NULL, 0};
    put_bytes(&event, 3, version, strlen(version)); /* Event.file_version */
    write_record(out, &event);
    put_key(&log, 1, VARINT);
    put_varint(&log, 1); /* SessionLog.status = START */
    put_message(&start, 7, &log); /* Event.session_log */
    write_record(out, &start);
}

void esp_events_scalars(FILE *out, double wall_time, int64_t step, const cJSON *scalars)
{
    const cJSON *item;
    message event = event_at(wall_time, step), summary = {NULL, 0};
    cJSON_ArrayForEach(item, scalars) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) continue;
        message value = value_of(item->string, (float)item->valuedouble);
        put_message(&summary, 1, &value); /* Summary.value */
    }
    put_message(&event, 5, &summary); /* Event.summary */
    write_record(out, &event);
}

/* ---- the files of a folder ---- */

int64_t esp_events_latest(const char *folder)
{
    static const char start[] = "events.out.tfevents.";
    int64_t latest = 0;
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing)) != NULL;) {
        uint64_t made;
        if (strncmp(entry->d_name, start, strlen(start)) == 0 &&
            esp_digits_parse(entry->d_name + strlen(start), &made) > 0 && made < INT64_MAX && (int64_t)made > latest)
            latest = (int64_t)made;
    }
    if (listing) closedir(listing);
    return latest;
}

/* TensorBoard reads the files of a folder in the order of their names, so a new one must sort last. */
char *esp_events_path(const char *folder)
{
    int64_t now = (int64_t)time(NULL), latest = esp_events_latest(folder);
    char host[65] = "", name[160];
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "events.out.tfevents.%010jd.%s.%d", (intmax_t)(now > latest ? now : latest + 1),
             host[0] ? host : "localhost", (int)getpid());
    return esp_path_join(folder, name);
}
