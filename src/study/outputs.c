/* Files that a task leaves, made from its records. */
#include "base/error.h"
#include "base/memory.h"
#include "study/agreement.h"
#include "study/step_view.h"

typedef qea_status (*write_step)(qea_context *ctx, const qea_report_step *step, const char *path);

static qea_status write_to(qea_context *ctx, const qea_run *run, const char *relative, write_step write,
                           const qea_report_step *step) {
    char *path;
    QEA_TRY(qea_task_path(ctx, &run->task, relative, &path));
    qea_status status = write(ctx, step, path);
    qea_free(path);
    return status;
}

static qea_status write_reports(qea_context *ctx, const qea_run *run, const qea_report_step *steps, size_t count) {
    char *csv = NULL, *json = NULL;
    qea_status status = qea_task_path(ctx, &run->task, "output/reports.csv", &csv);
    if (status == QEA_OK) status = qea_task_path(ctx, &run->task, "output/reports.json", &json);
    if (status == QEA_OK) status = qea_report_write_reports_csv(ctx, steps, count, csv);
    if (status == QEA_OK) status = qea_report_write_reports_json(ctx, steps, count, json);
    qea_free(csv);
    qea_free(json);
    return status;
}

static qea_status write_agreement(qea_context *ctx, const qea_run *run) {
    qea_agreement_view view;
    char *path = NULL;
    qea_status status = qea_agreement_view_load(ctx, run, &view);
    if (status == QEA_OK) status = qea_task_path(ctx, &run->task, "output/nas/agreement.json", &path);
    if (status == QEA_OK && view.report.count > 0) status = qea_report_write_agreement_json(ctx, &view.report, path);
    qea_free(path);
    qea_agreement_view_clear(&view);
    return status;
}

void qea_run_tensorboard(qea_context *ctx, const qea_run *run, const char *step) {
    qea_step_view view = {0};
    if (run->tensorboard == NULL) return;
    qea_status status = qea_step_view_load(ctx, run, step, &view);
    if (status == QEA_OK) status = qea_report_write_tensorboard(ctx, &view.step, run->tensorboard);
    if (status != QEA_OK) qea_log(ctx, QEA_LOG_WARNING, "TensorBoard's files: %s", qea_context_message(ctx));
    qea_step_view_clear(&view);
}

static qea_status write_all(qea_context *ctx, const qea_run *run, qea_step_view *nas, qea_step_view *full,
                            char **table) {
    QEA_TRY(qea_step_view_load(ctx, run, "nas", nas));
    QEA_TRY(qea_step_view_load(ctx, run, "fully_train", full));
    if (nas->trials.count > 0) {
        QEA_TRY(write_to(ctx, run, "output/nas/trials.csv", qea_report_write_trials_csv, &nas->step));
        QEA_TRY(write_to(ctx, run, "output/nas/front.json", qea_report_write_front_json, &nas->step));
        QEA_TRY(write_to(ctx, run, "output/nas", qea_report_write_output, &nas->step));
        QEA_TRY(write_agreement(ctx, run));
    }
    if (full->trials.count > 0) {
        QEA_TRY(write_to(ctx, run, "output/fully_train/results.json", qea_report_write_results_json, &full->step));
        QEA_TRY(write_to(ctx, run, "output/fully_train", qea_report_write_output, &full->step));
    }
    qea_run_tensorboard(ctx, run, nas->step.name);
    qea_run_tensorboard(ctx, run, full->step.name);
    const qea_report_step steps[] = {nas->step, full->step};
    QEA_TRY(write_reports(ctx, run, steps, 2));
    QEA_TRY(qea_run_write_page(ctx, run, nas, full));
    qea_text text = {0};
    qea_report_table(full->trials.count > 0 ? &full->step : &nas->step, &text);
    return qea_text_take(ctx, &text, table);
}

qea_status qea_run_write_outputs(qea_context *ctx, qea_run *run, char **table) {
    qea_step_view nas = {0}, full = {0};
    qea_status status = write_all(ctx, run, &nas, &full, table);
    qea_step_view_clear(&nas);
    qea_step_view_clear(&full);
    return status;
}
