/* The expressions of a task file, compiled for a model. Formulas read loads, which are numbers of the simulation, and
 * formulas before them. A block computes what some results need and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "envs/task_internal.h"

/* ---- compiling one formula ------------------------------------------------------------------------- */

/* The formula that is being compiled. */
typedef struct {
    esp_program *program;
    int          num_uses, use[ESP_TASK_LIST];
} compiling;

static esp_status note_use(compiling *c, int use)
{
    for (int i = 0; i < c->num_uses; i++)
        if (c->use[i] == use) return ESP_OK;
    if (c->num_uses == ESP_TASK_LIST)
        return esp_fail(ESP_ERR_FORMAT, "more than %d different names in one expression", ESP_TASK_LIST);
    c->use[c->num_uses++] = use;
    return ESP_OK;
}

static esp_status add_load(esp_program *p, const char *name, int *load)
{
    esp_quantity quantity;
    esp_status status = esp_quantity_find(&p->names, name, &quantity);
    if (status != ESP_OK) return status;
    if (p->num_loads == ESP_TASK_VALUES)
        return esp_fail(ESP_ERR_RANGE, "more than %d different quantities", ESP_TASK_VALUES);
    if (quantity.before && p->num_noted == ESP_TASK_NOTED)
        return esp_fail(ESP_ERR_RANGE, "more than %d different quantities 'before.'", ESP_TASK_NOTED);
    p->load[p->num_loads] = (esp_load){quantity, esp_strdup(name), quantity.before ? p->num_noted++ : -1};
    *load = p->num_loads++;
    return ESP_OK;
}

/* "draw.NAME", in the expressions of a start. */
static bool find_draw(const esp_program *p, const char *name, const double **address)
{
    for (int i = 0; p->draws && strncmp(name, "draw.", 5) == 0 && i < p->draws->count; i++)
        if (strcmp(p->draws->item[i].name, name + 5) == 0) {
            *address = &p->drawn[i];
            return true;
        }
    return false;
}

static bool is_defined(const esp_task_file *file, const char *name)
{
    for (int i = 0; i < file->definitions.count; i++)
        if (strcmp(file->definitions.item[i].name, name) == 0) return true;
    return false;
}

static esp_status resolve(void *context, const char *name, const double **address)
{
    compiling *c = context;
    esp_program *p = c->program;
    if (find_draw(p, name, address)) return ESP_OK;
    for (int i = 0; i < p->num_formulas; i++)
        if (p->formula[i].name && strcmp(p->formula[i].name, name) == 0) {
            *address = &p->formula_value[i];
            return note_use(c, ~i);
        }
    if (is_defined(p->file, name))
        return esp_fail(ESP_ERR_FORMAT, "'%s' is not defined yet: an expression may use definitions that stand before "
                        "it, and never itself", name);
    int load = -1;
    for (int i = 0; i < p->num_loads && load < 0; i++)
        if (strcmp(p->load[i].name, name) == 0) load = i;
    esp_status status = load < 0 ? add_load(p, name, &load) : ESP_OK;
    if (status != ESP_OK) return status;
    *address = &p->load_value[load];
    return note_use(c, load);
}

esp_status esp_program_add(esp_program *p, const char *name, const char *text, const char *where, int *formula)
{
    if (p->num_formulas == ESP_TASK_VALUES)
        return esp_fail(ESP_ERR_RANGE, "%s: more than %d expressions", where, ESP_TASK_VALUES);
    compiling *c = esp_alloc(1, sizeof *c);
    c->program = p;
    esp_formula added = {.name = name};
    esp_status status = esp_expression_create(text, where, resolve, c, &added.code);
    if (status == ESP_OK) {
        added.num_uses = c->num_uses;
        added.use = memcpy(esp_alloc((size_t)c->num_uses + 1, sizeof *added.use), c->use,
                           (size_t)c->num_uses * sizeof *added.use);
        *formula = p->num_formulas;
        p->formula[p->num_formulas++] = added;
    }
    free(c);
    return status;
}

