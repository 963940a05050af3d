/* tests/search/dtlz.h: the scalable problems DTLZ1 to 4 (Deb, Thiele, Laumanns, Zitzler, CEC 2002), a real-coded
 * variation (SBX and polynomial mutation) around qea_survival_select, and the distance to the targeted points. */
#ifndef TEST_SEARCH_DTLZ_H
#define TEST_SEARCH_DTLZ_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

typedef struct dtlz_case {
    int problem; /* 1..4 */
    size_t m;    /* objectives */
    size_t outer, inner, population, generations;
} dtlz_case;

enum { DTLZ_MAX_GENES = 32, DTLZ_SEEDS = 11 };

static size_t dtlz_genes(const dtlz_case *c) { return c->m - 1 + (c->problem == 1 ? 5 : 10); }

static double dtlz_g(int problem, const double *x, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < k; i++) {
        double d = x[i] - 0.5;
        sum += problem == 1 || problem == 3 ? d * d - cos(20 * M_PI * d) + 1 : d * d;
    }
    return problem == 1 || problem == 3 ? 100 * sum : sum;
}

static void dtlz_evaluate(const dtlz_case *c, const double *x, double *f) {
    const size_t m = c->m;
    double g = dtlz_g(c->problem, x + m - 1, dtlz_genes(c) - m + 1);
    for (size_t i = 0; i < m; i++) {
        f[i] = c->problem == 1 ? 0.5 * (1 + g) : 1 + g;
        for (size_t j = 0; j + i < m - 1; j++)
            f[i] *= c->problem == 1 ? x[j] : cos(0.5 * M_PI * (c->problem == 4 ? pow(x[j], 100) : x[j]));
        if (i > 0) {
            double last = x[m - 1 - i];
            f[i] *= c->problem == 1 ? 1 - last : sin(0.5 * M_PI * (c->problem == 4 ? pow(last, 100) : last));
        }
    }
}

/* SBX with bounds 0 and 1 (Deb & Agrawal 1995; bounded form of Deb's published code), every pair crossed, each variable
 * with probability 1/2. */
static double sbx_spread(double u, double beta, double eta) {
    double alpha = 2 - pow(beta, -(eta + 1));
    return u <= 1 / alpha ? pow(u * alpha, 1 / (eta + 1)) : pow(1 / (2 - u * alpha), 1 / (eta + 1));
}

static void sbx(uint64_t *rng, double *a, double *b, size_t n, double eta) {
    for (size_t i = 0; i < n; i++) {
        if (test_uniform(rng) > 0.5 || fabs(a[i] - b[i]) < 1e-14) continue;
        double low = fmin(a[i], b[i]), high = fmax(a[i], b[i]), u = test_uniform(rng);
        double c = 0.5 * (low + high - sbx_spread(u, 1 + 2 * low / (high - low), eta) * (high - low));
        double d = 0.5 * (low + high + sbx_spread(u, 1 + 2 * (1 - high) / (high - low), eta) * (high - low));
        bool swap = test_uniform(rng) < 0.5;
        a[i] = fmin(fmax(swap ? d : c, 0), 1);
        b[i] = fmin(fmax(swap ? c : d, 0), 1);
    }
}

static void polynomial_mutation(uint64_t *rng, double *x, size_t n, double eta) {
    for (size_t i = 0; i < n; i++) {
        if (test_uniform(rng) >= 1.0 / (double)n) continue;
        double u = test_uniform(rng), delta;
        if (u < 0.5)
            delta = pow(2 * u + (1 - 2 * u) * pow(1 - x[i], eta + 1), 1 / (eta + 1)) - 1;
        else
            delta = 1 - pow(2 * (1 - u) + 2 * (u - 0.5) * pow(x[i], eta + 1), 1 / (eta + 1));
        x[i] = fmin(fmax(x[i] + delta, 0), 1);
    }
}

/* Mean distance from each targeted point (where a reference line meets the true front) to the nearest member. */
static double targeted_igd(const dtlz_case *c, const double *points, size_t count, const double *objectives) {
    const size_t m = c->m;
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        double length = 0, nearest = HUGE_VAL;
        for (size_t i = 0; i < m; i++) length += points[k * m + i] * points[k * m + i];
        double scale = c->problem == 1 ? 0.5 : 1 / sqrt(length);
        for (size_t member = 0; member < c->population; member++) {
            double distance = 0;
            for (size_t i = 0; i < m; i++) {
                double d = points[k * m + i] * scale - objectives[member * m + i];
                distance += d * d;
            }
            nearest = fmin(nearest, distance);
        }
        sum += sqrt(nearest);
    }
    return sum / (double)count;
}

