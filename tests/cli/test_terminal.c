/* quantea run on a terminal: a pseudo-terminal, what it is sent put on an emulated screen, sizes that change, Ctrl-C.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "study/small_run.h"

/* --- an emulated terminal: lines that scroll away are kept; a character outside ASCII is '#' --- */

enum { MAX_ROWS = 4000, MAX_COLUMNS = 160 };

typedef struct terminal {
    int width, height, top; /* top: the first visible row */
    int row, column;        /* of the cursor */
    bool reflows;           /* breaks lines anew when it becomes narrower, as most do; else cuts them */
    char rows[MAX_ROWS][MAX_COLUMNS + 1];
    size_t sequences; /* control sequences so far */
    size_t colours;
    size_t beyond_ascii;
    char escape[16]; /* the sequence that has begun */
    int escape_size;
} terminal;

static void clear_row(char *row) {
    memset(row, ' ', MAX_COLUMNS);
    row[MAX_COLUMNS] = '\0';
}

static void terminal_start(terminal *t, int width, int height, bool reflows) {
    memset(t, 0, sizeof *t);
    t->width = width;
    t->height = height;
    t->reflows = reflows;
    for (int i = 0; i < MAX_ROWS; i++) clear_row(t->rows[i]);
}

static void next_row(terminal *t) {
    assert_true(t->row + 1 < MAX_ROWS);
    t->row++;
    if (t->row >= t->top + t->height) t->top = t->row - t->height + 1;
}

static void obey(terminal *t) {
    char final = t->escape[t->escape_size - 1];
    int number = atoi(t->escape + 1);
    t->sequences++;
    if (final == 'A') {
        t->row -= number > 0 ? number : 1;
        if (t->row < t->top) t->row = t->top;
    } else if (final == 'J') {
        memset(t->rows[t->row] + t->column, ' ', (size_t)(MAX_COLUMNS - t->column));
        for (int i = t->row + 1; i < t->top + t->height; i++) clear_row(t->rows[i]);
    } else if (final == 'm') {
        t->colours++;
    } else {
        fail_msg("a control sequence that has to be taken back: %s", t->escape);
    }
}

static void put_byte(terminal *t, unsigned char byte) {
    if (t->escape_size > 0) {
        if (t->escape_size == 1 && byte == '[') return; /* ESC [ */
        assert_true(t->escape_size < 15);
        t->escape[t->escape_size++] = (char)byte;
        t->escape[t->escape_size] = '\0';
        if (byte < '@') return;
        obey(t);
        t->escape_size = 0;
    } else if (byte == '\033') {
        t->escape[t->escape_size++] = '\033';
    } else if (byte == '\r') {
        t->column = 0;
    } else if (byte == '\n') {
        next_row(t);
    } else if ((byte & 0xc0) != 0x80) {
        t->beyond_ascii += byte >= 0x80;
        if (t->column == t->width) {
            t->column = 0;
            next_row(t);
        }
        t->rows[t->row][t->column++] = byte < 0x80 ? (char)byte : '#';
    }
}

static int row_length(const char *row) {
    int length = MAX_COLUMNS;
    while (length > 0 && row[length - 1] == ' ') length--;
    return length;
}

static void terminal_resize(terminal *t, int width, int height) {
    static terminal to;
    terminal_start(&to, width, height, t->reflows);
    for (int i = 0; i <= t->row; i++) {
        int length = row_length(t->rows[i]), at = 0;
        if (i > 0) to.row++;
        while (t->reflows && length - at > width) {
            memcpy(to.rows[to.row++], t->rows[i] + at, (size_t)width);
            at += width;
        }
        int rest = length - at < width ? length - at : width;
        memcpy(to.rows[to.row], t->rows[i] + at, (size_t)rest);
        to.column = rest;
    }
    to.top = to.row >= height ? to.row - height + 1 : 0;
    to.sequences = t->sequences;
    *t = to;
}

static int count_from(const terminal *t, int first, const char *text) {
    int count = 0;
    for (int i = first; i < MAX_ROWS; i++) count += strstr(t->rows[i], text) != NULL;
    return count;
}

/* In all that was ever shown. */
static int count_rows(const terminal *t, const char *text) { return count_from(t, 0, text); }

static void assert_rows_from(const terminal *t, int first, const char *text, int times) {
    int count = count_from(t, first, text);
    if (count == times) return;
    for (int i = 0; i <= t->row; i++) print_message("%3d|%.*s\n", i, row_length(t->rows[i]), t->rows[i]);
    fail_msg("'%s' stands in %d rows instead of %d", text, count, times);
}

