/* Expressions of task files. The text is checked here before muParser sees it: names, numbers of arguments, depth and
 * characters, so that a sentence can name the nearest valid name and the position, and so that no input can exhaust a
 * stack. What is left for muParser to refuse is syntax. */
#include "envs/expression_internal.h"

#include <math.h>
#include <muParserDLL.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 100 }; /* longest name, bytes; muParser's own limit */

struct esp_expression {
    muParserHandle_t parser;
};

/* A text that is being read. */
typedef struct {
    const char      *text, *where;
    esp_resolve_fn   resolve;
    void            *context;
    muParserHandle_t parser;
    int              depth;
    struct { int at; const esp_function *function; int count; } open[ESP_EXPRESSION_LEVELS];
} reader;

/* ---- names --------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool continues_name(char c)
{
    return begins_name(c) || is_digit(c) || c == '.';
}

bool esp_is_identifier(const char *text)
{
    if (!begins_name(*text)) return false;
    while (*text && continues_name(*text) && *text != '.') text++;
    return !*text;
}

static esp_status refuse(const reader *r, int at, const char *what)
{
    return esp_fail(ESP_ERR_FORMAT, "%s: position %d: %s", r->where, at + 1, what);
}

static const esp_function *find_function(const char *name)
{
    for (const esp_function *f = esp_functions; f->name; f++)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}

static esp_status refuse_function(const reader *r, int at, const char *name)
{
    const char *names[64];
    int count = 0;
    for (const esp_function *f = esp_functions; f->name; f++) names[count++] = f->name;
    const char *nearest = esp_nearest(name, names, count);
    return esp_fail(ESP_ERR_FORMAT, "%s: position %d: there is no function '%s'%s%s%s", r->where, at + 1, name,
                    nearest ? "; did you mean '" : "; docs/tasks.md lists them", nearest ? nearest : "",
                    nearest ? "'?" : "");
}

static esp_status define_variable(const reader *r, int at, const char *name)
{
    const double *address = NULL;
    if (strcmp(name, "pi") == 0 || strcmp(name, "inf") == 0) return ESP_OK;
    esp_status status = r->resolve(r->context, name, &address);
    if (status != ESP_OK) return esp_fail_in(status, "%s: position %d", r->where, at + 1);
    mupDefineVar(r->parser, name, (muFloat_t *)address);
    return ESP_OK;
}

/* ---- brackets and arguments ------------------------------------------------------------------------ */

static esp_status open_bracket(reader *r, int at, const esp_function *function)
{
    if (r->depth == ESP_EXPRESSION_LEVELS)
        return esp_fail(ESP_ERR_FORMAT, "%s: position %d: more than %d levels of parentheses", r->where, at + 1,
                        ESP_EXPRESSION_LEVELS);
    r->open[r->depth].at = at;
    r->open[r->depth].function = function;
    r->open[r->depth++].count = 1;
    return ESP_OK;
}

static esp_status close_bracket(reader *r, int at)
{
    if (r->depth == 0) return refuse(r, at, "')' without '('");
    const esp_function *f = r->open[--r->depth].function;
    int count = r->open[r->depth].count;
    if (!f) return ESP_OK;
    if (count >= f->least && count <= f->most) return ESP_OK;
    if (f->least == f->most)
        return esp_fail(ESP_ERR_FORMAT, "%s: position %d: %s() takes %d number%s, found %d", r->where,
                        r->open[r->depth].at + 1, f->name, f->least, f->least == 1 ? "" : "s", count);
    return esp_fail(ESP_ERR_FORMAT, "%s: position %d: %s() takes %d to %d numbers, found %d", r->where,
                    r->open[r->depth].at + 1, f->name, f->least, f->most, count);
}

static esp_status separate(reader *r, int at)
{
    if (r->depth == 0 || !r->open[r->depth - 1].function)
        return refuse(r, at, "',' outside the parentheses of a function");
    r->open[r->depth - 1].count++;
    return ESP_OK;
}

/* ---- tokens -------------------------------------------------------------------------------------- */

/* Reads a name and, for a function, its '('. */
static esp_status read_name(reader *r, int *at)
{
    char name[NAME + 1];
    int begin = *at, length = 0;
    while (continues_name(r->text[begin + length])) length++;
    if (length > NAME) return refuse(r, begin, "a name of more than 100 characters");
    memcpy(name, r->text + begin, (size_t)length);
    name[length] = '\0';
    *at = begin + length;
    int next = *at + (int)strspn(r->text + *at, " \t\n\r");
    if (r->text[next] != '(') return define_variable(r, begin, name);
    const esp_function *function = find_function(name);
    if (!function) return refuse_function(r, begin, name);
    *at = next + 1;
    next = *at + (int)strspn(r->text + *at, " \t\n\r");
    if (r->text[next] == ')') return refuse(r, begin, "a function without numbers in its parentheses");
    return open_bracket(r, begin, function);
}

