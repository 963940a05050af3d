/* Bits along the network: four rows of bars over the layers as SVG, and the same as a table. The script of the page
 * fills copies of both for trials that have none (report/page.js): classes w, a, m, b and the attribute data-y are for
 * it. */
#include <math.h>
#include <string.h>

#include "report/html.h"

enum { ROW = 74, BAR = 46, LEFT = 96, TOP = 8, NUM_ROWS = 4 };

typedef struct picture {
    qea_text *out;
    const qea_report_page *page;
    const qea_report_model *model;
    size_t count;
    double column;                /* width */
    double macs, bytes;           /* sums over the layers */
    int most_bits;                /* a full bar */
    double most_macs, most_bytes; /* shares of a full bar */
} picture;

static double bytes_of(const picture *p, size_t layer) {
    return (double)p->page->layers[layer].weights * p->model->weight_bits[layer] / 8;
}

static double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

static picture picture_make(qea_text *out, const qea_report_page *page, const qea_report_model *model) {
    picture p = {.out = out, .page = page, .model = model, .most_bits = 8};
    p.count = page->num_layers < model->num_layers ? page->num_layers : model->num_layers;
    for (size_t i = 0; i < p.count; i++) {
        p.macs += (double)page->layers[i].macs;
        p.bytes += bytes_of(&p, i);
        if (model->weight_bits[i] > 8 || model->activation_bits[i] > 8) p.most_bits = 32;
    }
    for (size_t i = 0; i < p.count; i++) {
        p.most_macs = fmax(p.most_macs, share((double)page->layers[i].macs, p.macs));
        p.most_bytes = fmax(p.most_bytes, share(bytes_of(&p, i), p.bytes));
    }
    p.column = fmin(44, fmax(24, 480.0 / (double)(p.count > 0 ? p.count : 1)));
    return p;
}

static int base_of(int row) { return TOP + row * ROW + 14 + BAR; }

/* One bar with its number above it; `fraction` of a full bar. */
static void put_bar(const picture *p, int row, size_t layer, double fraction, double number, int decimals) {
    static const char *const kinds[NUM_ROWS] = {"w", "a", "m", "b"};
    double height = BAR * fraction, left = LEFT + p->column * (double)layer;
    qea_text_printf(p->out, "<rect class=\"%s\" data-y=\"%d\" x=\"", kinds[row], base_of(row));
    qea_html_fixed(p->out, left + 2, 1);
    qea_text_put(p->out, "\" y=\"");
    qea_html_fixed(p->out, base_of(row) - height, 1);
    qea_text_put(p->out, "\" width=\"");
    qea_html_fixed(p->out, p->column - 4, 1);
    qea_text_put(p->out, "\" height=\"");
    qea_html_fixed(p->out, height, 1);
    qea_text_printf(p->out, "\"/><text class=\"%s\" x=\"", kinds[row]);
    qea_html_fixed(p->out, left + p->column / 2, 1);
    qea_text_put(p->out, "\" y=\"");
    qea_html_fixed(p->out, base_of(row) - height - 3, 1);
    qea_text_put(p->out, "\" text-anchor=\"middle\">");
    qea_html_fixed(p->out, number, decimals);
    qea_text_put(p->out, "</text>\n");
}

static void put_row(const picture *p, int row) {
    static const char *const titles[NUM_ROWS][2] = {
        {"weights", "bits"}, {"activations", "bits"}, {"MACs", "%"}, {"weight bytes", "%"}};
    double end = LEFT + p->column * (double)p->count;
    qea_text_printf(p->out, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", LEFT - 8,
                    base_of(row) - 16, titles[row][0]);
    qea_text_printf(p->out, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", LEFT - 8,
                    base_of(row) - 1, titles[row][1]);
    qea_text_printf(p->out, "<path class=\"grid\" d=\"M%d %dH", LEFT, base_of(row));
    qea_html_fixed(p->out, end, 1);
    qea_text_put(p->out, "\"/>\n");
    for (size_t i = 0; i < p->count; i++) {
        int w = p->model->weight_bits[i], a = p->model->activation_bits[i];
        double macs = share((double)p->page->layers[i].macs, p->macs), bytes = share(bytes_of(p, i), p->bytes);
        if (row == 0) put_bar(p, row, i, (double)w / p->most_bits, w, 0);
        if (row == 1) put_bar(p, row, i, (double)a / p->most_bits, a, 0);
        if (row == 2) put_bar(p, row, i, share(macs, p->most_macs), 100 * macs, 0);
        if (row == 3) put_bar(p, row, i, share(bytes, p->most_bytes), 100 * bytes, 0);
    }
}

