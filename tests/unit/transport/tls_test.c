#include "../allocation.h"
#include "authority.h"
#include "each_loop.h"

#include "../../../src/transport/tls_tickets.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static test_authority authority, stranger;
static test_identity usual, client_identity, strange_client;
static char *revoked;

static int make_authorities(void **state) {
    (void)state;
    authority_make(&authority, "Test Authority");
    authority_make(&stranger, "Stranger");
    authority_issue(&authority,
        &(test_subject){.names = "DNS:example.test,DNS:*.example.test,IP:127.0.0.1,IP:::1"}, &usual);
    authority_issue(&authority, &(test_subject){.name = "a client"}, &client_identity);
    authority_issue(&stranger, &(test_subject){.name = "a stranger"}, &strange_client);
    revoked = authority_revoke(&authority, &usual);
    return 0;
}

static int clear_authorities(void **state) {
    (void)state;
    free(revoked);
    identity_clear(&usual);
    identity_clear(&client_identity);
    identity_clear(&strange_client);
    authority_clear(&authority);
    authority_clear(&stranger);
    return 0;
}

/* Contexts */

static tow_tls_context *server_of(const test_identity *identity) {
    return context_make(
        &(tow_tls_settings){.server = true, .certificate = identity->certificate, .key = identity->key});
}

static tow_tls_context *usual_server(void) {
    return server_of(&usual);
}

static tow_tls_context *usual_client(void) {
    return context_make(&(tow_tls_settings){.roots = authority.pem});
}

/* Both contexts are released. */
static void meet(
    test_pair *pair, each_loop *each, tow_tls_context *server, tow_tls_context *client, const char *name) {
    pair_open_tls(pair, each, server, client, name);
    tow_tls_context_release(server);
    tow_tls_context_release(client);
}

/* What may have happened */

static bool client_has_failed(void *argument) {
    return ((test_pair *)argument)->client.errors > 0;
}

static bool server_has_failed(void *argument) {
    return ((test_pair *)argument)->server.errors > 0;
}

static bool server_has_ended(void *argument) {
    return ((test_pair *)argument)->server.ended > 0;
}

static bool are_open(void *argument) {
    test_pair *pair = argument;
    return pair->client.writable > 0 && pair->server.writable > 0;
}

typedef struct expectation {
    const test_end *end;
    size_t bytes;
} expectation;

static bool has_received(void *argument) {
    const expectation *expected = argument;
    return expected->end->received.length >= expected->bytes;
}

static void receive(each_loop *each, const test_end *end, const char *text) {
    run_until(each, has_received, &(expectation){end, strlen(text)});
    assert_int_equal(end->received.length, strlen(text));
    assert_memory_equal(end->received.data, text, strlen(text));
}

static tow_tls_details details_of(const test_end *end) {
    tow_tls_details details;
    assert_int_equal(tow_stream_tls_details(&end->stream, &details), 0);
    return details;
}

static void the_handshake_agrees_on_what_the_details_say(void **state) {
    test_pair pair;
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    tow_tls_details details;
    assert_int_equal(tow_stream_tls_details(&pair.client.stream, &details), TOW_ERROR_STATE);
    run_until(*state, are_open, &pair);
    details = details_of(&pair.client);
    assert_string_equal(details.version, "TLSv1.3");
    assert_string_equal(details.cipher, "TLS_AES_256_GCM_SHA384");
    assert_string_equal(details.subject, "example.test");
    assert_string_equal(details.issuer, "Test Authority");
    assert_string_equal(details.expires, "2099-01-01");
    assert_int_equal(strlen(details.fingerprint), 95);
    assert_true(details.verified);
    assert_false(details.resumed);
    details = details_of(&pair.server);
    assert_string_equal(details.subject, "");
    assert_false(details.verified);
    assert_true(tow_stream_is_secure(&pair.client.stream));
    assert_true(tow_stream_is_secure(&pair.server.stream));
    pair_close(&pair);
}

/* Certificates that do not hold */

static void expect_refusal(
    each_loop *each, tow_tls_context *server, tow_tls_context *client, const char *name, const char *text) {
    test_pair pair;
    meet(&pair, each, server, client, name);
    run_until(each, client_has_failed, &pair);
    assert_int_equal(pair.client.error, TOW_ERROR_CERTIFICATE);
    assert_string_equal(tow_stream_failure_text(&pair.client.stream), text);
    assert_int_equal(pair.client.writable, 0);
    run_until(each, server_has_failed, &pair);
    assert_int_equal(pair.server.error, TOW_ERROR_TLS);
    pair_close(&pair);
}

static void expect_bad_certificate(each_loop *each, const test_subject *subject, const char *text) {
    test_identity identity;
    authority_issue(&authority, subject, &identity);
    expect_refusal(each, server_of(&identity), usual_client(), "example.test", text);
    identity_clear(&identity);
}

static void an_expired_certificate_is_refused(void **state) {
    expect_bad_certificate(*state, &(test_subject){.until = "20210304000000Z"},
        "the certificate of example.test expired on 2021-03-04");
}

static void a_certificate_of_the_future_is_refused(void **state) {
    expect_bad_certificate(*state, &(test_subject){.from = "20980304000000Z"},
        "the certificate of example.test is valid from 2098-03-04 on only");
}

static void a_certificate_for_another_host_is_refused(void **state) {
    expect_bad_certificate(*state, &(test_subject){.names = "DNS:one.test,DNS:two.test"},
        "the certificate of example.test is for another host: one.test, two.test");
}

static void a_self_signed_certificate_is_refused(void **state) {
    expect_bad_certificate(*state, &(test_subject){.self_signed = true},
        "the certificate of example.test is self-signed and not among those trusted");
}

