/* study/config_internal.h: the table of configuration keys and what the files that use it share. */
#ifndef QEA_STUDY_CONFIG_INTERNAL_H
#define QEA_STUDY_CONFIG_INTERNAL_H

#include "base/text.h"
#include "study/config.h"

enum {
    QEA_CONFIG_PATH = 512,  /* bytes of a key's path in a message; longer ones are cut */
    QEA_CONFIG_PLACE = 1024 /* bytes of a place: file, line, column and path */
};

typedef enum qea_key_kind {
    QEA_KEY_MAP,     /* a section */
    QEA_KEY_INT,     /* -> int */
    QEA_KEY_SIZE,    /* -> size_t */
    QEA_KEY_SEED,    /* -> uint64_t */
    QEA_KEY_NUMBER,  /* -> double */
    QEA_KEY_FLAG,    /* -> bool */
    QEA_KEY_TEXT,    /* -> char *, owned */
    QEA_KEY_NAME,    /* one of `choices` -> char *, owned */
    QEA_KEY_CHOICE,  /* one of `choices` -> an enumeration in the same order */
    QEA_KEY_SPECIAL, /* `set` knows */
    QEA_KEY_ANY      /* not looked into */
} qea_key_kind;

typedef enum qea_key_role {
    QEA_ROLE_USED,
    QEA_ROLE_FIXED,   /* the original's name of the one thing there is here */
    QEA_ROLE_IGNORED, /* a key of the original that means nothing here: a warning */
    QEA_ROLE_REFUSED  /* known, but not to be had (`doc` says why); "off" (false, 0) is accepted */
} qea_key_role;

typedef enum qea_key_scope { QEA_IN_NOTHING, QEA_IN_STUDY, QEA_IN_DATA, QEA_IN_RECIPE } qea_key_scope;

typedef struct qea_config_reader {
    qea_context *ctx;
    qea_study_config *config;
    const qea_yaml *tree;
    qea_text ignored; /* paths of keys that mean nothing here */
} qea_config_reader;

typedef struct qea_config_key {
    const char *path; /* a leading "*" stands for nas and fully_train */
    qea_key_kind kind;
    qea_key_role role;
    double low, high;     /* integers and numbers */
    const char *choices;  /* "a|b|c" */
    const char *types;    /* the key exists only where the `type` beside it (or its `params`) is one of these */
    const char *inherit;  /* path (with "*") whose value holds where this key is not given; NULL: none */
    const char *fallback; /* YAML text of the default; NULL: the field stays 0 */
    bool required;        /* in a step of the pipeline */
    const char *allowed;  /* SPECIAL: what may stand here */
    const char *doc;
    qea_key_scope scope; /* the struct that `offset` is in; of the key's step */
    size_t offset;
    /* Reads `node` (never null) into the configuration; `base` is the struct of `scope`. */
    qea_status (*set)(qea_config_reader *r, const struct qea_config_key *key, const char *path, const qea_yaml *node,
                      void *base);
} qea_config_key;

extern const qea_config_key qea_config_keys[];
extern const size_t qea_config_num_keys;

#define QEA_CONFIG_SECTION "a section of keys and values, each written 'key: value'"

/* --- config_value.c: values, and messages about them --- */
bool qea_config_is_null(const qea_yaml *node);
QEA_MUST_USE bool qea_config_number(const qea_yaml *node, double *out);
QEA_MUST_USE bool qea_config_integer(const qea_yaml *node, long long *out);
QEA_MUST_USE bool qea_config_flag(const qea_yaml *node, bool *out);
/* Index in "a|b|c", or -1. */
int qea_config_choice(const char *choices, const char *text);
/* The nearest of "a|b|c" to a misspelt word, also with other capitals, in buffer; or NULL. */
const char *qea_config_nearest(const char *choices, const char *word, char *buffer, size_t size);
/* "a|b|c" as "a, b, c". */
void qea_config_put_choices(qea_text *text, const char *choices);
/* *target (owned) becomes a copy of `text`; what it was is freed. */
QEA_MUST_USE qea_status qea_config_set_string(qea_context *ctx, const char *text, char **target);
/* What may stand under the key, in words. */
void qea_config_allowed(const qea_config_key *key, qea_text *text);
/* "FILE:line:column: path", or "--set path" of a node that came from the command line; node NULL: "FILE: path". Returns
 * `buffer`. */
const char *qea_config_place(const char *file, const qea_yaml *node, const char *path, char *buffer, size_t size);
/* "file:line:column: path: found 'x', allowed ...": QEA_ERR_CONFIG. */
qea_status qea_config_wrong(qea_config_reader *r, const qea_yaml *node, const char *path, const char *allowed);
/* The same with the nearest of "a|b|c" to a word that is none of them (numbers are not near to each other). */
qea_status qea_config_wrong_choice(qea_config_reader *r, const qea_yaml *node, const char *path, const char *allowed,
                                   const char *choices);
qea_status qea_config_fail(qea_config_reader *r, const qea_yaml *node, const char *path, const char *format, ...)
    QEA_PRINTF(4, 5);
/* A list of whole numbers low..high, as many as fit in items[max], not empty, each once; `allowed` says so. */
QEA_MUST_USE qea_status qea_config_int_list(qea_config_reader *r, const char *path, const qea_yaml *node,
                                            const char *allowed, int low, int high, int max, int *items, int *count);

