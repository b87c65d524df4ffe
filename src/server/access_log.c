#include "access_log.h"

#include "base/text.h"
#include "report.h"

#include <string.h>

static const tow_settings *settings_of(const tow_access_log *log) {
    return &tow_connection_worker(log->visitor->connection)->server->settings;
}

void tow_access_log_begin(tow_access_log *log, const tow_http_head *head) {
    log->method[0] = log->path[0] = '\0';
    if (head == NULL || !tow_report_wants(settings_of(log), TOW_LOG_NOTICE))
        return;
    tow_text_format(log->method, sizeof(log->method), "%.*s", (int)head->method.length, head->method.data);
    tow_access_log_path(log, head->path);
}

void tow_access_log_path(tow_access_log *log, tow_slice path) {
    if (log->method[0] != '\0')
        tow_text_format(log->path, sizeof(log->path), "%.*s", (int)path.length, path.data);
}

void tow_access_log_limit(tow_access_log *log, uint64_t *counter) {
    tow_count(counter);
    log->limit = tow_server_limit_option(&tow_connection_worker(log->visitor->connection)->counters, counter);
}

/* Peer and request, with which each line begins. */
static void add_request(const tow_access_log *log, tow_report_fields *fields, const char *message) {
    tow_report_add_text(fields, "message", message);
    tow_report_add_text(fields, "peer", tow_visitor_peer(log->visitor));
    if (log->method[0] == '\0')
        return;
    tow_report_add_text(fields, "method", log->method);
    tow_report_add_text(fields, "path", log->path);
}

/* "GET /path", or "-". */
static void request_text(const tow_access_log *log, char *out, size_t size) {
    if (log->method[0] != '\0')
        tow_text_format(out, size, "%s %s", log->method, log->path);
    else
        tow_text_format(out, size, "-");
}

void tow_access_log_line(tow_access_log *log, int level, int status, const char *text) {
    const char *limit = log->limit;
    log->limit = NULL;
    if (!tow_report_wants(settings_of(log), level))
        return;
    tow_report_fields fields = {0};
    char request[sizeof(log->method) + sizeof(log->path)];
    char number[16] = "";
    request_text(log, request, sizeof(request));
    add_request(log, &fields, status != 0 ? "request" : "connection");
    if (status != 0) {
        tow_text_format(number, sizeof(number), " %d", status);
        tow_report_add_number(&fields, "status", status);
    }
    tow_report_add_text(&fields, "why", text);
    tow_report_add_text(&fields, "limit", limit);
    if (limit != NULL && text != NULL && strstr(text, limit) != NULL)
        limit = NULL; /* the advice names it */
    tow_report_with(settings_of(log), level, &fields, "%s %s%s%s%s%s%s%s", tow_visitor_peer(log->visitor),
        request, number, text != NULL ? " " : "", text != NULL ? text : "", limit != NULL ? " (" : "",
        limit != NULL ? limit : "", limit != NULL ? ")" : "");
}

void tow_access_log_end(tow_access_log *log) {
    const char *limit = log->limit;
    log->limit = NULL;
    if (!tow_report_wants(settings_of(log), TOW_LOG_INFO))
        return;
    tow_report_fields fields = {0};
    char request[sizeof(log->method) + sizeof(log->path)];
    request_text(log, request, sizeof(request));
    add_request(log, &fields, "closed");
    tow_report_add_text(&fields, "by", "server");
    tow_report_add_text(&fields, "why", limit);
    tow_report_add_text(&fields, "limit", limit);
    tow_report_with(settings_of(log), TOW_LOG_INFO, &fields, "%s %s closed by the server (%s)",
        tow_visitor_peer(log->visitor), request, limit);
}
