/* train/schedule.c: the learning rate of each step. */
#include <math.h>

#include "train/trainer.h"

static const double pi = 3.14159265358979323846;

static double multi_step(const qea_schedule_options *s, double lr, int epoch) {
    for (int i = 0; i < s->num_milestones; i++)
        if (epoch >= s->milestones[i]) lr *= s->gamma;
    return lr;
}

/* Loshchilov & Hutter, arXiv:1608.03983, equation 5, without restarts: behind its end it stays at min_lr. */
static double cosine(const qea_schedule_options *s, double lr, int epochs, double time) {
    double length = s->cosine_epochs > 0 ? s->cosine_epochs : epochs;
    double part = length > 0 ? fmin(time / length, 1) : 1;
    return s->min_lr + (lr - s->min_lr) * 0.5 * (1 + cos(pi * part));
}

double qea_schedule_lr(const qea_schedule_options *schedule, double lr, int epoch, int epochs, size_t step,
                       size_t steps) {
    double within = steps > 0 ? (double)step / (double)steps : 0;
    double rate = lr;
    switch (schedule->kind) {
    case QEA_SCHEDULE_CONSTANT:
        break;
    case QEA_SCHEDULE_MULTISTEP:
        rate = multi_step(schedule, lr, epoch);
        break;
    case QEA_SCHEDULE_COSINE:
        rate = cosine(schedule, lr, epochs, epoch + (schedule->per_step ? within : 0));
        break;
    }
    double warmup_steps = schedule->warmup_epochs * (double)steps, done = (double)epoch * (double)steps + (double)step;
    return done < warmup_steps ? rate * (done + 1) / (warmup_steps + 1) : rate;
}
