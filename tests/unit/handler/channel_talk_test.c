/* The subprotocol towline.v1 at a door to channels, and who is asked for leave. */
#include "channel_world.h"

#include "channel/talk.h"

enum { SEEDS = 8 };

static const tow_channel_settings settings[] = {
    {.name = "open*", .publish = TOW_ACCESS_SAME_ORIGIN},
    {.name = "kept*", .publish = TOW_ACCESS_SAME_ORIGIN, .history = 4},
    {.name = "room", .publish = TOW_ACCESS_SAME_ORIGIN, .presence = true},
    {.name = "shut", .subscribe = TOW_ACCESS_NOBODY},
    {.name = "slow", .slow_bytes = 100000},
    {.name = "half*", .publish = TOW_ACCESS_TOKEN},
    {.name = "token*", .subscribe = TOW_ACCESS_TOKEN, .publish = TOW_ACCESS_TOKEN},
    {0},
};

static struct channels channels;
static struct peer peer, other;

static void begin(uint64_t seed, const tow_channel_keeper *keeper) {
    channels_begin(&channels, seed, settings, keeper, NULL);
    peer_talk(&peer, &channels, "/channel/");
}

static void end(void) {
    peer_close(&peer);
    channels_end(&channels);
}

static void asks(const char *said, const char *answer) {
    peer_say(&peer, said);
    peer_expect(&peer, answer);
}

static void many_channels_come_by_one_connection(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        begin(seed, NULL);
        assert_true(peer_has(&peer, "Sec-WebSocket-Protocol: towline.v1\r\n"));
        asks("{\"type\":\"subscribe\",\"id\":1,\"channel\":\"a\"}",
            "{\"type\":\"subscribed\",\"id\":1,\"channel\":\"a\",\"position\":\"");
        asks("{\"type\":\"subscribe\",\"id\":\"x\",\"channel\":\"b\"}",
            "{\"type\":\"subscribed\",\"id\":\"x\",\"channel\":\"b\",\"position\":\"");
        channels_say(&channels, "a", "to a");
        channels_say(&channels, "b", "to b");
        peer_expect(&peer, "{\"type\":\"message\",\"channel\":\"a\",\"event\":\"message\",\"data\":\"to a\"");
        peer_expect(&peer, "{\"type\":\"message\",\"channel\":\"b\",\"event\":\"message\",\"data\":\"to b\"");
        asks("{\"type\":\"unsubscribe\",\"id\":2,\"channel\":\"a\"}",
            "{\"type\":\"unsubscribed\",\"id\":2,\"channel\":\"a\"}");
        channels_say(&channels, "a", "again");
        channels_say(&channels, "b", "again");
        peer_expect(&peer, "\"channel\":\"b\",\"event\":\"message\",\"data\":\"again\"");
        assert_int_equal(peer_count(&peer, "again"), 1);
        end();
    }
}

static void a_path_with_a_name_subscribes(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_talk(&peer, &channels, "/channel/a");
    peer_expect(&peer, "{\"type\":\"subscribed\",\"channel\":\"a\",\"position\":\"");
    end();
}

static void a_path_may_ask_for_presence(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_talk(&peer, &channels, "/channel/room?presence=true");
    peer_expect(&peer, "\"members\":[{\"user\":\"guest-");
    peer_talk(&other, &channels, "/channel/room?presence=maybe");
    peer_expect(&other, "\"code\":\"malformed\",\"reason\":\"presence: true or false\"");
    peer_close(&other);
    end();
}

