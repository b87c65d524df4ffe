#include "../unit.h"

#include "protocol/compression.h"

#include <towline/error.h>

#define FIELD "Sec-WebSocket-Extensions"

static const tow_compression_settings takeover = {
    .enabled = true, .server_takeover = true, .client_takeover = true};
static const tow_compression_settings shared = {.enabled = true};

typedef struct result {
    int error;
    tow_compression_agreement agreement;
    char text[TOW_COMPRESSION_TEXT_MAX];
} result;

static result accept_offers(const tow_compression_settings *settings, const char *value) {
    tow_field field = {tow_slice_from(FIELD), tow_slice_from(value)};
    result got;
    tow_compression_accept(settings, &field, 1, &got.agreement, got.text);
    return got;
}

static result check_answer(const tow_compression_settings *settings, const char *value) {
    tow_field field = {tow_slice_from(FIELD), tow_slice_from(value)};
    result got = {.agreement = {.server_max_window_bits = 99}};
    got.error = tow_compression_check(settings, &field, 1, &got.agreement);
    tow_compression_text(&got.agreement, got.text);
    return got;
}

static void assert_accepted(
    const tow_compression_settings *settings, const char *offers, const char *response) {
    result got = accept_offers(settings, offers);
    assert_string_equal(got.text, response);
    assert_int_equal(got.agreement.enabled, response[0] != '\0');
}

static void assert_agreement(const tow_compression_agreement *got, bool server_none, bool client_none,
    int server_bits, int client_bits) {
    assert_true(got->enabled);
    assert_int_equal(got->server_no_context_takeover, server_none);
    assert_int_equal(got->client_no_context_takeover, client_none);
    assert_int_equal(got->server_max_window_bits, server_bits);
    assert_int_equal(got->client_max_window_bits, client_bits);
}

static void a_plain_offer_is_accepted_plainly(void **state) {
    (void)state;
    assert_accepted(&takeover, "permessage-deflate", "permessage-deflate");
    result got = accept_offers(&takeover, "permessage-deflate");
    assert_agreement(&got.agreement, false, false, 15, 15);
}

static void compression_that_is_off_is_neither_accepted_nor_offered(void **state) {
    (void)state;
    static const tow_compression_settings off = {0};
    assert_accepted(&off, "permessage-deflate", "");
    char text[TOW_COMPRESSION_TEXT_MAX] = "x";
    tow_compression_offer(&off, text);
    assert_string_equal(text, "");
    tow_compression_text(&(tow_compression_agreement){0}, text);
    assert_string_equal(text, "");
    assert_int_equal(check_answer(&off, "permessage-deflate").error, TOW_ERROR_HANDSHAKE_EXTENSION);
}

static void without_the_field_nothing_is_agreed(void **state) {
    (void)state;
    result got;
    tow_compression_accept(&takeover, NULL, 0, &got.agreement, got.text);
    assert_false(got.agreement.enabled);
    assert_string_equal(got.text, "");
    assert_int_equal(tow_compression_check(&takeover, NULL, 0, &got.agreement), 0);
    assert_false(got.agreement.enabled);
}