static void a_certificate_of_an_unknown_authority_is_refused(void **state) {
    tow_tls_context *client = context_make(&(tow_tls_settings){.roots = stranger.pem});
    expect_refusal(*state, usual_server(), client, "example.test",
        "the certificate of example.test is signed by an authority that is not trusted: Test Authority");
}

static void the_systems_authorities_do_not_know_ours(void **state) {
    tow_tls_context *client = context_make(&(tow_tls_settings){0});
    expect_refusal(*state, usual_server(), client, "example.test",
        "the certificate of example.test is signed by an authority that is not trusted: Test Authority");
}

static void a_revoked_certificate_is_refused(void **state) {
    tow_tls_context *client = context_make(&(tow_tls_settings){.roots = authority.pem, .revoked = revoked});
    expect_refusal(
        *state, usual_server(), client, "example.test", "the certificate of example.test was revoked");
}

static void expect_name(each_loop *each, const char *name, bool fits) {
    test_pair pair;
    meet(&pair, each, usual_server(), usual_client(), name);
    run_until(each, fits ? are_open : client_has_failed, &pair);
    pair_close(&pair);
}

static void names_and_addresses_are_verified(void **state) {
    expect_name(*state, "example.test", true);
    expect_name(*state, "Example.TEST.", true);
    expect_name(*state, "www.example.test", true);
    expect_name(*state, "a.www.example.test", false);
    expect_name(*state, "127.0.0.1", true);
    expect_name(*state, "[::1]", true);
    expect_name(*state, "127.0.0.2", false);
    expect_name(*state, "[::2]", false);
    expect_name(*state, "test", false);
}

static void a_client_without_verification_takes_any_certificate(void **state) {
    test_identity identity;
    authority_issue(&authority, &(test_subject){.self_signed = true, .until = "20210304000000Z"}, &identity);
    test_pair pair;
    meet(&pair, *state, server_of(&identity),
        context_make(&(tow_tls_settings){.verify = TOW_TLS_VERIFY_NONE}), "other.test");
    run_until(*state, are_open, &pair);
    assert_false(details_of(&pair.client).verified);
    assert_string_equal(details_of(&pair.client).expires, "2021-03-04");
    identity_clear(&identity);
    pair_close(&pair);
}

static void a_client_that_verifies_needs_a_name(void **state) {
    each_loop *each = *state;
    tow_tls_context *client = usual_client();
    test_end end = {0};
    assert_int_equal(tow_stream_start_tls(&end.stream, client, NULL), TOW_ERROR_ARGUMENT);
    tow_tls_context_release(client);
    run_to_the_end(each);
}

/* Clients with certificates */

static tow_tls_context *asking_server(tow_tls_verify verify) {
    return context_make(&(tow_tls_settings){.server = true,
        .certificate = usual.certificate,
        .key = usual.key,
        .roots = authority.pem,
        .verify = verify});
}

static tow_tls_context *client_with(const test_identity *identity) {
    return context_make(&(tow_tls_settings){
        .roots = authority.pem, .certificate = identity->certificate, .key = identity->key});
}

static void a_client_shows_its_certificate(void **state) {
    test_pair pair;
    meet(&pair, *state, asking_server(TOW_TLS_VERIFY_DEFAULT), client_with(&client_identity), "example.test");
    run_until(*state, are_open, &pair);
    assert_string_equal(details_of(&pair.server).subject, "a client");
    assert_true(details_of(&pair.server).verified);
    pair_close(&pair);
}

