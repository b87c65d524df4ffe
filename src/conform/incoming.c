#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tow_conform_conversation_add_event(conversation *self, case_event event) {
    if (self->event_count == self->event_capacity) {
        size_t capacity = self->event_capacity == 0 ? 8 : self->event_capacity * 2;
        case_event *events = capacity > EVENTS_MAX ? NULL : realloc(self->events, capacity * sizeof(*events));
        if (events == NULL) {
            tow_buffer_clear(&event.payload);
            tow_conform_conversation_end(
                self, VERDICT_FAIL, "more messages came than a peer has reason to send");
            return;
        }
        self->events = events;
        self->event_capacity = capacity;
    }
    self->events[self->event_count++] = event;
}

/* Rules that every frame must keep, whatever the case is about. */

static bool violates(conversation *self, const char *what, const char *section) {
    tow_conform_conversation_end(self, VERDICT_FAIL, "the peer sent %s (%s)", what, section);
    return true;
}

/* RFC 6455, section 5.1 */
static bool masking_is_wrong(conversation *self, const wire_frame *frame) {
    if (frame->masked == self->tests_client)
        return false;
    return violates(self, frame->masked ? "a masked frame as a server" : "an unmasked frame as a client",
        "RFC 6455, section 5.1");
}

/* RFC 6455, section 5.3: a fresh key for each frame that can't be foretold; not on the next connection
 * either. */
static bool key_is_foreseeable(conversation *self, const wire_frame *frame) {
    if (!frame->masked)
        return false;
    bool first = self->keys.count == 0 && self->settings->memory != NULL;
    const char *what = tow_conform_key_watch_add(&self->keys, frame->masking_key);
    if (what == NULL && first)
        what = tow_conform_key_watch_add(&self->settings->memory->first_keys, frame->masking_key);
    return what != NULL && violates(self, what, "RFC 6455, section 5.3");
}

/* RFC 6455, section 5.2; RFC 7692, section 6 */
static bool reserved_bits_are_wrong(conversation *self, const wire_frame *frame) {
    bool may_have_rsv1 = self->agreement.enabled && (frame->opcode == 1 || frame->opcode == 2);
    if ((frame->reserved_bits & (may_have_rsv1 ? 3 : 7)) == 0)
        return false;
    return violates(self, "a reserved bit that nothing defines", "RFC 6455, section 5.2");
}

/* RFC 6455, section 5.5 */
static bool control_frame_is_wrong(conversation *self, const wire_frame *frame) {
    if (frame->opcode > 10)
        return violates(self, "a reserved control opcode", "RFC 6455, section 5.2");
    if (!frame->final)
        return violates(self, "a fragmented control frame", "RFC 6455, section 5.5");
    return frame->length > 125 &&
           violates(self, "a control frame of more than 125 bytes", "RFC 6455, section 5.5");
}

/* RFC 6455, section 5.4 */
static bool data_frame_is_wrong(conversation *self, const wire_frame *frame) {
    if (frame->opcode > 2)
        return violates(self, "a reserved opcode", "RFC 6455, section 5.2");
    if (frame->opcode == 0 && self->message_opcode == 0)
        return violates(self, "a continuation of nothing", "RFC 6455, section 5.4");
    return frame->opcode != 0 && self->message_opcode != 0 &&
           violates(self, "a new message inside a fragmented one", "RFC 6455, section 5.4");
}

static bool frame_is_wrong(conversation *self, const wire_frame *frame) {
    if (self->close_received && frame->opcode < 8)
        return violates(self, "a data frame after its Close", "RFC 6455, section 5.5.1");
    if (self->close_received && frame->opcode == 8)
        tow_conform_conversation_not_strict(self, "the peer sent a second Close (RFC 6455, section 5.5.1)");
    if (!tow_conform_wire_frame_is_minimal(frame))
        return violates(self, "a length in more bytes than it needs", "RFC 6455, section 5.2");
    if (masking_is_wrong(self, frame) || key_is_foreseeable(self, frame) ||
        reserved_bits_are_wrong(self, frame))
        return true;
    return frame->opcode >= 8 ? control_frame_is_wrong(self, frame) : data_frame_is_wrong(self, frame);
}

/* Messages and control frames. */

static void end_message(conversation *self) {
    case_event event = {.kind = EVENT_MESSAGE, .opcode = self->message_opcode};
    const char *why = NULL;
    bool right = true;
    if (self->message_compressed) {
        right = tow_conform_squeeze_read(
            &self->squeeze, self->message.data, self->message.length, &event.payload, &why);
        tow_buffer_clear(&self->message);
    } else {
        event.payload = self->message;
        self->message = (tow_buffer){0};
    }
    self->message_opcode = 0;
    if (!right) {
        tow_buffer_clear(&event.payload);
        violates(self, why, "RFC 7692, section 7.2.1");
        return;
    }
    if (event.opcode == 1 && !tow_conform_wire_utf8_is_valid(event.payload.data, event.payload.length)) {
        tow_buffer_clear(&event.payload);
        violates(self, "text that is not UTF-8", "RFC 6455, section 8.1");
        return;
    }
    tow_conform_conversation_add_event(self, event);
}

