/* base: what every module of espalier uses - status codes with a sentence for the person, memory, counter-based
 * random numbers, strict JSON, configuration tables, atomic files, log.
 *
 * Nothing here prints, except esp_alloc when memory runs out; `cli` installs the callbacks of log and progress. */
#ifndef ESP_BASE_H
#define ESP_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#define ESP_VERSION "0.1.0" /* of espalier, SemVer; written into every result */

/* ---- status.c: a code for the program, a sentence for the person ------------------------- */

/* What went wrong, for the program; the sentence for the person is esp_error_text. */
typedef enum {
    ESP_OK = 0,          /* nothing */
    ESP_ERR_USAGE,       /* the command line or a configuration key is wrong */
    ESP_ERR_IO,          /* a file cannot be read or written */
    ESP_ERR_FORMAT,      /* a file's content is not what its format demands */
    ESP_ERR_SHAPE,       /* sizes that must agree do not */
    ESP_ERR_RANGE,       /* a value outside its documented range */
    ESP_ERR_NUMERIC,     /* NaN or infinity where a finite number is needed */
    ESP_ERR_MACHINE,     /* the machine lacks something: EGL, memory, a program */
    ESP_ERR_INFEASIBLE,  /* no cut can meet the request */
    ESP_ERR_INTERRUPTED  /* the user asked to stop (SIGINT, SIGTERM, SIGHUP) */
} esp_status;

#define ESP_ERROR_TEXT 1024 /* bytes of an error sentence, including the final 0 */

/* Records the sentence for this thread and returns `status`, so that callers write
 * `return esp_fail(ESP_ERR_SHAPE, "layer '%s': ...", ...)`. */
