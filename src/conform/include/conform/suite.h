/* suite: runs the conformance cases against a server, or lets clients run through them.
 *
 * What `towline conform` is made of. Results come in the order of the cases, whatever order they ran in. */
#ifndef TOW_CONFORM_SUITE_H
#define TOW_CONFORM_SUITE_H

#include "base/buffer.h"
#include "transport/address.h"
#include "transport/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <towline/loop.h>

typedef struct conform_suite conform_suite;

typedef struct conform_suite_options {
    const char *name; /* of the tested implementation, for reports; borrowed */
    const char
        *only;   /* a pattern of ids as in fnmatch(3), or several with commas between; NULL: all. Borrowed */
    int at_once; /* cases at the same time; 0: 24 */
    int timeout_milliseconds; /* for each expectation, as long as nothing crosses; 0: 5000 */
    void (*on_progress)(void *user, size_t done, size_t total);
    void *user;
} conform_suite_options;

typedef struct conform_totals {
    size_t passed, not_strict, informational, not_applicable, failed;
    size_t without_result; /* the run was stopped, or no client came for them */
} conform_totals;

typedef struct conform_group {
    char name[64];
    conform_totals totals;
} conform_group;

/* Loads the cases that apply. `tests_client` chooses the role. Errors: MEMORY, ARGUMENT (a case that can't be
 * read: `error` says where). */
int tow_conform_suite_new(
    conform_suite **suite, const conform_suite_options *options, bool tests_client, tow_buffer *error);
void tow_conform_suite_free(conform_suite *suite);

/* Adds the cases of another text, for cases of one's own. Errors as above. */
int tow_conform_suite_add(conform_suite *suite, const char *name, const char *text, tow_buffer *error);

size_t tow_conform_suite_count(const conform_suite *suite);

/* Where the server under test is. Its addresses are tried in turn. */
typedef struct conform_target {
    const tow_address *addresses;
    size_t count;
    const char *host;        /* for the Host field */
    const char *path;        /* with its query */
    tow_tls_context *tls;    /* a client's; NULL: without TLS */
    const char *server_name; /* with TLS: whose certificate it shows */
} conform_target;

/* Runs all cases against an echo server; returns when they are done. Errors: that of the last address, if
 * none takes connections (TLS, CERTIFICATE … too); MEMORY, DESCRIPTORS, SYSTEM. */
int tow_conform_suite_run(conform_suite *suite, tow_loop *loop, const conform_target *target);

/* Where clients under test find us, and how they are started. */
typedef struct conform_entrance {
    const tow_address *addresses; /* to listen on; with port 0, all on the port that the first one gets */
    size_t count;
    const char *command;  /* run for each case, with {url} filled in; NULL: clients come by themselves */
    tow_tls_context *tls; /* a server's; NULL: without TLS */
    void (*on_listening)(void *user, unsigned port); /* may be NULL */
    void *user;
} conform_entrance;

/* Lets clients play the cases: they connect and ask for /cases, /case/N and /report, which ends the run; or
 * the command is run for each case. Errors: as tow_listen_socket; MEMORY, SYSTEM. */
int tow_conform_suite_run_clients(conform_suite *suite, tow_loop *loop, const conform_entrance *entrance);

/* After a run that was an error of TLS: why, in one line; else "". */
const char *tow_conform_suite_failure_text(const conform_suite *suite);

/* Ends a run early, from a callback of its loop: cases that are not done have no result. */
void tow_conform_suite_stop(conform_suite *suite);

conform_totals tow_conform_suite_totals(const conform_suite *suite);

/* The same for each group, in their order; returns how many there are, of which at most `maximum` are filled
 * in. */
size_t tow_conform_suite_groups(const conform_suite *suite, conform_group *groups, size_t maximum);

/* Ids, levels, sections and sentences, a line each. Errors: MEMORY. */
int tow_conform_suite_list(const conform_suite *suite, tow_buffer *out);

/* The failures, with what crossed, for a terminal; with `all` also what is not strict or informational.
 * Errors: MEMORY. */
int tow_conform_suite_explain(const conform_suite *suite, bool all, tow_buffer *out);

#endif
