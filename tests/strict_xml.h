/* A tiny strict reader: just enough XML to tell whether a text without comments or declarations is
 * well formed. */
#ifndef ESP_TESTS_STRICT_XML_H
#define ESP_TESTS_STRICT_XML_H

#include <ctype.h>

#include "tests/check.h"

typedef struct {
    const char *at;
    const char *wrong; /* what is wrong, or NULL */
} xml_text;

static inline void xml_refuse(xml_text *xml, const char *what)
{
    if (!xml->wrong) xml->wrong = what;
}

static inline bool xml_accept(xml_text *xml, const char *token)
{
    size_t length = strlen(token);
    if (strncmp(xml->at, token, length) != 0) return false;
    xml->at += length;
    return true;
}

/* Reads characters up to one of `stop`: references must be known, and control characters are
 * errors. */
static inline void xml_characters(xml_text *xml, const char *stop)
{
    static const char *const references[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    while (*xml->at && !strchr(stop, *xml->at) && !xml->wrong) {
        if (*xml->at == '<') xml_refuse(xml, "a bare <");
        if ((unsigned char)*xml->at < 0x20 && *xml->at != '\n') xml_refuse(xml, "a control character");
        if (*xml->at != '&') {
            xml->at++;
            continue;
        }
        size_t i = 0;
        while (i < 5 && !xml_accept(xml, references[i])) i++;
        if (i == 5) xml_refuse(xml, "an unknown reference");
    }
}

static inline void xml_name(xml_text *xml, char name[32])
{
    int length = 0;
    while ((isalnum((unsigned char)*xml->at) || strchr("-:", *xml->at)) && *xml->at && length < 31)
        name[length++] = *xml->at++;
    name[length] = 0;
    if (length == 0) xml_refuse(xml, "a missing name");
}

static inline void xml_attributes(xml_text *xml)
{
    char seen[16][32];
    for (int count = 0; xml_accept(xml, " ") && !xml->wrong; count++) {
        if (count == 16) return xml_refuse(xml, "more attributes than the reader holds");
        xml_name(xml, seen[count]);
        for (int i = 0; i < count; i++)
            if (strcmp(seen[i], seen[count]) == 0) xml_refuse(xml, "an attribute given twice");
        if (!xml_accept(xml, "=\"")) return xml_refuse(xml, "an attribute without a quoted value");
        xml_characters(xml, "\"");
        if (!xml_accept(xml, "\"")) xml_refuse(xml, "an open quote");
    }
}

static inline void xml_element(xml_text *xml)
{
    char name[32], end[32];
    if (!xml_accept(xml, "<")) return xml_refuse(xml, "no element");
    xml_name(xml, name);
    xml_attributes(xml);
    if (xml_accept(xml, "/>")) return;
    if (!xml_accept(xml, ">")) return xml_refuse(xml, "a tag without end");
    while (!xml->wrong) {
        xml_characters(xml, "<");
        if (xml_accept(xml, "</")) break;
        xml_element(xml);
    }
    if (xml->wrong) return;
    xml_name(xml, end);
    if (strcmp(name, end) != 0 || !xml_accept(xml, ">")) xml_refuse(xml, "an element closed by another name");
}

/* Whether the text is one element and a final newline. Prints what is wrong, and where. */
static inline bool is_strict_xml(const char *text)
{
    xml_text xml = {text, NULL};
    xml_element(&xml);
    if (!xml.wrong && strcmp(xml.at, "\n") != 0) xml_refuse(&xml, "text after the element");
    if (xml.wrong) printf("\n    %s at: %.60s ", xml.wrong, xml.at);
    return xml.wrong == NULL;
}

#endif
