/* A directory of handlers on a loop: what is ordered, served and let go when files come, change and go. */
#include "../transport/each_loop.h"
#include "folder.h"
#include "handler/directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <towline/server.h>
#include <unistd.h>

/* A directory with kinds of handler that note what is asked of them. */
typedef struct host {
    each_loop *each;
    folder folder;
    tow_server *server;
    tow_directory *directory;
    tow_directory_options options;
    char said[8192]; /* orders and what became of them, and the log's lines, without the folder */
    tow_directory_order *kept;
    bool keeps;  /* orders are answered later */
    bool broken; /* they are refused */
} host;

static void say(host *all, const char *what, const char *name) {
    size_t used = strlen(all->said);
    snprintf(all->said + used, sizeof(all->said) - used, "%s%s\n", what, name);
}

static void on_line(void *user, int level, const char *line) {
    host *all = user;
    char text[2048] = "";
    size_t length = strlen(all->folder.path);
    (void)level;
    while (*line != '\0' && strlen(text) < sizeof(text) - 2) {
        if (strncmp(line, all->folder.path, length) == 0)
            line += length + 1;
        else
            strncat(text, line++, 1);
    }
    say(all, "log: ", text);
}

typedef struct made {
    host *all;
    char name[64];
} made;

static void on_free(void *user) {
    made *one = user;
    say(one->all, "free ", one->name);
    free(one);
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    tow_exchange_respond(exchange, 200, NULL, NULL, 0);
}

static tow_handler handler_of(host *all, const tow_directory_order *order) {
    made *one = calloc(1, sizeof(*one));
    assert_non_null(one);
    one->all = all;
    snprintf(one->name, sizeof(one->name), "%s", order->file + strlen(all->folder.path) + 1);
    return (tow_handler){.user = one, .on_request = answer, .on_free = on_free};
}

static void make(void *user, tow_directory_order *order) {
    host *all = user;
    char text[256];
    snprintf(text, sizeof(text), "%s %s at %s", tow_entry_type_name(order->type),
        order->file + strlen(all->folder.path) + 1, order->path);
    say(all, "order ", text);
    if (all->keeps) {
        assert_null(all->kept);
        all->kept = order;
    } else if (all->broken) {
        tow_directory_refuse(order, "it is broken");
    } else {
        tow_handler handler = handler_of(all, order);
        tow_directory_serve(order, &handler);
    }
}

static const tow_handler *built_in(void *user, const char *path) {
    static const tow_handler handler = {.on_request = answer};
    (void)user;
    return strcmp(path, "/echo") == 0 ? &handler : NULL;
}

static bool is_reserved(void *user, const char *path) {
    (void)user;
    return strcmp(path, "/mine") == 0;
}

static void host_make(host *all, each_loop *each) {
    const tow_server_options options = {.listen = "off", .loop = each->loop};
    *all = (host){.each = each};
    folder_make(&all->folder);
    assert_int_equal(tow_server_new(&all->server, &options), 0);
    all->options = (tow_directory_options){.root = all->folder.path,
        .make = make,
        .built_in = built_in,
        .is_reserved = is_reserved,
        .user = all};
}

static tow_handler_place place_of(host *all) {
    return (tow_handler_place){.log = {on_line, all}, .server = all->server, .loop = all->each->loop};
}

static void host_start(host *all) {
    char why[TOW_HANDLER_TEXT_MAX] = "";
    const tow_handler_place place = place_of(all);
    if (tow_directory_new(&all->directory, &all->options, &place, why) != 0)
        fail_msg("%s", why);
}

static void host_end(host *all) {
    tow_directory_free(all->directory);
    tow_server_free(all->server);
    folder_remove(&all->folder);
}

static void expect_now(host *all, const char *text) {
    assert_string_equal(all->said, text);
    all->said[0] = '\0';
}

typedef struct expectation {
    host *all;
    size_t length;
} expectation;

static bool has_said_enough(void *argument) {
    const expectation *expected = argument;
    return strlen(expected->all->said) >= expected->length;
}

/* Waits for it, and that nothing else is said for as long as changes are gathered. */
static void expect(host *all, const char *text) {
    expectation expected = {all, strlen(text)};
    run_until(all->each, has_said_enough, &expected);
    run_for(all->each, 60 * TOW_MILLISECOND);
    expect_now(all, text);
}

