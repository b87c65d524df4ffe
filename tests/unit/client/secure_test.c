/* wss: the way through TLS, and what the error event says when there is none. */
#include "stage.h"

#include <unistd.h>

enum { SEEDS = 20 };

static test_authority authority, stranger;
static test_identity usual, client_identity;
static char *client_both_text;
static SSL_CTX *usual_secret;
static char roots[32], strange_roots[32], client_certificate[32], client_key[32], client_both[32], empty[32];

/* A file with this text; `path` gets its name. */
static void write_file(char path[32], const char *text) {
    snprintf(path, 32, "/tmp/towline-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int make_files(void **state) {
    (void)state;
    authority_make(&authority, "Test Authority");
    authority_make(&stranger, "Stranger");
    authority_issue(&authority, &(test_subject){.names = "DNS:localhost,IP:127.0.0.1,IP:::1"}, &usual);
    authority_issue(&authority, &(test_subject){.name = "a client"}, &client_identity);
    usual_secret = layer_context(&usual, NULL);
    write_file(roots, authority.pem);
    write_file(strange_roots, stranger.pem);
    write_file(client_certificate, client_identity.certificate);
    write_file(client_key, client_identity.key);
    char *both = malloc(strlen(client_identity.certificate) + strlen(client_identity.key) + 1);
    strcpy(stpcpy(both, client_identity.key), client_identity.certificate);
    write_file(client_both, both);
    write_file(empty, "");
    client_both_text = both;
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    const char *const paths[] = {roots, strange_roots, client_certificate, client_key, client_both, empty};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        unlink(paths[i]);
    free(client_both_text);
    SSL_CTX_free(usual_secret);
    identity_clear(&usual);
    identity_clear(&client_identity);
    authority_clear(&authority);
    authority_clear(&stranger);
    return 0;
}

/* A stage whose server is the usual one. */
static test_stage secure_stage(uint64_t seed) {
    return (test_stage){.simulation.seed = seed,
        .real = seed % 6 == 5,
        .scheme = "wss",
        .secret = usual_secret,
        .options = {.tls_roots = roots}};
}

static void a_connection_opens_and_talks(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed += unit_step(3)) {
        test_stage stage = secure_stage(seed);
        char line[64];
        stage_open(&stage);
        stage_connect(&stage, "/echo");
        stage_until(&stage, stage.opens == 1);
        snprintf(line, sizeof(line), "GET /echo HTTP/1.1\r\nHost: localhost:%d\r\n", stage.port);
        assert_memory_equal(stage.request, line, strlen(line));
        assert_string_equal(tow_websocket_url(stage.socket), stage.url);
        assert_true(tow_websocket_send(stage.socket, TOW_TEXT, "hello", 5) >= 0);
        stage_until(&stage, stage.request_length == stage.head_length + 11);
        assert_int_equal((uint8_t)stage.request[stage.head_length + 1], 0x85); /* masked */
        stage_say(&stage, "\x81\x05world", 7);
        stage_until(&stage, stage.messages == 1);
        assert_string_equal(stage.last_message, "world");
        stage_say(&stage, "\x88\x02\x03\xe8", 4);
        stage_until(&stage, stage.request_length == stage.head_length + 11 + 8);
        stage.hangs_up = true;
        stage_say(&stage, "", 0);
        stage_until(&stage, stage.closes == 1);
        assert_true(stage.close.was_clean);
        assert_int_equal(stage.errors, 0);
        stage_close(&stage);
    }
}

/* A record that nobody with the keys has made. */
static void what_breaks_an_open_connection_is_told(void **state) {
    static const char record[] = "\x17\x03\x03\x00\x20"
                                 "thirty-two bytes of no encryption";
    for (uint64_t seed = 0; seed < SEEDS; seed += unit_step(3)) {
        test_stage stage = secure_stage(seed);
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == 1);
        stage.layer_count = 0; /* past the layer */
        stage_say(&stage, record, 5 + 32);
        stage.layer_count = 1;
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_TLS);
        assert_string_equal(stage.error_text, "TLS: decryption failed or bad record mac");
        assert_int_equal(stage.close.code, 1006);
        stage_close(&stage);
    }
}

/* What is shown to people, and that the next connection of the loop is resumed. */
static bool was_resumed;

