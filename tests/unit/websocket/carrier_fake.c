#include "carrier_fake.h"

#include "protocol/close.h"

#include <stdlib.h>

static fake_end *end_of(const tow_websocket *socket) {
    return (fake_end *)((uintptr_t)socket - offsetof(fake_end, socket));
}

/* The carrier. */

static int say(tow_websocket *socket, char kind, uint16_t code, const void *text, size_t length) {
    fake_end *end = end_of(socket);
    assert_false(end->reset || end->told_gone);
    if (end->sends_to_fail > 0 && end->sends_to_fail-- > 0)
        return TOW_ERROR_MEMORY;
    fake_line **place = &end->said;
    while (*place != NULL)
        place = &(*place)->next;
    *place = calloc(1, sizeof(**place));
    **place = (fake_line){.kind = kind, .code = code, .length = length, .text = malloc(length + 1)};
    if (length > 0)
        memcpy((*place)->text, text, length);
    (*place)->text[length] = '\0';
    return 0;
}

static void drop_line(fake_line **place) {
    fake_line *line = *place;
    *place = line->next;
    free(line->text);
    free(line);
}

static bool is_message(const fake_line *line) {
    return line->kind == 't' || line->kind == 'b';
}

static int send_message(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
    return say(socket, type == TOW_TEXT ? 't' : 'b', 0, data, length);
}

static int send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    fake_end *end = end_of(socket);
    if (code != TOW_CLOSE_ABNORMAL)
        return say(socket, 'C', code, reason, reason == NULL ? 0 : strlen(reason));
    assert_false(end->reset);
    end->reset = true;
    while (end->said != NULL)
        drop_line(&end->said);
    return 0;
}

static uint64_t buffered(const tow_websocket *socket) {
    uint64_t sum = 0;
    for (const fake_line *line = end_of(socket)->said; line != NULL; line = line->next)
        sum += is_message(line) ? line->length : 0;
    return sum;
}

static void set_paused(tow_websocket *socket, bool paused) {
    fake_end *end = end_of(socket);
    assert_int_equal(end->paused, !paused);
    end->paused = paused;
    *(paused ? &end->pauses : &end->resumes) += 1;
}

static size_t drop(tow_websocket *socket, uint64_t max) {
    size_t count = 0;
    fake_line **place = &end_of(socket)->said;
    while (*place != NULL && buffered(socket) > max) {
        if (is_message(*place)) {
            drop_line(place);
            count++;
        } else {
            place = &(*place)->next;
        }
    }
    return count;
}

static const tow_carrier carrier = {
    .send = send_message, .close = send_close, .buffered = buffered, .set_paused = set_paused, .drop = drop};

static const tow_carrier carrier_without_drop = {
    .send = send_message, .close = send_close, .buffered = buffered, .set_paused = set_paused};

static void hear(fake_end *to, const fake_line *line) {
    if (is_message(line))
        tow_carried_message(&to->socket, &(tow_message){.type = line->kind == 't' ? TOW_TEXT : TOW_BINARY,
                                             .data = line->text,
                                             .length = line->length});
    else
        tow_carried_close(
            &to->socket, line->code == 0 ? TOW_CLOSE_NO_STATUS : line->code, line->text, line->length);
}

size_t fake_move(fake_end *from, size_t lines) {
    size_t moved = 0;
    while (moved < lines && from->said != NULL && !from->other->paused && !from->other->reset &&
           !from->other->told_gone) {
        fake_line *line = from->said;
        from->said = line->next;
        hear(from->other, line);
        free(line->text);
        free(line);
        moved++;
    }
    if (moved > 0 && !from->reset && !from->told_gone)
        tow_carried_drain(&from->socket);
    return moved;
}

void fake_settle(fake_wire *wire) {
    while (fake_move(&wire->server, SIZE_MAX) + fake_move(&wire->client, SIZE_MAX) > 0) {
    }
}

void fake_gone(fake_end *end, int error) {
    end->told_gone = true;
    tow_carried_gone(&end->socket, error);
}

/* The application. */