static void add(host *all, const char *name) {
    folder_add_file(&all->folder, name, "something");
}

/* Puts another file in its place. */
static void replace(host *all, const char *name) {
    char to[FOLDER_PATH_MAX];
    snprintf(to, sizeof(to), "%s", folder_path(&all->folder, name));
    add(all, ".new");
    assert_int_equal(rename(folder_path(&all->folder, ".new"), to), 0);
}

static void take_away(host *all, const char *name) {
    assert_int_equal(unlink(folder_path(&all->folder, name)), 0);
}

static void what_is_there_is_served_from_the_beginning(void **state) {
    host all;
    host_make(&all, *state);
    folder_add_directory(&all.folder, "a");
    folder_add_directory(&all.folder, ".git");
    add(&all, "a/chat.so");
    add(&all, ".git/x.so");
    add(&all, "echo_wsh.py");
    add(&all, "count");
    assert_int_equal(chmod(folder_path(&all.folder, "count"), 0700), 0);
    folder_add_file(&all.folder, "empty.so", "");
    assert_int_equal(mkfifo(folder_path(&all.folder, "fifo.so"), 0600), 0);
    host_start(&all);
    expect_now(&all, "order module a/chat.so at /a/chat\nlog: a/chat.so serves /a/chat\n"
                     "order program count at /count\nlog: count serves /count\n"
                     "order python echo_wsh.py at /echo\nlog: echo_wsh.py serves /echo\n");
    tow_directory_free(all.directory);
    all.directory = NULL;
    expect_now(&all, "");
    host_end(&all);
    expect_now(&all, "free a/chat.so\nfree count\nfree echo_wsh.py\n");
}

static void a_file_that_comes_changes_and_goes_is_followed(void **state) {
    host all;
    host_make(&all, *state);
    host_start(&all);
    add(&all, "chat.so");
    expect(&all, "order module chat.so at /chat\nlog: chat.so serves /chat\n");
    replace(&all, "chat.so");
    expect(&all, "order module chat.so at /chat\nfree chat.so\nlog: chat.so serves /chat\n");
    add(&all, "chat.so"); /* written in place */
    expect(&all, "order module chat.so at /chat\nfree chat.so\nlog: chat.so serves /chat\n");
    take_away(&all, "chat.so");
    expect(&all, "free chat.so\nlog: chat.so does not serve /chat any more\n");
    assert_int_equal(tow_server_unroute(all.server, "/chat"), TOW_ERROR_ARGUMENT);
    host_end(&all);
}

static void folders_that_come_later_are_followed_too(void **state) {
    host all;
    host_make(&all, *state);
    host_start(&all);
    folder_add_directory(&all.folder, "a");
    folder_add_directory(&all.folder, "a/b");
    run_for(all.each, 60 * TOW_MILLISECOND);
    add(&all, "a/b/chat.so");
    expect(&all, "order module a/b/chat.so at /a/b/chat\nlog: a/b/chat.so serves /a/b/chat\n");
    host_end(&all);
}

static void a_file_is_taken_when_it_was_closed(void **state) {
    host all;
    host_make(&all, *state);
    add(&all, "chat.so");
    host_start(&all);
    all.said[0] = '\0';
    int fd = open(folder_path(&all.folder, "chat.so"), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "half", 4), 4);
    add(&all, "other.so"); /* so that everything is looked at */
    expect(&all, "order module other.so at /other\nlog: other.so serves /other\n");
    close(fd);
    expect(&all, "order module chat.so at /chat\nfree chat.so\nlog: chat.so serves /chat\n");
    host_end(&all);
}

