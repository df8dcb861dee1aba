/* Looks over the bytes of a message before protobuf-c unpacks it: the nesting that unpacking would recurse into, and
 * the memory that it would take, both of which a small hostile file can make large. */
#include "onnx/onnx_internal.h"

#define MAX_NESTING 32     /* an honest file has 6 levels, and 3 more for each level of control flow */
#define FIELD_BYTES 64     /* protobuf-c's note about a field while it unpacks, and the pointer to the result */

/* The bytes that are left, and what was found so far. */
typedef struct {
    const uint8_t *at, *end;
    size_t         memory;   /* bytes that unpacking takes */
    const char    *wrong;    /* the first thing wrong; NULL: nothing */
} scanner;

static bool refuse(scanner *s, const char *why)
{
    if (!s->wrong) s->wrong = why;
    return false;
}

static bool read_varint(scanner *s, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (s->at == s->end) return refuse(s, "it ends in the middle of a number");
        uint8_t byte = *s->at++;
        *out |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80)) return true;
    }
    return refuse(s, "a number has more than 10 bytes");
}

static bool skip(scanner *s, uint64_t count)
{
    if (count > (uint64_t)(s->end - s->at)) return refuse(s, "it is cut short");
    s->at += count;
    return true;
}

static bool scan_message(scanner *s, const ProtobufCMessageDescriptor *type, int nesting);

static bool is_number(ProtobufCType type)
{
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES && type != PROTOBUF_C_TYPE_MESSAGE;
}

/* A field with a length: a message inside, packed numbers, a text, or bytes. */
static bool scan_length(scanner *s, const ProtobufCFieldDescriptor *field, int nesting)
{
    uint64_t length;
    if (!read_varint(s, &length)) return false;
    if (length > (uint64_t)(s->end - s->at)) return refuse(s, "it is cut short");
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        s->memory += (size_t)length * (field && is_number(field->type) ? sizeof(int64_t) : 1) + 1;
        return skip(s, length);
    }
    const uint8_t *end = s->end;
    s->end = s->at + length;
    bool whole = scan_message(s, field->descriptor, nesting + 1);
    s->end = end;
    return whole;
}

static bool scan_field(scanner *s, const ProtobufCMessageDescriptor *type, int nesting)
{
    uint64_t tag, number;
    if (!read_varint(s, &tag)) return false;
    if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3) return refuse(s, "a field has an impossible number");
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    s->memory += FIELD_BYTES;
    switch (tag & 7) {
    case 0: return read_varint(s, &number);
    case 1: return skip(s, 8);
    case 2: return scan_length(s, field, nesting);
    case 5: return skip(s, 4);
    default: return refuse(s, "a field has a type that ONNX does not use");
    }
}

static bool scan_message(scanner *s, const ProtobufCMessageDescriptor *type, int nesting)
{
    if (nesting > MAX_NESTING) return refuse(s, "its messages are nested too deeply");
    s->memory += type->sizeof_message;
    while (s->at < s->end)
        if (!scan_field(s, type, nesting)) return false;
    return true;
}

esp_status esp_onnx_scan(const char *path, const void *bytes, size_t size)
{
    scanner s = {.at = bytes, .end = (const uint8_t *)bytes + size};
    if (!scan_message(&s, &onnx__model_proto__descriptor, 0))
        return esp_fail(ESP_ERR_FORMAT, "%s: not an ONNX file: %s at byte %td", path, s.wrong,
                        s.at - (const uint8_t *)bytes);
    if (s.memory > ESP_ONNX_MEMORY_LIMIT)
        return esp_fail(ESP_ERR_FORMAT, "%s: unpacking it would take %zu bytes, at most %zu are allowed", path,
                        s.memory, ESP_ONNX_MEMORY_LIMIT);
    return ESP_OK;
}