static void note_details(test_stage *stage) {
    tow_tls_details details;
    assert_int_equal(tow_client_tls_details(stage->socket, false, &details), 0);
    assert_string_equal(details.version, "TLSv1.3");
    assert_string_equal(details.subject, "example.test");
    assert_string_equal(details.issuer, "Test Authority");
    assert_true(details.verified);
    was_resumed = details.resumed;
    assert_int_equal(tow_client_tls_details(stage->socket, true, &details), TOW_ERROR_STATE);
}

static void the_next_connection_of_a_loop_is_resumed(void **state) {
    test_stage stage = secure_stage(0);
    stage.simulation.whole = true;
    stage.then_open = note_details;
    stage_open(&stage);
    for (size_t i = 1; i <= 2; i++) {
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == i);
        assert_int_equal(was_resumed, i == 2);
        stage_say(&stage, "\x88\x02\x03\xe8", 4);
        stage_until(&stage, stage.request_length == stage.head_length + 8);
        stage.hangs_up = true;
        stage_say(&stage, "", 0);
        stage_until(&stage, stage.closes == i);
        tow_websocket_free(stage.socket);
        stage.socket = NULL;
        stage_until(&stage, stage.server_closed);
        stage_renew(&stage);
    }
    stage_close(&stage);
}

static void https_is_wss_too(void **state) {
    test_stage stage = secure_stage(1);
    stage.scheme = "https";
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.opens == 1);
    assert_memory_equal(tow_websocket_url(stage.socket), "wss://localhost:", 16);
    stage_close(&stage);
}

static void an_address_may_be_the_name(void **state) {
    static const char *const hosts[][2] = {{"127.0.0.1", "127.0.0.1:0"}, {"[::1]", "[::1]:0"}};
    for (size_t i = 0; i < 2; i++) {
        test_stage stage = secure_stage(i);
        stage.host = hosts[i][0];
        stage.listen = hosts[i][1];
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == 1);
        stage_close(&stage);
    }
}

/* What does not hold, and how it is told. */

static void expect_refusal(test_stage *stage, int error, const char *text) {
    stage_open(stage);
    stage_connect(stage, "/");
    stage_until(stage, stage->closes == 1);
    assert_string_equal(stage->error_text, text);
    assert_int_equal(stage->error.error, error);
    assert_int_equal(stage->errors, 1);
    assert_int_equal(stage->opens, 0);
    assert_int_equal(stage->close.code, 1006);
    assert_int_equal(stage->request_length, 0); /* the request is for the right server only */
    stage_close(stage);
}

static void a_certificate_that_does_not_hold_is_told(void **state) {
    static const struct {
        test_subject subject;
        const char *text;
    } cases[] = {
        {{.names = "DNS:localhost", .until = "20210203000000Z"},
            "the certificate of localhost expired on 2021-02-03"},
        {{.names = "DNS:localhost", .from = "20980101000000Z"},
            "the certificate of localhost is valid from 2098-01-01 on only"},
        {{.names = "DNS:example.test,DNS:www.example.test"},
            "the certificate of localhost is for another host: example.test, www.example.test"},
        {{.names = "DNS:localhost", .self_signed = true},
            "the certificate of localhost is self-signed and not among those trusted"},
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        test_identity identity;
        authority_issue(&authority, &cases[i / 2].subject, &identity);
        test_stage stage = secure_stage(i);
        stage.secret = layer_context(&identity, NULL);
        stage.options.tls_insecure = i % 2 == 1;
        if (stage.options.tls_insecure)
            stage.options.tls_roots = NULL;
        if (stage.options.tls_insecure) {
            stage_open(&stage);
            stage_connect(&stage, "/");
            stage_until(&stage, stage.opens == 1);
            stage_close(&stage);
        } else {
            expect_refusal(&stage, TOW_ERROR_CERTIFICATE, cases[i / 2].text);
        }
        SSL_CTX_free(stage.secret);
        identity_clear(&identity);
    }
}

static void an_authority_that_is_not_trusted_is_named(void **state) {
    test_stage stage = secure_stage(0);
    stage.options.tls_roots = strange_roots;
    expect_refusal(&stage, TOW_ERROR_CERTIFICATE,
        "the certificate of localhost is signed by an authority that is not trusted: Test Authority");
    test_stage other = secure_stage(1);
    other.options.tls_roots = NULL; /* the system's do not know ours */
    expect_refusal(&other, TOW_ERROR_CERTIFICATE,
        "the certificate of localhost is signed by an authority that is not trusted: Test Authority");
}

