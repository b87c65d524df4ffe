/* Who guests are by their tokens, until when, and what becomes of them. */
#include "../server/world.h"

#include "folder.h"
#include "handler/token_keeper.h"
#include "server/exchange.h"
#include "token_maker.h"

#include <towline/error.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"

enum { GUESTS = 4 };

/* Guests that came by requests, in their order. */
struct visitor {
    tow_channel_guest guest;
    tow_channel_answer answer;
    int dismissals;
    tow_channel_dismissal why;
    bool is_in;
};

static struct visitor visitors[GUESTS];
static size_t came;
static tow_token_keeper *keeper;
static char log_text[1000];

static const tow_channel_keeper *table(void) {
    return tow_token_keeper_table(keeper);
}

static void on_dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    struct visitor *visitor = (struct visitor *)(void *)guest;
    visitor->dismissals++;
    visitor->why = why;
}

static void let_in(tow_exchange *exchange, const tow_request *request) {
    struct visitor *visitor = &visitors[came++];
    tow_channel_question question = {0};
    assert_true(came <= GUESTS);
    visitor->guest.on_dismissed = on_dismissed;
    table()->enter(table(), &visitor->guest, exchange, request, &question, &visitor->answer);
    visitor->is_in = visitor->answer.word == TOW_CHANNEL_GRANTED;
    tow_exchange_respond(exchange, 200, NULL, "in\n", 3);
}

static void log_write(void *user, int level, const char *line) {
    snprintf(log_text, sizeof(log_text), "%s", line);
}

static void begin(struct world *world, const tow_token_settings *settings) {
    char why[TOW_HANDLER_TEXT_MAX] = "";
    memset(visitors, 0, sizeof(visitors));
    came = 0;
    world_make(world, &(tow_simulation_options){.seed = 1}, &(tow_server_options){0});
    const tow_handler_place place = {.log = {log_write, NULL}, .server = world->server, .loop = world->loop};
    if (tow_token_keeper_new(&keeper, &place, settings, why) != 0)
        fail_msg("%s", why);
    assert_int_equal(tow_server_route(world->server, "/in", &(tow_handler){.on_request = let_in}), 0);
    world_listen(world);
}

static void end(struct world *world) {
    for (size_t i = 0; i < came; i++)
        if (visitors[i].is_in)
            table()->leave(table(), &visitors[i].guest);
    tow_token_keeper_end(keeper);
    world_end(world);
    tow_token_keeper_free(keeper);
}

/* A request with this target and these fields; who came by it. */
static struct visitor *visit(struct world *world, const char *target, const char *fields) {
    static char request[TOKEN_MAX + 200];
    struct peer peer;
    int length =
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target, fields);
    assert_in_range(length, 1, sizeof(request) - 1);
    peer_connect(&peer, world);
    peer_text(&peer, request);
    peer_expect(&peer, "in\n");
    peer_close(&peer);
    return &visitors[came - 1];
}

static char *token_of(struct world *world, const char *subject, int seconds, const char *secret) {
    static char token[TOKEN_MAX];
    char claims[300];
    snprintf(claims, sizeof(claims),
        "{\"sub\":\"%s\",\"exp\":%lld,\"info\":{\"n\":1},\"channels\":{\"subscribe\":\"news\",\"publish\":"
        "\"chat-*\"}}",
        subject, (long long)tow_loop_wall_seconds(world->loop) + seconds);
    token_begin(token, "{\"alg\":\"HS256\"}", claims);
    token_sign_secret(token, secret);
    return token;
}

static struct visitor *visit_with(struct world *world, const char *subject, int seconds) {
    static char field[TOKEN_MAX + 50];
    snprintf(field, sizeof(field), "Authorization: Bearer %s\r\n", token_of(world, subject, seconds, SECRET));
    return visit(world, "/in", field);
}

static tow_channel_answer may(struct visitor *visitor, tow_channel_act act, const char *channel) {
    tow_channel_question question = {0};
    tow_channel_answer answer = {0};
    table()->may(table(), &visitor->guest, act, tow_slice_from(channel), &question, &answer);
    return answer;
}

static tow_channel_answer show(struct visitor *visitor, const char *token) {
    tow_channel_question question = {0};
    tow_channel_answer answer = {0};
    table()->show(table(), &visitor->guest, tow_slice_from(token), &question, &answer);
    return answer;
}

static folder files;

static const char *keys_file(const char *text) {
    static char path[FOLDER_PATH_MAX];
    snprintf(path, sizeof(path), "%s", folder_path(&files, "keys"));
    folder_add_file(&files, "keys", text);
    return path;
}

static int files_make(void **state) {
    folder_make(&files);
    return 0;
}