/* --- config_walk.c --- */
/* The node at "a.b.c" (parts with dots in double quotes); NULL where there is none or it is null. */
const qea_yaml *qea_config_find(const qea_yaml *tree, const char *path);
/* Takes the next part of a path and returns the rest ("" behind the last); NULL where the path is not well formed. */
const char *qea_config_next_part(const char *path, char part[QEA_CONFIG_PATH]);
/* path = parent.name, the name in quotes if it has a dot; or name alone where parent is "". */
void qea_config_join(char path[QEA_CONFIG_PATH], const char *parent, const char *name);
/* Does the key exist beside the `type` that was chosen? `path` is its path in the file. */
bool qea_config_fits_type(const qea_config_reader *r, const qea_config_key *key, const char *path);
/* Are the sections at the top known? Before refs are followed, which would be said to lead nowhere. */
QEA_MUST_USE qea_status qea_config_check_sections(qea_config_reader *r);
/* A key that was given and means nothing here, for r->ignored. */
void qea_config_ignore(qea_config_reader *r, const char *path);
/* Is every key in the tree known? Those that mean nothing here are collected in r->ignored. */
QEA_MUST_USE qea_status qea_config_check_keys(qea_config_reader *r);
/* Reads every key of the table, given or by default, into r->config (config_set.c). */
QEA_MUST_USE qea_status qea_config_set_all(qea_config_reader *r);

/* --- config_override.c, config_merge.c: what happens to the tree before it is read --- */
QEA_MUST_USE qea_status qea_config_override_tree(qea_context *ctx, qea_yaml *tree, const qea_config_override *overrides,
                                                 size_t count);
/* `ref: a.b` takes in what stands under a.b and is not given beside the ref. */
QEA_MUST_USE qea_status qea_config_resolve_refs(qea_context *ctx, const char *name, qea_yaml *tree);
QEA_MUST_USE qea_status qea_config_replace_base_path(qea_context *ctx, qea_yaml *tree);
/* The original's WarmupScheduler around another schedule becomes that schedule with `warmup`. */
QEA_MUST_USE qea_status qea_config_unwrap_warmup(qea_context *ctx, const char *name, qea_yaml *tree);

/* --- config_check.c: what one key alone cannot tell --- */
QEA_MUST_USE qea_status qea_config_complete(qea_config_reader *r);
/* "1, 2, 3, ...": the bits that a quantiser permits. Returns `list`. */
const char *qea_config_bits(qea_quantizer quantizer, bool weight, char *list, size_t size);
/* The same for one step's recipe (config_train.c). */
QEA_MUST_USE qea_status qea_config_complete_recipe(qea_config_reader *r, const char *step, qea_recipe *recipe);

/* --- config_custom.c --- */
/* Is the search space given by hand; do results come from a program? Also before these keys were read. */
bool qea_config_is_custom(const qea_config_reader *r);
bool qea_config_has_command(const qea_config_reader *r);
bool qea_config_name_ok(const char *name); /* of a gene or an objective */
/* The objective of the user's own that a member of `directions`, `bounds` or `commands` is about. */
QEA_MUST_USE qea_status qea_config_own_objective(qea_config_reader *r, const char *path, const qea_yaml *node,
                                                 size_t index, qea_config_objective **out);
QEA_MUST_USE qea_status qea_config_complete_custom(qea_config_reader *r);
void qea_config_clear_custom(qea_study_config *config);

/* --- config_program.c --- */
/* Is there a program that tells this objective? Also before it was read. */
bool qea_config_has_program(const qea_config_reader *r, const char *objective);
/* Does every trial's result have a value of this name? */
bool qea_config_is_result(const char *name);
void qea_config_clear_programs(qea_study_config *config);

/* Values of nas.evaluator.type: the original's name, then those of qea_evaluator in its order. */
#define QEA_EVALUATORS "Evaluator|train|finetune|shared_weights|command"

/* --- readers of SPECIAL keys: config_space.c, config_train.c --- */
#define QEA_CONFIG_SETTER(name)                                                                                        \
    qea_status name(qea_config_reader *r, const qea_config_key *key, const char *path, const qea_yaml *node, void *base)
QEA_CONFIG_SETTER(qea_config_set_pipeline);
QEA_CONFIG_SETTER(qea_config_set_workers);
QEA_CONFIG_SETTER(qea_config_set_duration);
QEA_CONFIG_SETTER(qea_config_set_task_id);
QEA_CONFIG_SETTER(qea_config_set_objectives);
QEA_CONFIG_SETTER(qea_config_set_modules);
QEA_CONFIG_SETTER(qea_config_set_evaluator);
QEA_CONFIG_SETTER(qea_config_set_genes);
QEA_CONFIG_SETTER(qea_config_set_directions);
QEA_CONFIG_SETTER(qea_config_set_bounds);
QEA_CONFIG_SETTER(qea_config_set_command);
QEA_CONFIG_SETTER(qea_config_set_commands);
QEA_CONFIG_SETTER(qea_config_set_candidates);
QEA_CONFIG_SETTER(qea_config_set_layers);
QEA_CONFIG_SETTER(qea_config_set_blocks);
QEA_CONFIG_SETTER(qea_config_set_classes);
QEA_CONFIG_SETTER(qea_config_set_baselines);
QEA_CONFIG_SETTER(qea_config_set_trials);
QEA_CONFIG_SETTER(qea_config_set_limit);
QEA_CONFIG_SETTER(qea_config_set_betas);
QEA_CONFIG_SETTER(qea_config_set_milestones);
QEA_CONFIG_SETTER(qea_config_set_transforms);

#endif
