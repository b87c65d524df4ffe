/* tls_memory: what an idle wss connection holds, item by item.
 *
 *     tls-memory [CONNECTIONS]      default 1000
 *
 * A server with TLS in this process and load in a child: connections that open and stay silent. OpenSSL's
 * allocations are counted by the source file that makes them, with what malloc adds; the rest of what malloc
 * gave is towline's. */
#include "bench/load.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <towline.h>
#include <unistd.h>

enum { SITES = 1024, WARM_UP = 20, DEFAULT_CONNECTIONS = 1000 };

/* OpenSSL's allocations. */

typedef struct site {
    const char *file;
    int64_t bytes;
    int64_t count;
    int64_t bytes_before;
    int64_t count_before;
} site;

/* Before each piece that OpenSSL gets; as large as malloc's alignment. */
typedef struct piece {
    site *site;
    size_t size;
} piece;

static site sites[SITES];

static site *site_of(const char *file) {
    for (site *each = sites; each < sites + SITES; each++) {
        if (each->file == NULL)
            each->file = file;
        if (strcmp(each->file, file) == 0)
            return each;
    }
    abort();
}

/* What malloc takes for so many bytes: a word before them, in steps of sixteen. */
static int64_t cost(size_t size) {
    size_t whole = (size + 8 + 15) & ~(size_t)15;
    return (int64_t)(whole < 32 ? 32 : whole);
}

static void count(const piece *one, int sign) {
    one->site->bytes += sign * cost(one->size);
    one->site->count += sign;
}

static void *counted_malloc(size_t size, const char *file, int line) {
    (void)line;
    piece *made = size == 0 ? NULL : malloc(sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    *made = (piece){.site = site_of(file == NULL || *file == '\0' ? "?" : file), .size = size};
    count(made, 1);
    return made + 1;
}

static void counted_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    if (memory == NULL)
        return;
    piece *old = (piece *)memory - 1;
    count(old, -1);
    free(old);
}

static void *counted_realloc(void *memory, size_t size, const char *file, int line) {
    void *made = counted_malloc(size, file, line);
    if (made != NULL && memory != NULL) {
        size_t before = ((piece *)memory - 1)->size;
        memcpy(made, memory, before < size ? before : size);
    }
    if (made != NULL || size == 0)
        counted_free(memory, file, line);
    return made;
}

/* The server, and the load in a child. */

static int opened;

static void on_open(tow_websocket *socket) {
    (void)socket;
    opened++;
}

static _Noreturn void fail(const char *what, int error) {
    fprintf(stderr, "tls-memory: %s: %s\n", what, tow_strerror(error));
    exit(1);
}

static pid_t start_load(int port, int connections) {
    pid_t child = fork();
    if (child != 0)
        return child;
    char url[64];
    char text[TOW_LOAD_TEXT_MAX];
    snprintf(url, sizeof(url), "wss://127.0.0.1:%d/", port);
    const tow_load_options options = {.url = url,
        .connections = connections,
        .insecure = true,
        .payload_length = 1,
        .duration = 2000000000};
    tow_load_figures *figures = malloc(sizeof(*figures));
    if (figures == NULL || tow_load_run(&options, figures, text) != 0)
        fprintf(stderr, "tls-memory: %s\n", figures == NULL ? "out of memory" : text);
    _exit(0);
}

static void serve_until(tow_loop *loop, int wanted, int more_steps) {
    while (opened < wanted || more_steps-- > 0) {
        int error = tow_loop_step(loop);
        if (error < 0)
            fail("the loop", error);
    }
}

static void note_before(void) {
    for (site *each = sites; each < sites + SITES; each++) {
        each->bytes_before = each->bytes;
        each->count_before = each->count;
    }
}

static int compare(const void *a, const void *b) {
    const site *first = a;
    const site *second = b;
    int64_t difference = (second->bytes - second->bytes_before) - (first->bytes - first->bytes_before);
    return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

static void report(int connections, size_t total) {
    double openssl = 0;
    double prefixes = 0;
    qsort(sites, SITES, sizeof(sites[0]), compare);
    printf("%-36s %10s %12s\n", "of OpenSSL", "bytes", "allocations");
    for (const site *each = sites; each < sites + SITES; each++) {
        double bytes = (double)(each->bytes - each->bytes_before) / connections;
        double pieces = (double)(each->count - each->count_before) / connections;
        openssl += bytes;
        prefixes += pieces * sizeof(piece);
        if (bytes >= 1)
            printf("%-36s %10.0f %12.1f\n", each->file, bytes, pieces);
    }
    double all = (double)total / connections - prefixes;
    printf("%-36s %10.0f\n%-36s %10.0f\n%-36s %10.0f\n", "OpenSSL in all", openssl, "towline", all - openssl,
        "together, for one connection", all);
}

static tow_server *start_server(tow_loop *loop) {
    tow_server *server;
    const tow_server_options options = {
        .listen = "127.0.0.1:0", .loop = loop, .tls_self_signed = true, .log_level = TOW_OFF};
    int error = tow_server_new(&server, &options);
    if (error == 0)
        error = tow_server_route(server, "/", &(tow_handler){.on_open = on_open});
    if (error == 0)
        error = tow_server_listen(server);
    if (error != 0)
        fail("a server", error);
    return server;
}

/* What is needed once is there after the first few. */
static void warm_up(tow_loop *loop, int port) {
    pid_t child = start_load(port, WARM_UP);
    serve_until(loop, WARM_UP, 2 * WARM_UP);
    waitpid(child, NULL, 0);
    serve_until(loop, WARM_UP, 10 * WARM_UP);
    note_before();
}

int main(int argument_count, char **arguments) {
    long connections = argument_count > 1 ? strtol(arguments[1], NULL, 10) : DEFAULT_CONNECTIONS;
    tow_loop *loop;
    if (connections < 1 || connections > 10000 ||
        CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1) {
        fprintf(stderr, "usage: tls-memory [CONNECTIONS], 1 to 10000\n");
        return 2;
    }
    int error = tow_loop_new(&loop, &(tow_loop_options){.io = TOW_IO_EPOLL});
    if (error != 0)
        fail("a loop", error);
    tow_server *server = start_server(loop);
    warm_up(loop, tow_server_port(server, 0));
    size_t before = mallinfo2().uordblks;
    pid_t child = start_load(tow_server_port(server, 0), (int)connections);
    serve_until(loop, WARM_UP + (int)connections, 1);
    report((int)connections, mallinfo2().uordblks - before);
    waitpid(child, NULL, 0);
    tow_server_free(server);
    tow_loop_free(loop);
    return 0;
}
