#include "../unit.h"

#include "http/response_reader.h"

#include <towline/error.h>

/* What a response was read as: "200 [body] end", "200 [bo" where it stopped, and what was left of the bytes.
 */
typedef struct reading {
    char text[512];
    int last; /* of tow_response_reader_next */
    int end;  /* of tow_response_reader_end */
    size_t left;
    bool keep_alive;
} reading;

static const tow_response_limits wide = {.head = 4096, .body = 4096};

static void note(reading *found, const char *text, size_t length) {
    size_t before = strlen(found->text);
    assert_true(before + length < sizeof(found->text));
    memcpy(found->text + before, text, length);
    found->text[before + length] = '\0';
}

static void note_head(reading *found, const tow_response_reader *reader) {
    tow_http_head head;
    char text[8];
    assert_int_equal(
        tow_http_response_read(&head, (const char *)reader->head.data, reader->head.length, NULL),
        reader->head.length);
    note(found, text, (size_t)snprintf(text, sizeof(text), "%d [", head.status));
}

/* In pieces of `step` bytes. */
static reading read_cut(
    const char *bytes, size_t length, size_t step, bool to_head, tow_response_limits limits) {
    reading found = {0};
    tow_response_reader reader;
    tow_response_reader_init(&reader, to_head, limits);
    size_t at = 0;
    while (found.last >= 0 && found.last != TOW_RESPONSE_END && at < length) {
        const char *from = bytes + at;
        size_t count = length - at < step ? length - at : step;
        tow_slice piece;
        do {
            found.last = tow_response_reader_next(&reader, &from, &count, &piece);
            if (found.last == TOW_RESPONSE_HEAD)
                note_head(&found, &reader);
            else if (found.last == TOW_RESPONSE_PIECE)
                note(&found, piece.data, piece.length);
            else if (found.last == TOW_RESPONSE_END)
                note(&found, "] end", 5);
        } while (found.last == TOW_RESPONSE_HEAD || found.last == TOW_RESPONSE_PIECE);
        assert_true(found.last != TOW_RESPONSE_MORE || count == 0);
        at = (size_t)(from - bytes);
    }
    found.left = length - at;
    found.end = tow_response_reader_end(&reader);
    found.keep_alive = reader.keep_alive;
    tow_response_reader_clear(&reader);
    return found;
}

/* The same however it is cut. */
static reading read_all(const char *text, bool to_head, tow_response_limits limits) {
    size_t length = strlen(text);
    reading whole = read_cut(text, length, length, to_head, limits);
    for (size_t step = 1; step < length; step++) {
        reading cut = read_cut(text, length, step, to_head, limits);
        assert_string_equal(cut.text, whole.text);
        assert_int_equal(cut.last, whole.last);
        assert_int_equal(cut.end, whole.end);
        if (whole.last == TOW_RESPONSE_END)
            assert_int_equal(cut.left, whole.left);
    }
    return whole;
}

static void assert_read(const char *text, const char *expected) {
    assert_string_equal(read_all(text, false, wide).text, expected);
}

static void assert_refused(const char *text, int error) {
    reading found = read_all(text, false, wide);
    if (found.last != error)
        fail_msg("%s: %d", text, found.last);
}

static void a_body_of_known_length_is_whole_there(void **state) {
    (void)state;
    reading found = read_all("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello+", false, wide);
    assert_string_equal(found.text, "200 [hello] end");
    assert_int_equal(found.left, 1);
    assert_true(found.keep_alive);
    assert_read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 [] end");
}

static void a_chunked_body_ends_behind_its_trailer(void **state) {
    (void)state;
    reading found = read_all(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\nX",
        false, wide);
    assert_string_equal(found.text, "200 [hello] end");
    assert_int_equal(found.left, 1);
    assert_true(found.keep_alive);
}

static void a_body_without_a_length_ends_with_the_connection(void **state) {
    (void)state;
    reading found = read_all("HTTP/1.1 200 OK\r\n\r\nhello", false, wide);
    assert_string_equal(found.text, "200 [hello");
    assert_int_equal(found.last, TOW_RESPONSE_MORE);
    assert_int_equal(found.end, 0);
    assert_false(found.keep_alive);
}

static void a_connection_that_ends_elsewhere_cuts_off(void **state) {
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        reading found = read_all(texts[i], false, wide);
        assert_int_equal(found.last, TOW_RESPONSE_MORE);
        assert_int_equal(found.end, TOW_ERROR_ENDED);
    }
}

