#include "study/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"

enum { MAX_LAYERS = 100000 };

static json_t *bits_to_json(const uint8_t *bits, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_integer(bits[i]));
    return list;
}

static void put_optional(json_t *object, const char *key, const char *value) {
    if (value != NULL) json_object_set_new(object, key, json_string(value));
}

qea_status qea_job_format(qea_context *ctx, const qea_job *job, char **line) {
    char seed[32]; /* as text: JSON integers are signed */
    json_t *object = json_object();
    qea_text text = {0};
    qea_text number = {0};
    qea_text_printf(&number, "%llu", (unsigned long long)job->seed);
    (void)strncpy(seed, number.bytes != NULL ? number.bytes : "", sizeof seed - 1);
    seed[sizeof seed - 1] = '\0';
    qea_text_free(&number);
    json_object_set_new(object, "trial", json_integer((json_int_t)job->trial));
    json_object_set_new(object, "weight_bits", bits_to_json(job->weight_bits, job->num_layers));
    json_object_set_new(object, "activation_bits", bits_to_json(job->activation_bits, job->num_layers));
    json_object_set_new(object, "seed", json_string(seed));
    put_optional(object, "init", job->init);
    put_optional(object, "teacher", job->teacher);
    put_optional(object, "model", job->model);
    put_optional(object, "checkpoint", job->checkpoint);
    qea_text_put_json(&text, object, 0);
    json_decref(object);
    return qea_text_take(ctx, &text, line);
}

static qea_status read_bits(qea_context *ctx, const json_t *object, const char *key, size_t *count, uint8_t **bits) {
    const json_t *list = json_object_get(object, key);
    size_t n = json_array_size(list); /* 0 for what is no list */
    if (n == 0 || n > MAX_LAYERS || (*count != 0 && *count != n))
        return qea_fail(ctx, QEA_ERR_DATA, "job: %s: found no list of fitting length", key);
    *count = n;
    QEA_TRY(qea_alloc(ctx, key, n, 1, (void **)bits));
    for (size_t i = 0; i < n; i++) {
        json_int_t value = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || value < 0 || value > 32)
            return qea_fail(ctx, QEA_ERR_DATA, "job: %s[%zu]: allowed are integers 0..32", key, i);
        (*bits)[i] = (uint8_t)value;
    }
    return QEA_OK;
}

static qea_status read_optional(qea_context *ctx, const json_t *object, const char *key, char **out) {
    const json_t *value = json_object_get(object, key);
    if (value == NULL) return QEA_OK;
    if (!json_is_string(value)) return qea_fail(ctx, QEA_ERR_DATA, "job: %s: not a string", key);
    return qea_strdup(ctx, json_string_value(value), out);
}

static qea_status read_job(qea_context *ctx, const json_t *object, qea_job *out) {
    const json_t *trial = json_object_get(object, "trial");
    if (!json_is_integer(trial) || json_integer_value(trial) < 1)
        return qea_fail(ctx, QEA_ERR_DATA, "job: trial: allowed are integers from 1");
    out->trial = (uint64_t)json_integer_value(trial);
    QEA_TRY(read_bits(ctx, object, "weight_bits", &out->num_layers, &out->weight_bits));
    QEA_TRY(read_bits(ctx, object, "activation_bits", &out->num_layers, &out->activation_bits));
    const char *seed = json_string_value(json_object_get(object, "seed"));
    char *end = NULL;
    if (seed != NULL) out->seed = strtoull(seed, &end, 10);
    if (seed == NULL || end == seed || *end != '\0')
        return qea_fail(ctx, QEA_ERR_DATA, "job: seed: not an integer in a string");
    QEA_TRY(read_optional(ctx, object, "init", &out->init));
    QEA_TRY(read_optional(ctx, object, "teacher", &out->teacher));
    QEA_TRY(read_optional(ctx, object, "model", &out->model));
    return read_optional(ctx, object, "checkpoint", &out->checkpoint);
}