static void a_broken_file_leaves_what_is_there_and_is_tried_again_when_it_changes(void **state) {
    host all;
    host_make(&all, *state);
    host_start(&all);
    all.broken = true;
    add(&all, "chat.so");
    expect(&all, "order module chat.so at /chat\n"
                 "log: chat.so can't serve /chat: it is broken; nothing is served there\n");
    add(&all, "other_wsh.py");
    expect(&all, "order python other_wsh.py at /other\n"
                 "log: other_wsh.py can't serve /other: it is broken; nothing is served there\n");
    all.broken = false;
    replace(&all, "chat.so");
    expect(&all, "order module chat.so at /chat\nlog: chat.so serves /chat\n");
    all.broken = true;
    replace(&all, "chat.so");
    expect(&all, "order module chat.so at /chat\n"
                 "log: chat.so can't serve /chat: it is broken; what is served there stays\n");
    all.broken = false;
    tow_directory_reload(all.directory);
    expect(&all, "order module chat.so at /chat\nfree chat.so\nlog: chat.so serves /chat\n"
                 "order python other_wsh.py at /other\nlog: other_wsh.py serves /other\n");
    host_end(&all);
}

static void a_file_takes_a_path_over_and_gives_it_back(void **state) {
    host all;
    host_make(&all, *state);
    add(&all, "echo_wsh.py");
    host_start(&all);
    expect_now(&all, "order python echo_wsh.py at /echo\nlog: echo_wsh.py serves /echo\n");
    add(&all, "echo.so");
    expect(&all, "log: echo_wsh.py is passed over: echo.so serves /echo\n"
                 "order module echo.so at /echo\nfree echo_wsh.py\nlog: echo.so serves /echo\n");
    take_away(&all, "echo.so");
    expect(&all, "order python echo_wsh.py at /echo\nfree echo.so\nlog: echo_wsh.py serves /echo\n");
    take_away(&all, "echo_wsh.py");
    expect(&all, "free echo_wsh.py\nlog: echo_wsh.py does not serve /echo any more, what is built in does\n");
    assert_int_equal(tow_server_unroute(all.server, "/echo"), 0);
    host_end(&all);
}

static void what_is_gone_does_not_stay_for_a_broken_one(void **state) {
    host all;
    host_make(&all, *state);
    add(&all, "chat.so");
    host_start(&all);
    all.said[0] = '\0';
    all.broken = true;
    take_away(&all, "chat.so");
    add(&all, "chat_wsh.py");
    expect(&all, "order python chat_wsh.py at /chat\nfree chat.so\n"
                 "log: chat_wsh.py can't serve /chat: it is broken; nothing is served there\n");
    host_end(&all);
}

static void scripts_that_are_passed_over_are_told_with_the_reason(void **state) {
    host all;
    host_make(&all, *state);
    folder_add_file(&all.folder, "plain.sh", "#!/bin/sh\n");
    folder_add_file(&all.folder, "prog.py", "#!/usr/bin/python3\n");
    folder_add_file(&all.folder, "note.txt", "#!/bin/sh\n");
    folder_add_file(&all.folder, "helper.py", "#!/usr/bin/python3\n"); /* these are none */
    folder_add_file(&all.folder, "other.py", "import os\n");
    folder_add_file(&all.folder, "data", "#");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            chmod(folder_path(&all.folder, (const char *[]){"prog.py", "note.txt", "other.py"}[i]), 0755), 0);
    host_start(&all);
    assert_non_null(strstr(all.said, "log: plain.sh is passed over: it may not be executed (chmod +x)\n"));
    assert_non_null(strstr(all.said, "log: prog.py is passed over: no program ends in .py; prog_wsh.py would "
                                     "be a Python handler\n"));
    assert_non_null(strstr(all.said, "log: note.txt is passed over: no program ends in .txt\n"));
    size_t lines = 0;
    for (const char *at = all.said; (at = strstr(at, "passed over")) != NULL; at++)
        lines++;
    assert_int_equal(lines, 3);
    host_end(&all);
}

static void links_lead_to_files_inside_only(void **state) {
    host all;
    host_make(&all, *state);
    folder_add_directory(&all.folder, "versions");
    add(&all, "versions/one");
    folder_add_link(&all.folder, "chat.so", "versions/one");
    folder_add_link(&all.folder, "out.so", "/etc/passwd");
    folder_add_link(&all.folder, "whole.so", folder_path(&all.folder, "versions/one"));
    folder_add_link(&all.folder, "loop.so", "loop.so");
    folder_add_link(&all.folder, "round", ".");
    host_start(&all);
    assert_non_null(
        strstr(all.said, "log: loop.so is a link that leads out of the folder or nowhere, and is"));
    assert_non_null(
        strstr(all.said, "log: out.so is a link that leads out of the folder or nowhere, and is"));
    assert_non_null(strstr(all.said, "log: round is a link to a folder, which is not followed\n"));
    assert_non_null(strstr(all.said, "\norder module chat.so at /chat\nlog: chat.so serves /chat\n"));
    assert_non_null(strstr(all.said, "order module whole.so at /whole\n"));
    assert_null(strstr(all.said, "order module out.so"));
    host_end(&all);
}

