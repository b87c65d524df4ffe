#include "../unit.h"

#include "protocol/opening.h"

#include <openssl/crypto.h>
#include <towline/error.h>

/* The example of RFC 6455, section 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { FIELDS_MAX = 100 };

/* Header fields as text: "Name: value" each, ended by NULL. */
typedef struct head {
    tow_field fields[FIELDS_MAX];
    size_t count;
} head;

static tow_field field_from(const char *line) {
    const char *colon = strchr(line, ':');
    const char *value = colon + 1 + strspn(colon + 1, " ");
    return (tow_field){
        .name = {.data = line, .length = (size_t)(colon - line)},
        .value = tow_slice_from(value),
    };
}

static head head_from(const char *const *lines) {
    head made = {0};
    for (; *lines != NULL; lines++)
        made.fields[made.count++] = field_from(*lines);
    return made;
}

#define HEAD(...) head_from((const char *const[]){__VA_ARGS__, NULL})
#define UPGRADE "Upgrade: websocket"
#define CONNECTION "Connection: Upgrade"
#define VERSION "Sec-WebSocket-Version: 13"
#define GOOD_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
#define GOOD_ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static int check_line(tow_opening_request *opening, const char *method, const char *version, head request) {
    return tow_opening_request_check(
        opening, tow_slice_from(method), tow_slice_from(version), request.fields, request.count);
}

static int check(head request) {
    tow_opening_request opening;
    return check_line(&opening, "GET", "HTTP/1.1", request);
}

/* The good request with one field more. */
static int check_with(const char *line) {
    return check(HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY, line));
}

static void the_key_of_the_standard_gives_its_accept_value(void **state) {
    (void)state;
    char accept[TOW_ACCEPT_LENGTH + 1];
    assert_int_equal(tow_opening_accept(accept, KEY), 0);
    assert_string_equal(accept, ACCEPT);
}

static void a_nonce_becomes_a_key_that_a_server_takes(void **state) {
    (void)state;
    char key[TOW_KEY_LENGTH + 1];
    tow_opening_key(key, (const uint8_t *)"the sample nonce");
    assert_string_equal(key, KEY);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t nonce[16];
        memset(nonce, (int)byte, sizeof(nonce));
        tow_opening_key(key, nonce);
        char line[64];
        snprintf(line, sizeof(line), "Sec-WebSocket-Key: %s", key);
        assert_int_equal(check(HEAD(UPGRADE, CONNECTION, VERSION, line)), 0);
    }
}

static void the_request_of_the_standard_is_accepted(void **state) {
    (void)state;
    tow_opening_request opening;
    head request = HEAD("Host: server.example.com", UPGRADE, CONNECTION, GOOD_KEY,
        "Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat", VERSION);
    assert_int_equal(check_line(&opening, "GET", "HTTP/1.1", request), 0);
    assert_string_equal(opening.accept, ACCEPT);
    assert_int_equal(opening.protocol_count, 2);
    assert_true(tow_slice_equals(opening.protocols[0], "chat"));
    assert_true(tow_slice_equals(opening.protocols[1], "superchat"));
}

static void only_get_over_http_1_1_opens(void **state) {
    (void)state;
    static const char *const lines[][2] = {{"POST", "HTTP/1.1"}, {"get", "HTTP/1.1"}, {"GET", "HTTP/1.0"},
        {"GET", "http/1.1"}, {"", "HTTP/1.1"}, {"HEAD", "HTTP/1.1"}, {"GET", "HTTP/1.11"},
        {"CONNECT", "HTTP/1.1"}};
    tow_opening_request opening;
    head request = HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_int_equal(check_line(&opening, lines[i][0], lines[i][1], request), TOW_ERROR_HANDSHAKE_METHOD);
    assert_int_equal(check_line(&opening, "GET", "HTTP/1.1", request), 0);
}