static void a_revoked_certificate_is_told(void **state) {
    char path[32];
    char *list = authority_revoke(&authority, &usual);
    write_file(path, list);
    test_stage stage = secure_stage(0);
    stage.options.tls_revoked = path;
    expect_refusal(&stage, TOW_ERROR_CERTIFICATE, "the certificate of localhost was revoked");
    unlink(path);
    free(list);
    list = authority_revoke(&authority, &client_identity);
    write_file(path, list);
    test_stage other = secure_stage(1);
    other.options.tls_revoked = path;
    stage_open(&other);
    stage_connect(&other, "/");
    stage_until(&other, other.opens == 1);
    stage_close(&other);
    unlink(path);
    free(list);
}

/* A client's certificate. */

static void a_certificate_of_ours_is_shown(void **state) {
    SSL_CTX *secret = layer_context(&usual, &authority);
    const tow_websocket_options ways[] = {
        {.tls_roots = roots, .tls_certificate = client_certificate, .tls_key = client_key},
        {.tls_roots = roots, .tls_certificate = client_both},
        {.tls_roots_pem = authority.pem,
            .tls_certificate_pem = client_identity.certificate,
            .tls_key_pem = client_identity.key},
        {.tls_roots = roots, .tls_certificate_pem = client_both_text},
        {.tls_roots = roots, .tls_certificate = client_certificate, .tls_key_pem = client_identity.key},
        {.tls_roots_pem = authority.pem,
            .tls_certificate_pem = client_identity.certificate,
            .tls_key = client_key},
    };
    for (uint64_t seed = 0; seed < 6; seed++) {
        test_stage stage = secure_stage(seed);
        stage.secret = secret;
        stage.options = ways[seed];
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == 1);
        char name[32];
        X509 *shown = SSL_get0_peer_certificate(stage.layers[0].ssl);
        assert_non_null(shown);
        X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof(name));
        assert_string_equal(name, "a client");
        stage_close(&stage);
    }
    SSL_CTX_free(secret);
}

/* In TLS 1.3 the server's word comes when our part of the handshake is done. */
static void that_a_certificate_is_wanted_is_told(void **state) {
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    SSL_CTX *secret = layer_context(&usual, &authority);
    for (size_t i = 0; i < 2; i++) {
        test_stage stage = secure_stage(i);
        SSL_CTX_set_max_proto_version(secret, versions[i]);
        stage.secret = secret;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        char text[200];
        snprintf(text, sizeof(text), "localhost port %d: TLS: the peer %s", stage.port,
            i == 0 ? "refused the handshake (no common cipher, or it wants a certificate)"
                   : "wants a certificate from us");
        assert_string_equal(stage.error_text, text);
        assert_int_equal(stage.error.error, TOW_ERROR_TLS);
        assert_int_equal(stage.opens, 0);
        stage_close(&stage);
    }
    SSL_CTX_free(secret);
}

static void files_are_read_by_the_call(void **state) {
    const struct {
        tow_websocket_options options;
        int error;
    } cases[] = {
        {{.tls_roots = "/nonexistent"}, TOW_ERROR_NO_FILE},
        {{.tls_roots = empty}, TOW_ERROR_CERTIFICATE},
        {{.tls_roots = client_key}, TOW_ERROR_CERTIFICATE},
        {{.tls_revoked = roots}, TOW_ERROR_CERTIFICATE},
        {{.tls_certificate = client_certificate}, TOW_ERROR_CERTIFICATE},
        {{.tls_certificate = client_key, .tls_key = client_key}, TOW_ERROR_CERTIFICATE},
        {{.tls_certificate = roots, .tls_key = client_key}, TOW_ERROR_CERTIFICATE},
        {{.tls_key = client_key}, TOW_ERROR_ARGUMENT},
        {{.tls_roots_pem = ""}, TOW_ERROR_CERTIFICATE},
        {{.tls_revoked_pem = authority.pem}, TOW_ERROR_CERTIFICATE},
        {{.tls_certificate_pem = client_identity.certificate}, TOW_ERROR_CERTIFICATE},
        {{.tls_certificate_pem = authority.pem, .tls_key_pem = client_identity.key}, TOW_ERROR_CERTIFICATE},
    };
    test_stage stage = {0};
    stage_open(&stage);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_websocket *socket;
        assert_int_equal(
            tow_websocket_open(&socket, stage.loop, "wss://localhost/", &cases[i].options), cases[i].error);
    }
    assert_int_equal(
        tow_websocket_open(&stage.socket, stage.loop, "ws://localhost:1/", &cases[0].options), 0);
    stage_close(&stage);
}

/* Peers that do something else. */

