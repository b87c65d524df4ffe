#include "../unit.h"

#include "guarded.h"
#include "http/body.h"

#include <towline/error.h>

/* Reads a body that comes in pieces of `step` bytes; gathers the data in `out`. The last result of
 * tow_body_next. */
static int read_body(
    tow_body_reader *reader, const char *text, size_t length, size_t step, char *out, size_t *rest) {
    size_t at = 0;
    int result = 0;
    *out = '\0';
    do {
        size_t end = at + step < length ? at + step : length;
        const char *bytes = text + at;
        size_t count = end - at;
        tow_slice piece;
        while ((result = tow_body_next(reader, &bytes, &count, &piece)) == 1)
            strncat(out, piece.data, piece.length);
        at = end;
        *rest = length - (size_t)(bytes - text);
    } while (result == 0 && at < length);
    return result;
}

static tow_body_reader reader_for(tow_body_kind kind, uint64_t length) {
    tow_http_head head = {.body = kind, .body_length = length};
    tow_body_reader reader;
    tow_body_reader_init(&reader, &head);
    return reader;
}

static void assert_chunked_refused(const char *text) {
    char out[1000];
    size_t rest;
    for (size_t step = 1; step <= strlen(text); step++) {
        tow_body_reader reader = reader_for(TOW_BODY_CHUNKED, 0);
        if (read_body(&reader, text, strlen(text), step, out, &rest) != TOW_ERROR_HTTP_SYNTAX)
            fail_msg("\"%s\" in pieces of %zu", text, step);
    }
}

static void assert_chunked(const char *text, const char *data, size_t expected_rest) {
    char out[1000];
    size_t rest;
    for (size_t step = 1; step <= strlen(text); step++) {
        tow_body_reader reader = reader_for(TOW_BODY_CHUNKED, 0);
        assert_int_equal(read_body(&reader, text, strlen(text), step, out, &rest), 2);
        assert_string_equal(out, data);
        if (step == strlen(text))
            assert_int_equal(rest, expected_rest);
    }
}

static void no_body_ends_at_once(void **state) {
    (void)state;
    tow_body_reader reader = reader_for(TOW_BODY_NONE, 0);
    const char *bytes = "GET";
    size_t length = 3;
    tow_slice piece;
    assert_int_equal(tow_body_next(&reader, &bytes, &length, &piece), 2);
    assert_int_equal(length, 3);
}

static void a_body_of_known_length_ends_there(void **state) {
    (void)state;
    char out[100];
    size_t rest;
    for (size_t step = 1; step <= 8; step++) {
        tow_body_reader reader = reader_for(TOW_BODY_LENGTH, 5);
        assert_int_equal(read_body(&reader, "helloGET", 8, step, out, &rest), 2);
        assert_string_equal(out, "hello");
    }
    assert_int_equal(rest, 3);
    tow_body_reader reader = reader_for(TOW_BODY_LENGTH, 5);
    assert_int_equal(read_body(&reader, "hell", 4, 4, out, &rest), 0);
    assert_int_equal(rest, 0);
}

static void the_end_is_known_without_a_further_byte(void **state) {
    (void)state;
    tow_body_reader reader = reader_for(TOW_BODY_LENGTH, 2);
    const char *bytes = "ab";
    size_t length = 2;
    tow_slice piece;
    assert_int_equal(tow_body_next(&reader, &bytes, &length, &piece), 1);
    assert_int_equal(length, 0);
    assert_int_equal(tow_body_next(&reader, &bytes, &length, &piece), 2);
    assert_int_equal(tow_body_next(&reader, &bytes, &length, &piece), 2);
}

static void a_body_until_the_end_takes_everything(void **state) {
    (void)state;
    char out[100];
    size_t rest;
    tow_body_reader reader = reader_for(TOW_BODY_UNTIL_END, 0);
    assert_int_equal(read_body(&reader, "anything\r\n", 10, 3, out, &rest), 0);
    assert_string_equal(out, "anything\r\n");
}

static void chunks_are_joined_wherever_they_are_cut(void **state) {
    (void)state;
    assert_chunked("0\r\n\r\n", "", 0);
    assert_chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET", "hello world", 3);
    assert_chunked("00000a\r\n0123456789\r\n000\r\n\r\n", "0123456789", 0);
    assert_chunked("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0);
    assert_chunked(
        "1f\r\n0123456789012345678901234567890\r\n0\r\n\r\n", "0123456789012345678901234567890", 0);
}

static void extensions_and_trailers_are_read_over(void **state) {
    (void)state;
    assert_chunked("2;a=b\r\nhi\r\n0;c=\"d;e\"\r\n\r\n", "hi", 0);
    assert_chunked("2 \t;a\r\nhi\r\n0\r\n\r\n", "hi", 0);
    assert_chunked("2\r\nhi\r\n0\r\nChecksum: 1\r\nEmpty:\r\n\r\nX", "hi", 1);
}

static void malformed_chunks_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "\r\n",
        "\n",
        ";",
        " 2\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        "2\n",
        "2\r\r",
        "2\rhi",
        "2 \r\n",
        "2\t\r\n",
        "2 3",
        "2;a\n",
        "2;a\r\r",
        "2;\x01\r\n",
        "2;a\rb",
        "2\r\nhi\n",
        "2\r\nhix",
        "2\r\nhi\r\r",
        "2\r\nhi\r\n\r\n",
        "2\r\nhi\r\n;",
        "0\n",
        "0\r\n\n",
        "0\r\n\rX",
        "0\r\n A: b\r\n",
        "0\r\nA : b\r\n",
        "0\r\n: b\r\n",
        "0\r\nA\r\n",
        "0\r\nA: b\n",
        "0\r\nA: b\rc",
        "0\r\nA: \x01",
        "0\r\nA: b\r\n c",
        "0\r\nA\x80:",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_chunked_refused(wrong[i]);
}

