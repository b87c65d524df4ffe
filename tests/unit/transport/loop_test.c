#include "each_loop.h"

#include "transport/watch.h"
#include "transport/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t milliseconds_since(struct timespec start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000;
}

static struct timespec moment(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

static double cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Making loops */

static void auto_takes_io_uring_where_the_kernel_allows_it(void **state) {
    (void)state;
    tow_loop *by_choice, *by_name;
    assert_int_equal(tow_loop_new(&by_choice, NULL), 0);
    int error = tow_loop_new(&by_name, &(tow_loop_options){.io = TOW_IO_URING});
    assert_string_equal(tow_loop_io(by_choice), error == 0 ? "io_uring" : "epoll");
    tow_loop_free(by_choice);
    if (error == 0)
        tow_loop_free(by_name);
    tow_loop_free(NULL);
}

static void options_of_an_older_program_may_be_shorter(void **state) {
    (void)state;
    tow_loop *loop;
    tow_loop_options options = {.io = TOW_IO_EPOLL};
    assert_int_equal(tow_loop_new_sized(&loop, &options, 0), 0);
    tow_loop_free(loop);
    assert_int_equal(tow_loop_new_sized(&loop, &options, sizeof(options)), 0);
    assert_string_equal(tow_loop_io(loop), "epoll");
    tow_loop_free(loop);
}

/* Running and stopping */

static void a_loop_without_work_does_not_run(void **state) {
    each_loop *each = *state;
    assert_int_equal(tow_loop_run(each->loop), 0);
    assert_int_equal(tow_loop_step(each->loop), 0);
}

static void do_nothing(tow_timer *timer) {
    (void)timer;
}

static void a_timer_keeps_a_loop_alive_until_it_fired(void **state) {
    each_loop *each = *state;
    tow_timer timer = {0};
    tow_timer_set(each->loop, &timer, tow_loop_now(each->loop) + TOW_MILLISECOND, do_nothing);
    assert_int_equal(tow_loop_step(each->loop), 1);
    assert_int_equal(tow_loop_run(each->loop), 0);
    assert_false(tow_timer_is_set(&timer));
}

static tow_loop *loop_to_stop;
static tow_timer after_the_stop;
static void stop_it(tow_timer *timer) {
    (void)timer;
    tow_loop_stop(loop_to_stop);
    tow_timer_set(
        loop_to_stop, &after_the_stop, tow_loop_now(loop_to_stop) + 20 * TOW_MILLISECOND, do_nothing);
}

static void stop_ends_a_run_and_the_next_run_goes_on(void **state) {
    each_loop *each = *state;
    tow_timer timer = {0};
    loop_to_stop = each->loop;
    tow_timer_set(each->loop, &timer, tow_loop_now(each->loop) + TOW_MILLISECOND, stop_it);
    assert_int_equal(tow_loop_run(each->loop), 0);
    assert_false(tow_timer_is_set(&timer));
    assert_true(tow_timer_is_set(&after_the_stop));
    assert_int_equal(tow_loop_run(each->loop), 0);
    assert_false(tow_timer_is_set(&after_the_stop));
}

static void step_inside(tow_timer *timer) {
    (void)timer;
    assert_int_equal(tow_loop_step(loop_to_stop), TOW_ERROR_STATE);
    assert_int_equal(tow_loop_run(loop_to_stop), TOW_ERROR_STATE);
}

static void a_loop_cannot_be_stepped_inside_its_callbacks(void **state) {
    each_loop *each = *state;
    loop_to_stop = each->loop;
    tow_timer timer = {0};
    tow_timer_set(each->loop, &timer, 0, step_inside);
    assert_int_equal(tow_loop_run(each->loop), 0);
}

static void a_waiting_loop_sleeps(void **state) {
    each_loop *each = *state;
    test_pair pair;
    pair_open(&pair, each);
    double before = cpu_seconds();
    assert_in_range(sleep_in_loop(each, 200 * TOW_MILLISECOND), 1, 20);
    assert_true(cpu_seconds() - before < 0.05);
    pair_close(&pair);
}

static void a_round_waits_until_there_is_something_to_do(void **state) {
    each_loop *each = *state;
    tow_timer timer = {0};
    tow_timer_set(each->loop, &timer, tow_loop_now(each->loop) + 50 * TOW_MILLISECOND, do_nothing);
    tow_loop_stop(each->loop); /* is for tow_loop_run */
    uint64_t before = tow_loop_count(each->loop)->rounds;
    while (tow_timer_is_set(&timer))
        assert_true(tow_loop_round(each->loop) >= 0);
    assert_in_range(tow_loop_count(each->loop)->rounds - before, 1, 10);
    assert_int_equal(tow_loop_round(each->loop), 0); /* nothing keeps it alive: it does not wait */
}

/* Tasks */

struct tasks {
    tow_loop *loop;
    pthread_t thread; /* the loop's */
    int done;
    int nested;
    int last[8]; /* of each poster */
};

struct task {
    struct tasks *tasks;
    int poster, number;
};

static void run_task(void *argument) {
    struct task *task = argument;
    assert_true(pthread_equal(pthread_self(), task->tasks->thread));
    assert_int_equal(task->number, task->tasks->last[task->poster] + 1);
    task->tasks->last[task->poster] = task->number;
    task->tasks->done++;
    free(task);
}

enum { POSTERS = 4, POSTS = 2000 };

struct poster {
    struct tasks *tasks;
    int number;
};

static void *post_many(void *argument) {
    struct poster *poster = argument;
    for (int i = 1; i <= POSTS; i++) {
        struct task *task = malloc(sizeof(*task));
        *task = (struct task){poster->tasks, poster->number, i};
        assert_int_equal(tow_loop_post(poster->tasks->loop, run_task, task), 0);
    }
    return NULL;
}

static bool all_tasks_are_done(void *argument) {
    return ((struct tasks *)argument)->done == POSTERS * POSTS;
}

static void tasks_of_other_threads_run_in_their_order_on_the_loops_thread(void **state) {
    each_loop *each = *state;
    struct tasks tasks = {.loop = each->loop, .thread = pthread_self()};
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&tasks, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    run_until(each, all_tasks_are_done, &tasks);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
}

/* Letters. */

struct mail {
    tow_letter letters[60];
    size_t opened, dropped;
    bool task_ran;
};

static struct mail *mail; /* of the test that runs */

static void open_letters(tow_letter *letters) {
    for (; letters != NULL; letters = letters->next) {
        assert_ptr_equal(letters, &mail->letters[mail->opened]);
        mail->opened++;
    }
}

static void drop_letter(tow_letter *letter) {
    assert_ptr_equal(letter, &mail->letters[mail->opened + mail->dropped]);
    mail->dropped++;
}

static void note_task(void *argument) {
    ((struct mail *)argument)->task_ran = true;
}

static void post_letters(tow_loop *loop, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        mail->letters[i] = (tow_letter){.open = open_letters, .drop = drop_letter, .work = 1000};
        tow_loop_post_letter(loop, &mail->letters[i]);
    }
}

