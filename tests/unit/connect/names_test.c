/* Names that are looked up by the system's name service, which this program is itself: getaddrinfo stands
 * below. */
#include "../unit.h"

#include "../../../src/connect/name_service.h"
#include "connect/names.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <towline/error.h>

/* The name service: "stuck" waits until it is let go. */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls, inside;
    bool let_go;
} service = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void wait_until_let_go(void) {
    service.inside++;
    pthread_cond_broadcast(&service.changed);
    while (!service.let_go)
        pthread_cond_wait(&service.changed, &service.mutex);
    service.inside--;
    pthread_cond_broadcast(&service.changed);
}

static struct addrinfo *new_answer(int family) {
    struct answer {
        struct addrinfo info;
        struct sockaddr_in address;
    } *made = calloc(1, sizeof(*made));
    made->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203)};
    made->info = (struct addrinfo){.ai_family = family,
        .ai_addr = (struct sockaddr *)&made->address,
        .ai_addrlen = sizeof(made->address)};
    return &made->info;
}

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    assert_null(port);
    pthread_mutex_lock(&service.mutex);
    service.calls++;
    if (strcmp(name, "stuck.test") == 0)
        wait_until_let_go();
    pthread_mutex_unlock(&service.mutex);
    if (strcmp(name, "later.test") == 0)
        return EAI_AGAIN;
    if (hints->ai_family != AF_INET || strcmp(name, "nobody.test") == 0)
        return EAI_NONAME;
    *found = new_answer(AF_INET);
    return 0;
}

void freeaddrinfo(struct addrinfo *found) {
    free(found);
}

static int calls(void) {
    pthread_mutex_lock(&service.mutex);
    int count = service.calls;
    pthread_mutex_unlock(&service.mutex);
    return count;
}

static void wait_for_inside(int count) {
    pthread_mutex_lock(&service.mutex);
    while (service.inside != count)
        pthread_cond_wait(&service.changed, &service.mutex);
    pthread_mutex_unlock(&service.mutex);
}

static void let_go(bool yes) {
    pthread_mutex_lock(&service.mutex);
    service.let_go = yes;
    pthread_cond_broadcast(&service.changed);
    pthread_mutex_unlock(&service.mutex);
}

/* Queries */

typedef struct asked {
    int answers;
    tow_name_answer answer;
} asked;

static void on_name(void *user, int family, const tow_name_answer *answer) {
    asked *self = user;
    (void)family;
    self->answers++;
    self->answer = *answer;
}

static tow_loop *new_loop(tow_io io, bool system) {
    tow_loop *loop;
    assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.io = io}), 0);
    if (system)
        assert_int_equal(tow_names_use_system(loop), 0);
    return loop;
}

static tow_name_query *start(tow_loop *loop, const char *name, int family, asked *self) {
    tow_name_query *query;
    *self = (asked){0};
    assert_int_equal(tow_name_query_start(&query, loop, name, family, on_name, self), 0);
    assert_int_equal(self->answers, 0);
    return query;
}

static void ask(tow_loop *loop, const char *name, int family, asked *self) {
    start(loop, name, family, self);
    assert_int_equal(tow_loop_run(loop), 0); /* the query keeps it alive */
    assert_int_equal(self->answers, 1);
}

static void the_system_knows(tow_io io) {
    tow_loop *loop = new_loop(io, true);
    asked self;
    ask(loop, "printer.local", AF_INET, &self);
    assert_int_equal(self.answer.count, 1);
    const struct sockaddr_in *address = (const struct sockaddr_in *)&self.answer.addresses[0].storage;
    assert_int_equal(ntohl(address->sin_addr.s_addr), 0x0a010203);
    ask(loop, "printer.local", AF_INET6, &self);
    assert_int_equal(self.answer.error, TOW_ERROR_NAME_NOT_FOUND);
    ask(loop, "nobody.test", AF_INET, &self);
    assert_int_equal(self.answer.error, TOW_ERROR_NAME_NOT_FOUND);
    assert_string_equal(self.answer.text, tow_strerror(TOW_ERROR_NAME_NOT_FOUND));
    ask(loop, "later.test", AF_INET, &self);
    assert_int_equal(self.answer.error, TOW_ERROR_NAME_NOT_FOUND);
    assert_string_equal(self.answer.text, gai_strerror(EAI_AGAIN));
    tow_loop_free(loop);
}

static void the_system_is_asked(void **state) {
    (void)state;
    the_system_knows(TOW_IO_EPOLL);
    the_system_knows(TOW_IO_URING);
}

static void note_time(tow_timer *timer) {
    (void)timer;
}

