/* Clients of all kinds on one channel and two workers, and publishers at all doors, which are cut off at
 * random and come back, by a seed: what each kind is promised holds. Where it can say what it saw last, it
 * gets every message once and in order, or is told that some are missing; else in order, none twice, and all
 * of them while its connection stands. */
#include "returns/order.h"
#include "returns/publisher.h"

#include <towline/channel.h>

enum { CLIENTS = 30, MESSAGES = 1000, PUBLISHERS = 7, SETTLE = 200 };

/* Messages that the channel keeps. */
static int kept(uint64_t seed) {
    static const int counts[] = {60, 4, 0};
    return counts[seed / 30 % 3];
}

/* Whether clients may be too slow for it. */
static bool is_narrow(uint64_t seed) {
    return seed / 90 % 2 != 0;
}

static struct scene scene;
static struct client clients[CLIENTS];
static struct publisher publishers[PUBLISHERS];
static bool is_published[ORDER_MAX]; /* and acknowledged */
static unsigned follows[ORDER_MAX];  /* which its publisher knew to be published before it began */

static void done(struct publisher *publisher) {
    is_published[publisher->number] = true;
}

static size_t kind_count(void) {
    size_t count = 0;
    while (client_kinds[count] != NULL)
        count++;
    return count;
}

static void begin(uint64_t seed, bool is_late) {
    size_t kinds = kind_count();
    scene_begin(&scene, seed, kept(seed), is_narrow(seed), is_late);
    memset(clients, 0, sizeof(clients));
    memset(publishers, 0, sizeof(publishers));
    memset(is_published, 0, sizeof(is_published));
    for (unsigned i = 0; i < CLIENTS; i++) {
        size_t kind = i == 0 ? 0 : (i + seed) % kinds; /* the first is the witness */
        clients[i] = (struct client){.kind = client_kinds[kind], .scene = &scene, .place = i};
        client_come(&clients[i]);
    }
    for (size_t i = 0, kind = 0; i < PUBLISHERS; i++) {
        publishers[i] = (struct publisher){.kind = publisher_kinds[kind], .scene = &scene, .on_done = done};
        kind = publisher_kinds[kind + 1] != NULL ? kind + 1 : 0;
    }
}

/* So that a cut comes anywhere in what is under way. */
static void run_a_little(void) {
    world_run_a_little(&scene.world, scene_draw(&scene, 16));
}

static void publisher_turn(struct publisher *publisher, bool cuts) {
    publisher_step(publisher);
    if (scene.begun < MESSAGES && publisher_is_idle(publisher) && scene_draw(&scene, 3) == 0) {
        follows[scene.begun + 1] = publisher->done;
        publisher_publish(publisher);
    }
    if (!cuts || scene_draw(&scene, 20) != 0)
        return;
    publisher_step(publisher);
    run_a_little();
    publisher_cut(publisher);
}

static void client_turn(struct client *client, bool cuts) {
    bool is_witness = client == clients;
    if (cuts && scene.padding > 0 && client->is_on && !is_witness && scene_draw(&scene, 100) == 0)
        client_be_deaf(client, scene_draw(&scene, 60));
    if (client->is_on)
        client_step(client);
    if (cuts && client->is_on && !is_witness && scene_draw(&scene, 60) == 0) {
        run_a_little();
        client_cut(client);
    } else if (!client->is_on && (!cuts || is_witness || scene_draw(&scene, 30) == 0)) {
        client_come(client);
    }
}

static void turn(bool cuts) {
    world_run(&scene.world, 1 + (int)scene_draw(&scene, 4));
    for (size_t i = 0; i < PUBLISHERS; i++)
        publisher_turn(&publishers[i], cuts);
    for (size_t i = 0; i < CLIENTS; i++)
        client_turn(&clients[i], cuts);
}

static bool all_is_published(void) {
    for (size_t i = 0; i < PUBLISHERS; i++)
        if (publishers[i].number != 0)
            return false;
    return scene.begun == MESSAGES;
}