static void an_order_may_be_answered_later(void **state) {
    host all;
    host_make(&all, *state);
    add(&all, "chat.so");
    all.keeps = true;
    host_start(&all);
    expect_now(&all, "order module chat.so at /chat\n");
    tow_directory_order *first = all.kept;
    replace(&all, "chat.so"); /* ordered again when there is an answer */
    run_for(all.each, 60 * TOW_MILLISECOND);
    expect_now(&all, "");
    all.kept = NULL;
    tow_handler handler = handler_of(&all, first);
    tow_directory_serve(first, &handler);
    expect(&all, "log: chat.so serves /chat\norder module chat.so at /chat\n");
    take_away(&all, "chat.so");
    expect(&all, "free chat.so\nlog: chat.so does not serve /chat any more\n");
    handler = handler_of(&all, all.kept);
    tow_directory_serve(all.kept, &handler); /* too late */
    expect_now(&all, "free chat.so\n");
    all.kept = NULL;
    add(&all, "other.so");
    expect(&all, "order module other.so at /other\n");
    tow_directory_free(all.directory);
    all.directory = NULL;
    tow_directory_refuse(all.kept, "nobody is there any more");
    host_end(&all);
}

static void aliases_follow_what_they_stand_for(void **state) {
    host all;
    char file[FOLDER_PATH_MAX];
    host_make(&all, *state);
    folder_add_file(&all.folder, "aliases", "/ /echo\n/b /chat\n/c /nothing\n");
    snprintf(file, sizeof(file), "%s", folder_path(&all.folder, "aliases"));
    all.options.aliases = file;
    add(&all, "chat.so");
    host_start(&all);
    expect_now(&all, "log: aliases: /c is passed over: nothing serves /nothing\n"
                     "log: / is an alias of /echo\n"
                     "order module chat.so at /chat\nlog: chat.so serves /chat\n"
                     "log: /b is an alias of /chat\n");
    add(&all, "echo.so");
    expect(&all, "order module echo.so at /echo\nlog: echo.so serves /echo\nlog: / is an alias of /echo\n");
    take_away(&all, "echo.so");
    expect(&all, "log: echo.so does not serve /echo any more, what is built in does\n"
                 "free echo.so\n"
                 "log: / is an alias of /echo\n");
    folder_add_file(&all.folder, "aliases", "/b /echo\n");
    tow_directory_look(all.directory);
    expect(&all, "log: aliases does not serve / any more\nlog: /b is an alias of /echo\n");
    host_end(&all);
}

static void a_file_whose_path_was_an_alias_is_served_again(void **state) {
    host all;
    char file[FOLDER_PATH_MAX];
    host_make(&all, *state);
    folder_add_file(&all.folder, "aliases", "# none");
    snprintf(file, sizeof(file), "%s", folder_path(&all.folder, "aliases"));
    all.options.aliases = file;
    add(&all, "a.so");
    add(&all, "b.so");
    host_start(&all);
    all.said[0] = '\0';
    folder_add_file(&all.folder, "aliases", "/b /a\n");
    expect(&all, "log: b.so is passed over: /b is an alias\nfree b.so\nlog: /b is an alias of /a\n");
    folder_add_file(&all.folder, "aliases", "#");
    expect(&all, "order module b.so at /b\nlog: b.so serves /b\n");
    host_end(&all);
}

static void a_path_of_somebody_else_is_passed_over(void **state) {
    host all;
    host_make(&all, *state);
    add(&all, "mine.so");
    host_start(&all);
    expect_now(&all, "log: mine.so is passed over: another route serves /mine\n");
    add(&all, "other.so"); /* said once */
    expect(&all, "order module other.so at /other\nlog: other.so serves /other\n");
    host_end(&all);
}

