/* Expressions of task files: text that muParser compiles to byte code over variables at fixed addresses. */
#ifndef ESP_ENVS_EXPRESSION_INTERNAL_H
#define ESP_ENVS_EXPRESSION_INTERNAL_H

#include "base/base.h"

enum {
    ESP_EXPRESSION_BYTES = 19999,    /* longest expression: what muParser 2.3 takes */
    ESP_EXPRESSION_LEVELS = 256      /* deepest parentheses */
};

/* A compiled expression. It reads its variables where they stand, so it belongs to whoever owns them, and to one
 * thread at a time. */
typedef struct esp_expression esp_expression;

/* Gives the address of a named variable, which must stay valid as long as the expression. A name that is not known is
 * a failure whose sentence says what was expected. */
typedef esp_status (*esp_resolve_fn)(void *context, const char *name, const double **address);

/* Compiles a text. `where` names the expression in error sentences, which also give the position of the offending
 * character, counted from 1. ESP_ERR_FORMAT for anything that is wrong with the text. */
esp_status esp_expression_create(const char *text, const char *where, esp_resolve_fn resolve, void *context,
                                 esp_expression **out);
void       esp_expression_free(esp_expression *expression); /* accepts NULL */
/* Evaluates with the present values of the variables; allocates nothing. Division by zero and the like give NaN or
 * infinity. */
double     esp_expression_value(esp_expression *expression);

/* Whether a text is an identifier: a letter or _, then letters, digits and _. */
bool esp_is_identifier(const char *text);

/* functions.c: a function that expressions may call. One of `one`, `two` and `many` is set. */
typedef struct {
    const char *name;                                /* as it is called */
    int         least, most;                         /* numbers that it takes */
    double    (*one)(double x);                      /* for exactly one */
    double    (*two)(double x, double y);            /* for exactly two */
    double    (*many)(const double *x, int count);   /* for any other number */
} esp_function;

extern const esp_function esp_functions[]; /* ends with a NULL name */

#endif