static void a_client_may_be_allowed_to_have_no_certificate(void **state) {
    test_pair pair;
    meet(&pair, *state, asking_server(TOW_TLS_VERIFY_OPTIONAL), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    assert_false(details_of(&pair.server).verified);
    pair_close(&pair);
}

static void expect_refused_client(each_loop *each, tow_tls_verify verify, tow_tls_context *client, int error,
    const char *server_text, const char *client_text) {
    test_pair pair;
    meet(&pair, each, asking_server(verify), client, "example.test");
    run_until(each, server_has_failed, &pair);
    assert_int_equal(pair.server.error, error);
    assert_string_equal(tow_stream_failure_text(&pair.server.stream), server_text);
    end_close(&pair.server);
    run_until(each, client_has_failed, &pair);
    assert_string_equal(tow_stream_failure_text(&pair.client.stream), client_text);
    pair_close(&pair);
}

static void a_client_without_the_certificate_is_refused(void **state) {
    expect_refused_client(*state, TOW_TLS_VERIFY_REQUIRED, usual_client(), TOW_ERROR_TLS,
        "TLS: peer did not return a certificate", "TLS: the peer wants a certificate from us");
}

static void a_client_of_an_unknown_authority_is_refused(void **state) {
    expect_refused_client(*state, TOW_TLS_VERIFY_OPTIONAL, client_with(&strange_client),
        TOW_ERROR_CERTIFICATE,
        "the client's certificate (a stranger) is signed by an authority that is not trusted: Stranger",
        "TLS: the peer does not trust the authority that signed our certificate");
}

/* Resumption */

static bool connect_again(each_loop *each, tow_tls_context *server, tow_tls_context *client) {
    test_pair pair;
    pair_open_tls(&pair, each, server, client, "example.test");
    run_until(each, are_open, &pair);
    end_send(&pair.server, "the ticket comes with this", 26);
    receive(each, &pair.client, "the ticket comes with this");
    bool resumed = details_of(&pair.client).resumed;
    assert_int_equal(details_of(&pair.server).resumed, resumed);
    pair_close(&pair);
    return resumed;
}

/* Two contexts of a server, one after the other, on one port, as sessions belong to a port. Returns whether
 * the second connection was resumed. */
static bool resumes_across(
    each_loop *each, tow_tls_context *first, tow_tls_context *second, tow_tls_context *client) {
    pair_open_uses_one_port(true);
    bool resumed = connect_again(each, first, client);
    assert_false(resumed);
    resumed = connect_again(each, second, client);
    pair_open_uses_one_port(false);
    tow_tls_context_release(first);
    tow_tls_context_release(second);
    tow_tls_context_release(client);
    return resumed;
}

static tow_tls_context *server_with(tow_tls_tickets *tickets, const char *roots) {
    return context_make(&(tow_tls_settings){.server = true,
        .certificate = usual.certificate,
        .key = usual.key,
        .roots = roots,
        .verify = TOW_TLS_VERIFY_OPTIONAL,
        .tickets = tickets});
}

static void contexts_that_share_tickets_resume(void **state) {
    tow_tls_tickets *tickets;
    assert_int_equal(tow_tls_tickets_new(&tickets), 0);
    assert_true(
        resumes_across(*state, server_with(tickets, NULL), server_with(tickets, NULL), usual_client()));
    tow_tls_tickets_release(tickets);
}

static void contexts_with_own_tickets_do_not_resume(void **state) {
    assert_false(resumes_across(*state, server_with(NULL, NULL), server_with(NULL, NULL), usual_client()));
}

static void other_authorities_for_clients_end_their_sessions(void **state) {
    tow_tls_tickets *tickets;
    assert_int_equal(tow_tls_tickets_new(&tickets), 0);
    assert_false(resumes_across(
        *state, server_with(tickets, authority.pem), server_with(tickets, stranger.pem), usual_client()));
    tow_tls_tickets_release(tickets);
}

static void ticket_keys_are_rotated(void **state) {
    (void)state;
    tow_tls_tickets *tickets;
    tow_ticket_key first, key;
    assert_int_equal(tow_tls_tickets_new(&tickets), 0);
    assert_int_equal(tow_tls_tickets_current(tickets, 1000, &first), 0);
    assert_int_equal(tow_tls_tickets_current(tickets, 1000 + TOW_TICKET_SECONDS - 1, &key), 0);
    assert_memory_equal(&key, &first, sizeof(key));
    assert_int_equal(tow_tls_tickets_find(tickets, 1000 + TOW_TICKET_SECONDS - 1, first.name, &key), 1);
    assert_int_equal(tow_tls_tickets_find(tickets, 1000 + TOW_TICKET_SECONDS, first.name, &key), 2);
    assert_int_equal(tow_tls_tickets_current(tickets, 1000 + TOW_TICKET_SECONDS, &key), 0);
    assert_memory_not_equal(&key, &first, sizeof(key));
    assert_int_equal(tow_tls_tickets_find(tickets, 1000 + 2 * TOW_TICKET_SECONDS - 1, first.name, &key), 2);
    assert_memory_equal(&key, &first, sizeof(key));
    assert_int_equal(tow_tls_tickets_find(tickets, 1000 + 2 * TOW_TICKET_SECONDS, first.name, &key), 0);
    tow_tls_tickets_release(tickets);
}

static void a_loop_keeps_the_contexts_of_its_clients(void **state) {
    each_loop *each = *state;
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *first, *again, *other;
    const tow_tls_settings settings = {.roots = authority.pem};
    assert_int_equal(tow_tls_client_context(each->loop, &settings, &first, why), 0);
    const tow_tls_settings insecure = {.roots = authority.pem, .verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_client_context(each->loop, &insecure, &other, why), 0);
    assert_int_equal(tow_tls_client_context(each->loop, &settings, &again, why), 0);
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, other);
    for (int i = 0; i < 40; i++) {
        char *roots = strdup(authority.pem);
        roots = realloc(roots, strlen(roots) + 64);
        sprintf(roots + strlen(roots), "# %d\n", i);
        assert_int_equal(
            tow_tls_client_context(each->loop, &(tow_tls_settings){.roots = roots}, &other, why), 0);
        free(roots);
    }
    assert_int_equal(tow_tls_client_context(each->loop, &(tow_tls_settings){.roots = "no PEM"}, &other, why),
        TOW_ERROR_CERTIFICATE);
}

/* What contexts refuse */