static void a_chunk_size_that_does_not_fit_is_refused(void **state) {
    (void)state;
    assert_chunked_refused("8000000000000000\r\n");
    assert_chunked_refused("10000000000000000\r\n");
    assert_chunked_refused("ffffffffffffffffff\r\n");
    char out[100];
    size_t rest;
    tow_body_reader reader = reader_for(TOW_BODY_CHUNKED, 0);
    assert_int_equal(read_body(&reader, "7fffffffffffffff\r\nab", 20, 20, out, &rest), 0);
    assert_string_equal(out, "ab");
    assert_true(reader.remaining == INT64_MAX - 2);
}

/* A text of `length` bytes: `front`, as many x as are needed, `back`. */
static char *padded(const char *front, size_t length, const char *back) {
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, front, strlen(front));
    memcpy(text + length - strlen(back), back, strlen(back) + 1);
    return text;
}

static int result_of(const char *text) {
    char out[100];
    size_t rest;
    tow_body_reader reader = reader_for(TOW_BODY_CHUNKED, 0);
    return read_body(&reader, text, strlen(text), 1000, out, &rest);
}

static void a_chunks_line_is_bounded(void **state) {
    (void)state;
    static const struct {
        size_t length;
        int result;
    } cases[] = {{TOW_CHUNK_LINE_MAX - 1, 0}, {TOW_CHUNK_LINE_MAX, 0},
        {TOW_CHUNK_LINE_MAX + 1, TOW_ERROR_HTTP_SYNTAX}};
    for (size_t i = 0; i < 3; i++) {
        char *line = padded("2;", cases[i].length, "\r\n");
        assert_int_equal(result_of(line), cases[i].result);
        free(line);
    }
}

static void each_chunks_line_has_the_bound_for_itself(void **state) {
    (void)state;
    char *line = padded("1;", TOW_CHUNK_LINE_MAX - 3, "\r\nx\r\n");
    char text[4 * TOW_CHUNK_LINE_MAX + 8] = "";
    for (int i = 0; i < 4; i++)
        strcat(text, line);
    strcat(text, "0\r\n\r\n");
    assert_int_equal(result_of(text), 2);
    free(line);
}

static void the_trailer_as_a_whole_is_bounded(void **state) {
    (void)state;
    for (size_t more = 0; more < 3; more++) {
        size_t trailer = TOW_TRAILER_MAX - 1 + more;
        char *text = padded("0\r\nA: b\r\nC:", 3 + trailer, "\r\n\r\n");
        assert_int_equal(result_of(text), trailer <= TOW_TRAILER_MAX ? 2 : TOW_ERROR_HTTP_SYNTAX);
        free(text);
    }
}

static void a_refused_body_stays_refused(void **state) {
    (void)state;
    char out[100];
    size_t rest;
    tow_body_reader reader = reader_for(TOW_BODY_CHUNKED, 0);
    assert_int_equal(read_body(&reader, "x", 1, 1, out, &rest), TOW_ERROR_HTTP_SYNTAX);
    assert_int_equal(read_body(&reader, "0\r\n\r\n", 5, 5, out, &rest), TOW_ERROR_HTTP_SYNTAX);
}

static void nothing_behind_the_bytes_is_read(void **state) {
    (void)state;
    static const char text[] = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
    guarded memory = guarded_new();
    for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
        char out[100];
        size_t rest;
        tow_body_reader reader = reader_for(TOW_BODY_CHUNKED, 0);
        int result = read_body(&reader, guarded_copy(memory, text, cut), cut, sizeof(text), out, &rest);
        assert_int_equal(result, cut == sizeof(text) - 1 ? 2 : 0);
        assert_int_equal(rest, 0);
    }
    guarded_free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_body_ends_at_once),
        cmocka_unit_test(a_body_of_known_length_ends_there),
        cmocka_unit_test(the_end_is_known_without_a_further_byte),
        cmocka_unit_test(a_body_until_the_end_takes_everything),
        cmocka_unit_test(chunks_are_joined_wherever_they_are_cut),
        cmocka_unit_test(extensions_and_trailers_are_read_over),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(a_chunk_size_that_does_not_fit_is_refused),
        cmocka_unit_test(a_chunks_line_is_bounded),
        cmocka_unit_test(each_chunks_line_has_the_bound_for_itself),
        cmocka_unit_test(the_trailer_as_a_whole_is_bounded),
        cmocka_unit_test(a_refused_body_stays_refused),
        cmocka_unit_test(nothing_behind_the_bytes_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
