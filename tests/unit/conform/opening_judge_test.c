#include "../unit.h"

#include "opening_judge.h"
#include "opening_write.h"

#include <towline/error.h>

/* RFC 6455, section 1.3 */
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define REQUEST "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"

static judged_head head_of(const char *text) {
    judged_head head;
    char why[160] = "";
    if (tow_conform_judged_head_read(&head, (const uint8_t *)text, strlen(text), why) != 1)
        fail_msg("%s: %s", text, why);
    return head;
}

static void head_is_refused(const char *text, size_t length) {
    judged_head head;
    char why[160] = "";
    assert_true(tow_conform_judged_head_read(&head, (const uint8_t *)text, length, why) < 0);
    assert_true(strlen(why) > 0);
    tow_conform_judged_head_clear(&head);
}

static void the_accept_is_that_of_the_standard(void **state) {
    (void)state;
    char accept[29];
    tow_conform_judged_accept(key, accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_head_is_read_line_by_line(void **state) {
    (void)state;
    judged_head head = head_of("HTTP/1.1 404 Not Found\r\nA: b\r\na:  c \t\r\nX-Empty:\r\n\r\nrest");
    size_t count;
    assert_int_equal(head.status, 404);
    assert_int_equal(head.count, 3);
    assert_int_equal(head.size, 51);
    assert_string_equal(tow_conform_judged_head_value(&head, "A", &count), "c");
    assert_int_equal(count, 2);
    assert_string_equal(tow_conform_judged_head_value(&head, "x-empty", &count), "");
    assert_null(tow_conform_judged_head_value(&head, "none", &count));
    assert_int_equal(count, 0);
    tow_conform_judged_head_clear(&head);
}

static void a_head_waits_for_its_end(void **state) {
    (void)state;
    static const char text[] = ANSWER ACCEPT "\r\n";
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        judged_head head;
        char why[160];
        assert_int_equal(tow_conform_judged_head_read(&head, (const uint8_t *)text, length, why), 0);
        tow_conform_judged_head_clear(&head);
    }
}

static void a_head_that_is_none_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n",
        "HTTP/1.1 200 OK\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        head_is_refused(texts[i], strlen(texts[i]));
    head_is_refused("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 25);
}

static void a_list_has_its_tokens(void **state) {
    (void)state;
    judged_head head =
        head_of("HTTP/1.1 101 x\r\nConnection: , keep-alive ,\tUpgrade\r\nConnection: other\r\n\r\n");
    assert_true(tow_conform_judged_head_has_token(&head, "connection", "upgrade"));
    assert_true(tow_conform_judged_head_has_token(&head, "connection", "other"));
    assert_false(tow_conform_judged_head_has_token(&head, "connection", "up"));
    assert_false(tow_conform_judged_head_has_token(&head, "upgrade", "upgrade"));
    tow_conform_judged_head_clear(&head);
}

/* What is said against an answer to the case's request; "" for nothing. */
static const char *against(const conform_case *one, const char *text) {
    static char why[160];
    judged_agreement agreement;
    judged_head head = head_of(text);
    why[0] = 0;
    if (!tow_conform_opening_answer_judge(one, &head, key, &agreement, why) && why[0] == 0)
        fail_msg("refused without a reason: %s", text);
    tow_conform_judged_head_clear(&head);
    return why;
}

static void an_answer_is_held_against_section_4(void **state) {
    (void)state;
    const conform_case one = {0};
    assert_string_equal(against(&one, ANSWER ACCEPT "\r\n"), "");
    assert_string_equal(
        against(&one, "HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\nConnection: a, UPGRADE\r\n" ACCEPT "\r\n"),
        "");
    assert_string_equal(against(&one, ANSWER "\r\n"), "Sec-WebSocket-Accept does not answer the key");
    assert_string_equal(
        against(&one, ANSWER ACCEPT ACCEPT "\r\n"), "Sec-WebSocket-Accept does not answer the key");
    assert_string_equal(
        against(&one, "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" ACCEPT "\r\n"), "Upgrade is not websocket");
    assert_string_equal(against(&one, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n" ACCEPT "\r\n"),
        "Connection has no token upgrade");
    assert_string_equal(against(&one, ANSWER ACCEPT "Content-Length: 0\r\n\r\n"),
        "a 101 with content-length (RFC 9110, section 8.6)");
    assert_string_equal(against(&one, ANSWER ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n"),
        "a subprotocol that was not offered: chat");
    assert_string_equal(against(&one, ANSWER ACCEPT "Sec-WebSocket-Extensions: foo\r\n\r\n"),
        "an extension that was not offered: foo");
}

static void an_answer_is_held_against_the_offer(void **state) {
    (void)state;
    static char none[] = "permessage-deflate";
    static char small[] = "permessage-deflate; server_max_window_bits=10; server_no_context_takeover";
    const conform_case plain = {.offer = none}, asking = {.offer = small};
#define EXTENSION "Sec-WebSocket-Extensions: permessage-deflate"
    assert_string_equal(against(&plain, ANSWER ACCEPT "\r\n"), "");
    assert_string_equal(against(&plain, ANSWER ACCEPT EXTENSION "\r\n\r\n"), "");
    assert_string_equal(against(&plain, ANSWER ACCEPT EXTENSION "; server_max_window_bits=12\r\n\r\n"), "");
    assert_string_equal(against(&plain, ANSWER ACCEPT EXTENSION "; client_max_window_bits=12\r\n\r\n"),
        "client_max_window_bits, which was not offered (RFC 7692, section 7.1.2.2)");
    assert_string_equal(against(&plain, ANSWER ACCEPT EXTENSION "; server_max_window_bits=16\r\n\r\n"),
        "parameters that are not valid: permessage-deflate; server_max_window_bits=16");
    assert_string_equal(against(&asking, ANSWER ACCEPT EXTENSION
                            "; server_max_window_bits=9; server_no_context_takeover\r\n\r\n"),
        "");
    assert_string_equal(against(&asking, ANSWER ACCEPT EXTENSION
                            "; server_max_window_bits=11; server_no_context_takeover\r\n\r\n"),
        "a larger window than was asked for");
    assert_string_equal(against(&asking, ANSWER ACCEPT EXTENSION "; server_max_window_bits=10\r\n\r\n"),
        "server_no_context_takeover was asked for and not granted");
}

static void parameters_are_read_as_section_7_has_them(void **state) {
    (void)state;
    judged_agreement agreement;
    assert_true(tow_conform_agreement_read("permessage-deflate", &agreement));
    assert_true(agreement.enabled);
    assert_int_equal(agreement.server_max_window_bits, 15);
    assert_true(tow_conform_agreement_read(
        "permessage-deflate;client_no_context_takeover ; server_max_window_bits=\"8\"", &agreement));
    assert_true(agreement.client_no_context_takeover && !agreement.server_no_context_takeover);
    assert_int_equal(agreement.server_max_window_bits, 8);
    static const char *const wrong[] = {"", "foo", "permessage-deflate; x",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=08",
        "permessage-deflate; server_max_window_bits=1x", "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (tow_conform_agreement_read(wrong[i], &agreement))
            fail_msg("%s", wrong[i]);
    }
}

static void a_request_is_held_against_section_4(void **state) {
    (void)state;
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {{REQUEST KEY VERSION "\r\n", ""}, {REQUEST KEY "\r\n", "Sec-WebSocket-Version is not 13"},
        {REQUEST VERSION "\r\n", "Sec-WebSocket-Key is not 16 bytes in base64"},
        {REQUEST KEY KEY VERSION "\r\n", "Sec-WebSocket-Key is not 16 bytes in base64"},
        {REQUEST "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" VERSION "\r\n",
            "Sec-WebSocket-Key is not 16 bytes in base64"},
        {REQUEST "Host: x\r\n" KEY VERSION "\r\n", "2 Host fields"},
        {"POST / HTTP/1.1\r\nHost: h\r\n\r\n", "not GET of a path over HTTP/1.1"},
        {"GET / HTTP/1.0\r\nHost: h\r\n\r\n", "not GET of a path over HTTP/1.1"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char why[160] = "";
        judged_head head = head_of(rows[i].text);
        assert_int_equal(tow_conform_opening_request_judge(&head, why), rows[i].why[0] == 0);
        assert_string_equal(why, rows[i].why);
        tow_conform_judged_head_clear(&head);
    }
}

static case_list case_with(const char *lines) {
    case_list list = {0};
    tow_buffer text = {0}, error = {0};
    tow_buffer_append_format(&text, "group g RFC\ncase c\n  must x\n%s  finish\n", lines);
    assert_int_equal(tow_conform_case_list_read(&list, "test", (const char *)text.data, &error), 0);
    tow_buffer_clear(&text);
    return list;
}

static void request_is(const char *lines, const char *expected) {
    case_list list = case_with(lines);
    tow_buffer out = {0};
    assert_int_equal(tow_conform_opening_request_write(&list.cases[0], "host:1", "/p?q", "KEY", &out), 0);
    tow_buffer_append(&out, "", 1);
    assert_string_equal((const char *)out.data, expected);
    tow_buffer_clear(&out);
    tow_conform_case_list_clear(&list);
}

static void a_case_edits_the_request(void **state) {
    (void)state;
    request_is("", "GET /p?q HTTP/1.1\r\nHost: host:1\r\nUpgrade: websocket\r\nConnection: "
                   "Upgrade\r\nSec-WebSocket-Key: KEY\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n");
    request_is("  line PUT {path} HTTP/1.0\n  header Host: {host}{letters=3}\n  header -upgrade\n  header "
               "-Connection\n"
               "  header +X: {key}{other}\n  header -Sec-WebSocket-Key\n  break \"Y: \\x01\\r\\n\"\n  break "
               "\"{fields=2}\"\n",
        "PUT /p?q HTTP/1.0\r\nSec-WebSocket-Version: 13\r\nHost: host:1aaa\r\nX: KEY{other}\r\nY: "
        "\x01\r\nX-Field-1: 1\r\n"
        "X-Field-2: 2\r\n\r\n");
    request_is("  head \"raw {path}\\r\\n\"\n", "raw /p?q\r\n");
}

static void what_a_client_asks_for_is_granted(void **state) {
    (void)state;
    static const struct {
        const char *wanted, *offer, *granted;
    } rows[] = {{"permessage-deflate", NULL, "permessage-deflate"},
        {"permessage-deflate", "permessage-deflate", "permessage-deflate"},
        {"permessage-deflate", "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10"},
        {"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=9"},
        {"permessage-deflate", "permessage-deflate, permessage-deflate; server_no_context_takeover",
            "permessage-deflate"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char granted[GRANTED_MAX];
        tow_conform_agreement_grant(rows[i].wanted, rows[i].offer, granted);
        assert_string_equal(granted, rows[i].granted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_is_that_of_the_standard),
        cmocka_unit_test(a_head_is_read_line_by_line),
        cmocka_unit_test(a_head_waits_for_its_end),
        cmocka_unit_test(a_head_that_is_none_is_refused),
        cmocka_unit_test(a_list_has_its_tokens),
        cmocka_unit_test(an_answer_is_held_against_section_4),
        cmocka_unit_test(an_answer_is_held_against_the_offer),
        cmocka_unit_test(parameters_are_read_as_section_7_has_them),
        cmocka_unit_test(a_request_is_held_against_section_4),
        cmocka_unit_test(a_case_edits_the_request),
        cmocka_unit_test(what_a_client_asks_for_is_granted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