/* ---- blocks -------------------------------------------------------------------------------------------- */

static void mark(const esp_program *p, int formula, bool *loads, bool *formulas)
{
    if (formulas[formula]) return;
    formulas[formula] = true;
    for (int i = 0; i < p->formula[formula].num_uses; i++) {
        int use = p->formula[formula].use[i];
        if (use >= 0) loads[use] = true;
        else          mark(p, ~use, loads, formulas); /* a formula before this one: the depth is limited */
    }
}

static int *collect(const bool *marked, int count, int *found)
{
    int *list = esp_alloc((size_t)count + 1, sizeof *list);
    *found = 0;
    for (int i = 0; i < count; i++)
        if (marked[i]) list[(*found)++] = i;
    return list;
}

void esp_block_make(const esp_program *p, int count, const int *formulas, esp_block *out)
{
    bool *marks = esp_alloc(2 * ESP_TASK_VALUES, sizeof *marks), *loads = marks + ESP_TASK_VALUES;
    for (int i = 0; i < count; i++) mark(p, formulas[i], loads, marks);
    *out = (esp_block){.num_results = count};
    out->result = memcpy(esp_alloc((size_t)count + 1, sizeof *out->result), formulas,
                         (size_t)count * sizeof *out->result);
    out->load = collect(loads, p->num_loads, &out->num_loads);
    out->formula = collect(marks, p->num_formulas, &out->num_formulas);
    free(marks);
}

void esp_block_free(esp_block *block)
{
    free(block->load);
    free(block->formula);
    free(block->result);
}

double esp_block_run(esp_program *p, const esp_block *block, const esp_play *play)
{
    for (int i = 0; i < block->num_loads; i++) {
        const esp_load *load = &p->load[block->load[i]];
        p->load_value[block->load[i]] =
            load->noted >= 0 ? play->noted[load->noted] : esp_quantity_value(&load->quantity, &p->names, play);
    }
    for (int i = 0; i < block->num_formulas; i++)
        p->formula_value[block->formula[i]] = esp_expression_value(p->formula[block->formula[i]].code);
    return block->num_results > 0 ? p->formula_value[block->result[0]] : 0.0;
}

double esp_block_result(const esp_program *p, const esp_block *block, int index)
{
    return p->formula_value[block->result[index]];
}

/* ---- all expressions of a file --------------------------------------------------------------------------- */

/* "terms.upright" */
static const char *place(char *out, size_t size, const char *list, const char *name)
{
    snprintf(out, size, "%s.%s", list, name);
    return out;
}

static esp_status add_definitions(esp_program *p)
{
    const esp_text_list *list = &p->file->definitions;
    esp_status status = ESP_OK;
    char where[256];
    int formula;
    for (int i = 0; i < list->count && status == ESP_OK; i++) {
        bool term = i >= list->count - p->file->num_terms;
        esp_quantity taken;
        place(where, sizeof where, term ? "terms" : "definitions", list->item[i].name);
        if (esp_quantity_find(&p->names, list->item[i].name, &taken) == ESP_OK)
            return esp_fail(ESP_ERR_FORMAT, "%s: the name is already that of a quantity", where);
        status = esp_program_add(p, list->item[i].name, list->item[i].text, where, &formula);
    }
    return status;
}

/* The terms are the last formulas so far. */
static void make_terms(esp_program *p)
{
    int terms[ESP_TASK_LIST], count = p->file->num_terms;
    for (int i = 0; i < count; i++) terms[i] = p->num_formulas - count + i;
    esp_block_make(p, count, terms, &p->terms);
}

static esp_status add_rewards(esp_program *p)
{
    const esp_text_list *list = &p->file->rewards;
    esp_status status = ESP_OK;
    char where[256];
    p->reward = esp_alloc((size_t)list->count + 1, sizeof *p->reward);
    for (int i = 0, formula; i < list->count && status == ESP_OK; i++) {
        place(where, sizeof where, "rewards", list->item[i].name);
        status = esp_program_add(p, NULL, list->item[i].text, where, &formula);
        if (status == ESP_OK) esp_block_make(p, 1, &formula, &p->reward[i]);
    }
    return status;
}