esp_status esp_fail(esp_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of this thread's sentence and returns `status`. */
esp_status esp_fail_in(esp_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The sentence of this thread's last failure; never NULL, valid until the next esp_fail. */
const char *esp_error_text(void);

/* A failure carried from a worker thread to the thread that reports it. */
typedef struct {
    esp_status status;         /* ESP_OK: nothing failed */
    char text[ESP_ERROR_TEXT]; /* the sentence */
} esp_error;

void       esp_error_take(esp_error *error, esp_status status); /* copies this thread's sentence */
esp_status esp_error_raise(const esp_error *error);              /* makes it this thread's; returns its status */
/* Raises the first failure by index, so that the sentence does not depend on threads; ESP_OK when nothing failed. */
esp_status esp_error_first(const esp_error *errors, int count);

/* ---- memory.c ---------------------------------------------------------------------------- */

/* Zeroed memory aligned to 64 bytes, for count * size bytes (overflow checked); freed with
 * free(). Every page is touched at once, so a machine that is too small fails now, not later.
 * Never NULL: when the machine has no memory left the program says so in one line and exits with
 * status 1, since sizes were validated before. */
void *esp_alloc(size_t count, size_t size);
char *esp_strdup(const char *text); /* a copy in such memory */
/* The process's only copy of a text: equal texts give the same pointer. For strings of configurations, which are
 * copied as plain structs. Owned by base and never freed; callable from any thread. */
const char *esp_intern(const char *text);

/* ---- random.c: Philox4x32-10 (Salmon et al. 2011, Random123) ------------------------------ */

/* What a stream is for. A number never serves two purposes, so adding a draw in one place
 * changes nothing elsewhere. The values are part of the file format: append only. */
typedef enum {
    ESP_RNG_INIT = 1,    /* initial weights */
    ESP_RNG_START,       /* start states of episodes */
    ESP_RNG_SEED_ACTIONS,/* sticky random actions of the first episodes */
    ESP_RNG_EXPLORE,     /* exploration noise of collected episodes */
    ESP_RNG_REPLAY,      /* prioritised draws from the buffer */
    ESP_RNG_UPDATE,      /* augmentation shifts and policy noise of one update */
    ESP_RNG_PLAN,        /* samples of the planner */
    ESP_RNG_IMPORTANCE,  /* random importance */
    ESP_RNG_SEARCH,      /* random search methods */
    ESP_RNG_BOOTSTRAP,   /* confidence intervals */
    ESP_RNG_TEST,        /* whatever a test draws */
    ESP_RNG_DIGITS,      /* generated images */
    ESP_RNG_SHUFFLE,     /* order of the training images in an epoch */
    ESP_RNG_LOSS,        /* signs that combine outputs to a loss */
    ESP_RNG_INPUTS       /* inputs of a network without recorded ones */
} esp_rng_purpose;

/* A key and a counter. Copying it copies the position: equal state gives equal numbers. */
typedef struct {
    uint32_t key[2];   /* key of Philox: made from seed and purpose */
    uint64_t stream;   /* index of the stream, upper half of the Philox counter */
    uint64_t block;    /* lower half, advanced by one for every four 32-bit words */
    uint32_t word[4];  /* words of the current block */
    int      left;     /* words not yet handed out */
} esp_rng;

/* The beginning of the stream named by seed, purpose and index; different names give independent streams. */
esp_rng  esp_rng_make(uint64_t seed, esp_rng_purpose purpose, uint64_t index);
/* An independent child stream, named by the parent's present position and the index; rng is unchanged. */
esp_rng  esp_rng_fork(const esp_rng *rng, uint64_t index);
uint32_t esp_rng_u32(esp_rng *rng);                         /* the next 32 bits */
double   esp_rng_uniform(esp_rng *rng);                     /* [0, 1), 53 bits */
uint32_t esp_rng_below(esp_rng *rng, uint32_t n);           /* 0 .. n-1, unbiased; n >= 1 */
void     esp_rng_normal(esp_rng *rng, float *out, size_t count); /* standard normal, Box-Muller */

/* ---- number.c: numbers as text, the same under every locale ------------------------------- */

/* Parses the whole text as a finite decimal number: sign, digits with or without a point, exponent. Spaces, "0x10",
 * "inf" and "1,5" are refused. All parsers here leave *out untouched when they return false. */
bool esp_number_parse(const char *text, double *out);
bool esp_i64_parse(const char *text, int64_t *out);   /* an optional "-" and digits */
bool esp_u64_parse(const char *text, uint64_t *out);  /* digits only */
/* Parses the digits at the start of a text and returns how many there are; 0 when there are none or when their number
 * does not fit 64 bits. */
size_t esp_digits_parse(const char *text, uint64_t *out);

/* snprintf with a decimal point, whatever the locale of the host program. */
int esp_format(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with a va_list, like vsnprintf. */
int esp_format_list(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* ---- file.c ------------------------------------------------------------------------------ */

/* Reads a whole regular file of at most `limit` bytes into new memory (caller frees), with one
 * 0 byte appended that is not counted in *size. */
esp_status esp_file_read(const char *path, size_t limit, char **data, size_t *size);

/* Writes to a temporary file in the same folder, syncs, renames: whatever happens, `path` holds either the old file
 * or the whole new one. The temporary file is removed on failure; one left by a killed process is removed by the next
 * write to the same path. A link is followed and the old file's permissions are kept; a device, a pipe or a
 * write-protected file is refused. */
esp_status esp_file_write(const char *path, const void *data, size_t size);

/* The same for another program that writes a file by name: open creates an empty draft beside `path`. Keeping the
 * draft renames it to `path`; discarding it removes it. Both free the draft. */
typedef struct esp_draft esp_draft;
esp_status  esp_draft_open(const char *path, esp_draft **out); /* errors as esp_file_write */
const char *esp_draft_name(const esp_draft *draft);            /* owned by the draft */
esp_status  esp_draft_keep(esp_draft *draft); /* discards it on failure */
void        esp_draft_discard(esp_draft *draft); /* removes the file; accepts NULL */

/* Whether esp_file_write could write to `path`: a check worth making before a result that takes long to compute. */
esp_status esp_file_writable(const char *path);

/* Appends to a file (created if absent) in one write call. */
esp_status esp_file_append(const char *path, const void *data, size_t size);

/* Size of the file at a path; ESP_ERR_IO when there is none. */
esp_status esp_file_bytes(const char *path, size_t *bytes);
bool esp_is_folder(const char *path); /* false for any other file, and when there is none */
/* Creates a folder and its parents if absent. */
esp_status esp_folder_make(const char *path);

/* "dir/name" in new memory. */
char *esp_path_join(const char *folder, const char *name);
/* The folder part of a path ("." if none) in new memory. */
char *esp_path_folder(const char *path);
/* The part after the last slash, inside `path`; the whole path when nothing follows a slash. */
const char *esp_path_name(const char *path);

/* path.c. Turns a path written inside `file`, relative to that file's folder, into one that this process can open;
 * absolute paths and "" are returned as they are. New memory (caller frees). */
char *esp_path_resolve(const char *file, const char *path);
/* The inverse: the path of an existing file relative to the folder of `file`; a path that does not exist is returned
 * as it is. New memory (caller frees). */
char *esp_path_relative(const char *file, const char *path);

/* ---- lock.c: one writer at a time ------------------------------------------------------------- */

/* A lock held by this process; opaque. */
typedef struct esp_lock esp_lock;

/* Locks a file that will be written, or an existing folder that will be filled, until esp_lock_release or the end of
 * this process, however it ends. When another process holds the lock: ESP_ERR_IO, with one line that names its
 * process id (and its machine, if another). The lock is on a file, PATH.lock or FOLDER/.lock, which esp_lock_release
 * removes. Succeeds without a lock where nothing can be written, and, with a warning, where the file system has no
 * locks. */
esp_status esp_lock_take(const char *path, esp_lock **out);
void       esp_lock_release(esp_lock *lock); /* accepts NULL */

/* ---- json.c, json_scan.c: strict JSON over cJSON ------------------------------------------ */

/* Parses `size` bytes. Refused with "source: line L: what": trailing text, depth above 32, duplicate keys, control
 * characters, numbers that are not finite, invalid UTF-8, an embedded 0, and more than 65,536 values plus one per 8
 * bytes, so that the tree is at most a small multiple of the text. *out belongs to the caller (cJSON_Delete). */
esp_status esp_json_parse(const char *text, size_t size, const char *source, cJSON **out);
esp_status esp_json_read(const char *path, cJSON **out);                       /* at most 16 MiB */
/* The value of a key; `object` may be NULL or a value that is not an object. */
double      esp_json_number(const cJSON *object, const char *key); /* NAN when it is not a number */
const char *esp_json_text(const cJSON *object, const char *key);   /* NULL when it is not text; owned by the object */
int         esp_json_choice(const cJSON *object, const char *key, const char *choices); /* index in "a|b|c", or -1 */
/* The value as text on one line; the caller frees it. NaN and infinity become null. */
char *esp_json_line(const cJSON *json);
char *esp_json_pretty(const cJSON *json); /* the same laid out for people */
/* Adds values [count] as a list. */
void        esp_json_add_doubles(cJSON *object, const char *key, int count, const double *values);
/* Adds the index-th word of "a|b|c". */
void        esp_json_add_choice(cJSON *object, const char *key, const char *choices, int index);
esp_status esp_json_write(const char *path, const cJSON *json);                /* formatted, atomic */
esp_status esp_json_append(const char *path, const cJSON *json);               /* one line, appended */

/* The first difference between two objects: "'train.seed' is 1 in FIRST_NAME and 3 in SECOND_NAME", nested keys with
 * dots, "absent" for a missing one. New memory (caller frees), or NULL when they are equal; the order of keys does
 * not matter. */
char *esp_json_difference(const cJSON *first, const char *first_name, const cJSON *second, const char *second_name);

/* ---- json_lines.c: one JSON value per line ------------------------------------------------------- */

#define ESP_JSON_LINES_LIMIT ((size_t)1 << 30) /* largest file, bytes */

/* Receives one line, which it deletes, and its number, counted from 1. */
typedef esp_status (*esp_json_line_fn)(void *context, int number, cJSON *line);

/* Passes every line of a file to `take`, up to its first failure; holds one line at a time. ESP_ERR_FORMAT reads
 * "PATH: line N: not JSON: ...". A last line without a newline counts if it is valid JSON; otherwise a killed writer
 * cut it short, and it is skipped. */
esp_status esp_json_lines_read(const char *path, esp_json_line_fn take, void *context);

/* Such a file, open for its one writer (who holds a lock). Lines are appended to the file that was opened, even if
 * another file takes its name meanwhile. */
typedef struct esp_json_log esp_json_log;

esp_status esp_json_log_open(const char *path, esp_json_log **out); /* created if absent */
void       esp_json_log_close(esp_json_log *log);                   /* accepts NULL */
/* As esp_json_lines_read, from the first line. */
esp_status esp_json_log_read(esp_json_log *log, esp_json_line_fn take, void *context);
/* Call after reading and before appending to a file that a killed writer may have left: a last line without a newline
 * gets one if it is valid JSON, and is dropped otherwise. */
esp_status esp_json_log_mend(esp_json_log *log);
/* Whether the content of the file equals `text` or its beginning. */
bool       esp_json_log_begins(const esp_json_log *log, const char *text);
esp_status esp_json_log_append(esp_json_log *log, const cJSON *line); /* in one write call */

/* ---- hash.c: FNV-1a, one number per step -------------------------------------------------------- */

/* Detects that the content of a file has changed since results were made with it; part of the file format. */
#define ESP_HASH_START 14695981039346656037u
/* The hash of everything before, extended by `value`. */
static inline uint64_t esp_hash_step(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 1099511628211u;
}
/* Adds the hash as text: JSON numbers are exact only up to 2^53. */
void esp_json_add_hash(cJSON *object, const char *key, uint64_t hash);
bool esp_json_hash_equals(const cJSON *object, const char *key, uint64_t hash); /* false when the key is missing */

/* ---- run.c: the folder of a training run -------------------------------------------------------- */

/* The folder of a run, locked for this process, its only writer; opaque. */
typedef struct esp_run esp_run;

/* Sees every line that is appended to metrics.jsonl, after it was written; a failure ends the run. */
typedef struct {
    esp_status (*see)(void *context, const cJSON *line); /* NULL: nobody watches */
    void        *context;                                /* its first argument */
} esp_run_watch;

/* Which run, and what to do with the files that are there; borrowed. */
typedef struct {
    const char   *folder; /* folder of the run */
    bool          resume; /* continue from a saved state, if there is one */
    const cJSON  *about;  /* how a new run was started, kept in run.json for readers; NULL: do not write run.json */
    esp_run_watch watch;  /* who sees the metrics */
} esp_run_request;

/* Locks the folder, created if absent. A folder without a state becomes a new run: config.json, an empty
 * metrics.jsonl, leftovers of another run removed. A folder with a state is refused unless `resume` is set, and then
 * must have been made with the same configuration (else ESP_ERR_USAGE, with the key that differs); *go_on is set when
 * there is a state to continue from. */
esp_status  esp_run_claim(const esp_run_request *request, const cJSON *config, esp_run **out, bool *go_on);
void        esp_run_release(esp_run *run); /* accepts NULL */
const char *esp_run_folder(const esp_run *run);     /* owned by the run */
char       *esp_run_state_path(const esp_run *run); /* state.safetensors, in new memory */
/* Appends one line to metrics.jsonl and deletes it; its first key is the counter that esp_run_cut looks at. */
esp_status  esp_run_append(esp_run *run, cJSON *line);
/* Drops the lines that a killed run wrote after its last saved state: keeps those that begin with {"counter":n, n <=
 * last. */
esp_status  esp_run_cut(esp_run *run, const char *counter, int64_t last);

/* ---- config.c, words.c: a configuration is a struct and a table of its keys --------------- */

/* The type of a key's value, in the struct and in JSON. */
typedef enum { ESP_BOOL, ESP_INT, ESP_U64, ESP_DOUBLE, ESP_TEXT, ESP_PATH, ESP_CHOICE } esp_field_type;

/* One key. ESP_CHOICE is an int: the index into `choices` ("sparse|dense"). ESP_TEXT is a const char * of any length,
 * kept by esp_intern (NULL is written as ""); ESP_PATH is the same for a file name. `min` and `max` bound numbers
 * (INFINITY: no bound) and are ignored for the other types. An ESP_U64 from 2^53 on is written as a string of digits,
 * because JSON numbers are exact only below. A row without `help` is an older name of the row before it: it is read,
 * never written. */
typedef struct {
    const char    *path;      /* "planner.samples" */
    esp_field_type type;      /* type of the member */
    size_t         offset;    /* offsetof of the member */
    double         min, max;  /* smallest and largest number, inclusive */
    const char    *choices;   /* "sparse|dense"; NULL: not an ESP_CHOICE */
    const char    *help;      /* one line: meaning and unit */
} esp_field;

#define ESP_CONFIG_TEXT 128 /* largest word, bytes: a choice, a part of a key */

/* Reads a nested JSON object into `config`: absent keys keep their value, an unknown or ill-typed key is refused
 * (ESP_ERR_USAGE, a number out of range ESP_ERR_RANGE) with the nearest valid name. `source` names the file in
 * messages. */
esp_status esp_config_read(const esp_field *fields, int count, const cJSON *json, const char *source, void *config);

/* Whether the table has the key; and the path of the first value in `json` whose key the table does not have, in new
 * memory (NULL: all are known). */
bool esp_config_has(const esp_field *fields, int count, const char *path);
char *esp_config_stranger(const esp_field *fields, int count, const cJSON *json); /* the caller frees it */

/* Applies one "PATH=VALUE" of --set. */
esp_status esp_config_set(const esp_field *fields, int count, const char *assignment, void *config);

/* Checks the numbers of a configuration that was not read from a file: ESP_ERR_RANGE names the first one that is not
 * finite or outside its key's range, worded as by esp_config_read. */
esp_status esp_config_check(const esp_field *fields, int count, const char *source, const void *config);

/* The whole configuration as a nested JSON object; the caller deletes it. */
cJSON *esp_config_json(const esp_field *fields, int count, const void *config);

/* The candidate closest to `word` by edit distance, or NULL when none is near. */
const char *esp_nearest(const char *word, const char *const *candidates, int count);

/* Index of `word` in "a|b|c", or -1. */
int  esp_choice_index(const char *choices, const char *word);
int  esp_choice_count(const char *choices); /* words in "a|b|c" */
/* The index-th word of "a|b|c" into out [ESP_CONFIG_TEXT]; "" when there is none. */
void esp_choice_word(const char *choices, int index, char *out);

/* The same for tables of things that have a name: rows of `size` bytes that begin with a `const char *name`, up to one
 * whose name is NULL. NULL with the error text "expected a|b|c, found 'word'" when no row has this name; a word NULL
 * counts as "". */
const void *esp_row_find(const void *table, size_t size, const char *word);
/* "a|b|c" with any separator, in new memory that the caller frees. */
char       *esp_row_names(const void *table, size_t size, const char *separator);

/* Writes a space and the word, in quotes where a shell would otherwise split or change it. */
void esp_write_shell_word(FILE *out, const char *word);

/* ---- text.c: numbers as people read them ------------------------------------------------- */

#define ESP_NUMBER_TEXT 32 /* bytes of a number's text, including the final 0 */

/* Each writes to `out` and returns it. */
typedef char *(*esp_number_fn)(double value, char out[ESP_NUMBER_TEXT]);
char *esp_text_count(double count, char out[ESP_NUMBER_TEXT]);       /* 1,548,360 */
char *esp_text_whole(double value, char out[ESP_NUMBER_TEXT]);       /* 2026 */
char *esp_text_scaled(double value, char out[ESP_NUMBER_TEXT]);      /* 12.4 M */
char *esp_text_seconds(double seconds, char out[ESP_NUMBER_TEXT]);   /* 2.5 s, 3:07, 1:02:30 */
char *esp_text_performance(double value, char out[ESP_NUMBER_TEXT]); /* 849.1, 31.63 */
char *esp_text_percent(double share, char out[ESP_NUMBER_TEXT]);     /* 0.199 as "19.9 %" */
char *esp_text_short(double value, char out[ESP_NUMBER_TEXT]);       /* three digits */
char *esp_text_error(double value, char out[ESP_NUMBER_TEXT]);       /* 0.000687 */
/* A count with its noun, which is given in the singular and takes an s: "1 episode", "1,344 episodes". `size`: bytes
 * of `out`. */
char *esp_text_counted(double count, const char *noun, char *out, size_t size);

/* ---- statistics.c ------------------------------------------------------------------------- */

/* Summary of some measurements, returns of episodes for instance, in their unit. */
typedef struct {
    int    count;      /* number of values */
    double mean;       /* arithmetic */
    double std;        /* of the sample, n - 1; 0 for one value */
    double low, high;  /* 95 % bootstrap interval of the mean */
    double iqm;        /* interquartile mean */
} esp_summary;

/* Quantile q in [0, 1] of sorted values, linear between neighbours. */
double esp_quantile(int count, const double *sorted, double q);
void   esp_sort_doubles(int count, double *values); /* ascending, in place */
/* Mean of the values without the lowest and the highest floor(count / 4) (Agarwal et al. 2021, "Deep reinforcement
 * learning at the edge of the statistical precipice"). */
double esp_interquartile_mean(int count, const double *values);
/* Percentile bootstrap of the mean: 10,000 resamples named by the seed. */
void   esp_bootstrap_interval(int count, const double *values, uint64_t seed, double *low, double *high);
/* All of these for values [count], count >= 1, in any order; the seed names the bootstrap's draws. */
esp_summary esp_summarise(int count, const double *values, uint64_t seed);

/* What becomes of a performance on the same samples: differences after - before, pair by pair. What samples have in
 * common (a start far from the goal) cancels, so the interval is narrower than that of two means. */
typedef struct {
    int    count;        /* number of pairs */
    double before;       /* mean before */
    double after;        /* mean after */
    double mean;         /* mean difference */
    double low, high;    /* 95 % interval of the mean difference: bootstrap, above 2,000 pairs normal */
    double iqm;          /* interquartile mean of the differences */
    double worst;        /* lowest difference ... */
    int    worst_index;  /* ... and the first pair that has it */
    double worse;        /* share of pairs with a difference below 0 */
    double better;       /* share of pairs with a difference above 0 */
} esp_paired;

/* Compares before [count] with after [count], count >= 1; the seed names the bootstrap's draws. */
esp_paired esp_pair(int count, const double *before, const double *after, uint64_t seed);

/* ---- child.c: other processes ---------------------------------------------------------------- */

/* Runs work(argument) in a child process, so that a crash or hang there - in a graphics driver, or in a library that
 * runs out of memory - becomes ESP_ERR_MACHINE here. `argument` is a struct of `size` bytes without pointers to
 * anything that `work` changes; what `work` writes into it is copied back. Output of the child is dropped, except
 * that its last line becomes part of the sentence when the child dies before `work` returns or takes longer than
 * `seconds`. */
esp_status esp_isolate(esp_status (*work)(void *argument), void *argument, size_t size, int seconds);

/* The first line that a shell command prints, without its newline. False when the command fails or prints nothing. */
bool esp_program_line(const char *command, char *line, size_t size);
/* The word after "version" in the first line of `PROGRAM OPTION`. ESP_ERR_MACHINE when the program is missing, naming
 * the package to install, or when it fails or takes longer than 10 s, with the first line of its complaint. */
esp_status esp_program_version(const char *program, const char *option, const char *package, char *version,
                               size_t size);

/* In front of a function whose loops gain from vectors: it is compiled for three levels of x86-64, and the loader
 * takes the highest that the processor has. Sums of floats in such a function spell out their lanes, so that every
 * level adds in the same order. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ESP_VECTORISED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"))) /* by gcc */
#else
#define ESP_VECTORISED /* once, for any processor */
#endif

/* ---- machine.c, cgroup.c: what this computer offers --------------------------------------------- */

void   esp_processor_name(char *out, size_t size); /* as in /proc/cpuinfo */
double esp_processor_quota(void); /* processors' worth of time that control groups allow; INFINITY: no limit */
size_t esp_memory_free(void);                      /* bytes a program may still allocate; 0: not known */
size_t esp_memory_limit(void);                     /* bytes of address space (`ulimit -v`); SIZE_MAX: no limit */

/* ---- report.c: log, progress, interruption ------------------------------------------------ */

/* How much a line of the log matters. */
typedef enum { ESP_LOG_INFO, ESP_LOG_WARNING } esp_log_level;
/* Receives one line of the log, without its newline; called from any thread. */
typedef void (*esp_log_fn)(void *context, esp_log_level level, const char *line);
/* Receives how much of `task` is done; total 0: unknown. `detail` is a short text after the bar. */
typedef void (*esp_progress_fn)(void *context, const char *task, double done, double total, const char *detail);

void esp_log_to(esp_log_fn log, esp_progress_fn progress, void *context); /* NULL: silent */
/* A line for the person who watches, formatted as by printf. */
void esp_log(esp_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Call from the main thread only, as often as convenient; done == total ends the bar. */
void esp_progress(const char *task, double done, double total, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* SIGINT, SIGTERM and (unless ignored, as under nohup) SIGHUP set a flag that long loops read; the second signal ends
 * the process. */
void esp_interrupt_install(void);
bool esp_interrupted(void); /* whether such a signal came */
/* ESP_OK, or ESP_ERR_INTERRUPTED with its sentence. */
esp_status esp_check_interrupt(void);

double esp_clock(void); /* monotonic seconds */

#endif
