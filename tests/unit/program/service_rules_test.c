#include "../unit.h"

#include "option_table.h"
#include "service_rules.h"

static void judged(const char *text, const char *const *words) {
    tow_options options;
    char error[TOW_OPTIONS_ERROR_MAX];
    assert_int_equal(tow_options_init(&options, &tow_serve_command), 0);
    assert_int_equal(tow_options_take_words(&options, words, error), TOW_OPTIONS_RUN);
    const char *said = tow_service_contradiction(&options, options.settings);
    if (text == NULL)
        assert_null(said);
    else if (said == NULL || strncmp(said, text, strlen(text)) != 0)
        fail_msg("%s: %s", text, said != NULL ? said : "nothing is said");
    tow_options_clear(&options);
}

#define REFUSED(text, ...) judged(text, (const char *const[]){__VA_ARGS__, NULL})
#define TAKEN(...) judged(NULL, (const char *const[]){__VA_ARGS__, NULL})

static void what_contradicts_is_told_by_its_name(void **state) {
    (void)state;
    judged(NULL, (const char *const[]){NULL});
    REFUSED("--tls: ", "--tls");
    REFUSED("--key: ", "--key", "a");
    REFUSED("--tls-self-signed: ", "--tls-self-signed", "-c", "a");
    REFUSED("--tls-client-crl: ", "--tls-client-crl", "a", "-c", "a");
    REFUSED("--tls-client-ca: ", "--tls-client-ca", "a");
    REFUSED("--tls-redirect: ", "--tls-redirect");
    REFUSED("--proxy-protocol: ", "--proxy-protocol");
    REFUSED("--overflow drop-oldest: ", "--overflow", "drop-oldest", "--compression", "takeover");
    TAKEN("--tls", "-c", "a", "-k", "b", "--tls-client-ca", "c", "--tls-client-crl", "d", "--tls-redirect");
    TAKEN("--tls", "--tls-self-signed");
    TAKEN("--proxy-protocol", "--trusted-proxy", "unix");
    TAKEN("--overflow", "drop-oldest");
}

static void what_means_nothing_is_refused(void **state) {
    (void)state;
    REFUSED("--server-host: ", "-H", "*", "-p", "localhost:80", "-p", "unix:/a");
    TAKEN("-H", "*");
    TAKEN("-H", "*", "-p", "localhost:80", "-p", "81");
    REFUSED("--overflow: ", "--overflow", "refuse", "--max-queue", "off");
    TAKEN("--max-queue", "off");
    REFUSED("--message-rate: ", "--message-rate", "2K", "--message-seconds", "off");
    TAKEN("--message-seconds", "off");
    REFUSED("--compression-min: ", "--compression", "off", "--compression-min", "1K");
    REFUSED("--compression-max: ", "--compression", "off", "--compression-max", "1M");
    TAKEN("--compression", "off");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_contradicts_is_told_by_its_name),
        cmocka_unit_test(what_means_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
