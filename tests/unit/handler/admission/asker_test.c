/* Asking a back end, in the simulator: its answers, who leaves before them, and how many may wait. */
#include "../../server/world.h"

#include "asker.h"

#include <towline/error.h>

enum { ANSWER_SECONDS = 3, CALLS_AT_A_TIME = 32 /* of an asker */ };

struct asked {
    struct world world;
    tow_asker *asker;
    int verdicts, error, status, refusals;
    char asks[100];
};

/* The back end is a route of the same server: the path says what it answers. */
static void answer(tow_exchange *exchange, const tow_request *request) {
    const char *path = tow_request_path(request);
    int status = (int)strtol(path + 1, NULL, 10);
    if (status == 0) {
        tow_exchange_keep(exchange, NULL); /* never */
        return;
    }
    tow_exchange_field(exchange, "WWW-Authenticate", "One");
    tow_exchange_field(exchange, "WWW-Authenticate", "Two");
    tow_exchange_reject(exchange, status, "as the path says");
}

static void decided(void *user, const tow_verdict *verdict) {
    struct asked *asked = user;
    asked->verdicts++;
    asked->error = verdict->error;
    asked->status = verdict->status;
    asked->refusals += verdict->status == 403;
    asked->asks[0] = '\0';
    for (size_t i = 0; verdict->asks[i] != NULL; i++)
        snprintf(asked->asks + strlen(asked->asks), sizeof(asked->asks) - strlen(asked->asks), "%s;",
            verdict->asks[i]);
}

static void on_line(void *user, int level, const char *line) {
    (void)tow_buffer_append_format(&((struct asked *)user)->world.log, "%d %s\n", level, line);
}

static void begin(struct asked *asked, uint64_t seed) {
    memset(asked, 0, sizeof(*asked));
    world_make(&asked->world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){0});
    assert_int_equal(tow_server_route(asked->world.server, "/*", &(tow_handler){.on_request = answer}), 0);
    world_listen(&asked->world);
    const tow_handler_place place = {.log = {on_line, asked}, .loop = asked->world.loop};
    assert_int_equal(tow_asker_new(&asked->asker, &place, "auth-url"), 0);
}

static void end(struct asked *asked) {
    tow_asker_end(asked->asker);
    world_end(&asked->world);
    tow_asker_free(asked->asker);
}

static int ask_for(struct asked *asked, uint64_t client, tow_question **question, const char *url) {
    tow_header_field *fields = calloc(1, sizeof(*fields));
    return tow_asker_ask(question, asked->asker,
        &(tow_question_options){.url = url,
            .seconds = ANSWER_SECONDS,
            .client = client,
            .home = asked->world.loop,
            .on_verdict = decided,
            .user = asked},
        fields);
}

static int ask(struct asked *asked, tow_question **question, const char *url) {
    return ask_for(asked, 0, question, url);
}

static void the_status_and_what_it_asks_for_come_home(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    static const int statuses[] = {401, 403, 500};
    begin(&asked, 1);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char url[60];
        snprintf(url, sizeof(url), "http://127.0.0.1:9998/%d", statuses[i]);
        assert_int_equal(ask(&asked, &question, url), 0);
        assert_int_equal(asked.verdicts, (int)i); /* not inside of the call */
        world_run(&asked.world, 1000);
        assert_int_equal(asked.verdicts, (int)i + 1);
        assert_int_equal(asked.error, 0);
        assert_int_equal(asked.status, statuses[i]);
        assert_string_equal(asked.asks, "One;Two;");
    }
    end(&asked);
}

static void one_that_is_not_there_or_does_not_answer_is_an_error_and_a_line(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    begin(&asked, 2);
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:1/"), 0);
    world_run(&asked.world, 1000);
    assert_int_equal(asked.verdicts, 1);
    assert_int_equal(asked.error, TOW_ERROR_REFUSED);
    assert_true(world_logged(&asked.world, "4 auth-url: "));
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/never"), 0);
    world_run(&asked.world, ANSWER_SECONDS * 1000 - 100);
    assert_int_equal(asked.verdicts, 1);
    world_run(&asked.world, 200);
    assert_int_equal(asked.verdicts, 2);
    assert_int_equal(asked.error, TOW_ERROR_TIMED_OUT);
    end(&asked);
}

static void who_has_left_hears_nothing(void **state) {
    (void)state;
    for (int wait = 0; wait < 20; wait++) {
        struct asked asked;
        tow_question *question;
        begin(&asked, 3);
        assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/403"), 0);
        world_run(&asked.world, wait / 4);
        int before = asked.verdicts;
        if (before == 0)
            tow_question_forget(question);
        world_run(&asked.world, 1000);
        assert_int_equal(asked.verdicts, before);
        end(&asked);
    }
}