static void assert_row(const terminal *t, const char *text, int times) { assert_rows_from(t, 0, text, times); }
/* On the screen now. */
static void assert_visible(const terminal *t, const char *text, int times) { assert_rows_from(t, t->top, text, times); }

/* --- the command on it --- */

typedef struct session {
    terminal screen;
    pid_t pid;
    int master;
} session;

static void set_size(const session *s, int width, int height) {
    struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    assert_int_equal(ioctl(s->master, TIOCSWINSZ, &size), 0);
}

static void start(session *s, int width, int height, const char *const variables[3], const char *task,
                  const char *generations) {
    struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};
    s->pid = forkpty(&s->master, NULL, NULL, &size);
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        char setting[96];
        (void)snprintf(setting, sizeof setting, "nas.search_algorithm.policy.num_generation=%s", generations);
        unsetenv("NO_COLOR");
        unsetenv("LC_ALL");
        setenv("TERM", "xterm", 1);
        setenv("LC_CTYPE", "C", 1);
        for (int i = 0; i < 3 && variables != NULL && variables[i] != NULL; i++)
            putenv((char *)(uintptr_t)variables[i]);
        if (chdir(folder) == 0)
            execl(command, command, "run", "config.yml", "-t", task, "--workers", "2", "--set", setting, (char *)NULL);
        _exit(99);
    }
    terminal_start(&s->screen, width, height, true);
}

/* Reads for at most so long; false: the other end is closed. */
static bool hear(session *s, int milliseconds) {
    unsigned char bytes[4096];
    struct pollfd waiting = {s->master, POLLIN, 0};
    if (poll(&waiting, 1, milliseconds) <= 0) return true;
    ssize_t got = read(s->master, bytes, sizeof bytes);
    for (ssize_t i = 0; i < got; i++) put_byte(&s->screen, bytes[i]);
    return got > 0;
}

static int finish(session *s) {
    int status;
    while (hear(s, 10000)) {
    }
    (void)close(s->master);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Listens until a row has the text. */
static void wait_for(session *s, const char *text) {
    for (int i = 0; i < 3000 && count_rows(&s->screen, text) == 0; i++)
        if (!hear(s, 10)) break;
    assert_true(count_rows(&s->screen, text) > 0);
}

typedef struct expected {
    const char *text;
    int times;
} expected;

static bool is_visible(const terminal *t, const expected what[3]) {
    for (int i = 0; i < 3; i++)
        if (count_from(t, t->top, what[i].text) != what[i].times) return false;
    return true;
}

/* Listens until the screen has been drawn anew and each text stands on it so often: a drawing is heard in parts. What
 * must not be there twice would stay there: only the lines of the last drawing are taken back. */
static void wait_for_drawing(session *s, const expected what[3]) {
    size_t before = s->screen.sequences;
    for (int i = 0; i < 3000; i++) {
        if (s->screen.sequences != before && is_visible(&s->screen, what)) break;
        if (!hear(s, 10)) break;
    }
    for (int i = 0; i < 3; i++) assert_visible(&s->screen, what[i].text, what[i].times);
}

static void let_go(session *s) { assert_int_equal(kill(s->pid, SIGCONT), 0); }

/* Stops the process and reads what it wrote before; not within a control sequence, which a write that the terminal
 * took in parts can leave. */
static void hold(session *s) {
    struct pollfd waiting = {s->master, POLLIN, 0};
    for (;;) {
        int status;
        assert_int_equal(kill(s->pid, SIGSTOP), 0);
        assert_int_equal(waitpid(s->pid, &status, WUNTRACED), s->pid);
        assert_true(WIFSTOPPED(status));
        while (poll(&waiting, 1, 50) > 0) (void)hear(s, 0);
        if (s->screen.escape_size == 0) return;
        let_go(s);
        (void)hear(s, 10);
    }
}

/* As a window does while nothing is being written. */
static void resize(session *s, int width, int height) {
    hold(s);
    terminal_resize(&s->screen, width, height);
    set_size(s, width, height);
    let_go(s);
}

/* While nothing is being written: the terminal's "^C" would stand within it, in a control sequence too. */
static void press_control_c(session *s) {
    struct pollfd waiting = {s->master, POLLIN, 0};
    hold(s);
    assert_int_equal(write(s->master, "\003", 1), 1);
    assert_int_equal(poll(&waiting, 1, 10000), 1); /* the "^C" */
    let_go(s);
}

/* --- */

static session one;

static void each_step_leaves_one_screen_and_the_table_follows(void **state) {
    (void)state;
    start(&one, 80, 24, NULL, "once", "2");
    assert_int_equal(finish(&one), 0);
    const terminal *t = &one.screen;
    assert_row(t, "once  search  generation ", 1);
    assert_row(t, "once  full training", 1);
    assert_row(t, "] 100 %", 2);
    assert_row(t, "14/14 done  0 failed  0 running", 1);
    assert_row(t, "best  accuracy ", 2);
    assert_row(t, "hypervolume 0.", 1);
    assert_row(t, "accuracy over flops", 2);
    assert_row(t, "uniform w4a4", 1);
    assert_row(t, "files: ./tasks/once/output", 1);
    assert_int_equal(t->column, 0);
    assert_true(t->colours > 0 && t->beyond_ascii == 0);
}

static void locale_no_color_and_a_dumb_terminal_are_respected(void **state) {
    (void)state;
    static const char *const utf8[3] = {"LC_CTYPE=C.UTF-8", "NO_COLOR=1"}, *const dumb[3] = {"TERM=dumb"};
    start(&one, 80, 24, utf8, "utf8", "1");
    assert_int_equal(finish(&one), 0);
    assert_true(one.screen.sequences > 0 && one.screen.colours == 0 && one.screen.beyond_ascii > 0);
    assert_row(&one.screen, "] 100 %", 2);
    start(&one, 80, 24, dumb, "dumb", "1");
    assert_int_equal(finish(&one), 0);
    assert_int_equal(one.screen.sequences, 0);
    assert_row(&one.screen, "nas 10/10: trial ", 1);
}

/* What has scrolled off the screen, because lines broke anew, cannot be taken back; what is on it is drawn once. */
static void on_a_terminal_that_changes_its_size_the_screen_is_drawn_once(void **state) {
    (void)state;
    static const int sizes[][2] = {{60, 24}, {40, 24}, {20, 10}, {120, 30}, {33, 5}, {80, 24}};
    start(&one, 80, 24, NULL, "sizes", "1000"); /* more than end while a slow machine is at it */
    wait_for(&one, "accuracy over flops");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        resize(&one, sizes[i][0], sizes[i][1]);
        bool plot = sizes[i][1] > 20;
        const expected drawing[3] = {{"/4006 done", 1}, {"sizes  search", 1}, {"accuracy over flops", plot ? 1 : 0}};
        wait_for_drawing(&one, drawing);
    }
    press_control_c(&one);
    assert_int_equal(finish(&one), 130);
    assert_visible(&one.screen, "/4006 done", 1);
}

