/* The pickle opcodes that name and call things: only those that rebuild a numpy array of unsigned bytes are known. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/pickle_machine.h"

typedef enum global_id { RECONSTRUCT, NDARRAY, DTYPE, ENCODE, FROMBUFFER } global_id;

/* numpy 2 renamed numpy.core to numpy._core; _frombuffer is what protocol 5 uses. */
static const struct {
    const char *module, *name;
    global_id id;
} globals[] = {
    {"numpy.core.multiarray", "_reconstruct", RECONSTRUCT},
    {"numpy._core.multiarray", "_reconstruct", RECONSTRUCT},
    {"numpy", "ndarray", NDARRAY},
    {"numpy", "dtype", DTYPE},
    {"_codecs", "encode", ENCODE},
    {"numpy.core.numeric", "_frombuffer", FROMBUFFER},
    {"numpy._core.numeric", "_frombuffer", FROMBUFFER},
};

bool qea_pickle_is(const qea_pickle_value *value, const char *string) {
    if (value->kind != QEA_PICKLE_BYTES && value->kind != QEA_PICKLE_TEXT) return false;
    size_t size = strlen(string);
    return value->size == size && memcmp(value->bytes, string, size) == 0;
}

static qea_status push_global(qea_pickle *p, const qea_pickle_value *module, const qea_pickle_value *name) {
    for (size_t g = 0; g < sizeof globals / sizeof globals[0]; g++)
        if (qea_pickle_is(module, globals[g].module) && qea_pickle_is(name, globals[g].name))
            return qea_pickle_push(p, (qea_pickle_value){.kind = QEA_PICKLE_GLOBAL, .integer = globals[g].id});
    return qea_pickle_fail(p, "refused: the pickle names %.*s.%.*s, which a CIFAR batch does not need",
                           (int)(module->size < 64 ? module->size : 64), (const char *)module->bytes,
                           (int)(name->size < 64 ? name->size : 64), (const char *)name->bytes);
}

qea_status qea_pickle_op_global(qea_pickle *p) {
    qea_pickle_value module = {.kind = QEA_PICKLE_BYTES}, name = {.kind = QEA_PICKLE_BYTES};
    QEA_TRY(qea_pickle_read_line(p, &module.bytes, &module.size));
    QEA_TRY(qea_pickle_read_line(p, &name.bytes, &name.size));
    return push_global(p, &module, &name);
}

qea_status qea_pickle_op_stack_global(qea_pickle *p) {
    qea_pickle_value *module = NULL, *name = NULL;
    QEA_TRY(qea_pickle_pop_value(p, QEA_PICKLE_TEXT, &name));
    QEA_TRY(qea_pickle_pop_value(p, QEA_PICKLE_TEXT, &module));
    return push_global(p, module, name);
}

static const qea_pickle_value *argument(const qea_pickle *p, const qea_pickle_value *tuple, size_t i) {
    return qea_pickle_item(p, tuple, i);
}

static bool is_flag(const qea_pickle_value *value, int64_t expected) {
    return (value->kind == QEA_PICKLE_BOOL || value->kind == QEA_PICKLE_INT) && value->integer == expected;
}

/* The shape must give exactly `size` bytes. */
static qea_status set_array(qea_pickle *p, qea_pickle_value *array, const qea_pickle_value *shape,
                            const qea_pickle_value *dtype, const qea_pickle_value *data) {
    if (shape->kind != QEA_PICKLE_TUPLE || shape->count < 1 || shape->count > QEA_PICKLE_MAX_RANK)
        return qea_pickle_fail(p, "the shape of an array must be a tuple of 1 to %d integers", QEA_PICKLE_MAX_RANK);
    if (dtype->kind != QEA_PICKLE_DTYPE || !dtype->built)
        return qea_pickle_fail(p, "the type of an array must be numpy.dtype('u1')");
    if (data->kind != QEA_PICKLE_BYTES)
        return qea_pickle_fail(p, "the data of an array are a %s; bytes are expected",
                               qea_pickle_kind_name(data->kind));
    size_t bytes = 1;
    for (size_t d = 0; d < shape->count; d++) {
        const qea_pickle_value *dim = argument(p, shape, d);
        if (dim->kind != QEA_PICKLE_INT || dim->integer < 1 || dim->integer > INT32_MAX ||
            !qea_size_mul(bytes, (size_t)dim->integer, &bytes))
            return qea_pickle_fail(p, "dimension %zu of an array is out of range", d);
        array->shape[d] = (size_t)dim->integer;
    }
    if (bytes != data->size)
        return qea_pickle_fail(p, "an array needs %zu bytes, but its data at byte %zu are %zu", bytes, data->offset,
                               data->size);
    array->rank = (int)shape->count;
    array->bytes = data->bytes; /* of a value that lives as long as this one */
    array->size = data->size;
    array->built = true;
    return QEA_OK;
}