static void take_data_frame(conversation *self, const wire_frame *frame) {
    if (frame->opcode != 0) {
        self->message_opcode = frame->opcode;
        self->message_compressed = frame->reserved_bits & 4;
    }
    if (tow_buffer_reserve(&self->message, (size_t)frame->length + 1) != 0) {
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
        return;
    }
    tow_conform_wire_frame_payload(frame, self->message.data + self->message.length);
    self->message.length += (size_t)frame->length;
    if (frame->final)
        end_message(self);
}

static bool close_payload_is_wrong(
    conversation *self, const uint8_t *payload, size_t length, unsigned *code) {
    *code = 1005;
    if (length == 0)
        return false;
    if (length == 1)
        return violates(self, "a Close with a payload of one byte", "RFC 6455, section 5.5.1");
    *code = (unsigned)payload[0] << 8 | payload[1];
    if (!tow_conform_wire_close_code_is_legal(*code))
        return violates(self, "a status code that must not be sent", "RFC 6455, section 7.4");
    return !tow_conform_wire_utf8_is_valid(payload + 2, length - 2) &&
           violates(self, "a reason that is not UTF-8", "RFC 6455, section 5.5.1");
}

static void take_control_frame(conversation *self, const wire_frame *frame) {
    case_event event = {.opcode = frame->opcode};
    if (tow_buffer_reserve(&event.payload, 126) != 0) {
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
        return;
    }
    tow_conform_wire_frame_payload(frame, event.payload.data);
    event.payload.length = (size_t)frame->length;
    event.kind = frame->opcode == 8 ? EVENT_CLOSE : frame->opcode == 9 ? EVENT_PING : EVENT_PONG;
    bool wrong = false;
    if (event.kind == EVENT_CLOSE) {
        self->close_received = true;
        wrong = close_payload_is_wrong(self, event.payload.data, event.payload.length, &event.code);
    }
    if (event.kind == EVENT_PING) /* no case is about a peer's own Pings, but it may send them */
        tow_conform_outgoing_pong(self, event.payload.data, event.payload.length);
    if (wrong || event.kind == EVENT_PING)
        tow_buffer_clear(&event.payload);
    else
        tow_conform_conversation_add_event(self, event);
}

static const char *opcode_word(uint8_t opcode) {
    static const char *const words[16] = {"continuation", "text", "binary", "opcode 3", "opcode 4",
        "opcode 5", "opcode 6", "opcode 7", "close", "ping", "pong", "opcode 11", "opcode 12", "opcode 13",
        "opcode 14", "opcode 15"};
    return words[opcode & 15];
}

static void take_frames(conversation *self) {
    wire_frame frame;
    size_t at = 0;
    while (!self->done && tow_conform_wire_frame_read(&frame, self->in.data + at, self->in.length - at)) {
        tow_conform_conversation_note(self, '<', self->in.data + at, frame.size, "%s%s%s, %llu bytes",
            opcode_word(frame.opcode), frame.final ? "" : ", not final",
            frame.reserved_bits ? ", reserved bits" : "", (unsigned long long)frame.length);
        if (!frame_is_wrong(self, &frame)) {
            if (frame.opcode >= 8)
                take_control_frame(self, &frame);
            else
                take_data_frame(self, &frame);
        }
        at += frame.size;
    }
    tow_buffer_consume(&self->in, at);
}

/* The opening handshake. */

static bool start_squeeze(conversation *self) {
    const judged_agreement *agreement = &self->agreement;
    if (!agreement->enabled)
        return true;
    int server_bits = agreement->server_max_window_bits, client_bits = agreement->client_max_window_bits;
    bool server = !agreement->server_no_context_takeover, client = !agreement->client_no_context_takeover;
    int error = self->tests_client
                    ? tow_conform_squeeze_init(&self->squeeze, server_bits, server, client_bits, client)
                    : tow_conform_squeeze_init(&self->squeeze, client_bits, client, server_bits, server);
    if (error != 0)
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
    return error == 0;
}

/* Whether the case is for this peer, by the extensions in its part of the opening handshake. */
static bool is_applicable(conversation *self, const judged_head *head) {
    const conform_case *one = self->one;
    const char *verb = self->tests_client ? "offer" : "answer with";
    size_t count;
    const char *value = tow_conform_judged_head_value(head, "sec-websocket-extensions", &count);
    if (one->needs != NULL && (value == NULL || strstr(value, one->needs) == NULL)) {
        tow_conform_conversation_end(
            self, VERDICT_NOT_APPLICABLE, "the peer does not %s %s", verb, one->needs);
        return false;
    }
    if (one->unless != NULL && value != NULL && strstr(value, one->unless) != NULL) {
        tow_conform_conversation_end(self, VERDICT_NOT_APPLICABLE, "the peer does %s %s", verb, one->unless);
        return false;
    }
    if (one->refuses != NULL && value != NULL && strstr(value, one->refuses) != NULL) {
        tow_conform_conversation_unmet(self, "the answer holds %s: %.100s", one->refuses, value);
        return false;
    }
    return true;
}