/* A task that is posted behind them does not wait for all of them; what the loop never opens is dropped. */
static void a_round_opens_letters_up_to_a_bound_of_work(void **state) {
    each_loop *each = *state;
    struct mail all = {0};
    mail = &all;
    post_letters(each->loop, 0, 40);
    assert_int_equal(tow_loop_post(each->loop, note_task, &all), 0);
    assert_int_equal(tow_loop_step(each->loop), 1);
    assert_int_equal(all.opened, 16);
    assert_true(all.task_ran);
    assert_int_equal(tow_loop_step(each->loop), 1);
    assert_int_equal(all.opened, 32);
    post_letters(each->loop, 40, 60);
    assert_int_equal(tow_loop_step(each->loop), 1); /* those that were left, and then these */
    assert_int_equal(all.opened, 48);
    tow_loop_free(each->loop);
    each->loop = NULL;
    assert_int_equal(all.dropped, 12);
}

/* A last callback that comes by a timer. */
typedef struct last_words {
    tow_timer timer; /* first */
    tow_loop *loop;
    int said;
} last_words;

static void say_last_words(tow_timer *timer) {
    last_words *words = (last_words *)(void *)timer;
    tow_loop_paid(words->loop);
    words->said++;
}

/* Neither a stop nor what was posted, which never comes, makes it wait for ever. */
static void a_loop_that_is_freed_waits_for_what_it_owes(void **state) {
    each_loop *each = *state;
    struct mail none = {0};
    last_words words = {.loop = each->loop};
    tow_timer_set(each->loop, &words.timer, tow_loop_now(each->loop) + 20 * TOW_MILLISECOND, say_last_words);
    tow_loop_owe(each->loop);
    assert_int_equal(tow_loop_post(each->loop, note_task, &none), 0);
    tow_loop_stop(each->loop);
    tow_loop_free(each->loop);
    each->loop = NULL;
    assert_int_equal(words.said, 1);
    assert_false(none.task_ran);
}