static esp_status add_endings(esp_program *p)
{
    const esp_text_list *list = &p->file->endings;
    esp_status status = ESP_OK;
    char where[256];
    int formulas[ESP_TASK_LIST];
    for (int i = 0; i < list->count && status == ESP_OK; i++) {
        place(where, sizeof where, "termination", list->item[i].name);
        status = esp_program_add(p, NULL, list->item[i].text, where, &formulas[i]);
    }
    if (status == ESP_OK) esp_block_make(p, list->count, formulas, &p->endings);
    return status;
}

static esp_status add_goal(esp_program *p)
{
    int formula;
    if (!p->file->goal) return ESP_OK;
    esp_status status = esp_program_add(p, NULL, p->file->goal, "goal.when", &formula);
    if (status == ESP_OK) esp_block_make(p, 1, &formula, &p->goal);
    return status;
}

static esp_status add_plots(esp_program *p)
{
    const esp_task_description *about = &p->file->task.about;
    esp_status status = ESP_OK;
    char where[256];
    p->plot = esp_alloc((size_t)about->num_quantities + 1, sizeof *p->plot);
    for (int i = 0, formula; i < about->num_quantities && status == ESP_OK; i++) {
        place(where, sizeof where, "plots", about->quantities[i].name);
        status = esp_program_add(p, NULL, p->file->plot[i], where, &formula);
        if (status == ESP_OK) esp_block_make(p, 1, &formula, &p->plot[i]);
    }
    return status;
}

esp_status esp_program_create(const esp_task_file *file, const mjModel *model, esp_program **out)
{
    esp_program *p = esp_alloc(1, sizeof *p);
    p->file = file;
    p->names = esp_task_file_names(file, model);
    p->load_value = esp_alloc(ESP_TASK_VALUES, sizeof *p->load_value);
    p->formula_value = esp_alloc(ESP_TASK_VALUES, sizeof *p->formula_value);
    p->load = esp_alloc(ESP_TASK_VALUES, sizeof *p->load);
    p->formula = esp_alloc(ESP_TASK_VALUES, sizeof *p->formula);
    p->drawn = esp_alloc(ESP_TASK_LIST, sizeof *p->drawn);
    esp_status status = add_definitions(p);
    if (status == ESP_OK) make_terms(p);
    if (status == ESP_OK) status = add_rewards(p);
    if (status == ESP_OK) status = add_endings(p);
    if (status == ESP_OK) status = add_goal(p);
    if (status == ESP_OK) status = add_plots(p);
    if (status == ESP_OK) status = esp_items_compile(p);
    if (status == ESP_OK) status = esp_starts_compile(p);
    if (status == ESP_OK) *out = p;
    else                  esp_program_free(p);
    return status;
}

static void free_blocks(esp_block *blocks, int count)
{
    for (int i = 0; blocks && i < count; i++) esp_block_free(&blocks[i]);
    free(blocks);
}

void esp_program_free(esp_program *p)
{
    if (!p) return;
    esp_items_free(p);
    esp_starts_free(p);
    free_blocks(p->reward, p->file->rewards.count);
    free_blocks(p->plot, p->file->task.about.num_quantities);
    esp_block_free(&p->terms);
    esp_block_free(&p->endings);
    esp_block_free(&p->goal);
    for (int i = 0; i < p->num_loads; i++) free(p->load[i].name);
    for (int i = 0; i < p->num_formulas; i++) {
        esp_expression_free(p->formula[i].code);
        free(p->formula[i].use);
    }
    free(p->load_value);
    free(p->formula_value);
    free(p->load);
    free(p->formula);
    free(p->drawn);
    free(p);
}
