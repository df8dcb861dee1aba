/* Words for the shell come back as they were; tables of named rows answer an unknown name with all names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#include "check.h"

/* What a shell makes of the word; the caller frees it. */
static char *through_shell(const char *word)
{
    char *command = NULL, read[256] = "";
    size_t size;
    FILE *out = open_memstream(&command, &size);
    fputs("printf %s", out);
    esp_write_shell_word(out, word);
    fclose(out);
    FILE *shell = popen(command, "r");
    read[fread(read, 1, sizeof read - 1, shell)] = 0;
    pclose(shell);
    free(command);
    return esp_strdup(read);
}

static void a_shell_reads_every_word_as_it_was(void)
{
    static const char *const words[] = {"plain-1.5,a=b", "two words", "", "it's", "'", "''", "a'b c'd", "$HOME `id`",
                                        "*", "a\nb", "\\", "\"q\"", "~", "#", "!!"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *read = through_shell(words[i]);
        CU_ASSERT_STRING_EQUAL(read, words[i]);
        free(read);
    }
}

static void a_plain_word_needs_no_quotes(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    esp_write_shell_word(out, "models/pendulum/agent.safetensors");
    esp_write_shell_word(out, "two words");
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text, " models/pendulum/agent.safetensors 'two words'");
    free(text);
}

static void an_unknown_row_is_answered_with_all_names(void)
{
    static const struct { const char *name; int value; } table[] = {{"one", 1}, {"two", 2}, {NULL, 0}};
    CU_ASSERT_PTR_EQUAL(esp_row_find(table, sizeof *table, "two"), &table[1]);
    CU_ASSERT_PTR_NULL(esp_row_find(table, sizeof *table, "three"));
    CU_ASSERT_STRING_EQUAL(esp_error_text(), "expected one|two, found 'three'");
    CU_ASSERT_PTR_NULL(esp_row_find(table, sizeof *table, NULL));
}

static CU_TestInfo tests[] = {
    {"a shell reads every word as it was", a_shell_reads_every_word_as_it_was},
    {"a plain word needs no quotes", a_plain_word_needs_no_quotes},
    {"an unknown row is answered with all names", an_unknown_row_is_answered_with_all_names},
    CU_TEST_INFO_NULL,
};

ESP_SUITE("words", tests)
