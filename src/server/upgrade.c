#include "upgrade.h"

#include "admission.h"
#include "protocol/opening.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* RFC 6455, section 4.2.2, and 4.4 for the version. */
static void refuse_form(tow_exchange *exchange, int error) {
    tow_count(&tow_exchange_counters(exchange)->handshakes_refused);
    bool method =
        error == TOW_ERROR_HANDSHAKE_METHOD && !tow_slice_equals(exchange->request->head->method, "GET");
    if (method)
        tow_exchange_refuse_with(exchange, 405, tow_strerror(error), "Allow", "GET");
    else
        tow_exchange_refuse(
            exchange, error == TOW_ERROR_HANDSHAKE_VERSION ? 426 : 400, tow_strerror(error), NULL);
}

/* The subprotocols as texts for on_select: pointers and copies in one piece of memory. */
static const char **offers_copy(const tow_opening_request *opening) {
    size_t bytes = (opening->protocol_count + 1) * sizeof(char *);
    for (size_t i = 0; i < opening->protocol_count; i++)
        bytes += opening->protocols[i].length + 1;
    const char **offers = calloc(1, bytes);
    if (offers == NULL)
        return NULL;
    char *text = (char *)(offers + opening->protocol_count + 1);
    for (size_t i = 0; i < opening->protocol_count; i++) {
        offers[i] = text;
        memcpy(text, opening->protocols[i].data, opening->protocols[i].length);
        text += opening->protocols[i].length + 1;
    }
    return offers;
}

static int select_by_handler(tow_exchange *exchange, const tow_opening_request *opening, tow_slice *chosen) {
    const char **offers = offers_copy(opening);
    if (offers == NULL)
        return TOW_ERROR_MEMORY;
    int index = exchange->route->handler.on_select(exchange->request, offers, opening->protocol_count);
    if (index >= 0 && (size_t)index < opening->protocol_count)
        *chosen = opening->protocols[index];
    free(offers);
    return 0;
}

/* RFC 6455, section 4.2.2: one of those offered, or none. */
static int select_protocol(tow_exchange *exchange, const tow_opening_request *opening, tow_slice *chosen) {
    const tow_handler *handler = &exchange->route->handler;
    if (exchange->protocol.data != NULL && exchange->entrance == NULL) {
        *chosen = exchange->protocol;
        return 0;
    }
    if (opening->protocol_count == 0 || exchange->entrance != NULL)
        return 0;
    if (handler->on_select != NULL)
        return select_by_handler(exchange, opening, chosen);
    for (size_t i = 0; handler->protocols != NULL && handler->protocols[i] != NULL; i++) {
        for (size_t j = 0; j < opening->protocol_count; j++) {
            if (tow_slice_equals(opening->protocols[j], handler->protocols[i])) {
                *chosen = opening->protocols[j];
                return 0;
            }
        }
    }
    return 0;
}

static void agree_on_compression(
    tow_exchange *exchange, tow_compression_agreement *agreement, char text[TOW_COMPRESSION_TEXT_MAX]) {
    const tow_http_head *head = exchange->request->head;
    tow_compression wanted = exchange->route->behaviour.limits.compression;
    tow_compression_settings settings = {
        .enabled = wanted != TOW_COMPRESSION_OFF && !exchange->uncompressed,
        .server_takeover = wanted == TOW_COMPRESSION_TAKEOVER,
        .client_takeover = wanted == TOW_COMPRESSION_TAKEOVER,
    };
    tow_compression_accept(&settings, head->fields, head->field_count, agreement, text);
}

static int read_opening(const tow_exchange *exchange, tow_opening_request *opening) {
    const tow_http_head *head = exchange->request->head;
    return tow_opening_request_check(opening, head->method, head->version, head->fields, head->field_count);
}

static void refuse_length(tow_exchange *exchange) {
    tow_exchange_tell_gone(exchange);
    tow_exchange_refuse(exchange, 500, "the answer is too long", "the fields of the answer 101 are too long");
}

/* It was let in: nobody has a say any more, but who kept it hears that it came to nothing. */
static void agree(tow_exchange *exchange, const tow_opening_request *opening) {
    tow_upgrade upgrade = {.accept = opening->accept};
    bool kept = exchange->kept;
    exchange->kept = false;
    int error = select_protocol(exchange, opening, &upgrade.protocol);
    if (error != 0) {
        exchange->kept = kept;
        tow_exchange_refuse_for_memory(exchange);
        return;
    }
    agree_on_compression(exchange, &upgrade.compression, upgrade.extensions);
    error = exchange->class->upgrade(exchange, &upgrade);
    if (error != 0)
        exchange->kept = kept;
    if (error == TOW_ERROR_ARGUMENT)
        refuse_length(exchange);
}

static int read_whole(const tow_exchange *exchange, tow_opening_request *opening) {
    int error = read_opening(exchange, opening);
    if (error == 0 && exchange->has_body)
        error = TOW_ERROR_HTTP_SYNTAX; /* its bytes could be taken for frames */
    return error;
}

void tow_upgrade_enter(tow_exchange *exchange) {
    tow_opening_request opening;
    int error = read_whole(exchange, &opening);
    if (error != 0)
        refuse_form(exchange, error);
    else
        agree(exchange, &opening);
}

void tow_upgrade_answer(tow_exchange *exchange) {
    tow_opening_request opening;
    int error = read_whole(exchange, &opening);
    exchange->protocol = (tow_slice){0};
    if (error != 0)
        refuse_form(exchange, error);
    else if (!tow_admission_refuses_opening(exchange))
        agree(exchange, &opening);
}

void tow_upgrade_go_on(tow_exchange *exchange) {
    tow_opening_request opening;
    int error = read_opening(exchange, &opening);
    assert(error == 0); /* as it was when it came */
    (void)error;
    agree(exchange, &opening);
}
