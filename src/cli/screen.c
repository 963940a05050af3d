#include "cli/screen.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/format.h"

/* --- a canvas of characters --- */

typedef enum style { PLAIN, DIM, STRONG, GOOD, BAD, MARKED, NUM_STYLES } style;

typedef struct cell {
    uint32_t code; /* Unicode; 0: nothing was put here */
    style style;
} cell;

typedef struct canvas {
    int width, height; /* what may be used */
    int rows;          /* used so far */
    int column;        /* behind the last item of the last row */
    bool utf8;
    cell cells[QEA_SCREEN_ROWS][QEA_SCREEN_COLUMNS];
} canvas;

static void put_cell(canvas *c, int row, int column, uint32_t code, style look) {
    if (row < 0 || row >= c->height || column < 0 || column >= c->width) return;
    c->cells[row][column] = (cell){code, look};
}

/* The next character of UTF-8; what is none, or has no place of its own on a terminal, is '?'. */
static uint32_t next_code(const unsigned char **text) {
    const unsigned char *t = *text;
    int more = t[0] < 0x80 ? 0 : t[0] >= 0xc2 && t[0] < 0xe0 ? 1 : t[0] >= 0xe0 && t[0] < 0xf0 ? 2 : -1;
    uint32_t code = more <= 0 ? t[0] : more == 1 ? t[0] & 0x1fU : t[0] & 0x0fU;
    *text = t + 1;
    for (int i = 1; i <= more; i++) {
        if ((t[i] & 0xc0U) != 0x80) return '?';
        code = code << 6 | (t[i] & 0x3fU);
        *text = t + i + 1;
    }
    bool one_column =
        (code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0x300) || (code >= 0x370 && code < 0x1100);
    return more >= 0 && one_column ? code : '?';
}

/* Returns the column behind the text. */
static int put_text(canvas *c, int row, int column, const char *text, style look) {
    for (const unsigned char *t = (const unsigned char *)text; *t != '\0'; column++) {
        uint32_t code = next_code(&t);
        put_cell(c, row, column, code < 0x80 || c->utf8 ? code : '?', look);
    }
    return column;
}

static void new_row(canvas *c) {
    c->rows++;
    c->column = 0;
}

/* Puts an item behind the last one, or into a new row where it does not fit. */
static void put_item(canvas *c, style look, const char *format, ...) QEA_PRINTF(3, 4);
static void put_item(canvas *c, style look, const char *format, ...) {
    char text[200];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    int gap = c->column > 0 ? 2 : 0;
    if (c->rows == 0 || (c->column > 0 && c->column + gap + (int)strlen(text) > c->width)) {
        new_row(c);
        gap = 0;
    }
    c->column = put_text(c, c->rows - 1, c->column + gap, text, look);
    if (c->column > c->width) put_cell(c, c->rows - 1, c->width - 1, '~', DIM); /* half a number is no number */
}

/* --- what is shown --- */

static const char *task_name(const char *folder) {
    const char *slash = strrchr(folder, '/');
    return slash != NULL ? slash + 1 : folder;
}

static void put_title(canvas *c, const qea_study_progress *p) {
    new_row(c);
    put_item(c, STRONG, "%s", task_name(p->task_folder));
    put_item(c, PLAIN, "%s", qea_format_step(p->step));
    if (p->generation > 0) put_item(c, PLAIN, "generation %zu", p->generation);
    if (p->event == QEA_STUDY_STATE)
        put_item(c, p->condition == QEA_STUDY_STOPPED ? BAD : GOOD, "%s", qea_format_condition(p));
    if (p->pid > 0) put_item(c, PLAIN, "pid %ld", p->pid);
    if (p->event == QEA_STUDY_STATE && p->text != NULL) put_item(c, BAD, "%s", p->text);
}

static void put_bar(canvas *c, const qea_study_progress *p) {
    enum { LONGEST = 50 };
    char share[16];
    double done = (double)(p->done + p->failed) + p->begun;
    double part = p->total > 0 ? fmin(1, fmax(0, done / (double)p->total)) : 0;
    (void)snprintf(share, sizeof share, " %d %%", (int)(100 * part));
    int length = c->width - (int)strlen(share) - 2;
    if (length > LONGEST) length = LONGEST;
    if (length < 4) return;
    int full = (int)(length * part);
    new_row(c);
    put_cell(c, c->rows - 1, 0, '[', DIM);
    for (int i = 0; i < length; i++)
        put_cell(c, c->rows - 1, 1 + i, c->utf8 ? (i < full ? 0x2588 : 0x2591) : (i < full ? '#' : '-'),
                 i < full ? GOOD : DIM);
    put_cell(c, c->rows - 1, 1 + length, ']', DIM);
    (void)put_text(c, c->rows - 1, 2 + length, share, PLAIN);
}

