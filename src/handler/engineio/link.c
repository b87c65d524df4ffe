#include "link.h"

#include "hearing.h"
#include "life.h"
#include "polling.h"
#include "session.h"
#include "waiting.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

bool tow_engineio_link_probe(tow_engineio_link *link, tow_engineio_session *session) {
    if (session->link != NULL || session->probe != NULL)
        return false;
    tow_engineio_session_met(session);
    session->probe = link;
    link->session = session;
    tow_agenda_set(
        &session->agenda, TOW_ENGINEIO_DUE_UPGRADE, session->engineio->settings.upgrade_milliseconds);
    return true;
}

static void forget_probe(tow_engineio_session *session) {
    session->probe = NULL;
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_UPGRADE);
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_NOOP);
}

/* Only the WebSocket ends: the session goes on by polling. */
static void give_up_probe(tow_engineio_session *session) {
    tow_engineio_link *probe = session->probe;
    forget_probe(session);
    probe->class->close(probe, 0, NULL, false);
}

/* Polls are not in the way from now on: the client stops them when it has the answer. */
static void answer_probe(tow_engineio_session *session) {
    session->probe->probed = true;
    if (session->probe->class->send(session->probe, TOW_TEXT, "3probe", 6) != 0) {
        give_up_probe(session);
        return;
    }
    tow_engineio_answer_poll(session, true);
    tow_engineio_answer_early(session);
}

/* Packets of the last answer to a poll, as they were. */
static int send_again(tow_engineio_session *session, tow_engineio_link *link) {
    tow_engineio_body body = {.bytes = session->answer.data, .length = session->answer.length};
    tow_slice packet;
    int error = 0;
    while (error == 0 && session->answer.length > 0 && tow_engineio_next(&body, &packet))
        error = link->class->send(link, TOW_TEXT, packet.data, packet.length);
    tow_buffer_clear(&session->answer);
    return error;
}

/* Between our own ends: how many answers the client has had. */
static bool read_had(const char *text, size_t length, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    return length > 0 && length <= 18;
}

static void upgrade(tow_engineio_session *session, const char *text, size_t length) {
    tow_engineio_link *link = session->probe;
    uint64_t had;
    if (session->extended && (!read_had(text, length, &had) || tow_engineio_polling_had(session, had) != 0)) {
        tow_engineio_violated(session);
        return;
    }
    forget_probe(session);
    tow_engineio_end_poll(session);
    if (send_again(session, link) == 0) {
        tow_engineio_take_link(session, link);
        return;
    }
    link->class->close(link, 0, NULL, false); /* the session's end knows it no more */
    tow_engineio_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
}

static void hear_probe(
    tow_engineio_session *session, tow_message_type type, const char *text, size_t length) {
    bool probes = type == TOW_TEXT && length == 6 && memcmp(text, "2probe", 6) == 0;
    bool upgrades = type == TOW_TEXT && length > 0 && text[0] == TOW_ENGINEIO_UPGRADE;
    if (probes)
        answer_probe(session);
    else if (upgrades && session->probe->probed)
        upgrade(session, text + 1, length - 1);
    else
        give_up_probe(session);
}

void tow_engineio_link_heard(
    tow_engineio_link *link, tow_message_type type, const void *data, size_t length) {
    tow_engineio_session *session = link->session;
    if (session == NULL || session->over)
        return;
    if (session->probe == link) {
        hear_probe(session, type, data, length);
        return;
    }
    if (type == TOW_TEXT)
        tow_engineio_hear_bytes(session, data, length);
    else
        tow_engineio_hear(session, &(tow_packet){.type = TOW_PACKET_BINARY, .data = data, .length = length});
}

void tow_engineio_link_drained(tow_engineio_link *link) {
    tow_engineio_session *session = link->session;
    if (session != NULL && session->link == link && !session->over)
        tow_carried_drain(session->socket);
}

void tow_engineio_link_lives(tow_engineio_link *link, bool lives) {
    tow_engineio_session *session = link->session;
    if (session != NULL && session->link == link && !session->over)
        tow_engineio_told_of_life(session, lives);
}

void tow_engineio_link_closed(tow_engineio_link *link, const tow_close_event *event) {
    tow_engineio_session *session = link->session;
    link->session = NULL;
    if (session == NULL || session->over)
        return;
    if (session->probe == link) {
        forget_probe(session);
        return;
    }
    tow_engineio_set_link(session, NULL);
    if (event->was_clean)
        tow_engineio_hear_close(session, event->code, event->reason, event->reason_length);
    else
        tow_engineio_end(session, 0);
}
