#include "../unit.h"

#include "exchange_fake.h"
#include "handler/respond.h"

#include <towline/error.h>

static const tow_handler_place nowhere = {0};

static tow_exchange ask(const tow_respond_settings *settings, const char *method) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_handler handler;
    tow_request request;
    tow_exchange exchange = {.piece = 4096, .is_head = strcmp(method, "HEAD") == 0};
    assert_int_equal(tow_respond_kind.make(&handler, settings, &nowhere, why), 0);
    fake_request_init(&request, handler.user, method, "/", NULL);
    handler.on_request(&exchange, &request);
    assert_int_equal(exchange.answers, 1);
    tow_respond_kind.free(handler.user);
    return exchange;
}

static void every_method_gets_the_same_answer(void **state) {
    (void)state;
    static const char *const fields[] = {"X-One: 1", "X-Two:2", NULL};
    const tow_respond_settings settings = {
        .status = 410, .type = "text/html", .body = "<p>gone", .fields = fields};
    static const char *const methods[] = {"GET", "POST", "DELETE"};
    for (size_t i = 0; i < 3; i++) {
        tow_exchange exchange = ask(&settings, methods[i]);
        assert_int_equal(exchange.status, 410);
        assert_string_equal(exchange.type, "text/html");
        assert_int_equal(exchange.body.length, 7);
        assert_memory_equal(exchange.body.data, "<p>gone", 7);
        assert_string_equal(fake_field(&exchange, "X-One"), "1");
        assert_string_equal(fake_field(&exchange, "X-Two"), "2");
        fake_exchange_clear(&exchange);
    }
}

static void a_body_is_plain_text_unless_its_type_is_said(void **state) {
    (void)state;
    tow_exchange exchange = ask(&(tow_respond_settings){.status = 200, .body = "ok"}, "GET");
    assert_string_equal(exchange.type, "text/plain; charset=utf-8");
    fake_exchange_clear(&exchange);
    exchange = ask(&(tow_respond_settings){.status = 204}, "GET");
    assert_string_equal(exchange.type, "");
    assert_int_equal(exchange.body.length, 0);
    fake_exchange_clear(&exchange);
}

static const tow_option *row(const char *name) {
    const tow_option *option = tow_respond_kind.options;
    while (strcmp(option->name, name) != 0)
        option++;
    return option;
}

static void fields_that_an_answer_may_not_have_are_refused(void **state) {
    (void)state;
    static const char *const right[] = {"A: b", "A:b", "A:", "X-A: b: c"};
    static const char *const wrong[] = {
        "", "A", ": b", "A b: c", "A: b\r\nC: d", "Content-Length: 3", "connection: close"};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_int_equal(row("fields")->check(right[i]), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(row("fields")->check(wrong[i]), TOW_ERROR_ARGUMENT);
    assert_int_equal(row("type")->check("application/json"), 0);
    assert_int_equal(row("type")->check(""), TOW_ERROR_ARGUMENT);
    assert_int_equal(row("type")->check("a\nb"), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_gets_the_same_answer),
        cmocka_unit_test(a_body_is_plain_text_unless_its_type_is_said),
        cmocka_unit_test(fields_that_an_answer_may_not_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