static void *post_after_a_while(void *argument) {
    usleep(30000);
    assert_int_equal(tow_loop_post(((struct tasks *)argument)->loop, (void (*)(void *))tow_loop_stop,
                         ((struct tasks *)argument)->loop),
        0);
    return NULL;
}

static void *stop_after_a_while(void *argument) {
    usleep(30000);
    tow_loop_stop(((struct tasks *)argument)->loop);
    return NULL;
}

static void run_with_a_thread(each_loop *each, void *(*start)(void *)) {
    struct tasks tasks = {.loop = each->loop};
    tow_timer far = {0};
    tow_timer_set(each->loop, &far, tow_loop_now(each->loop) + 20 * TOW_SECOND, do_nothing);
    struct timespec started = moment();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, start, &tasks), 0);
    assert_int_equal(tow_loop_run(each->loop), 0);
    pthread_join(thread, NULL);
    assert_true(milliseconds_since(started) < 5000);
    tow_timer_cancel(each->loop, &far);
}

static void a_task_wakes_a_sleeping_loop(void **state) {
    run_with_a_thread(*state, post_after_a_while);
}

static void stop_wakes_a_sleeping_loop(void **state) {
    run_with_a_thread(*state, stop_after_a_while);
}

static void count_task(void *argument) {
    struct tasks *tasks = argument;
    tasks->done++;
    if (tasks->nested-- > 0)
        assert_int_equal(tow_loop_post(tasks->loop, count_task, tasks), 0);
}

static void a_task_that_a_task_leaves_runs_in_the_next_round(void **state) {
    each_loop *each = *state;
    struct tasks tasks = {.loop = each->loop, .nested = 2};
    assert_int_equal(tow_loop_post(each->loop, count_task, &tasks), 0);
    for (int i = 1; i <= 3; i++) {
        tow_loop_step(each->loop);
        assert_int_equal(tasks.done, i);
    }
    assert_int_equal(tow_loop_step(each->loop), 0);
    assert_int_equal(tasks.done, 3);
}

static void a_waiting_task_keeps_the_loop_alive(void **state) {
    each_loop *each = *state;
    struct tasks tasks = {.loop = each->loop, .nested = 5};
    assert_int_equal(tow_loop_post(each->loop, count_task, &tasks), 0);
    assert_int_equal(tow_loop_run(each->loop), 0);
    assert_int_equal(tasks.done, 6);
}

/* Foreign loops: a program that polls our descriptor and steps only when it is readable. */

static bool is_ready(int fd, int timeout) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int count;
    do /* a ring that was closed before may interrupt */
        count = poll(&poll_fd, 1, timeout);
    while (count < 0 && errno == EINTR);
    assert_true(count >= 0);
    return count == 1;
}

/* Steps while the descriptor says so; false if it did not fall silent. */
static bool step_until_silent(tow_loop *loop, int fd) {
    for (int i = 0; i < 1000; i++) {
        if (!is_ready(fd, 0))
            return true;
        assert_true(tow_loop_step(loop) >= 0);
    }
    return false;
}

static bool host_until(tow_loop *loop, int fd, bool (*done)(void *argument), void *argument) {
    struct timespec started = moment();
    while (!done(argument) && milliseconds_since(started) < 5000)
        if (is_ready(fd, 1000))
            tow_loop_step(loop);
    return done(argument);
}

static bool has_byte(void *argument) {
    return ((test_end *)argument)->received.length > 0;
}