/* Keeps the head for the case's look at its fields. */
static void take_answer(conversation *self, const judged_head *answer) {
    char why[160];
    tow_conform_conversation_add_event(
        self, (case_event){.kind = EVENT_STATUS, .code = (unsigned)answer->status});
    if (answer->status != 101) {
        if (!self->status_expected)
            tow_conform_conversation_unmet(
                self, "the opening handshake was answered with %.100s", answer->first);
        self->ended_by_peer = true; /* nothing after it is WebSocket */
        return;
    }
    self->opened = true;
    if (!tow_conform_opening_answer_judge(self->one, answer, self->key, &self->agreement, why))
        tow_conform_conversation_end(self, VERDICT_FAIL, "%s", why);
    else if (is_applicable(self, answer))
        start_squeeze(self);
}

static void refuse_request(conversation *self) {
    static const char answer[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    tow_buffer_append_text(&self->out, answer);
    tow_conform_outgoing_pump(self);
    tow_conform_conversation_end(self, VERDICT_NOT_APPLICABLE, "no such case");
}

/* The case that the target of the request line asks for. */
static const conform_case *chosen_case(conversation *self, const judged_head *request) {
    char target[256] = "";
    sscanf(request->first, "%*s %255s", target);
    return self->settings->choose(self->settings->user, target);
}

/* RFC 6455, section 4.1: the nonce is selected randomly for each connection. */
static bool nonce_is_fresh(conversation *self, const judged_head *request) {
    client_memory *memory = self->settings->memory;
    size_t count;
    const char *nonce = tow_conform_judged_head_value(request, "sec-websocket-key", &count);
    for (size_t i = 0; i < memory->nonce_count; i++) {
        if (strcmp(memory->nonces[i], nonce) == 0)
            return false;
    }
    if (memory->nonce_count < NONCES_MAX)
        memcpy(memory->nonces[memory->nonce_count++], nonce, 25);
    return true;
}

static bool request_is_right(conversation *self, const judged_head *request) {
    char why[160];
    if (!tow_conform_opening_request_judge(request, why)) {
        tow_conform_conversation_end(self, VERDICT_FAIL, "the request: %s", why);
        return false;
    }
    if (!nonce_is_fresh(self, request)) {
        tow_conform_conversation_end(
            self, VERDICT_FAIL, "a Sec-WebSocket-Key that was used before (RFC 6455, section 4.1)");
        return false;
    }
    return is_applicable(self, request);
}

static void take_request(conversation *self, const judged_head *request) {
    self->one = chosen_case(self, request);
    if (self->one == NULL) {
        refuse_request(self);
        return;
    }
    if (!self->one->is_service && !request_is_right(self, request))
        return;
    self->opened = true;
    char granted[GRANTED_MAX];
    if (self->one->offer != NULL) {
        size_t count;
        tow_conform_agreement_grant(self->one->offer,
            tow_conform_judged_head_value(request, "sec-websocket-extensions", &count), granted);
        tow_conform_agreement_read(granted, &self->agreement);
    }
    const char *extension = self->one->offer != NULL ? granted : NULL;
    if (!start_squeeze(self) ||
        tow_conform_opening_answer_write(self->one, extension, request, &self->out) != 0)
        return;
    tow_conform_conversation_note(
        self, '>', self->out.data, self->out.length, "the answer to the opening handshake");
    tow_conform_outgoing_begin(self);
}

static void take_head(conversation *self) {
    judged_head *head = &self->answer;
    char why[160] = "";
    int result = tow_conform_judged_head_read(head, self->in.data, self->in.length, why);
    if (result > 0) {
        tow_conform_conversation_note(self, '<', self->in.data, head->size, "%.100s", head->first);
        tow_buffer_consume(&self->in, head->size);
        if (self->tests_client)
            take_request(self, head);
        else
            take_answer(self, head);
    } else {
        tow_conform_judged_head_clear(head);
    }
    if (result < 0)
        tow_conform_conversation_end(self, VERDICT_FAIL, "%s", why);
}

void tow_conform_conversation_receive(conversation *self, const uint8_t *bytes, size_t length) {
    if (tow_buffer_append(&self->in, bytes, length) != 0) {
        tow_conform_conversation_end(self, VERDICT_FAIL, "out of memory");
        return;
    }
    if (!self->opened && self->answer.text == NULL)
        take_head(self);
    if (self->opened && !self->done)
        take_frames(self);
}