static bool answers_in_plain(test_stage *stage) {
    stage->answered = true;
    if (stage->answer_length == 0)
        stage_say(stage, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    return true;
}

static void a_server_without_tls_is_told(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed += unit_step(3)) {
        test_stage stage = secure_stage(seed);
        char text[100];
        stage.secret = NULL;
        stage.then_bytes = answers_in_plain;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        snprintf(text, sizeof(text), "localhost port %d: TLS: the peer does not speak TLS", stage.port);
        assert_string_equal(stage.error_text, text);
        assert_int_equal(stage.error.error, TOW_ERROR_TLS);
        stage_close(&stage);
    }
}

static bool says_nothing(test_stage *stage) {
    return stage != NULL;
}

static void a_handshake_that_takes_too_long_is_told(void **state) {
    test_stage stage = secure_stage(0);
    stage.secret = NULL;
    stage.then_bytes = says_nothing;
    stage.options.connect_seconds = 3;
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.closes == 1);
    assert_string_equal(
        stage.error_text, "the TLS handshake with localhost was not finished within 3 seconds");
    assert_int_equal(stage.error.error, TOW_ERROR_TIMED_OUT);
    stage_close(&stage);
}

static void refuses(test_stage *stage) {
    static const char answer[] = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nnot you\r\nmore";
    stage_say(stage, answer, sizeof(answer) - 1);
}

static void a_refusal_comes_through_tls(void **state) {
    for (uint64_t seed = 0; seed < 5; seed++) {
        test_stage stage = secure_stage(seed);
        stage.then_answer = refuses;
        stage.simulation.whole = true;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.closes == 1);
        assert_string_equal(stage.error_text, "the server answered 403 Forbidden: not you more");
        assert_int_equal(stage.error.http_status, 403);
        stage_close(&stage);
    }
}

static void accepts_another_key(test_stage *stage) {
    memcpy(stage->accept, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 28);
    stage_accept(stage, "");
}

static void tls_does_not_make_a_wrong_accept_right(void **state) {
    test_stage stage = secure_stage(0);
    stage.then_answer = accepts_another_key;
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.closes == 1);
    assert_int_equal(stage.error.error, TOW_ERROR_HANDSHAKE_ACCEPT);
    stage_close(&stage);
}

static void sends_a_masked_frame(test_stage *stage) {
    stage_accept(stage, "");
    stage_say(stage, "\x81\x81\0\0\0\0x", 7);
}

static void frames_are_judged_as_without_tls(void **state) {
    test_stage stage = secure_stage(0);
    stage.then_answer = sends_a_masked_frame;
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.errors == 1);
    assert_int_equal(stage.error.error, TOW_ERROR_MASKED);
    stage_close(&stage);
}

/* Ends at every place. */

/* A handshake is not over before so many bytes of the server. */
enum { SERVER_HELLO_MIN = 90 };

/* The server's first `length` bytes, and then the end. Returns whether there were more. */
static bool cut_after(size_t length) {
    test_stage stage = secure_stage(0);
    stage.simulation.whole = true;
    stage.step = 1;
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.adopted && (stage.answer_sent >= length || stage.opens == 1));
    bool more = !stage.answered || stage.answer_sent < stage.answer_length;
    if (more && length % 2 == 0)
        tow_stream_reset(&stage.stream);
    else if (more)
        tow_stream_close(&stage.stream);
    if (more) {
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.errors, 1);
        bool in_plain_words = stage.error.error == TOW_ERROR_ENDED || stage.error.error == TOW_ERROR_RESET;
        if (length < SERVER_HELLO_MIN)
            assert_int_equal(stage.error.error, TOW_ERROR_TLS);
        else if (stage.head_length == 0) /* the client may be done with its handshake before the server */
            assert_true(in_plain_words || stage.error.error == TOW_ERROR_TLS);
        else
            assert_true(in_plain_words);
        assert_int_equal(stage.opens, 0);
    }
    stage_close(&stage);
    return more;
}

static void the_server_may_vanish_behind_each_byte(void **state) {
    size_t length = 0;
    while (cut_after(length))
        length += unit_step(7);
    assert_true(length > 1000);
}

static void a_handshake_may_come_byte_by_byte(void **state) {
    for (size_t step = 1; step < 80; step += 3) {
        test_stage stage = secure_stage(step);
        stage.step = step;
        stage_open(&stage);
        stage_connect(&stage, "/");
        stage_until(&stage, stage.opens == 1);
        stage_close(&stage);
    }
}