static void the_descriptor_tells_of_bytes(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_loop *loop = pair.each->loop;
    int fd = tow_loop_fd(loop);
    assert_true(fd >= 0);
    assert_int_equal(tow_loop_fd(loop), fd);
    assert_true(step_until_silent(loop, fd));
    /* From outside of the loop, so that nothing but the bytes can wake it. */
    assert_int_equal(write(pair.client.stream.fd, "x", 1), 1);
    assert_true(is_ready(fd, 1000));
    assert_true(host_until(loop, fd, has_byte, &pair.server));
    assert_true(step_until_silent(loop, fd));
    assert_int_equal(write(pair.client.stream.fd, "y", 1), 1);
    assert_true(is_ready(fd, 1000));
    assert_true(step_until_silent(loop, fd));
    assert_int_equal(pair.server.received.length, 2);
    pair_close(&pair);
}

static void the_descriptor_tells_of_what_is_corked_outside_of_a_step(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_loop *loop = pair.each->loop;
    int fd = tow_loop_fd(loop);
    assert_true(step_until_silent(loop, fd));
    pair.server.echo = true;
    for (int i = 0; i < 3; i++) {
        tow_buffer_clear(&pair.client.received);
        end_send(&pair.client, "x", 1);
        assert_true(is_ready(fd, 0));
        assert_true(host_until(loop, fd, has_byte, &pair.client));
        assert_true(step_until_silent(loop, fd));
    }
    pair_close(&pair);
}

static void the_descriptor_tells_of_a_resume_outside_of_a_step(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_loop *loop = pair.each->loop;
    int fd = tow_loop_fd(loop);
    tow_stream_pause(&pair.server.stream);
    assert_true(step_until_silent(loop, fd));
    assert_int_equal(write(pair.client.stream.fd, "x", 1), 1);
    usleep(5000);
    assert_true(step_until_silent(loop, fd));
    assert_int_equal(pair.server.received.length, 0);
    tow_stream_resume(&pair.server.stream);
    assert_true(host_until(loop, fd, has_byte, &pair.server));
    pair_close(&pair);
}

static void the_descriptor_tells_of_a_close_outside_of_a_step(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_loop *loop = pair.each->loop;
    int fd = tow_loop_fd(loop);
    assert_true(step_until_silent(loop, fd));
    end_close(&pair.client);
    assert_true(is_ready(fd, 0));
    assert_true(step_until_silent(loop, fd));
    assert_int_equal(pair.client.closed, 1);
    usleep(5000);
    assert_true(step_until_silent(loop, fd));
    assert_int_equal(pair.server.ended, 1);
    pair_close(&pair);
}

static int fired;
static void count_firing(tow_timer *timer) {
    (void)timer;
    fired++;
}

static void the_descriptor_tells_of_timers(void **state) {
    each_loop *each = *state;
    int fd = tow_loop_fd(each->loop);
    assert_true(step_until_silent(each->loop, fd));
    fired = 0;
    tow_timer near = {0}, far = {0};
    tow_timer_set(each->loop, &far, tow_loop_now(each->loop) + 1000 * TOW_SECOND, count_firing);
    assert_true(step_until_silent(each->loop, fd));
    tow_timer_set(each->loop, &near, tow_loop_now(each->loop) + 30 * TOW_MILLISECOND, count_firing);
    assert_true(step_until_silent(each->loop, fd));
    assert_int_equal(fired, 0);
    struct timespec started = moment();
    while (fired == 0 && milliseconds_since(started) < 5000) {
        assert_true(is_ready(fd, 5000));
        tow_loop_step(each->loop);
    }
    assert_int_equal(fired, 1);
    assert_true(milliseconds_since(started) < 2000);
    tow_timer_cancel(each->loop, &far);
    assert_true(step_until_silent(each->loop, fd));
    /* What was begun before anybody asked for the descriptor counts too, and a timer for the past. */
    tow_timer_set(each->loop, &near, 0, count_firing);
    assert_true(is_ready(fd, 0));
    assert_true(step_until_silent(each->loop, fd));
    assert_int_equal(fired, 2);
}

