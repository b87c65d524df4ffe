/* A write over TLS in whose midst OpenSSL finds no memory: it says what was taken, as that may have left. */
#include "authority.h"
#include "each_loop.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { LENGTH = 1024 * 1024, STEP = 5 };

/* How many more of OpenSSL's allocations succeed; negative: all. */
static int allocations_left = -1;

static bool may_allocate(void) {
    if (allocations_left < 0)
        return true;
    if (allocations_left == 0)
        return false;
    allocations_left--;
    return true;
}

static void *allocate(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return may_allocate() ? malloc(size) : NULL;
}

static void *reallocate(void *memory, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return may_allocate() ? realloc(memory, size) : NULL;
}

static void release(void *memory, const char *file, int line) {
    (void)file, (void)line;
    free(memory);
}

static uint8_t bytes[LENGTH];

static int failed_in_their_midst;

static void write_without_memory(each_loop *each, int allocations) {
    test_pair pair;
    struct iovec piece = {bytes, LENGTH};
    pair_open(&pair, each);
    pair.server.close_at_end = true;
    allocations_left = allocations;
    ssize_t taken = tow_stream_write(&pair.client.stream, &piece, 1);
    allocations_left = -1;
    run_for(each, 20 * TOW_MILLISECOND);
    size_t most = taken > 0 ? (size_t)taken : 0;
    assert_true(pair.server.received.length <= most);
    assert_pattern(pair.server.received.data, pair.server.received.length);
    assert_int_equal(taken < 0, allocations == 0);
    assert_true(taken > 0 || pair.client.errors == 1);
    failed_in_their_midst += taken > 0 && pair.client.errors == 1;
    pair_close(&pair);
}

static void a_write_that_fails_in_its_midst_tells_what_was_taken(void **state) {
    fill_pattern(bytes, LENGTH, 0);
    failed_in_their_midst = 0;
    for (int allocations = 0; allocations < 40 * STEP; allocations += STEP)
        write_without_memory(*state, allocations);
    assert_true(failed_in_their_midst > 0);
}

int main(void) {
    if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
        return 1;
    const struct CMUnitTest tests[] = {ON_EACH_LOOP(a_write_that_fails_in_its_midst_tells_what_was_taken)};
    return cmocka_run_group_tests(tests, pairs_speak_tls, pairs_speak_plainly);
}