static void what_is_published_is_acknowledged(void **state) {
    (void)state;
    begin(1, NULL);
    peer_open(&other, &channels, "/channel/open");
    asks("{\"type\":\"subscribe\",\"channel\":\"open\"}", "\"subscribed\"");
    asks("{\"type\":\"publish\",\"id\":5,\"channel\":\"open\",\"data\":\"hello\"}",
        "{\"type\":\"published\",\"id\":5,\"channel\":\"open\",\"position\":\"");
    peer_expect_frame(&other, 1, "hello", 5);
    peer_expect(&peer, "\"data\":\"hello\"");
    asks("{\"type\":\"publish\",\"channel\":\"open\",\"data\":{\"n\":1.50},\"event\":\"tick\"}",
        "\"event\":\"tick\",\"data\":\"{\\\"n\\\":1.50}\"");
    peer_expect(&other, "{\"n\":1.50}");
    asks("{\"type\":\"publish\",\"channel\":\"open\",\"base64\":\"/wA=\"}", "\"base64\":\"/wA=\"");
    peer_expect_frame(&other, 2, "\xff\0", 2);
    asks("{\"type\":\"publish\",\"id\":6,\"channel\":\"open\",\"data\":\"quiet\",\"echo\":false}",
        "{\"type\":\"published\",\"id\":6,");
    peer_expect_frame(&other, 1, "quiet", 5);
    assert_false(peer_has(&peer, "\"quiet\""));
    assert_int_equal(peer_count(&peer, "\"published\""), 2);
    peer_close(&other);
    end();
}

static void what_is_wrong_is_told_and_no_more(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"hello",
            "{\"type\":\"error\",\"code\":\"malformed\",\"reason\":\"an envelope is an object of JSON\"}"},
        {"{\"type\":\"ping\",\"id\":1,\"x\":2}", "{\"type\":\"error\",\"id\":1,\"code\":\"malformed\""},
        {"{\"type\":\"subscribe\",\"id\":2,\"channel\":\"shut\"}",
            "{\"type\":\"error\",\"id\":2,\"channel\":\"shut\",\"code\":\"forbidden\""},
        {"{\"type\":\"subscribe\",\"id\":3,\"channel\":\"token\"}",
            "\"id\":3,\"channel\":\"token\",\"code\":\"forbidden\""},
        {"{\"type\":\"subscribe\",\"id\":4,\"channel\":\"presence-a\"}",
            "\"id\":4,\"channel\":\"presence-a\",\"code\":\"forbidden\""},
        {"{\"type\":\"publish\",\"id\":5,\"channel\":\"a\",\"data\":\"\"}",
            "\"id\":5,\"channel\":\"a\",\"code\":\"forbidden\",\"reason\":\"publishing is not allowed "
            "here\"}"},
        {"{\"type\":\"subscribe\",\"id\":6,\"channel\":\"a\",\"since\":\"x\"}",
            "\"id\":6,\"channel\":\"a\",\"code\":\"malformed\""},
        {"{\"type\":\"subscribe\",\"id\":7,\"channel\":\"a\",\"presence\":true}",
            "\"id\":7,\"channel\":\"a\",\"code\":\"unsupported\""},
        {"{\"type\":\"unsubscribe\",\"id\":8,\"channel\":\"a\"}",
            "\"id\":8,\"channel\":\"a\",\"code\":\"not-subscribed\""},
        {"{\"type\":\"subscribe\",\"id\":9,\"channel\":\"\\u0080\"}",
            "{\"type\":\"error\",\"id\":9,\"code\":\"malformed\""},
        {"{\"type\":\"history\",\"id\":10,\"channel\":\"shut\"}",
            "\"id\":10,\"channel\":\"shut\",\"code\":\"forbidden\""},
        {"{\"type\":\"presence\",\"id\":11,\"channel\":\"shut\"}",
            "\"id\":11,\"channel\":\"shut\",\"code\":\"forbidden\""},
        {"{\"type\":\"token\",\"id\":12,\"token\":\"x\"}",
            "{\"type\":\"error\",\"id\":12,\"code\":\"forbidden\""},
    };
    begin(1, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        asks(cases[i][0], cases[i][1]);
    asks("{\"type\":\"ping\",\"id\":99}", "{\"type\":\"pong\",\"id\":99}");
    end();
}

static void a_second_subscription_is_told(void **state) {
    (void)state;
    begin(1, NULL);
    peer_say(&peer, "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"a\"}");
    asks("{\"type\":\"subscribe\",\"id\":2,\"channel\":\"a\"}",
        "\"id\":2,\"channel\":\"a\",\"code\":\"already\"");
    peer_expect(&peer, "{\"type\":\"subscribed\",\"id\":1,");
    end();
}

