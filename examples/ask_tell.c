/* The search on a problem of one's own, by ask and tell: ZDT1 (Zitzler, Deb & Thiele 2000, doi:10.1162/106365600568202)
 * on a grid. Its front is known: f2 = 1 - sqrt(f1).
 *
 *   cc ask_tell.c $(pkg-config --cflags --libs quantea) -lm -o ask_tell */
#include <math.h>
#include <stdio.h>

#include <quantea/search.h>

enum { GENES = 6, TOP = 20, POPULATION = 24, GENERATIONS = 60, TRIALS = POPULATION * (GENERATIONS + 1) };

static void evaluate(const uint16_t genome[GENES], double f[2]) {
    double g = 1;
    for (int i = 1; i < GENES; i++) g += 9.0 * genome[i] / TOP / (GENES - 1);
    f[0] = (double)genome[0] / TOP;
    f[1] = g * (1 - sqrt(f[0] / g));
}

int main(void) {
    const uint16_t sizes[GENES] = {TOP + 1, TOP + 1, TOP + 1, TOP + 1, TOP + 1, TOP + 1};
    const qea_search_config config = {GENES, sizes, 2, POPULATION, POPULATION, GENERATIONS, .seed = 1};
    static double told[TRIALS + 1][2]; /* by trial; the first is 1 */
    qea_context *ctx = qea_context_create();
    qea_search *search = NULL;
    qea_ask what = QEA_ASK_TRIAL;
    qea_status status = qea_search_create(ctx, &config, &search);
    while (status == QEA_OK && what == QEA_ASK_TRIAL) {
        uint16_t genome[GENES];
        uint64_t trial;
        status = qea_search_ask(ctx, search, &what, &trial, genome);
        if (status != QEA_OK || what != QEA_ASK_TRIAL) continue;
        evaluate(genome, told[trial]);
        status = qea_search_tell(ctx, search, trial, told[trial], 0); /* 0: nothing is violated */
    }
    const uint64_t *front = NULL;
    size_t count = 0;
    double farthest = 0;
    if (status == QEA_OK) status = qea_search_front(ctx, search, &front, &count);
    for (size_t i = 0; i < count; i++) {
        const double *f = told[front[i]];
        printf("trial %4d: f1 %.2f, f2 %.3f\n", (int)front[i], f[0], f[1]);
        farthest = fmax(farthest, f[1] - (1 - sqrt(f[0])));
    }
    printf("%d on the front, at most %.3f above f2 = 1 - sqrt(f1)\n", (int)count, farthest);
    if (status != QEA_OK) fprintf(stderr, "%s\n", qea_context_message(ctx));
    qea_search_destroy(search);
    qea_context_destroy(ctx);
    return status != QEA_OK || farthest > 0.05;
}
