#include "../unit.h"

#include "option_table.h"
#include "service_rules.h"

static void judged(const char *text, const char *const *words) {
    tow_options options;
    char error[TOW_OPTIONS_ERROR_MAX];
    assert_int_equal(tow_options_init(&options, &tow_serve_command), 0);
    assert_int_equal(tow_options_take_words(&options, words, error), TOW_OPTIONS_RUN);
    char said[TOW_OPTIONS_ERROR_MAX] = "nothing is said";
    assert_int_equal(tow_service_contradicts(&options, options.settings, said), text != NULL);
    if (text != NULL && strncmp(said, text, strlen(text)) != 0)
        fail_msg("%s: %s", text, said);
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
    TAKEN("--max-queue", "off", "--overflow", "close"); /* as it would be anyway */
    REFUSED("--low-mark: ", "--low-mark", "1K", "--high-mark", "off");
    REFUSED("--low-mark: ", "--low-mark", "2K", "--high-mark", "1K");
    REFUSED("--low-mark: ", "--low-mark", "257K");
    REFUSED("--low-mark: ", "--low-mark", "1K", "--high-mark", "1K");
    TAKEN("--low-mark", "1023", "--high-mark", "1K");
    REFUSED("--message-rate: ", "--message-rate", "2K", "--message-seconds", "off");
    TAKEN("--message-seconds", "off");
    REFUSED("--compression-min: ", "--compression", "off", "--compression-min", "1K");
    REFUSED("--compression-max: ", "--compression", "off", "--compression-max", "1M");
    TAKEN("--compression", "off");
    REFUSED("--sockjs-half-made: ", "--no-sockjs", "--sockjs-half-made", "5");
    TAKEN("--sockjs-half-made", "5");
    REFUSED("--aliases: ", "-m", "file");
    REFUSED("--scan: ", "-s", "folder");
    REFUSED("--allow-handlers-outside: ", "--allow-handlers-outside");
    REFUSED("--dev: ", "--dev");
    TAKEN("-w", "folder", "-m", "file", "-s", "folder", "--dev");
}

static void what_stands_in_a_file_is_told_with_its_place(void **state) {
    (void)state;
    tow_options options;
    char error[TOW_OPTIONS_ERROR_MAX];
    const tow_option_source source = {.file = "a.yaml", .line = 3, .column = 5};
    assert_int_equal(tow_options_init(&options, &tow_serve_command), 0);
    assert_int_equal(tow_options_take(&options, "tls-redirect", "true", source, error), 0);
    assert_true(tow_service_contradicts(&options, options.settings, error));
    assert_string_equal(
        error, "a.yaml:3:5: tls-redirect: turn TLS on with --certificate FILE or --tls-self-signed");
    tow_options_clear(&options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_contradicts_is_told_by_its_name),
        cmocka_unit_test(what_means_nothing_is_refused),
        cmocka_unit_test(what_stands_in_a_file_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