static void a_server_without_takeover_says_so_for_each_side(void **state) {
    (void)state;
    assert_accepted(&shared, "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    tow_compression_settings one = takeover;
    one.server_takeover = false;
    assert_accepted(&one, "permessage-deflate", "permessage-deflate; server_no_context_takeover");
    one = takeover;
    one.client_takeover = false;
    assert_accepted(&one, "permessage-deflate", "permessage-deflate; client_no_context_takeover");
}

static void a_client_without_takeover_is_heeded_for_each_side(void **state) {
    (void)state;
    assert_accepted(&takeover, "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover");
    assert_accepted(&takeover, "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; client_no_context_takeover");
    result got = accept_offers(&takeover, "permessage-deflate; client_no_context_takeover");
    assert_agreement(&got.agreement, false, true, 15, 15);
}

static void the_smaller_of_both_server_windows_is_agreed(void **state) {
    (void)state;
    for (int ours = 8; ours <= 15; ours++) {
        for (int theirs = 8; theirs <= 15; theirs++) {
            tow_compression_settings settings = takeover;
            settings.server_max_window_bits = (uint8_t)ours;
            char offer[100];
            snprintf(offer, sizeof(offer), "permessage-deflate; server_max_window_bits=%d", theirs);
            result got = accept_offers(&settings, offer);
            int agreed = ours < theirs ? ours : theirs;
            assert_agreement(&got.agreement, false, false, agreed, 15);
            snprintf(offer, sizeof(offer), "permessage-deflate; server_max_window_bits=%d", agreed);
            assert_string_equal(got.text, offer);
        }
    }
}

static void a_server_window_that_was_not_asked_for_is_told(void **state) {
    (void)state;
    tow_compression_settings settings = takeover;
    settings.server_max_window_bits = 9;
    assert_accepted(&settings, "permessage-deflate", "permessage-deflate; server_max_window_bits=9");
    settings.server_max_window_bits = 15;
    assert_accepted(&settings, "permessage-deflate", "permessage-deflate");
}

static void the_smaller_of_both_client_windows_is_agreed(void **state) {
    (void)state;
    for (int ours = 8; ours <= 15; ours++) {
        for (int theirs = 8; theirs <= 16; theirs++) { /* 16 stands for no value */
            tow_compression_settings settings = takeover;
            settings.client_max_window_bits = (uint8_t)ours;
            char offer[100] = "permessage-deflate; client_max_window_bits";
            if (theirs < 16)
                snprintf(offer, sizeof(offer), "permessage-deflate; client_max_window_bits=%d", theirs);
            result got = accept_offers(&settings, offer);
            int agreed = ours < theirs ? ours : theirs;
            assert_agreement(&got.agreement, false, false, 15, agreed);
            if (agreed < 15)
                snprintf(offer, sizeof(offer), "permessage-deflate; client_max_window_bits=%d", agreed);
            assert_string_equal(got.text, agreed < 15 ? offer : "permessage-deflate");
        }
    }
}

static void a_client_window_is_never_asked_of_one_that_does_not_know_it(void **state) {
    (void)state;
    tow_compression_settings settings = takeover;
    settings.client_max_window_bits = 10;
    assert_accepted(&settings, "permessage-deflate", "");
    assert_accepted(&settings, "permessage-deflate, permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=10");
}

static void the_first_offer_that_can_be_accepted_wins(void **state) {
    (void)state;
    assert_accepted(&takeover,
        "x-webkit-deflate-frame, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10, "
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=10");
    tow_field fields[] = {
        {tow_slice_from(FIELD), tow_slice_from("permessage-deflate; server_max_window_bits=7")},
        {tow_slice_from("Host"), tow_slice_from("x")},
        {tow_slice_from("sec-websocket-extensions"),
            tow_slice_from("foo, permessage-deflate; client_max_window_bits=9")},
    };
    result got;
    tow_compression_accept(&takeover, fields, 3, &got.agreement, got.text);
    assert_string_equal(got.text, "permessage-deflate; client_max_window_bits=9");
}

/* Parameters that are wrong in an offer as well as in a response. */
static const char *const malformed[] = {
    "permessage-deflate; unknown",
    "permessage-deflate; server_max_window_bits=10; unknown=1",
    "permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER",
    "permessage-deflate; server_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover=\"1\"",
    "permessage-deflate; client_no_context_takeover=1",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
    "permessage-deflate; client_max_window_bits=10; client_max_window_bits",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=0",
    "permessage-deflate; server_max_window_bits=08",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; server_max_window_bits=1",
    "permessage-deflate; server_max_window_bits=100",
    "permessage-deflate; server_max_window_bits=1a",
    "permessage-deflate; server_max_window_bits=+9",
    "permessage-deflate; server_max_window_bits=-9",
    "permessage-deflate; server_max_window_bits=9.0",
    "permessage-deflate; server_max_window_bits=4294967305",
    "permessage-deflate; server_max_window_bits=\"16\"",
    "permessage-deflate; server_max_window_bits=\"\"",
    "permessage-deflate; server_max_window_bits=\" 9\"",
    "permessage-deflate; server_max_window_bits=",
    "permessage-deflate; client_max_window_bits=",
    "permessage-deflate; client_max_window_bits=7",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=09",
    "permessage-deflate; client_max_window_bits=\"1",
    "permessage-deflate;",
    "permessage-deflate;; server_no_context_takeover",
    "permessage-deflate server_no_context_takeover",
    "permessage-deflate=1",
    "Permessage-Deflate",
    "permessage-deflate2",
    "\"permessage-deflate\"",
    "permessage-bzip2",
    "",
};
enum { MALFORMED = sizeof(malformed) / sizeof(malformed[0]) };

static void a_malformed_offer_is_passed_over(void **state) {
    (void)state;
    for (size_t i = 0; i < MALFORMED; i++) {
        assert_accepted(&takeover, malformed[i], "");
        if (strchr(malformed[i], '"') != NULL) /* an open quotation takes the rest of the field */
            continue;
        char offers[200];
        snprintf(offers, sizeof(offers), "%s, permessage-deflate", malformed[i]);
        assert_accepted(&takeover, offers, "permessage-deflate");
    }
}

static void values_may_be_quoted(void **state) {
    (void)state;
    assert_accepted(&takeover, "permessage-deflate; server_max_window_bits=\"10\"",
        "permessage-deflate; server_max_window_bits=10");
    assert_accepted(&takeover,
        "permessage-deflate; server_max_window_bits=\"1\\0\"; client_max_window_bits=\"8\"",
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=8");
    assert_int_equal(check_answer(&takeover, "permessage-deflate; server_max_window_bits=\"9\"").error, 0);
}

static void the_longest_response_fits(void **state) {
    (void)state;
    tow_compression_settings settings = {
        .enabled = true, .server_max_window_bits = 10, .client_max_window_bits = 10};
    assert_accepted(&settings, "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=10; "
        "client_max_window_bits=10");
}

static void a_client_offers_what_it_wants(void **state) {
    (void)state;
    char text[TOW_COMPRESSION_TEXT_MAX];
    tow_compression_offer(&takeover, text);
    assert_string_equal(text, "permessage-deflate; client_max_window_bits");
    tow_compression_settings settings = {
        .enabled = true, .server_max_window_bits = 8, .client_max_window_bits = 12};
    tow_compression_offer(&settings, text);
    assert_string_equal(text, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                              "server_max_window_bits=8; client_max_window_bits=12");
}

static void an_answer_in_order_is_agreed(void **state) {
    (void)state;
    result got = check_answer(&takeover, "permessage-deflate");
    assert_int_equal(got.error, 0);
    assert_agreement(&got.agreement, false, false, 15, 15);
    got =
        check_answer(&takeover, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                                "server_max_window_bits=8; client_max_window_bits=10");
    assert_int_equal(got.error, 0);
    assert_agreement(&got.agreement, true, true, 8, 10);
    assert_string_equal(got.text,
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=8; client_max_window_bits=10");
}

static void a_malformed_answer_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < MALFORMED; i++) {
        result got = check_answer(&takeover, malformed[i]);
        assert_int_equal(got.error, TOW_ERROR_HANDSHAKE_EXTENSION);
        assert_int_equal(got.agreement.server_max_window_bits, 99);
    }
    /* Without a value it is right in an offer only. */
    assert_int_equal(check_answer(&takeover, "permessage-deflate; client_max_window_bits").error,
        TOW_ERROR_HANDSHAKE_EXTENSION);
}

static void anything_twice_in_an_answer_is_refused(void **state) {
    (void)state;
    assert_int_equal(check_answer(&takeover, "permessage-deflate, permessage-deflate").error,
        TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&takeover, "permessage-deflate, x").error, TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&takeover, "x").error, TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&takeover, ",").error, TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&takeover, ",permessage-deflate,").error, 0);
}

