#include "member.h"

#include "environment.h"
#include "service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    BYTES_MAX = 256 * 1024, /* of messages of one connection that are not acknowledged; one more may come */
    FAREWELL_MAX = 2 + TOW_SERVICE_REASON_MAX
};

/* Events. */

/* The service's hold on a member begins with its opening, and ends with its end if it could not be taken. */
void tow_member_drop_event(tow_event *event) {
    tow_member *member = event->member;
    bool is_held_by_it = event->type == TOW_SERVICE_OPEN ||
                         (event->type == TOW_SERVICE_CLOSED && member->abandoned && member->server == NULL);
    free(event);
    if (is_held_by_it)
        tow_member_release(member);
}

static void drop(tow_letter *letter) {
    tow_member_drop_event((tow_event *)(void *)letter);
}

static tow_event *event_new(
    tow_member *member, tow_service_frame_type type, const void *data, size_t length) {
    tow_event *event = malloc(sizeof(*event) + length);
    if (event == NULL)
        return NULL;
    *event = (tow_event){.letter = {.open = member->service->take, .drop = drop, .work = 1},
        .member = member,
        .type = type,
        .length = length};
    if (data != NULL)
        memcpy(event->data, data, length);
    return event;
}

/* By what connections are served by the same. */

/* FNV-1a. */
static uint64_t hash_of(const char *text, size_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash | 1;
}

static uint64_t key_of(const tow_service *service, const tow_request *request) {
    const char *path = tow_request_path(request);
    const char *peer = tow_request_peer(request);
    const char *colon = strrchr(peer, ':');
    switch ((tow_program_affinity)service->settings.affinity) {
    case TOW_AFFINITY_CONNECTION:
        return 0;
    case TOW_AFFINITY_PATH:
        return hash_of(path, strlen(path));
    case TOW_AFFINITY_ADDRESS:
        return hash_of(peer, colon != NULL ? (size_t)(colon - peer) : strlen(peer));
    }
    return 0;
}

/* How much of it waits. */

static bool has_too_much(tow_member *member) {
    return atomic_load(&member->waiting) >= member->service->max_waiting ||
           atomic_load(&member->waiting_bytes) >= BYTES_MAX;
}

static bool has_little(tow_member *member) {
    return atomic_load(&member->waiting) <= member->service->max_waiting / 2 &&
           atomic_load(&member->waiting_bytes) <= BYTES_MAX / 2;
}

/* Only messages are the client's own to make fewer. */
static void wait_more(const tow_event *event) {
    tow_member *member = event->member;
    atomic_fetch_add(&member->service->waiting_bytes, tow_event_size(event));
    if (event->type != TOW_SERVICE_MESSAGE)
        return;
    atomic_fetch_add(&member->waiting, 1);
    atomic_fetch_add(&member->waiting_bytes, event->length);
}

static void wait_less(const tow_event *event) {
    tow_member *member = event->member;
    atomic_fetch_sub(&member->service->waiting_bytes, tow_event_size(event));
    if (event->type != TOW_SERVICE_MESSAGE)
        return;
    atomic_fetch_sub(&member->waiting, 1);
    atomic_fetch_sub(&member->waiting_bytes, event->length);
}

static void post(tow_event *event) {
    wait_more(event);
    tow_loop_post_letter(event->member->service->loop, &event->letter);
}

/* What was acknowledged before the flag was set has nobody else to resume the socket. */
static void pause_reading(tow_member *member) {
    tow_websocket_pause(member->socket);
    atomic_store(&member->paused, true);
    if (has_little(member) && atomic_exchange(&member->paused, false))
        tow_websocket_resume(member->socket);
}

static tow_member *member_of_resume(tow_letter *letter) {
    return (tow_member *)(void *)((char *)letter - offsetof(tow_member, resume));
}

static void resume_reading(tow_letter *letters) {
    while (letters != NULL) {
        tow_member *member = member_of_resume(letters);
        letters = letters->next;
        if (member->socket != NULL)
            tow_websocket_resume(member->socket);
        tow_member_release(member);
    }
}

static void drop_resume(tow_letter *letter) {
    tow_member_release(member_of_resume(letter));
}

/* While it is on its way the socket is paused, so there is never another. */
static void have_resumed(tow_member *member) {
    atomic_fetch_add(&member->holders, 1);
    member->resume = (tow_letter){.open = resume_reading, .drop = drop_resume, .work = 1};
    tow_loop_post_letter(member->loop, &member->resume);
}