static int files_remove(void **state) {
    folder_remove(&files);
    return 0;
}

/* Who was nobody in particular may become somebody, once. */
static void who_is_in_stays_the_same_user(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *ann = visit_with(&world, "ann", 100);
    struct visitor *guest = visit(&world, "/in", "");
    ann->guest.is_in = guest->guest.is_in = true;
    const tow_channel_answer refused = show(ann, token_of(&world, "bob", 100, SECRET));
    assert_int_equal(refused.status, 403);
    assert_string_equal(refused.reason, "this connection is another user's");
    assert_string_equal(ann->guest.subject, "ann");
    assert_int_equal(show(ann, token_of(&world, "ann", 200, SECRET)).word, TOW_CHANNEL_GRANTED);
    assert_int_equal(show(guest, token_of(&world, "bob", 100, SECRET)).word, TOW_CHANNEL_GRANTED);
    assert_int_equal(show(guest, token_of(&world, "ann", 100, SECRET)).status, 403);
    assert_string_equal(guest->guest.subject, "bob");
    end(&world);
}

static void who_shows_no_token_is_nobody_in_particular(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *visitor = visit(&world, "/in", "Authorization: Basic YW5uOnNlY3JldA==\r\n");
    assert_int_equal(visitor->answer.word, TOW_CHANNEL_GRANTED);
    assert_null(visitor->guest.subject);
    assert_int_equal(may(visitor, TOW_CHANNEL_SUBSCRIBE, "news").status, 401);
    assert_int_equal(show(visitor, "x.y.z").status, 401);
    assert_int_equal(show(visitor, token_of(&world, "ann", 10, SECRET)).word, TOW_CHANNEL_GRANTED);
    assert_string_equal(visitor->guest.subject, "ann");
    assert_int_equal(may(visitor, TOW_CHANNEL_SUBSCRIBE, "news").word, TOW_CHANNEL_GRANTED);
    end(&world);
}

static void a_token_is_found_where_it_may_stand(void **state) {
    static const struct {
        const char *before; /* the token, in the request */
        bool is_query;
    } places[] = {{"/in?a=b&token=", true}, {"Authorization: Bearer ", false}, {"Cookie: a=b; pass=", false},
        {"Sec-WebSocket-Protocol: towline.v1, bearer.", false}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct world world;
        char text[TOKEN_MAX + 50];
        begin(&world, &(tow_token_settings){.keys = keys_file(SECRET), .cookie = "pass"});
        snprintf(text, sizeof(text), "%s%s%s", places[i].before, token_of(&world, "ann", 10, SECRET),
            places[i].is_query ? "" : "\r\n");
        struct visitor *visitor =
            visit(&world, places[i].is_query ? text : "/in", places[i].is_query ? "" : text);
        assert_int_equal(visitor->answer.word, TOW_CHANNEL_GRANTED);
        assert_string_equal(visitor->guest.subject, "ann");
        assert_true(tow_slice_equals(visitor->guest.info, "{\"n\":1}"));
        end(&world);
    }
}

static void a_token_allows_what_it_says(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *visitor = visit_with(&world, "ann", 100);
    assert_int_equal(may(visitor, TOW_CHANNEL_SUBSCRIBE, "news").word, TOW_CHANNEL_GRANTED);
    assert_int_equal(may(visitor, TOW_CHANNEL_PUBLISH, "chat-7").word, TOW_CHANNEL_GRANTED);
    assert_int_equal(may(visitor, TOW_CHANNEL_PUBLISH, "news").status, 403);
    assert_int_equal(may(visitor, TOW_CHANNEL_SUBSCRIBE, "chat-7").status, 403);
    end(&world);
}

static void a_token_that_is_no_good_lets_nobody_in(void **state) {
    struct world world;
    char field[TOKEN_MAX + 50];
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    snprintf(field, sizeof(field), "Authorization: Bearer %s\r\n", token_of(&world, "ann", 10, OTHER_SECRET));
    struct visitor *visitor = visit(&world, "/in", field);
    assert_int_equal(visitor->answer.word, TOW_CHANNEL_REFUSED);
    assert_int_equal(visitor->answer.status, 401);
    assert_string_equal(visitor->answer.reason, "the token's signature is wrong");
    assert_string_equal(visit_with(&world, "ann", 0)->answer.reason, "the token has expired");
    assert_int_equal(visit(&world, "/in?token=", "")->answer.status, 401);
    end(&world);
}

