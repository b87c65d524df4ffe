/* Maps from tokens and paths to targets, and the targets themselves. */
#include "../unit.h"

#include "tunnel/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <unistd.h>

static tow_tunnel_map *map_of(const char *text) {
    char why[TOW_TUNNEL_MAP_TEXT_MAX];
    tow_tunnel_map *map = NULL;
    if (tow_tunnel_map_read(&map, text, strlen(text), why) != 0)
        fail_msg("not a map: %s", why);
    return map;
}

static void assert_leads(
    const tow_tunnel_map *map, const char *key, tow_tunnel_target_kind kind, const char *rest) {
    const tow_tunnel_target *target = tow_tunnel_map_find(map, key, strlen(key));
    assert_non_null(target);
    assert_int_equal(target->kind, kind);
    assert_string_equal(target->rest, rest);
}

static void tokens_and_paths_lead_to_targets(void **state) {
    tow_tunnel_map *map = map_of("# the desks\n"
                                 "desk1: tcp:10.0.0.5:5900\n"
                                 "\n"
                                 "  desk2 :\ttcp:[fe80::1]:5900  \r\n"
                                 "a:b: unix:/run/a: b\n"
                                 "/shell/x:y: exec:sh -c 'echo a: b'\n"
                                 "last: tcp:example.org:1");
    assert_int_equal(tow_tunnel_map_count(map), 5);
    assert_leads(map, "desk1", TOW_TUNNEL_TARGET_PLACE, "10.0.0.5:5900");
    assert_leads(map, "desk2", TOW_TUNNEL_TARGET_PLACE, "[fe80::1]:5900");
    assert_leads(map, "a:b", TOW_TUNNEL_TARGET_PLACE, "unix:/run/a: b");
    assert_leads(map, "/shell/x:y", TOW_TUNNEL_TARGET_COMMAND, "sh -c 'echo a: b'");
    assert_leads(map, "last", TOW_TUNNEL_TARGET_PLACE, "example.org:1");
    assert_null(tow_tunnel_map_find(map, "desk", 4));
    assert_null(tow_tunnel_map_find(map, "desk11", 6));
    assert_null(tow_tunnel_map_find(map, "", 0));
    tow_tunnel_map_release(map);
}

static void an_empty_map_has_nothing(void **state) {
    static const char *const texts[] = {"", "\n", "# nothing\n", "  \t\r\n\n"};
    for (size_t i = 0; i < 4; i++) {
        tow_tunnel_map *map = map_of(texts[i]);
        assert_int_equal(tow_tunnel_map_count(map), 0);
        assert_null(tow_tunnel_map_find(map, "x", 1));
        tow_tunnel_map_release(map);
    }
}

static void each_of_many_keys_is_found(void **state) {
    char text[60000];
    size_t length = 0;
    for (int i = 0; i < 1000; i++)
        length += (size_t)snprintf(
            text + length, sizeof(text) - length, "key%d: tcp:host%d:%d\n", i * 7919 % 1000, i, i + 1);
    tow_tunnel_map *map = map_of(text);
    assert_int_equal(tow_tunnel_map_count(map), 1000);
    for (int i = 0; i < 1000; i++) {
        char key[20], rest[40];
        snprintf(key, sizeof(key), "key%d", i * 7919 % 1000);
        snprintf(rest, sizeof(rest), "host%d:%d", i, i + 1);
        assert_leads(map, key, TOW_TUNNEL_TARGET_PLACE, rest);
    }
    tow_tunnel_map_release(map);
}

