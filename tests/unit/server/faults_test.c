/* A server and its clients on one loop, another thread that posts, and a kernel that does badly: each client
 * hears what was said to it, in order, and nothing else. */
#include "../transport/each_loop.h"

#include "../faults.h"

#include <pthread.h>
#include <stdatomic.h>
#include <towline.h>

enum {
    CLIENTS = 10,
    SENT_AT_ONCE = 6,
    LARGE = 100000,
    ENOUGH = 2000,
    BROKEN_ENOUGH = 500,
    ROUNDS_A_LIFE = 400,
    PATIENCE_SECONDS = 60
};

/* Two rows of numbered messages come to each client: those of the loop's thread and those of the other. */
enum row { SAID, POSTED, ROWS };

static const char row_names[ROWS] = {'s', 'p'};

/* A client; its number is another one after each opening. */
struct caller {
    struct setting *setting;
    tow_websocket *socket; /* NULL: to be opened */
    int number;
    unsigned heard[ROWS];
    bool open;
};

/* What the server knows of it; guarded by the mutex. */
struct callee {
    tow_websocket *socket;
    tow_websocket_id id;
    int number;
    unsigned told[ROWS];
};

struct setting {
    each_loop *each;
    tow_server *server;
    bool secure;
    bool harmful; /* connections may break */
    char url[64];
    struct caller callers[CLIENTS];
    struct callee callees[CLIENTS];
    pthread_mutex_t mutex;
    pthread_t poster;
    atomic_bool stop;
    uint64_t seed;
    int numbers;
    size_t heard;
    unsigned lost; /* connections */
};

static unsigned dice(struct setting *setting, unsigned sides) {
    setting->seed = setting->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(setting->seed >> 33) % sides;
}

/* Messages: "ROW NUMBER SEQUENCE" and then a letter that depends on the number, again and again. */

static char letter_of(int number) {
    return (char)('a' + number % 26);
}

static size_t compose(char *text, enum row row, int number, unsigned sequence, size_t length) {
    size_t used = (size_t)snprintf(text, 64, "%c %d %u ", row_names[row], number, sequence);
    if (length < used)
        return used;
    memset(text + used, letter_of(number), length - used);
    return length;
}

static void check(struct caller *caller, const char *text, size_t length) {
    char head[64] = "";
    char name;
    int number, used = 0;
    unsigned sequence;
    memcpy(head, text, length < sizeof(head) - 1 ? length : sizeof(head) - 1);
    assert_int_equal(sscanf(head, "%c %d %u %n", &name, &number, &sequence, &used), 3);
    enum row row = name == row_names[SAID] ? SAID : POSTED;
    assert_int_equal(number, caller->number);
    if (row == POSTED && caller->setting->harmful)
        assert_true(sequence >= caller->heard[row]); /* there was no memory for some, perhaps */
    else
        assert_int_equal(sequence, caller->heard[row]);
    caller->heard[row] = sequence + 1;
    for (size_t i = (size_t)used; i < length; i++)
        assert_int_equal(text[i], letter_of(number));
}

/* The server's side */

static void tell(struct setting *setting, struct callee *callee) {
    static char text[LARGE];
    if (callee->socket == NULL)
        return;
    size_t length = dice(setting, 50) == 0 ? LARGE : 20 + dice(setting, 400);
    length = compose(text, SAID, callee->number, callee->told[SAID], length);
    if (tow_websocket_send(callee->socket, TOW_TEXT, text, length) >= 0)
        callee->told[SAID]++;
    else
        assert_true(setting->harmful);
}

static struct callee *callee_of(tow_websocket *socket, struct setting *setting) {
    for (int i = 0; i < CLIENTS; i++)
        if (setting->callees[i].socket == socket)
            return &setting->callees[i];
    return NULL;
}

/* The first message says who it is: "INDEX NUMBER". */
static void introduce(struct setting *setting, tow_websocket *socket, const char *text) {
    int index, number;
    assert_int_equal(sscanf(text, "%d %d", &index, &number), 2);
    setting->callees[index] =
        (struct callee){.socket = socket, .id = tow_websocket_identify(socket), .number = number};
}

static void server_message(tow_websocket *socket, const tow_message *message) {
    struct setting *setting = tow_websocket_user(socket);
    bool before = faults_on(false);
    char text[64] = "";
    pthread_mutex_lock(&setting->mutex);
    if (callee_of(socket, setting) == NULL) {
        memcpy(text, message->data, message->length < 63 ? message->length : 63);
        introduce(setting, socket, text);
    }
    faults_on(before);
    for (int i = 0; i < SENT_AT_ONCE; i++)
        tell(setting, &setting->callees[dice(setting, CLIENTS)]);
    pthread_mutex_unlock(&setting->mutex);
}

