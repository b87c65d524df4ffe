/* Signatures against those of RFC 4231, and what a key's file may have in it. */
#include "../unit.h"

#include "service/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

static tow_signature_key key_of(const char *text) {
    tow_signature_key key = {.length = strlen(text)};
    memcpy(key.bytes, text, key.length);
    return key;
}

/* RFC 4231, section 4.3. */
static void they_are_hmac_sha_256(void **state) {
    (void)state;
    const tow_signature_key key = key_of("Jefe");
    const tow_slice whole = tow_slice_from("what do ya want for nothing?");
    char text[TOW_SIGNATURE_TEXT];
    assert_int_equal(tow_signature_make(text, &key, &whole, 1), 0);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_true(tow_signature_is(text, &key, &whole, 1));
    text[63] = '4';
    assert_false(tow_signature_is(text, &key, &whole, 1));
    assert_false(tow_signature_is("", &key, &whole, 1));
}

static void parts_have_a_line_feed_between_them(void **state) {
    (void)state;
    const tow_signature_key key = key_of("key");
    const tow_slice parts[] = {tow_slice_from("a"), tow_slice_from(""), tow_slice_from("b")};
    const tow_slice whole = tow_slice_from("a\n\nb");
    char one[TOW_SIGNATURE_TEXT];
    assert_int_equal(tow_signature_make(one, &key, parts, 3), 0);
    assert_true(tow_signature_is(one, &key, &whole, 1));
}

static int read_key(tow_signature_key *key, const void *content, size_t length) {
    char path[] = "/tmp/towline-key-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, content, length), length);
    close(fd);
    int error = tow_signature_key_read(key, path);
    unlink(path);
    return error;
}

static void a_key_is_a_file_without_its_last_line_end(void **state) {
    (void)state;
    static const char much[TOW_SIGNATURE_KEY_MAX + 1] = "x";
    tow_signature_key key;
    assert_int_equal(read_key(&key, "secret\r\n", 8), 0);
    assert_int_equal(key.length, 6);
    assert_int_equal(read_key(&key, "\n", 1), TOW_ERROR_ARGUMENT);
    assert_int_equal(read_key(&key, "", 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(read_key(&key, much, TOW_SIGNATURE_KEY_MAX - 1), 0);
    assert_int_equal(read_key(&key, much, TOW_SIGNATURE_KEY_MAX + 1), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_signature_key_read(&key, "/no/such/file"), TOW_ERROR_NO_FILE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_hmac_sha_256),
        cmocka_unit_test(parts_have_a_line_feed_between_them),
        cmocka_unit_test(a_key_is_a_file_without_its_last_line_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