/* numpy.dtype('u1', False, True) */
static qea_status call_dtype(qea_pickle *p, const qea_pickle_value *arguments) {
    if (arguments->count != 3 || !qea_pickle_is(argument(p, arguments, 0), "u1") ||
        !is_flag(argument(p, arguments, 1), 0) || !is_flag(argument(p, arguments, 2), 1))
        return qea_pickle_fail(p, "the type of an array must be numpy.dtype('u1', False, True)");
    return qea_pickle_push(p, (qea_pickle_value){.kind = QEA_PICKLE_DTYPE});
}

/* _reconstruct(numpy.ndarray, (0,), b'b'): an empty array, whose state follows. */
static qea_status call_reconstruct(qea_pickle *p, const qea_pickle_value *arguments) {
    const qea_pickle_value *type = arguments->count == 3 ? argument(p, arguments, 0) : NULL;
    if (!type || type->kind != QEA_PICKLE_GLOBAL || type->integer != NDARRAY ||
        argument(p, arguments, 1)->kind != QEA_PICKLE_TUPLE || !qea_pickle_is(argument(p, arguments, 2), "b"))
        return qea_pickle_fail(p, "the arguments of _reconstruct must be (numpy.ndarray, (0,), b'b')");
    return qea_pickle_push(p, (qea_pickle_value){.kind = QEA_PICKLE_ARRAY});
}

/* _codecs.encode(text, 'latin1'): how Python 3 writes bytes in protocols 0 to 2. */
static qea_status call_encode(qea_pickle *p, const qea_pickle_value *arguments) {
    if (arguments->count != 2 || argument(p, arguments, 0)->kind != QEA_PICKLE_TEXT ||
        !qea_pickle_is(argument(p, arguments, 1), "latin1"))
        return qea_pickle_fail(p, "the arguments of _codecs.encode must be (text, 'latin1')");
    qea_pickle_value bytes;
    QEA_TRY(qea_pickle_encode_latin1(p, argument(p, arguments, 0), &bytes));
    return qea_pickle_push(p, bytes);
}

/* _frombuffer(bytes, dtype, shape, 'C') */
static qea_status call_frombuffer(qea_pickle *p, const qea_pickle_value *arguments) {
    if (arguments->count != 4 || !qea_pickle_is(argument(p, arguments, 3), "C"))
        return qea_pickle_fail(p, "the arguments of _frombuffer must be (bytes, dtype, shape, 'C')");
    qea_pickle_value array = {.kind = QEA_PICKLE_ARRAY};
    QEA_TRY(set_array(p, &array, argument(p, arguments, 2), argument(p, arguments, 1), argument(p, arguments, 0)));
    return qea_pickle_push(p, array);
}

qea_status qea_pickle_op_reduce(qea_pickle *p) {
    qea_pickle_value *arguments = NULL, *callable = NULL;
    QEA_TRY(qea_pickle_pop_value(p, QEA_PICKLE_TUPLE, &arguments));
    QEA_TRY(qea_pickle_pop_value(p, QEA_PICKLE_GLOBAL, &callable));
    switch ((global_id)callable->integer) {
    case RECONSTRUCT:
        return call_reconstruct(p, arguments);
    case DTYPE:
        return call_dtype(p, arguments);
    case ENCODE:
        return call_encode(p, arguments);
    case FROMBUFFER:
        return call_frombuffer(p, arguments);
    case NDARRAY:
        break;
    }
    return qea_pickle_fail(p, "refused: numpy.ndarray is called, which a CIFAR batch does not do");
}

/* (3, '|', None, None, None, -1, -1, 0): of an unsigned byte only the byte order matters here. */
static qea_status build_dtype(qea_pickle *p, qea_pickle_value *dtype, const qea_pickle_value *state) {
    if (state->count != 8 || !qea_pickle_is(argument(p, state, 1), "|"))
        return qea_pickle_fail(p, "the state of numpy.dtype('u1') must be (3, '|', None, None, None, -1, -1, 0)");
    dtype->built = true;
    return QEA_OK;
}

/* (1, shape, dtype, False, bytes) */
static qea_status build_array(qea_pickle *p, qea_pickle_value *array, const qea_pickle_value *state) {
    if (array->built || state->count != 5 || !is_flag(argument(p, state, 3), 0))
        return qea_pickle_fail(p, "the state of an array must be (1, shape, dtype, False, bytes), given once");
    return set_array(p, array, argument(p, state, 1), argument(p, state, 2), argument(p, state, 4));
}

qea_status qea_pickle_op_build(qea_pickle *p) {
    qea_pickle_value *state = NULL;
    uint32_t index = 0;
    QEA_TRY(qea_pickle_pop_value(p, QEA_PICKLE_TUPLE, &state));
    QEA_TRY(qea_pickle_pop(p, &index));
    qea_pickle_value *target = &p->values[index];
    if (target->kind == QEA_PICKLE_DTYPE)
        QEA_TRY(build_dtype(p, target, state));
    else if (target->kind == QEA_PICKLE_ARRAY)
        QEA_TRY(build_array(p, target, state));
    else
        return qea_pickle_fail(p, "refused: a state is set on a %s", qea_pickle_kind_name(target->kind));
    return qea_pickle_push_index(p, index);
}