static void put_names(const picture *p) {
    for (size_t i = 0; i < p->count; i++) {
        qea_text_put(p->out, "<text class=\"tick\" transform=\"translate(");
        qea_html_fixed(p->out, LEFT + p->column * ((double)i + 0.5) + 3, 1);
        qea_text_printf(p->out, " %d) rotate(-60)\" text-anchor=\"end\">", base_of(NUM_ROWS - 1) + 14);
        qea_html_put(p->out, p->page->layers[i].name);
        qea_text_put(p->out, "</text>\n");
    }
}

/* The names stand at 60 degrees; a letter is about 6.5 wide. */
static int names_height(const picture *p) {
    size_t longest = 0;
    for (size_t i = 0; i < p->count; i++) {
        size_t length = strlen(p->page->layers[i].name);
        if (length > longest) longest = length < 60 ? length : 60;
    }
    return 24 + (int)(6.5 * 0.87 * (double)longest);
}

static void put_picture(const picture *p) {
    int width = (int)(LEFT + p->column * (double)p->count + 12), height = base_of(NUM_ROWS - 1) + names_height(p);
    qea_text_printf(p->out,
                    "<div class=\"scroll\"><svg class=\"layers\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                    "role=\"img\" aria-label=\"Bars along the network: weight bits, activation bits, share of MACs and "
                    "share of weight bytes of each layer; the table below has the same numbers\">\n",
                    width, height, width, height);
    for (int row = 0; row < NUM_ROWS; row++) put_row(p, row);
    put_names(p);
    qea_text_put(p->out, "</svg></div>\n");
}

static void put_layer_row(const picture *p, size_t layer) {
    const qea_report_layer *info = &p->page->layers[layer];
    qea_text_put(p->out, "<tr><th scope=\"row\">");
    qea_html_put(p->out, info->name);
    qea_text_printf(p->out, "</th><td class=\"w\">%d</td><td class=\"a\">%d</td><td>", p->model->weight_bits[layer],
                    p->model->activation_bits[layer]);
    qea_html_value(p->out, "macs", (double)info->macs);
    qea_text_put(p->out, "</td><td>");
    qea_html_fixed(p->out, 100 * share((double)info->macs, p->macs), 1);
    qea_text_printf(p->out, " %%</td><td class=\"b\" data-n=\"%llu\">", (unsigned long long)info->weights);
    qea_html_fixed(p->out, bytes_of(p, layer), 0);
    qea_text_put(p->out, "</td><td class=\"s\">");
    qea_html_fixed(p->out, 100 * share(bytes_of(p, layer), p->bytes), 1);
    qea_text_put(p->out, " %</td></tr>\n");
}

void qea_html_layers(qea_text *out, const qea_report_page *page, const qea_report_model *model) {
    picture p = picture_make(out, page, model);
    if (p.count == 0) return;
    qea_text_put(out, "<div class=\"network\">\n");
    put_picture(&p);
    qea_text_put(out,
                 "<details><summary>the same as a table</summary><div class=\"scroll\"><table>\n"
                 "<caption>Bits and costs of each quantised layer</caption>\n<thead><tr><th scope=\"col\">layer</th>"
                 "<th scope=\"col\">weight bits</th><th scope=\"col\">activation bits</th>"
                 "<th scope=\"col\">MACs</th><th scope=\"col\">share</th><th scope=\"col\">weight bytes</th>"
                 "<th scope=\"col\">share</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < p.count; i++) put_layer_row(&p, i);
    qea_text_put(out, "</tbody></table></div></details>\n</div>\n");
}
