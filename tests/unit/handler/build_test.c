/* Building a native handler: what the compiler is told, and what is heard of it. The compiler is a script. */
#include "../transport/each_loop.h"
#include "folder.h"
#include "handler/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct outcome {
    int calls, status;
    char words[TOW_BUILD_WORDS_MAX + 1];
    size_t length;
} outcome;

static void on_built(void *user, int status, const char *words, size_t length) {
    outcome *built = user;
    built->calls++;
    built->status = status;
    built->length = length;
    assert_true(length <= TOW_BUILD_WORDS_MAX);
    memcpy(built->words, words, length);
    built->words[length] = '\0';
}

static bool is_built(void *argument) {
    return ((const outcome *)argument)->calls > 0;
}

/* Puts a script in the compiler's place. */
static void compiler_is(folder *made, const char *script) {
    folder_make(made);
    folder_add_file(made, "cc", script);
    assert_int_equal(chmod(folder_path(made, "cc"), 0700), 0);
    setenv("CC", folder_path(made, "cc"), 1);
}

static outcome *build(each_loop *each, const char *source, const char *output) {
    static outcome built;
    tow_build *started;
    built = (outcome){0};
    assert_int_equal(tow_build_start(&started, each->loop, NULL, source, output, on_built, &built), 0);
    assert_int_equal(built.calls, 0);
    run_until(each, is_built, &built);
    run_to_the_end(each);
    assert_int_equal(built.calls, 1);
    return &built;
}

static void the_compiler_gets_names_as_they_are_and_all_flags(void **state) {
    folder made;
    compiler_is(&made, "#!/bin/sh\nfor word; do echo \"<$word>\"; done\n");
    setenv("CFLAGS", "-DONE -DTWO", 1);
    const outcome *built = build(*state, "a 'b' $c.c", "a \"b\".so");
    assert_int_equal(built->status, 0);
    static const char *const words[] = {"<-shared>\n", "<-fPIC>\n", "<-DONE>\n<-DTWO>\n",
        "<-o>\n<a \"b\".so>\n<a 'b' $c.c>\n", "<-Wl,-z,defs>\n", "<-ltowline>\n"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(built->words, words[i]) == NULL)
            fail_msg("%s is not in %s", words[i], built->words);
    unsetenv("CFLAGS");
    folder_remove(&made);
}

static void what_it_says_and_its_status_are_told(void **state) {
    folder made;
    compiler_is(&made, "#!/bin/sh\necho one\necho two >&2\nexit 3\n");
    const outcome *built = build(*state, "a.c", "a.so");
    assert_int_equal(built->status, 3);
    assert_string_equal(built->words, "one\ntwo\n");
    folder_remove(&made);
    setenv("CC", "/no/such/compiler", 1);
    built = build(*state, "a.c", "a.so");
    assert_int_equal(built->status, 127);
    assert_non_null(strstr(built->words, "/no/such/compiler"));
}

static void of_too_many_words_the_rest_is_left_out(void **state) {
    folder made;
    compiler_is(&made, "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x\n");
    const outcome *built = build(*state, "a.c", "a.so");
    assert_int_equal(built->status, 0);
    assert_int_equal(built->length, TOW_BUILD_WORDS_MAX);
    folder_remove(&made);
}

static void a_build_that_is_cancelled_tells_nothing(void **state) {
    folder made;
    each_loop *each = *state;
    outcome *built = calloc(1, sizeof(*built));
    tow_build *started;
    compiler_is(&made, "#!/bin/sh\nexec sleep 1000\n");
    assert_int_equal(tow_build_start(&started, each->loop, NULL, "a.c", "a.so", on_built, built), 0);
    run_for(each, 20 * TOW_MILLISECOND);
    tow_build_cancel(started);
    run_to_the_end(each);
    assert_int_equal(built->calls, 0);
    assert_int_equal(tow_build_start(&started, each->loop, NULL, "a.c", "a.so", on_built, built), 0);
    tow_build_cancel(started); /* and its loop is freed */
    folder_remove(&made);
    tow_loop_free(each->loop);
    each->loop = NULL;
    assert_int_equal(built->calls, 0);
    free(built);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EPOLL(the_compiler_gets_names_as_they_are_and_all_flags),
        ON_EPOLL(what_it_says_and_its_status_are_told),
        ON_REAL_LOOPS(of_too_many_words_the_rest_is_left_out),
        ON_REAL_LOOPS(a_build_that_is_cancelled_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