static void server_close(tow_websocket *socket, const tow_close_event *event) {
    (void)event;
    struct setting *setting = tow_websocket_user(socket);
    pthread_mutex_lock(&setting->mutex);
    struct callee *known = callee_of(socket, setting);
    if (known != NULL)
        *known = (struct callee){.socket = NULL};
    pthread_mutex_unlock(&setting->mutex);
}

/* The other thread */

static void post(struct setting *setting, struct callee *callee, unsigned turn) {
    char text[512];
    size_t length = compose(text, POSTED, callee->number, callee->told[POSTED], 20 + turn % 400);
    const tow_message message = {.type = TOW_TEXT, .data = text, .length = length};
    faults_on(true);
    int error = tow_post_message(setting->server, callee->id, &message);
    faults_on(false);
    if (error == 0)
        callee->told[POSTED]++;
    else
        assert_true(setting->harmful);
}

static void *post_on(void *argument) {
    struct setting *setting = argument;
    faults_seed(setting->seed + 1);
    for (unsigned turn = 0; !atomic_load(&setting->stop); turn++) {
        pthread_mutex_lock(&setting->mutex);
        struct callee *callee = &setting->callees[turn % CLIENTS];
        if (callee->socket != NULL)
            post(setting, callee, turn);
        pthread_mutex_unlock(&setting->mutex);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    return NULL;
}

/* The clients' side */

static void opened(tow_websocket *socket) {
    struct caller *caller = tow_websocket_user(socket);
    char text[64];
    int length =
        snprintf(text, sizeof(text), "%d %d", (int)(caller - caller->setting->callers), caller->number);
    caller->open = tow_websocket_send(socket, TOW_TEXT, text, (size_t)length) >= 0;
    assert_true(caller->open || caller->setting->harmful);
}

static void came(tow_websocket *socket, const tow_message *message) {
    struct caller *caller = tow_websocket_user(socket);
    check(caller, message->data, message->length);
    caller->setting->heard++;
}

static void leave(struct caller *caller) {
    tow_websocket_free(caller->socket);
    caller->socket = NULL;
    caller->open = false;
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    (void)event;
    struct caller *caller = tow_websocket_user(socket);
    caller->setting->lost++;
    leave(caller);
}

static void enter(struct caller *caller) {
    struct setting *setting = caller->setting;
    const tow_websocket_options options = {.user = caller,
        .on_open = opened,
        .on_message = came,
        .on_close = closed,
        .tls_insecure = setting->secure,
        .limits.max_queue = TOW_OFF};
    caller->number = setting->numbers++;
    memset(caller->heard, 0, sizeof(caller->heard));
    int error = tow_websocket_open(&caller->socket, setting->each->loop, setting->url, &options);
    assert_true(error == 0 || setting->harmful);
    if (error != 0)
        caller->socket = NULL;
}

/* The run */

static void begin(struct setting *setting, each_loop *each, bool secure, bool harmful, uint64_t seed) {
    memset(setting, 0, sizeof(*setting));
    setting->each = each;
    setting->secure = secure;
    setting->harmful = harmful;
    setting->seed = seed;
    pthread_mutex_init(&setting->mutex, NULL);
    const tow_server_options options = {.listen = "127.0.0.1:0",
        .loop = each->loop,
        .tls_self_signed = secure,
        .limits = {.max_queue = TOW_OFF, .compression = TOW_COMPRESSION_OFF}};
    assert_int_equal(tow_server_new(&setting->server, &options), 0);
    assert_int_equal(
        tow_server_route(setting->server, "/",
            &(tow_handler){.user = setting, .on_message = server_message, .on_close = server_close}),
        0);
    assert_int_equal(tow_server_listen(setting->server), 0);
    snprintf(setting->url, sizeof(setting->url), "%s://127.0.0.1:%d/", secure ? "wss" : "ws",
        tow_server_port(setting->server, 0));
    for (int i = 0; i < CLIENTS; i++)
        setting->callers[i].setting = setting;
    faults_seed(seed);
}

static void set_faults(bool harmful) {
    static const unsigned chances[FAULTS][2] = {
        [FAULT_SUBMIT_NONE] = {30, 30},
        [FAULT_SUBMIT_PART] = {150, 150},
        [FAULT_ENTER] = {50, 50},
        [FAULT_CANCEL] = {300, 300},
        [FAULT_LOST] = {0, 2},
        [FAULT_SEND_SHORT] = {150, 150},
        [FAULT_SEND_NONE] = {100, 100},
        [FAULT_RECEIVE_SHORT] = {200, 200},
        [FAULT_RECEIVE_NONE] = {50, 50},
        [FAULT_ACCEPT] = {300, 300},
        [FAULT_SOCKET] = {0, 20},
        [FAULT_WAIT] = {100, 100},
        [FAULT_CONTROL] = {0, 3},
        [FAULT_MEMORY] = {0, 1},
    };
    for (int kind = 0; kind < FAULTS; kind++)
        faults_set((fault)kind, chances[kind][harmful]);
}

/* Everybody speaks, and who is gone comes again; where connections break, some leave by themselves. */
static void act(struct setting *setting, unsigned round) {
    struct caller *caller = &setting->callers[dice(setting, CLIENTS)];
    if (setting->harmful && caller->socket != NULL && round % (ROUNDS_A_LIFE / CLIENTS) == 0)
        leave(caller);
    if (caller->socket == NULL)
        enter(caller);
    else if (caller->open && tow_websocket_send(caller->socket, TOW_TEXT, "more", 4) < 0)
        assert_true(setting->harmful);
}

static bool have_heard_enough(const struct setting *setting) {
    if (setting->harmful)
        return setting->heard >= BROKEN_ENOUGH;
    for (int i = 0; i < CLIENTS; i++)
        for (int row = 0; row < ROWS; row++)
            if (setting->callers[i].heard[row] < ENOUGH / CLIENTS / ROWS)
                return false;
    return true;
}

static void end(struct setting *setting) {
    atomic_store(&setting->stop, true);
    pthread_join(setting->poster, NULL);
    for (int i = 0; i < CLIENTS; i++)
        tow_websocket_free(setting->callers[i].socket);
    tow_server_free(setting->server);
    pthread_mutex_destroy(&setting->mutex);
}

static void run(each_loop *each, bool secure, bool harmful, uint64_t seed) {
    static struct setting setting;
    begin(&setting, each, secure, harmful, seed);
    faults_clear();
    set_faults(harmful);
    assert_int_equal(pthread_create(&setting.poster, NULL, post_on, &setting), 0);
    int64_t deadline = tow_loop_clock(each->loop) + PATIENCE_SECONDS * TOW_SECOND;
    for (unsigned round = 0; !have_heard_enough(&setting); round++) {
        faults_on(true);
        act(&setting, round);
        assert_true(tow_loop_step(each->loop) >= 0);
        faults_on(false);
        if (tow_loop_clock(each->loop) > deadline)
            fail_msg("seed %llu: %zu messages, %u connections lost", (unsigned long long)seed, setting.heard,
                setting.lost);
    }
    assert_true(faults_count(FAULT_SEND_SHORT) > 0);
    assert_true(harmful || setting.lost == 0);
    faults_clear();
    end(&setting);
}

static int make_loop(each_loop *each, tow_io io) {
    *each = (each_loop){.timed_out = false};
    return tow_loop_new(&each->loop, &(tow_loop_options){.io = io});
}

/* Each seed on a loop of its own. */
static void run_seeds(tow_io io, bool secure, bool harmful) {
    const char *seeds = getenv("TOW_TEST_SEEDS");
    uint64_t count = seeds != NULL ? strtoull(seeds, NULL, 10) : 1;
    for (uint64_t seed = 1; seed <= count; seed++) {
        each_loop each;
        assert_int_equal(make_loop(&each, io), 0);
        run(&each, secure, harmful, seed);
        tow_loop_free(each.loop);
    }
}

static void nothing_is_lost_or_mixed_up_on_epoll(void **state) {
    (void)state;
    run_seeds(TOW_IO_EPOLL, false, false);
}

static void nothing_is_lost_or_mixed_up_on_io_uring(void **state) {
    (void)state;
    run_seeds(TOW_IO_URING, false, false);
}

static void nothing_is_lost_or_mixed_up_over_tls_on_epoll(void **state) {
    (void)state;
    run_seeds(TOW_IO_EPOLL, true, false);
}

static void nothing_is_lost_or_mixed_up_over_tls_on_io_uring(void **state) {
    (void)state;
    run_seeds(TOW_IO_URING, true, false);
}

static void connections_break_and_mix_nothing_up_on_epoll(void **state) {
    (void)state;
    run_seeds(TOW_IO_EPOLL, false, true);
}

static void connections_break_and_mix_nothing_up_on_io_uring(void **state) {
    (void)state;
    run_seeds(TOW_IO_URING, false, true);
}

static void connections_break_and_mix_nothing_up_over_tls_on_epoll(void **state) {
    (void)state;
    run_seeds(TOW_IO_EPOLL, true, true);
}

static void connections_break_and_mix_nothing_up_over_tls_on_io_uring(void **state) {
    (void)state;
    run_seeds(TOW_IO_URING, true, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_mixed_up_on_epoll),
        cmocka_unit_test(nothing_is_lost_or_mixed_up_on_io_uring),
        cmocka_unit_test(nothing_is_lost_or_mixed_up_over_tls_on_epoll),
        cmocka_unit_test(nothing_is_lost_or_mixed_up_over_tls_on_io_uring),
        cmocka_unit_test(connections_break_and_mix_nothing_up_on_epoll),
        cmocka_unit_test(connections_break_and_mix_nothing_up_on_io_uring),
        cmocka_unit_test(connections_break_and_mix_nothing_up_over_tls_on_epoll),
        cmocka_unit_test(connections_break_and_mix_nothing_up_over_tls_on_io_uring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