static void what_is_scanned_may_be_a_part(void **state) {
    host all;
    char scan[FOLDER_PATH_MAX];
    char why[TOW_HANDLER_TEXT_MAX];
    host_make(&all, *state);
    folder_add_directory(&all.folder, "a");
    add(&all, "chat.so");
    add(&all, "a/chat.so");
    snprintf(scan, sizeof(scan), "%s", folder_path(&all.folder, "a"));
    all.options.scan = scan;
    host_start(&all);
    expect_now(&all, "order module a/chat.so at /a/chat\nlog: a/chat.so serves /a/chat\n");
    all.options.scan = "/tmp";
    assert_int_equal(tow_directory_check(&all.options, why), TOW_ERROR_ARGUMENT);
    assert_string_equal(why, "/tmp: it is not below the folder of handlers");
    host_end(&all);
}

static void another_root_in_its_place_is_noticed(void **state) {
    host all;
    char old[FOLDER_PATH_MAX];
    folder rest;
    host_make(&all, *state);
    folder_make(&rest);
    add(&all, "chat.so");
    host_start(&all);
    all.said[0] = '\0';
    snprintf(old, sizeof(old), "%s", folder_path(&rest, "old"));
    assert_int_equal(rename(all.folder.path, old), 0);
    assert_int_equal(mkdir(all.folder.path, 0700), 0);
    add(&all, "other.so");
    tow_directory_look(all.directory);
    expect(&all, "free chat.so\nlog: chat.so does not serve /chat any more\n"
                 "order module other.so at /other\nlog: other.so serves /other\n");
    add(&all, "third.so");
    expect(&all, "order module third.so at /third\nlog: third.so serves /third\n");
    host_end(&all);
    folder_remove(&rest);
}

static void what_is_no_folder_says_so(void **state) {
    host all;
    char why[TOW_HANDLER_TEXT_MAX];
    host_make(&all, *state);
    all.options.root = "/no/such/folder";
    assert_int_equal(tow_directory_check(&all.options, why), TOW_ERROR_NAME_NOT_FOUND);
    assert_string_equal(why, "/no/such/folder: there is no such folder");
    all.options.root = all.folder.path;
    all.options.aliases = "/no/such/file";
    assert_int_equal(tow_directory_check(&all.options, why), TOW_ERROR_SYSTEM);
    assert_string_equal(why, "/no/such/file: No such file or directory");
    host_end(&all);
}

/* Of each round of the loop a large directory takes only a part. */
static void thousands_of_files_are_looked_at_in_turns(void **state) {
    host *all = calloc(1, sizeof(*all));
    char name[64];
    assert_non_null(all);
    host_make(all, *state);
    host_start(all);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "text%d.txt", i);
        add(all, name);
    }
    add(all, "zebra.so");
    uint64_t before = tow_loop_count(all->each->loop)->rounds;
    expect(all, "order module zebra.so at /zebra\nlog: zebra.so serves /zebra\n");
    assert_true(tow_loop_count(all->each->loop)->rounds - before > 3000 / 128);
    host_end(all);
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_REAL_LOOPS(what_is_there_is_served_from_the_beginning),
        ON_REAL_LOOPS(a_file_that_comes_changes_and_goes_is_followed),
        ON_REAL_LOOPS(folders_that_come_later_are_followed_too),
        ON_REAL_LOOPS(a_file_is_taken_when_it_was_closed),
        ON_REAL_LOOPS(a_broken_file_leaves_what_is_there_and_is_tried_again_when_it_changes),
        ON_EPOLL(a_file_takes_a_path_over_and_gives_it_back),
        ON_EPOLL(what_is_gone_does_not_stay_for_a_broken_one),
        ON_EPOLL(scripts_that_are_passed_over_are_told_with_the_reason),
        ON_EPOLL(links_lead_to_files_inside_only),
        ON_EPOLL(an_order_may_be_answered_later),
        ON_EPOLL(aliases_follow_what_they_stand_for),
        ON_EPOLL(a_file_whose_path_was_an_alias_is_served_again),
        ON_EPOLL(a_path_of_somebody_else_is_passed_over),
        ON_EPOLL(what_is_scanned_may_be_a_part),
        ON_EPOLL(another_root_in_its_place_is_noticed),
        ON_EPOLL(what_is_no_folder_says_so),
        ON_EPOLL(thousands_of_files_are_looked_at_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