static void an_answer_that_leaves_out_what_was_asked_is_refused(void **state) {
    (void)state;
    assert_int_equal(check_answer(&shared, "permessage-deflate").error, TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&shared, "permessage-deflate; server_no_context_takeover").error, 0);
    tow_compression_settings settings = takeover;
    settings.server_max_window_bits = 10;
    assert_int_equal(check_answer(&settings, "permessage-deflate").error, TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&settings, "permessage-deflate; server_max_window_bits=11").error,
        TOW_ERROR_HANDSHAKE_EXTENSION);
    assert_int_equal(check_answer(&settings, "permessage-deflate; server_max_window_bits=10").error, 0);
    assert_int_equal(check_answer(&settings, "permessage-deflate; server_max_window_bits=9").error, 0);
}

static void what_a_client_said_of_itself_holds(void **state) {
    (void)state;
    tow_compression_settings settings = takeover;
    settings.client_takeover = false;
    settings.client_max_window_bits = 10;
    result got = check_answer(&settings, "permessage-deflate");
    assert_int_equal(got.error, 0);
    assert_agreement(&got.agreement, false, true, 15, 10);
    assert_int_equal(check_answer(&settings, "permessage-deflate; client_max_window_bits=11").error,
        TOW_ERROR_HANDSHAKE_EXTENSION);
    got = check_answer(&settings, "permessage-deflate; client_max_window_bits=9");
    assert_agreement(&got.agreement, false, true, 15, 9);
}