static void bytes_close_it(void **state) {
    (void)state;
    begin(1, NULL);
    peer_frame(&peer, 2, "x", 1);
    peer_expect_close(&peer, 1003, "envelopes are texts");
    end();
}

static void a_door_to_one_channel_leads_to_no_other(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_talk(&peer, &channels, "/one");
    peer_expect(&peer, "{\"type\":\"subscribed\",\"channel\":\"one\"");
    asks("{\"type\":\"subscribe\",\"id\":1,\"channel\":\"two\"}",
        "\"code\":\"forbidden\",\"reason\":\"this channel is not served here\"");
    end();
}

/* From each position on. */
static void who_comes_back_gets_what_it_missed(void **state) {
    (void)state;
    for (unsigned seen = 0; seen <= 10; seen++) {
        char position[64], said[120], expected[60];
        begin(seen, NULL);
        peer_open(&other, &channels, "/channel/kept");
        for (unsigned i = 1; i <= 10; i++)
            channels_say(&channels, "kept", "x");
        channels_position(&channels, "kept", position);
        snprintf(said, sizeof(said), "{\"type\":\"subscribe\",\"channel\":\"kept\",\"since\":\"%.11s:%u\"}",
            position, seen);
        asks(said, seen < 6 ? "\"whole\":false" : "\"whole\":true");
        channels_say(&channels, "kept", "new");
        peer_expect(&peer, "\"data\":\"new\"");
        assert_int_equal(peer_count(&peer, "\"data\":\"x\""), seen < 6 ? 4 : 10 - seen);
        snprintf(expected, sizeof(expected), "\"position\":\"%.11s:11\"", position);
        peer_expect(&peer, expected);
        peer_close(&other);
        end();
    }
}

static void history_is_told(void **state) {
    (void)state;
    begin(1, NULL);
    channels_say(&channels, "kept", "one");
    channels_say(&channels, "kept", "two");
    channels_say(&channels, "kept", "three");
    asks("{\"type\":\"history\",\"id\":1,\"channel\":\"kept\"}", "{\"type\":\"history\",\"id\":1,");
    peer_expect(&peer, "\"data\":\"three\"");
    assert_true(peer_has(&peer, "\"data\":\"one\""));
    asks("{\"type\":\"history\",\"id\":2,\"channel\":\"a\"}",
        "{\"type\":\"history\",\"id\":2,\"channel\":\"a\"");
    peer_expect(&peer, "\"messages\":[]}");
    end();
}

static void members_come_and_go(void **state) {
    (void)state;
    begin(1, NULL);
    asks("{\"type\":\"subscribe\",\"channel\":\"room\",\"presence\":true,\"info\":{\"name\":\"Ann\"}}",
        "\"members\":[{\"user\":\"guest-");
    peer_expect(&peer, "\"info\":{\"name\":\"Ann\"}}]}");
    peer_talk(&other, &channels, "/channel/");
    peer_say(&other, "{\"type\":\"subscribe\",\"channel\":\"room\",\"presence\":true,\"info\":\"Bob\"}");
    peer_expect(&peer, "{\"type\":\"joined\",\"channel\":\"room\",\"user\":\"guest-");
    peer_expect(&peer, "\"info\":\"Bob\"}");
    peer_expect(&other, "\"subscribed\"");
    asks("{\"type\":\"presence\",\"id\":3,\"channel\":\"room\"}",
        "{\"type\":\"presence\",\"id\":3,\"channel\":\"room\",\"members\":[");
    asks("{\"type\":\"presence\",\"id\":4,\"channel\":\"room\",\"limit\":1}",
        "\"id\":4,\"channel\":\"room\",\"more\":true,\"members\":[");
    peer_close(&other);
    peer_expect(&peer, "{\"type\":\"left\",\"channel\":\"room\",\"user\":\"guest-");
    end();
}

