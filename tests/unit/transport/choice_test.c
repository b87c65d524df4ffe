/* Which of a server's certificates a client is shown, and which sessions are resumed then. */
#include "../allocation.h"
#include "authority.h"
#include "each_loop.h"

#include "../../../src/transport/tls_context.h"
#include "../../../src/transport/tls_hello.h"

#include <openssl/pem.h>

static test_authority authority;
static test_identity first, exact, wild, rsa, nameless;

static int make_identities(void **state) {
    (void)state;
    authority_make(&authority, "Test Authority");
    authority_issue(&authority, &(test_subject){.name = "first", .names = "DNS:first.test"}, &first);
    authority_issue(
        &authority, &(test_subject){.name = "exact", .names = "DNS:a.example.test,DNS:b.test"}, &exact);
    authority_issue(&authority,
        &(test_subject){.name = "wild", .names = "IP:127.0.0.1,DNS:*.Example.Test,DNS:other.test"}, &wild);
    authority_issue(&authority, &(test_subject){.name = "rsa", .names = "DNS:b.test", .rsa = true}, &rsa);
    authority_issue(&authority, &(test_subject){.name = "nameless", .names = "IP:127.0.0.1"}, &nameless);
    return 0;
}

static int clear_identities(void **state) {
    (void)state;
    test_identity *all[] = {&first, &exact, &wild, &rsa, &nameless};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        identity_clear(all[i]);
    authority_clear(&authority);
    return 0;
}

static tow_tls_pem pem_of(const test_identity *identity, const char *certificate_file, const char *key_file) {
    return (tow_tls_pem){identity->certificate, identity->key, certificate_file, key_file};
}

static int server_try(tow_tls_context **context, const tow_tls_pem *more, size_t count,
    tow_tls_tickets *tickets, char why[TOW_TLS_TEXT_MAX]) {
    const tow_tls_settings settings = {.server = true,
        .certificate = first.certificate,
        .key = first.key,
        .more = more,
        .more_count = count,
        .tickets = tickets};
    return tow_tls_context_new(context, &settings, why);
}

static tow_tls_context *server_with(tow_tls_tickets *tickets) {
    const tow_tls_pem more[] = {
        pem_of(&wild, NULL, NULL), pem_of(&exact, NULL, NULL), pem_of(&rsa, NULL, NULL)};
    char why[TOW_TLS_TEXT_MAX] = "";
    tow_tls_context *context;
    if (server_try(&context, more, 3, tickets, why) != 0)
        fail_msg("%s", why);
    return context;
}

/* Of a client that takes what it is shown. */
static tow_tls_context *any_client(void) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

static bool are_open(void *argument) {
    const test_pair *pair = argument;
    return pair->client.writable > 0 && pair->server.writable > 0;
}

static bool has_received(void *argument) {
    return ((const test_end *)argument)->received.length > 0;
}

/* Opens a connection, with its ticket, and tells what the client was shown. */
static tow_tls_details connect_once(
    each_loop *each, tow_tls_context *server, tow_tls_context *client, const char *name) {
    test_pair pair;
    tow_tls_details details;
    pair_open_tls(&pair, each, server, client, name);
    run_until(each, are_open, &pair);
    end_send(&pair.server, "ticket", 6);
    run_until(each, has_received, &pair.client);
    assert_int_equal(tow_stream_tls_details(&pair.client.stream, &details), 0);
    pair_close(&pair);
    return details;
}

static void the_name_that_is_asked_for_chooses(void **state) {
    static const struct {
        const char *name, *shown;
    } cases[] = {
        {"first.test", "first"},
        {"a.example.test", "exact"}, /* not the wildcard, though that came before */
        {"A.EXAMPLE.test", "exact"},
        {"b.example.test", "wild"},
        {"B.Example.Test", "wild"},
        {"other.test", "wild"},
        {"b.test", "exact"}, /* RSA is for who can't check the other one */
        /* the first is for all others */
        {"example.test", "first"},
        {"c.b.example.test", "first"},
        {"unknown.test", "first"},
        {"test", "first"},
        {"127.0.0.1", "first"},
        {NULL, "first"},
    };
    tow_tls_context *server = server_with(NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_tls_context *client = any_client();
        const tow_tls_details details = connect_once(*state, server, client, cases[i].name);
        if (strcmp(details.subject, cases[i].shown) != 0)
            fail_msg("case %zu is shown %s", i, details.subject);
        tow_tls_context_release(client);
    }
    tow_tls_context_release(server);
}

