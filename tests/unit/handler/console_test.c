#include "../unit.h"

#include "exchange_fake.h"
#include "handler/console.h"

#include <openssl/evp.h>

static tow_exchange ask(const char *method) {
    tow_request request;
    tow_exchange exchange = {.piece = 4096, .is_head = strcmp(method, "HEAD") == 0};
    fake_request_init(&request, NULL, method, "/.console", NULL);
    tow_console_handler().on_request(&exchange, &request);
    assert_int_equal(exchange.answers, 1);
    return exchange;
}

/* The page, ended by a zero; the caller clears the exchange. */
static const char *page_of(tow_exchange *exchange) {
    assert_int_equal(tow_buffer_append(&exchange->body, "", 1), 0);
    return (const char *)exchange->body.data;
}

static void the_page_is_html(void **state) {
    (void)state;
    tow_exchange exchange = ask("GET");
    assert_int_equal(exchange.status, 200);
    assert_string_equal(exchange.type, "text/html; charset=utf-8");
    assert_int_equal(exchange.body.length, exchange.length);
    assert_non_null(strstr(page_of(&exchange), "</html>"));
    assert_string_equal(fake_field(&exchange, "X-Content-Type-Options"), "nosniff");
    fake_exchange_clear(&exchange);
}

static void head_has_no_body(void **state) {
    (void)state;
    tow_exchange exchange = ask("HEAD");
    assert_int_equal(exchange.status, 200);
    assert_int_equal(exchange.body.length, 0);
    fake_exchange_clear(&exchange);
}

static void other_methods_are_refused(void **state) {
    (void)state;
    tow_exchange exchange = ask("POST");
    assert_int_equal(exchange.status, 405);
    assert_string_equal(fake_field(&exchange, "Allow"), "GET, HEAD");
    fake_exchange_clear(&exchange);
}

/* "'sha256-…'" of what stands between <tag> and </tag>, as a policy has it. */
static void hash_source(const char *page, const char *tag, char out[64]) {
    char open[16];
    char close[16];
    unsigned char digest[32];
    snprintf(open, sizeof(open), "<%s>", tag);
    snprintf(close, sizeof(close), "</%s>", tag);
    const char *begin = strstr(page, open);
    assert_non_null(begin);
    begin += strlen(open);
    const char *end = strstr(begin, close);
    assert_non_null(end);
    assert_null(strstr(end, open)); /* there is one */
    assert_int_equal(EVP_Digest(begin, (size_t)(end - begin), digest, NULL, EVP_sha256(), NULL), 1);
    strcpy(out, "'sha256-");
    EVP_EncodeBlock((unsigned char *)out + 8, digest, sizeof(digest));
    strcat(out, "'");
}

static void the_policy_allows_the_page_itself_and_no_more(void **state) {
    (void)state;
    char script[64];
    char style[64];
    char expected[512];
    tow_exchange exchange = ask("GET");
    const char *page = page_of(&exchange);
    hash_source(page, "script", script);
    hash_source(page, "style", style);
    snprintf(expected, sizeof(expected),
        "default-src 'none'; script-src %s; style-src %s; img-src data:; connect-src 'self' ws: wss:; "
        "base-uri "
        "'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        script, style);
    assert_string_equal(fake_field(&exchange, "Content-Security-Policy"), expected);
    fake_exchange_clear(&exchange);
}

/* It is whole as it is; what it asks its own server for, the policy says. */
static void the_page_loads_nothing(void **state) {
    (void)state;
    tow_exchange exchange = ask("GET");
    const char *page = page_of(&exchange);
    static const char *const outside[] = {
        "src=", "@import", "url(", "href=\"http", "href=\"/", " style=", " onclick="};
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        assert_null(strstr(page, outside[i]));
    fake_exchange_clear(&exchange);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_html),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(other_methods_are_refused),
        cmocka_unit_test(the_policy_allows_the_page_itself_and_no_more),
        cmocka_unit_test(the_page_loads_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
