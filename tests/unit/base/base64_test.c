#include "../unit.h"

#include "base/base64.h"

/* RFC 4648, section 10. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void bytes_are_written_as_the_standard_has_them(void **state) {
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        tow_buffer text = {0};
        assert_int_equal(tow_base64_append(&text, vectors[i].bytes, strlen(vectors[i].bytes)), 0);
        assert_int_equal(text.length, strlen(vectors[i].text));
        assert_memory_equal(text.length > 0 ? (const char *)text.data : "", vectors[i].text, text.length);
        tow_buffer_clear(&text);
    }
}

static void is_read(const char *text, size_t length, const char *bytes) {
    char out[16];
    size_t made = 0;
    assert_true(tow_base64_read(out, &made, (tow_slice){text, length}));
    assert_int_equal(made, strlen(bytes));
    assert_memory_equal(out, bytes, made);
}

static void texts_are_read_with_padding_and_without(void **state) {
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        is_read(vectors[i].text, strlen(vectors[i].text), vectors[i].bytes);
        is_read(vectors[i].text, strcspn(vectors[i].text, "="), vectors[i].bytes);
    }
}

static void both_alphabets_are_read(void **state) {
    (void)state;
    is_read("+/+/", 4, "\xfb\xff\xbf");
    is_read("-_-_", 4, "\xfb\xff\xbf");
}

static void what_is_no_base64_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"A", "=", "==", "A=", "A==", "A===", "====", "AA=", "AAA==", "AA=A",
        "Zg==Zg==", "Z g=", "Zg\n=", "Z!=="};
    char out[16];
    size_t made;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(tow_base64_read(out, &made, tow_slice_from(texts[i])));
}

static void every_byte_comes_back(void **state) {
    (void)state;
    uint8_t bytes[256], out[258];
    tow_buffer text = {0};
    size_t made;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(tow_base64_append(&text, bytes, sizeof(bytes)), 0);
    assert_true(tow_base64_read(out, &made, (tow_slice){(const char *)text.data, text.length}));
    assert_int_equal(made, sizeof(bytes));
    assert_memory_equal(out, bytes, sizeof(bytes));
    tow_buffer_clear(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_written_as_the_standard_has_them),
        cmocka_unit_test(texts_are_read_with_padding_and_without),
        cmocka_unit_test(both_alphabets_are_read),
        cmocka_unit_test(what_is_no_base64_is_refused),
        cmocka_unit_test(every_byte_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