static void the_descriptor_tells_of_tasks(void **state) {
    each_loop *each = *state;
    int fd = tow_loop_fd(each->loop);
    assert_true(step_until_silent(each->loop, fd));
    struct tasks tasks = {.loop = each->loop, .thread = pthread_self()};
    struct poster poster = {&tasks, 0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post_many, &poster), 0);
    struct timespec started = moment();
    while (tasks.done < POSTS && milliseconds_since(started) < 5000)
        if (is_ready(fd, 1000))
            tow_loop_step(each->loop);
    assert_int_equal(tasks.done, POSTS);
    pthread_join(thread, NULL);
    assert_true(step_until_silent(each->loop, fd));
}

static void the_descriptor_wakes_an_epoll_that_sleeps(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_loop *loop = pair.each->loop;
    int fd = tow_loop_fd(loop);
    int host = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(host, EPOLL_CTL_ADD, fd, &event), 0);
    assert_true(step_until_silent(loop, fd));
    pid_t child = fork();
    if (child == 0) {
        usleep(50000);
        _exit(write(pair.client.stream.fd, "x", 1) == 1 ? 0 : 1);
    }
    int count;
    do
        count = epoll_wait(host, &event, 1, 5000);
    while (count < 0 && errno == EINTR);
    assert_int_equal(count, 1);
    assert_true(host_until(loop, fd, has_byte, &pair.server));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(host);
    pair_close(&pair);
}

static void a_large_transfer_works_by_the_descriptor_alone(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_loop *loop = pair.each->loop;
    int fd = tow_loop_fd(loop);
    const size_t length = 4 * 1024 * 1024;
    uint8_t *bytes = malloc(length);
    fill_pattern(bytes, length, 0);
    pair.server.echo = true;
    end_send(&pair.client, bytes, length);
    struct timespec started = moment();
    while (pair.client.received.length < length && milliseconds_since(started) < 10000) {
        assert_true(is_ready(fd, 5000));
        tow_loop_step(loop);
    }
    assert_int_equal(pair.client.received.length, length);
    assert_pattern(pair.client.received.data, length);
    free(bytes);
    pair_close(&pair);
}

/* Time and chance */

static void time_does_not_go_back(void **state) {
    each_loop *each = *state;
    int64_t before = tow_loop_now(each->loop);
    for (int i = 0; i < 100; i++) {
        tow_loop_step(each->loop);
        int64_t now = tow_loop_now(each->loop);
        assert_true(now >= before);
        before = now;
    }
    assert_true(tow_loop_wall_seconds(each->loop) > 1600000000);
}

static void random_bytes_do_not_repeat(void **state) {
    each_loop *each = *state;
    enum { COUNT = 3000 };
    static uint32_t numbers[COUNT];
    for (int i = 0; i < COUNT; i++)
        tow_loop_random(each->loop, &numbers[i], sizeof(numbers[i]));
    int repeats = 0;
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < i; j++)
            repeats += numbers[i] == numbers[j];
    assert_true(repeats < 3);
    uint8_t many[10001] = {0};
    tow_loop_random(each->loop, many, 10000);
    int zeros = 0;
    for (int i = 0; i < 10000; i++)
        zeros += many[i] == 0;
    assert_in_range(zeros, 5, 120);
    assert_int_equal(many[10000], 0);
}

/* Watches */

struct watched {
    tow_watch watch; /* first */
    int ready, calls;
    int stop_after;
};

static void note_ready(tow_watch *watch, int ready) {
    struct watched *self = (struct watched *)watch;
    self->ready = ready;
    self->calls++;
    if (self->calls == self->stop_after)
        tow_watch_stop(watch);
}

static void a_watch_tells_while_bytes_are_there(void **state) {
    each_loop *each = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct watched reading = {.stop_after = 3};
    assert_int_equal(tow_watch_start(&reading.watch, each->loop, pipes[0], TOW_READABLE, note_ready), 0);
    run_for(each, 5 * TOW_MILLISECOND);
    assert_int_equal(reading.calls, 0);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    run_to_the_end(each);
    assert_int_equal(reading.calls, 3); /* level-triggered: nobody read the byte */
    assert_int_equal(reading.ready, TOW_READABLE);
    close(pipes[0]);
    close(pipes[1]);
}