static void so_many_may_wait_and_no_more(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    begin(&asked, 4);
    for (int i = 0; i < TOW_ASKER_WAITING_MAX; i++)
        assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/403"), 0);
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/403"), TOW_ERROR_LIMIT);
    world_run(&asked.world, 5000);
    assert_int_equal(asked.verdicts, TOW_ASKER_WAITING_MAX);
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/403"), 0);
    world_run(&asked.world, 1000);
    assert_int_equal(asked.verdicts, TOW_ASKER_WAITING_MAX + 1);
    end(&asked);
}

enum { HOSTILE = 1, OTHER = 2 };

/* As many as it may. */
static void ask_without_end(struct asked *asked) {
    tow_question *question;
    int asks = 0;
    while (ask_for(asked, HOSTILE, &question, "http://127.0.0.1:9998/never") == 0)
        assert_true(++asks <= TOW_ASKER_CLIENT_MAX);
}

static void who_asks_without_end_keeps_nobody_else_waiting(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    begin(&asked, 6);
    for (int turn = 0; turn < 8; turn++) {
        ask_without_end(&asked);
        world_run(&asked.world, 500); /* once in a while some of them end */
        ask_without_end(&asked);
        assert_int_equal(ask_for(&asked, OTHER, &question, "http://127.0.0.1:9998/403"), 0);
        world_run(&asked.world, 100);
        assert_int_equal(asked.refusals, turn + 1);
    }
    end(&asked);
}

static void who_waits_and_leaves_is_not_asked_about(void **state) {
    (void)state;
    struct asked asked;
    tow_question *questions[TOW_ASKER_CLIENT_MAX];
    begin(&asked, 7);
    for (int i = 0; i < TOW_ASKER_CLIENT_MAX; i++)
        assert_int_equal(ask_for(&asked, HOSTILE, &questions[i], "http://127.0.0.1:9998/never"), 0);
    world_run(&asked.world, 100);
    for (int i = 0; i < TOW_ASKER_CLIENT_MAX; i++)
        tow_question_forget(questions[i]);
    world_run(&asked.world, ANSWER_SECONDS * 1000 + 100);
    assert_int_equal(asked.verdicts, 0);
    ask_without_end(&asked); /* there is room again */
    assert_int_equal(ask_for(&asked, HOSTILE, &questions[0], "http://127.0.0.1:9998/403"), TOW_ERROR_LIMIT);
    end(&asked);
}

static void who_is_not_asked_about_in_time_waits_no_longer(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    begin(&asked, 8);
    for (int i = 0; i < TOW_ASKER_WAITING_MAX; i++)
        assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/never"), 0);
    world_run(&asked.world, ANSWER_SECONDS * 1000 - 100);
    assert_int_equal(asked.verdicts, 0);
    world_run(&asked.world, 200);
    assert_int_equal(asked.verdicts, TOW_ASKER_WAITING_MAX);
    assert_int_equal(asked.error, TOW_ERROR_TIMED_OUT);
    assert_true(world_logged(&asked.world, "4 auth-url: too many questions were under way"));
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/403"), 0);
    world_run(&asked.world, 100);
    assert_int_equal(asked.refusals, 1);
    end(&asked);
}

/* It is not given its seconds anew. */
static void who_waited_is_asked_about_for_what_is_left(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    begin(&asked, 9);
    for (int i = 0; i < CALLS_AT_A_TIME; i++)
        assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/never"), 0);
    world_run(&asked.world, ANSWER_SECONDS * 1000 - 1000);
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/never"), 0);
    world_run(&asked.world, 1100); /* from now on it is being asked about */
    assert_int_equal(asked.verdicts, CALLS_AT_A_TIME);
    world_run(&asked.world, ANSWER_SECONDS * 1000 - 1200);
    assert_int_equal(asked.verdicts, CALLS_AT_A_TIME);
    world_run(&asked.world, 300);
    assert_int_equal(asked.verdicts, CALLS_AT_A_TIME + 1);
    end(&asked);
}

static void those_that_are_under_way_at_the_end_are_told(void **state) {
    (void)state;
    struct asked asked;
    tow_question *question;
    begin(&asked, 5);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/never"), 0);
    world_run(&asked.world, 100);
    tow_asker_end(asked.asker);
    assert_int_equal(ask(&asked, &question, "http://127.0.0.1:9998/403"), 0);
    world_run(&asked.world, 100);
    assert_int_equal(asked.verdicts, 4);
    assert_int_equal(asked.error, TOW_ERROR_STATE);
    assert_false(world_logged(&asked.world, "auth-url")); /* nothing failed */
    end(&asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_and_what_it_asks_for_come_home),
        cmocka_unit_test(one_that_is_not_there_or_does_not_answer_is_an_error_and_a_line),
        cmocka_unit_test(who_has_left_hears_nothing),
        cmocka_unit_test(so_many_may_wait_and_no_more),
        cmocka_unit_test(who_asks_without_end_keeps_nobody_else_waiting),
        cmocka_unit_test(who_waits_and_leaves_is_not_asked_about),
        cmocka_unit_test(who_is_not_asked_about_in_time_waits_no_longer),
        cmocka_unit_test(who_waited_is_asked_about_for_what_is_left),
        cmocka_unit_test(those_that_are_under_way_at_the_end_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
