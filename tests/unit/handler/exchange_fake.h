/* exchange_fake: a request and its answer without a server: what handlers are told by server/exchange.h, and
 * what they answered. */
#ifndef TOW_TESTS_EXCHANGE_FAKE_H
#define TOW_TESTS_EXCHANGE_FAKE_H

#include "base/buffer.h"
#include "server/exchange.h"

enum { FAKE_FIELDS_MAX = 16 };

struct tow_request {
    void *user;
    const char *method;
    char path[8192];
    char query[256];
    tow_header_field fields[FAKE_FIELDS_MAX];
    size_t field_count;
};

struct tow_exchange {
    int answers; /* must become 1 */
    int status;
    bool is_head;
    char type[128];              /* "" if there was none */
    tow_buffer fields;           /* "Name: value\n" each */
    uint64_t length;             /* as announced */
    tow_buffer body;             /* as it came; nothing for HEAD */
    bool broken;                 /* the source ended early */
    int steps;                   /* of work, but for the last one */
    size_t piece;                /* bytes asked for at once */
    void (*between)(void *user); /* runs before each piece but the first */
    void *between_user;
};

/* "GET /path?query" and fields, which may be NULL. */
void fake_request_init(
    tow_request *request, void *user, const char *method, const char *target, const tow_header_field *fields);

/* The value of a field of the answer, in a text that the next call overwrites; NULL if there is none. */
const char *fake_field(const tow_exchange *exchange, const char *name);

void fake_exchange_clear(tow_exchange *exchange);

/* The time that the loop tells. */
extern int64_t fake_wall_seconds;

#endif