static void other_rules_hold_for_who_is_there(void **state) {
    (void)state;
    static const tow_channel_settings nobody[] = {{.name = "*", .subscribe = TOW_ACCESS_NOBODY}, {0}};
    begin(1, NULL);
    asks("{\"type\":\"subscribe\",\"channel\":\"a\"}", "\"subscribed\"");
    channels_set(&channels, nobody);
    peer_expect(&peer, "{\"type\":\"ended\",\"channel\":\"a\",\"code\":\"revoked\"}");
    asks("{\"type\":\"ping\",\"id\":1}", "\"pong\"");
    end();
}

static void a_connection_has_so_many_channels(void **state) {
    (void)state;
    char said[100], expected[100];
    begin(1, NULL);
    for (unsigned i = 1; i <= TOW_TALK_CHANNELS_MAX + 1; i++) {
        snprintf(said, sizeof(said), "{\"type\":\"subscribe\",\"id\":%u,\"channel\":\"c%u\"}", i, i);
        peer_say(&peer, said);
    }
    snprintf(expected, sizeof(expected), "{\"type\":\"subscribed\",\"id\":%u,", TOW_TALK_CHANNELS_MAX);
    peer_expect(&peer, expected);
    snprintf(expected, sizeof(expected),
        "{\"type\":\"error\",\"id\":%u,\"channel\":\"c%u\",\"code\":\"limit\"", TOW_TALK_CHANNELS_MAX + 1,
        TOW_TALK_CHANNELS_MAX + 1);
    peer_expect(&peer, expected);
    assert_int_equal(peer_count(&peer, "\"subscribed\""), TOW_TALK_CHANNELS_MAX);
    end();
}

/* A peer that only asks and never reads holds a bounded amount, and nobody up. */
static void who_asks_and_does_not_read_waits(void **state) {
    (void)state;
    begin(1, NULL);
    tow_stream_pause(&peer.stream);
    for (unsigned i = 0; i < 20000; i++)
        peer_say(&peer, "{\"type\":\"history\",\"id\":\"0123456789012345678901234567890123456789\","
                        "\"channel\":\"kept\"}");
    world_run(&channels.world, 1000);
    assert_true(peer.out.length > 0); /* it is not read any more */
    peer_talk(&other, &channels, "/channel/a");
    peer_expect(&other, "\"subscribed\"");
    peer_close(&other);
    peer_reset(&peer);
    channels_end(&channels);
}

static void who_is_too_slow_is_told(void **state) {
    (void)state;
    static char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    begin(1, NULL);
    asks("{\"type\":\"subscribe\",\"channel\":\"slow\"}", "\"subscribed\"");
    tow_stream_pause(&peer.stream);
    for (unsigned i = 0; i < 400; i++) {
        channels_say(&channels, "slow", text);
        world_run(&channels.world, 5);
    }
    tow_stream_resume(&peer.stream);
    peer_expect(&peer, "{\"type\":\"ended\",\"channel\":\"slow\",\"code\":\"slow\"}");
    asks("{\"type\":\"subscribe\",\"id\":7,\"channel\":\"slow\"}", "{\"type\":\"subscribed\",\"id\":7,");
    end();
}

/* A keeper for whom each token is a name: "late" and what follows is answered later. */

static struct {
    tow_channel_guest *guest;
    tow_channel_question *question; /* that waits */
    tow_channel_answer answer;
    char subject[100];
    unsigned entered, left, forgotten, shown;
    bool is_down;
} kept;

static void say_or_wait(tow_slice token, tow_channel_question *question, tow_channel_answer *answer) {
    static const tow_channel_answer refused = {TOW_CHANNEL_REFUSED, 401, "this token is no good"};
    bool is_good = token.length == 0 || memmem(token.data, token.length, "good", 4) != NULL;
    const tow_channel_answer said = is_good ? (tow_channel_answer){.word = TOW_CHANNEL_GRANTED} : refused;
    bool is_late = token.length >= 4 && memcmp(token.data, "late", 4) == 0;
    *answer = is_late ? (tow_channel_answer){.word = TOW_CHANNEL_LATER} : said;
    if (is_late) {
        kept.question = question;
        kept.answer = said;
    }
}

