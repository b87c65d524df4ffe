#include "../unit.h"

#include "guarded.h"
#include "http/head.h"

#include <towline/error.h>

static tow_http_head head; /* large */

static const char chrome[] = "GET /echo?a=b&c HTTP/1.1\r\n"
                             "Host: localhost:9998\r\n"
                             "Connection: Upgrade\r\n"
                             "Pragma: no-cache\r\n"
                             "Cache-Control: no-cache\r\n"
                             "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like "
                             "Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
                             "Upgrade: websocket\r\n"
                             "Origin: http://localhost:9998\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Accept-Encoding: gzip, deflate, br, zstd\r\n"
                             "Accept-Language: en-US,en;q=0.9\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                             "\r\n";

static int read_request(const char *text) {
    return tow_http_request_read(&head, text, strlen(text), NULL);
}

static int read_response(const char *text) {
    return tow_http_response_read(&head, text, strlen(text), NULL);
}

#define assert_slice(slice, text)                                                                            \
    do {                                                                                                     \
        tow_slice seen_ = (slice);                                                                           \
        assert_non_null(seen_.data);                                                                         \
        assert_int_equal(seen_.length, strlen(text));                                                        \
        assert_memory_equal(seen_.data, text, strlen(text));                                                 \
    } while (0)

/* The whole text is a request, and nothing before its end says so. */
#define assert_request(text) assert_int_equal(read_request(text), strlen(text))

#define assert_refused(text, status)                                                                         \
    do {                                                                                                     \
        assert_int_equal(read_request(text), TOW_ERROR_HTTP_SYNTAX);                                         \
        assert_int_equal(tow_http_refusal_status(&head), status);                                            \
    } while (0)

/* The last byte of the text is the one that makes it wrong. */
static void assert_refused_at_last_byte(const char *text, int status) {
    size_t length = strlen(text);
    size_t scanned = 0;
    for (size_t i = 0; i < length; i++) {
        if (tow_http_request_read(&head, text, i, &scanned) != 0)
            fail_msg("\"%s\" is refused already after %zu bytes", text, i);
    }
    if (tow_http_request_read(&head, text, length, &scanned) != TOW_ERROR_HTTP_SYNTAX)
        fail_msg("\"%s\" is not refused", text);
    assert_int_equal(tow_http_refusal_status(&head), status);
    assert_refused(text, status);
}

#define GET "GET / HTTP/1.1\r\n"
#define GET_HOST "GET / HTTP/1.1\r\nHost: h\r\n"
#define POST_HOST "POST / HTTP/1.1\r\nHost: h\r\n"