/* All settings of both sides: the client takes every answer of the server, and they agree. */
static void both_roles_agree(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 16 * 9 * 9; bits++) {
        tow_compression_settings server = {
            .enabled = true, .server_takeover = bits & 1, .client_takeover = bits & 2};
        tow_compression_settings client = {
            .enabled = true, .server_takeover = bits & 4, .client_takeover = bits & 8};
        unsigned windows = bits / 16;
        server.server_max_window_bits = client.client_max_window_bits =
            (uint8_t)(windows % 9 == 0 ? 0 : 7 + windows % 9);
        client.server_max_window_bits = server.client_max_window_bits =
            (uint8_t)(windows / 9 == 0 ? 0 : 7 + windows / 9);
        char offer[TOW_COMPRESSION_TEXT_MAX];
        tow_compression_offer(&client, offer);
        result accepted = accept_offers(&server, offer);
        assert_true(accepted.agreement.enabled);
        result checked = check_answer(&client, accepted.text);
        assert_int_equal(checked.error, 0);
        assert_memory_equal(&checked.agreement, &accepted.agreement, sizeof(checked.agreement));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_offer_is_accepted_plainly),
        cmocka_unit_test(compression_that_is_off_is_neither_accepted_nor_offered),
        cmocka_unit_test(without_the_field_nothing_is_agreed),
        cmocka_unit_test(a_server_without_takeover_says_so_for_each_side),
        cmocka_unit_test(a_client_without_takeover_is_heeded_for_each_side),
        cmocka_unit_test(the_smaller_of_both_server_windows_is_agreed),
        cmocka_unit_test(a_server_window_that_was_not_asked_for_is_told),
        cmocka_unit_test(the_smaller_of_both_client_windows_is_agreed),
        cmocka_unit_test(a_client_window_is_never_asked_of_one_that_does_not_know_it),
        cmocka_unit_test(the_first_offer_that_can_be_accepted_wins),
        cmocka_unit_test(a_malformed_offer_is_passed_over),
        cmocka_unit_test(values_may_be_quoted),
        cmocka_unit_test(the_longest_response_fits),
        cmocka_unit_test(a_client_offers_what_it_wants),
        cmocka_unit_test(an_answer_in_order_is_agreed),
        cmocka_unit_test(a_malformed_answer_is_refused),
        cmocka_unit_test(anything_twice_in_an_answer_is_refused),
        cmocka_unit_test(an_answer_that_leaves_out_what_was_asked_is_refused),
        cmocka_unit_test(what_a_client_said_of_itself_holds),
        cmocka_unit_test(both_roles_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