static void put_counts(canvas *c, const qea_study_progress *p) {
    char text[QEA_SHORT_TEXT];
    new_row(c);
    put_item(c, PLAIN, "%zu/%zu done", p->done, p->total);
    put_item(c, p->failed > 0 ? BAD : PLAIN, "%zu failed", p->failed);
    put_item(c, PLAIN, "%zu running", p->running);
    if (p->images_per_s > 0) put_item(c, PLAIN, "%.0f images/s", p->images_per_s);
    if (!isnan(p->elapsed_s)) put_item(c, PLAIN, "elapsed %s", qea_format_duration(p->elapsed_s, text));
    if (!isnan(p->eta_s) && p->done + p->failed < p->total)
        put_item(c, PLAIN, "left %s", qea_format_duration(p->eta_s, text));
}

static void put_best(canvas *c, const qea_study_progress *p) {
    char text[QEA_SHORT_TEXT];
    new_row(c);
    put_item(c, PLAIN, "best");
    for (size_t i = 0; i < p->num_objectives; i++)
        put_item(c, PLAIN, "%s %s", p->objectives[i].name,
                 qea_format_objective(&p->objectives[i], p->objectives[i].best, text));
    if (!isnan(p->hypervolume)) put_item(c, PLAIN, "hypervolume %.3f", p->hypervolume);
}

/* --- the plot --- */

enum { MIN_PLOT_ROWS = 4, MAX_PLOT_ROWS = 14, LABEL_COLUMNS = 9, MIN_PLOT_COLUMNS = 16, MAX_PLOT_COLUMNS = 70 };

typedef struct mark {
    uint32_t utf8, ascii;
    style style;
} mark;
/* By rank: a higher one covers a lower one in the same place. */
enum { TRIAL, UNIFORM, FRONT, UNIFORM_FRONT, NUM_MARKS };
static const mark marks[NUM_MARKS] = {
    {0xb7, '.', PLAIN}, {0x25a1, 'o', MARKED}, {0x25cf, '*', GOOD}, {0x25a0, '@', GOOD}};

typedef struct plot {
    size_t x, y; /* objectives */
    double low[2], high[2];
    int top, left, rows, columns;
} plot;

static int mark_of(const qea_study_point *point) {
    return point->front ? (point->uniform ? UNIFORM_FRONT : FRONT) : (point->uniform ? UNIFORM : TRIAL);
}

static bool is_drawn(const qea_study_progress *p, const plot *l, size_t i) {
    return isfinite(p->points[i].objectives[l->x]) && isfinite(p->points[i].objectives[l->y]);
}

/* The first objective that is maximised over the first other one. */
static bool choose_axes(const qea_study_progress *p, plot *l) {
    if (p->num_objectives < 2) return false;
    l->y = 0;
    while (l->y < p->num_objectives && !p->objectives[l->y].maximized) l->y++;
    if (l->y == p->num_objectives) l->y = 0;
    l->x = l->y == 0 ? 1 : 0;
    size_t drawn = 0;
    for (size_t i = 0; i < p->num_points; i++) {
        if (!is_drawn(p, l, i)) continue;
        const double values[2] = {p->points[i].objectives[l->x], p->points[i].objectives[l->y]};
        for (int k = 0; k < 2; k++) {
            if (drawn == 0 || values[k] < l->low[k]) l->low[k] = values[k];
            if (drawn == 0 || values[k] > l->high[k]) l->high[k] = values[k];
        }
        drawn++;
    }
    return drawn > 0;
}

static int place(double value, double low, double high, int cells) {
    double share = high > low ? (value - low) / (high - low) : 0.5;
    return (int)floor(share * (cells - 1) + 0.5);
}

static void put_points(canvas *c, const qea_study_progress *p, const plot *l) {
    for (int rank = 0; rank < NUM_MARKS; rank++)
        for (size_t i = 0; i < p->num_points; i++) {
            if (mark_of(&p->points[i]) != rank || !is_drawn(p, l, i)) continue;
            const double *values = p->points[i].objectives;
            int row = l->rows - 1 - place(values[l->y], l->low[1], l->high[1], l->rows);
            int column = place(values[l->x], l->low[0], l->high[0], l->columns);
            put_cell(c, l->top + row, l->left + column, c->utf8 ? marks[rank].utf8 : marks[rank].ascii,
                     marks[rank].style);
        }
}

static void put_axes(canvas *c, const qea_study_progress *p, const plot *l) {
    char text[QEA_SHORT_TEXT];
    const qea_study_objective *x = &p->objectives[l->x], *y = &p->objectives[l->y];
    for (int i = 0; i < l->rows; i++) put_cell(c, l->top + i, l->left - 1, c->utf8 ? 0x2502 : '|', DIM);
    put_cell(c, l->top + l->rows, l->left - 1, c->utf8 ? 0x2514 : '+', DIM);
    for (int i = 0; i < l->columns; i++) put_cell(c, l->top + l->rows, l->left + i, c->utf8 ? 0x2500 : '-', DIM);
    const double ends[2] = {l->high[1], l->low[1]};
    for (int k = 0; k < (l->high[1] > l->low[1] ? 2 : 1); k++) {
        (void)qea_format_objective(y, ends[k], text);
        (void)put_text(c, l->top + k * (l->rows - 1), LABEL_COLUMNS - 2 - (int)strlen(text), text, PLAIN);
    }
    int labels = l->top + l->rows + 1;
    int behind = put_text(c, labels, l->left, qea_format_objective(x, l->low[0], text), PLAIN);
    if (!(l->high[0] > l->low[0])) return;
    (void)qea_format_objective(x, l->high[0], text);
    int start = l->left + l->columns - (int)strlen(text);
    if (start > behind) (void)put_text(c, labels, start, text, PLAIN);
}