static void a_key_that_the_client_cannot_check_is_not_chosen(void **state) {
    tow_tls_context *server = server_with(NULL);
    tow_tls_context *client = any_client();
    char algorithms[] = "rsa_pss_rsae_sha256"; /* OpenSSL's macro casts const away */
    assert_int_equal(SSL_CTX_set1_sigalgs_list(client->ssl, algorithms), 1);
    assert_string_equal(connect_once(*state, server, client, "b.test").subject, "rsa");
    tow_tls_context_release(client);
    tow_tls_context_release(server);
}

/* Resumption */

/* As a client may try that does not tell the names of its sessions apart. */
static void rename_session(tow_tls_context *client, const char *name) {
    tow_tls_sessions *sessions = client->sessions;
    for (size_t i = 0; i < TOW_TLS_SESSIONS_MAX; i++) {
        char *key = sessions->items[i].key;
        if (key == NULL)
            continue;
        char other[128];
        snprintf(other, sizeof(other), "%s%s", name, strrchr(key, ':'));
        SSL_SESSION *session = sessions->items[i].session;
        assert_int_equal(SSL_SESSION_set1_hostname(session, name), 1);
        sessions->items[i].key = strdup(other);
        free(key);
    }
}

static void sessions_stay_with_the_name(void **state) {
    static const struct {
        const char *before, *then;
        bool resumed;
    } cases[] = {
        {"first.test", "first.test", true},
        {"a.example.test", "a.example.test", true},
        {"b.example.test", "B.example.test", true},
        {"unknown.test", "unknown.test", true},
        {"unknown.test", "another.test", true}, /* both are the first one's */
        {"first.test", "a.example.test", false},
        {"a.example.test", "first.test", false},
        {"a.example.test", "b.test", false},
        {"b.example.test", "c.example.test", false}, /* which might be somebody else's after a reload */
        {"unknown.test", "a.example.test", false},
        {"a.example.test", "unknown.test", false},
    };
    tow_tls_tickets *tickets;
    assert_int_equal(tow_tls_tickets_new(&tickets), 0);
    pair_open_uses_one_port(true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_tls_context *before = server_with(tickets);
        tow_tls_context *then = server_with(tickets); /* another worker's */
        tow_tls_context *client = any_client();
        assert_false(connect_once(*state, before, client, cases[i].before).resumed);
        rename_session(client, cases[i].then);
        if (connect_once(*state, then, client, cases[i].then).resumed != cases[i].resumed)
            fail_msg("%s, then %s", cases[i].before, cases[i].then);
        tow_tls_context_release(client);
        tow_tls_context_release(before);
        tow_tls_context_release(then);
    }
    pair_open_uses_one_port(false);
    tow_tls_tickets_release(tickets);
}

/* What is refused */