static void expect_no_context(const tow_tls_settings *settings, const char *beginning) {
    tow_tls_context *context;
    char why[TOW_TLS_TEXT_MAX] = "";
    assert_int_equal(tow_tls_context_new(&context, settings, why), TOW_ERROR_CERTIFICATE);
    if (strncmp(why, beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", why, beginning);
    assert_int_equal(ERR_peek_error(), 0);
}

static const char encrypted_key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                    "MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBA=\n"
                                    "-----END ENCRYPTED PRIVATE KEY-----\n";

static void a_context_says_what_is_wrong_with_its_texts(void **state) {
    (void)state;
    const char *certificate = usual.certificate;
    const char *key = usual.key;
    expect_no_context(&(tow_tls_settings){.server = true}, "a server needs a certificate");
    expect_no_context(
        &(tow_tls_settings){.server = true, .certificate = certificate}, "a certificate needs its key");
    expect_no_context(
        &(tow_tls_settings){.server = true, .certificate = "", .key = key}, "this is not a certificate");
    expect_no_context(
        &(tow_tls_settings){.server = true, .certificate = key, .key = key}, "this is not a certificate");
    expect_no_context(&(tow_tls_settings){.server = true, .certificate = certificate, .key = certificate},
        "this is not the certificate's key");
    expect_no_context(&(tow_tls_settings){.server = true, .certificate = certificate, .key = encrypted_key},
        "this is not the certificate's key");
    expect_no_context(
        &(tow_tls_settings){.server = true, .certificate = certificate, .key = client_identity.key},
        "this is not the certificate's key");
    expect_no_context(&(tow_tls_settings){.roots = ""}, "the authorities are not");
    expect_no_context(&(tow_tls_settings){.roots = key}, "the authorities are not");
    expect_no_context(&(tow_tls_settings){.revoked = authority.pem}, "this is not a list of revoked");
}

static void a_file_that_is_missing_is_named(void **state) {
    (void)state;
    char *text;
    char why[TOW_TLS_TEXT_MAX];
    assert_true(tow_tls_read_file("/nonexistent/certificate.pem", &text, why) < 0);
    assert_string_equal(why, "/nonexistent/certificate.pem: No such file or directory");
}

static void a_self_signed_certificate_is_for_localhost(void **state) {
    test_identity identity;
    char fingerprint[96];
    assert_int_equal(tow_tls_self_signed(&identity.certificate, &identity.key, fingerprint), 0);
    test_pair pair;
    meet(&pair, *state, server_of(&identity),
        context_make(&(tow_tls_settings){.verify = TOW_TLS_VERIFY_NONE}), "localhost");
    run_until(*state, are_open, &pair);
    assert_string_equal(details_of(&pair.client).fingerprint, fingerprint);
    assert_string_equal(details_of(&pair.client).subject, "localhost (towline)");
    pair_close(&pair);
    identity_clear(&identity);
}

/* Peers that are something else */

static void a_server_that_speaks_no_tls_is_recognised(void **state) {
    test_pair pair;
    tow_tls_context *client = usual_client();
    pair_open_tls(&pair, *state, NULL, client, "example.test");
    tow_tls_context_release(client);
    end_send(&pair.server, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    run_until(*state, client_has_failed, &pair);
    assert_int_equal(pair.client.error, TOW_ERROR_TLS);
    assert_string_equal(tow_stream_failure_text(&pair.client.stream), "TLS: the peer does not speak TLS");
    pair_close(&pair);
}

static void open_plain_client(test_pair *pair, each_loop *each, tow_tls_context *server) {
    pair_open_tls(pair, each, server, NULL, NULL);
    tow_tls_context_release(server);
}

static void garbage_instead_of_a_client_hello_is_an_error(void **state) {
    test_pair pair;
    open_plain_client(&pair, *state, usual_server());
    end_send(&pair.client, "GET / HTTP/1.1\r\n\r\n", 18);
    run_until(*state, server_has_failed, &pair);
    assert_int_equal(pair.server.error, TOW_ERROR_TLS);
    assert_string_equal(tow_stream_failure_text(&pair.server.stream),
        "TLS: the peer does not speak TLS, but plain HTTP: ws:// instead of wss://");
    pair_close(&pair);
}

/* The alert arrives although more came than was read. */
static void a_bad_client_hello_is_answered_by_an_alert(void **state) {
    test_pair pair;
    open_plain_client(&pair, *state, usual_server());
    end_send(&pair.client, "\x16\x03\x01\x00\x08\x02\x00\x00\x04none and more", 22);
    run_until(*state, server_has_failed, &pair);
    assert_int_equal(pair.server.error, TOW_ERROR_TLS);
    end_close(&pair.server);
    run_until(*state, has_received, &(expectation){&pair.client, 7});
    assert_int_equal(pair.client.received.data[0], 21); /* RFC 8446, section 5.1 */
    end_close(&pair.client);
    pair_close(&pair);
}

static void a_stream_may_stay_plain_if_that_is_allowed(void **state) {
    test_pair pair;
    open_plain_client(&pair, *state,
        context_make(&(tow_tls_settings){
            .server = true, .certificate = usual.certificate, .key = usual.key, .plain_too = true}));
    pair.server.echo = true;
    end_send(&pair.client, "GET / HTTP/1.1\r\n\r\n", 18);
    receive(*state, &pair.client, "GET / HTTP/1.1\r\n\r\n");
    assert_false(tow_stream_is_secure(&pair.server.stream));
    tow_tls_details details;
    assert_int_equal(tow_stream_tls_details(&pair.server.stream, &details), TOW_ERROR_STATE);
    tow_stream_shutdown(&pair.client.stream);
    run_until(*state, server_has_ended, &pair);
    assert_false(tow_stream_is_truncated(&pair.server.stream));
    pair_close(&pair);
}

/* A line in plain, then TLS, as through a proxy: what follows the line in the same read is TLS already. */

static tow_tls_context *after_the_line;

static void start_after_the_line(test_end *end) {
    const char *line = memchr(end->received.data, '\n', end->received.length);
    if (after_the_line == NULL || line == NULL)
        return;
    size_t length = (size_t)(line + 1 - (const char *)end->received.data);
    assert_int_equal(tow_stream_start_prepared_tls(&end->stream, after_the_line, NULL,
                         end->received.data + length, end->received.length - length),
        0);
    after_the_line = NULL;
    tow_buffer_clear(&end->received);
}

static void tls_may_start_behind_something_plain(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_tls_context *server = after_the_line = usual_server();
    tow_tls_context *client = usual_client();
    tow_stream_pause(&pair.client.stream);
    tow_stream_pause(&pair.server.stream);
    run_for(*state, TOW_MILLISECOND); /* until no receive is under way */
    assert_int_equal(tow_stream_prepare_tls(&pair.server.stream), 0);
    assert_int_equal(tow_stream_prepare_tls(&pair.client.stream), 0);
    assert_false(tow_stream_is_secure(&pair.server.stream));
    tow_stream_resume(&pair.client.stream);
    tow_stream_resume(&pair.server.stream);
    pair.server.on_bytes = start_after_the_line;
    end_send(&pair.client, "PROXY UNKNOWN\r\n", 15);
    assert_int_equal(tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0), 0);
    assert_true(tow_stream_is_handshaking(&pair.client.stream));
    run_until(*state, are_open, &pair);
    assert_true(tow_stream_is_secure(&pair.server.stream));
    assert_false(tow_stream_is_handshaking(&pair.client.stream));
    end_send(&pair.client, "hello", 5);
    receive(*state, &pair.server, "hello");
    tow_tls_context_release(server);
    tow_tls_context_release(client);
    pair_close(&pair);
}

/* TLS inside of TLS, as through a proxy that speaks it. */

static void an_inner_layer_has_its_own_certificate(void **state) {
    test_pair pair;
    test_identity far;
    authority_issue(&authority, &(test_subject){.name = "far.test", .names = "DNS:far.test"}, &far);
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    assert_null(tow_stream_beneath(&pair.client.stream));
    pair.client.writable = pair.server.writable = 0;
    tow_tls_context *server = server_of(&far);
    tow_tls_context *client = usual_client();
    assert_int_equal(tow_stream_start_prepared_tls(&pair.server.stream, server, NULL, NULL, 0), 0);
    assert_int_equal(tow_stream_start_prepared_tls(&pair.client.stream, client, "far.test", NULL, 0), 0);
    assert_true(tow_stream_is_handshaking(&pair.client.stream));
    run_until(*state, are_open, &pair);
    tow_tls_details details = details_of(&pair.client);
    assert_string_equal(details.subject, "far.test");
    const tow_stream *beneath = tow_stream_beneath(&pair.client.stream);
    assert_non_null(beneath);
    assert_null(tow_stream_beneath(beneath));
    assert_int_equal(tow_stream_tls_details(beneath, &details), 0);
    assert_string_equal(details.subject, "example.test");
    pair.server.echo = true;
    end_send(&pair.client, "hello", 5);
    receive(*state, &pair.client, "hello");
    tow_stream_shutdown(&pair.client.stream);
    run_until(*state, server_has_ended, &pair);
    assert_false(tow_stream_is_truncated(&pair.server.stream));
    tow_tls_context_release(server);
    tow_tls_context_release(client);
    identity_clear(&far);
    pair_close(&pair);
}

/* What is larger than all buffers, in records that straddle the reads of the layer beneath. */
static void much_passes_through_two_layers(void **state) {
    enum { LENGTH = 3 * 1000 * 1000 };
    test_pair pair;
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    pair.client.writable = pair.server.writable = 0;
    tow_tls_context *server = usual_server();
    tow_tls_context *client = usual_client();
    pair_stack_tls(&pair, server, client);
    run_until(*state, are_open, &pair);
    uint8_t *bytes = malloc(LENGTH);
    fill_pattern(bytes, LENGTH, 0);
    pair.server.echo = true;
    end_send(&pair.client, bytes, LENGTH);
    run_until(*state, has_received, &(expectation){&pair.client, LENGTH});
    assert_int_equal(pair.client.received.length, LENGTH);
    assert_pattern(pair.client.received.data, LENGTH);
    free(bytes);
    tow_tls_context_release(server);
    tow_tls_context_release(client);
    pair_close(&pair);
}

static void an_inner_layer_may_start_in_the_middle_of_a_read(void **state) {
    test_pair pair;
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    pair.client.writable = pair.server.writable = 0;
    tow_tls_context *server = after_the_line = usual_server();
    tow_tls_context *client = usual_client();
    pair.server.on_bytes = start_after_the_line;
    end_send(&pair.client, "CONNECT far:443\r\n", 17);
    assert_int_equal(tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0), 0);
    run_until(*state, are_open, &pair);
    end_send(&pair.client, "hello", 5);
    receive(*state, &pair.server, "hello");
    end_send(&pair.server, "hello", 5);
    receive(*state, &pair.client, "hello");
    tow_tls_context_release(server);
    tow_tls_context_release(client);
    pair_close(&pair);
}

static void an_inner_certificate_is_refused_as_any(void **state) {
    test_pair pair;
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    tow_tls_context *server = usual_server();
    tow_tls_context *client = usual_client();
    assert_int_equal(tow_stream_start_prepared_tls(&pair.server.stream, server, NULL, NULL, 0), 0);
    assert_int_equal(tow_stream_start_prepared_tls(&pair.client.stream, client, "far.test", NULL, 0), 0);
    run_until(*state, client_has_failed, &pair);
    assert_int_equal(pair.client.error, TOW_ERROR_CERTIFICATE);
    assert_string_equal(tow_stream_failure_text(&pair.client.stream),
        "the certificate of far.test is for another host: example.test, *.example.test, 127.0.0.1");
    tow_tls_context_release(server);
    tow_tls_context_release(client);
    pair_close(&pair);
}

static void a_layer_beneath_that_ends_fails_the_handshake_above(void **state) {
    for (int resets = 0; resets < 2; resets++) {
        test_pair pair;
        meet(&pair, *state, usual_server(), usual_client(), "example.test");
        run_until(*state, are_open, &pair);
        tow_tls_context *client = usual_client();
        assert_int_equal(
            tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0), 0);
        if (resets)
            tow_stream_reset(&pair.server.stream);
        else
            tow_stream_close(&pair.server.stream);
        run_until(*state, client_has_failed, &pair);
        assert_true(pair.client.error == TOW_ERROR_ENDED || pair.client.error == TOW_ERROR_RESET);
        tow_tls_context_release(client);
        pair_close(&pair);
    }
}