static void enter(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_exchange *exchange,
    const tow_request *request, tow_channel_question *question, tow_channel_answer *answer) {
    (void)keeper, (void)exchange;
    const char *token = tow_request_parameter(request, "token");
    say_or_wait(tow_slice_from(token != NULL ? token : ""), question, answer);
    kept.guest = guest;
    if (token != NULL) {
        snprintf(kept.subject, sizeof(kept.subject), "%s", token);
        guest->subject = kept.subject;
        guest->known = &kept;
    }
    kept.entered += answer->word == TOW_CHANNEL_GRANTED;
}

static void show(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_slice token,
    tow_channel_question *question, tow_channel_answer *answer) {
    (void)keeper;
    kept.shown++;
    say_or_wait(token, question, answer);
    if (answer->word == TOW_CHANNEL_GRANTED) {
        snprintf(kept.subject, sizeof(kept.subject), "%.*s", (int)token.length, token.data);
        guest->subject = kept.subject;
        guest->expires = 4000000000;
    }
}

static void may(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_channel_act act,
    tow_slice channel, tow_channel_question *question, tow_channel_answer *answer) {
    (void)keeper, (void)act;
    const tow_channel_answer refused = {TOW_CHANNEL_REFUSED, 403, "not for you"};
    const tow_channel_answer unknown = {TOW_CHANNEL_REFUSED, 502, "nobody knows"};
    *answer = kept.is_down ? unknown : refused;
    if (kept.is_down)
        return;
    if (guest->subject != NULL && strstr(guest->subject, "less") != NULL)
        return;
    if (channel.length > 5 && memmem(channel.data, channel.length, "late", 4) != NULL) {
        answer->word = TOW_CHANNEL_LATER;
        if (question == NULL)
            return;
        kept.question = question;
        kept.answer = (tow_channel_answer){.word = TOW_CHANNEL_GRANTED};
    } else if (guest->subject != NULL) {
        answer->word = TOW_CHANNEL_GRANTED;
    }
}

static void forget(const tow_channel_keeper *keeper, tow_channel_question *question) {
    (void)keeper;
    assert_ptr_equal(question, kept.question);
    kept.question = NULL;
    kept.forgotten++;
}

static void leave(const tow_channel_keeper *keeper, tow_channel_guest *guest) {
    (void)keeper, (void)guest;
    kept.left++;
}

static const tow_channel_keeper keeper = {
    .enter = enter, .show = show, .may = may, .forget = forget, .leave = leave};

static void answer_now(void) {
    tow_channel_question *question = kept.question;
    assert_non_null(question);
    kept.question = NULL;
    question->on_answer(question, &kept.answer);
}

static int clear_kept(void **state) {
    (void)state;
    memset(&kept, 0, sizeof(kept));
    return 0;
}

static void who_has_a_token_gets_in(void **state) {
    (void)state;
    begin(1, &keeper);
    asks("{\"type\":\"subscribe\",\"id\":1,\"channel\":\"token\"}",
        "\"code\":\"forbidden\",\"reason\":\"not for you\"");
    asks("{\"type\":\"token\",\"id\":2,\"token\":\"bad\"}",
        "\"id\":2,\"code\":\"forbidden\",\"reason\":\"this token is no good\"");
    asks("{\"type\":\"token\",\"id\":3,\"token\":\"good Ann\"}",
        "{\"type\":\"welcome\",\"id\":3,\"user\":\"good Ann\",\"expires\":4000000000}");
    asks("{\"type\":\"subscribe\",\"id\":4,\"channel\":\"token\"}", "{\"type\":\"subscribed\",\"id\":4,");
    asks("{\"type\":\"publish\",\"id\":5,\"channel\":\"token\",\"data\":\"x\"}",
        "{\"type\":\"published\",\"id\":5,");
    peer_expect(&peer, "\"data\":\"x\",\"user\":\"good Ann\"");
    end();
    assert_int_equal(kept.entered, kept.left);
}

