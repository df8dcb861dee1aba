/* Data of a tensor in a file beside the model. The model says which file, so the file must be in the model's folder
 * itself: a stranger's model must not make this program read anything else. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/onnx_internal.h"

/* Where the data is. */
typedef struct {
    const char *location;        /* name of the file */
    uint64_t    offset, length;  /* bytes; length UINT64_MAX: not said */
} place;

static esp_status read_place(const Onnx__TensorProto *tensor, place *out)
{
    *out = (place){.length = UINT64_MAX};
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = tensor->external_data[i]->key, *value = tensor->external_data[i]->value;
        if (!key || !value) continue;
        bool known = true;
        if (strcmp(key, "location") == 0) out->location = value;
        else if (strcmp(key, "offset") == 0) known = esp_u64_parse(value, &out->offset);
        else if (strcmp(key, "length") == 0) known = esp_u64_parse(value, &out->length);
        char word[ESP_ONNX_WORD];
        if (!known)
            return esp_fail(ESP_ERR_FORMAT, "external data: '%s' is no number of bytes", esp_onnx_word(value, word));
    }
    return out->location ? ESP_OK : esp_fail(ESP_ERR_FORMAT, "external data without a location");
}

static esp_status check_place(const place *p, size_t size)
{
    char word[ESP_ONNX_WORD];
    esp_onnx_word(p->location, word);
    if (!*p->location || strchr(p->location, '/') || strcmp(p->location, "..") == 0 || strcmp(p->location, ".") == 0)
        return esp_fail(ESP_ERR_FORMAT, "external data '%s': only a file in the model's own folder is read", word);
    if (p->length != UINT64_MAX && p->length != size)
        return esp_fail(ESP_ERR_FORMAT, "external data '%s': %llu bytes, its dimensions need %zu", word,
                        (unsigned long long)p->length, size);
    return ESP_OK;
}

/* Opens a regular file of the folder, never through a link, and checks that it has the bytes. */
static esp_status open_place(const place *p, const char *folder, size_t size, int *fd)
{
    char word[ESP_ONNX_WORD];
    struct stat info;
    esp_onnx_word(p->location, word);
    int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *fd = parent < 0 ? -1 : openat(parent, p->location, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int code = errno;
    if (parent >= 0) close(parent);
    if (*fd < 0)
        return esp_fail(ESP_ERR_IO, "external data '%s': %s", word,
                        code == ELOOP ? "it is a link, which is not followed" : strerror(code));
    if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode))
        return esp_fail(ESP_ERR_IO, "external data '%s': it is not a regular file", word);
    if (size > ESP_ONNX_FILE_LIMIT || p->offset > (uint64_t)info.st_size || size > (uint64_t)info.st_size - p->offset)
        return esp_fail(ESP_ERR_FORMAT, "external data '%s': %zu bytes from byte %llu are not in its %jd bytes", word,
                        size, (unsigned long long)p->offset, (intmax_t)info.st_size);
    return ESP_OK;
}

static esp_status read_bytes(const place *p, int fd, char *data, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = pread(fd, data + got, size - got, (off_t)(p->offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            char word[ESP_ONNX_WORD];
            return esp_fail(ESP_ERR_IO, "external data '%s': %s", esp_onnx_word(p->location, word),
                            n < 0 ? strerror(errno) : "it became shorter");
        }
        got += (size_t)n;
    }
    return ESP_OK;
}

esp_status esp_onnx_external(const Onnx__TensorProto *tensor, const char *folder, size_t size, char **data)
{
    place p;
    int fd = -1;
    char *bytes = NULL;
    esp_status status = folder ? read_place(tensor, &p) : esp_fail(ESP_ERR_FORMAT, "external data is not read here");
    if (status == ESP_OK) status = check_place(&p, size);
    if (status == ESP_OK) status = open_place(&p, folder, size, &fd);
    if (status == ESP_OK) {
        bytes = esp_alloc(size + 1, 1);
        status = read_bytes(&p, fd, bytes, size);
    }
    if (fd >= 0) close(fd);
    if (status == ESP_OK) *data = bytes;
    else                  free(bytes);
    return status;
}