static bool all_are_there(void) {
    for (size_t i = 0; i < CLIENTS; i++)
        if (!clients[i].is_on || (!clients[i].is_ready && !clients[i].kind->asks_since))
            return false;
    return true;
}

/* Or it was told that the last is gone, too. */
static bool has_the_last(const struct client *client) {
    const struct client_heard *latest = client->count > 0 ? &client->all[client->count - 1] : NULL;
    return latest != NULL &&
           (latest->number == MESSAGES + 1 || (latest->is_gap && client->last == clients[0].last));
}

static bool all_have_the_last(void) {
    for (size_t i = 0; i < CLIENTS; i++)
        if (!has_the_last(&clients[i]))
            return false;
    return true;
}

static void report(void) {
    for (size_t i = 0; i < PUBLISHERS; i++)
        print_error("%s: %u is under way\n", publishers[i].kind->name, publishers[i].number);
    for (size_t i = 0; i < CLIENTS; i++)
        print_error("client %zu (%s)%s%s: heard %zu, the last %u\n", i, clients[i].kind->name,
            clients[i].is_on ? ", on" : "", clients[i].is_ready ? ", ready" : "", clients[i].count,
            clients[i].count > 0 ? clients[i].all[clients[i].count - 1].number : 0);
}

/* Until it is so, for some time: without cuts for a few seconds, so that nobody is woken by a heartbeat only.
 */
static void wait_until(const char *what, bool (*is_so)(void), bool cuts) {
    for (int i = 0; i < (cuts ? 20000 : 2000) && !is_so(); i++)
        turn(cuts);
    if (is_so())
        return;
    report();
    fail_msg("waited for %s", what);
}

static void publish_the_last(void) {
    char text[256];
    snprintf(text, sizeof(text), "<%u>%*s", ++scene.begun, scene.padding, "");
    assert_int_equal(tow_channel_publish(scene.world.server, SCENE_CHANNEL,
                         &(tow_publication){.data = text, .length = strlen(text)}),
        0);
}

/* How often, in all runs: that it happens at all is part of the test. */
static struct totals { unsigned told, recovered; } totals;

static void check(void) {
    static struct order order;
    order_take(&order, &clients[0]);
    for (unsigned number = 1; number <= MESSAGES; number++) {
        assert_true(!is_published[number] || order.positions[number] > 0);
        assert_true(
            order.positions[number] == 0 || order.positions[follows[number]] < order.positions[number]);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        totals.told += order_check(&order, &clients[i]);
        totals.recovered += clients[i].recoveries;
    }
}

static void run(uint64_t seed, bool is_late) {
    begin(seed, is_late);
    wait_until("all publications", all_is_published, true);
    for (int i = 0; i < SETTLE; i++) /* who was too slow is told, and comes back */
        turn(false);
    wait_until("all clients", all_are_there, false);
    publish_the_last();
    wait_until("the last publication", all_have_the_last, false);
    check();
    for (size_t i = 0; i < CLIENTS; i++)
        client_end(&clients[i]);
    for (size_t i = 0; i < PUBLISHERS; i++)
        publisher_end(&publishers[i]);
    scene_end(&scene);
}

static void run_seeds(bool is_late) {
    const char *only = getenv("TOW_TEST_SEED");
    for (uint64_t seed = 0; seed < 300; seed += unit_step(30)) {
        uint64_t this = only != NULL ? strtoull(only, NULL, 10) : seed;
        print_message("seed %u\n", (unsigned)this);
        run(this, is_late);
        if (only != NULL)
            return;
    }
    assert_true(totals.told > 0 && totals.recovered > 0);
    print_message("told %u, recovered %u\n", totals.told, totals.recovered);
}

static void what_is_promised_holds_through_cuts(void **state) {
    run_seeds(false);
}

static void it_holds_where_the_store_lies_elsewhere(void **state) {
    run_seeds(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_promised_holds_through_cuts),
        cmocka_unit_test(it_holds_where_the_store_lies_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
