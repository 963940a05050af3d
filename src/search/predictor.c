/* search/predictor.c: ridge regression on genes (Hoerl & Kennard, Technometrics 12(1), 1970). A gene of value v has
 * passed the steps 1..v ("thermometer" coding of ordered values); every step has a weight of its own and shares one
 * with the same step of all genes, so that what one gene's trials say of a step is expected of the others too. The
 * weights w minimise |X w - y|^2 + ridge |w|^2 with X and y centred, found by conjugate gradients (Hestenes & Stiefel,
 * 1952), which need products with X only. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "search/parts.h"

enum {
    MOST_LEVELS = 16, /* genes of more values are coded in so many equal parts */
    MOST_ITERATIONS = 60
};
static const double precision = 1e-5; /* of the residual, relative */

typedef struct ridge_model {
    const qea_genes *space;
    const uint16_t *const *genomes;
    size_t count, num_weights;                      /* MOST_LEVELS - 1 per free gene, then the shared ones */
    double *memory;                                 /* all below; owned */
    double *weights, *residual, *direction, *image; /* [num_weights] */
    double *values, *rows;                          /* [count] */
} ridge_model;

static size_t level_of(const qea_genes *space, const uint16_t *genome, size_t free_gene) {
    const size_t gene = space->free[free_gene], size = space->sizes[gene];
    return size <= MOST_LEVELS ? genome[gene] : genome[gene] * (size_t)MOST_LEVELS / size;
}

static double predict_row(const qea_genes *space, const double *weights, const uint16_t *genome) {
    const double *shared = weights + space->num_free * (MOST_LEVELS - 1);
    double sum = 0;
    for (size_t k = 0; k < space->num_free; k++, weights += MOST_LEVELS - 1) {
        const size_t level = level_of(space, genome, k);
        for (size_t step = 0; step < level; step++) sum += weights[step] + shared[step];
    }
    return sum;
}

static void centre(double *values, size_t count) {
    double mean = 0;
    for (size_t i = 0; i < count; i++) mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++) values[i] -= mean;
}

/* image = X' rows; rows are centred, so X need not be */
static void project(const ridge_model *m, const double *rows, double *image) {
    double *shared = image + m->space->num_free * (MOST_LEVELS - 1);
    memset(image, 0, m->num_weights * sizeof *image);
    for (size_t i = 0; i < m->count; i++) {
        double *own = image;
        for (size_t k = 0; k < m->space->num_free; k++, own += MOST_LEVELS - 1) {
            const size_t level = level_of(m->space, m->genomes[i], k);
            if (level > 0) own[level - 1] += rows[i];
        }
    }
    /* a row that ends at a level has passed all steps before it */
    double *own = image;
    for (size_t k = 0; k < m->space->num_free; k++, own += MOST_LEVELS - 1) {
        for (size_t step = MOST_LEVELS - 1; step-- > 0;) {
            if (step + 1 < MOST_LEVELS - 1) own[step] += own[step + 1];
            shared[step] += own[step];
        }
    }
}

/* image = (X' X + ridge) direction */
static void apply(const ridge_model *m) {
    for (size_t i = 0; i < m->count; i++) m->rows[i] = predict_row(m->space, m->direction, m->genomes[i]);
    centre(m->rows, m->count);
    project(m, m->rows, m->image);
    for (size_t j = 0; j < m->num_weights; j++) m->image[j] += QEA_RIDGE * m->direction[j];
}

static double dot(const double *a, const double *b, size_t count) {
    double sum = 0;
    for (size_t j = 0; j < count; j++) sum += a[j] * b[j];
    return sum;
}

static void solve(const ridge_model *m) {
    const size_t n = m->num_weights;
    project(m, m->values, m->residual);
    memcpy(m->direction, m->residual, n * sizeof *m->direction);
    double length = dot(m->residual, m->residual, n), enough = length * precision * precision;
    for (int i = 0; i < MOST_ITERATIONS && length > enough; i++) {
        apply(m);
        double step = length / dot(m->direction, m->image, n), before = length;
        for (size_t j = 0; j < n; j++) {
            m->weights[j] += step * m->direction[j];
            m->residual[j] -= step * m->image[j];
        }
        length = dot(m->residual, m->residual, n);
        for (size_t j = 0; j < n; j++) m->direction[j] = m->residual[j] + length / before * m->direction[j];
    }
}

static qea_status create_model(qea_context *ctx, const qea_genes *space, const uint16_t *const *genomes,
                               const double *values, size_t count, ridge_model *m) {
    *m = (ridge_model){.space = space,
                       .genomes = genomes,
                       .count = count,
                       .num_weights = (space->num_free + 1) * (size_t)(MOST_LEVELS - 1)};
    QEA_TRY(qea_alloc(ctx, "predictor", 4 * m->num_weights + 2 * count, sizeof *m->memory, (void **)&m->memory));
    m->weights = m->memory;
    m->residual = m->weights + m->num_weights;
    m->direction = m->residual + m->num_weights;
    m->image = m->direction + m->num_weights;
    m->values = m->image + m->num_weights;
    m->rows = m->values + count;
    memset(m->weights, 0, m->num_weights * sizeof *m->weights);
    memcpy(m->values, values, count * sizeof *values);
    return QEA_OK;
}

qea_status qea_predict(qea_context *ctx, const qea_genes *space, const uint16_t *const *genomes, const double *values,
                       size_t count, const uint16_t *others, size_t num_others, double *predicted) {
    ridge_model m;
    QEA_TRY(create_model(ctx, space, genomes, values, count, &m));
    centre(m.values, count);
    solve(&m);
    double offset = 0; /* so that the mean of the predictions is that of the values */
    for (size_t i = 0; i < count; i++)
        offset += (values[i] - predict_row(space, m.weights, genomes[i])) / (double)count;
    for (size_t k = 0; k < num_others; k++)
        predicted[k] = offset + predict_row(space, m.weights, others + k * space->num_genes);
    qea_free(m.memory);
    return QEA_OK;
}