static void control_c_leaves_the_screen_and_a_clean_line(void **state) {
    (void)state;
    start(&one, 80, 24, NULL, "stopped", "100");
    wait_for(&one, "accuracy over flops");
    press_control_c(&one);
    assert_int_equal(finish(&one), 130);
    assert_row(&one.screen, "stopped  search", 1);
    assert_row(&one.screen, "quantea: stopped; the task can be resumed", 1);
    assert_row(&one.screen, "to go on: quantea run --resume ./tasks/stopped", 1);
    assert_int_equal(one.screen.column, 0);
    assert_int_equal(row_length(one.screen.rows[one.screen.row]), 0);
}

static void what_goes_wrong_scrolls_past_above_the_screen(void **state) {
    (void)state;
    start(&one, 100, 24, NULL, "lossy", "150");
    wait_for(&one, "accuracy over flops");
    char line[256];
    (void)snprintf(line, sizeof line, "kill -KILL $(cat /proc/%ld/task/%ld/children) 2>/dev/null; true", (long)one.pid,
                   (long)one.pid);
    /* Killed between two trials a worker costs nothing, and nothing is said. */
    for (int i = 0; i < 200 && count_rows(&one.screen, "from outside; the trial starts again") == 0; i++) {
        assert_int_equal(system(line), 0);
        for (int heard = 0; heard < 3; heard++) (void)hear(&one, 10);
    }
    assert_int_equal(finish(&one), 0);
    assert_true(count_rows(&one.screen, "from outside; the trial starts again") >= 1);
    assert_row(&one.screen, "lossy  search", 1);
    assert_row(&one.screen, "606/606 done", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_leaves_one_screen_and_the_table_follows),
        cmocka_unit_test(locale_no_color_and_a_dumb_terminal_are_respected),
        cmocka_unit_test(on_a_terminal_that_changes_its_size_the_screen_is_drawn_once),
        cmocka_unit_test(control_c_leaves_the_screen_and_a_clean_line),
        cmocka_unit_test(what_goes_wrong_scrolls_past_above_the_screen),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
