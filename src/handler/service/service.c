#include "service.h"

#include "base/text.h"
#include "environment.h"
#include "server/carried.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

enum {
    WAITING_MAX = 64,
    WAITING_BYTES_MAX = 64 << 20,
    POLICY = 1008,
    INTERNAL_ERROR = 1011,
    INVALID_PAYLOAD = 1007,
    LINE_MAX_LENGTH = 400
};

void tow_service_log_line(const tow_service *service, int level, const char *format, ...) {
    char text[LINE_MAX_LENGTH], line[LINE_MAX_LENGTH + 200];
    va_list arguments;
    if (service->log.write == NULL)
        return;
    va_start(arguments, format);
    tow_text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    tow_text_format(line, sizeof(line), "%.150s: %s", service->name, text);
    service->log.write(service->log.user, level, line);
}

/* Those who come and go. */

static void close_socket(const tow_service *service, tow_websocket_id id, uint16_t code, const char *reason) {
    if (!atomic_load(&service->gone))
        (void)tow_server_close_socket(service->server, id, code, reason); /* one that drains does by itself */
}

void tow_service_remove(tow_member *member) {
    tow_service *service = member->service;
    service->way->dropped(member);
    service->way->left(member);
    tow_members_remove(&service->members, member);
    tow_member_drop_events(member);
    tow_member_release(member);
}

static bool has_closed(const tow_member *member) {
    const tow_event *event = member->first;
    while (event != NULL && event->type != TOW_SERVICE_CLOSED)
        event = event->next;
    return event != NULL;
}

static void end_member(tow_member *member, uint16_t code, const char *reason) {
    tow_service *service = member->service;
    if (has_closed(member)) {
        tow_service_remove(member);
        return;
    }
    service->way->dropped(member);
    tow_member_drop_events(member);
    member->abandoned = true;
    close_socket(service, member->id, code, reason);
}

void tow_service_abandon(tow_member *member, const char *reason) {
    end_member(member, INTERNAL_ERROR, reason);
}

void tow_service_refuse(tow_member *member, const char *reason) {
    end_member(member, POLICY, reason);
}

