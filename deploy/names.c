/* C identifiers for components and layers, whatever their names are. */
#include <stdio.h>
#include <string.h>

#include "deploy/deploy_internal.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "_encoder.1" -> "encoder_1"; a name that begins with a digit gets `prefix` in front. */
static void make_identifier(const char *name, const char *prefix, char out[ESP_C_NAME])
{
    while (*name && !is_letter(*name) && !is_digit(*name)) name++;
    int length = snprintf(out, ESP_C_NAME, "%s", is_letter(*name) ? "" : prefix);
    for (; *name && length < ESP_NAME; name++) {
        bool fits = is_letter(*name) || is_digit(*name);
        if (!fits && out[length - 1] == '_') continue; /* two underscores are reserved in C++ */
        out[length++] = fits ? *name : '_';
    }
    while (length > 0 && out[length - 1] == '_') length--;
    out[length] = '\0';
}

static bool is_taken(const char (*names)[ESP_C_NAME], int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Makes names[index] differ from those before it. */
static void make_unique(char (*names)[ESP_C_NAME], int index)
{
    char plain[ESP_C_NAME];
    snprintf(plain, sizeof plain, "%s", names[index]);
    for (int number = 2; is_taken((const char (*)[ESP_C_NAME])names, index, names[index]); number++)
        snprintf(names[index], ESP_C_NAME, "%.*s_%d", ESP_C_NAME - 12, plain, number);
}

void esp_c_names_make(const esp_c_export *what, esp_c_names *out)
{
    const esp_network *net = what->net;
    memset(out, 0, sizeof *out);
    for (int c = 0; c < net->num_components; c++) {
        make_identifier(net->component[c].name, "part_", out->component[c]);
        make_unique(out->component, c);
    }
    for (int i = 0; i < net->num_layers; i++) {
        make_identifier(net->layer[i].module, "layer_", out->layer[i]);
        make_unique(out->layer, i);
    }
}

/* Words of C and C++ that are also file names and prefixes nobody wants. */
static const char *const keywords[] = {
    "and", "asm", "auto", "bool", "break", "case", "catch", "char", "class", "const", "continue", "default", "delete",
    "do", "double", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
    "inline", "int", "long", "main", "mutable", "namespace", "new", "not", "operator", "or", "private", "protected",
    "public", "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "template",
    "this", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void",
    "volatile", "while", "xor",
};

esp_status esp_c_name_check(const char *name)
{
    bool good = *name >= 'a' && *name <= 'z' && strlen(name) < 32 && !strstr(name, "__");
    for (const char *c = name; *c; c++) good = good && ((*c >= 'a' && *c <= 'z') || is_digit(*c) || *c == '_');
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) good = good && strcmp(name, keywords[i]) != 0;
    if (good) return ESP_OK;
    return esp_fail(ESP_ERR_USAGE,
                    "'%s' cannot be the name of an export: at most 31 small letters, digits and underscores, "
                    "beginning with a letter, and no word of C or C++", name);
}