static void upgrade_must_list_websocket(void **state) {
    (void)state;
    static const char *const good[] = {"Upgrade: websocket", "Upgrade: WebSocket", "UPGRADE: WEBSOCKET",
        "Upgrade: h2c, websocket", "Upgrade: ,websocket ,", "upgrade: \t websocket\t"};
    static const char *const bad[] = {"Upgrade: h2c", "Upgrade:", "Upgrade: websockets",
        "Upgrade: web socket", "Upgrade: websocket/13", "Upgrade: \"websocket\"", "Upgrades: websocket",
        "Upgrade: \"h2c,websocket"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check(HEAD(good[i], CONNECTION, VERSION, GOOD_KEY)), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check(HEAD(bad[i], CONNECTION, VERSION, GOOD_KEY)), TOW_ERROR_HANDSHAKE_UPGRADE);
    assert_int_equal(check(HEAD("Upgrade: h2c", UPGRADE, CONNECTION, VERSION, GOOD_KEY)), 0);
    assert_int_equal(check(HEAD(CONNECTION, VERSION, GOOD_KEY)), TOW_ERROR_HANDSHAKE_UPGRADE);
}

static void a_request_asks_for_websocket_by_its_upgrade(void **state) {
    (void)state;
    head asks = HEAD("Host: x", UPGRADE);
    head does_not = HEAD("Host: x", "Upgrade: h2c", CONNECTION, VERSION, GOOD_KEY);
    assert_true(tow_opening_is_requested(asks.fields, asks.count));
    assert_false(tow_opening_is_requested(does_not.fields, does_not.count));
    assert_false(tow_opening_is_requested(NULL, 0));
}

static void connection_must_list_upgrade(void **state) {
    (void)state;
    static const char *const good[] = {
        "Connection: upgrade", "connection: keep-alive, Upgrade", "Connection: UPGRADE,,x"};
    static const char *const bad[] = {
        "Connection: keep-alive", "Connection:", "Connection: up grade", "Connection: \"upgrade\""};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check(HEAD(UPGRADE, good[i], VERSION, GOOD_KEY)), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check(HEAD(UPGRADE, bad[i], VERSION, GOOD_KEY)), TOW_ERROR_HANDSHAKE_CONNECTION);
    assert_int_equal(check(HEAD(UPGRADE, VERSION, GOOD_KEY)), TOW_ERROR_HANDSHAKE_CONNECTION);
    assert_int_equal(check(HEAD(UPGRADE, "Connection: close", CONNECTION, VERSION, GOOD_KEY)), 0);
}

static void the_version_stands_once_and_is_13(void **state) {
    (void)state;
    static const char *const bad[] = {"Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 013",
        "Sec-WebSocket-Version: 13, 8", "Sec-WebSocket-Version:", "Sec-WebSocket-Version: 130",
        "Sec-WebSocket-Version: 1", "Sec-WebSocket-Version: +13", "X: y"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check(HEAD(UPGRADE, CONNECTION, GOOD_KEY, bad[i])), TOW_ERROR_HANDSHAKE_VERSION);
    assert_int_equal(check_with(VERSION), TOW_ERROR_HANDSHAKE_VERSION);
    /* A client of another version is to learn that first, whatever else is wrong. */
    assert_int_equal(
        check(HEAD(UPGRADE, CONNECTION, "Sec-WebSocket-Version: 7")), TOW_ERROR_HANDSHAKE_VERSION);
}

static void the_key_stands_once_and_is_16_bytes(void **state) {
    (void)state;
    static const char *const bad[] = {
        "Sec-WebSocket-Key:",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=",   /* 23 characters */
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===", /* 25 */
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWE=",  /* 17 bytes */
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWVl",  /* 18 bytes */
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===",  /* 15 bytes, wrongly */
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==",  /* bits beyond 16 bytes are set */
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=A",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=",
        "Sec-WebSocket-Key: dGhlIHNhbXBs-SBub25jZQ==", /* base64url */
        "Sec-WebSocket-Key: dGhlIHNhbXBs SBub25jZQ==",
        "Sec-WebSocket-Key: dGhlIHNh=XBsZSBub25jZQ==",
        "Sec-WebSocket-Key: \"dGhlIHNhbXBsZSBub25jZ\"=",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check(HEAD(UPGRADE, CONNECTION, VERSION, bad[i])), TOW_ERROR_HANDSHAKE_KEY);
    assert_int_equal(check(HEAD(UPGRADE, CONNECTION, VERSION)), TOW_ERROR_HANDSHAKE_KEY);
    assert_int_equal(check_with(GOOD_KEY), TOW_ERROR_HANDSHAKE_KEY);
}

