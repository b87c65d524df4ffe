/* The file handler behind a real server, asked by a plain socket: what the two make of each other. */
#include "../unit.h"

#include "folder.h"
#include "handler/files.h"
#include "http/head.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <towline/error.h>
#include <towline/loop.h>
#include <unistd.h>

enum { LARGE = 3000001, HUGE_SIZE = 64 << 20 /* more than the system holds in flight */, ROUNDS = 20000 };

static folder made;
static tow_files *files;
static tow_loop *loop;
static tow_server *server;

static char *received;
static size_t received_length;
static tow_http_head head;

static void add_large(const char *name) {
    FILE *file = fopen(folder_path(&made, name), "w");
    assert_non_null(file);
    for (int i = 0; i < LARGE; i++)
        fputc('a' + i % 23, file);
    assert_int_equal(fclose(file), 0);
}

static int make(void **state) {
    (void)state;
    folder_make(&made);
    folder_add_file(&made, "digits.txt", "0123456789");
    folder_add_file(&made, "empty.txt", "");
    folder_add_directory(&made, "directory");
    add_large("large");
    folder_add_file(&made, "shrinking", "");
    assert_int_equal(truncate(folder_path(&made, "shrinking"), HUGE_SIZE), 0);
    received = malloc(HUGE_SIZE);
    tow_server_options options = {.listen = "127.0.0.1:0", .loop = NULL};
    int error = tow_loop_new(&loop, NULL);
    options.loop = loop;
    if (error == 0)
        error = tow_server_new(&server, &options);
    if (error == 0)
        error = tow_files_new(&files, made.path);
    tow_handler handler = tow_files_handler(files);
    if (error == 0)
        error = tow_server_route(server, "/*", &handler);
    return error == 0 ? tow_server_listen(server) : error;
}

static int clear(void **state) {
    (void)state;
    tow_server_stop(server);
    while (tow_loop_step(loop) == 1)
        continue;
    tow_server_free(server);
    tow_loop_free(loop);
    tow_files_free(files);
    folder_remove(&made);
    free(received);
    return 0;
}

static int client_open(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)tow_server_port(server, 0))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void client_send(int fd, const char *method, const char *target, const char *fields) {
    char text[1000];
    int length =
        snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, target, fields);
    assert_int_equal(send(fd, text, (size_t)length, MSG_NOSIGNAL), length);
}

/* Lets the server work and reads once, if there is something. False when the stream has ended or was reset.
 */
static bool client_read(int fd) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    assert_true(tow_loop_step(loop) >= 0);
    if (poll(&wanted, 1, 1) == 0)
        return true;
    ssize_t count = recv(fd, received + received_length, HUGE_SIZE - received_length, MSG_DONTWAIT);
    if (count > 0)
        received_length += (size_t)count;
    return count > 0;
}

/* Reads a whole answer; the body's length. An answer to HEAD has none. */
static size_t client_answer(int fd, bool is_head) {
    int length = 0;
    received_length = 0;
    for (int round = 0; round < ROUNDS && length == 0; round++) {
        assert_true(client_read(fd));
        length = tow_http_response_read(&head, received, received_length, NULL);
    }
    assert_true(length > 0);
    size_t whole = (size_t)length + (is_head ? 0 : head.body_length);
    for (int round = 0; round < ROUNDS && received_length < whole; round++)
        assert_true(client_read(fd));
    assert_int_equal(received_length, whole);
    return whole - (size_t)length;
}

static size_t ask(int fd, const char *method, const char *target, const char *fields) {
    client_send(fd, method, target, fields);
    return client_answer(fd, strcmp(method, "HEAD") == 0);
}

static const char *body(size_t length) {
    return received + received_length - length;
}

static void one_connection_serves_all_kinds_of_answers(void **state) {
    (void)state;
    int fd = client_open();
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(ask(fd, "GET", "/digits.txt", ""), 10);
        assert_memory_equal(body(10), "0123456789", 10);
        assert_int_equal(head.status, 200);
        assert_int_equal(ask(fd, "GET", "/digits.txt", "Range: bytes=-3\r\n"), 3);
        assert_int_equal(head.status, 206);
        assert_memory_equal(body(3), "789", 3);
        assert_int_equal(ask(fd, "HEAD", "/digits.txt", ""), 0);
        assert_int_equal(head.body_length, 10);
        assert_int_equal(ask(fd, "GET", "/digits.txt", "If-None-Match: *\r\n"), 0);
        assert_int_equal(head.status, 304);
        assert_null(tow_http_field(&head, "Content-Length").data);
        assert_int_equal(ask(fd, "GET", "/empty.txt", ""), 0);
        assert_int_equal(head.status, 200);
        assert_int_equal(ask(fd, "HEAD", "/empty.txt", ""), 0);
        ask(fd, "GET", "/directory", "");
        assert_int_equal(head.status, 301);
        ask(fd, "GET", "/directory/", "");
        assert_int_equal(head.status, 200);
        ask(fd, "GET", "/nothing", "");
        assert_int_equal(head.status, 404);
        ask(fd, "GET", "/digits.txt", "Range: bytes=10-\r\n");
        assert_int_equal(head.status, 416);
        ask(fd, "DELETE", "/digits.txt", "");
        assert_int_equal(head.status, 405);
        assert_true(head.keep_alive);
    }
    close(fd);
}

