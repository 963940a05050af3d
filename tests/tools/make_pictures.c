/* make_pictures FOLDER: the pictures of docs/search.md as SVG, from what the library's own search does. */
#include <math.h>
#include <stdio.h>

#include "quantea/search.h"

/* A network of 20 layers of unlike size and sensitivity, at 2, 4 or 8 bits: cost = size * bits, error = sensitivity *
 * 4^-bits, the power of the rounding noise. Its search takes no training. */
enum { GENES = 20, VALUES = 3, POPULATION = 16, RANDOM = 32, GENERATIONS = 60, MAX_TRIALS = 1024 };

typedef struct point {
    double cost, error; /* both from 0 to 1 here */
} point;

static point told[MAX_TRIALS];
static size_t born[MAX_TRIALS]; /* generation */

static point judge(const uint16_t genome[GENES]) {
    static const double bits[VALUES] = {2, 4, 8};
    double cost = 0, most = 0, error = 0, worst = 0;
    for (int i = 0; i < GENES; i++) {
        double size = 1 + (i * 7) % 10, sensitivity = 1 + (i * 13) % 19;
        cost += size * bits[genome[i]];
        most += size * bits[VALUES - 1];
        error += sensitivity * pow(4, -bits[genome[i]]);
        worst += sensitivity * pow(4, -bits[0]);
    }
    return (point){cost / most, pow(error / worst, 0.25)}; /* the root: so that the picture shows it all */
}

static FILE *begin(const char *folder, const char *name, int width, int height, const char *title) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    if (out != NULL)
        (void)fprintf(out,
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" role=\"img\" "
                      "font-family=\"sans-serif\" font-size=\"13\">\n<title>%s</title>\n"
                      "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
                      width, height, width, title);
    return out;
}

static int end(FILE *out) {
    (void)fputs("</svg>\n", out);
    return ferror(out) != 0 || fclose(out) != 0;
}

static void put_text(FILE *out, double x, double y, const char *text) {
    (void)fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" fill=\"#222\">%s</text>\n", x, y, text);
}

static void put_dot(FILE *out, double x, double y, double r, const char *fill, const char *stroke) {
    (void)fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" stroke=\"%s\"/>\n", x, y, r, fill,
                  stroke);
}

static void put_line(FILE *out, double x0, double y0, double x1, double y1, const char *stroke) {
    (void)fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x0, y0, x1, y1,
                  stroke);
}

/* In a plot of 360 x 300 at (50, 20). */
static double at_x(double cost) { return 50 + 360 * cost; }
static double at_y(double error) { return 320 - 300 * error; }

static void put_axes(FILE *out, const char *x, const char *y) {
    put_line(out, 50, 320, 410, 320, "#444");
    put_line(out, 50, 20, 50, 320, "#444");
    put_text(out, 200, 342, x);
    (void)fprintf(out, "<text transform=\"translate(36 200) rotate(-90)\" fill=\"#222\">%s</text>\n", y);
}

/* --- the front over the generations --- */

static qea_status run_search(qea_context *ctx, size_t *count) {
    uint16_t sizes[GENES], genome[GENES];
    for (int i = 0; i < GENES; i++) sizes[i] = VALUES;
    qea_search_config config = {GENES, sizes, 2, POPULATION, RANDOM, GENERATIONS, .seed = 1};
    qea_search *search;
    uint64_t trial = 0;
    qea_ask what = QEA_ASK_TRIAL;
    qea_status status = qea_search_create(ctx, &config, &search);
    while (status == QEA_OK && what == QEA_ASK_TRIAL) {
        status = qea_search_ask(ctx, search, &what, &trial, genome);
        if (status != QEA_OK || what != QEA_ASK_TRIAL) break;
        told[trial] = judge(genome);
        born[trial] = qea_search_generation(search);
        status = qea_search_tell(ctx, search, trial, (double[]){told[trial].cost, told[trial].error}, 0);
    }
    *count = (size_t)trial;
    qea_search_destroy(search);
    return status;
}

/* The steps below the trials of the first generations. */
static void put_front(FILE *out, size_t count, size_t generation, const char *colour, double radius, double legend_y) {
    char text[64];
    static size_t front[MAX_TRIALS];
    size_t size = 0;
    for (size_t t = 1; t <= count; t++) {
        int beaten = born[t] > generation;
        for (size_t o = 1; o <= count && !beaten; o++)
            beaten = born[o] <= generation && qea_dominates((double[]){told[o].cost, told[o].error}, 0,
                                                            (double[]){told[t].cost, told[t].error}, 0, 2) < 0;
        if (!beaten) front[size++] = t;
    }
    for (size_t i = 0; i < size; i++)
        put_dot(out, at_x(told[front[i]].cost), at_y(told[front[i]].error), radius, colour, colour);
    put_dot(out, 440, legend_y - 4, 4, colour, colour);
    (void)snprintf(text, sizeof text, "front after generation %d", (int)generation);
    put_text(out, 452, legend_y, text);
}