static void a_watch_tells_of_room_and_of_a_broken_pipe(void **state) {
    each_loop *each = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct watched writing = {.stop_after = 1};
    assert_int_equal(tow_watch_start(&writing.watch, each->loop, pipes[1], TOW_WRITABLE, note_ready), 0);
    run_to_the_end(each);
    assert_int_equal(writing.ready, TOW_WRITABLE);
    struct watched reading = {.stop_after = 1};
    close(pipes[1]);
    assert_int_equal(tow_watch_start(&reading.watch, each->loop, pipes[0], TOW_READABLE, note_ready), 0);
    run_to_the_end(each);
    assert_int_equal(reading.ready, TOW_READABLE);
    close(pipes[0]);
}

static void a_stopped_watch_is_silent(void **state) {
    each_loop *each = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct watched reading = {.calls = 0};
    assert_int_equal(tow_watch_start(&reading.watch, each->loop, pipes[0], TOW_READABLE, note_ready), 0);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    tow_watch_stop(&reading.watch);
    tow_watch_stop(&reading.watch);
    run_to_the_end(each);
    assert_int_equal(reading.calls, 0);
    close(pipes[0]);
    close(pipes[1]);
}

static void an_unreferenced_watch_does_not_keep_the_loop_alive(void **state) {
    each_loop *each = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    struct watched reading = {.watch.unreferenced = true};
    assert_int_equal(tow_watch_start(&reading.watch, each->loop, pipes[0], TOW_READABLE, note_ready), 0);
    run_to_the_end(each);
    tow_watch_stop(&reading.watch);
    close(pipes[0]);
    close(pipes[1]);
}

static void files_cannot_be_watched(void **state) {
    each_loop *each = *state;
    int file = open("/proc/self/exe", O_RDONLY), folder = open("/", O_RDONLY);
    struct watched watched = {.calls = 0};
    assert_int_equal(
        tow_watch_start(&watched.watch, each->loop, file, TOW_READABLE, note_ready), TOW_ERROR_UNSUPPORTED);
    assert_int_equal(
        tow_watch_start(&watched.watch, each->loop, folder, TOW_READABLE, note_ready), TOW_ERROR_UNSUPPORTED);
    assert_true(tow_watch_start(&watched.watch, each->loop, -1, TOW_READABLE, note_ready) < 0);
    run_to_the_end(each);
    close(file);
    close(folder);
}

static int signal_number;
static void note_signal(tow_signals *signals, int number) {
    signal_number = number;
    assert_ptr_equal(signals->user, &signal_number);
}

static bool a_signal_came(void *argument) {
    (void)argument;
    return signal_number != 0;
}

