/* bench/search_pymoo.h: pymoo's NSGA-III as a method of bench_search: bench/pymoo_peer.py asks, the same function
 * answers as for all other methods. */
#ifndef QEA_BENCH_SEARCH_PYMOO_H
#define QEA_BENCH_SEARCH_PYMOO_H

#include "bench/peer.h"
#include "bench/search_nsga3.h"

/* The first population of our own search, asked and not told; NULL: that failed. */
static inline json_t *first_genomes(qea_context *ctx, const search_method *method, const history *h) {
    qea_search *search;
    uint16_t genome[MOST_GENES];
    json_t *genomes = json_array();
    if (create_nsga3(ctx, method, h, &search) != QEA_OK) return json_decref(genomes), NULL;
    for (size_t k = 0; k < FIRST_POPULATION; k++) {
        qea_ask what;
        uint64_t trial;
        json_t *genes = json_array();
        if (qea_search_ask(ctx, search, &what, &trial, genome) != QEA_OK || what != QEA_ASK_TRIAL) break;
        for (size_t i = 0; i < h->genes; i++) json_array_append_new(genes, json_integer(genome[i]));
        json_array_append_new(genomes, genes);
    }
    qea_search_destroy(search);
    return genomes;
}

static inline json_t *describe_start(qea_context *ctx, const search_method *method, const history *h) {
    json_t *sizes = json_array();
    for (size_t i = 0; i < h->genes; i++) json_array_append_new(sizes, json_integer(h->problem->space->gene_sizes[i]));
    return json_pack("{s:o,s:I,s:i,s:o,s:I}", "sizes", sizes, "objectives", (json_int_t)h->m, "population", POPULATION,
                     "first", method->uniform ? first_genomes(ctx, method, h) : json_integer(FIRST_POPULATION), "seed",
                     (json_int_t)h->problem->seed);
}

/* False: no genome of this space. */
static inline bool read_genome(const json_t *line, const history *h, uint16_t *genome) {
    if (json_array_size(line) != h->genes) return false;
    for (size_t i = 0; i < h->genes; i++) {
        json_int_t gene = json_integer_value(json_array_get(line, i));
        if (gene < 0 || gene >= h->problem->space->gene_sizes[i]) return false;
        genome[i] = (uint16_t)gene;
    }
    return true;
}

static inline qea_status answer_one(qea_context *ctx, bench_process *peer, history *h) {
    uint16_t genome[MOST_GENES];
    const double *told = NULL;
    json_t *line = bench_process_hear(peer), *reply = json_array();
    bool read = read_genome(line, h, genome);
    json_decref(line);
    qea_status status = read ? history_add(ctx, h, genome, &told)
                             : qea_fail(ctx, QEA_ERR_DATA, "pymoo's process ended or asked for no genome");
    for (size_t j = 0; j < h->m && status == QEA_OK; j++) json_array_append_new(reply, json_real(told[j]));
    if (status == QEA_OK) bench_process_say(peer, reply);
    json_decref(reply);
    return status;
}

static inline qea_status run_pymoo(qea_context *ctx, const search_method *method, history *h) {
    bench_process peer;
    if (!bench_process_start(h->python, QEA_BENCH_FOLDER "/pymoo_peer.py", NULL, NULL, NULL, &peer))
        return qea_fail(ctx, QEA_ERR_IO, "cannot start %s", h->python);
    json_t *start = describe_start(ctx, method, h);
    bench_process_say(&peer, start);
    json_decref(start);
    json_t *hello = bench_process_hear(&peer);
    qea_status status = hello ? QEA_OK : qea_fail(ctx, QEA_ERR_DATA, "%s has no pymoo", h->python);
    json_decref(hello);
    while (status == QEA_OK && h->count < h->most) status = answer_one(ctx, &peer, h);
    bench_process_stop(&peer);
    return status;
}

#endif
