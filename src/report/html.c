/* report.html: the page as a whole. */
#include "report/html.h"

#include "base/text.h"

static void put_lines(qea_text *out, const char *const *lines) {
    for (size_t i = 0; lines[i] != NULL; i++) {
        qea_text_put(out, lines[i]);
        qea_text_put(out, "\n");
    }
}

/* The policy forbids whatever the page does not bring along itself. */
void qea_html_begin(qea_text *out, const char *title) {
    qea_text_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                      "'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>quantea: ");
    qea_html_put(out, title);
    qea_text_put(out, "</title>\n<style>\n");
    put_lines(out, qea_html_style);
    qea_text_put(out, "</style>\n</head>\n<body>\n<header><h1>quantea: ");
    qea_html_put(out, title);
    qea_text_put(out, "</h1>\n");
}

static size_t count_done(const qea_report_step *step) {
    size_t done = 0;
    for (size_t i = 0; i < step->count; i++) done += step->models[i].done;
    return done;
}

static size_t count_front(const qea_report_step *step) {
    size_t count = 0;
    for (size_t i = 0; i < step->count; i++) count += step->models[i].on_front;
    return count;
}

static size_t total(const qea_report_step *step) { return step->expected > step->count ? step->expected : step->count; }

static void put_intro(qea_text *out, const qea_report_page *page) {
    qea_text_printf(out,
                    "<p>%zu of %zu trials of the search are done, %zu are on the front; %zu of %zu models are fully "
                    "trained.</p></header>\n<main>\n",
                    count_done(page->search), total(page->search), count_front(page->search), count_done(page->full),
                    total(page->full));
}

void qea_html_selection(qea_text *out) {
    qea_text_put(out, "<section id=\"selected\" class=\"card\" aria-labelledby=\"selected-name\" hidden=\"hidden\">"
                      "<h2 id=\"selected-name\">Selected</h2>\n<div id=\"selected-body\"></div></section>\n"
                      "<p id=\"said\" class=\"hush\" role=\"status\"></p><div id=\"tip\" hidden=\"hidden\"></div>\n");
}

void qea_html_end(qea_text *out) {
    qea_text_put(out, "</main>\n<script>\n");
    put_lines(out, qea_html_script);
    qea_text_put(out, "</script>\n</body>\n</html>\n");
}

static void put_network_sections(qea_text *out, const qea_report_page *page) {
    qea_html_model_table(out, page);
    qea_html_model_details(out, page);
    qea_html_curves(out, page);
    qea_html_agreement(out, page);
    qea_html_failures(out, page);
    qea_html_trial_table(out, page);
}

/* Of a search space given by hand. */
static void put_gene_sections(qea_text *out, const qea_report_page *page) {
    qea_html_gene_front(out, page);
    qea_html_failures(out, page);
    qea_html_gene_trials(out, page);
}

qea_status qea_report_write_html(qea_context *ctx, const qea_report_page *page, const char *path) {
    qea_text text = {0};
    qea_html_begin(&text, page->task);
    put_intro(&text, page);
    qea_text_put(&text, "<div>");
    qea_html_plots(&text, page);
    qea_html_selection(&text);
    qea_text_put(&text, "</div>\n");
    if (qea_report_genes(page->search) != NULL)
        put_gene_sections(&text, page);
    else
        put_network_sections(&text, page);
    qea_html_phases(&text, page);
    qea_html_origin(&text, page);
    qea_html_end(&text);
    return qea_report_write_text(ctx, &text, path);
}
