/* Markdown, as the documents of this project use it, as a man page. */
#include <string.h>

#include "cli/document.h"

enum { MAX_CELLS = 8 };

typedef struct cell {
    const char *text;
    size_t size;
} cell;

/* Code in bold; line ends are blanks. */
static void put_inline(FILE *out, const char *text, size_t size) {
    bool code = false;
    size_t begin = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && text[i] != '`') continue;
        qea_man_put(out, text + begin, i - begin);
        if (i < size) (void)fputs(code ? "\\fR" : "\\fB", out);
        code = i < size ? !code : code;
        begin = i + 1;
    }
}

/* Cells of "| a | b |", without the blanks around them. */
static int split_row(const char *line, size_t size, cell cells[MAX_CELLS]) {
    int count = 0;
    size_t begin = 1;
    for (size_t i = 1; i < size && count < MAX_CELLS; i++) {
        if (line[i] != '|') continue;
        size_t first = begin, last = i;
        while (first < last && line[first] == ' ') first++;
        while (last > first && line[last - 1] == ' ') last--;
        cells[count++] = (cell){line + first, last - first};
        begin = i + 1;
    }
    return count;
}

static bool is(const cell *c, const char *word) {
    return c->size == strlen(word) && memcmp(c->text, word, c->size) == 0;
}

/* A row: its first cell names it, the one under "meaning" says what it is, the others stand behind their headings. */
static void put_row(FILE *out, const cell *heads, int num_heads, const cell *cells, int count) {
    (void)fputs(".TP 8\n", out);
    put_inline(out, cells[0].text, cells[0].size);
    (void)fputc('\n', out);
    for (int i = 1; i < count && i < num_heads; i++)
        if (is(&heads[i], "meaning") && cells[i].size > 0) {
            put_inline(out, cells[i].text, cells[i].size);
            (void)fputc('\n', out);
        }
    for (int i = 1; i < count && i < num_heads; i++) {
        if (is(&heads[i], "meaning") || cells[i].size == 0) continue;
        (void)fputs(".br\n", out);
        (void)fprintf(out, "%.*s: ", (int)heads[i].size, heads[i].text);
        put_inline(out, cells[i].text, cells[i].size);
        (void)fputc('\n', out);
    }
}

static const char *line_end(const char *line) { return line + strcspn(line, "\n"); }

/* Returns what stands behind the table. */
static const char *put_table(FILE *out, const char *line) {
    cell heads[MAX_CELLS], cells[MAX_CELLS];
    int num_heads = split_row(line, (size_t)(line_end(line) - line), heads);
    for (int row = 0; *line == '|'; row++) {
        const char *end = line_end(line);
        if (row >= 2) { /* behind the headings and the line of hyphens */
            int count = split_row(line, (size_t)(end - line), cells);
            if (count > 0) put_row(out, heads, num_heads, cells, count);
        }
        line = *end == '\n' ? end + 1 : end;
    }
    return line;
}

static void put_line(FILE *out, const char *line, size_t size) {
    if (size > 3 && memcmp(line, "## ", 3) == 0) {
        (void)fputs(".SH ", out);
        put_inline(out, line + 3, size - 3);
    } else if (size == 0) {
        (void)fputs(".PP", out);
    } else if (size > 2 && memcmp(line, "- ", 2) == 0) {
        (void)fputs(".IP \\(bu 2\n", out);
        put_inline(out, line + 2, size - 2);
    } else {
        while (size > 0 && *line == ' ') line++, size--;
        put_inline(out, line, size);
    }
    (void)fputc('\n', out);
}

/* Empty lines before headings and tables, and at the end, mean nothing. */
static bool is_gap(const char *line) {
    while (*line == '\n') line++;
    return *line == '|' || *line == '\0' || strncmp(line, "## ", 3) == 0 || strncmp(line, "- ", 2) == 0;
}

void qea_man_markdown(FILE *out, const char *title, const char *name, const char *what, const char *markdown) {
    qea_man_head(out, title, name, what);
    (void)fputs(".SH DESCRIPTION\n", out);
    bool begun = false;
    for (const char *line = markdown; *line != '\0';) {
        const char *end = line_end(line), *next = *end == '\n' ? end + 1 : end;
        if (*line == '|') {
            line = put_table(out, line);
            continue;
        }
        bool skipped =
            strncmp(line, "# ", 2) == 0 || strncmp(line, "<!--", 4) == 0 || (*line == '\n' && (!begun || is_gap(line)));
        if (!skipped) put_line(out, line, (size_t)(end - line));
        begun = begun || (!skipped && strncmp(line, "## ", 3) != 0);
        if (strncmp(line, "## ", 3) == 0) begun = false;
        line = next;
    }
    (void)fputs(".SH SEE ALSO\n.BR quantea (1),\n.BR quantea\\-run (1)\n", out);
}
