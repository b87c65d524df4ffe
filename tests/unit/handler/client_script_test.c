#include "../unit.h"

#include "exchange_fake.h"
#include "handler/client_script.h"

#include <zlib.h>

enum { COMPRESSED_MAX = 4096, TEXT_MAX = 64 << 10 };

static tow_exchange ask(const char *method, const char *encodings) {
    tow_request request;
    tow_exchange exchange = {.piece = 4096, .is_head = strcmp(method, "HEAD") == 0};
    fake_request_init(&request, NULL, method, "/.towline.js",
        encodings != NULL ? (const tow_header_field[]){{"Accept-Encoding", encodings}, {0}} : NULL);
    tow_client_script_handler().on_request(&exchange, &request);
    assert_int_equal(exchange.answers, 1);
    return exchange;
}

static void the_module_is_for_pages_of_any_origin(void **state) {
    tow_exchange exchange = ask("GET", NULL);
    assert_int_equal(exchange.status, 200);
    assert_string_equal(exchange.type, "text/javascript; charset=utf-8");
    assert_string_equal(fake_field(&exchange, "Access-Control-Allow-Origin"), "*");
    assert_null(fake_field(&exchange, "Content-Encoding"));
    fake_exchange_clear(&exchange);
}

static void compressed_it_is_the_same_and_at_most_4_KiB(void **state) {
    static unsigned char text[TEXT_MAX];
    tow_exchange plain = ask("GET", "br"), exchange = ask("GET", "gzip, deflate, br");
    assert_string_equal(fake_field(&exchange, "Content-Encoding"), "gzip");
    assert_in_range(exchange.body.length, 1000, COMPRESSED_MAX);
    z_stream stream = {.next_in = exchange.body.data,
        .avail_in = (uInt)exchange.body.length,
        .next_out = text,
        .avail_out = sizeof(text)};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, plain.body.length);
    assert_memory_equal(text, plain.body.data, plain.body.length);
    inflateEnd(&stream);
    fake_exchange_clear(&exchange);
    fake_exchange_clear(&plain);
}

static void who_weighs_encodings_gets_the_text(void **state) {
    static const char *const encodings[] = {"gzip;q=0", "br;q=1, gzip;q=0.5", "x-gzip-9", ""};
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        tow_exchange exchange = ask("GET", encodings[i]);
        assert_null(fake_field(&exchange, "Content-Encoding"));
        fake_exchange_clear(&exchange);
    }
}

static void other_methods_are_refused(void **state) {
    tow_exchange exchange = ask("POST", NULL);
    assert_int_equal(exchange.status, 405);
    assert_string_equal(fake_field(&exchange, "Allow"), "GET, HEAD");
    fake_exchange_clear(&exchange);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_module_is_for_pages_of_any_origin),
        cmocka_unit_test(compressed_it_is_the_same_and_at_most_4_KiB),
        cmocka_unit_test(who_weighs_encodings_gets_the_text),
        cmocka_unit_test(other_methods_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