static void an_inner_layer_needs_an_open_one_beneath(void **state) {
    test_pair pair;
    tow_tls_context *client = usual_client();
    pair_open(&pair, *state);
    assert_int_equal(tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0),
        TOW_ERROR_STATE); /* it is plain and was not prepared */
    pair_close(&pair);
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    assert_int_equal(tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0),
        TOW_ERROR_STATE); /* the handshake is under way */
    run_until(*state, are_open, &pair);
    tow_stream_shutdown(&pair.client.stream);
    assert_int_equal(
        tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0), TOW_ERROR_STATE);
    pair_close(&pair);
    tow_tls_context_release(client);
}

/* A client made by hand: OpenSSL over memory, its bytes carried over a plain stream as the test likes. */

typedef struct hand_client {
    test_pair pair;
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    size_t fed; /* of what the stream received */
} hand_client;

static void hand_open(hand_client *hand, each_loop *each, tow_tls_context *server, int version) {
    memset(hand, 0, sizeof(*hand));
    open_plain_client(&hand->pair, each, server);
    hand->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(hand->context, 0);
    SSL_CTX_set_min_proto_version(hand->context, version);
    SSL_CTX_set_max_proto_version(hand->context, version);
    hand->ssl = SSL_new(hand->context);
    hand->in = BIO_new(BIO_s_mem());
    hand->out = BIO_new(BIO_s_mem());
    SSL_set_bio(hand->ssl, hand->in, hand->out);
    SSL_set_connect_state(hand->ssl);
}