/* Members 0..N are parents, N..2N their children. */
typedef struct dtlz_run {
    double *x, *next_x, *f, *next_f;
    size_t *chosen, *order;
} dtlz_run;

static void dtlz_make_children(const dtlz_case *c, dtlz_run *r, uint64_t *rng) {
    const size_t n = dtlz_genes(c), size = c->population;
    for (size_t k = 0; k < size; k++) r->order[k] = k;
    for (size_t k = size; k > 1; k--) {
        size_t other = test_below(rng, k), swap = r->order[k - 1];
        r->order[k - 1] = r->order[other];
        r->order[other] = swap;
    }
    for (size_t k = 0; k + 1 < size; k += 2) {
        double *a = r->x + (size + k) * n, *b = a + n;
        memcpy(a, r->x + r->order[k] * n, n * sizeof *a);
        memcpy(b, r->x + r->order[k + 1] * n, n * sizeof *b);
        sbx(rng, a, b, n, 30);
        polynomial_mutation(rng, a, n, 20);
        polynomial_mutation(rng, b, n, 20);
        dtlz_evaluate(c, a, r->f + (size + k) * c->m);
        dtlz_evaluate(c, b, r->f + (size + k + 1) * c->m);
    }
}

static void dtlz_survive(const dtlz_case *c, dtlz_run *r, qea_survival *survival, size_t generation) {
    const size_t n = dtlz_genes(c), size = c->population, m = c->m;
    must(qea_survival_select(NULL, survival, generation, r->f, NULL, 2 * size, size, r->chosen));
    for (size_t k = 0; k < size; k++) {
        memcpy(r->next_x + k * n, r->x + r->chosen[k] * n, n * sizeof *r->x);
        memcpy(r->next_f + k * m, r->f + r->chosen[k] * m, m * sizeof *r->f);
    }
    memcpy(r->x, r->next_x, size * n * sizeof *r->x);
    memcpy(r->f, r->next_f, size * m * sizeof *r->f);
}

static double dtlz_solve(const dtlz_case *c, uint64_t seed) {
    const size_t n = dtlz_genes(c), size = c->population, m = c->m;
    double *points;
    size_t count;
    qea_survival *survival;
    uint64_t rng = seed * 7919 + 17;
    dtlz_run r = {test_alloc(2 * size * n * sizeof(double)), test_alloc(size * n * sizeof(double)),
                  test_alloc(2 * size * m * sizeof(double)), test_alloc(size * m * sizeof(double)),
                  test_alloc(size * sizeof(size_t)),         test_alloc(size * sizeof(size_t))};
    must(qea_reference_points(NULL, m, c->outer, c->inner, &points, &count));
    must(qea_survival_create(NULL, m, points, count, seed, &survival));
    for (size_t k = 0; k < size; k++) {
        for (size_t i = 0; i < n; i++) r.x[k * n + i] = test_uniform(&rng);
        dtlz_evaluate(c, r.x + k * n, r.f + k * m);
    }
    for (size_t generation = 1; generation <= c->generations; generation++) {
        dtlz_make_children(c, &r, &rng);
        dtlz_survive(c, &r, survival, generation);
    }
    double igd = targeted_igd(c, points, count, r.f);
    qea_survival_destroy(survival);
    qea_points_free(points);
    free(r.x), free(r.next_x), free(r.f), free(r.next_f), free(r.chosen), free(r.order);
    return igd;
}

/* Median over 11 seeds; a sanitizer build runs one seed where M = 3 and skips the rest by name. */
static void check_dtlz(const dtlz_case *c, double bound) {
    double igd[DTLZ_SEEDS];
    size_t seeds = TEST_SANITIZED ? 1 : DTLZ_SEEDS;
    if (TEST_SANITIZED && c->m != 3) skip();
    for (size_t s = 0; s < seeds; s++) igd[s] = dtlz_solve(c, s + 1);
    double middle = test_median(igd, seeds);
    print_message("DTLZ%d M=%zu: IGD best %.3g median %.3g worst %.3g (bound %.3g)\n", c->problem, c->m, igd[0], middle,
                  igd[seeds - 1], bound);
    /* one seed alone may lie above the median */
    assert_true(middle <= (TEST_SANITIZED ? 10 * bound : bound));
}

#endif
