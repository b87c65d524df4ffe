/* Which certificates a client takes for a host (RFC 9525, RFC 5280), and a server for a client. */
#include "authority.h"
#include "each_loop.h"

#include <towline/error.h>

static test_authority authority;

static int make_authority(void **state) {
    (void)state;
    authority_make(&authority, "Test Authority");
    return 0;
}

static int clear_authority(void **state) {
    (void)state;
    authority_clear(&authority);
    return 0;
}

static void meet(test_pair *pair, each_loop *each, const tow_tls_settings *server,
    const tow_tls_settings *client, const char *name) {
    tow_tls_context *server_context = context_make(server);
    tow_tls_context *client_context = context_make(client);
    pair_open_tls(pair, each, server_context, client_context, name);
    tow_tls_context_release(server_context);
    tow_tls_context_release(client_context);
}

static bool is_decided(void *argument) {
    const test_pair *pair = argument;
    return pair->client.errors > 0 || pair->server.errors > 0 ||
           (pair->client.writable > 0 && pair->server.writable > 0);
}

static void expect(const test_end *end, const char *name, const char *text) {
    const char *failure = end->errors > 0 ? tow_stream_failure_text(&end->stream) : NULL;
    if (text == NULL && failure != NULL)
        fail_msg("%s: %s", name, failure);
    if (text == NULL)
        return;
    if (failure == NULL)
        fail_msg("%s was taken", name);
    assert_string_equal(failure, text);
    assert_int_equal(end->error, TOW_ERROR_CERTIFICATE);
}

#define OTHER(name, names) "the certificate of " name " is for another host: " names
#define NONE(name, common)                                                                                   \
    "the certificate of " name " names no host: it has no subjectAltName, and a common name (" common        \
    ") does not count"

static void a_server_is_known_by_its_certificate(void **state) {
    static const struct {
        const char *host;
        const char *text; /* NULL: it is taken */
        test_subject subject;
    } cases[] = {
        {"a.example.test", NULL, {.names = "DNS:b.test,DNS:a.example.test"}},
        {"A.Example.Test", NULL, {.names = "DNS:a.example.test"}},
        {"b.example.test", OTHER("b.example.test", "a.example.test"), {.names = "DNS:a.example.test"}},
        {"example.test", OTHER("example.test", "a.example.test"), {.names = "DNS:a.example.test"}},
        {"a.example.test.evil.test", OTHER("a.example.test.evil.test", "a.example.test"),
            {.names = "DNS:a.example.test"}},
        /* a common name */
        {"a.example.test", NONE("a.example.test", "a.example.test"), {.name = "a.example.test", .names = ""}},
        {"a.example.test", NONE("a.example.test", "*.example.test"), {.name = "*.example.test", .names = ""}},
        {"127.0.0.1", NONE("127.0.0.1", "127.0.0.1"), {.name = "127.0.0.1", .names = ""}},
        {"a.example.test", NONE("a.example.test", "a.example.test"),
            {.name = "a.example.test", .names = "email:a@example.test"}},
        {"a.example.test", OTHER("a.example.test", "b.test"),
            {.name = "a.example.test", .names = "DNS:b.test"}},
        {"a.example.test", OTHER("a.example.test", "127.0.0.1"),
            {.name = "a.example.test", .names = "IP:127.0.0.1"}},
        /* wildcards */
        {"a.example.test", NULL, {.names = "DNS:*.example.test"}},
        {"b.a.example.test", OTHER("b.a.example.test", "*.example.test"), {.names = "DNS:*.example.test"}},
        {"example.test", OTHER("example.test", "*.example.test"), {.names = "DNS:*.example.test"}},
        {"a.example.test", OTHER("a.example.test", "a*.example.test"), {.names = "DNS:a*.example.test"}},
        {"a.example.test", OTHER("a.example.test", "*a.example.test"), {.names = "DNS:*a.example.test"}},
        {"abc.example.test", OTHER("abc.example.test", "a*c.example.test"),
            {.names = "DNS:a*c.example.test"}},
        {"a.b.example.test", OTHER("a.b.example.test", "a.*.example.test"),
            {.names = "DNS:a.*.example.test"}},
        {"a.b.example.test", OTHER("a.b.example.test", "*.*.example.test"),
            {.names = "DNS:*.*.example.test"}},
        {"example.test", OTHER("example.test", "*.test"), {.names = "DNS:*.test"}},
        {"test", OTHER("test", "*"), {.names = "DNS:*"}},
        /* addresses */
        {"127.0.0.1", NULL, {.names = "IP:127.0.0.1"}},
        {"[::1]", NULL, {.names = "IP:::1"}},
        {"[0:0:0:0:0:0:0:1]", NULL, {.names = "IP:::1"}},
        {"127.0.0.1", OTHER("127.0.0.1", "127.0.0.2"), {.names = "IP:127.0.0.2"}},
        {"127.0.0.1", OTHER("127.0.0.1", "127.0.0.1"), {.names = "DNS:127.0.0.1"}},
        {"127.0.0.1", OTHER("127.0.0.1", "*.0.0.1"), {.names = "DNS:*.0.0.1"}},
        {"[::1]", OTHER("::1", "127.0.0.1"), {.names = "IP:127.0.0.1"}},
        /* time and use */
        {"example.test", "the certificate of example.test expired on 2021-03-04",
            {.until = "20210304000000Z"}},
        {"example.test", "the certificate of example.test is valid from 2098-03-04 on only",
            {.from = "20980304000000Z"}},
        {"example.test", NULL, {.usage = "serverAuth"}},
        {"example.test", NULL, {.usage = "clientAuth,serverAuth"}},
        {"example.test", "the certificate of example.test is not for a server", {.usage = "clientAuth"}},
        {"example.test", "the certificate of example.test is not for a server", {.usage = "codeSigning"}},
        {"example.test", "the certificate of example.test is self-signed and not among those trusted",
            {.self_signed = true}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_identity identity;
        test_pair pair;
        authority_issue(&authority, &cases[i].subject, &identity);
        meet(&pair, *state,
            &(tow_tls_settings){.server = true, .certificate = identity.certificate, .key = identity.key},
            &(tow_tls_settings){.roots = authority.pem}, cases[i].host);
        run_until(*state, is_decided, &pair);
        expect(&pair.client, cases[i].host, cases[i].text);
        pair_close(&pair);
        identity_clear(&identity);
    }
}

static void a_client_is_known_by_its_certificate(void **state) {
    static const struct {
        const char *text;
        test_subject subject;
    } cases[] = {
        {NULL, {.name = "a client", .names = ""}},
        {NULL, {.name = "a client", .usage = "clientAuth"}},
        {"the client's certificate (a client) is not for a client",
            {.name = "a client", .usage = "serverAuth"}},
        {"the client's certificate (a client) expired on 2021-03-04",
            {.name = "a client", .until = "20210304000000Z"}},
        {"the client's certificate (a client) is valid from 2098-03-04 on only",
            {.name = "a client", .from = "20980304000000Z"}},
        {"the client's certificate (a client) is self-signed and not among those trusted",
            {.name = "a client", .self_signed = true}},
    };
    test_identity own;
    authority_issue(&authority, &(test_subject){0}, &own);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_identity identity;
        test_pair pair;
        authority_issue(&authority, &cases[i].subject, &identity);
        meet(&pair, *state,
            &(tow_tls_settings){
                .server = true, .certificate = own.certificate, .key = own.key, .roots = authority.pem},
            &(tow_tls_settings){
                .roots = authority.pem, .certificate = identity.certificate, .key = identity.key},
            "example.test");
        run_until(*state, is_decided, &pair);
        expect(&pair.server, "a client", cases[i].text);
        pair_close(&pair);
        identity_clear(&identity);
    }
    identity_clear(&own);
}