static void hand_close(hand_client *hand) {
    SSL_free(hand->ssl);
    SSL_CTX_free(hand->context);
    pair_close(&hand->pair);
}

/* What OpenSSL has to say, at most `limit` bytes of it. */
static size_t hand_send(hand_client *hand, size_t limit) {
    uint8_t bytes[4096];
    size_t length = limit < sizeof(bytes) ? limit : sizeof(bytes);
    int got = BIO_read(hand->out, bytes, (int)length);
    if (got > 0)
        end_send(&hand->pair.client, bytes, (size_t)got);
    return got > 0 ? (size_t)got : 0;
}

static void hand_feed(hand_client *hand) {
    const tow_buffer *received = &hand->pair.client.received;
    if (received->length > hand->fed)
        BIO_write(hand->in, received->data + hand->fed, (int)(received->length - hand->fed));
    hand->fed = received->length;
}

/* Shakes hands by pieces of `size` bytes, until `total` have been sent. Returns how many were. */
static size_t hand_shake(hand_client *hand, size_t size, size_t total) {
    size_t sent = 0;
    for (int i = 0; i < 4000 && sent < total; i++) {
        hand_feed(hand);
        bool done = SSL_do_handshake(hand->ssl) == 1;
        size_t part = hand_send(hand, size < total - sent ? size : total - sent);
        sent += part;
        if (done && part == 0)
            break;
        tow_loop_step(hand->pair.each->loop);
    }
    ERR_clear_error();
    return sent;
}

static bool hand_has_answer(void *argument) {
    hand_client *self = argument;
    char bytes[8];
    hand_feed(self);
    return SSL_read(self->ssl, bytes, sizeof(bytes)) == 5 && memcmp(bytes, "hello", 5) == 0;
}

static void hand_echo(hand_client *hand) {
    hand->pair.server.echo = true;
    assert_int_equal(SSL_write(hand->ssl, "hello", 5), 5);
    while (hand_send(hand, SIZE_MAX) > 0)
        continue;
    run_until(hand->pair.each, hand_has_answer, hand);
}

static void a_handshake_may_come_byte_by_byte(void **state) {
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        hand_client hand;
        hand_open(&hand, *state, usual_server(), versions[i]);
        hand_shake(&hand, 1, SIZE_MAX);
        hand_echo(&hand);
        hand_close(&hand);
    }
}

static void versions_before_1_2_are_refused(void **state) {
    hand_client hand;
    hand_open(&hand, *state, usual_server(), TLS1_1_VERSION);
    hand_shake(&hand, SIZE_MAX, SIZE_MAX);
    run_until(*state, server_has_failed, &hand.pair);
    assert_int_equal(hand.pair.server.error, TOW_ERROR_TLS);
    hand_close(&hand);
}

static void a_protocol_other_than_http11_is_refused(void **state) {
    hand_client hand;
    hand_open(&hand, *state, usual_server(), TLS1_3_VERSION);
    SSL_set_alpn_protos(hand.ssl, (const unsigned char *)"\2h2", 3);
    hand_shake(&hand, SIZE_MAX, SIZE_MAX);
    run_until(*state, server_has_failed, &hand.pair);
    assert_string_equal(tow_stream_failure_text(&hand.pair.server.stream), "TLS: no application protocol");
    hand_close(&hand);
}