static void signals_come_as_events(void **state) {
    each_loop *each = *state;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    tow_signals signals = {.user = &signal_number};
    assert_int_equal(tow_signals_start(&signals, each->loop, &set, note_signal), 0);
    run_to_the_end(each); /* it does not keep the loop alive */
    static const int numbers[] = {SIGUSR1, SIGHUP};
    for (int i = 0; i < 2; i++) {
        signal_number = 0;
        assert_int_equal(raise(numbers[i]), 0);
        run_until(each, a_signal_came, NULL);
        assert_int_equal(signal_number, numbers[i]);
    }
    tow_signals_stop(&signals);
    tow_signals_stop(&signals);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Workers */

struct crew {
    atomic_int ran, numbers, tasks, unblocked;
};

static void work_task(void *argument) {
    atomic_fetch_add(&((struct crew *)argument)->tasks, 1);
}

static void work(void *argument, int index, tow_loop *loop) {
    struct crew *crew = argument;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    atomic_fetch_add(&crew->unblocked, !sigismember(&mask, SIGTERM));
    atomic_fetch_add(&crew->ran, 1);
    atomic_fetch_add(&crew->numbers, 1 << index);
    assert_int_equal(tow_loop_post(loop, work_task, crew), 0);
    assert_int_equal(tow_loop_run(loop), 0);
}

static void each_worker_runs_with_a_loop_of_its_own(void **state) {
    (void)state;
    for (int io = TOW_IO_AUTO; io <= TOW_IO_EPOLL; io++) {
        struct crew crew = {0};
        tow_workers *workers;
        assert_int_equal(tow_workers_start(&workers, 4, (tow_io)io, work, &crew), 0);
        tow_workers_join(workers);
        assert_int_equal(crew.ran, 4);
        assert_int_equal(crew.numbers, 15);
        assert_int_equal(crew.tasks, 4);
        assert_int_equal(crew.unblocked, 0);
    }
    tow_workers_join(NULL);
}

enum { FEW = 4 };

static bool was_late;

/* In a round. */
static void be_late(tow_timer *timer) {
    tow_loop *loop = tow_timer_loop(timer);
    int64_t end = tow_loop_clock(loop) + 10 * TOW_MILLISECOND;
    assert_true(tow_loop_has_room(loop));
    while (tow_loop_clock(loop) < end)
        continue; /* as what takes long */
    for (int i = 0; i < 3 * FEW; i++)
        assert_int_equal(tow_loop_has_room(loop), i < FEW);
    was_late = true;
}

static void look_for_room(tow_timer *timer) {
    assert_true(was_late);
    assert_true(tow_loop_has_room(tow_timer_loop(timer)));
    was_late = false;
}

static void a_round_that_is_late_has_room_for_few(void **state) {
    each_loop *each = *state;
    tow_timer *late, *next;
    assert_int_equal(tow_timer_new(&late, each->loop, be_late, NULL), 0);
    assert_int_equal(tow_timer_new(&next, each->loop, look_for_room, NULL), 0);
    assert_int_equal(tow_timer_start(late, 1, 0), 0);
    assert_int_equal(tow_timer_start(next, 40, 0), 0);
    run_for(each, 80 * TOW_MILLISECOND);
    assert_false(was_late);
    tow_timer_free(late);
    tow_timer_free(next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_takes_io_uring_where_the_kernel_allows_it),
        cmocka_unit_test(options_of_an_older_program_may_be_shorter),
        ON_EACH_LOOP(a_loop_without_work_does_not_run),
        ON_REAL_LOOPS(a_round_that_is_late_has_room_for_few),
        ON_REAL_LOOPS(a_timer_keeps_a_loop_alive_until_it_fired),
        ON_EACH_LOOP(stop_ends_a_run_and_the_next_run_goes_on),
        ON_EACH_LOOP(a_loop_cannot_be_stepped_inside_its_callbacks),
        ON_REAL_LOOPS(a_waiting_loop_sleeps),
        ON_REAL_LOOPS(a_round_waits_until_there_is_something_to_do),
        ON_REAL_LOOPS(tasks_of_other_threads_run_in_their_order_on_the_loops_thread),
        ON_EACH_LOOP(a_round_opens_letters_up_to_a_bound_of_work),
        ON_REAL_LOOPS(a_task_wakes_a_sleeping_loop),
        ON_REAL_LOOPS(stop_wakes_a_sleeping_loop),
        ON_EACH_LOOP(a_task_that_a_task_leaves_runs_in_the_next_round),
        ON_EACH_LOOP(a_waiting_task_keeps_the_loop_alive),
        ON_REAL_LOOPS(the_descriptor_tells_of_bytes),
        ON_REAL_LOOPS(the_descriptor_tells_of_what_is_corked_outside_of_a_step),
        ON_REAL_LOOPS(the_descriptor_tells_of_a_resume_outside_of_a_step),
        ON_REAL_LOOPS(the_descriptor_tells_of_a_close_outside_of_a_step),
        ON_REAL_LOOPS(the_descriptor_tells_of_timers),
        ON_REAL_LOOPS(the_descriptor_tells_of_tasks),
        ON_REAL_LOOPS(the_descriptor_wakes_an_epoll_that_sleeps),
        ON_REAL_LOOPS(a_large_transfer_works_by_the_descriptor_alone),
        ON_EACH_LOOP(a_loop_that_is_freed_waits_for_what_it_owes),
        ON_EACH_LOOP(time_does_not_go_back),
        ON_EACH_LOOP(random_bytes_do_not_repeat),
        ON_REAL_LOOPS(a_watch_tells_while_bytes_are_there),
        ON_REAL_LOOPS(a_watch_tells_of_room_and_of_a_broken_pipe),
        ON_REAL_LOOPS(a_stopped_watch_is_silent),
        ON_REAL_LOOPS(an_unreferenced_watch_does_not_keep_the_loop_alive),
        ON_EACH_LOOP(files_cannot_be_watched),
        ON_REAL_LOOPS(signals_come_as_events),
        cmocka_unit_test(each_worker_runs_with_a_loop_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
