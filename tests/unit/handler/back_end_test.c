/* A back end that decides who may do what: what it is asked, and what becomes of what it answers, or does
 * not. It is a route of the same server. */
#include "../server/world.h"

#include "handler/token_keeper.h"
#include "server/exchange.h"

#include <towline/error.h>

#define URL "http://127.0.0.1:9998/decide"

/* What the back end answers, and what it was asked last. */
static struct {
    int status; /* 0: it never answers */
    const char *body;
    int asked;
    char act[20], channel[300], subject[300], token[100], cookie[100];
} back_end;

static struct {
    tow_channel_guest guest;
    tow_channel_question question;
    tow_channel_answer answer; /* the last; its reason is a copy */
    char reason[200];
    int answers;
    int dismissals;
    bool is_in;
} visitor;

static tow_token_keeper *keeper;

static const tow_channel_keeper *table(void) {
    return tow_token_keeper_table(keeper);
}

static void field_copy(char *out, size_t size, const tow_request *request, const char *name) {
    const char *value = tow_request_header(request, name);
    snprintf(out, size, "%s", value != NULL ? value : "-");
}

static void decide(tow_exchange *exchange, const tow_request *request) {
    back_end.asked++;
    field_copy(back_end.act, sizeof(back_end.act), request, "Towline-Act");
    field_copy(back_end.channel, sizeof(back_end.channel), request, "Towline-Channel");
    field_copy(back_end.subject, sizeof(back_end.subject), request, "Towline-Subject");
    field_copy(back_end.token, sizeof(back_end.token), request, "Towline-Token");
    field_copy(back_end.cookie, sizeof(back_end.cookie), request, "Cookie");
    if (back_end.status == 0)
        tow_exchange_keep(exchange, NULL);
    else
        tow_exchange_respond(
            exchange, back_end.status, "application/json", back_end.body, strlen(back_end.body));
}

static void note(const tow_channel_answer *answer) {
    visitor.answer = *answer;
    snprintf(visitor.reason, sizeof(visitor.reason), "%s", answer->reason != NULL ? answer->reason : "");
}

static void on_answer(tow_channel_question *question, const tow_channel_answer *answer) {
    assert_ptr_equal(question, &visitor.question);
    assert_int_not_equal(answer->word, TOW_CHANNEL_LATER);
    visitor.answers++;
    note(answer);
}

static void on_dismissed(tow_channel_guest *guest, tow_channel_dismissal why) {
    visitor.dismissals++;
}

static void let_in(tow_exchange *exchange, const tow_request *request) {
    tow_channel_answer answer;
    visitor.guest.on_dismissed = on_dismissed;
    visitor.question.on_answer = on_answer;
    table()->enter(table(), &visitor.guest, exchange, request, &visitor.question, &answer);
    note(&answer);
    tow_exchange_respond(exchange, 200, NULL, "in\n", 3);
}

/* Somebody has come, of whom the back end says this. */
static void begin(struct world *world, int status, const char *body) {
    static const char request[] =
        "GET /in HTTP/1.1\r\nHost: localhost\r\nCookie: id=7\r\nTowline-Act: forged\r\n\r\n";
    char why[TOW_HANDLER_TEXT_MAX];
    struct peer peer;
    memset(&visitor, 0, sizeof(visitor));
    memset(&back_end, 0, sizeof(back_end));
    back_end.status = status;
    back_end.body = body;
    world_make(world, &(tow_simulation_options){.seed = 3}, &(tow_server_options){0});
    const tow_handler_place place = {.server = world->server, .loop = world->loop};
    assert_int_equal(
        tow_token_keeper_new(&keeper, &place, &(tow_token_settings){.url = URL, .seconds = 5}, why), 0);
    assert_int_equal(tow_server_route(world->server, "/in", &(tow_handler){.on_request = let_in}), 0);
    assert_int_equal(tow_server_route(world->server, "/decide", &(tow_handler){.on_request = decide}), 0);
    world_listen(world);
    peer_connect(&peer, world);
    peer_text(&peer, request);
    peer_expect(&peer, "in\n");
    assert_int_equal(visitor.answer.word, TOW_CHANNEL_LATER);
    peer_close(&peer);
    world_run(world, 1000);
    visitor.is_in = visitor.answer.word == TOW_CHANNEL_GRANTED;
}

static void end(struct world *world) {
    if (visitor.is_in)
        table()->leave(table(), &visitor.guest);
    tow_token_keeper_end(keeper);
    world_end(world);
    tow_token_keeper_free(keeper);
}

static void may(struct world *world, tow_channel_act act, const char *channel) {
    tow_channel_answer answer;
    table()->may(table(), &visitor.guest, act, tow_slice_from(channel), &visitor.question, &answer);
    note(&answer);
    world_run(world, 1000);
}

static void who_it_says_somebody_is_they_are(void **state) {
    struct world world;
    begin(&world, 200, "{\"sub\":\"ann\",\"info\":[1],\"channels\":{\"subscribe\":\"news\"}}");
    assert_int_equal(visitor.answers, 1);
    assert_int_equal(visitor.answer.word, TOW_CHANNEL_GRANTED);
    assert_string_equal(visitor.guest.subject, "ann");
    assert_string_equal(back_end.act, "connect"); /* not what the client says */
    assert_string_equal(back_end.cookie, "id=7");
    may(&world, TOW_CHANNEL_SUBSCRIBE, "news"); /* it has said that already */
    assert_int_equal(visitor.answer.word, TOW_CHANNEL_GRANTED);
    may(&world, TOW_CHANNEL_PUBLISH, "news");
    assert_int_equal(visitor.answer.status, 403);
    assert_int_equal(back_end.asked, 1);
    assert_int_equal(table()->dismiss(table(), tow_slice_from("ann")), 1);
    world_run(&world, 10);
    assert_int_equal(visitor.dismissals, 1);
    end(&world);
}