static void a_large_file_comes_whole(void **state) {
    (void)state;
    int fd = client_open();
    assert_int_equal(ask(fd, "GET", "/large", ""), LARGE);
    const char *bytes = body(LARGE);
    for (int i = 0; i < LARGE; i++) {
        if (bytes[i] != 'a' + i % 23)
            fail_msg("byte %d", i);
    }
    close(fd);
}

static void a_target_in_absolute_form_is_served(void **state) {
    (void)state;
    int fd = client_open();
    assert_int_equal(ask(fd, "GET", "http://localhost/digits.txt?query", ""), 10);
    assert_int_equal(head.status, 200);
    ask(fd, "GET", "http://localhost", "");
    assert_int_equal(head.status, 200);
    ask(fd, "GET", "http://localhost?query", "");
    assert_int_equal(head.status, 200);
    close(fd);
}

static void a_file_that_gets_shorter_ends_the_connection(void **state) {
    (void)state;
    int fd = client_open();
    int small = 4096; /* so that not all is on its way before the file is cut */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    client_send(fd, "GET", "/shrinking", "");
    received_length = 0;
    while (received_length == 0)
        assert_true(client_read(fd));
    assert_int_equal(truncate(folder_path(&made, "shrinking"), 10), 0);
    int length = tow_http_response_read(&head, received, received_length, NULL);
    assert_true(length > 0);
    assert_int_equal(head.body_length, HUGE_SIZE);
    while (client_read(fd))
        continue;
    assert_true(received_length < HUGE_SIZE);
    close(fd);
}

/* A log that is written to while it is downloaded. */
static void a_file_that_grows_is_sent_as_it_was_promised(void **state) {
    (void)state;
    enum { SIZE = HUGE_SIZE / 2 };
    folder_add_file(&made, "growing", "");
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", folder_path(&made, "growing"));
    assert_int_equal(truncate(path, SIZE), 0);
    int fd = client_open();
    client_send(fd, "GET", "/growing", "Connection: close\r\n");
    received_length = 0;
    while (received_length == 0)
        assert_true(client_read(fd));
    int log = open(path, O_WRONLY | O_APPEND);
    while (client_read(fd))
        assert_int_equal(write(log, "line\n", 5), 5);
    close(log);
    int length = tow_http_response_read(&head, received, received_length, NULL);
    assert_true(length > 0);
    assert_int_equal(head.body_length, SIZE);
    assert_int_equal(received_length, (size_t)length + SIZE);
    close(fd);
}

static size_t count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void a_peer_that_vanishes_leaves_nothing_open(void **state) {
    (void)state;
    size_t before = count_descriptors();
    for (int i = 0; i < 5; i++) {
        int fd = client_open();
        client_send(fd, "GET", "/large", "");
        received_length = 0;
        while (received_length == 0)
            assert_true(client_read(fd));
        close(fd); /* with bytes unread: a reset */
    }
    for (int round = 0; round < ROUNDS && count_descriptors() > before; round++) {
        assert_true(tow_loop_step(loop) >= 0);
        poll(NULL, 0, 1);
    }
    assert_true(count_descriptors() <= before);
}

enum { NAMES = 10000, NAME_LENGTH = 240, SLOW = 3 };

/* Each character takes seven bytes of the page: 17 MB together. */
static void add_long_names(void) {
    char name[5 + NAME_LENGTH + 1] = "many/";
    memset(name + 5, '<', NAME_LENGTH);
    folder_add_directory(&made, "many");
    for (int i = 0; i < NAMES; i++) {
        snprintf(name + NAME_LENGTH, 6, "%05u", (unsigned)i % 100000);
        folder_add_file(&made, name, "");
    }
}

/* Asks for the page, and reads no more than its head. */
static int open_listing(void) {
    int fd = client_open();
    int small = 4096;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    client_send(fd, "GET", "/many/", "");
    received_length = 0;
    while (tow_http_response_read(&head, received, received_length, NULL) == 0)
        assert_true(client_read(fd));
    return fd;
}

static void listings_that_nobody_reads_are_bounded_together(void **state) {
    (void)state;
    int fds[SLOW];
    add_long_names();
    for (int i = 0; i < SLOW; i++) {
        fds[i] = open_listing();
        assert_int_equal(head.status, 200);
    }
    close(open_listing());
    assert_int_equal(head.status, 503);
    close(fds[0]); /* its part is free again */
    for (int round = 0; round < ROUNDS && head.status != 200; round++)
        close(open_listing());
    assert_int_equal(head.status, 200);
    for (int i = 1; i < SLOW; i++)
        close(fds[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_serves_all_kinds_of_answers),
        cmocka_unit_test(a_large_file_comes_whole),
        cmocka_unit_test(a_target_in_absolute_form_is_served),
        cmocka_unit_test(a_file_that_gets_shorter_ends_the_connection),
        cmocka_unit_test(a_file_that_grows_is_sent_as_it_was_promised),
        cmocka_unit_test(a_peer_that_vanishes_leaves_nothing_open),
        cmocka_unit_test(listings_that_nobody_reads_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