static void new_keys_may_be_asked_for(void **state) {
    hand_client hand;
    hand_open(&hand, *state, usual_server(), TLS1_3_VERSION);
    hand_shake(&hand, SIZE_MAX, SIZE_MAX);
    hand_echo(&hand);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(SSL_key_update(hand.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        hand_echo(&hand);
    }
    hand_close(&hand);
}

static void a_broken_record_is_an_error(void **state) {
    hand_client hand;
    hand_open(&hand, *state, usual_server(), TLS1_3_VERSION);
    hand_shake(&hand, SIZE_MAX, SIZE_MAX);
    hand_echo(&hand);
    end_send(&hand.pair.client, "\x17\x03\x03\x00\x20 thirty-two bytes that are no record", 37);
    run_until(*state, server_has_failed, &hand.pair);
    assert_int_equal(hand.pair.server.error, TOW_ERROR_TLS);
    hand_close(&hand);
}

/* The peer goes away after `sent` bytes; whatever comes of it, the stream is told once. */
static bool server_has_heard(void *argument) {
    const test_end *server = &((test_pair *)argument)->server;
    return server->errors + server->ended > 0;
}

static void vanish_after(each_loop *each, size_t sent, bool reset) {
    hand_client hand;
    hand_open(&hand, each, usual_server(), TLS1_3_VERSION);
    hand_shake(&hand, SIZE_MAX, sent);
    run_for(each, TOW_MILLISECOND);
    if (reset)
        tow_stream_reset(&hand.pair.client.stream);
    else
        tow_stream_shutdown(&hand.pair.client.stream);
    hand.pair.client.forbidden = reset;
    run_until(each, server_has_heard, &hand.pair);
    if (reset)
        assert_int_equal(hand.pair.server.errors + hand.pair.server.ended, 1);
    hand_close(&hand);
}

static void a_peer_may_vanish_anywhere_in_the_handshake(void **state) {
    hand_client hand;
    hand_open(&hand, *state, usual_server(), TLS1_3_VERSION);
    size_t total = hand_shake(&hand, SIZE_MAX, SIZE_MAX);
    hand_close(&hand);
    assert_true(total > 250);
    for (size_t sent = 0; sent <= total; sent += sent < 8 || sent > total - 8 ? 1 : 37) {
        vanish_after(*state, sent, false);
        vanish_after(*state, sent, true);
    }
}

/* Ends */

static void an_end_without_close_notify_is_a_truncation(void **state) {
    hand_client hand;
    hand_open(&hand, *state, usual_server(), TLS1_3_VERSION);
    hand_shake(&hand, SIZE_MAX, SIZE_MAX);
    hand_echo(&hand);
    tow_stream_shutdown(&hand.pair.client.stream);
    run_until(*state, server_has_ended, &hand.pair);
    assert_true(tow_stream_is_truncated(&hand.pair.server.stream));
    hand_close(&hand);
}

static void an_end_with_close_notify_is_none(void **state) {
    test_pair pair;
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    tow_stream_shutdown(&pair.client.stream);
    run_until(*state, server_has_ended, &pair);
    assert_false(tow_stream_is_truncated(&pair.server.stream));
    end_send(&pair.server, "one side only", 13);
    receive(*state, &pair.client, "one side only");
    pair_close(&pair);
}

static bool client_has_ended(void *argument) {
    return ((test_pair *)argument)->client.ended > 0;
}

/* A server that does not read, and a client that has written until no more was taken. Returns how much was.
 */
static size_t fill_until_blocked(test_pair *pair, each_loop *each, bool server_ends) {
    meet(pair, each, usual_server(), usual_client(), "example.test");
    run_until(each, are_open, pair);
    run_for(each, 5 * TOW_MILLISECOND);
    tow_stream_pause(&pair->server.stream);
    if (server_ends) {
        tow_stream_shutdown(&pair->server.stream);
        run_until(each, client_has_ended, pair);
    }
    run_for(each, TOW_MILLISECOND);
    static uint8_t bytes[1024 * 1024];
    fill_pattern(bytes, sizeof(bytes), 0);
    size_t taken = 0;
    ssize_t part = 251 * 4000;
    while (part == 251 * 4000 && taken < 64 * sizeof(bytes)) {
        struct iovec piece = {bytes, 251 * 4000};
        part = tow_stream_write(&pair->client.stream, &piece, 1);
        taken += part > 0 ? (size_t)part : 0;
    }
    assert_true(tow_stream_is_blocked(&pair->client.stream));
    return taken;
}

static void expect_all(test_pair *pair, each_loop *each, size_t taken) {
    run_until(each, server_has_ended, pair);
    assert_int_equal(pair->server.received.length, taken);
    assert_false(tow_stream_is_truncated(&pair->server.stream));
    pair_close(pair);
}

static void what_was_taken_arrives_although_the_stream_is_closed(void **state) {
    test_pair pair;
    size_t taken = fill_until_blocked(&pair, *state, false);
    end_close(&pair.client);
    tow_stream_resume(&pair.server.stream);
    expect_all(&pair, *state, taken);
}

static void what_was_taken_arrives_although_the_peer_has_ended(void **state) {
    test_pair pair;
    size_t taken = fill_until_blocked(&pair, *state, true);
    end_close(&pair.client);
    tow_stream_resume(&pair.server.stream);
    expect_all(&pair, *state, taken);
}

static void pause_after_a_read(test_end *end) {
    tow_stream_pause(&end->stream);
}

/* The last bytes take many times the second that a close waits for some of them. */
static void what_was_taken_arrives_slowly(void **state) {
    test_pair pair;
    size_t taken = fill_until_blocked(&pair, *state, false);
    size_t before = 0;
    pair.server.on_bytes = pause_after_a_read;
    end_close(&pair.client);
    while (pair.server.ended == 0) {
        tow_stream_resume(&pair.server.stream);
        run_for(*state, TOW_SECOND * 2 / 5);
        assert_true(pair.server.received.length > before || pair.server.ended > 0);
        before = pair.server.received.length;
    }
    expect_all(&pair, *state, taken);
}

/* A client that reads nothing and is written to without end costs a bounded amount. */
static void a_peer_that_never_reads_does_not_keep_a_closed_stream(void **state) {
    test_pair pair;
    meet(&pair, *state, usual_server(), usual_client(), "example.test");
    run_until(*state, are_open, &pair);
    tow_stream_pause(&pair.client.stream);
    run_for(*state, TOW_MILLISECOND);
    static uint8_t bytes[256 * 1024];
    for (int i = 0; i < 200 && !tow_stream_is_blocked(&pair.server.stream); i++) {
        struct iovec piece = {bytes, sizeof(bytes)};
        assert_true(tow_stream_write(&pair.server.stream, &piece, 1) > 0);
        run_for(*state, TOW_MILLISECOND);
    }
    assert_true(tow_stream_is_blocked(&pair.server.stream));
    end_close(&pair.server);
    run_for(*state, 1200 * TOW_MILLISECOND);
    assert_int_equal(pair.server.closed, 1);
    pair_close(&pair);
}

/* Memory */

static void start_without_memory(
    each_loop *each, tow_tls_context *server, tow_tls_context *client, size_t failing) {
    test_pair pair;
    memset(&pair, 0, sizeof(pair));
    pair_open(&pair, each);
    allocation_fail_at(failing);
    const int errors[] = {tow_stream_start_tls(&pair.client.stream, client, "example.test"),
        tow_stream_start_tls(&pair.server.stream, server, NULL)};
    for (size_t i = 0; i < 2; i++)
        assert_true(errors[i] == 0 || errors[i] == TOW_ERROR_MEMORY || errors[i] == TOW_ERROR_STATE);
    run_for(each, 2 * TOW_MILLISECOND);
    allocation_fail_at(0);
    pair_close(&pair);
}

static void start_without_memory_up_to(each_loop *each, size_t failing) {
    tow_tls_context *server = usual_server();
    tow_tls_context *client = usual_client(); /* keeps sessions, until it is freed */
    for (size_t i = 0; i < failing; i++)
        start_without_memory(each, server, client, i);
    tow_tls_context_release(server);
    tow_tls_context_release(client);
}

static void stack_without_memory(
    each_loop *each, tow_tls_context *server, tow_tls_context *client, size_t failing) {
    test_pair pair;
    pair_open_tls(&pair, each, server, client, "example.test");
    run_until(each, are_open, &pair);
    allocation_fail_at(failing);
    const int errors[] = {tow_stream_start_prepared_tls(&pair.client.stream, client, "example.test", NULL, 0),
        tow_stream_start_prepared_tls(&pair.server.stream, server, NULL, NULL, 0)};
    for (size_t i = 0; i < 2; i++)
        assert_true(errors[i] == 0 || errors[i] == TOW_ERROR_MEMORY || errors[i] == TOW_ERROR_STATE);
    run_for(each, 2 * TOW_MILLISECOND);
    allocation_fail_at(0);
    pair_close(&pair);
}

static void an_allocation_that_fails_costs_the_inner_layer_at_most(void **state) {
    tow_tls_context *server = usual_server();
    tow_tls_context *client = usual_client();
    for (size_t failing = 0; failing < 30; failing++)
        stack_without_memory(*state, server, client, failing);
    tow_tls_context_release(server);
    tow_tls_context_release(client);
}

static void an_allocation_that_fails_costs_the_stream_at_most(void **state) {
    start_without_memory_up_to(*state, 1); /* what the loop keeps */
    long before = allocation_outstanding();
    start_without_memory_up_to(*state, 30);
    assert_int_equal(allocation_outstanding(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(the_handshake_agrees_on_what_the_details_say),
        ON_EACH_LOOP(an_expired_certificate_is_refused),
        ON_EACH_LOOP(a_certificate_of_the_future_is_refused),
        ON_EACH_LOOP(a_certificate_for_another_host_is_refused),
        ON_EACH_LOOP(a_self_signed_certificate_is_refused),
        ON_EACH_LOOP(a_certificate_of_an_unknown_authority_is_refused),
        ON_EACH_LOOP(the_systems_authorities_do_not_know_ours),
        ON_EACH_LOOP(a_revoked_certificate_is_refused),
        ON_EACH_LOOP(names_and_addresses_are_verified),
        ON_EACH_LOOP(a_client_without_verification_takes_any_certificate),
        ON_EACH_LOOP(a_client_that_verifies_needs_a_name),
        ON_EACH_LOOP(a_client_shows_its_certificate),
        ON_EACH_LOOP(a_client_may_be_allowed_to_have_no_certificate),
        ON_EACH_LOOP(a_client_without_the_certificate_is_refused),
        ON_EACH_LOOP(a_client_of_an_unknown_authority_is_refused),
        ON_EACH_LOOP(contexts_that_share_tickets_resume),
        ON_EACH_LOOP(contexts_with_own_tickets_do_not_resume),
        ON_EACH_LOOP(other_authorities_for_clients_end_their_sessions),
        cmocka_unit_test(ticket_keys_are_rotated),
        ON_EACH_LOOP(a_loop_keeps_the_contexts_of_its_clients),
        cmocka_unit_test(a_context_says_what_is_wrong_with_its_texts),
        cmocka_unit_test(a_file_that_is_missing_is_named),
        ON_REAL_LOOPS(a_self_signed_certificate_is_for_localhost),
        ON_EACH_LOOP(a_server_that_speaks_no_tls_is_recognised),
        ON_EACH_LOOP(garbage_instead_of_a_client_hello_is_an_error),
        ON_EACH_LOOP(a_bad_client_hello_is_answered_by_an_alert),
        ON_EACH_LOOP(a_stream_may_stay_plain_if_that_is_allowed),
        ON_EACH_LOOP(tls_may_start_behind_something_plain),
        ON_EACH_LOOP(an_inner_layer_has_its_own_certificate),
        ON_EACH_LOOP(much_passes_through_two_layers),
        ON_EACH_LOOP(an_inner_layer_may_start_in_the_middle_of_a_read),
        ON_EACH_LOOP(an_inner_certificate_is_refused_as_any),
        ON_EACH_LOOP(a_layer_beneath_that_ends_fails_the_handshake_above),
        ON_EACH_LOOP(an_inner_layer_needs_an_open_one_beneath),
        ON_EACH_LOOP(a_handshake_may_come_byte_by_byte),
        ON_EACH_LOOP(versions_before_1_2_are_refused),
        ON_EACH_LOOP(a_protocol_other_than_http11_is_refused),
        ON_EACH_LOOP(new_keys_may_be_asked_for),
        ON_EACH_LOOP(a_broken_record_is_an_error),
        ON_EACH_LOOP(a_peer_may_vanish_anywhere_in_the_handshake),
        ON_EACH_LOOP(an_end_without_close_notify_is_a_truncation),
        ON_EACH_LOOP(an_end_with_close_notify_is_none),
        ON_EACH_LOOP(what_was_taken_arrives_although_the_stream_is_closed),
        ON_EACH_LOOP(what_was_taken_arrives_although_the_peer_has_ended),
        IN_THE_SIMULATOR(what_was_taken_arrives_slowly),
        ON_EACH_LOOP(a_peer_that_never_reads_does_not_keep_a_closed_stream),
        ON_EACH_LOOP(an_allocation_that_fails_costs_the_stream_at_most),
        ON_EACH_LOOP(an_allocation_that_fails_costs_the_inner_layer_at_most),
    };
    return cmocka_run_group_tests(tests, make_authorities, clear_authorities);
}