/* Both may try again, as others than who is refused. */
static void who_can_not_be_asked_for_is_told_so(void **state) {
    (void)state;
    struct peer plain;
    begin(1, &keeper);
    peer_open(&plain, &channels, "/channel/token?token=good");
    kept.is_down = true;
    asks("{\"type\":\"subscribe\",\"id\":1,\"channel\":\"token\"}",
        "\"code\":\"unavailable\",\"reason\":\"nobody knows\"");
    peer_say(&plain, "hello");
    peer_expect_close(&plain, 1013, "nobody knows");
    peer_close(&plain);
    end();
}

/* At each door: by towline.v1 and as a plain socket, by a stream, and by a poll. */
static void who_has_no_token_does_not_stay_where_one_is_needed_now(void **state) {
    (void)state;
    static const tow_channel_settings stricter[] = {{.name = "*", .subscribe = TOW_ACCESS_TOKEN}, {0}};
    struct peer plain, stream, poll, known, knows_more;
    char position[64], target[120];
    begin(1, &keeper);
    asks("{\"type\":\"subscribe\",\"channel\":\"open\"}", "\"subscribed\"");
    peer_open(&plain, &channels, "/channel/open");
    peer_request(&stream, &channels, "/channel/open", "Accept: text/event-stream\r\n");
    peer_expect(&stream, "id: ");
    channels_position(&channels, "open", position);
    snprintf(target, sizeof(target), "/channel/open?wait=60&since=%s", position);
    peer_request(&poll, &channels, target, "");
    peer_open(&known, &channels, "/channel/open?token=good");
    peer_talk(&knows_more, &channels, "/channel/?token=good");
    peer_say(&knows_more, "{\"type\":\"subscribe\",\"channel\":\"open\"}");
    peer_expect(&knows_more, "\"subscribed\"");
    channels_set(&channels, stricter);
    channels_say(&channels, "open", "secret");
    peer_expect(&peer, "{\"type\":\"ended\",\"channel\":\"open\",\"code\":\"revoked\"}");
    peer_expect_close(&plain, 1008, "subscribing to this channel is not allowed any more");
    peer_expect(&stream, "event: towline.ended\ndata: {\"code\":\"revoked\"}\n\n");
    peer_expect(&poll, "HTTP/1.1 403 ");
    peer_expect(&known, "secret");
    peer_expect(&knows_more, "secret");
    asks("{\"type\":\"ping\",\"id\":1}", "\"pong\"");
    assert_false(peer_has(&peer, "secret") || peer_has(&plain, "secret") || peer_has(&stream, "secret") ||
                 peer_has(&poll, "secret"));
    struct peer *const all[] = {&plain, &stream, &poll, &known, &knows_more};
    for (size_t i = 0; i < 5; i++)
        peer_close(all[i]);
    end();
    assert_int_equal(kept.entered, kept.left);
}

static void who_shows_a_token_that_allows_less_has_less(void **state) {
    (void)state;
    begin(1, &keeper);
    asks("{\"type\":\"token\",\"id\":1,\"token\":\"good Ann\"}", "\"welcome\"");
    asks("{\"type\":\"subscribe\",\"id\":2,\"channel\":\"token\"}", "{\"type\":\"subscribed\",\"id\":2,");
    asks("{\"type\":\"subscribe\",\"id\":3,\"channel\":\"open\"}", "{\"type\":\"subscribed\",\"id\":3,");
    asks("{\"type\":\"token\",\"id\":4,\"token\":\"good Bob\"}", "{\"type\":\"welcome\",\"id\":4,");
    channels_say(&channels, "token", "before");
    peer_expect(&peer, "before");
    asks("{\"type\":\"token\",\"id\":5,\"token\":\"good for less\"}",
        "{\"type\":\"ended\",\"channel\":\"token\",\"code\":\"revoked\"}");
    assert_true(peer_has(&peer, "{\"type\":\"welcome\",\"id\":5,"));
    channels_say(&channels, "token", "after");
    channels_say(&channels, "open", "for all");
    peer_expect(&peer, "for all");
    assert_false(peer_has(&peer, "after"));
    end();
}

