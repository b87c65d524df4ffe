#include "handler/respond.h"

#include "handler/field_text.h"
#include "reply.h"
#include "server/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_respond_settings, member)

typedef struct respond {
    tow_respond_settings settings;
    size_t length; /* of the body */
    tow_header_field *fields;
    size_t field_count;
} respond;

static void answer(tow_exchange *exchange, const tow_request *request) {
    const respond *self = tow_request_user(request);
    const tow_respond_settings *settings = &self->settings;
    const char *type = settings->type != NULL ? settings->type : "text/plain; charset=utf-8";
    int error = tow_reply_fields(exchange, self->fields, self->field_count);
    if (error == 0)
        error = tow_exchange_respond(
            exchange, settings->status, self->length > 0 ? type : NULL, settings->body, self->length);
    if (error != 0)
        tow_reply_status(exchange, tow_status_of_error(error));
}

static void free_made(void *user) {
    respond *self = user;
    free(self->fields);
    free(self);
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    respond *self = calloc(1, sizeof(*self));
    (void)place;
    if (self != NULL) {
        self->settings = *(const tow_respond_settings *)settings;
        self->length = self->settings.body != NULL ? strlen(self->settings.body) : 0;
        self->fields = tow_field_texts_read(self->settings.fields);
    }
    if (self == NULL || self->fields == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
        free(self);
        return TOW_ERROR_MEMORY;
    }
    while (self->fields[self->field_count].name != NULL)
        self->field_count++;
    *handler = (tow_handler){.user = self, .on_request = answer};
    return 0;
}

static int check_type(const char *text) {
    return text[0] != '\0' && tow_field_is_valid(tow_slice_from("Content-Type"), tow_slice_from(text))
               ? 0
               : TOW_ERROR_ARGUMENT;
}

static const tow_option rows[] = {
    {.name = "status",
        .kind = TOW_OPTION_NUMBER,
        .value = "STATUS",
        .fallback = "200",
        .help = "of the answer",
        .minimum = 200,
        .maximum = 599,
        FIELD(status)},
    {.name = "type",
        .kind = TOW_OPTION_TEXT,
        .value = "TYPE",
        .note = "text/plain; charset=utf-8",
        .help = "what the body is",
        .expects = "a media type such as application/json",
        .check = check_type,
        FIELD(type)},
    {.name = "body",
        .kind = TOW_OPTION_TEXT,
        .value = "TEXT",
        .note = "none",
        .help = "the body of the answer",
        FIELD(body)},
    {.name = "fields",
        .kind = TOW_OPTION_LIST,
        .value = "FIELD",
        .note = "none",
        .help = "further header fields of the answer",
        .expects = TOW_FIELD_TEXT_EXPECTED,
        .check = tow_field_text_check,
        .pair = TOW_FIELD_TEXT_PAIR,
        FIELD(fields)},
    {0},
};

const tow_handler_kind tow_respond_kind = {
    .name = "respond", .options = rows, .make = make, .free = free_made};
