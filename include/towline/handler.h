/* towline/handler.h: a native handler, compiled to a shared library that `towline serve -w DIR` loads when it
 * is put into DIR: echo.so serves /echo.
 *
 *     #include <towline/handler.h>
 *
 *     static void echo(tow_websocket *socket, const tow_message *message) {
 *         tow_websocket_send(socket, message->type, message->data, message->length);
 *     }
 *
 *     TOW_HANDLER(.on_message = echo);
 *
 * `towline handler build echo.c` compiles it. It is a handler as in towline/server.h, and calls whatever this
 * library has; its callbacks run on the worker that owns the connection, so on several threads. Each version
 * of the file is loaded for itself, with variables of its own, and unloaded when its last connection is gone.
 */
#ifndef TOWLINE_HANDLER_H
#define TOWLINE_HANDLER_H

#include <stddef.h>
#include <towline/server.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which a handler is built for. A library of another number is refused, and has to be built again. */
#define TOW_HANDLER_ABI 1

/* Says what the library serves: fields of tow_handler. Once in a library. */
#define TOW_HANDLER(...)                                                                                     \
    static const tow_handler towline_handler_fields = {__VA_ARGS__};                                         \
    TOW_HANDLER_EXPORT(tow_handler_library, towline_handler) = {                                             \
        TOW_HANDLER_ABI, sizeof(tow_handler), &towline_handler_fields}

/* Says what is to be done besides, if there is something: fields of tow_handler_life. */
#define TOW_HANDLER_LIFE(...)                                                                                \
    static const tow_handler_life towline_life_fields = {__VA_ARGS__};                                       \
    TOW_HANDLER_EXPORT(tow_handler_life_library, towline_life) = {                                           \
        sizeof(tow_handler_life), &towline_life_fields}

/* Where a handler is loaded; lives until on_unload has returned. */
typedef struct tow_handler_host {
    size_t size;        /* of this struct */
    tow_server *server; /* to post to, by tow_post_message and the like, from any thread */
    tow_loop *loop;     /* of the first worker, on which on_load runs */
    const char *path;   /* that it serves */
    const char *file;   /* that it was loaded from, as the server knows it */
    /* a line for the server's log, with the file's name in front: TOW_LOG_ERROR to TOW_LOG_DEBUG. Any thread
     */
    void (*log)(const struct tow_handler_host *host, int level, const char *line);
} tow_handler_host;

/* What happens to a handler as a whole. Each may be NULL.
 *
 * State of a worker's own needs no lock: it is a _Thread_local variable, made in on_open, say, where it is
 * missing, and freed in on_worker_end with the timers that were made on that worker's loop. */
typedef struct tow_handler_life {
    /* comes first. It may change the handler, as it stands in TOW_HANDLER, which is routed afterwards: give
     * it a user, say. Returns 0, or a negative tow_error: then it is not served, and nothing else of it comes
     */
    int (*on_load)(const tow_handler_host *host, tow_handler *handler);
    /* the handler has been replaced or removed and its last connection is gone, or the server ends: comes on
     * the thread of each worker, between its callbacks; afterwards nothing but on_unload does. What the
     * handler has for this thread is freed here, and posts no task to a loop any more (tow_loop_post) */
    void (*on_worker_end)(void);
    /* comes last, on one of these threads, and then the library's code is taken out of memory: threads that
     * it has made are to be joined here at the latest. A library that must stay (it opens connections
     * itself, or has given code of its own to others for good) is linked with -Wl,-z,nodelete */
    void (*on_unload)(void);
} tow_handler_life;

/* What the macros make. */
typedef struct tow_handler_library {
    unsigned abi;
    size_t size; /* of the handler, as the library knows it */
    const tow_handler *handler;
} tow_handler_library;

typedef struct tow_handler_life_library {
    size_t size;
    const tow_handler_life *life;
} tow_handler_life_library;

#ifdef __cplusplus
#define TOW_HANDLER_EXPORT(type, name)                                                                       \
    extern "C" __attribute__((visibility("default"))) const type name;                                       \
    const type name
#else
#define TOW_HANDLER_EXPORT(type, name)                                                                       \
    extern __attribute__((visibility("default"))) const type name;                                           \
    const type name
#endif

#ifdef __cplusplus
}
#endif

#endif