static void only_four_characters_end_a_key(void **state) {
    (void)state;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned accepted = 0;
    for (const char *last = alphabet; *last != '\0'; last++) {
        char line[] = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ?==";
        *strchr(line, '?') = *last;
        accepted += check(HEAD(UPGRADE, CONNECTION, VERSION, line)) == 0;
    }
    assert_int_equal(accepted, 4);
}

static void subprotocols_of_several_fields_make_one_list(void **state) {
    (void)state;
    tow_opening_request opening;
    head request = HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY, "Sec-WebSocket-Protocol: a ,, b",
        "sec-websocket-protocol: ", "SEC-WEBSOCKET-PROTOCOL: A,c,");
    assert_int_equal(check_line(&opening, "GET", "HTTP/1.1", request), 0);
    static const char *const expected[] = {"a", "b", "A", "c"};
    assert_int_equal(opening.protocol_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(tow_slice_equals(opening.protocols[i], expected[i]));
}

static void subprotocols_are_different_tokens(void **state) {
    (void)state;
    static const char *const bad[] = {"Sec-WebSocket-Protocol:", "Sec-WebSocket-Protocol: ,",
        "Sec-WebSocket-Protocol: a, a", "Sec-WebSocket-Protocol: a b", "Sec-WebSocket-Protocol: \"a\"",
        "Sec-WebSocket-Protocol: a/b", "Sec-WebSocket-Protocol: a;b", "Sec-WebSocket-Protocol: \xc3\xa4",
        "Sec-WebSocket-Protocol: \"a,b\"", "Sec-WebSocket-Protocol: a, b, c, b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check_with(bad[i]), TOW_ERROR_HANDSHAKE_PROTOCOL);
    assert_int_equal(check_with("Sec-WebSocket-Protocol: v1.mqtt, a, A, !#$%&'*+-.^_`|~09"), 0);
    assert_int_equal(check(HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY, "Sec-WebSocket-Protocol: a",
                         "Sec-WebSocket-Protocol: a")),
        TOW_ERROR_HANDSHAKE_PROTOCOL);
}

static int check_protocols(unsigned number, tow_opening_request *opening) {
    char line[1024] = "Sec-WebSocket-Protocol: ";
    size_t length = strlen(line);
    for (unsigned i = 0; i < number; i++)
        length += (size_t)snprintf(line + length, sizeof(line) - length, "p%u,", i);
    return check_line(opening, "GET", "HTTP/1.1", HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY, line));
}

static void the_number_of_subprotocols_is_bounded(void **state) {
    (void)state;
    tow_opening_request opening;
    assert_int_equal(check_protocols(TOW_OFFERS_MAX - 1, &opening), 0);
    assert_int_equal(check_protocols(TOW_OFFERS_MAX, &opening), 0);
    assert_int_equal(opening.protocol_count, TOW_OFFERS_MAX);
    assert_int_equal(check_protocols(TOW_OFFERS_MAX + 1, &opening), TOW_ERROR_HANDSHAKE_PROTOCOL);
}

static void what_is_no_list_of_extensions_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", ",", ";", "a;", "a;;b", "a b", "a;b=", "a;b=\"\"", "a;b=\"c d\"",
        "a;b=\"c", "a;b=\"c\\", "a;b=c d", "a;b=c=d", "=a", "a=b", "\"a\"", "a;\"b\"", "a;b=\"c\"d", "a/b",
        "a, b;"};
    static const char *const good[] = {"a", "a;b", "a; b=c", "a ; b = c ; d", "a;b=\"c\"", "a;b=\"\\c\"",
        "a,,b;c", " a , b ", "permessage-deflate; foo=bar", "x-webkit-deflate-frame"};
    char line[100];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(line, sizeof(line), "Sec-WebSocket-Extensions:%s", bad[i]);
        assert_int_equal(check_with(line), TOW_ERROR_HANDSHAKE_EXTENSION);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(line, sizeof(line), "Sec-WebSocket-Extensions:%s", good[i]);
        assert_int_equal(check_with(line), 0);
    }
}