static void some_responses_have_no_body_whatever_they_say(void **state) {
    (void)state;
    assert_read("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 [] end");
    assert_read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 [] end");
    reading found = read_all("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP", true, wide);
    assert_string_equal(found.text, "200 [] end");
    assert_int_equal(found.left, 4);
    assert_true(found.keep_alive);
    found = read_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, wide);
    assert_string_equal(found.text, "200 [] end");
    found = read_all("HTTP/1.1 200 OK\r\n\r\n", true, wide);
    assert_string_equal(found.text, "200 [] end");
}

static void interim_responses_are_passed_over(void **state) {
    (void)state;
    assert_read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 "
                "OK\r\nContent-Length: 1\r\n\r\nx",
        "200 [x] end");
}

static void nobody_has_asked_for_another_protocol(void **state) {
    (void)state;
    assert_refused("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        TOW_ERROR_HTTP_SYNTAX);
}

static void what_may_smuggle_a_response_is_refused(void **state) {
    (void)state;
    static const char *const fields[] = {"Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n", "Content-Length: 1, 1\r\n", "Content-Length: +1\r\n",
        "Content-Length: 0x1\r\n", "Content-Length: -1\r\n", "Content-Length: \r\n",
        "Content-Length: 18446744073709551617\r\n", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n", "Content-Length : 1\r\n", "A: b\r\n c\r\nContent-Length: 1\r\n",
        "A: b\nContent-Length: 1\r\n", "A: b\rContent-Length: 1\r\n", "A: \x01\r\n", "A b: c\r\n", ": c\r\n"};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\nx", fields[i]);
        assert_refused(text, TOW_ERROR_HTTP_SYNTAX);
    }
    assert_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", TOW_ERROR_HTTP_SYNTAX);
    assert_refused("HTTP/1.1 200 OK\nContent-Length: 1\n\nx", TOW_ERROR_HTTP_SYNTAX);
    assert_refused("\r\nHTTP/1.1 200 OK\r\n\r\n", TOW_ERROR_HTTP_SYNTAX);
    assert_refused("HTTP/2 200\r\n\r\n", TOW_ERROR_HTTP_SYNTAX);
    static const char *const bodies[] = {"1\nx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n", "-1\r\nx\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n", "1 \r\nx\r\n0\r\n\r\n", "1\r\nxy\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n",
        "0\r\nA: b\n\r\n", "0\r\n A: b\r\n\r\n", "\r\n1\r\nx\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", bodies[i]);
        assert_refused(text, TOW_ERROR_HTTP_SYNTAX);
    }
}

static void all_heads_together_are_bounded(void **state) {
    (void)state;
    static const char text[] =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789";
    size_t heads = strlen(text) - 9;
    for (size_t limit = 0; limit <= heads + 1; limit++) {
        reading found = read_all(text, false, (tow_response_limits){.head = limit, .body = 9});
        assert_int_equal(found.last, limit < heads ? TOW_ERROR_HTTP_TOO_LARGE : (int)TOW_RESPONSE_END);
        assert_string_equal(found.text, limit < heads ? "" : "200 [123456789] end");
    }
}

static void a_body_is_bounded(void **state) {
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n123456789"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        for (uint64_t limit = 7; limit <= 10; limit++) {
            const char *text = texts[i];
            for (size_t step = 1; step <= strlen(text); step++) {
                reading found = read_cut(
                    text, strlen(text), step, false, (tow_response_limits){.head = 4096, .body = limit});
                assert_int_equal(found.last == TOW_ERROR_HTTP_TOO_LARGE, limit < 9);
                assert_int_equal(strstr(found.text, "123456789") != NULL, limit >= 9);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_of_known_length_is_whole_there),
        cmocka_unit_test(a_chunked_body_ends_behind_its_trailer),
        cmocka_unit_test(a_body_without_a_length_ends_with_the_connection),
        cmocka_unit_test(a_connection_that_ends_elsewhere_cuts_off),
        cmocka_unit_test(some_responses_have_no_body_whatever_they_say),
        cmocka_unit_test(interim_responses_are_passed_over),
        cmocka_unit_test(nobody_has_asked_for_another_protocol),
        cmocka_unit_test(what_may_smuggle_a_response_is_refused),
        cmocka_unit_test(all_heads_together_are_bounded),
        cmocka_unit_test(a_body_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