static void opened(tow_websocket *socket) {
    end_of(socket)->opens++;
}

static void message_came(tow_websocket *socket, const tow_message *message) {
    fake_end *end = end_of(socket);
    assert_false(end->paused);
    end->messages++;
    tow_buffer_append(&end->heard, message->data, message->length);
    tow_buffer_append(&end->heard, "\n", 1);
    if (end->echoes)
        assert_true(tow_websocket_send(socket, message->type, message->data, message->length) >= 0);
    if (end->then_message != NULL)
        end->then_message(end, message);
}

static void piece_came(tow_websocket *socket, const tow_message_piece *piece) {
    assert_true(piece->first && piece->last);
    end_of(socket)->pieces++;
    message_came(socket, &(tow_message){.type = piece->type, .data = piece->data, .length = piece->length});
}

static void drained(tow_websocket *socket) {
    end_of(socket)->drains++;
}

static void failed(tow_websocket *socket, const tow_error_event *event) {
    end_of(socket)->errors++;
    end_of(socket)->error = event->error;
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    fake_end *end = end_of(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    end->closes++;
    end->code = event->code;
    end->was_clean = event->was_clean;
    memcpy(end->reason, event->reason, event->reason_length + 1);
    if (end->then_close != NULL)
        end->then_close(end);
}

static void gone(tow_websocket *socket) {
    end_of(socket)->gone++;
}

static tow_websocket_id identify(const tow_websocket *socket) {
    return end_of(socket) == &end_of(socket)->wire->server ? 1 : 2;
}

static const tow_socket_owner owner = {.identify = identify, .gone = gone};

static void open_end(fake_wire *wire, fake_end *end, tow_role role, fake_end *other) {
    end->wire = wire;
    end->other = other;
    end->behaviour = (tow_behaviour){.role = role,
        .owner = &owner,
        .carrier = wire->has_no_drop ? &carrier_without_drop : &carrier,
        .on_open = opened,
        .on_error = failed,
        .on_close = closed,
        .on_drain = drained,
        .limits = wire->limits,
        .url = ""};
    const tow_behaviour *behaviour = &end->behaviour;
    tow_behaviour_receive_by(
        &end->behaviour, wire->streams ? NULL : message_came, wire->streams ? piece_came : NULL);
    tow_limits_resolve(&end->behaviour.limits, TOW_ROLE_SERVER, NULL);
    if (role == TOW_ROLE_SERVER && wire->server_behaviour != NULL)
        behaviour = wire->server_behaviour(&carrier, &owner);
    assert_int_equal(
        tow_websocket_start(&end->socket, wire->context, behaviour,
            wire->protocol == NULL ? (tow_slice){0} : tow_slice_from(wire->protocol), NULL, NULL, 0),
        0);
}

void fake_open(fake_wire *wire) {
    assert_int_equal(tow_loop_new_simulated(&wire->loop, &(tow_simulation_options){.seed = 1}), 0);
    assert_int_equal(tow_websocket_context_new(&wire->context, wire->loop, wire), 0);
    open_end(wire, &wire->server, TOW_ROLE_SERVER, &wire->client);
    open_end(wire, &wire->client, TOW_ROLE_CLIENT, &wire->server);
}

static void close_end(fake_end *end) {
    if (!end->told_gone) {
        tow_websocket_abort(&end->socket, TOW_CAUSE_APPLICATION_RESET, 0);
        fake_gone(end, 0);
    }
    assert_int_equal(end->closes, 1);
    assert_int_equal(end->gone, 1);
    while (end->said != NULL)
        drop_line(&end->said);
    tow_websocket_clear(&end->socket);
    tow_buffer_clear(&end->heard);
}

void fake_close(fake_wire *wire) {
    close_end(&wire->server);
    close_end(&wire->client);
    tow_websocket_context_free(wire->context);
    tow_loop_free(wire->loop);
}

void assert_fake_heard(const fake_end *end, const char *lines) {
    assert_int_equal(end->heard.length, strlen(lines));
    assert_memory_equal(end->heard.data, lines, strlen(lines));
}
