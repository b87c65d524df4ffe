/* client: one who comes to the channel of a scene, is cut off, and comes back; and what it has heard, which
 * is compared with others' when all is over. */
#ifndef TOW_TESTS_RETURNS_CLIENT_H
#define TOW_TESTS_RETURNS_CLIENT_H

#include "link.h"

/* A publication, or, with number 0, that something else was told. */
struct client_heard {
    unsigned number;
    unsigned position; /* of a publication, if it is known */
    bool is_gap;       /* else: it has come anew, and nothing is promised of the time before, */
    unsigned since;    /* but all publications that begin behind so many */
};

struct client;

struct client_kind {
    const char *name;
    void (*come)(struct client *client);
    void (*step)(struct client *client);
    void (*cut)(struct client *client); /* of one of its connections; it may go on all the same */
    void (*go)(struct client *client);  /* of all */
    const struct link_kind *link;       /* NULL: it has a wire */
    const char *path;                   /* of the link; NULL: the protocol's own */
    bool asks_since;                    /* it says what it had last: then it gets all, or is told */
    bool is_not_told;                   /* when something was dropped as it was slow */
};

struct client {
    const struct client_kind *kind;
    struct scene *scene;
    unsigned place; /* among the clients */
    bool is_on;
    bool is_ready;            /* and subscribed */
    bool is_over;             /* its connections are */
    unsigned deaf;            /* for so many turns it does not read */
    unsigned last;            /* position of what it heard last, if it asks since */
    struct client_heard *all; /* oldest first */
    size_t count, room;
    struct link link;
    struct wire wire;
    size_t scanned;
    char id[64], secret[64], offset[64]; /* of Socket.IO */
    unsigned recoveries;                 /* so often it was who it had been */
};

extern const struct client_kind *const client_kinds[]; /* ends with NULL; the first may be a witness */

void client_come(struct client *client);
void client_step(struct client *client);
void client_cut(struct client *client);
void client_go(struct client *client);
void client_end(struct client *client);

/* It does not read for so many turns. */
void client_be_deaf(struct client *client, unsigned turns);

/* For the kinds: what it hears. `position` 0: not known. */
void client_hear(struct client *client, tow_slice text, unsigned position);
void client_is_told_of_a_gap(struct client *client);
void client_begins_anew(struct client *client);

/* Those that have a link. */
void client_link_step(struct client *client);
void client_link_cut(struct client *client);
void client_link_go(struct client *client);
#define CLIENT_LINKED .step = client_link_step, .cut = client_link_cut, .go = client_link_go

#endif
