/* report/html.h: the parts of report.html. Everything that is not a constant of ours goes through qea_html_put. */
#ifndef QEA_REPORT_HTML_H
#define QEA_REPORT_HTML_H

#include "report/parts.h"

/* Text as it shows in HTML, in elements and in quoted attributes: & < > " ' are escaped, control characters but for
 * line ends and tabs become U+FFFD. */
void qea_html_put(qea_text *out, const char *text);

/* Numbers for people, whatever the locale; "-" where there is none. */
void qea_html_fixed(qea_text *out, double value, int decimals); /* 0 <= decimals <= 9 */
void qea_html_signed(qea_text *out, double value, int decimals);
/* A value of `performance` in four digits: a share in percent, large numbers with k, M, G, T. */
void qea_html_value(qea_text *out, const char *key, double value);
bool qea_html_is_share(const char *key); /* accuracies */
/* Of a key of `performance`, or the key itself where it is not known: "FLOPs", "FLOPs (M)", "FLOPs 0.35 M". */
void qea_html_word(qea_text *out, const char *key);
void qea_html_title(qea_text *out, const char *key);
void qea_html_measure(qea_text *out, const char *key, double value);

/* "trial 12 (child, on the front)", escaped. */
void qea_html_name(qea_text *out, const qea_report_model *model);

/* The name of a point of a plot: model, whether it was fully trained, values of the objectives of `search`; escaped. */
void qea_html_point_name(qea_text *out, const qea_report_step *search, const qea_report_model *model);

/* Keys of `performance` that tables show; NULL-free. */
enum { QEA_HTML_NUM_COSTS = 5 };
extern const char *const qea_html_costs[QEA_HTML_NUM_COSTS];

/* Are all layers' bits alike? */
bool qea_html_uniform(const qea_report_model *model);
/* A baseline of the full training, or a uniform trial of the search: what others are compared with. */
bool qea_html_reference(const qea_report_model *model);

/* A page: head, style and the beginning of the header with its h1; the section of what is selected, which the script
 * alone shows and fills, what screen readers say then, and the name of the point under the pointer; the script and the
 * end. */
void qea_html_begin(qea_text *out, const char *title);
void qea_html_selection(qea_text *out);
void qea_html_end(qea_text *out);

/* "1 h 2 min 3 s"; "-" for NaN. */
void qea_html_duration(qea_text *out, double seconds);
/* Behind an open <td>: top-1 accuracy, its 95 % interval, costs and mean bits, a cell each, all closed. */
void qea_html_model_cells(qea_text *out, const qea_report_model *model);
/* How many trials of the search to tell the hypervolume of: what waits has not changed it. */
size_t qea_html_count_told(const qea_report_step *search);

/* The sections. */
void qea_html_plots(qea_text *out, const qea_report_page *page);
void qea_html_curves(qea_text *out, const qea_report_page *page);
void qea_html_model_table(qea_text *out, const qea_report_page *page);
void qea_html_model_details(qea_text *out, const qea_report_page *page);
void qea_html_trial_table(qea_text *out, const qea_report_page *page);
/* Where there is no network: in place of models, details and trials. */
void qea_html_gene_front(qea_text *out, const qea_report_page *page);
void qea_html_gene_trials(qea_text *out, const qea_report_page *page);
void qea_html_bit_map(qea_text *out, const qea_report_page *page);
void qea_html_agreement(qea_text *out, const qea_report_page *page); /* nothing where it was not measured */
void qea_html_failures(qea_text *out, const qea_report_page *page);
void qea_html_phases(qea_text *out, const qea_report_page *page);
void qea_html_origin(qea_text *out, const qea_report_page *page);

/* Bits along the network: a picture and a table. */
void qea_html_layers(qea_text *out, const qea_report_page *page, const qea_report_model *model);

bool qea_html_any_done(const qea_report_step *step);

/* The model of that id that was fully trained, or NULL. */
const qea_report_model *qea_html_final(const qea_report_page *page, uint64_t id);

extern const char *const qea_html_style[];  /* lines of report/page.css, NULL behind the last */
extern const char *const qea_html_script[]; /* lines of report/page.js, NULL behind the last */

#endif