static void what_is_asked_while_the_keeper_thinks_waits(void **state) {
    (void)state;
    begin(1, &keeper);
    peer_say(&peer, "{\"type\":\"token\",\"id\":1,\"token\":\"late good Ann\"}");
    peer_say(&peer, "{\"type\":\"ping\",\"id\":2}");
    world_run(&channels.world, 1000);
    assert_false(peer_has(&peer, "pong"));
    answer_now();
    peer_expect(&peer, "\"welcome\"");
    peer_expect(&peer, "{\"type\":\"pong\",\"id\":2}");
    end();
}

static void a_question_of_who_has_gone_is_forgotten(void **state) {
    (void)state;
    begin(1, &keeper);
    peer_say(&peer, "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"token late\"}");
    world_run(&channels.world, 100);
    assert_non_null(kept.question);
    peer_reset(&peer);
    world_run(&channels.world, 100);
    assert_int_equal(kept.forgotten, 1);
    assert_int_equal(kept.left, 1);
    channels_end(&channels);
}

static void who_leaves_before_it_is_let_in_is_forgotten(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, &keeper, NULL);
    peer_request(&peer, &channels, "/channel/a?token=late+good", "Accept: text/event-stream\r\n");
    world_run(&channels.world, 100);
    assert_non_null(kept.question);
    peer_reset(&peer);
    world_run(&channels.world, 100);
    assert_int_equal(kept.forgotten, 1);
    assert_int_equal(kept.left, 0);
    channels_end(&channels);
}

static void who_is_let_in_later_gets_in(void **state) {
    (void)state;
    static const char *const fields[] = {"Accept: text/event-stream\r\n", ""};
    for (size_t i = 0; i < 2; i++) {
        clear_kept(NULL);
        channels_begin(&channels, i, settings, &keeper, NULL);
        peer_request(&peer, &channels, "/channel/token?token=late+good", fields[i]);
        world_run(&channels.world, 100);
        answer_now();
        peer_expect(&peer, "HTTP/1.1 200 ");
        peer_close(&peer);
        channels_end(&channels);
        assert_int_equal(kept.left, 1);
    }
}

static void a_bad_token_is_refused(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, &keeper, NULL);
    peer_request(&peer, &channels, "/channel/a?token=bad", "");
    peer_expect(&peer, "this token is no good");
    assert_true(peer_has(&peer, "HTTP/1.1 401 "));
    assert_true(peer_has(&peer, "WWW-Authenticate: Bearer"));
    peer_close(&peer);
    peer_request(&peer, &channels, "/channel/token", "");
    peer_expect(&peer, "HTTP/1.1 403 ");
    peer_close(&peer);
    channels_end(&channels);
}

/* To check one may take long. */
static void tokens_are_few_a_round(void **state) {
    (void)state;
    enum { COUNT = 100 };
    begin(1, &keeper);
    for (int i = 0; i < COUNT; i++)
        peer_say(&peer, "{\"type\":\"token\",\"token\":\"bad\"}");
    while (kept.shown < COUNT) {
        unsigned before = kept.shown;
        assert_true(tow_loop_step(channels.world.loop) >= 0);
        assert_in_range(kept.shown - before, 0, 4);
    }
    end();
}

static void who_is_dismissed_is_told(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, &keeper, NULL);
    peer_talk(&peer, &channels, "/channel/?token=good");
    kept.guest->on_dismissed(kept.guest, TOW_CHANNEL_EXPIRED);
    peer_expect_close(&peer, 4401, "the token has expired");
    peer_close(&peer);
    peer_open(&peer, &channels, "/channel/a?token=good");
    kept.guest->on_dismissed(kept.guest, TOW_CHANNEL_DISCONNECTED);
    peer_expect_close(&peer, 4403, "disconnected");
    peer_close(&peer);
    peer_request(&peer, &channels, "/channel/a?token=good", "Accept: text/event-stream\r\n");
    peer_expect(&peer, "\nid: ");
    kept.guest->on_dismissed(kept.guest, TOW_CHANNEL_EXPIRED);
    peer_expect(&peer, "event: towline.ended\ndata: {\"code\":\"expired\"}\n\n");
    peer_close(&peer);
    channels_end(&channels);
    assert_int_equal(kept.left, 3);
}

