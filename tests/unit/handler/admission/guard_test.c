/* Who stands before a handler: credentials, other terms while the server runs, and files that are wrong. */
#include "../../server/world.h"
#include "../folder.h"

#include "handler/guard.h"

#include <towline/error.h>

struct guarded {
    struct world world;
    folder folder;
    tow_admission *admission;
    tow_guard *guard;
    int freed;
};

static struct guarded *now;

static void on_line(void *user, int level, const char *line) {
    (void)tow_buffer_append_format(&((struct guarded *)user)->world.log, "%d %s\n", level, line);
}

/* The handler's own word, behind the guard's: with its own user. */
static void admit(tow_exchange *exchange, const tow_request *request) {
    assert_ptr_equal(tow_request_user(request), now);
    if (strcmp(tow_request_query(request), "no") == 0)
        tow_exchange_reject(exchange, 403, "not this one");
    else
        tow_exchange_accept(exchange, NULL);
}

static void gone(void *user) {
    assert_ptr_equal(user, now);
    now->freed++;
}

static void ignore(tow_websocket *socket, const tow_message *message) {
    (void)socket, (void)message;
}

static const char *path(const char *name) {
    return folder_path(&now->folder, name);
}

static void begin(struct guarded *guarded, const char *token_file) {
    char why[TOW_HANDLER_TEXT_MAX];
    memset(guarded, 0, sizeof(*guarded));
    now = guarded;
    folder_make(&guarded->folder);
    folder_add_file(&guarded->folder, "one", "one\n");
    folder_add_file(&guarded->folder, "two", "two\n");
    folder_add_file(&guarded->folder, "bad", "\n");
    world_make(&guarded->world, &(tow_simulation_options){.seed = 1}, &(tow_server_options){0});
    const tow_handler_place place = {.log = {on_line, guarded}, .loop = guarded->world.loop};
    assert_int_equal(tow_admission_new(&guarded->admission, &place), 0);
    const tow_guard_settings settings = {.bearer_token = token_file != NULL ? path(token_file) : NULL};
    assert_int_equal(tow_guard_new_open(&guarded->guard, guarded->admission, &settings, why), 0);
    tow_handler handler = {.user = guarded, .on_admit = admit, .on_message = ignore, .on_free = gone};
    assert_int_equal(tow_guard_dress(guarded->guard, &handler), 0);
    assert_int_equal(tow_server_route(guarded->world.server, "/*", &handler), 0);
    world_listen(&guarded->world);
}

static void end(struct guarded *guarded) {
    tow_admission_end(guarded->admission);
    world_end(&guarded->world);
    assert_int_equal(guarded->freed, 1);
    tow_guard_release(guarded->guard);
    tow_admission_free(guarded->admission);
    folder_remove(&guarded->folder);
}

/* With which status an opening handshake is answered, and whether it has this in it. */
static void expect(struct guarded *guarded, const char *opening, const char *answer) {
    struct peer peer;
    peer_connect(&peer, &guarded->world);
    peer_text(&peer, opening);
    peer_expect(&peer, answer);
    peer_close(&peer);
}

#define BEARER(token) OPENING_WITH("/a", "Authorization: Bearer " token "\r\n")

static void a_token_lets_in_and_nothing_else_does(void **state) {
    (void)state;
    struct guarded guarded;
    begin(&guarded, "one");
    expect(&guarded, BEARER("one"), OPENED);
    expect(&guarded, BEARER("two"), "HTTP/1.1 401 ");
    expect(&guarded, BEARER("on"), "HTTP/1.1 401 ");
    expect(&guarded, BEARER("onee"), "HTTP/1.1 401 ");
    expect(&guarded, OPENING_WITH("/a", "Authorization: Basic b25lOg==\r\n"), "HTTP/1.1 401 ");
    expect(&guarded, OPENING("/a"), "WWW-Authenticate: Bearer realm=\"towline\"");
    end(&guarded);
}

static void the_handler_has_its_say_afterwards(void **state) {
    (void)state;
    struct guarded guarded;
    begin(&guarded, "one");
    expect(&guarded, OPENING_WITH("/a?no", "Authorization: Bearer one\r\n"), "HTTP/1.1 403 ");
    expect(&guarded, OPENING("/a?no"), "HTTP/1.1 401 ");
    end(&guarded);
}