static qea_status draw_generations(qea_context *ctx, const char *folder, int *failed) {
    static const char *const colours[] = {"#c9a227", "#2a9d8f", "#d1495b"};
    static const size_t generations[] = {0, 10, GENERATIONS};
    size_t count;
    qea_status status = run_search(ctx, &count);
    FILE *out = begin(folder, "search-generations.svg", 640, 360, "The front after generations 0, 10 and 60");
    if (out == NULL || status != QEA_OK) return *failed = 1, status;
    put_axes(out, "cost", "error");
    for (size_t t = 1; t <= count; t++) put_dot(out, at_x(told[t].cost), at_y(told[t].error), 1.5, "#bbb", "none");
    for (int i = 0; i < 3; i++) put_front(out, count, generations[i], colours[i], 5.5 - 1.5 * i, 60 + 24 * i);
    put_dot(out, 440, 128, 1.5, "#bbb", "none");
    put_text(out, 452, 132, "every trial");
    *failed |= end(out);
    return QEA_OK;
}

/* --- reference points: corners are objectives --- */

static qea_status draw_reference_points(qea_context *ctx, const char *folder, int *failed) {
    double *points = NULL;
    size_t count;
    qea_status status = qea_reference_points(ctx, 3, 5, 0, &points, &count);
    FILE *out = begin(folder, "search-reference-points.svg", 420, 360, "21 reference points of three objectives");
    if (out == NULL || status != QEA_OK) return *failed = 1, status;
    put_line(out, 60, 310, 360, 310, "#444");
    put_line(out, 60, 310, 210, 50, "#444");
    put_line(out, 360, 310, 210, 50, "#444");
    for (size_t i = 0; i < count; i++) {
        const double *p = points + 3 * i;
        put_dot(out, 60 * p[0] + 360 * p[1] + 210 * p[2], 310 * (p[0] + p[1]) + 50 * p[2], 5, "#2a9d8f", "none");
    }
    put_text(out, 20, 338, "objective 1 alone");
    put_text(out, 310, 338, "objective 2 alone");
    put_text(out, 160, 36, "objective 3 alone");
    qea_points_free(points);
    *failed |= end(out);
    return QEA_OK;
}

/* --- niching: of one front too many, those that stay --- */

static qea_status draw_niching(qea_context *ctx, const char *folder, int *failed) {
    enum { CROWD = 30, LINES = 8 };
    double objectives[CROWD][2], *points = NULL;
    size_t chosen[LINES], count = 0;
    qea_survival *survival = NULL;
    for (int i = 0; i < CROWD; i++) { /* one front, crowded at its ends */
        double t = (double)i / (CROWD - 1), bent = t * t * (3 - 2 * t);
        objectives[i][0] = 1 - sqrt(1 - (1 - bent) * (1 - bent));
        objectives[i][1] = 1 - sqrt(1 - bent * bent);
    }
    qea_status status = qea_reference_points(ctx, 2, LINES - 1, 0, &points, &count);
    if (status == QEA_OK) status = qea_survival_create(ctx, 2, points, count, 1, &survival);
    if (status == QEA_OK) status = qea_survival_select(ctx, survival, 0, &objectives[0][0], NULL, CROWD, LINES, chosen);
    FILE *out = begin(folder, "search-niching.svg", 640, 360, "Of 30 models on a front 8 stay, one for each direction");
    if (out == NULL || status != QEA_OK) return *failed = 1, status;
    put_axes(out, "cost", "error");
    for (size_t i = 0; i < count; i++) {
        double length = fmax(points[2 * i], points[2 * i + 1]);
        put_line(out, at_x(0), at_y(0), at_x(points[2 * i] / length), at_y(points[2 * i + 1] / length), "#ccc");
    }
    for (int i = 0; i < CROWD; i++) put_dot(out, at_x(objectives[i][0]), at_y(objectives[i][1]), 4, "#fff", "#888");
    for (int i = 0; i < LINES; i++)
        put_dot(out, at_x(objectives[chosen[i]][0]), at_y(objectives[chosen[i]][1]), 4, "#d1495b", "#d1495b");
    put_dot(out, 440, 56, 4, "#d1495b", "#d1495b");
    put_text(out, 452, 60, "stays");
    put_dot(out, 440, 80, 4, "#fff", "#888");
    put_text(out, 452, 84, "goes");
    put_line(out, 434, 104, 446, 104, "#ccc");
    put_text(out, 452, 108, "reference direction");
    qea_survival_destroy(survival);
    qea_points_free(points);
    *failed |= end(out);
    return QEA_OK;
}

int main(int argc, char **argv) {
    int failed = 0;
    qea_context *ctx = qea_context_create();
    if (argc != 2 || ctx == NULL) return 2;
    qea_status status = draw_generations(ctx, argv[1], &failed);
    if (status == QEA_OK) status = draw_reference_points(ctx, argv[1], &failed);
    if (status == QEA_OK) status = draw_niching(ctx, argv[1], &failed);
    if (status != QEA_OK) (void)fprintf(stderr, "%s\n", qea_context_message(ctx));
    qea_context_destroy(ctx);
    return status != QEA_OK || failed;
}
