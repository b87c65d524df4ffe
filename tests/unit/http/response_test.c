#include "../unit.h"

#include "http/head.h"
#include "http/response.h"

#include <towline/error.h>

static void a_head_is_written_line_by_line(void **state) {
    (void)state;
    tow_buffer out = {0};
    assert_int_equal(tow_response_begin(&out, 404, 784111777), 0);
    assert_int_equal(tow_response_field(&out, "X-Name", "a value, \"quoted\""), 0);
    assert_int_equal(tow_response_field(&out, "Empty", ""), 0);
    assert_int_equal(tow_response_field_number(&out, "Content-Length", UINT64_MAX), 0);
    assert_int_equal(tow_response_end(&out), 0);
    static const char expected[] = "HTTP/1.1 404 Not Found\r\n"
                                   "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                   "X-Name: a value, \"quoted\"\r\n"
                                   "Empty: \r\n"
                                   "Content-Length: 18446744073709551615\r\n"
                                   "\r\n";
    assert_int_equal(out.length, sizeof(expected) - 1);
    assert_memory_equal(out.data, expected, sizeof(expected) - 1);
    tow_buffer_clear(&out);
}

static void a_status_that_is_not_registered_has_an_empty_reason(void **state) {
    (void)state;
    tow_buffer out = {0};
    assert_string_equal(tow_http_reason(299), "");
    assert_string_equal(tow_http_reason(101), "Switching Protocols");
    assert_string_equal(tow_http_reason(431), "Request Header Fields Too Large");
    assert_int_equal(tow_response_begin(&out, 299, 0), 0);
    assert_memory_equal(out.data, "HTTP/1.1 299 \r\n", 15);
    assert_int_equal(tow_response_end(&out), 0);
    tow_http_head head;
    assert_int_equal(tow_http_response_read(&head, (const char *)out.data, out.length, NULL), out.length);
    assert_int_equal(head.status, 299);
    tow_buffer_clear(&out);
}

static void a_status_has_three_digits(void **state) {
    (void)state;
    tow_buffer out = {0};
    static const int wrong[] = {-200, 0, 99, 1000};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(tow_response_begin(&out, wrong[i], 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(out.length, 0);
    assert_int_equal(tow_response_begin(&out, 100, 0), 0);
    assert_int_equal(tow_response_begin(&out, 999, 0), 0);
    tow_buffer_clear(&out);
}

static void a_field_cannot_break_out_of_its_line(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *value;
    } wrong[] = {{"", "v"}, {"a b", "v"}, {"a:", "v"}, {"a\r\n", "v"}, {"\xc3\xa4", "v"}, {"a", "v\r\nb: c"},
        {"a", "v\r"}, {"a", "\n"}, {"a", "\x01"}, {"a", "\x7f"}};
    tow_buffer out = {0};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(tow_response_field(&out, wrong[i].name, wrong[i].value), TOW_ERROR_ARGUMENT);
    assert_int_equal(out.length, 0);
    assert_int_equal(tow_response_field(&out, "a", "\xc3\xa4\t "), 0);
    tow_buffer_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_written_line_by_line),
        cmocka_unit_test(a_status_that_is_not_registered_has_an_empty_reason),
        cmocka_unit_test(a_status_has_three_digits),
        cmocka_unit_test(a_field_cannot_break_out_of_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
