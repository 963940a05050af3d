/* The pickle opcodes of tuples, lists and dicts. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/pickle_machine.h"

qea_status qea_pickle_op_mark(qea_pickle *p) {
    if (p->mark_count >= QEA_PICKLE_MAX_STACK) return qea_pickle_fail(p, "more than %d marks", QEA_PICKLE_MAX_STACK);
    QEA_TRY(
        qea_grow(p->ctx, "pickle marks", (void **)&p->marks, &p->mark_capacity, p->mark_count + 1, sizeof *p->marks));
    p->marks[p->mark_count++] = p->stack_count;
    return QEA_OK;
}

/* How many values lie above the last mark, which is removed; they stay on the stack for the caller to take. */
static qea_status pop_mark(qea_pickle *p, size_t *count) {
    if (p->mark_count == 0) return qea_pickle_fail(p, "no mark is set");
    *count = p->stack_count - p->marks[--p->mark_count];
    return QEA_OK;
}

/* Moves the upper `count` values of the stack behind the items of `container`. */
static qea_status take_items(qea_pickle *p, qea_pickle_value *container, size_t count) {
    if (container->kind == QEA_PICKLE_DICT && count % 2 != 0) return qea_pickle_fail(p, "a key without a value");
    if (count == 0) return QEA_OK;
    QEA_TRY(qea_grow(p->ctx, "pickle items", (void **)&container->items, &container->capacity, container->count + count,
                     sizeof *container->items));
    p->stack_count -= count;
    memcpy(container->items + container->count, p->stack + p->stack_count, count * sizeof *p->stack);
    container->count += count;
    return QEA_OK;
}

static qea_status push_container(qea_pickle *p, qea_pickle_kind kind, size_t count) {
    qea_pickle_value container = {.kind = kind};
    QEA_TRY(take_items(p, &container, count));
    return qea_pickle_push(p, container);
}

static qea_status push_from_mark(qea_pickle *p, qea_pickle_kind kind) {
    size_t count = 0;
    QEA_TRY(pop_mark(p, &count));
    return push_container(p, kind, count);
}

static qea_status push_tuple(qea_pickle *p, size_t count) {
    size_t base = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (p->stack_count - base < count) return qea_pickle_fail(p, "the stack holds fewer than %zu values", count);
    return push_container(p, QEA_PICKLE_TUPLE, count);
}

qea_status qea_pickle_op_empty_tuple(qea_pickle *p) { return push_container(p, QEA_PICKLE_TUPLE, 0); }
qea_status qea_pickle_op_empty_list(qea_pickle *p) { return push_container(p, QEA_PICKLE_LIST, 0); }
qea_status qea_pickle_op_empty_dict(qea_pickle *p) { return push_container(p, QEA_PICKLE_DICT, 0); }
qea_status qea_pickle_op_tuple(qea_pickle *p) { return push_from_mark(p, QEA_PICKLE_TUPLE); }
qea_status qea_pickle_op_list(qea_pickle *p) { return push_from_mark(p, QEA_PICKLE_LIST); }
qea_status qea_pickle_op_dict(qea_pickle *p) { return push_from_mark(p, QEA_PICKLE_DICT); }
qea_status qea_pickle_op_tuple1(qea_pickle *p) { return push_tuple(p, 1); }
qea_status qea_pickle_op_tuple2(qea_pickle *p) { return push_tuple(p, 2); }
qea_status qea_pickle_op_tuple3(qea_pickle *p) { return push_tuple(p, 3); }

/* The upper `count` values go into the container that lies below them and stays on the stack. */
static qea_status extend(qea_pickle *p, qea_pickle_kind kind, size_t count) {
    size_t base = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    if (p->stack_count - base < count + 1) return qea_pickle_fail(p, "the stack holds too few values");
    qea_pickle_value *container = &p->values[p->stack[p->stack_count - count - 1]];
    if (container->kind != kind)
        return qea_pickle_fail(p, "a %s stands where a %s is expected", qea_pickle_kind_name(container->kind),
                               qea_pickle_kind_name(kind));
    return take_items(p, container, count);
}

static qea_status extend_from_mark(qea_pickle *p, qea_pickle_kind kind) {
    size_t count = 0;
    QEA_TRY(pop_mark(p, &count));
    return extend(p, kind, count);
}

qea_status qea_pickle_op_append(qea_pickle *p) { return extend(p, QEA_PICKLE_LIST, 1); }
qea_status qea_pickle_op_appends(qea_pickle *p) { return extend_from_mark(p, QEA_PICKLE_LIST); }
qea_status qea_pickle_op_setitem(qea_pickle *p) { return extend(p, QEA_PICKLE_DICT, 2); }
qea_status qea_pickle_op_setitems(qea_pickle *p) { return extend_from_mark(p, QEA_PICKLE_DICT); }
