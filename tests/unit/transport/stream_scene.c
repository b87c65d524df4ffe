#include "stream_scene.h"

typedef struct expectation {
    const test_end *end;
    size_t bytes;
} expectation;

static bool has_received(void *argument) {
    const expectation *expected = argument;
    return expected->end->received.length >= expected->bytes;
}

void receive_on(each_loop *each, const test_end *end, size_t bytes) {
    run_until(each, has_received, &(expectation){end, bytes});
}

void receive(test_pair *pair, const test_end *end, size_t bytes) {
    receive_on(pair->each, end, bytes);
}

bool has_ended(void *argument) {
    return ((test_end *)argument)->ended > 0;
}

bool has_failed(void *argument) {
    return ((test_end *)argument)->errors > 0;
}

bool is_closed(void *argument) {
    return ((test_end *)argument)->closed > 0;
}

bool is_blocked(void *argument) {
    return tow_stream_is_blocked(&((test_end *)argument)->stream);
}

void fill_until_blocked(test_pair *pair, test_end *end) {
    static uint8_t bytes[64 * 1024];
    size_t sent = 0;
    while (!is_blocked(end)) {
        fill_pattern(bytes, sizeof(bytes), sent);
        sent += sizeof(bytes);
        end_send(end, bytes, sizeof(bytes));
        tow_stream_flush(&end->stream);
        run_for(pair->each, TOW_MILLISECOND);
        assert_true(sent < 256 * 1024 * 1024);
    }
    end->late_reads = (int)(sent / sizeof(bytes)); /* how many were sent */
}

int use_tls_inside_of_tls(void **state) {
    pair_open_stacks_tls(true);
    return pairs_speak_tls(state);
}

int use_no_tls_any_more(void **state) {
    pair_open_stacks_tls(false);
    return pairs_speak_plainly(state);
}
