/* Clients that begin a TLS handshake at once: in one round some are served, and the others wait for later
 * ones. */
#include "authority.h"
#include "each_loop.h"

#include "../../../src/transport/loop_shared.h"
#include "../../../src/transport/tls_waiting.h"

enum { CROWD = 3 * TOW_TLS_ROUND };

static test_pair crowd[CROWD];

static const tow_tls_loop *shared_of(const each_loop *each) {
    return (const tow_tls_loop *)(const void *)each->loop->tls;
}

/* All begin at once. */
static void gather(each_loop *each) {
    test_authority authority;
    test_identity identity;
    authority_make(&authority, "Test Authority");
    authority_issue(&authority, &(test_subject){.names = "DNS:example.test"}, &identity);
    tow_tls_context *server = context_make(
        &(tow_tls_settings){.server = true, .certificate = identity.certificate, .key = identity.key});
    tow_tls_context *client = context_make(&(tow_tls_settings){.roots = authority.pem});
    identity_clear(&identity);
    authority_clear(&authority);
    for (int i = 0; i < CROWD; i++)
        pair_open(&crowd[i], each);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(tow_stream_start_tls(&crowd[i].server.stream, server, NULL), 0);
        assert_int_equal(tow_stream_start_tls(&crowd[i].client.stream, client, "example.test"), 0);
    }
    tow_tls_context_release(server);
    tow_tls_context_release(client);
}

static bool some_wait(void *argument) {
    return shared_of(argument)->waiting != NULL;
}

static bool all_are_open(void *argument) {
    int open = 0;
    assert_in_range(shared_of(argument)->begun, 0, TOW_TLS_ROUND);
    for (int i = 0; i < CROWD; i++)
        open += crowd[i].server.writable > 0 && crowd[i].client.writable > 0;
    return open == CROWD;
}

static bool hello_has_come(void *argument) {
    const tow_buffer *received = &((const test_pair *)argument)->server.received;
    return received->length == 5 && memcmp(received->data, "hello", 5) == 0;
}

static void a_crowd_of_handshakes_takes_several_rounds(void **state) {
    each_loop *each = *state;
    gather(each);
    run_until(each, some_wait, each);
    run_until(each, all_are_open, each);
    assert_null(shared_of(each)->waiting);
    for (int i = 0; i < CROWD; i++) {
        end_send(&crowd[i].client, "hello", 5);
        run_until(each, hello_has_come, &crowd[i]);
    }
    pairs_close(crowd, CROWD);
}

static void who_waits_for_a_handshake_may_close(void **state) {
    each_loop *each = *state;
    gather(each);
    run_until(each, some_wait, each);
    pairs_close(crowd, CROWD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EPOLL(a_crowd_of_handshakes_takes_several_rounds),
        IN_THE_SIMULATOR(a_crowd_of_handshakes_takes_several_rounds),
        ON_EPOLL(who_waits_for_a_handshake_may_close),
        IN_THE_SIMULATOR(who_waits_for_a_handshake_may_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