static void it_is_asked_for_each_channel_unless_it_has_said(void **state) {
    struct world world;
    begin(&world, 200, "{\"sub\":\"\xc3\xa9ve\"}");
    may(&world, TOW_CHANNEL_SUBSCRIBE, "a b/100%\xc3\xa9");
    assert_int_equal(visitor.answer.word, TOW_CHANNEL_GRANTED);
    assert_string_equal(back_end.act, "subscribe");
    assert_string_equal(back_end.channel, "a%20b/100%25%C3%A9");
    assert_string_equal(back_end.subject, "%C3%A9ve");
    assert_string_equal(back_end.cookie, "id=7");
    back_end.status = 403;
    may(&world, TOW_CHANNEL_PUBLISH, "news");
    assert_string_equal(back_end.act, "publish");
    assert_int_equal(visitor.answer.status, 403);
    assert_int_equal(back_end.asked, 3);
    assert_int_equal(visitor.answers, 3);
    end(&world);
}

static void it_is_not_asked_where_nobody_waits_for_its_word(void **state) {
    struct world world;
    tow_channel_answer answer = {0};
    begin(&world, 200, "{\"sub\":\"ann\"}");
    table()->may(table(), &visitor.guest, TOW_CHANNEL_SUBSCRIBE, tow_slice_from("news"), NULL, &answer);
    assert_int_equal(answer.word, TOW_CHANNEL_LATER);
    world_run(&world, 1000);
    assert_int_equal(back_end.asked, 1);
    end(&world);
}

static void it_hears_of_a_token_that_is_shown_later(void **state) {
    struct world world;
    tow_channel_answer answer;
    begin(&world, 204, "");
    assert_int_equal(visitor.answer.word, TOW_CHANNEL_GRANTED);
    assert_null(visitor.guest.subject);
    back_end.status = 200;
    back_end.body = "{\"sub\":\"bob\"}";
    table()->show(table(), &visitor.guest, tow_slice_from("let-me"), &visitor.question, &answer);
    assert_int_equal(answer.word, TOW_CHANNEL_LATER);
    world_run(&world, 1000);
    assert_string_equal(back_end.act, "token");
    assert_string_equal(back_end.token, "let-me");
    assert_string_equal(back_end.cookie, "id=7");
    assert_string_equal(visitor.guest.subject, "bob");
    table()->show(table(), &visitor.guest, tow_slice_from("a\r\nTowline-Act: b"), &visitor.question, &answer);
    assert_int_equal(answer.status, 401);
    assert_int_equal(back_end.asked, 2);
    end(&world);
}

static void what_it_does_not_allow_is_refused(void **state) {
    static const struct {
        int answered;
        const char *body;
        int status;
        const char *reason;
    } cases[] = {
        {401, "", 401, "does not allow it"},
        {403, "", 403, "does not allow it"},
        {500, "", 502, "does not decide"},
        {302, "", 502, "does not decide"},
        {200, "<html>", 502, "not understood"},
        {200, "{\"sub\":7}", 502, "not understood"},
        {200, "[]", 502, "not understood"},
        {0, "", 503, "does not answer"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        begin(&world, cases[i].answered, cases[i].body);
        world_run(&world, 6000);
        assert_int_equal(visitor.answers, 1);
        assert_int_equal(visitor.answer.word, TOW_CHANNEL_REFUSED);
        assert_int_equal(visitor.answer.status, cases[i].status);
        if (strstr(visitor.reason, cases[i].reason) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", cases[i].reason, visitor.reason);
        assert_null(visitor.guest.known);
        end(&world);
    }
}

static void a_question_that_is_forgotten_gets_no_answer(void **state) {
    struct world world;
    begin(&world, 0, "");
    table()->forget(table(), &visitor.question);
    world_run(&world, 6000);
    assert_int_equal(visitor.answers, 0);
    end(&world);
}

static void an_answer_has_its_time(void **state) {
    struct world world;
    char body[100];
    begin(&world, 200, "{\"sub\":\"ann\",\"exp\":1}");
    world_run(&world, 100);
    assert_int_equal(visitor.dismissals, 1); /* it was over when it came */
    tow_channel_answer answer;
    snprintf(body, sizeof(body), "{\"exp\":%lld}", (long long)tow_loop_wall_seconds(world.loop) + 10);
    back_end.body = body;
    table()->show(table(), &visitor.guest, tow_slice_from("t"), &visitor.question, &answer);
    world_run(&world, 5000);
    assert_int_equal(visitor.dismissals, 1);
    world_run(&world, 6000);
    assert_int_equal(visitor.dismissals, 2);
    end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_it_says_somebody_is_they_are),
        cmocka_unit_test(it_is_asked_for_each_channel_unless_it_has_said),
        cmocka_unit_test(it_is_not_asked_where_nobody_waits_for_its_word),
        cmocka_unit_test(it_hears_of_a_token_that_is_shown_later),
        cmocka_unit_test(what_it_does_not_allow_is_refused),
        cmocka_unit_test(a_question_that_is_forgotten_gets_no_answer),
        cmocka_unit_test(an_answer_has_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
