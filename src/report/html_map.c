/* The bits of the front's models as a map: a row for each model, a column for each layer, weights beside activations.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "report/html_gain.h"

enum { CELL = 22, LABEL = 150, GAP = 24, TOP = 26, MAX_ROWS = 40 };

typedef struct map {
    qea_text *out;
    const qea_report_page *page;
    const char *cost;
    const qea_report_model **rows; /* owned, [count] */
    size_t count, layers;
} map;

typedef struct entry {
    const qea_report_model *model;
    double cost;
} entry;

static int by_rising_cost(const void *a, const void *b) {
    const entry *p = a, *q = b;
    if (p->cost != q->cost) return p->cost < q->cost ? -1 : 1;
    return p->model->id < q->model->id ? -1 : p->model->id > q->model->id;
}

/* The front by rising cost; of a large one MAX_ROWS at equal distances of rank. */
static qea_status choose_rows(map *m) {
    const qea_report_step *search = m->page->search;
    entry *front;
    size_t count = 0;
    QEA_TRY(QEA_NEW(NULL, "front", m->rows, MAX_ROWS));
    QEA_TRY(QEA_NEW(NULL, "front", front, search->count + 1));
    for (size_t i = 0; i < search->count; i++) {
        const qea_report_model *model = &search->models[i];
        double cost = qea_report_value(model, m->cost);
        if (model->on_front && isfinite(cost) && model->num_layers > 0) front[count++] = (entry){model, cost};
    }
    qsort(front, count, sizeof *front, by_rising_cost);
    m->count = count < MAX_ROWS ? count : MAX_ROWS;
    for (size_t i = 0; i < m->count; i++) m->rows[i] = front[m->count > 1 ? i * (count - 1) / (m->count - 1) : 0].model;
    m->layers = count > 0 ? front[0].model->num_layers : 0;
    if (m->page->num_layers < m->layers) m->layers = m->page->num_layers;
    qea_free(front);
    return QEA_OK;
}

static int left_of(const map *m, int half, size_t layer) {
    return LABEL + (int)layer * CELL + half * ((int)m->layers * CELL + GAP);
}

/* More bits, more colour. */
static void put_cell(const map *m, int half, size_t row, size_t layer, int bits) {
    int x = left_of(m, half, layer), y = TOP + (int)row * CELL;
    qea_text_printf(m->out, "<rect class=\"%s\" fill-opacity=\"", half == 0 ? "w" : "a");
    qea_html_fixed(m->out, 0.05 + 0.55 * fmin(bits, 8) / 8, 2);
    qea_text_printf(m->out, "\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/><text x=\"%d\" y=\"%d\">%d</text>\n",
                    x + 1, y + 1, CELL - 2, CELL - 2, x + CELL / 2, y + CELL - 7, bits);
}

static void put_map_row(const map *m, size_t row) {
    const qea_report_model *model = m->rows[row];
    qea_text_printf(m->out, "<g class=\"row\" data-t=\"%llu\"><title>", (unsigned long long)model->id);
    qea_html_point_name(m->out, m->page->search, model);
    qea_text_printf(m->out,
                    "</title><rect class=\"hit\" x=\"0\" y=\"%d\" width=\"%d\" height=\"%d\"/>"
                    "<text class=\"name\" x=\"%d\" y=\"%d\">%llu: ",
                    TOP + (int)row * CELL, left_of(m, 1, m->layers), CELL, LABEL - 8, TOP + (int)(row + 1) * CELL - 7,
                    (unsigned long long)model->id);
    qea_html_measure(m->out, m->cost, qea_report_value(model, m->cost));
    qea_text_put(m->out, "</text>\n");
    for (size_t i = 0; i < m->layers; i++) put_cell(m, 0, row, i, model->weight_bits[i]);
    for (size_t i = 0; i < m->layers; i++) put_cell(m, 1, row, i, model->activation_bits[i]);
    qea_text_put(m->out, "</g>\n");
}

static size_t longest_name(const map *m) {
    size_t longest = 0;
    for (size_t i = 0; i < m->layers; i++) {
        size_t length = strlen(m->page->layers[i].name);
        if (length > longest) longest = length < 60 ? length : 60;
    }
    return longest;
}

static void put_names(const map *m, int half) {
    qea_text_printf(m->out, "<text class=\"axis\" x=\"%d\" y=\"16\">%s</text>\n", left_of(m, half, 0),
                    half == 0 ? "weight bits" : "activation bits");
    for (size_t i = 0; i < m->layers; i++) {
        qea_text_printf(m->out, "<text class=\"tick\" transform=\"translate(%d %d) rotate(-60)\">",
                        left_of(m, half, i) + CELL / 2 + 3, TOP + (int)m->count * CELL + 12);
        qea_html_put(m->out, m->page->layers[i].name);
        qea_text_put(m->out, "</text>\n");
    }
}

static void put_map(const map *m) {
    int width = left_of(m, 1, m->layers) + 4;
    int height = TOP + (int)m->count * CELL + 24 + (int)(6.0 * (double)longest_name(m));
    qea_text_printf(
        m->out,
        "<h3>Bits of the front, layer by layer</h3>\n<div class=\"scroll\"><svg class=\"map\" width=\"%d\" "
        "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Map of bits: a row for each model of "
        "the front from cheap to dear, a column for each layer, weights left and activations right; the "
        "table of trials has the same numbers\">\n",
        width, height, width, height);
    for (size_t i = 0; i < m->count; i++) put_map_row(m, i);
    put_names(m, 0);
    put_names(m, 1);
    qea_text_put(m->out, "</svg></div>\n");
}

void qea_html_bit_map(qea_text *out, const qea_report_page *page) {
    map m = {.out = out, .page = page, .cost = qea_html_main_cost(page->search)};
    if (choose_rows(&m) != QEA_OK)
        out->failed = true;
    else if (m.count > 0 && m.layers > 0)
        put_map(&m);
    qea_free(m.rows);
}
