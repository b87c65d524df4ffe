/* A directory of handlers when memory runs out: at each allocation in turn, while it begins and while it
 * follows changes. What could not be done is done later, and nothing is lost. */
#include "../allocation.h"
#include "../transport/each_loop.h"
#include "folder.h"
#include "handler/directory.h"

#include <string.h>
#include <towline/server.h>
#include <unistd.h>

static int freed, made;

static void on_free(void *user) {
    (void)user;
    freed++;
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    tow_exchange_respond(exchange, 200, NULL, NULL, 0);
}

static void make(void *user, tow_directory_order *order) {
    const tow_handler handler = {.user = user, .on_request = answer, .on_free = on_free};
    made++;
    tow_directory_serve(order, &handler);
}

static bool serves(tow_server *server, const char *path) {
    return tow_server_unroute(server, path) == 0;
}

typedef struct scene {
    each_loop *each;
    folder folder;
    char aliases[FOLDER_PATH_MAX];
    tow_server *server;
    tow_directory *directory;
} scene;

static void scene_make(scene *all, each_loop *each) {
    const tow_server_options options = {.listen = "off", .loop = each->loop};
    *all = (scene){.each = each};
    freed = made = 0;
    folder_make(&all->folder);
    folder_add_directory(&all->folder, "a");
    folder_add_file(&all->folder, "a/one.so", "something");
    folder_add_file(&all->folder, "a/one_wsh.py", "something");
    folder_add_file(&all->folder, "aliases", "/two /a/one\n/three\n");
    snprintf(all->aliases, sizeof(all->aliases), "%s", folder_path(&all->folder, "aliases"));
    assert_int_equal(tow_server_new(&all->server, &options), 0);
}

static int scene_start(scene *all) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_handler_place place = {.server = all->server, .loop = all->each->loop};
    const tow_directory_options options = {
        .root = all->folder.path, .aliases = all->aliases, .make = make, .user = &made};
    return tow_directory_new(&all->directory, &options, &place, why);
}

static void scene_end(scene *all) {
    tow_directory_free(all->directory);
    tow_server_free(all->server);
    folder_remove(&all->folder);
    assert_int_equal(freed, made);
}

static bool is_served(void *directory) {
    return tow_directory_serves(directory, "/a/one") && tow_directory_serves(directory, "/two");
}

/* Returns whether the allocation of this number was reached. */
static bool begin_without(each_loop *each, size_t number) {
    scene all;
    scene_make(&all, each);
    allocation_fail_at(number);
    int error = scene_start(&all);
    bool was_reached = allocation_count() >= number;
    allocation_fail_at(0);
    if (error == 0) {
        tow_directory_reload(all.directory); /* as it would by itself a second later */
        run_until(each, is_served, all.directory);
        assert_true(serves(all.server, "/a/one"));
        assert_true(serves(all.server, "/two"));
    } else {
        assert_int_equal(error, TOW_ERROR_MEMORY);
        all.directory = NULL;
    }
    scene_end(&all);
    return was_reached;
}

static void it_begins_or_says_why_not(void **state) {
    each_loop *each = *state;
    for (size_t number = 1; begin_without(each, number); number++) {
    }
}

static bool all_are_freed(void *argument) {
    (void)argument;
    return freed == made;
}

static bool follow_without(each_loop *each, size_t number) {
    scene all;
    scene_make(&all, each);
    assert_int_equal(scene_start(&all), 0);
    folder_add_file(&all.folder, "new.so", "something");
    allocation_fail_at(number);
    run_for(each, 30 * TOW_MILLISECOND);
    bool was_reached = allocation_count() >= number;
    unlink(folder_path(&all.folder, "new.so"));
    unlink(folder_path(&all.folder, "a/one.so"));
    unlink(folder_path(&all.folder, "a/one_wsh.py"));
    run_for(each, 30 * TOW_MILLISECOND);
    was_reached |= allocation_count() >= number;
    allocation_fail_at(0);
    tow_directory_reload(all.directory);
    run_until(each, all_are_freed, NULL);
    assert_false(serves(all.server, "/a/one") || serves(all.server, "/new") || serves(all.server, "/two"));
    scene_end(&all);
    return was_reached;
}

static void it_follows_later_what_it_could_not_follow(void **state) {
    each_loop *each = *state;
    for (size_t number = 1; follow_without(each, number); number++) {
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EPOLL(it_begins_or_says_why_not),
        ON_EPOLL(it_follows_later_what_it_could_not_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