/* What else the loop has to do goes on. */
static void a_stuck_one_delays_only_names(void **state) {
    (void)state;
    tow_loop *loop = new_loop(TOW_IO_AUTO, true);
    asked stuck, behind;
    let_go(false);
    start(loop, "stuck.test", AF_INET, &stuck);
    start(loop, "printer.local", AF_INET, &behind);
    wait_for_inside(1);
    tow_timer timer = {0};
    tow_timer_set(loop, &timer, tow_loop_now(loop) + TOW_MILLISECOND, note_time);
    while (tow_timer_is_set(&timer))
        assert_int_equal(tow_loop_round(loop), 1);
    assert_int_equal(stuck.answers + behind.answers, 0);
    let_go(true);
    assert_int_equal(tow_loop_run(loop), 0);
    assert_int_equal(stuck.answer.count, 1);
    assert_int_equal(behind.answer.count, 1);
    tow_loop_free(loop);
}

static void a_loop_may_go_while_the_helper_is_stuck(void **state) {
    (void)state;
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        tow_loop *loop = new_loop(TOW_IO_AUTO, true);
        asked stuck, behind;
        let_go(false);
        tow_name_query *query = start(loop, "stuck.test", AF_INET, &stuck);
        tow_name_query *other = start(loop, "printer.local", AF_INET, &behind);
        wait_for_inside(1);
        int before = calls();
        if (cancelled) {
            tow_name_query_cancel(query);
            tow_name_query_cancel(other);
            assert_int_equal(tow_loop_run(loop), 0); /* nothing keeps it alive */
        }
        tow_loop_free(loop);
        let_go(true);
        wait_for_inside(0);
        assert_int_equal(calls(), before);
        assert_int_equal(stuck.answers + behind.answers, 0);
    }
}

/* However often somebody gives up and tries again. */
static void there_is_one_helper_at_most(void **state) {
    (void)state;
    tow_loop *loop = new_loop(TOW_IO_AUTO, true);
    asked stuck;
    let_go(false);
    int before = calls();
    for (int i = 0; i < 5; i++) {
        tow_name_query_cancel(start(loop, "stuck.test", AF_INET, &stuck));
        tow_loop_step(loop);
        if (i == 0 && calls() == before) /* it was withdrawn before the helper came */
            i--;
    }
    assert_int_equal(calls(), before + 1);
    let_go(true);
    ask(loop, "printer.local", AF_INET, &stuck);
    assert_int_equal(stuck.answer.count, 1);
    assert_int_equal(stuck.answers, 1);
    tow_loop_free(loop);
}

static void it_can_be_switched_off(void **state) {
    (void)state;
    tow_loop *loop;
    assert_int_equal(tow_loop_new(&loop, &(tow_loop_options){.no_name_thread = true}), 0);
    assert_false(tow_loop_may_ask_system(loop));
    tow_loop_free(loop);
    assert_int_equal(tow_loop_new(&loop, NULL), 0);
    assert_true(tow_loop_may_ask_system(loop));
    tow_loop_free(loop);
}

/* RFC 6762, section 22.1. The name server does not exist: who asked it would wait. */
static void names_in_local_are_not_for_name_servers(void **state) {
    (void)state;
    static const char *const names[] = {"nobody.local", "Nobody.LOCAL.", "a.b.local"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tow_loop *loop = new_loop(TOW_IO_AUTO, false);
        asked self;
        assert_int_equal(tow_names_use_servers(loop, "127.0.0.1:1"), 0);
        int before = calls();
        start(loop, names[i], AF_INET, &self);
        assert_int_equal(tow_loop_step(loop), 0); /* it is known at once, and nothing waits */
        assert_int_equal(self.answers, 1);
        assert_int_equal(self.answer.error, TOW_ERROR_NAME_NOT_FOUND);
        assert_int_equal(calls(), before);
        start(loop, names[i], AF_INET, &self); /* the loop goes before it is told */
        tow_loop_free(loop);
        assert_int_equal(self.answers, 0);
    }
}

static void services_are_read_from_the_line_of_hosts(void **state) {
    (void)state;
    const struct {
        const char *line;
        bool other;
    } cases[] = {
        {"hosts: files dns\n", false},
        {"hosts:\tfiles [NOTFOUND=return] dns [!UNAVAIL=return]", false},
        {"hosts: dns[NOTFOUND=return]files", false},
        {"hosts: files # mdns4", false},
        {"hosts:", false},
        {"# hosts: mdns", false},
        {"networks: db files", false},
        {"passwd: files systemd", false},
        {"  hosts: files mdns4_minimal [NOTFOUND=return] dns", true},
        {"hosts: files resolve [!UNAVAIL=return] dns", true},
        {"hosts: [NOTFOUND=return] myhostname", true},
        {"hosts: files dns mymachines", true},
        {"hosts: filesystem", true},
        {"hosts: dn", true},
        {"hosts: files [unended", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (tow_name_service_is_other(cases[i].line) != cases[i].other)
            fail_msg("%s", cases[i].line);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_is_asked),
        cmocka_unit_test(a_stuck_one_delays_only_names),
        cmocka_unit_test(a_loop_may_go_while_the_helper_is_stuck),
        cmocka_unit_test(there_is_one_helper_at_most),
        cmocka_unit_test(it_can_be_switched_off),
        cmocka_unit_test(names_in_local_are_not_for_name_servers),
        cmocka_unit_test(services_are_read_from_the_line_of_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