/* Without memory for it, nothing of it is known here but its end. */
static void take_opening(tow_service *service, tow_event *event) {
    tow_member *member = event->member;
    if (tow_members_add(&service->members, member) != 0) {
        member->abandoned = true;
        member->server = NULL;
        tow_member_refuse(event);
        close_socket(service, member->id, INTERNAL_ERROR, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    service->way->joined(member);
    tow_member_add(member, event);
    service->way->event(member, event);
}

static void take_one(tow_service *service, tow_event *event) {
    tow_member *member = event->member;
    bool is_end = event->type == TOW_SERVICE_CLOSED;
    if (atomic_load(&service->gone)) {
        tow_member_drop_event(event);
    } else if (event->type == TOW_SERVICE_OPEN) {
        take_opening(service, event);
    } else if (member->abandoned && !(is_end && member->is_known)) {
        tow_member_refuse(event);
        if (is_end && member->server != NULL)
            tow_service_remove(member);
        else if (is_end)
            tow_member_release(member);
    } else {
        tow_member_add(member, event);
        service->way->event(member, event);
    }
}

/* Those of several services may come together. */
static void take(tow_letter *letters) {
    while (letters != NULL) {
        tow_event *event = (tow_event *)(void *)letters;
        tow_service *service = event->member->service;
        letters = letters->next;
        take_one(service, event);
        bool is_last = letters == NULL || ((tow_event *)(void *)letters)->member->service != service;
        if (is_last && !atomic_load(&service->gone))
            service->way->flush(service);
    }
}

/* What those who serve ask for. */

static int message_make(tow_shared **shared, const tow_service_frame *frame) {
    return tow_shared_new(shared, frame->is_binary ? TOW_BINARY : TOW_TEXT, frame->data, frame->length);
}

/* A server that drains takes no more, and nobody misses it. */
static int result_of_post(int error) {
    return error == TOW_ERROR_STATE ? 0 : error;
}

static int send_message(tow_service *service, const tow_service_frame *frame) {
    tow_shared *shared;
    if (tow_members_find(&service->members, frame->id) == NULL)
        return 0;
    int error = message_make(&shared, frame);
    if (error == TOW_ERROR_UTF8) {
        tow_service_log_line(service, TOW_LOG_WARNING, "it sent text that is not UTF-8");
        close_socket(service, frame->id, INVALID_PAYLOAD, "the program wrote text that is not UTF-8");
        return 0;
    }
    if (error != 0)
        return error;
    error = tow_post_shared(service->server, frame->id, shared);
    tow_shared_release(shared);
    return result_of_post(error);
}

typedef struct id_list {
    tow_websocket_id *ids;
    size_t count;
} id_list;

static void note_id(tow_member *member, void *argument) {
    id_list *list = argument;
    list->ids[list->count++] = member->id;
}

static void collect(const tow_service *service, const tow_service_frame *frame, id_list *list) {
    if (frame->entry_count == 0)
        tow_members_visit(&service->members, note_id, list);
    for (size_t i = 0; i < frame->entry_count; i++)
        if (tow_members_find(&service->members, tow_service_frame_id(frame, i)) != NULL)
            list->ids[list->count++] = tow_service_frame_id(frame, i);
}

static int broadcast(tow_service *service, const tow_service_frame *frame) {
    size_t most = frame->entry_count > 0 ? frame->entry_count : service->members.count;
    id_list list = {.ids = malloc((most + 1) * sizeof(tow_websocket_id))};
    tow_shared *shared;
    if (list.ids == NULL)
        return TOW_ERROR_MEMORY;
    int error = message_make(&shared, frame);
    if (error == 0) {
        collect(service, frame, &list);
        error = result_of_post(tow_post_shared_many(service->server, list.ids, list.count, shared));
        tow_shared_release(shared);
    }
    free(list.ids);
    return error == TOW_ERROR_UTF8 ? TOW_ERROR_ARGUMENT : error;
}

static int attach(tow_service *service, const tow_service_frame *frame) {
    tow_member *member = tow_members_find(&service->members, frame->id);
    return member == NULL ? 0 : tow_member_attach(member, frame->data, frame->length);
}

static int close_client(tow_service *service, const tow_service_frame *frame) {
    char reason[TOW_SERVICE_REASON_MAX + 1];
    if (tow_members_find(&service->members, frame->id) == NULL)
        return 0;
    memcpy(reason, frame->data, frame->length);
    reason[frame->length] = '\0';
    return result_of_post(tow_post_close(service->server, frame->id, frame->code, reason));
}

int tow_service_act(tow_service *service, const tow_service_frame *frame) {
    if (atomic_load(&service->gone))
        return 0;
    if (tow_server_posted_amount(service->server) > service->way->max_posted)
        return TOW_ERROR_QUEUE_FULL;
    if (frame->type == TOW_SERVICE_SEND)
        return send_message(service, frame);
    if (frame->type == TOW_SERVICE_BROADCAST)
        return broadcast(service, frame);
    if (frame->type == TOW_SERVICE_ATTACH)
        return attach(service, frame);
    return frame->type == TOW_SERVICE_CLOSE ? close_client(service, frame) : TOW_ERROR_ARGUMENT;
}

/* The handler. */

static void admit(tow_exchange *exchange, const tow_request *request) {
    tow_service *service = tow_request_user(request);
    if (atomic_load(&service->broken))
        tow_exchange_reject(exchange, 503, "what serves this does not answer");
    else if (tow_service_is_full(service))
        tow_exchange_reject(exchange, 503, "too much waits for what serves this (max-waiting)");
    else
        tow_exchange_accept(exchange, NULL);
}

static void forget(tow_member *member, void *argument) {
    (void)argument;
    tow_service_remove(member);
}

static void service_free(tow_service *service) {
    free(service->path);
    free(service->name);
    free(service);
}

void tow_service_over(tow_service *service) {
    tow_members_visit(&service->members, forget, NULL);
    tow_members_clear(&service->members);
    service->way->free(service);
    service_free(service);
}

static tow_service *service_of_goodbye(tow_letter *letter) {
    return (tow_service *)(void *)((char *)letter - offsetof(tow_service, goodbye));
}

static void say_goodbye(tow_letter *letters) {
    while (letters != NULL) {
        tow_service *service = service_of_goodbye(letters);
        letters = letters->next; /* the letter may be used again */
        service->way->end(service);
    }
}

/* The loop has ended what ran on it. */
static void drop_goodbye(tow_letter *letter) {
    tow_service_over(service_of_goodbye(letter));
}

/* On whichever thread: all connections are gone. */
static void leave(void *user) {
    tow_service *service = user;
    atomic_store(&service->gone, true);
    service->goodbye = (tow_letter){.open = say_goodbye, .drop = drop_goodbye, .work = 1};
    tow_loop_post_letter(service->loop, &service->goodbye);
}

bool tow_service_is(const void *user) {
    return *(void (*const *)(void *))user == leave;
}

void tow_service_reload(tow_service *service) {
    if (service->way->reload != NULL)
        service->way->reload(service);
}

/* What it is that an interpreter runs says more than its own name. */
static char *name_make(const tow_program_settings *settings) {
    tow_buffer name = {0};
    const char *first = settings->arguments != NULL ? settings->arguments[0] : NULL;
    int error = tow_buffer_append_text(&name, settings->url != NULL ? settings->url : settings->file);
    if (error == 0 && settings->url == NULL && first != NULL)
        error = tow_buffer_append_format(&name, " %.100s", first);
    if (error == 0)
        error = tow_buffer_append(&name, "", 1);
    if (error != 0)
        tow_buffer_clear(&name);
    return (char *)name.data;
}

static tow_service *service_new(
    const tow_program_settings *settings, const tow_service_way *way, const tow_handler_place *place) {
    tow_service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return NULL;
    service->name = name_make(settings);
    service->path = place->path == NULL ? NULL : tow_environment_script_name(place->path);
    if (service->name == NULL || (place->path != NULL && service->path == NULL)) {
        service_free(service);
        return NULL;
    }
    service->free = leave;
    service->settings = *settings;
    service->way = way;
    service->take = take;
    service->log = place->log;
    service->nursery = place->nursery;
    service->server = place->server;
    service->loop = place->loop;
    service->max_waiting = settings->max_unacknowledged != 0 ? settings->max_unacknowledged : WAITING_MAX;
    service->max_waiting_bytes =
        settings->max_waiting != 0 ? (size_t)settings->max_waiting : (size_t)WAITING_BYTES_MAX;
    return service;
}

int tow_service_make(tow_handler *handler, const tow_program_settings *settings, const tow_service_way *way,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]) {
    if (place->server == NULL || place->loop == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "a program for many connections needs a server that runs");
        return TOW_ERROR_STATE;
    }
    tow_service *service = service_new(settings, way, place);
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (service == NULL)
        return TOW_ERROR_MEMORY;
    int error = way->begin(service, why);
    if (error != 0) {
        service_free(service);
        return error;
    }
    *handler = (tow_handler){.user = service,
        .protocols = place->protocols,
        .on_admit = admit,
        .on_open = tow_member_opened,
        .on_message = tow_member_message,
        .on_close = tow_member_closed,
        .on_request = way->request};
    return 0;
}
