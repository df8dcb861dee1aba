/* A subject as source code for other projects: what its controller reads and writes, and an example. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "application/application_internal.h"

enum { RANDOM_STEPS = 8 };

const char *esp_deployment_keep(esp_deployment *d, const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    esp_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    for (int i = 0; i < ESP_DEPLOYMENT_TEXTS; i++)
        if (!d->text[i]) return d->text[i] = esp_strdup(text);
    return "";
}

/* "input[0 .. 47]: obs" for every named part of a row. */
static const char *describe_ports(esp_deployment *d, const esp_network *net, const esp_port *ports, int count,
                                  const char *row)
{
    char text[1536] = "";
    size_t length = 0;
    int at = 0;
    for (int i = 0; i < count && length + 128 < sizeof text; i++) {
        int size = esp_port_size(net, &ports[i]);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s[%d .. %d]: %s\n", row, at, at + size - 1,
                                   ports[i].name);
        at += size;
    }
    return esp_deployment_keep(d, "%s", text);
}

static void describe(esp_deployment *d)
{
    const esp_network *net = d->code.net;
    const esp_component *first = &net->component[d->code.component[0]];
    const esp_component *last = &net->component[d->code.component[d->code.num_components - 1]];
    d->code.input_about = describe_ports(d, net, first->input, first->num_inputs, "input");
    d->code.output_about = describe_ports(d, net, last->output, last->num_outputs, "output");
}

esp_status esp_subject_chain(const esp_subject *subject, int *count, int *components)
{
    const esp_network *net = subject->net;
    *count = 0;
    for (int c = 0; c < net->num_components; c++)
        if ((subject->components >> c & 1u) && net->component[c].num_layers > 0) components[(*count)++] = c;
    for (int i = 1; i < *count; i++) {
        int before = components[i - 1], after = components[i];
        if (net->component[before].out_size != net->component[after].in_size)
            return esp_fail(ESP_ERR_USAGE, "%s: component '%s' does not read what '%s' writes, so the order in which "
                            "they run is not known", subject->path, esp_component_name(net, after),
                            esp_component_name(net, before));
    }
    return ESP_OK;
}

/* Inputs around 0, or random bytes. */
static void draw_example(esp_deployment *d)
{
    size_t inputs = (size_t)esp_c_inputs(&d->code), count = RANDOM_STEPS * inputs;
    esp_rng rng = esp_rng_make(1, ESP_RNG_TEST, 0);
    if (esp_component_reads_bytes(d->code.net, d->code.component[0])) {
        uint8_t *bytes = d->example = esp_alloc(count, 1);
        for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)esp_rng_below(&rng, 256);
    } else {
        d->example = esp_alloc(count, sizeof(float));
        esp_rng_normal(&rng, d->example, count);
    }
    d->code.num_examples = RANDOM_STEPS;
    d->code.example_about = "Random inputs, and the outputs that espalier computed.";
}

esp_status esp_deployment_make(esp_subject *subject, const char *name, esp_deployment *out)
{
    char title[256];
    esp_deployment d = {.code = {.name = name, .origin = esp_path_name(subject->path), .net = subject->net,
                                 .history = 1, .about = "",
                                 .last = subject->application->last}};
    subject->application->title(subject, title, sizeof title);
    d.code.title = d.title = esp_strdup(title);
    esp_status status = ESP_OK;
    if (subject->application->deploy) {
        status = subject->application->deploy(subject, &d);
    } else {
        status = esp_subject_chain(subject, &d.code.num_components, d.code.component);
        if (status == ESP_OK) describe(&d);
    }
    if (status == ESP_OK) {
        if (!d.example) draw_example(&d);
        d.code.example = d.example;
        d.code.hash = esp_c_hash(&d.code);
        *out = d;
        if (d.code.planner) out->code.planner = &out->planner;
    } else {
        esp_deployment_free(&d);
    }
    return status;
}

void esp_deployment_free(esp_deployment *d)
{
    free(d->title);
    free(d->example);
    free(d->expected);
    for (int i = 0; i < ESP_DEPLOYMENT_TEXTS; i++) free(d->text[i]);
    *d = (esp_deployment){.title = NULL};
}
