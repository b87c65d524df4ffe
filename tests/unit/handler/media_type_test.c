#include "../unit.h"

#include "media_type.h"

static void the_end_of_the_name_tells_the_type(void **state) {
    (void)state;
    assert_string_equal(tow_media_type("index.html"), "text/html; charset=utf-8");
    assert_string_equal(tow_media_type("a/b.c/script.mjs"), "text/javascript; charset=utf-8");
    assert_string_equal(tow_media_type("STYLE.CSS"), "text/css; charset=utf-8");
    assert_string_equal(tow_media_type("script.js.map"), "application/json");
    assert_string_equal(tow_media_type("image.svg"), "image/svg+xml");
    assert_string_equal(tow_media_type("module.wasm"), "application/wasm");
    assert_string_equal(tow_media_type("font.woff2"), "font/woff2");
}

static void what_is_not_known_is_bytes(void **state) {
    (void)state;
    static const char *const names[] = {
        "Makefile", "a.", "a.unknown", "html", "a.html/b", "", "a.htmlx", "a.ht"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        assert_string_equal(tow_media_type(names[i]), "application/octet-stream");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_the_name_tells_the_type),
        cmocka_unit_test(what_is_not_known_is_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