/* Whoever is named is trusted, also without the one above: and nobody else. */
static void an_authority_below_a_root_may_be_trusted(void **state) {
    test_authority between;
    authority_make_below(&between, "Between", &authority);
    test_identity own, client, revoked;
    authority_issue(&between, &(test_subject){0}, &own);
    authority_issue(&between, &(test_subject){.name = "a client"}, &client);
    authority_issue(&between, &(test_subject){.name = "revoked"}, &revoked);
    char *list = authority_revoke(&between, &revoked);
    const struct {
        const test_identity *client;
        const char *roots, *revoked, *text;
    } cases[] = {
        {&client, between.pem, NULL, NULL},
        {&client, between.pem, list, NULL},
        {&client, own.certificate, NULL,
            "the certificate of the authority Between is signed by an authority that is not trusted: "
            "Test Authority"},
        {&client, authority.pem, NULL, NULL},
        {&client, client.certificate, NULL, NULL},
        {&revoked, between.pem, list, "the client's certificate (revoked) was revoked"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_pair pair;
        meet(&pair, *state,
            &(tow_tls_settings){.server = true,
                .certificate = own.certificate,
                .key = own.key,
                .roots = cases[i].roots,
                .revoked = cases[i].revoked},
            &(tow_tls_settings){.roots = between.pem,
                .certificate = cases[i].client->certificate,
                .key = cases[i].client->key},
            "example.test");
        run_until(*state, is_decided, &pair);
        expect(&pair.server, "a client", cases[i].text);
        assert_int_equal(pair.client.errors > 0, false);
        pair_close(&pair);
    }
    free(list);
    identity_clear(&own);
    identity_clear(&client);
    identity_clear(&revoked);
    authority_clear(&between);
}

static void what_is_wrong_with_a_text_names_its_file(void **state) {
    (void)state;
    test_identity own;
    authority_issue(&authority, &(test_subject){0}, &own);
    static const tow_tls_files files = {"cert.pem", "key.pem", "roots.pem", "list.pem"};
    const struct {
        tow_tls_settings settings;
        const char *beginning;
    } cases[] = {
        {{.certificate = "x", .key = own.key}, "cert.pem: this is not a certificate in PEM"},
        {{.certificate = own.certificate}, "cert.pem: a certificate needs its key"},
        {{.certificate = own.certificate, .key = "x"}, "key.pem: this is not the certificate's key in PEM"},
        {{.roots = "x"}, "roots.pem: the authorities are not certificates in PEM"},
        {{.revoked = "x"}, "list.pem: this is not a list of revoked certificates"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[TOW_TLS_TEXT_MAX];
        tow_tls_context *context;
        tow_tls_settings settings = cases[i].settings;
        settings.files = files;
        assert_int_equal(tow_tls_context_new(&context, &settings, why), TOW_ERROR_CERTIFICATE);
        assert_memory_equal(why, cases[i].beginning, strlen(cases[i].beginning));
    }
    identity_clear(&own);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(a_server_is_known_by_its_certificate),
        ON_EACH_LOOP(a_client_is_known_by_its_certificate),
        ON_EACH_LOOP(an_authority_below_a_root_may_be_trusted),
        cmocka_unit_test(what_is_wrong_with_a_text_names_its_file),
    };
    return cmocka_run_group_tests(tests, make_authority, clear_authority);
}
