/* What a back end gets to see of a request that it decides on. */
#include "../../server/world.h"

#include "inquiry.h"

#include <stdlib.h>

static tow_header_field *seen;

static void look(tow_exchange *exchange, const tow_request *request) {
    seen = tow_inquiry_fields(request);
    tow_exchange_reject(exchange, 404, "looked at");
}

/* The fields that a request leads to; to be freed. */
static void ask(const char *text) {
    struct world world;
    struct peer peer;
    seen = NULL;
    world_make(&world, &(tow_simulation_options){.seed = 1}, &(tow_server_options){0});
    assert_int_equal(tow_server_route(world.server, "/*", &(tow_handler){.on_request = look}), 0);
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, text);
    peer_expect(&peer, "HTTP/1.1 404 ");
    peer_close(&peer);
    world_end(&world);
    assert_non_null(seen);
}

static int count_of(const char *name) {
    int count = 0;
    for (const tow_header_field *field = seen; field->name != NULL; field++)
        count += strcasecmp(field->name, name) == 0;
    return count;
}

static const char *value_of(const char *name) {
    for (const tow_header_field *field = seen; field->name != NULL; field++)
        if (strcasecmp(field->name, name) == 0)
            return field->value;
    return "";
}

static void fields_of_the_request_are_passed_on_repeated_ones_too(void **state) {
    (void)state;
    ask("GET /a HTTP/1.1\r\nHost: localhost\r\nCookie: k=v\r\nX-Mine: 1\r\nX-Mine: 2\r\nAuthorization: "
        "Bearer x\r\n\r\n");
    assert_string_equal(value_of("Cookie"), "k=v");
    assert_string_equal(value_of("Authorization"), "Bearer x");
    assert_int_equal(count_of("X-Mine"), 2);
    free(seen);
}

static void what_belongs_to_the_connection_and_the_body_stays_here(void **state) {
    (void)state;
    static const char *const left_out[] = {
        "Connection", "Keep-Alive", "Content-Length", "Expect", "TE", "Proxy-Authorization", "Host"};
    ask("POST /a HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: 1\r\nTE: "
        "trailers\r\nContent-Length: 0\r\nX-Stays: 1\r\n\r\n");
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (count_of(left_out[i]) != 0)
            fail_msg("%s is passed on", left_out[i]);
    assert_string_equal(value_of("X-Stays"), "1");
    free(seen);
}

static void what_is_asked_for_is_said_by_us_alone(void **state) {
    (void)state;
    ask("POST /a/b?c=d HTTP/1.1\r\nHost: localhost:9998\r\nX-Forwarded-Uri: /forged\r\nx-forwarded-for: "
        "1.2.3.4\r\nX-Forwarded-Method: PUT\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: "
        "https\r\nTowline-Event: forged\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(value_of("X-Forwarded-Uri"), "/a/b?c=d");
    assert_string_equal(value_of("X-Forwarded-Method"), "POST");
    assert_string_equal(value_of("X-Forwarded-Host"), "localhost:9998");
    assert_string_equal(value_of("X-Forwarded-Proto"), "http");
    assert_string_equal(value_of("X-Forwarded-For"), "127.0.0.1");
    static const char *const once[] = {
        "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For"};
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        assert_int_equal(count_of(once[i]), 1);
    assert_int_equal(count_of("Towline-Event"), 0);
    free(seen);
}

static void names_that_look_like_ours_stay_here(void **state) {
    (void)state;
    static const char *const left_out[] = {
        "X_Forwarded_For", "X-Forwarded_Uri", "Towline_Channel", "X.Forwarded.For"};
    ask("GET /a HTTP/1.1\r\nHost: localhost\r\nX_Forwarded_For: 1.2.3.4\r\nX-Forwarded_Uri: /forged\r\n"
        "Towline_Channel: forged\r\nX.Forwarded.For: 1.2.3.4\r\nX-Stays-2: 1\r\n\r\n");
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        assert_int_equal(count_of(left_out[i]), 0);
    assert_string_equal(value_of("X-Stays-2"), "1");
    free(seen);
}

static void lists_are_joined_in_their_order(void **state) {
    (void)state;
    static const tow_header_field own[] = {{"A", "1"}, {NULL, NULL}}, others[] = {{"B", "2"}, {NULL, NULL}};
    seen = tow_inquiry_join(own, others);
    assert_string_equal(seen[0].name, "A");
    assert_string_equal(seen[1].value, "2");
    assert_null(seen[2].name);
    free(seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_the_request_are_passed_on_repeated_ones_too),
        cmocka_unit_test(what_belongs_to_the_connection_and_the_body_stays_here),
        cmocka_unit_test(what_is_asked_for_is_said_by_us_alone),
        cmocka_unit_test(names_that_look_like_ours_stay_here),
        cmocka_unit_test(lists_are_joined_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
