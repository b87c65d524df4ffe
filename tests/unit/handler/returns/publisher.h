/* publisher: one who publishes to the channel of a scene by one of the doors, one text after the other, and
 * is cut off meanwhile. */
#ifndef TOW_TESTS_RETURNS_PUBLISHER_H
#define TOW_TESTS_RETURNS_PUBLISHER_H

#include "link.h"

struct publisher;

struct publisher_kind {
    const char *name;
    bool (*is_ready)(struct publisher *publisher); /* NULL: always */
    void (*publish)(struct publisher *publisher);
    const struct link_kind *link; /* NULL: it has a wire */
    void (*begin)(struct publisher *publisher);
};

struct publisher {
    const struct publisher_kind *kind;
    struct scene *scene;
    unsigned number; /* that is under way; 0: none */
    unsigned done;   /* the last that was acknowledged */
    void (*on_done)(struct publisher *publisher);
    struct wire wire;
    struct link link;
    bool has_entered;
};

extern const struct publisher_kind *const publisher_kinds[]; /* ends with NULL */

/* Whether it may publish the scene's next; and does. */
bool publisher_is_idle(struct publisher *publisher);
void publisher_publish(struct publisher *publisher);
void publisher_step(struct publisher *publisher);
void publisher_cut(struct publisher *publisher);
void publisher_end(struct publisher *publisher);

#endif