/* The client's side. */
typedef struct answer {
    int error;
    tow_slice protocol;
    tow_compression_agreement agreement;
} answer;

static answer check_answer(int status, head response, const char *const *offered) {
    static const tow_compression_settings settings = {
        .enabled = true, .server_takeover = true, .client_takeover = true};
    answer got = {.protocol = {.data = "untouched", .length = 9}};
    got.error = tow_opening_response_check(
        status, response.fields, response.count, KEY, offered, &settings, &got.protocol, &got.agreement);
    return got;
}

static int check_response(head response) {
    return check_answer(101, response, NULL).error;
}

static void the_answer_of_the_standard_is_accepted(void **state) {
    (void)state;
    static const char *const offered[] = {"superchat", "chat", NULL};
    answer got =
        check_answer(101, HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT, "Sec-WebSocket-Protocol: chat"), offered);
    assert_int_equal(got.error, 0);
    assert_true(tow_slice_equals(got.protocol, "chat"));
    assert_false(got.agreement.enabled);
}

static void without_an_offer_no_subprotocol_is_chosen(void **state) {
    (void)state;
    static const char *const nothing[] = {NULL};
    answer got = check_answer(101, HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT), nothing);
    assert_int_equal(got.error, 0);
    assert_int_equal(got.protocol.length, 0);
    assert_int_equal(check_response(HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT)), 0);
}

static void only_status_101_opens(void **state) {
    (void)state;
    static const int statuses[] = {0, 100, 102, 200, 301, 400, 401, 426, 503};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        answer got = check_answer(statuses[i], HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT), NULL);
        assert_int_equal(got.error, TOW_ERROR_HTTP_STATUS);
        assert_true(tow_slice_equals(got.protocol, "untouched"));
    }
}

static void the_answer_upgrades_to_websocket_only(void **state) {
    (void)state;
    assert_int_equal(check_response(HEAD("Upgrade: WebSocket", "Connection: x, uPGRADE", GOOD_ACCEPT)), 0);
    static const char *const bad[] = {"Upgrade: h2c", "Upgrade: websocket, h2c", "Upgrade:", "X: y"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check_response(HEAD(bad[i], CONNECTION, GOOD_ACCEPT)), TOW_ERROR_HANDSHAKE_UPGRADE);
    assert_int_equal(
        check_response(HEAD(UPGRADE, UPGRADE, CONNECTION, GOOD_ACCEPT)), TOW_ERROR_HANDSHAKE_UPGRADE);
    assert_int_equal(
        check_response(HEAD(UPGRADE, "Connection: close", GOOD_ACCEPT)), TOW_ERROR_HANDSHAKE_CONNECTION);
    assert_int_equal(check_response(HEAD(UPGRADE, GOOD_ACCEPT)), TOW_ERROR_HANDSHAKE_CONNECTION);
}

static void the_accept_value_stands_once_and_answers_our_key(void **state) {
    (void)state;
    static const char *const bad[] = {"Sec-WebSocket-Accept:", "X: y",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=",
        "Sec-WebSocket-Accept: x, s3pPLMBiTxaQ9kYGzzhZRbK+xOo="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check_response(HEAD(UPGRADE, CONNECTION, bad[i])), TOW_ERROR_HANDSHAKE_ACCEPT);
    assert_int_equal(
        check_response(HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT, GOOD_ACCEPT)), TOW_ERROR_HANDSHAKE_ACCEPT);
}

static int check_protocol(const char *const *offered, const char *line) {
    return check_answer(101, HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT, line), offered).error;
}