static void put_legend(canvas *c, const qea_study_progress *p, const plot *l) {
    static const char *const names[NUM_MARKS] = {"trial", "uniform", "front", "uniform on the front"};
    size_t counts[NUM_MARKS] = {0};
    for (size_t i = 0; i < p->num_points; i++) counts[mark_of(&p->points[i])]++;
    new_row(c);
    put_item(c, PLAIN, "%s over %s", p->objectives[l->y].name, p->objectives[l->x].name);
    for (int m = NUM_MARKS - 1; m >= 0; m--) {
        if (counts[m] == 0) continue;
        put_item(c, PLAIN, "%c %zu %s", (char)marks[m].ascii, counts[m], names[m]);
        int length = snprintf(NULL, 0, "%c %zu %s", (char)marks[m].ascii, counts[m], names[m]);
        put_cell(c, c->rows - 1, c->column - length, c->utf8 ? marks[m].utf8 : marks[m].ascii, marks[m].style);
    }
}

static void put_plot(canvas *c, const qea_study_progress *p) {
    plot l = {.left = LABEL_COLUMNS};
    l.columns = c->width - l.left < MAX_PLOT_COLUMNS ? c->width - l.left : MAX_PLOT_COLUMNS;
    if (l.columns < MIN_PLOT_COLUMNS || !choose_axes(p, &l)) return;
    int before = c->rows;
    put_legend(c, p, &l);
    l.top = c->rows;
    l.rows = c->height - l.top - 2;
    if (l.rows > MAX_PLOT_ROWS) l.rows = MAX_PLOT_ROWS;
    if (l.rows < MIN_PLOT_ROWS) { /* no room: the legend is not shown either */
        c->rows = before;
        return;
    }
    put_axes(c, p, &l);
    put_points(c, p, &l);
    c->rows = l.top + l.rows + 2;
}

/* --- as text --- */

typedef struct output {
    char *text;
    size_t used;
} output;

static void put_bytes(output *out, const char *bytes, size_t size) {
    if (out->used + size >= QEA_SCREEN_TEXT) return;
    memcpy(out->text + out->used, bytes, size);
    out->used += size;
    out->text[out->used] = '\0';
}

static void put_code(output *out, uint32_t code) {
    const char utf8[3] = {(char)(code < 0x80    ? code
                                 : code < 0x800 ? 0xc0 | code >> 6
                                                : 0xe0 | code >> 12),
                          (char)(0x80 | (code < 0x800 ? code & 0x3f : code >> 6 & 0x3f)), (char)(0x80 | (code & 0x3f))};
    put_bytes(out, utf8, code < 0x80 ? 1 : code < 0x800 ? 2 : 3);
}

static int write_row(const canvas *c, int row, bool colour, output *out) {
    static const char *const codes[NUM_STYLES] = {"\033[0m", "\033[2m", "\033[1m", "\033[32m", "\033[31m", "\033[33m"};
    int length = c->width;
    style now = PLAIN;
    while (length > 0 && c->cells[row][length - 1].code == 0) length--;
    for (int i = 0; i < length; i++) {
        const cell *at = &c->cells[row][i];
        style wanted = at->code == 0 ? PLAIN : at->style;
        if (colour && wanted != now) {
            if (now != PLAIN) put_bytes(out, codes[PLAIN], strlen(codes[PLAIN]));
            if (wanted != PLAIN) put_bytes(out, codes[wanted], strlen(codes[wanted]));
        }
        now = wanted;
        put_code(out, at->code == 0 ? ' ' : at->code);
    }
    if (colour && now != PLAIN) put_bytes(out, codes[PLAIN], strlen(codes[PLAIN]));
    return length;
}

static int between(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

int qea_screen_draw(const qea_screen *screen, const qea_study_progress *progress, char text[QEA_SCREEN_TEXT],
                    int columns[QEA_SCREEN_ROWS]) {
    canvas c = {.width = between(screen->width - 3, 1, QEA_SCREEN_COLUMNS),
                .height = between(screen->height - 1, 1, QEA_SCREEN_ROWS),
                .utf8 = screen->utf8};
    output out = {text, 0};
    text[0] = '\0';
    if (c.height > 3) put_title(&c, progress);
    if (c.height > 2) put_bar(&c, progress);
    put_counts(&c, progress);
    if (progress->num_points > 0) put_best(&c, progress);
    put_plot(&c, progress);
    int rows = c.rows < c.height ? c.rows : c.height;
    for (int i = 0; i < rows; i++) {
        if (i > 0) put_bytes(&out, "\n", 1);
        columns[i] = write_row(&c, i, screen->colour, &out);
    }
    return rows;
}
