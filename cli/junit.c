/* A result as JUnit XML. The format has no official definition: this follows the schema of Ant's
 * junitreport, without anything that Jenkins or GitLab would refuse. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/junit.h"
#include "report/report.h"

/* Writes name="value" after a blank. */
static void write_attribute(FILE *out, const char *name, const char *value)
{
    char *escaped = esp_xml_escape(value);
    fprintf(out, " %s=\"%s\"", name, escaped);
    free(escaped);
}

static void write_property(FILE *out, const cJSON *fact)
{
    char *text = esp_json_line(fact);
    fprintf(out, "    <property");
    write_attribute(out, "name", fact->string);
    write_attribute(out, "value", cJSON_IsString(fact) ? fact->valuestring : text);
    fprintf(out, "/>\n");
    free(text);
}

static void write_case(FILE *out, const esp_junit *result)
{
    const char *kind = result->error ? "error" : "failure";
    const char *message = result->error ? result->error : result->failure;
    fprintf(out, "  <testcase");
    write_attribute(out, "classname", result->suite);
    write_attribute(out, "name", result->name);
    fprintf(out, " time=\"%.3f\"", result->seconds);
    if (message) {
        fprintf(out, ">\n    <%s", kind);
        write_attribute(out, "type", kind);
        write_attribute(out, "message", message);
        char *escaped = esp_xml_escape(message);
        fprintf(out, ">%s</%s>\n  </testcase>\n", escaped, kind);
        free(escaped);
    } else {
        fprintf(out, "/>\n");
    }
}

static void write_suite(FILE *out, const esp_junit *result)
{
    char host[256] = "", started[32];
    time_t now = time(NULL);
    struct tm utc;
    gethostname(host, sizeof host - 1);
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &utc));
    fprintf(out, "<testsuite");
    write_attribute(out, "name", result->suite);
    fprintf(out, " tests=\"1\" failures=\"%d\" errors=\"%d\" time=\"%.3f\" timestamp=\"%s\"",
            !result->error && result->failure, result->error != NULL, result->seconds, started);
    write_attribute(out, "hostname", *host ? host : "localhost");
    fprintf(out, ">\n  <properties>\n");
    const cJSON *fact;
    cJSON_ArrayForEach(fact, result->facts)
        /* An interval is written, a list of episodes is not. */
        if (cJSON_GetArraySize(fact) <= 2) write_property(out, fact);
    fprintf(out, "  </properties>\n");
    write_case(out, result);
    fprintf(out, "  <system-out/>\n  <system-err/>\n</testsuite>\n");
}

esp_status esp_junit_write(const char *path, const esp_junit *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return esp_fail(ESP_ERR_MACHINE, "no memory for %s", path);
    write_suite(out, result);
    fclose(out);
    esp_status status = esp_file_write(path, text, size);
    free(text);
    return status;
}