static void the_subprotocol_is_one_of_those_offered(void **state) {
    (void)state;
    static const char *const offered[] = {"soap", "xmpp", NULL};
    static const char *const bad[] = {"Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: SOAP",
        "Sec-WebSocket-Protocol: soap, xmpp", "Sec-WebSocket-Protocol:", "Sec-WebSocket-Protocol: soa",
        "X: y", "Sec-WebSocket-Protocol: \"soap\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check_protocol(offered, bad[i]), TOW_ERROR_HANDSHAKE_PROTOCOL);
    assert_int_equal(check_protocol(offered, "Sec-WebSocket-Protocol: xmpp"), 0);
    assert_int_equal(check_protocol(NULL, "Sec-WebSocket-Protocol: xmpp"), TOW_ERROR_HANDSHAKE_PROTOCOL);
    assert_int_equal(check_protocol(NULL, "Sec-WebSocket-Protocol:"), TOW_ERROR_HANDSHAKE_PROTOCOL);
    head twice = HEAD(
        UPGRADE, CONNECTION, GOOD_ACCEPT, "Sec-WebSocket-Protocol: soap", "Sec-WebSocket-Protocol: soap");
    assert_int_equal(check_answer(101, twice, offered).error, TOW_ERROR_HANDSHAKE_PROTOCOL);
}

static void an_extension_that_was_not_offered_is_refused(void **state) {
    (void)state;
    assert_int_equal(
        check_protocol(NULL, "Sec-WebSocket-Extensions: x-other"), TOW_ERROR_HANDSHAKE_EXTENSION);
    answer got = check_answer(
        101, HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT, "Sec-WebSocket-Extensions: permessage-deflate"), NULL);
    assert_int_equal(got.error, 0);
    assert_true(got.agreement.enabled);
}

/* libcrypto's memory; it must be given before the first call of libcrypto. */
static bool crypto_is_out_of_memory;

static void *crypto_malloc(size_t size, const char *file, int line) {
    return crypto_is_out_of_memory ? NULL : malloc(size);
}

static void *crypto_realloc(void *memory, size_t size, const char *file, int line) {
    return crypto_is_out_of_memory ? NULL : realloc(memory, size);
}

static void crypto_free(void *memory, const char *file, int line) {
    free(memory);
}

static void without_memory_both_roles_say_so(void **state) {
    (void)state;
    crypto_is_out_of_memory = true;
    int server = check(HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY));
    int client = check_response(HEAD(UPGRADE, CONNECTION, GOOD_ACCEPT));
    crypto_is_out_of_memory = false;
    assert_int_equal(server, TOW_ERROR_MEMORY);
    assert_int_equal(client, TOW_ERROR_MEMORY);
    assert_int_equal(check(HEAD(UPGRADE, CONNECTION, VERSION, GOOD_KEY)), 0);
}

int main(void) {
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_of_the_standard_gives_its_accept_value),
        cmocka_unit_test(a_nonce_becomes_a_key_that_a_server_takes),
        cmocka_unit_test(the_request_of_the_standard_is_accepted),
        cmocka_unit_test(only_get_over_http_1_1_opens),
        cmocka_unit_test(upgrade_must_list_websocket),
        cmocka_unit_test(a_request_asks_for_websocket_by_its_upgrade),
        cmocka_unit_test(connection_must_list_upgrade),
        cmocka_unit_test(the_version_stands_once_and_is_13),
        cmocka_unit_test(the_key_stands_once_and_is_16_bytes),
        cmocka_unit_test(only_four_characters_end_a_key),
        cmocka_unit_test(subprotocols_of_several_fields_make_one_list),
        cmocka_unit_test(subprotocols_are_different_tokens),
        cmocka_unit_test(the_number_of_subprotocols_is_bounded),
        cmocka_unit_test(what_is_no_list_of_extensions_is_refused),
        cmocka_unit_test(the_answer_of_the_standard_is_accepted),
        cmocka_unit_test(without_an_offer_no_subprotocol_is_chosen),
        cmocka_unit_test(only_status_101_opens),
        cmocka_unit_test(the_answer_upgrades_to_websocket_only),
        cmocka_unit_test(the_accept_value_stands_once_and_answers_our_key),
        cmocka_unit_test(the_subprotocol_is_one_of_those_offered),
        cmocka_unit_test(an_extension_that_was_not_offered_is_refused),
        cmocka_unit_test(without_memory_both_roles_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
