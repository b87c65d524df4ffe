/* access_log: the log's lines about a connection of HTTP: about the request under way, or about none. */
#ifndef TOW_SERVER_ACCESS_LOG_H
#define TOW_SERVER_ACCESS_LOG_H

#include "visitor.h"

typedef struct tow_access_log {
    tow_visitor *visitor;
    const char *limit; /* the option of a limit that was reached, until a line has it */
    char method[16];   /* "" when there is no request */
    char path[240];    /* without the query, in which secrets may be; the same */
} tow_access_log;

/* What the lines are about from now on; `head` may be NULL: no request. Nothing is remembered where nobody
 * wants them. */
void tow_access_log_begin(tow_access_log *log, const tow_http_head *head);

/* The same request, by another path: the one it came by has a secret. */
void tow_access_log_path(tow_access_log *log, tow_slice path);

/* Counts a limit of the worker's counters as reached; the next line names its option. */
void tow_access_log_limit(tow_access_log *log, uint64_t *counter);

/* A line: peer, request and status (0: no answer). */
void tow_access_log_line(tow_access_log *log, int level, int status, const char *text);

/* The same for an end without an answer, by the limit that was reached. */
void tow_access_log_end(tow_access_log *log);

#endif
