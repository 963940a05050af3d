/* quantea document FOLDER: man pages and completions; the build calls it, not people. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/document.h"
#include "quantea/inspect.h"

void qea_put_choices(FILE *out, const char *choices, const char *between) {
    for (const char *c = choices; *c != '\0'; c++)
        if (*c == '|')
            (void)fputs(between, out);
        else
            (void)fputc(*c, out);
}

void qea_each_key(FILE *out, qea_key_fn f) {
    static const char *const steps[] = {"*", "nas", "fully_train"};
    const char *path, *choices;
    for (size_t i = 0; (path = qea_study_config_key(i, &choices)) != NULL; i++) {
        if (path[0] != '*') f(out, path, choices);
        for (size_t s = 0; path[0] == '*' && s < sizeof steps / sizeof *steps; s++) {
            char full[256];
            (void)snprintf(full, sizeof full, "%s%s", steps[s], path + 1);
            f(out, full, choices);
        }
    }
}

static bool failed(const char *path) {
    (void)fprintf(stderr, "quantea document: %s: %s\n", path, strerror(errno));
    return false;
}

static FILE *open_in(const char *folder, const char *sub, const char *name, char path[512]) {
    (void)snprintf(path, 512, "%s/%s", folder, sub);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return NULL;
    (void)snprintf(path, 512, "%s/%s/%s", folder, sub, name);
    return fopen(path, "w");
}

/* Was all of it written? */
static bool finish(FILE *file, const char *path) {
    bool whole = ferror(file) == 0;
    return (fclose(file) == 0 && whole) || failed(path);
}

static bool write_commands(const char *folder) {
    char path[512], name[64];
    for (size_t i = 0; i < qea_num_commands; i++) {
        if (qea_commands[i].help == NULL) continue;
        (void)snprintf(name, sizeof name, "quantea-%s.1", qea_commands[i].name);
        FILE *file = open_in(folder, "man1", name, path);
        if (file == NULL) return failed(path);
        qea_man_command(file, &qea_commands[i]);
        if (!finish(file, path)) return false;
    }
    FILE *file = open_in(folder, "man1", "quantea.1", path);
    if (file == NULL) return failed(path);
    qea_man_main(file);
    return finish(file, path);
}

static bool write_config(const char *folder, const char *markdown) {
    char path[512];
    FILE *file = open_in(folder, "man5", "quantea-config.5", path);
    if (file == NULL) return failed(path);
    qea_man_markdown(file, "QUANTEA-CONFIG 5", "quantea-config", "the configuration file of quantea", markdown);
    return finish(file, path);
}

static bool write_completions(const char *folder) {
    static const struct {
        const char *name;
        void (*write)(FILE *out);
    } files[] = {{"quantea", qea_complete_bash}, {"_quantea", qea_complete_zsh}, {"quantea.fish", qea_complete_fish}};
    char path[512];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *file = open_in(folder, "completions", files[i].name, path);
        if (file == NULL) return failed(path);
        files[i].write(file);
        if (!finish(file, path)) return false;
    }
    return true;
}

int qea_command_document(qea_arguments *arguments) {
    const char *folder = NULL, *value;
    int id;
    while ((id = qea_arguments_next(arguments, &value)) >= 0) folder = value;
    if (id == QEA_ARGUMENTS_WRONG) return QEA_EXIT_USAGE;
    qea_context *ctx = qea_command_context();
    if (ctx == NULL) return qea_exit_code_of(QEA_ERR_MEMORY);
    char *markdown = NULL;
    qea_status status = qea_study_config_document(ctx, &markdown);
    int code = qea_command_failed(ctx, status);
    if (code == 0 && mkdir(folder, 0777) != 0 && errno != EEXIST) {
        (void)failed(folder);
        code = qea_exit_code_of(QEA_ERR_IO);
    }
    if (code == 0 && !(write_commands(folder) && write_config(folder, markdown) && write_completions(folder)))
        code = qea_exit_code_of(QEA_ERR_IO);
    qea_string_free(markdown);
    qea_context_destroy(ctx);
    return code;
}