/* Dismissed while the keeper thinks of its message: plain, and with towline.v1. */
static void who_is_closed_publishes_nothing_any_more(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        clear_kept(NULL);
        channels_begin(&channels, i, settings, &keeper, NULL);
        peer_open(&other, &channels, "/channel/half%20late");
        if (i == 0) {
            peer_open(&peer, &channels, "/channel/half%20late?token=good");
            peer_say(&peer, "too late");
        } else {
            peer_talk(&peer, &channels, "/channel/?token=good");
            peer_say(&peer, "{\"type\":\"publish\",\"channel\":\"half late\",\"data\":\"too late\"}");
        }
        world_run(&channels.world, 100);
        kept.guest->on_dismissed(kept.guest, TOW_CHANNEL_EXPIRED);
        answer_now();
        channels_say(&channels, "half late", "next");
        peer_expect(&other, "next");
        assert_false(peer_has(&other, "too late"));
        peer_close(&peer);
        peer_close(&other);
        channels_end(&channels);
    }
}

static void a_plain_message_waits_for_the_keeper(void **state) {
    (void)state;
    channels_begin(&channels, 1, settings, &keeper, NULL);
    peer_talk(&other, &channels, "/channel/?token=good");
    peer_open(&peer, &channels, "/channel/token?token=good");
    peer_say(&peer, "one");
    peer_expect_frame(&peer, 1, "one", 3);
    peer_close(&peer);
    peer_close(&other);
    channels_end(&channels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_channels_come_by_one_connection),
        cmocka_unit_test(a_path_with_a_name_subscribes),
        cmocka_unit_test(a_path_may_ask_for_presence),
        cmocka_unit_test(what_is_published_is_acknowledged),
        cmocka_unit_test(what_is_wrong_is_told_and_no_more),
        cmocka_unit_test(a_second_subscription_is_told),
        cmocka_unit_test(bytes_close_it),
        cmocka_unit_test(a_door_to_one_channel_leads_to_no_other),
        cmocka_unit_test(who_comes_back_gets_what_it_missed),
        cmocka_unit_test(history_is_told),
        cmocka_unit_test(members_come_and_go),
        cmocka_unit_test(other_rules_hold_for_who_is_there),
        cmocka_unit_test(a_connection_has_so_many_channels),
        cmocka_unit_test(who_asks_and_does_not_read_waits),
        cmocka_unit_test(who_is_too_slow_is_told),
        cmocka_unit_test_setup(who_has_a_token_gets_in, clear_kept),
        cmocka_unit_test_setup(who_can_not_be_asked_for_is_told_so, clear_kept),
        cmocka_unit_test_setup(who_has_no_token_does_not_stay_where_one_is_needed_now, clear_kept),
        cmocka_unit_test_setup(who_shows_a_token_that_allows_less_has_less, clear_kept),
        cmocka_unit_test_setup(what_is_asked_while_the_keeper_thinks_waits, clear_kept),
        cmocka_unit_test_setup(a_question_of_who_has_gone_is_forgotten, clear_kept),
        cmocka_unit_test_setup(who_leaves_before_it_is_let_in_is_forgotten, clear_kept),
        cmocka_unit_test_setup(who_is_let_in_later_gets_in, clear_kept),
        cmocka_unit_test_setup(who_is_closed_publishes_nothing_any_more, clear_kept),
        cmocka_unit_test_setup(a_bad_token_is_refused, clear_kept),
        cmocka_unit_test_setup(tokens_are_few_a_round, clear_kept),
        cmocka_unit_test_setup(who_is_dismissed_is_told, clear_kept),
        cmocka_unit_test_setup(a_plain_message_waits_for_the_keeper, clear_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
