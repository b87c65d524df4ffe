/* remote: a link whose WebSocket is another worker's. What comes while the session is paused is kept, which
 * is bounded by what the other end may send ahead. */
#include "life.h"
#include "parcel.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { READ_AT_ONCE = 64 * 1024 /* bytes, before the other end hears of it */ };

/* Kept in place of a message: how it ended. */
enum { CLOSED = 'c' };

typedef struct remote {
    tow_engineio_link link; /* first */
    tow_parcel_way way;
    uint64_t said, taken; /* bytes that were sent, and have left there */
    uint64_t told, read;  /* bytes that were told to the session, and of which the other end knows */
    tow_packets kept;
    bool paused;
    bool is_gone; /* its end is among what is kept */
} remote;

static remote *of(tow_engineio_link *link) {
    return (remote *)(void *)link;
}

static void destroy(remote *self) {
    tow_packets_clear(&self->kept);
    free(self);
}

/* What the session asks for. */

static int send_message(tow_engineio_link *link, tow_message_type type, const void *data, size_t length) {
    if (of(link)->is_gone)
        return TOW_ERROR_CLOSED;
    int error =
        tow_parcel_send(&of(link)->way, &(tow_parcel){.kind = TOW_PARCEL_SAY, .type = type}, data, length);
    of(link)->said += error == 0 ? length : 0;
    return error;
}

static void end(tow_engineio_link *link, uint16_t code, const char *reason, bool tells) {
    (void)tow_parcel_send(&of(link)->way, &(tow_parcel){.kind = TOW_PARCEL_END, .code = code, .flag = tells},
        reason, reason != NULL ? strlen(reason) : 0);
    if (!tells)
        destroy(of(link));
}

static void set_paused(tow_engineio_link *link, bool paused) {
    remote *self = of(link);
    if (self->paused == paused)
        return;
    self->paused = paused;
    (void)tow_parcel_send(&self->way, &(tow_parcel){.kind = TOW_PARCEL_PAUSE, .flag = paused}, NULL, 0);
    if (!paused && !tow_packets_are_empty(&self->kept))
        (void)tow_parcel_send(&self->way, &(tow_parcel){.kind = TOW_PARCEL_GO_ON}, NULL, 0);
}

static uint64_t buffered(const tow_engineio_link *link) {
    const remote *self = (const remote *)(const void *)link;
    return self->is_gone ? 0 : self->said - self->taken;
}

static void mark(tow_engineio_link *link) {
    (void)tow_parcel_send(&of(link)->way, &(tow_parcel){.kind = TOW_PARCEL_MARK}, NULL, 0);
}

static void ask(tow_engineio_link *link, int64_t milliseconds) {
    const tow_parcel what = {.kind = TOW_PARCEL_ASK, .count = (uint64_t)milliseconds};
    (void)tow_parcel_send(&of(link)->way, &what, NULL, 0);
}

static const tow_engineio_link_class class = {
    .send = send_message, .close = end, .pause = set_paused, .buffered = buffered, .mark = mark, .ask = ask};

/* What comes. */

/* The link of a parcel, if it is still the session's: whatever is told may end it. */
static remote *find(const tow_parcel *parcel) {
    tow_engineio_session *session = tow_engineio_find(parcel->engineio, parcel->session, parcel->secret);
    tow_engineio_link *links[2] = {
        session != NULL ? session->link : NULL, session != NULL ? session->probe : NULL};
    for (size_t i = 0; i < 2; i++) {
        if (links[i] != NULL && links[i]->class == &class && of(links[i])->way.wire == parcel->wire)
            return of(links[i]);
    }
    return NULL;
}

static void refuse(const tow_parcel_way *way) {
    (void)tow_parcel_send(way, &(tow_parcel){.kind = TOW_PARCEL_END}, NULL, 0);
}

static void attach(const tow_parcel *parcel) {
    tow_engineio_session *session = tow_engineio_find(parcel->engineio, parcel->session, parcel->secret);
    remote *self = calloc(1, sizeof(*self));
    tow_parcel_way way = {.engineio = parcel->engineio, .wire = parcel->wire, .session = parcel->session};
    memcpy(way.secret, parcel->secret, sizeof(way.secret));
    if (self != NULL) {
        self->way = way;
        self->link.class = &class;
    }
    if (self != NULL && session != NULL && tow_engineio_link_probe(&self->link, session))
        return;
    free(self);
    refuse(&way);
}

