#include "ending.h"

#include "base/text.h"
#include "protocol/close.h"
#include "remembered.h"
#include "report.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { QUOTED_SIZE = 2 * TOW_CLOSE_REASON_MAX + 3 /* quotes and the end */ };

static const tow_settings *settings_of(const tow_connection *connection) {
    return &tow_connection_worker(connection)->server->settings;
}

const char *tow_ending_ender(tow_cause cause) {
    switch (tow_cause_ender(cause)) {
    case TOW_ENDED_BY_PEER:
        return "client";
    case TOW_ENDED_BY_NETWORK:
        return "network";
    case TOW_ENDED_BY_US:
    case TOW_ENDED_BY_LIMIT:
        break;
    }
    return "server";
}

/* What the line says. */
typedef struct ending {
    char room[TOW_ADDRESS_TEXT_MAX];
    const char *peer;
    const char *path;
    tow_websocket_ending how;
    const tow_tally *carried;
    int64_t milliseconds;
} ending;

static void gather(ending *self, const tow_connection *connection) {
    static const tow_tally nothing;
    const tow_tally *tally = connection->socket.tally;
    self->how = tow_websocket_how_it_ended(&connection->socket);
    self->carried = tally != NULL ? tally : &nothing;
    self->milliseconds = tow_remembered_age(connection);
    self->peer = tow_remembered_peer(connection, self->room);
    self->path = tow_remembered_path(connection);
}

static void add_fields(tow_report_fields *fields, const ending *self) {
    const char *cause = tow_cause_name(self->how.cause);
    bool by_limit = tow_cause_ender(self->how.cause) == TOW_ENDED_BY_LIMIT;
    tow_report_add_text(fields, "message", "closed");
    tow_report_add_text(fields, "peer", self->peer);
    tow_report_add_text(fields, "path", self->path);
    tow_report_add_number(fields, "code", self->how.code);
    tow_report_add_text(fields, "reason", self->how.reason[0] != '\0' ? self->how.reason : NULL);
    tow_report_add_text(fields, "by", tow_ending_ender(self->how.cause));
    tow_report_add_text(fields, "why", cause);
    tow_report_add_text(fields, "limit", by_limit ? cause : NULL);
    tow_report_add_number(fields, "messages_in", (int64_t)self->carried->messages_in);
    tow_report_add_number(fields, "bytes_in", (int64_t)self->carried->bytes_in);
    tow_report_add_number(fields, "messages_out", (int64_t)self->carried->messages_out);
    tow_report_add_number(fields, "bytes_out", (int64_t)self->carried->bytes_out);
    tow_report_add_number(fields, "milliseconds", self->milliseconds);
}

/* In quotes, which no quote of its own must seem to end. */
static void quote(char out[QUOTED_SIZE], const char *reason) {
    assert(strlen(reason) <= TOW_CLOSE_REASON_MAX);
    *out++ = '"';
    for (; *reason != '\0'; reason++) {
        if (*reason == '"' || *reason == '\\')
            *out++ = '\\';
        *out++ = *reason;
    }
    *out++ = '"';
    *out = '\0';
}

void tow_ending_report(const tow_connection *connection) {
    const tow_settings *settings = settings_of(connection);
    if (!tow_report_wants(settings, TOW_LOG_INFO))
        return;
    ending self;
    tow_report_fields fields = {0};
    gather(&self, connection);
    add_fields(&fields, &self);
    bool has_reason = self.how.reason[0] != '\0';
    char quoted[QUOTED_SIZE];
    quote(quoted, self.how.reason);
    tow_report_with(settings, TOW_LOG_INFO, &fields,
        "%s %s closed %u%s%s by the %s (%s), messages in %" PRIu64 " (%" PRIu64 " bytes), out %" PRIu64
        " (%" PRIu64 " bytes), after %" PRId64 ".%03d s",
        self.peer, self.path, self.how.code, has_reason ? " " : "", has_reason ? quoted : "",
        tow_ending_ender(self.how.cause), tow_cause_name(self.how.cause), self.carried->messages_in,
        self.carried->bytes_in, self.carried->messages_out, self.carried->bytes_out, self.milliseconds / 1000,
        (int)(self.milliseconds % 1000));
}
