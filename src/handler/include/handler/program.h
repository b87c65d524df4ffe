/* program: a path behind which each connection has a program of its own: what the client says is its standard
 * input, what it writes to standard output goes to the client. Or, as a worker, one program has many of them.
 *
 * In lines a text message is a line each way. In frames both types of message go either way, each as 4 bytes
 * of length, a byte of type (1 text, 2 binary) and the payload; a frame of type 8 ends the connection with
 * the status code in its first two bytes, if there are any, and the reason behind it. Its environment is that
 * of CGI. A program that ends with 0 closes the connection with 1000, whatever it left unread, another with
 * 1011.
 *
 * A worker speaks the protocol of docs/handler-protocol.md. */
#ifndef TOW_HANDLER_PROGRAM_H
#define TOW_HANDLER_PROGRAM_H

#include "handler/kind.h"

/* By what a worker of a pool is chosen. */
typedef enum tow_program_affinity {
    TOW_AFFINITY_CONNECTION, /* each for itself, the one that has fewest */
    TOW_AFFINITY_PATH,       /* those of a path have the same */
    TOW_AFFINITY_ADDRESS     /* those of an address */
} tow_program_affinity;

typedef struct tow_program_settings {
    const char *file;               /* looked for in PATH unless it has a slash */
    const char *const *arguments;   /* behind its name; ends with NULL, or NULL */
    const char *directory;          /* where it runs; NULL: where we do */
    int mode;                       /* tow_program_mode */
    const char *const *environment; /* NAME, of ours, or NAME=VALUE; ends with NULL, or NULL */
    int64_t max_output;             /* bytes of one of its messages; 0: default */
    int max_programs;               /* that run at once; 0: default, TOW_OFF: no limit */
    int64_t max_memory;             /* bytes of address space of each; 0, TOW_OFF: no limit */
    int max_cpu_seconds;            /* the same */
    int max_seconds;                /* that one may run; the same */
    int end_seconds;                /* that it has when the client has left; 0: default */
    /* of workers */
    bool worker;            /* one program for many connections */
    int pool;               /* so many of them; 0: one */
    int affinity;           /* tow_program_affinity */
    int max_unacknowledged; /* messages of a connection; 0: default */
    int64_t max_waiting;    /* bytes of those of all connections; 0: default */
    int answer_seconds;     /* that it may acknowledge nothing; 0: default, TOW_OFF: no limit */
    /* of back ends */
    const char *url;    /* instead of a file: who is asked by HTTP */
    const char *secret; /* a file with the key of signatures; NULL: there are none */
    int call_seconds;   /* for an answer; 0: default */
} tow_program_settings;

extern const tow_handler_kind tow_program_kind;
extern const tow_option tow_program_rows[];

#endif