static void what_is_wrong_is_told_with_the_line(void **state) {
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"a: tcp:x:1\nb\n", "line 2: a line is KEY: TARGET, with a space behind the colon"},
        {"a:tcp:x:1\n", "line 1: a line is KEY: TARGET, with a space behind the colon"},
        {"\n\n: tcp:x:1\n", "line 3: the key before the colon is missing"},
        {"a b: tcp:x:1\n", "line 1: a token or path has no space, ? or #"},
        {"a: http://x\n", "line 1: a target is tcp:HOST:PORT, unix:PATH or exec:COMMAND"},
        {"a: tcp:x:0", "line 1: a TCP target is tcp:HOST:PORT, with a port from 1 to 65535"},
        {"a: tcp:x:1\nb: tcp:x:1\na: tcp:y:1\nb: tcp:z:1", "line 3: 'a' stands in line 1 already"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[TOW_TUNNEL_MAP_TEXT_MAX];
        tow_tunnel_map *map = NULL;
        int error = tow_tunnel_map_read(&map, cases[i].text, strlen(cases[i].text), why);
        assert_int_equal(error, TOW_ERROR_ARGUMENT);
        assert_string_equal(why, cases[i].why);
        assert_null(map);
    }
    char why[TOW_TUNNEL_MAP_TEXT_MAX];
    tow_tunnel_map *map = NULL;
    assert_int_equal(tow_tunnel_map_read(&map, "a: tcp:x:1\n\0b", 13, why), TOW_ERROR_ARGUMENT);
    assert_string_equal(why, "line 2: there is a zero byte in it");
}

static void a_map_lives_as_long_as_somebody_holds_it(void **state) {
    tow_tunnel_map *map = map_of("a: tcp:x:1");
    tow_tunnel_map_retain(map);
    tow_tunnel_map_release(map);
    assert_leads(map, "a", TOW_TUNNEL_TARGET_PLACE, "x:1");
    tow_tunnel_map_release(map);
    tow_tunnel_map_release(NULL);
}

static void a_map_comes_from_a_file(void **state) {
    char path[] = "/tmp/towline-map-XXXXXX", why[TOW_TUNNEL_MAP_TEXT_MAX];
    tow_tunnel_map *map = NULL;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "a: tcp:x:1\n", 11), 11);
    close(fd);
    assert_int_equal(tow_tunnel_map_open(&map, path, why), 0);
    assert_int_equal(tow_tunnel_map_count(map), 1);
    tow_tunnel_map_release(map);
    unlink(path);
    assert_int_equal(tow_tunnel_map_open(&map, path, why), TOW_ERROR_SYSTEM);
    assert_string_equal(why, "No such file or directory");
    assert_int_equal(tow_tunnel_map_open(&map, "/tmp", why), TOW_ERROR_SYSTEM);
    assert_string_equal(why, "Is a directory");
    assert_int_equal(tow_tunnel_map_open(&map, "/dev/zero", why), TOW_ERROR_ARGUMENT);
    assert_string_equal(why, "it is larger than 16 MiB");
}

static void targets_are_places_or_commands(void **state) {
    static const char *const good[] = {"tcp:localhost:22", "tcp:10.0.0.1:65535", "tcp:[::1]:5900",
        "tcp:a-b.c:1", "unix:/run/x", "unix:x", "exec:cat", "exec: sh -c 'x'"};
    static const char *const bad[] = {"", "localhost:22", "tcp:", "tcp:22", "tcp::22", "tcp:x:", "tcp:x:0",
        "tcp:x:65536", "tcp:x:123456", "tcp:x:1x", "tcp:::1:22", "tcp:a b:1", "tcp:x/y:1",
        "unix:", "exec:", "exec: \t", "TCP:x:1", "ws://x"};
    const char *why = NULL;
    tow_tunnel_target target;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (tow_tunnel_target_read(&target, good[i], &why) != 0)
            fail_msg("'%s' was refused: %s", good[i], why);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (tow_tunnel_target_read(&target, bad[i], &why) != TOW_ERROR_ARGUMENT)
            fail_msg("'%s' was taken for a target", bad[i]);
    char path[200] = "unix:";
    memset(path + 5, 'p', 107);
    assert_int_equal(tow_tunnel_target_read(&target, path, &why), 0);
    path[5 + 107] = 'p';
    assert_int_equal(tow_tunnel_target_read(&target, path, &why), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_and_paths_lead_to_targets),
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(each_of_many_keys_is_found),
        cmocka_unit_test(what_is_wrong_is_told_with_the_line),
        cmocka_unit_test(a_map_lives_as_long_as_somebody_holds_it),
        cmocka_unit_test(a_map_comes_from_a_file),
        cmocka_unit_test(targets_are_places_or_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