/* Digits with at most one point, and an exponent. */
static esp_status read_number(const reader *r, int *at)
{
    int begin = *at, points = 0;
    while (is_digit(r->text[*at]) || r->text[*at] == '.') points += r->text[(*at)++] == '.';
    if (r->text[*at] == 'e' || r->text[*at] == 'E') {
        *at += 1 + (r->text[*at + 1] == '-' || r->text[*at + 1] == '+');
        if (!is_digit(r->text[*at])) return refuse(r, begin, "a number without digits in its exponent");
        while (is_digit(r->text[*at])) (*at)++;
    }
    if (points > 1 || continues_name(r->text[*at])) return refuse(r, begin, "not a number");
    return ESP_OK;
}

/* '=' alone would assign to a variable. */
static esp_status read_operator(const reader *r, int *at)
{
    static const char *const two[] = {"==", "!=", "<=", ">=", "&&", "||"};
    char c = r->text[*at];
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (strncmp(r->text + *at, two[i], 2) == 0) {
            *at += 2;
            return ESP_OK;
        }
    if (c == '=') return refuse(r, *at, "'=' (write == to compare)");
    if (!strchr("+-*/^<>?:! \t\n\r", c)) return refuse(r, *at, "a character that no expression contains");
    (*at)++;
    return ESP_OK;
}

static esp_status read_token(reader *r, int *at)
{
    char c = r->text[*at];
    if (begins_name(c)) return read_name(r, at);
    if (is_digit(c) || c == '.') return read_number(r, at);
    if (c == '(') return open_bracket(r, (*at)++, NULL);
    if (c == ')') return close_bracket(r, (*at)++);
    if (c == ',') return separate(r, (*at)++);
    return read_operator(r, at);
}

static esp_status read_text(reader *r)
{
    size_t length = strlen(r->text);
    if (length > ESP_EXPRESSION_BYTES)
        return esp_fail(ESP_ERR_FORMAT, "%s: %zu characters, expected at most %d", r->where, length,
                        ESP_EXPRESSION_BYTES);
    if (strspn(r->text, " \t\n\r") == length) return esp_fail(ESP_ERR_FORMAT, "%s: is empty", r->where);
    esp_status status = ESP_OK;
    for (int at = 0; status == ESP_OK && r->text[at];) status = read_token(r, &at);
    if (status == ESP_OK && r->depth > 0) status = refuse(r, r->open[r->depth - 1].at, "'(' without ')'");
    return status;
}

/* ---- muParser ------------------------------------------------------------------------------------ */

static muFloat_t negate(muFloat_t x)
{
    return x == 0.0;
}

static void define_functions(muParserHandle_t parser)
{
    mupClearFun(parser);
    mupClearConst(parser);
    for (const esp_function *f = esp_functions; f->name; f++) {
        if (f->one) mupDefineFun1(parser, f->name, f->one, 0);
        if (f->two) mupDefineFun2(parser, f->name, f->two, 0);
        if (f->many) mupDefineMultFun(parser, f->name, f->many, 0);
    }
    mupDefineConst(parser, "pi", M_PI);
    mupDefineConst(parser, "inf", INFINITY);
    mupDefineInfixOprt(parser, "!", negate, 0);
}

/* Without a handler muParser prints. */
static void keep_quiet(muParserHandle_t parser)
{
    (void)parser;
}

/* Byte code is made by the first evaluation; later ones allocate nothing. */
static esp_status compile(const reader *r)
{
    mupSetExpr(r->parser, r->text);
    if (!mupError(r->parser)) mupEval(r->parser);
    if (!mupError(r->parser)) return ESP_OK;
    int at = mupGetErrorPos(r->parser);
    char what[256];
    snprintf(what, sizeof what, "%s", mupGetErrorMsg(r->parser));
    char *newline = strchr(what, '\n');
    if (newline) *newline = '\0';
    return esp_fail(ESP_ERR_FORMAT, "%s: position %d: %s", r->where, (at < 0 ? (int)strlen(r->text) : at) + 1, what);
}

esp_status esp_expression_create(const char *text, const char *where, esp_resolve_fn resolve, void *context,
                                 esp_expression **out)
{
    /* Parsers share a table of messages and a locale while they are made. */
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&making);
    reader *r = esp_alloc(1, sizeof *r);
    *r = (reader){.text = text, .where = where, .resolve = resolve, .context = context,
                  .parser = mupCreate(muBASETYPE_FLOAT)};
    mupSetErrorHandler(r->parser, keep_quiet);
    mupDefineNameChars(r->parser, "0123456789_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    define_functions(r->parser);
    esp_status status = read_text(r);
    if (status == ESP_OK) status = compile(r);
    if (status == ESP_OK) {
        *out = esp_alloc(1, sizeof **out);
        (*out)->parser = r->parser;
    } else {
        mupRelease(r->parser);
    }
    free(r);
    pthread_mutex_unlock(&making);
    return status;
}

void esp_expression_free(esp_expression *expression)
{
    if (!expression) return;
    mupRelease(expression->parser);
    free(expression);
}

double esp_expression_value(esp_expression *expression)
{
    return mupEval(expression->parser);
}
