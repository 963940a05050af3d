#include "fixture.h"

#include "data/pickle.h"

enum { RECORDS = 3, PIXELS = RECORDS * 3072 };

static const qea_cifar_format format = {"CIFAR-10", 10, qea_cifar10_names, RECORDS, 1, 0, "labels"};

typedef struct buffer {
    uint8_t bytes[8 * PIXELS];
    size_t size;
} buffer;

static void put(buffer *b, const void *bytes, size_t size) {
    assert_true(b->size + size <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

#define PUT(b, literal) put((b), (literal), sizeof(literal) - 1)

static uint8_t pixel(size_t i) { return (uint8_t)(i * 31 + i / 300); }

/* What cPickle of Python 2 writes with protocol 2, as the files of the CIFAR page are. */
static void make_python2(buffer *b) {
    b->size = 0;
    PUT(b, "\x80\x02}q\x01(U\x0b"
           "batch_labelq\x02U\x14testing batch 1 of 1q\x03U\x06labelsq\x04]q\x05(K\x06K\x00K\x09"
           "eU\x04"
           "dataq\x06"
           "cnumpy.core.multiarray\n_reconstruct\nq\x07"
           "cnumpy\nndarray\nq\x08K\x00\x85q\x09U\x01"
           "bq\x0a\x87q\x0bRq\x0c(K\x01K\x03M\x00\x0c\x86q\x0d"
           "cnumpy\ndtype\nq\x0eU\x02u1q\x0fK\x00K\x01\x87q\x10Rq\x11(K\x03U\x01|q\x12NNNJ\xff\xff\xff\xff"
           "J\xff\xff\xff\xffK\x00tq\x13"
           "b\x89T\x00\x24\x00\x00");
    for (size_t i = 0; i < PIXELS; i++) {
        uint8_t value = pixel(i);
        put(b, &value, 1);
    }
    PUT(b, "q\x14tq\x15"
           "bU\x09"
           "filenamesq\x16]q\x17(U\x05"
           "a.pngq\x18U\x05"
           "b.pngq\x19U\x05"
           "c.pngq\x1a"
           "eu.");
}

/* What Python 3 writes with protocol 4 and numpy 2. */
static void make_python3(buffer *b) {
    b->size = 0;
    PUT(b, "\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00}\x94(C\x06labels\x94]\x94(K\x06K\x00K\x09"
           "eC\x04"
           "data\x94\x8c\x16numpy._core.multiarray\x94\x8c\x0c_reconstruct\x94\x93\x94\x8c\x05numpy\x94\x8c\x07ndarray"
           "\x94\x93\x94K\x00\x85\x94"
           "C\x01"
           "b\x94\x87\x94R\x94(K\x01K\x03M\x00\x0c\x86\x94h\x07\x8c\x05"
           "dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xff"
           "J\xff\xff\xff\xffK\x00t\x94"
           "b\x89"
           "B\x00\x24\x00\x00");
    for (size_t i = 0; i < PIXELS; i++) {
        uint8_t value = pixel(i);
        put(b, &value, 1);
    }
    PUT(b, "\x94t\x94"
           "bu.");
}

/* What Python 3 writes with protocol 0: text; bytes as _codecs.encode(text in raw-unicode-escape, 'latin1'). */
static void make_protocol0(buffer *b) {
    b->size = 0;
    PUT(b, "(dp0\nVlabels\np1\n(lp2\nI6\naI0\naL9L\nasVdata\np3\ncnumpy.core.multiarray\n_reconstruct\np4\n"
           "(cnumpy\nndarray\np5\n(I0\ntp6\nc_codecs\nencode\np7\n(Vb\np8\nVlatin1\np9\ntp10\nRp11\ntp12\nRp13\n"
           "(I1\n(I3\nI3072\ntp14\ncnumpy\ndtype\np15\n(Vu1\np16\nI00\nI01\ntp17\nRp18\n(I3\nV|\np19\nNNNI-1\nI-1\nI0\n"
           "tp20\nbI00\ng7\n(V");
    for (size_t i = 0; i < PIXELS; i++) {
        uint8_t value = pixel(i);
        char escaped[8];
        if (value == '\\' || value == '\n' || value == '\r' || value == 0 || value == 26)
            put(b, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", value));
        else
            put(b, &value, 1);
    }
    PUT(b, "\np21\ng9\ntp22\nRp23\ntp24\nbs.");
}

/* Protocol 5: numpy's _frombuffer on a bytearray. */
static void make_protocol5(buffer *b) {
    b->size = 0;
    PUT(b,
        "\x80\x05}\x94(\x8c\x06labels\x94]\x94(K\x06K\x00K\x09"
        "e\x8c\x04"
        "data\x94\x8c\x12numpy.core.numeric\x94\x8c\x0b_frombuffer\x94\x93\x94(\x96\x00\x24\x00\x00\x00\x00\x00\x00");
    for (size_t i = 0; i < PIXELS; i++) {
        uint8_t value = pixel(i);
        put(b, &value, 1);
    }
    PUT(b, "\x94\x8c\x05numpy\x94\x8c\x05"
           "dtype\x94\x93\x94\x8c\x02u1\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xff"
           "J\xff\xff\xff\xffK\x00t\x94"
           "bK\x03M\x00\x0c\x86\x94\x8c\x01"
           "C\x94t\x94R\x94u.");
}

static void (*const makers[])(buffer *) = {make_python2, make_python3, make_protocol0, make_protocol5};

static qea_status decode(const fixture *f, const uint8_t *bytes, size_t size, qea_dataset **out) {
    assert_int_equal(qea_dataset_create(f->ctx, "t", RECORDS, 32, 32, 3, 10, out), QEA_OK);
    return qea_cifar_pickle_decode(f->ctx, "some/test_batch", bytes, size, &format, 0, *out);
}

static void pickles_of_python_2_and_3_are_read(void **state) {
    const fixture *f = *state;
    static buffer b;
    for (size_t m = 0; m < 4; m++) {
        makers[m](&b);
        qea_dataset *out = NULL;
        if (decode(f, b.bytes, b.size, &out) != QEA_OK) fail_msg("pickle %zu: %s", m, qea_context_message(f->ctx));
        assert_int_equal(out->labels[0] * 100 + out->labels[1] * 10 + out->labels[2], 609);
        for (size_t i = 0; i < RECORDS; i++)
            for (size_t p = 0; p < 1024; p++)
                for (size_t c = 0; c < 3; c++)
                    assert_int_equal(out->pixels[i * 3072 + 3 * p + c], pixel(i * 3072 + c * 1024 + p));
        qea_dataset_destroy(out);
    }
}

static void a_string_in_python_2s_repr_is_read(void **state) {
    const fixture *f = *state;
    const char text[] = "(S'a\\n\\\\\\x00\\xfe\\'\"'\nS\"it's\"\nt.";
    qea_pickle *pickle = NULL;
    assert_int_equal(qea_pickle_parse(f->ctx, "t", (const uint8_t *)text, sizeof text - 1, &pickle), QEA_OK);
    const qea_pickle_value *first = qea_pickle_item(pickle, qea_pickle_root(pickle), 0);
    assert_int_equal(first->size, 7);
    assert_memory_equal(first->bytes, "a\n\\\0\xfe'\"", 7);
    assert_int_equal(qea_pickle_item(pickle, qea_pickle_root(pickle), 1)->size, 4);
    qea_pickle_destroy(pickle);
}

static void integers_have_the_values_that_python_gives_them(void **state) {
    const fixture *f = *state;
    const char text[] =
        "(K\xffM\xff\xffJ\xff\xff\xff\xffJ\xff\xff\xff\x7f\x8a\x00\x8a\x01\xff\x8a\x02\xff\x00I-12\nL7L\n"
        "I00\nI01\nI1\n\x8a\x07\x00\x00\x00\x00\x00\x00\x80t.";
    const int64_t expected[] = {255, 65535, -1, INT32_MAX, 0, -1, 255, -12, 7, 0, 1, 1, -(INT64_C(1) << 55)};
    qea_pickle *pickle = NULL;
    assert_int_equal(qea_pickle_parse(f->ctx, "t", (const uint8_t *)text, sizeof text - 1, &pickle), QEA_OK);
    const qea_pickle_value *root = qea_pickle_root(pickle);
    assert_int_equal(root->count, 13);
    for (size_t i = 0; i < 13; i++) {
        assert_true(qea_pickle_item(pickle, root, i)->integer == expected[i]);
        assert_int_equal(qea_pickle_item(pickle, root, i)->kind, i == 9 || i == 10 ? QEA_PICKLE_BOOL : QEA_PICKLE_INT);
    }
    qea_pickle_destroy(pickle);
}

static void every_truncation_is_an_error_with_the_path(void **state) {
    const fixture *f = *state;
    static buffer b;
    for (size_t m = 0; m < 4; m++) {
        makers[m](&b);
        for (size_t size = 0; size<b.size; size += size> 500 && size < b.size - 200 ? 97 : 1) {
            uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees a read behind the end */
            memcpy(exact, b.bytes, size);
            qea_dataset *out = NULL;
            assert_int_equal(decode(f, exact, size, &out), QEA_ERR_DATA);
            expect_message(f, "some/test_batch: byte ");
            qea_dataset_destroy(out);
            free(exact);
        }
    }
}

/* Each case is a whole pickle that must be refused. */
static void everything_else_is_refused_and_nothing_is_executed(void **state) {
    const fixture *f = *state;
#define CASE(bytes, message)                                                                                           \
    { bytes, sizeof(bytes) - 1, message }
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        CASE("cos\nsystem\n(S'true'\ntR.", "byte 0: refused: the pickle names os.system"),
        CASE("cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar"),
        CASE("\x80\x04\x8c\x05posix\x8c\x06system\x93.", "byte 17: refused: the pickle names posix.system"),
        CASE("cnumpy\nndarray\n)R.", "numpy.ndarray is called"),
        CASE("K\x01)R.", "a int stands where a global is expected"),
        CASE("c_codecs\nencode\n(Vx\nVrot13\ntR.", "'latin1'"),
        CASE("c_codecs\nencode\n(V\\u1234\nVlatin1\ntR.", "not in Latin-1"),
        CASE("c_codecs\nencode\n(X\x02\x00\x00\x00\xc4\x80Vlatin1\ntR.", "not in Latin-1"),
        CASE("c_codecs\nencode\n(X\x01\x00\x00\x00\xc3Vlatin1\ntR.", "not in Latin-1"),
        CASE("cnumpy\ndtype\n(Vf8\nI00\nI01\ntR.", "numpy.dtype('u1', False, True)"),
        CASE("cnumpy\ndtype\n(Vu1\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntb.", "the state of numpy.dtype"),
        CASE("}}b.", "a dict stands where a tuple is expected"),
        CASE("})b.", "refused: a state is set on a dict"),
        CASE("i", "opcode 0x69"),
        CASE("P1\n.", "opcode 0x50"),
        CASE("\x97.", "opcode 0x97"),
        CASE("\x80\x06N.", "protocol 6"),
        CASE("N\x80\x02.", "byte 1: protocol 2"),
        CASE("N.N", "oversized: 1 bytes follow byte 2"),
        CASE("NN.", "more than one value"),
        CASE("N(.", "open mark"),
        CASE("(K\x01.", "open mark"),
        CASE(".", "the stack is empty"),
        CASE("h\x05.", "memo slot 5 is empty"),
        CASE("g99999999\n.", "memo slot 99999999 is empty"),
        CASE("Nr\xff\xff\xff\xff.", "a memo slot of"),
        CASE("Np-1\n.", "a memo slot of"),
        CASE("q\x01.", "the stack is empty"),
        CASE("](q\x01.", "the stack is empty"),
        CASE("t.", "no mark is set"),
        CASE("K\x01\x87.", "fewer than 3 values"),
        CASE("(K\x01K\x02(\x86.", "fewer than 2 values"),
        CASE("K\x01K\x02"
             "a.",
             "a int stands where a list is expected"),
        CASE("}(K\x01u.", "a key without a value"),
        CASE("](K\x01u.", "a list stands where a dict is expected"),
        CASE("B\xff\xff\xff\xff.", "truncated: 4294967295 bytes should follow"),
        CASE("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "truncated: 18446744073709551615 bytes"),
        CASE("\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "truncated: a frame"),
        CASE("I1x\n.", "stands where a digit is expected"),
        CASE("I9999999999999999999\n.", "1 to 18 digits"),
        CASE("I\n.", "1 to 18 digits"),
        CASE("\x8a\x08\x01\x01\x01\x01\x01\x01\x01\x01.", "an integer of 8 bytes"),
        CASE("S'abc\n.", "a string in quotes"),
        CASE("S'\\q'\n.", "an escape that is unknown"),
        CASE("S'\\x4'\n.", "an escape that is unknown"),
        CASE("S'\\'\n.", "an escape that is unknown"),
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        qea_pickle *pickle = NULL;
        uint8_t *exact = malloc(cases[c].size);
        memcpy(exact, cases[c].bytes, cases[c].size);
        assert_int_equal(qea_pickle_parse(f->ctx, "t", exact, cases[c].size, &pickle), QEA_ERR_DATA);
        assert_null(pickle);
        expect_message(f, cases[c].message);
        free(exact);
    }
}

static void decoding_one_text_again_and_again_is_stopped(void **state) {
    const fixture *f = *state;
    static buffer b;
    b.size = 0;
    PUT(&b, "Vlatin1\np0\nc_codecs\nencode\np1\nV");
    for (int i = 0; i < 10000; i++) PUT(&b, "x");
    PUT(&b, "\np2\n");
    for (int i = 0; i < 100; i++) PUT(&b, "g1\n(g2\ng0\ntR");
    qea_pickle *pickle = NULL;
    assert_int_equal(qea_pickle_parse(f->ctx, "t", b.bytes, b.size, &pickle), QEA_ERR_DATA);
    expect_message(f, "again and again");
}

static void a_list_that_holds_itself_is_harmless(void **state) {
    const fixture *f = *state;
    const char text[] = "]q\x00h\x00"
                        "ah\x00"
                        "a.";
    qea_pickle *pickle = NULL;
    assert_int_equal(qea_pickle_parse(f->ctx, "t", (const uint8_t *)text, sizeof text - 1, &pickle), QEA_OK);
    assert_int_equal(qea_pickle_root(pickle)->count, 2);
    qea_pickle_destroy(pickle);
}

/* Replaces one occurrence of `from` in the Python 2 pickle by `to`, of the same length. */
static void expect_refused_with(const fixture *f, const char *from, const char *to, size_t size, const char *message) {
    static buffer b;
    make_python2(&b);
    uint8_t *at = memmem(b.bytes, b.size, from, size);
    assert_non_null(at);
    memcpy(at, to, size);
    qea_dataset *out = NULL;
    assert_int_equal(decode(f, b.bytes, b.size, &out), QEA_ERR_DATA);
    expect_message(f, message);
    qea_dataset_destroy(out);
}

static void a_batch_with_other_contents_is_refused_with_the_offset(void **state) {
    const fixture *f = *state;
    expect_refused_with(f, "K\x06K\x00K\x09", "K\x06K\x00K\x0a", 6,
                        "some/test_batch: byte 63: the label of record 2 is 10; CIFAR-10 has labels 0 to 9");
    expect_refused_with(f, "K\x06K\x00K\x09", "K\x06K\x00NNN", 6, "\"labels\" must be a list of 3 integers");
    expect_refused_with(f, "K\x06K\x00K\x09", "K\x06NU\x01x", 6, "the label of record 1 is a None");
    expect_refused_with(f, "U\x06labels", "U\x06labelz", 8, "no key \"labels\"");
    expect_refused_with(f,
                        "U\x04"
                        "data",
                        "U\x04"
                        "date",
                        6, "no key \"data\"");
    expect_refused_with(f, "K\x03M\x00\x0c\x86", "K\x03M\x01\x0c\x86", 6, "an array needs 9219 bytes");
    expect_refused_with(f, "K\x03M\x00\x0c\x86", "M\x00\x0cK\x03\x86", 6, "an array of 3 x 3072 unsigned bytes");
    expect_refused_with(f, "b\x89T", "b\x88T", 3, "the state of an array");
    qea_dataset *out = NULL;
    assert_int_equal(decode(f, (const uint8_t *)"N.", 2, &out), QEA_ERR_DATA);
    expect_message(f, "no key \"data\"");
    qea_dataset_destroy(out);
}

static void memory_that_runs_out_at_any_allocation_is_reported(void **state) {
    const fixture *f = *state;
    static buffer b;
    make_protocol0(&b);
    qea_status status = QEA_ERR_MEMORY;
    int n = 0;
    while (status == QEA_ERR_MEMORY) {
        qea_pickle *pickle = NULL;
        qea_alloc_fail_after(++n);
        status = qea_pickle_parse(f->ctx, "t", b.bytes, b.size, &pickle);
        qea_alloc_fail_after(0);
        qea_pickle_destroy(pickle);
    }
    assert_int_equal(status, QEA_OK);
    assert_true(n > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(pickles_of_python_2_and_3_are_read),
        FIXTURE_TEST(a_string_in_python_2s_repr_is_read),
        FIXTURE_TEST(integers_have_the_values_that_python_gives_them),
        FIXTURE_TEST(every_truncation_is_an_error_with_the_path),
        FIXTURE_TEST(everything_else_is_refused_and_nothing_is_executed),
        FIXTURE_TEST(decoding_one_text_again_and_again_is_stopped),
        FIXTURE_TEST(a_list_that_holds_itself_is_harmless),
        FIXTURE_TEST(a_batch_with_other_contents_is_refused_with_the_offset),
        FIXTURE_TEST(memory_that_runs_out_at_any_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