static void other_terms_hold_for_who_comes_from_then_on(void **state) {
    (void)state;
    struct guarded guarded;
    struct peer before;
    tow_terms *terms;
    char why[TOW_HANDLER_TEXT_MAX];
    begin(&guarded, NULL);
    peer_connect(&before, &guarded.world);
    peer_text(&before, OPENING("/a"));
    peer_expect(&before, OPENED);
    static const char *const names[] = {"one", "two"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            tow_terms_new(&terms, &(tow_guard_settings){.bearer_token = path(names[i])}, why), 0);
        tow_guard_take(guarded.guard, terms);
        expect(&guarded, BEARER("one"), i == 0 ? OPENED : "HTTP/1.1 401 ");
        expect(&guarded, BEARER("two"), i == 1 ? OPENED : "HTTP/1.1 401 ");
    }
    assert_int_equal(
        tow_terms_new(&terms, &(tow_guard_settings){.bearer_token = path("bad")}, why), TOW_ERROR_ARGUMENT);
    assert_non_null(strstr(why, "bad: "));
    expect(&guarded, BEARER("two"), OPENED);
    assert_int_equal(tow_terms_new(&terms, &(tow_guard_settings){.bearer_token = TOW_GUARD_OFF}, why), 0);
    tow_guard_take(guarded.guard, terms);
    expect(&guarded, OPENING("/a"), OPENED);
    assert_false(before.ended);
    peer_close(&before);
    end(&guarded);
}

static void a_file_is_read_again_and_one_that_is_wrong_changes_nothing(void **state) {
    (void)state;
    struct guarded guarded;
    begin(&guarded, "one");
    folder_add_file(&guarded.folder, "one", "other\n");
    expect(&guarded, BEARER("one"), OPENED);
    tow_guard_reload(guarded.guard);
    expect(&guarded, BEARER("other"), OPENED);
    expect(&guarded, BEARER("one"), "HTTP/1.1 401 ");
    folder_add_file(&guarded.folder, "one", "\n");
    tow_guard_reload(guarded.guard);
    assert_true(world_logged(&guarded.world, "; the tokens stay as they were"));
    expect(&guarded, BEARER("other"), OPENED);
    end(&guarded);
}

static void where_nobody_is_asked_there_is_no_guard(void **state) {
    (void)state;
    struct guarded guarded;
    tow_guard *none = (tow_guard *)&guarded;
    char why[TOW_HANDLER_TEXT_MAX];
    begin(&guarded, "one");
    static const tow_guard_settings settings[] = {
        {0}, {.basic_auth = TOW_GUARD_OFF}, {.auth_url = TOW_GUARD_OFF}};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        assert_int_equal(tow_guard_new(&none, guarded.admission, &settings[i], why), 0);
        assert_null(none);
    }
    tow_handler handler = {.user = &guarded};
    assert_int_equal(tow_guard_dress(NULL, &handler), 0);
    assert_ptr_equal(handler.user, &guarded);
    tow_guard_reload(NULL);
    tow_guard_release(NULL);
    end(&guarded);
}

static void a_handler_that_was_not_routed_is_undressed(void **state) {
    (void)state;
    struct guarded guarded;
    begin(&guarded, "one");
    tow_handler handler = {.user = &guarded, .on_admit = admit, .on_free = gone};
    assert_int_equal(tow_guard_dress(guarded.guard, &handler), 0);
    tow_guard_undress(&handler);
    assert_int_equal(guarded.freed, 0);
    end(&guarded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_lets_in_and_nothing_else_does),
        cmocka_unit_test(the_handler_has_its_say_afterwards),
        cmocka_unit_test(other_terms_hold_for_who_comes_from_then_on),
        cmocka_unit_test(a_file_is_read_again_and_one_that_is_wrong_changes_nothing),
        cmocka_unit_test(where_nobody_is_asked_there_is_no_guard),
        cmocka_unit_test(a_handler_that_was_not_routed_is_undressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