static void what_is_wrong_names_the_files(void **state) {
    (void)state;
    const tow_tls_pem good = pem_of(&wild, "good.pem", "good.key");
    const struct {
        tow_tls_pem pem;
        const char *beginning;
    } cases[] = {
        {{"x", exact.key, "b.pem", "b.key"}, "b.pem: this is not a certificate in PEM"},
        {{exact.certificate, "x", "b.pem", "b.key"}, "b.key: this is not the certificate's key in PEM"},
        {{exact.certificate, NULL, "b.pem", NULL}, "b.pem: a certificate needs its key"},
        {{exact.certificate, wild.key, "b.pem", "c.key"},
            "c.key: this is not the certificate's key (the certificate is in b.pem)"},
        {{exact.certificate, rsa.key, "b.pem", "c.key"},
            "c.key: this is not the certificate's key (the certificate is in b.pem)"},
        {{nameless.certificate, nameless.key, "b.pem", "b.key"},
            "b.pem: this certificate names no host, so that nobody would be shown it: make it the first"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tow_tls_pem more[] = {good, cases[i].pem};
        char why[TOW_TLS_TEXT_MAX] = "";
        tow_tls_context *context;
        assert_int_equal(server_try(&context, more, 2, NULL, why), TOW_ERROR_CERTIFICATE);
        if (strncmp(why, cases[i].beginning, strlen(cases[i].beginning)) != 0)
            fail_msg("\"%s\" does not begin with \"%s\"", why, cases[i].beginning);
    }
}

static void an_allocation_that_fails_leaves_nothing_behind(void **state) {
    (void)state;
    const tow_tls_pem more[] = {pem_of(&wild, NULL, NULL), pem_of(&exact, NULL, NULL)};
    long before = allocation_outstanding();
    int error = TOW_ERROR_MEMORY;
    for (size_t failing = 1; error != 0; failing++) {
        char why[TOW_TLS_TEXT_MAX] = "";
        tow_tls_context *context = NULL;
        allocation_fail_at(failing);
        error = server_try(&context, more, 2, NULL, why);
        allocation_fail_at(0);
        if (error != 0) {
            assert_int_equal(error, TOW_ERROR_MEMORY);
            assert_string_not_equal(why, "");
        }
        tow_tls_context_release(context);
        assert_int_equal(allocation_outstanding(), before);
        assert_true(failing < 100);
    }
}

/* The extension */

static size_t write_extension(unsigned char *out, const char *name, size_t length) {
    const unsigned char head[] = {(unsigned char)((length + 3) >> 8), (unsigned char)(length + 3), 0,
        (unsigned char)(length >> 8), (unsigned char)length};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), name, length);
    return sizeof(head) + length;
}

static void a_name_is_read_in_lower_case(void **state) {
    (void)state;
    unsigned char extension[64];
    char name[TOW_TLS_HELLO_NAME_MAX];
    size_t length = write_extension(extension, "WWW.Example.org", 15);
    assert_true(tow_tls_hello_name(extension, length, name));
    assert_string_equal(name, "www.example.org");
}

static void a_name_that_is_cut_or_lied_about_is_none(void **state) {
    (void)state;
    unsigned char extension[64];
    char name[TOW_TLS_HELLO_NAME_MAX];
    size_t length = write_extension(extension, "example.org", 11);
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *exactly = malloc(cut + 1); /* so that a byte too many is noticed */
        memcpy(exactly, extension, cut);
        assert_false(tow_tls_hello_name(exactly, cut, name));
        free(exactly);
    }
    for (size_t place = 0; place < 5; place++) {
        extension[place]++;
        assert_false(tow_tls_hello_name(extension, length, name));
        extension[place]--;
    }
    extension[length] = 'x';
    assert_false(tow_tls_hello_name(extension, length + 1, name));
    extension[7] = '\0';
    assert_false(tow_tls_hello_name(extension, length, name));
    assert_false(tow_tls_hello_name(extension, write_extension(extension, "", 0), name));
}

static void a_name_has_255_bytes_at_most(void **state) {
    (void)state;
    char text[256];
    unsigned char extension[300];
    char name[TOW_TLS_HELLO_NAME_MAX];
    memset(text, 'a', sizeof(text));
    assert_true(tow_tls_hello_name(extension, write_extension(extension, text, 254), name));
    assert_true(tow_tls_hello_name(extension, write_extension(extension, text, 255), name));
    assert_int_equal(strlen(name), 255);
    assert_false(tow_tls_hello_name(extension, write_extension(extension, text, 256), name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(the_name_that_is_asked_for_chooses),
        IN_THE_SIMULATOR(a_key_that_the_client_cannot_check_is_not_chosen),
        IN_THE_SIMULATOR(sessions_stay_with_the_name),
        cmocka_unit_test(what_is_wrong_names_the_files),
        cmocka_unit_test(an_allocation_that_fails_leaves_nothing_behind),
        cmocka_unit_test(a_name_is_read_in_lower_case),
        cmocka_unit_test(a_name_that_is_cut_or_lied_about_is_none),
        cmocka_unit_test(a_name_has_255_bytes_at_most),
    };
    return cmocka_run_group_tests(tests, make_identities, clear_identities);
}
