/* A copy of a request stands for itself: of the bytes that it was read from nothing is left. */
#include "../../../src/server/request.h"

#include "../unit.h"

static void assert_within(const tow_request *copy, tow_slice slice) {
    assert_true((const uint8_t *)slice.data >= copy->bytes);
    assert_true((const uint8_t *)slice.data + slice.length <= copy->bytes + copy->length);
}

static void a_target_without_a_path_stays_readable(void **state) {
    static const struct {
        const char *text, *path, *query;
    } requests[] = {
        {"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", "/", ""},
        {"GET http://localhost?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "/", "a=1"},
        {"OPTIONS http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n", "*", ""},
        {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "*", ""},
        {"GET http://localhost/x?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "/x", "a=1"},
        {"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", "/x", ""},
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        tow_connection connection = {0};
        tow_visitor visitor = {.connection = &connection, .text = "unix"};
        visitor.peer.length = 1;
        tow_http_head head;
        tow_request request, *copy;
        size_t scanned = 0;
        size_t length = strlen(requests[i].text);
        uint8_t *bytes = malloc(length);
        memcpy(bytes, requests[i].text, length);
        assert_int_equal(tow_http_request_read(&head, (char *)bytes, length, &scanned), length);
        assert_int_equal(tow_request_init(&request, &visitor, &head, bytes, length), 0);
        assert_int_equal(tow_request_copy(&copy, &request), 0);
        tow_request_clear(&request);
        memset(bytes, 'x', length);
        free(bytes);
        assert_true(tow_slice_equals(copy->head->path, requests[i].path));
        assert_true(tow_slice_equals(copy->head->query, requests[i].query));
        assert_string_equal(tow_request_path(copy), requests[i].path);
        assert_string_equal(tow_request_query(copy), requests[i].query);
        assert_string_equal(tow_request_header(copy, "Host"), "localhost");
        assert_within(copy, copy->head->target);
        assert_within(copy, copy->head->fields[0].value);
        tow_request_free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_without_a_path_stays_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