static void a_socket_may_be_freed_at_any_time(void **state) {
    bool opened = false;
    for (uint64_t steps = 0; steps < 60; steps++) {
        test_stage stage = secure_stage(0);
        stage.simulation.seed = steps;
        stage_open(&stage);
        stage_connect(&stage, "/");
        for (uint64_t i = 0; i < steps; i++)
            stage_step(&stage);
        size_t heard = stage.opens;
        opened = opened || heard > 0;
        tow_websocket_free(stage.socket);
        stage.socket = NULL;
        stage_run(&stage, 2 * TOW_SECOND);
        assert_int_equal(stage.opens + stage.errors + stage.closes, heard);
        stage_close(&stage);
    }
    assert_true(opened);
}

static void a_socket_may_be_closed_before_it_is_open(void **state) {
    for (uint64_t steps = 0; steps < 8; steps++) {
        test_stage stage = secure_stage(0);
        stage_open(&stage);
        stage_connect(&stage, "/");
        for (uint64_t i = 0; i < steps; i++)
            stage_step(&stage);
        if (stage.opens == 0) {
            assert_int_equal(tow_websocket_close(stage.socket, 1000, NULL), 0);
            stage_until(&stage, stage.closes == 1);
            assert_string_equal(stage.error_text, "closed before the connection was open");
        }
        stage_close(&stage);
    }
}

/* Credentials. */

static void expect_authorization(
    const char *user, const tow_header_field *headers, const char *expected, bool secure) {
    test_stage stage = secure_stage(0);
    char host[64];
    char line[100];
    snprintf(host, sizeof(host), "%slocalhost", user);
    stage.host = host;
    stage.options.headers = headers;
    if (!secure) {
        stage.secret = NULL;
        stage.scheme = "ws";
    }
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.opens == 1);
    snprintf(line, sizeof(line), "\r\nAuthorization: %s\r\n", expected);
    assert_non_null(strstr(stage.request, line));
    assert_null(strstr(strstr(stage.request, line) + 2, "\r\nAuthorization"));
    assert_null(strchr(tow_websocket_url(stage.socket), '@'));
    snprintf(line, sizeof(line), "\r\nHost: localhost:%d\r\n", stage.port);
    assert_non_null(strstr(stage.request, line));
    stage_close(&stage);
}

static void a_user_in_the_url_is_sent_as_basic(void **state) {
    static const tow_header_field headers[] = {{"authorization", "Bearer t"}, {NULL, NULL}};
    expect_authorization("Aladdin:open%20sesame@", NULL, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true);
    expect_authorization("me@", NULL, "Basic bWU6", false);
    test_stage stage = secure_stage(0);
    stage.host = "me:pass@localhost";
    stage.options.headers = headers;
    stage_open(&stage);
    stage_connect(&stage, "/");
    stage_until(&stage, stage.opens == 1);
    assert_non_null(strstr(stage.request, "\r\nauthorization: Bearer t\r\n"));
    assert_null(strstr(stage.request, "Basic"));
    stage_close(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_opens_and_talks),
        cmocka_unit_test(what_breaks_an_open_connection_is_told),
        cmocka_unit_test(the_next_connection_of_a_loop_is_resumed),
        cmocka_unit_test(https_is_wss_too),
        cmocka_unit_test(an_address_may_be_the_name),
        cmocka_unit_test(a_certificate_that_does_not_hold_is_told),
        cmocka_unit_test(an_authority_that_is_not_trusted_is_named),
        cmocka_unit_test(a_revoked_certificate_is_told),
        cmocka_unit_test(a_certificate_of_ours_is_shown),
        cmocka_unit_test(that_a_certificate_is_wanted_is_told),
        cmocka_unit_test(files_are_read_by_the_call),
        cmocka_unit_test(a_server_without_tls_is_told),
        cmocka_unit_test(a_handshake_that_takes_too_long_is_told),
        cmocka_unit_test(a_refusal_comes_through_tls),
        cmocka_unit_test(tls_does_not_make_a_wrong_accept_right),
        cmocka_unit_test(frames_are_judged_as_without_tls),
        cmocka_unit_test(the_server_may_vanish_behind_each_byte),
        cmocka_unit_test(a_handshake_may_come_byte_by_byte),
        cmocka_unit_test(a_socket_may_be_freed_at_any_time),
        cmocka_unit_test(a_socket_may_be_closed_before_it_is_open),
        cmocka_unit_test(a_user_in_the_url_is_sent_as_basic),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