qea_status qea_job_parse(qea_context *ctx, const char *line, qea_job *out) {
    memset(out, 0, sizeof *out);
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    if (object == NULL) return qea_fail(ctx, QEA_ERR_DATA, "job: not a JSON object");
    qea_status status = read_job(ctx, object, out);
    json_decref(object);
    if (status != QEA_OK) qea_job_clear(out);
    return status;
}

void qea_job_clear(qea_job *job) {
    qea_free(job->weight_bits);
    qea_free(job->activation_bits);
    qea_free(job->init);
    qea_free(job->teacher);
    qea_free(job->model);
    qea_free(job->checkpoint);
    memset(job, 0, sizeof *job);
}

/* --- answers --- */

static qea_status status_by_name(const char *name) {
    for (int s = QEA_ERR_CONFIG; s <= QEA_ERR_INTERRUPTED; s++)
        if (name != NULL && strcmp(qea_status_name((qea_status)s), name) == 0) return (qea_status)s;
    return QEA_ERR_STATE;
}

static qea_answer_kind kind_of(const json_t *message, const char *type) {
    if (strcmp(type, "ready") == 0) return QEA_ANSWER_READY;
    if (strcmp(type, "update") == 0) return QEA_ANSWER_UPDATE;
    if (strcmp(type, "done") == 0) return QEA_ANSWER_DONE;
    if (strcmp(type, "fatal") == 0) return QEA_ANSWER_FATAL;
    if (strcmp(type, "failed") != 0) return QEA_ANSWER_WRONG;
    return json_is_true(json_object_get(message, "memory")) ? QEA_ANSWER_MEMORY : QEA_ANSWER_FAILED;
}

static const char *reason_of(const json_t *message, const char *type) {
    const char *reason = json_string_value(json_object_get(message, "reason"));
    if (message == NULL) return "the worker sent a line that is not JSON";
    if (type == NULL) return "the worker sent a message without a type";
    if (kind_of(message, type) == QEA_ANSWER_WRONG) return "the worker sent a message of an unknown type";
    return reason != NULL ? reason : "no reason was given";
}

void qea_job_read_answer(void *user, uint64_t job, const char *line, qea_answer *out) {
    (void)user;
    (void)job;
    json_t *message = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    out->kind = type != NULL ? kind_of(message, type) : QEA_ANSWER_WRONG;
    out->status = status_by_name(json_string_value(json_object_get(message, "status")));
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason_of(message, type));
    out->unrepeatable = json_is_false(json_object_get(message, "repeatable"));
    if (out->kind == QEA_ANSWER_UPDATE) out->body = json_incref(message);
    if (out->kind == QEA_ANSWER_DONE) out->body = json_incref(json_object_get(message, "result"));
    json_decref(message);
}

/* --- seeds --- */

/* FNV-1a over what is trained, then one block of the counter-based generator. */
static const uint64_t fnv_basis = 14695981039346656037u, fnv_prime = 1099511628211u;

static uint64_t seed_from(uint64_t run_seed, uint32_t repeat, uint64_t hash) {
    qea_rng rng = qea_rng_make(run_seed, QEA_RNG_TRIAL_SEED, repeat, 0);
    return qea_rng_u64(&rng, hash);
}

uint64_t qea_job_seed(uint64_t run_seed, uint32_t repeat, size_t num_layers, const uint8_t *weight_bits,
                      const uint8_t *activation_bits) {
    uint64_t hash = fnv_basis;
    for (size_t i = 0; i < num_layers; i++) hash = (hash ^ weight_bits[i]) * fnv_prime;
    for (size_t i = 0; i < num_layers; i++) hash = (hash ^ activation_bits[i]) * fnv_prime;
    return seed_from(run_seed, repeat, hash);
}

uint64_t qea_job_seed_of_genome(uint64_t run_seed, size_t num_genes, const uint16_t *genome) {
    uint64_t hash = fnv_basis;
    for (size_t i = 0; i < num_genes; i++) hash = (hash ^ genome[i]) * fnv_prime;
    return seed_from(run_seed, 0, hash);
}