static void a_browsers_opening_handshake_is_cut_into_slices(void **state) {
    (void)state;
    assert_request(chrome);
    assert_slice(head.method, "GET");
    assert_slice(head.target, "/echo?a=b&c");
    assert_slice(head.path, "/echo");
    assert_slice(head.query, "a=b&c");
    assert_slice(head.authority, "localhost:9998");
    assert_slice(head.version, "HTTP/1.1");
    assert_int_equal(head.field_count, 12);
    assert_slice(head.fields[0].name, "Host");
    assert_slice(head.fields[11].name, "Sec-WebSocket-Extensions");
    assert_slice(head.fields[11].value, "permessage-deflate; client_max_window_bits");
    assert_slice(tow_http_field(&head, "sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
    assert_null(tow_http_field(&head, "Cookie").data);
    assert_int_equal(head.body, TOW_BODY_NONE);
    assert_true(head.keep_alive);
    assert_false(head.expect_continue);
}

static void a_request_cut_anywhere_is_incomplete_and_then_the_same(void **state) {
    (void)state;
    guarded memory = guarded_new();
    size_t length = strlen(chrome);
    size_t scanned = 0;
    for (size_t cut = 0; cut < length; cut++) {
        const char *front = guarded_copy(memory, chrome, cut);
        assert_int_equal(tow_http_request_read(&head, front, cut, NULL), 0);
        assert_int_equal(tow_http_request_read(&head, front, cut, &scanned), 0);
    }
    const char *whole = guarded_copy(memory, chrome, length);
    assert_int_equal(tow_http_request_read(&head, whole, length, &scanned), length);
    assert_int_equal(scanned, 0);
    assert_int_equal(head.field_count, 12);
    assert_slice(head.path, "/echo");
    assert_slice(head.fields[11].value, "permessage-deflate; client_max_window_bits");
    guarded_free(memory);
}

/* Looking at all bytes again for each that comes would take minutes. */
static void a_head_that_comes_byte_by_byte_costs_linear_time(void **state) {
    (void)state;
    size_t length = (size_t)1 << 20;
    size_t scanned = 0;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'a', length);
    memcpy(text, GET_HOST "A:", strlen(GET_HOST "A:"));
    memcpy(text + length - 4, "\r\n\r\n", 4);
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(tow_http_request_read(&head, text, cut, &scanned), 0);
    assert_int_equal(tow_http_request_read(&head, text, length, &scanned), length);
    free(text);
}

static void what_follows_the_head_is_not_looked_at(void **state) {
    (void)state;
    assert_int_equal(read_request(GET_HOST "\r\n\n\n\x01"), strlen(GET_HOST "\r\n"));
}

static void one_empty_line_before_the_request_is_tolerated(void **state) {
    (void)state;
    assert_request("\r\n" GET_HOST "\r\n");
    assert_slice(head.method, "GET");
    assert_refused_at_last_byte("\r\n\r", 400);
    assert_refused_at_last_byte("\n", 400);
    assert_refused_at_last_byte("\r\r", 400);
    assert_refused_at_last_byte("\r\n\n", 400);
}

static void methods_are_tokens(void **state) {
    (void)state;
    assert_request("M-SEARCH!#$%&'*+.^_`|~09az / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.method, "M-SEARCH!#$%&'*+.^_`|~09az");
    assert_request("get / HTTP/1.1\r\nHost: h\r\n\r\n");
    static const char *const wrong[] = {
        " ", "\x16", "\x80", "GET\t", "GET\r", "GET\n", "GE(", "G\"", "G\x7f", "G,", "G/", "G:"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_refused_at_last_byte(wrong[i], 400);
}

static void a_zero_byte_is_refused_everywhere(void **state) {
    (void)state;
    static const char text[] = "GET /abc HTTP/1.1\r\nHost: h\r\nName: value\r\n\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char changed[sizeof(text)];
        memcpy(changed, text, sizeof(text));
        changed[i] = '\0';
        assert_int_equal(tow_http_request_read(&head, changed, i, NULL), 0);
        assert_int_equal(tow_http_request_read(&head, changed, i + 1, NULL), TOW_ERROR_HTTP_SYNTAX);
    }
}

static void targets_are_visible_ascii_without_fragment(void **state) {
    (void)state;
    assert_request("GET /!\"$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ HTTP/1.1\r\nHost: h\r\n\r\n");
    static const char *const wrong[] = {
        "GET  ", "GET /a#", "GET /\x7f", "GET /\x80", "GET /\xff", "GET /\t", "GET /\r", "GET /\n", "GET #"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_refused_at_last_byte(wrong[i], 400);
}

static void white_space_in_the_request_line_is_one_space(void **state) {
    (void)state;
    assert_refused_at_last_byte("GET /  ", 400);
    assert_refused_at_last_byte("GET / HTTP/1.1 ", 400);
    assert_refused_at_last_byte("GET\t", 400);
    assert_refused_at_last_byte("GET /a b", 400);
}

static void only_versions_1_0_and_1_1_are_known(void **state) {
    (void)state;
    assert_request("GET / HTTP/1.0\r\n\r\n");
    assert_slice(head.version, "HTTP/1.0");
    assert_refused_at_last_byte("GET / HTTP/2", 505);
    assert_refused_at_last_byte("PRI * HTTP/2", 505);
    assert_refused_at_last_byte("GET / HTTP/0", 505);
    assert_refused_at_last_byte("GET / HTTP/1.2", 505);
    assert_refused_at_last_byte("GET / HTTP/1.9", 505);
    assert_refused_at_last_byte("GET / HTTP/1.1\n", 400);
    assert_refused_at_last_byte("GET / HTTP/1.11", 400);
    assert_refused_at_last_byte("GET / HTTP/11", 400);
    assert_refused_at_last_byte("GET / h", 400);
    assert_refused_at_last_byte("GET / HTTPS", 400);
    assert_refused_at_last_byte("GET / HTTP/x", 400);
    assert_refused_at_last_byte("GET /\r", 400); /* HTTP/0.9 */
}

static void absolute_form_replaces_host(void **state) {
    (void)state;
    assert_request("GET http://example.com:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_slice(head.authority, "example.com:81");
    assert_slice(head.path, "/a");
    assert_slice(head.query, "b");
    assert_slice(head.target, "http://example.com:81/a?b");
    assert_request("GET wss://h?b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "/");
    assert_slice(head.query, "b");
    assert_request("GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "/");
    assert_slice(head.query, "");
    assert_request("GET ws://[::1]:80/ HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.authority, "[::1]:80");
    assert_request("GET http://h/ HTTP/1.0\r\n\r\n");
    assert_slice(head.authority, "h");
}

static void absolute_form_still_needs_host(void **state) {
    (void)state;
    assert_refused("GET http://h/ HTTP/1.1\r\n\r\n", 400);
    assert_refused("GET http://h/ HTTP/1.1\r\nHost: \r\n\r\n", 400);
    assert_refused("GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400);
}

static void targets_of_other_forms_are_refused(void **state) {
    (void)state;
    static const char *const targets[] = {"ftp://h/", "http:/h", "http:h", "http:", "http", "http//h", "://h",
        "//h", "h", "h:80", "?a", "http://", "http:///a", "http://?a", "http://u@h/", "http://u:p@h/",
        "http://h:65536/", "http://h:8a/", "http://[::1/", "http://[::1]a/", "http://[]/",
        "file:///etc/passwd", "*a", ".", ".."};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        char text[200];
        snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[i]);
        bool is_origin_form = targets[i][0] == '/'; /* "//h" is a path */
        int expected = is_origin_form ? (int)strlen(text) : TOW_ERROR_HTTP_SYNTAX;
        if (read_request(text) != expected)
            fail_msg("%s", targets[i]);
    }
}

static void the_asterisk_is_for_options(void **state) {
    (void)state;
    assert_request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "*");
    assert_slice(head.query, "");
    assert_request("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "*");
    assert_request("OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "/");
    assert_request("OPTIONS http://h?q HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "/");
    assert_refused("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400);
    assert_refused("OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n", 400);
}

static void connect_is_not_for_us(void **state) {
    (void)state;
    assert_refused("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501);
    assert_refused("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", 501);
}

static void a_host_is_required_once_and_must_be_one(void **state) {
    (void)state;
    assert_refused(GET "\r\n", 400);
    assert_request("GET / HTTP/1.0\r\n\r\n");
    assert_null(head.authority.data);
    assert_refused(GET_HOST "Host: h\r\n\r\n", 400);
    assert_refused(GET_HOST "hOST: other\r\n\r\n", 400);
    assert_refused("GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", 400);
    static const char *const right[] = {"h", "localhost:9998", "h:", "h:0", "h:65535", "h:00080", "127.0.0.1",
        "a.b-c_d~e", "[::1]", "[::1]:80", "[2001:DB8::1.2.3.4]", "x%20y", "!$&'()*+,;=", "[::]:"};
    static const char *const wrong[] = {"", " ", ":80", "h:65536", "h:99999999999999999999", "h:-1", "h:+1",
        "h:1 2", "h:80:80", "h/", "h/a", "u@h", "h, h", "h h", "h\xc3\xa4", "h%", "h%2", "h%2g", "h?", "h#",
        "h\\", "[::1", "::1", "[::1]80", "[::1]x", "[1.2.3.4]", "[::1%25lo]", "[v1.a]", "[]", "[", "[:::]",
        "[1:2:3:4:5:6:7:8:9]", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", "<h>", "\"h\""};
    char text[200];
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
        snprintf(text, sizeof(text), GET "Host: %s\r\n\r\n", right[i]);
        if (read_request(text) != (int)strlen(text))
            fail_msg("%s", right[i]);
        assert_slice(head.authority, right[i]);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        snprintf(text, sizeof(text), GET "Host: %s\r\n\r\n", wrong[i]);
        if (read_request(text) != TOW_ERROR_HTTP_SYNTAX)
            fail_msg("%s", wrong[i]);
    }
}

static void field_lines_have_a_strict_form(void **state) {
    (void)state;
    static const char *const wrong[] = {GET "\n", GET " ", GET "\t", GET ":", GET_HOST " ", GET_HOST "\t",
        GET "Name ", GET "Name\t", GET "Name\r", GET "Name\n", GET "Na\x80", GET "Na(", GET "A: b\n",
        GET "A: b\rc", GET "A: b\x01", GET "A: b\x7f", GET "A: b\x0b", GET "A: b\r\r", GET "A: b\r\n\r\r",
        GET "A: b\r\n\n", GET "A: b\r\n ", GET "A: b\r\n\t", GET "A: \x1b"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_refused_at_last_byte(wrong[i], 400);
}

static void values_are_without_the_white_space_around_them(void **state) {
    (void)state;
    assert_request(GET_HOST "A:b\r\nB: \t c d\t \r\nC:\r\nD: \t \r\nE:\xc3\xa4\r\nF:::\r\n\r\n");
    assert_slice(tow_http_field(&head, "A"), "b");
    assert_slice(tow_http_field(&head, "B"), "c d");
    assert_slice(tow_http_field(&head, "C"), "");
    assert_slice(tow_http_field(&head, "D"), "");
    assert_slice(tow_http_field(&head, "E"), "\xc3\xa4");
    assert_slice(tow_http_field(&head, "F"), "::");
}

static void the_first_field_of_a_name_is_found(void **state) {
    (void)state;
    assert_request(GET_HOST "A: 1\r\na: 2\r\nAB: 3\r\n\r\n");
    assert_slice(tow_http_field(&head, "a"), "1");
    assert_slice(tow_http_field(&head, "ab"), "3");
    assert_null(tow_http_field(&head, "b").data);
}

static void at_most_128_fields_are_taken(void **state) {
    (void)state;
    static const int counts[] = {127, 128, 129};
    for (size_t i = 0; i < 3; i++) {
        char text[4096] = GET_HOST;
        for (int field = 1; field < counts[i]; field++)
            strcat(text, "A: b\r\n");
        strcat(text, "\r\n");
        if (counts[i] <= TOW_FIELDS_MAX) {
            assert_request(text);
            assert_int_equal(head.field_count, counts[i]);
        } else {
            assert_refused(text, 431);
        }
    }
}

static void a_head_beyond_16_mebibytes_is_refused(void **state) {
    (void)state;
    size_t limit = (size_t)1 << 24;
    char *text = malloc(limit + 1);
    assert_non_null(text);
    memset(text, 'A', limit + 1);
    assert_int_equal(tow_http_request_read(&head, text, limit - 1, NULL), 0);
    assert_int_equal(tow_http_request_read(&head, text, limit, NULL), TOW_ERROR_HTTP_TOO_LARGE);
    memcpy(text, GET_HOST "B:", strlen(GET_HOST "B:"));
    memcpy(text + limit - 4, "\r\n\r\n", 4);
    assert_int_equal(tow_http_request_read(&head, text, limit, NULL), limit);
    memcpy(text + limit - 4, "A\r\n\r\n", 5);
    assert_int_equal(tow_http_request_read(&head, text, limit + 1, NULL), TOW_ERROR_HTTP_TOO_LARGE);
    free(text);
}

static void the_bodys_length_is_a_number_said_once(void **state) {
    (void)state;
    assert_request(POST_HOST "Content-Length: 12\r\n\r\n");
    assert_int_equal(head.body, TOW_BODY_LENGTH);
    assert_int_equal(head.body_length, 12);
    assert_request(POST_HOST "content-length: 0012\r\n\r\n");
    assert_int_equal(head.body_length, 12);
    assert_request(POST_HOST "Content-Length: 0\r\n\r\n");
    assert_int_equal(head.body, TOW_BODY_NONE);
    assert_request(POST_HOST "Content-Length: 9223372036854775807\r\n\r\n");
    assert_true(head.body_length == INT64_MAX);
    assert_request(POST_HOST "\r\n");
    assert_int_equal(head.body, TOW_BODY_NONE);
    static const char *const wrong[] = {"", "-1", "+1", "1 2", "1,1", "1, 1", "0x10", "1e3",
        "9223372036854775808", "18446744073709551616", "99999999999999999999999999", "1;", "a", "\"1\"",
        "1.0", "1_0"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[200];
        snprintf(text, sizeof(text), POST_HOST "Content-Length: %s\r\n\r\n", wrong[i]);
        assert_refused(text, 400);
    }
    assert_refused(POST_HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400);
    assert_refused(POST_HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400);
}

static void chunked_is_the_only_transfer_coding(void **state) {
    (void)state;
    assert_request(POST_HOST "Transfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(head.body, TOW_BODY_CHUNKED);
    assert_request(POST_HOST "transfer-encoding: CHUNKED\r\n\r\n");
    assert_int_equal(head.body, TOW_BODY_CHUNKED);
    static const char *const wrong[] = {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked",
        "identity", "", "xchunked", "chunked,", ",chunked", "chunked;a=b", "\"chunked\"", "chunke",
        "x\tchunked"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char text[200];
        snprintf(text, sizeof(text), POST_HOST "Transfer-Encoding: %s\r\n\r\n", wrong[i]);
        assert_refused(text, 501);
    }
    assert_refused(POST_HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501);
    assert_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

/* Each once made two parsers see two different messages. */
static void attempts_to_smuggle_a_request_are_refused(void **state) {
    (void)state;
    static const char *const attempts[] = {
        POST_HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST_HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        POST_HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        POST_HOST "Transfer-Encoding : chunked\r\n\r\n",
        POST_HOST "Transfer-Encoding\t: chunked\r\n\r\n",
        POST_HOST " Transfer-Encoding: chunked\r\n\r\n",
        POST_HOST "Transfer-Encoding:\x0b"
                  "chunked\r\n\r\n",
        POST_HOST "Transfer-Encoding: chunked\x0c\r\n\r\n",
        POST_HOST "Transfer-Encoding:\r\n chunked\r\n\r\n",
        POST_HOST "X: y\nTransfer-Encoding: chunked\r\n\r\n",
        POST_HOST "X: y\rTransfer-Encoding: chunked\r\n\r\n",
        POST_HOST "Transfer-Encoding: chunked\n\r\n",
        POST_HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        POST_HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
        POST_HOST "Transfer-Encoding: cow\r\nContent-Length: 4\r\n\r\n",
        POST_HOST "Content-Length: 4, 4\r\n\r\n",
        POST_HOST "Content-Length: 4\r\ncontent-length: 5\r\n\r\n",
        POST_HOST "Content-Length : 4\r\n\r\n",
        POST_HOST "Content-Length: 4\r\n\t5\r\n\r\n",
        POST_HOST "Content-Length: \xc2\xa0"
                  "4\r\n\r\n",
        "POST /\r\nContent-Length: 4 HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST http://h\\@evil/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\nHost: h\n\n",
        "POST / HTTP/1.1\r\n Host: h\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\nHost: h\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
        if (read_request(attempts[i]) != TOW_ERROR_HTTP_SYNTAX)
            fail_msg("%zu: %s", i, attempts[i]);
    }
}

static void keep_alive_follows_version_and_connection(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool keep_alive;
    } cases[] = {
        {GET_HOST "\r\n", true},
        {GET_HOST "Connection: close\r\n\r\n", false},
        {GET_HOST "Connection: Upgrade, CLOSE\r\n\r\n", false},
        {GET_HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {GET_HOST "Connection: closed\r\n\r\n", true},
        {GET_HOST "Connection: ,,\t,close ,\r\n\r\n", false},
        {GET_HOST "Connection:\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_request(cases[i].text);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
}

static void expect_continue_is_a_matter_of_http_1_1(void **state) {
    (void)state;
    assert_request(POST_HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
    assert_true(head.expect_continue);
    assert_request(POST_HOST "Expect: more\r\n\r\n");
    assert_false(head.expect_continue);
    assert_request("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    assert_false(head.expect_continue);
}

static void a_response_is_cut_into_slices_wherever_it_is_cut(void **state) {
    (void)state;
    static const char text[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    guarded memory = guarded_new();
    size_t scanned = 0;
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++)
        assert_int_equal(tow_http_response_read(&head, guarded_copy(memory, text, cut), cut, &scanned), 0);
    const char *whole = guarded_copy(memory, text, sizeof(text) - 1);
    assert_int_equal(tow_http_response_read(&head, whole, sizeof(text) - 1, &scanned), sizeof(text) - 1);
    assert_int_equal(head.status, 101);
    assert_slice(head.version, "HTTP/1.1");
    assert_slice(head.reason, "Switching Protocols");
    assert_int_equal(head.field_count, 2);
    assert_slice(tow_http_field(&head, "upgrade"), "websocket");
    assert_int_equal(head.body, TOW_BODY_NONE);
    guarded_free(memory);
}

static void a_reason_may_be_empty(void **state) {
    (void)state;
    assert_true(read_response("HTTP/1.1 200 \r\n\r\n") > 0);
    assert_slice(head.reason, "");
    assert_true(read_response("HTTP/1.1 200\r\n\r\n") > 0);
    assert_slice(head.reason, "");
    assert_true(read_response("HTTP/1.0 404 Nicht da: \xc3\xa4\t!\r\n\r\n") > 0);
    assert_slice(head.reason, "Nicht da: \xc3\xa4\t!");
}

static void wrong_status_lines_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"\r", "\n", "ICY 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK", "HTTP/1.1\t200 OK", "HTTP/1.1\r", "HTTP/1.1 200 OK\n",
        "HTTP/1.1 200 OK\x01", "HTTP/1.1 200\t", "http/1.1 200 OK", "HTTP/2 200 OK", "HTTP/1.1 200 OK\r\n\n",
        "HTTP/1.1 200 OK\r\nA : b", "HTTP/1.1 200 OK\r\nA: b\r\n c", "HTTP/1.1 2x0", "GET / HTTP/1.1",
        " HTTP/1.1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (read_response(wrong[i]) != TOW_ERROR_HTTP_SYNTAX)
            fail_msg("%s", wrong[i]);
    }
}

static void the_end_of_a_responses_body_follows_status_and_fields(void **state) {
    (void)state;
    static const struct {
        const char *text;
        tow_body_kind body;
        uint64_t length;
        bool keep_alive;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", TOW_BODY_LENGTH, 5, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", TOW_BODY_NONE, 0, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TOW_BODY_CHUNKED, 0, true},
        {"HTTP/1.1 200 OK\r\n\r\n", TOW_BODY_UNTIL_END, 0, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", TOW_BODY_LENGTH, 1, true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", TOW_BODY_LENGTH, 1, false},
        {"HTTP/1.1 999 Odd\r\n\r\n", TOW_BODY_UNTIL_END, 0, false},
        {"HTTP/1.1 101 S\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", TOW_BODY_NONE, 0, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", TOW_BODY_NONE, 0, true},
        {"HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n", TOW_BODY_NONE, 0, true},
        {"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n", TOW_BODY_NONE, 0, true},
        {"HTTP/1.1 426 U\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", TOW_BODY_LENGTH, 5, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(read_response(cases[i].text), strlen(cases[i].text));
        assert_int_equal(head.body, cases[i].body);
        assert_int_equal(head.body_length, cases[i].length);
        assert_int_equal(head.keep_alive, cases[i].keep_alive);
    }
    static const char *const wrong[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5,5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(read_response(wrong[i]), TOW_ERROR_HTTP_SYNTAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_browsers_opening_handshake_is_cut_into_slices),
        cmocka_unit_test(a_request_cut_anywhere_is_incomplete_and_then_the_same),
        cmocka_unit_test(a_head_that_comes_byte_by_byte_costs_linear_time),
        cmocka_unit_test(what_follows_the_head_is_not_looked_at),
        cmocka_unit_test(one_empty_line_before_the_request_is_tolerated),
        cmocka_unit_test(methods_are_tokens),
        cmocka_unit_test(a_zero_byte_is_refused_everywhere),
        cmocka_unit_test(targets_are_visible_ascii_without_fragment),
        cmocka_unit_test(white_space_in_the_request_line_is_one_space),
        cmocka_unit_test(only_versions_1_0_and_1_1_are_known),
        cmocka_unit_test(absolute_form_replaces_host),
        cmocka_unit_test(absolute_form_still_needs_host),
        cmocka_unit_test(targets_of_other_forms_are_refused),
        cmocka_unit_test(the_asterisk_is_for_options),
        cmocka_unit_test(connect_is_not_for_us),
        cmocka_unit_test(a_host_is_required_once_and_must_be_one),
        cmocka_unit_test(field_lines_have_a_strict_form),
        cmocka_unit_test(values_are_without_the_white_space_around_them),
        cmocka_unit_test(the_first_field_of_a_name_is_found),
        cmocka_unit_test(at_most_128_fields_are_taken),
        cmocka_unit_test(a_head_beyond_16_mebibytes_is_refused),
        cmocka_unit_test(the_bodys_length_is_a_number_said_once),
        cmocka_unit_test(chunked_is_the_only_transfer_coding),
        cmocka_unit_test(attempts_to_smuggle_a_request_are_refused),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(expect_continue_is_a_matter_of_http_1_1),
        cmocka_unit_test(a_response_is_cut_into_slices_wherever_it_is_cut),
        cmocka_unit_test(a_reason_may_be_empty),
        cmocka_unit_test(wrong_status_lines_are_refused),
        cmocka_unit_test(the_end_of_a_responses_body_follows_status_and_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
