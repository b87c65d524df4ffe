/* stream_scene: what tests of streams wait for, and how their groups run: plainly, over TLS, and over TLS
 * inside of TLS. */
#ifndef TOW_TESTS_STREAM_SCENE_H
#define TOW_TESTS_STREAM_SCENE_H

#include "each_loop.h"

/* Waits until the end has got so many bytes. */
void receive(test_pair *pair, const test_end *end, size_t bytes);
void receive_on(each_loop *each, const test_end *end, size_t bytes);

/* Of a test_end, for run_until. */
bool has_ended(void *end);
bool has_failed(void *end);
bool is_closed(void *end);
bool is_blocked(void *end);

/* Sends 64 KiB again and again; end->late_reads counts them. */
void fill_until_blocked(test_pair *pair, test_end *end);

/* Runs groups: the first plainly, the other, of which nothing is to be noticed, over TLS and over TLS inside
 * of TLS. Returns how many tests have failed. */
#define RUN_STREAM_GROUPS(plainly, over_tls)                                                                 \
    (cmocka_run_group_tests_name("plain", plainly, NULL, NULL) +                                             \
        cmocka_run_group_tests_name("over TLS", over_tls, pairs_speak_tls, pairs_speak_plainly) +            \
        cmocka_run_group_tests_name(                                                                         \
            "over TLS inside of TLS", over_tls, use_tls_inside_of_tls, use_no_tls_any_more))
int use_tls_inside_of_tls(void **state);
int use_no_tls_any_more(void **state);

#endif