static void a_guest_goes_when_its_token_has_expired(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *early = visit_with(&world, "ann", 10), *late = visit_with(&world, "bob", 9000);
    world_run(&world, 8000);
    assert_int_equal(early->dismissals, 0);
    world_run(&world, 3000);
    assert_int_equal(early->dismissals, 1);
    assert_int_equal(early->why, TOW_CHANNEL_EXPIRED);
    assert_int_equal(late->dismissals, 0);
    world_run(&world, 9000 * 1000);
    assert_int_equal(late->dismissals, 1);
    assert_int_equal(early->dismissals, 1);
    end(&world);
}

static void another_token_in_time_lets_stay(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *visitor = visit_with(&world, "ann", 10);
    world_run(&world, 8000);
    assert_int_equal(
        show(visitor, token_of(&world, "ann", 0, SECRET)).status, 401); /* leaves all as it was */
    assert_string_equal(visitor->guest.subject, "ann");
    assert_int_equal(show(visitor, token_of(&world, "ann", 10, SECRET)).word, TOW_CHANNEL_GRANTED);
    world_run(&world, 8000);
    assert_int_equal(visitor->dismissals, 0);
    world_run(&world, 3000);
    assert_int_equal(visitor->dismissals, 1);
    end(&world);
}

static void all_that_are_a_user_are_sent_away(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *one = visit_with(&world, "ann", 100), *two = visit_with(&world, "ann", 100);
    struct visitor *other = visit_with(&world, "bob", 100), *gone = visit_with(&world, "ann", 100);
    table()->leave(table(), &gone->guest);
    gone->is_in = false;
    assert_int_equal(table()->dismiss(table(), tow_slice_from("ann")), 2);
    assert_int_equal(one->dismissals, 0); /* never inside a call */
    assert_int_equal(table()->dismiss(table(), tow_slice_from("eve")), 0);
    world_run(&world, 10);
    assert_int_equal(one->dismissals, 1);
    assert_int_equal(two->dismissals, 1);
    assert_int_equal(one->why, TOW_CHANNEL_DISCONNECTED);
    assert_int_equal(other->dismissals, 0);
    assert_int_equal(gone->dismissals, 0);
    end(&world);
}

static void who_leaves_before_the_call_comes_is_not_called(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    struct visitor *visitor = visit_with(&world, "ann", 100);
    assert_int_equal(table()->dismiss(table(), tow_slice_from("ann")), 1);
    table()->leave(table(), &visitor->guest);
    visitor->is_in = false;
    world_run(&world, 10);
    assert_int_equal(visitor->dismissals, 0);
    end(&world);
}

static void keys_are_read_again(void **state) {
    struct world world;
    begin(&world, &(tow_token_settings){.keys = keys_file(SECRET)});
    keys_file("short");
    tow_token_keeper_reload(keeper);
    assert_non_null(strstr(log_text, "at least 32 bytes"));
    assert_non_null(strstr(log_text, "the keys stay as they were"));
    assert_null(strstr(log_text, "short"));
    struct visitor *visitor = visit_with(&world, "ann", 100);
    assert_string_equal(visitor->guest.subject, "ann");
    keys_file(OTHER_SECRET);
    tow_token_keeper_reload(keeper);
    assert_int_equal(visit_with(&world, "ann", 100)->answer.status, 401);
    assert_int_equal(visitor->dismissals, 0); /* who is in stays in */
    end(&world);
}

static void without_keys_and_back_end_there_is_no_keeper(void **state) {
    char why[TOW_HANDLER_TEXT_MAX];
    tow_token_keeper *none;
    const tow_handler_place place = {0};
    assert_int_equal(tow_token_keeper_new(&none, &place, &(tow_token_settings){0}, why), 0);
    assert_null(none);
    assert_null(tow_token_keeper_table(none));
    tow_token_keeper_reload(none);
    tow_token_keeper_end(none);
    tow_token_keeper_free(none);
    assert_int_equal(tow_token_keeper_new(&none, &place, &(tow_token_settings){.keys = "/nowhere"}, why),
        TOW_ERROR_SYSTEM);
    assert_non_null(strstr(why, "/nowhere"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shows_no_token_is_nobody_in_particular),
        cmocka_unit_test(who_is_in_stays_the_same_user),
        cmocka_unit_test(a_token_is_found_where_it_may_stand),
        cmocka_unit_test(a_token_allows_what_it_says),
        cmocka_unit_test(a_token_that_is_no_good_lets_nobody_in),
        cmocka_unit_test(a_guest_goes_when_its_token_has_expired),
        cmocka_unit_test(another_token_in_time_lets_stay),
        cmocka_unit_test(all_that_are_a_user_are_sent_away),
        cmocka_unit_test(who_leaves_before_the_call_comes_is_not_called),
        cmocka_unit_test(keys_are_read_again),
        cmocka_unit_test(without_keys_and_back_end_there_is_no_keeper),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