/* Of what was told the other end hears now and then, so that it goes on. */
static void tell_read(const tow_parcel *parcel, size_t length) {
    remote *self = find(parcel);
    if (self == NULL)
        return;
    self->told += length;
    if (self->told - self->read < READ_AT_ONCE)
        return;
    self->read = self->told;
    (void)tow_parcel_send(&self->way, &(tow_parcel){.kind = TOW_PARCEL_READ, .count = self->told}, NULL, 0);
}

static void tell_closed(remote *self, const tow_close_event *event) {
    tow_engineio_link_closed(&self->link, event);
    destroy(self);
}

static int keep(remote *self, const tow_parcel *parcel) {
    char type = parcel->type == TOW_TEXT ? TOW_PACKET_TEXT : TOW_PACKET_BINARY;
    return tow_packets_put(&self->kept, type, parcel->data, parcel->length);
}

static void hear(const tow_parcel *parcel, remote *self) {
    bool waits = self->paused || !tow_packets_are_empty(&self->kept);
    if (!waits)
        tow_engineio_link_heard(&self->link, parcel->type, parcel->data, parcel->length);
    else if (keep(self, parcel) != 0)
        tow_engineio_break(self->link.session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    if (!waits)
        tell_read(parcel, parcel->length);
}

/* Behind messages that are kept, or a post that is not told yet, it waits; without memory for that it does
 * not. Nothing that was said leaves any more, for which the session may wait. */
static bool keep_closed(remote *self, const void *what, size_t length) {
    const tow_engineio_session *session = self->link.session;
    bool waits = !tow_packets_are_empty(&self->kept) || (self->paused && session->telling);
    if (!waits || tow_packets_put(&self->kept, CLOSED, what, length) != 0)
        return false;
    self->is_gone = true;
    tow_engineio_link_drained(&self->link);
    return true;
}

static void hear_closed(const tow_parcel *parcel, remote *self) {
    uint8_t what[3 + 123];
    size_t length = parcel->length < 123 ? parcel->length : 123;
    what[0] = parcel->flag;
    memcpy(what + 1, &parcel->code, sizeof(parcel->code));
    memcpy(what + 3, parcel->data, length);
    if (keep_closed(self, what, 3 + length))
        return;
    tell_closed(self, &(tow_close_event){.code = parcel->code,
                          .was_clean = parcel->flag,
                          .reason = parcel->data,
                          .reason_length = parcel->length});
}

static void tell_kept_end(remote *self, const tow_packet *packet) {
    char reason[124];
    uint16_t code;
    memcpy(&code, packet->data + 1, sizeof(code));
    memcpy(reason, packet->data + 3, packet->length - 3);
    reason[packet->length - 3] = '\0';
    tell_closed(self, &(tow_close_event){.code = code,
                          .was_clean = packet->data[0] != 0,
                          .reason = reason,
                          .reason_length = packet->length - 3});
}

/* A copy, as what it leads to may end the link. */
static void go_on(const tow_parcel *parcel) {
    remote *self;
    while ((self = find(parcel)) != NULL && !self->paused && !tow_packets_are_empty(&self->kept)) {
        tow_packet packet = tow_packets_first(&self->kept);
        if (packet.type == CLOSED) {
            tell_kept_end(self, &packet);
            return;
        }
        tow_buffer copy = {0};
        size_t length = packet.length;
        tow_message_type type = packet.type == TOW_PACKET_TEXT ? TOW_TEXT : TOW_BINARY;
        if (length > 0 && tow_buffer_append(&copy, packet.data, length) != 0) {
            tow_engineio_break(self->link.session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
            return;
        }
        tow_packets_take(&self->kept);
        tow_engineio_link_heard(&self->link, type, length > 0 ? (const void *)copy.data : "", length);
        tow_buffer_clear(&copy);
        tell_read(parcel, length);
    }
}

void tow_parcel_to_session(const tow_parcel *parcel) {
    remote *self = parcel->kind == TOW_PARCEL_ATTACH ? NULL : find(parcel);
    if (parcel->kind == TOW_PARCEL_ATTACH)
        attach(parcel);
    else if (self == NULL)
        return;
    else if (parcel->kind == TOW_PARCEL_HEARD)
        hear(parcel, self);
    else if (parcel->kind == TOW_PARCEL_CLOSED)
        hear_closed(parcel, self);
    else if (parcel->kind == TOW_PARCEL_GO_ON)
        go_on(parcel);
    else if (parcel->kind == TOW_PARCEL_LIVES)
        tow_engineio_link_lives(&self->link, parcel->flag);
    else if (parcel->kind == TOW_PARCEL_TAKEN) {
        self->taken = parcel->count;
        tow_engineio_link_drained(&self->link);
    }
}