/* The worker's. */

static void free_member(tow_member *member) {
    free(member->farewell);
    free(member->state);
    free(member);
}

void tow_member_release(tow_member *member) {
    if (atomic_fetch_sub(&member->holders, 1) == 1)
        free_member(member);
}

static tow_member *member_new(tow_service *service, tow_websocket *socket) {
    tow_member *member = calloc(1, sizeof(*member));
    if (member == NULL)
        return NULL;
    member->service = service;
    member->socket = socket;
    member->id = tow_websocket_identify(socket);
    member->loop = tow_websocket_loop(socket);
    member->end = &member->first;
    member->farewell = event_new(member, TOW_SERVICE_CLOSED, NULL, FAREWELL_MAX);
    if (member->farewell == NULL) {
        free(member);
        return NULL;
    }
    atomic_init(&member->holders, 2); /* the worker and the service */
    return member;
}

static tow_event *opening_new(tow_member *member, const tow_request *request) {
    tow_buffer text = {0};
    tow_event *event = NULL;
    if (tow_environment_of_request(&text, request, member->service->path, member->loop) == 0)
        event = event_new(member, TOW_SERVICE_OPEN, text.data, text.length);
    tow_buffer_clear(&text);
    return event;
}

/* With its opening, or NULL. */
static tow_event *member_begin(tow_service *service, tow_websocket *socket) {
    tow_member *member = member_new(service, socket);
    if (member == NULL)
        return NULL;
    tow_event *opening = opening_new(member, tow_websocket_request(socket));
    if (opening == NULL)
        free_member(member);
    return opening;
}

void tow_member_opened(tow_websocket *socket) {
    tow_service *service = tow_websocket_user(socket);
    tow_event *opening = member_begin(service, socket);
    tow_websocket_set_user(socket, opening == NULL ? NULL : opening->member);
    if (opening == NULL) {
        tow_websocket_close(socket, 1011, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    opening->member->key = key_of(service, tow_websocket_request(socket));
    post(opening);
}

void tow_member_message(tow_websocket *socket, const tow_message *message) {
    tow_member *member = tow_websocket_user(socket);
    if (member == NULL)
        return;
    tow_service *service = member->service;
    if (tow_service_is_full(service)) {
        tow_websocket_close(socket, 1013, "too much waits for the program");
        return;
    }
    tow_event *event = event_new(member, TOW_SERVICE_MESSAGE, message->data, message->length);
    if (event == NULL) {
        tow_websocket_close(socket, 1011, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    event->is_binary = message->type == TOW_BINARY;
    post(event);
    if (has_too_much(member))
        pause_reading(member);
}

void tow_member_closed(tow_websocket *socket, const tow_close_event *event) {
    tow_member *member = tow_websocket_user(socket);
    if (member == NULL)
        return;
    tow_event *farewell = member->farewell;
    size_t length =
        event->reason_length < TOW_SERVICE_REASON_MAX ? event->reason_length : TOW_SERVICE_REASON_MAX;
    member->farewell = NULL;
    member->socket = NULL;
    farewell->data[0] = (uint8_t)(event->code >> 8);
    farewell->data[1] = (uint8_t)event->code;
    if (length > 0)
        memcpy(farewell->data + 2, event->reason, length);
    farewell->length = 2 + length;
    post(farewell);
    tow_member_release(member);
}

/* The service's. */

void tow_member_add(tow_member *member, tow_event *event) {
    event->next = NULL;
    *member->end = event;
    member->end = &event->next;
}

void tow_member_refuse(tow_event *event) {
    wait_less(event);
    free(event);
}

static void free_first(tow_member *member) {
    tow_event *event = member->first;
    member->first = event->next;
    if (member->first == NULL)
        member->end = &member->first;
    tow_member_refuse(event);
}

void tow_member_acknowledge(tow_member *member) {
    member->is_known |= member->first->type == TOW_SERVICE_OPEN;
    free_first(member);
    if (has_little(member) && atomic_exchange(&member->paused, false))
        have_resumed(member);
}

void tow_member_drop_events(tow_member *member) {
    while (member->first != NULL)
        free_first(member);
}

int tow_member_attach(tow_member *member, const void *state, size_t length) {
    uint8_t *made = length == 0 ? NULL : malloc(length);
    if (made == NULL && length > 0)
        return TOW_ERROR_MEMORY;
    if (length > 0)
        memcpy(made, state, length);
    free(member->state);
    member->state = made;
    member->state_length = length;
    return 0;
}
