/* published: what was published: an object that does not change any more, is counted, and is shared by all
 * workers; and the forms that it has for kinds of clients, each made once.
 *
 * A draft is what somebody wants to publish: it is borrowed, and copied by the hub once. An encoding makes a
 * form of a publication: a plain WebSocket frame, an envelope, an event of SSE, a packet. The first that
 * needs a form makes it, on any thread; of two who do at the same time one throws its own away. So a form is
 * never changed, and lives as long as its publication. */
#ifndef TOW_HUB_PUBLISHED_H
#define TOW_HUB_PUBLISHED_H

#include "base/slice.h"
#include "hub/position.h"

#include <towline/message.h>

enum { TOW_EVENT_MAX = 200, TOW_KEY_MAX = 200, TOW_USER_MAX = 200 };

typedef struct tow_encoding tow_encoding;

/* What the data of a text is where it goes into an envelope. */
typedef enum tow_data_form {
    TOW_DATA_STRING, /* a string, to be escaped */
    TOW_DATA_JSON    /* a valid value of JSON, which goes in as it is: who publishes has checked it */
} tow_data_form;

/* What is to be published; all slices are borrowed, zeroed ones are none. */
typedef struct tow_draft {
    tow_slice event; /* UTF-8, at most 200 bytes; empty: "message" */
    tow_message_type type;
    tow_data_form form;
    tow_slice data;     /* UTF-8 where it is a text: the hub checks it */
    tow_slice key;      /* for "only the latest of each key"; at most 200 bytes */
    tow_slice user;     /* who said it, for encodings that tell; UTF-8, at most 200 bytes */
    uint64_t leave_out; /* the subscriber with this identity does not get it; 0: all do */
    bool not_kept;      /* goes to who is there: no number, no history */
    bool is_count;      /* it is no message: how many subscribers there are, for who wants that; not kept */
    /* A form that is there already, for clients of one encoding: it goes to them in place of what that would
     * make of `data`. NULL: none. The hub has it from a call on that succeeds. */
    const tow_encoding *encoding;
    void *made;
} tow_draft;

typedef enum tow_published_kind {
    TOW_PUBLISHED_MESSAGE,
    TOW_PUBLISHED_JOINED, /* a user is a member now: `user`, and `data` is the info. For who wants presence */
    TOW_PUBLISHED_LEFT,   /* and is none any more */
    TOW_PUBLISHED_COUNT   /* `data` is how many subscribers there are, in decimal. For who wants counts */
} tow_published_kind;

typedef struct tow_published tow_published;

/* For who keeps one longer than the call that brought it. Any thread. */
tow_published *tow_published_retain(tow_published *published);
void tow_published_release(tow_published *published); /* NULL is allowed */

/* Its parts; they live as long as it. */
tow_published_kind tow_published_kind_of(const tow_published *published);
tow_slice tow_published_channel(const tow_published *published);
tow_slice tow_published_event(const tow_published *published);
tow_slice tow_published_data(const tow_published *published);
tow_slice tow_published_key(const tow_published *published);
tow_slice tow_published_user(const tow_published *published);
tow_message_type tow_published_type(const tow_published *published);
tow_data_form tow_published_form_of(const tow_published *published);
tow_position tow_published_position(const tow_published *published); /* number 0: it has none */
int64_t tow_published_milliseconds(const tow_published *published);  /* since 1970 */

/* How a kind of client gets it. One lives as long as the hub, and is known by its address: embed it where it
 * needs to know more than the publication says (the name of a namespace). Functions run on any thread, and
 * several at once. Forms are whatever the encoding makes, a tow_shared or a buffer; never NULL. */
struct tow_encoding {
    /* NULL without memory: who wanted the form does without, and the hub counts it. */
    void *(*encode)(const tow_encoding *encoding, const tow_published *published);
    /* One form that is as all of these, in this order, one behind the other (two at least). NULL without
     * memory. The forms live on as long as it does. */
    void *(*join)(const tow_encoding *encoding, void *const *forms, size_t count);
    void (*free)(const tow_encoding *encoding, void *form);
};

/* The form of one publication, made if nobody has needed it before. NULL without memory. Any thread. */
void *tow_published_form(tow_published *published, const tow_encoding *encoding);

/* A form that is there already, of an encoding that makes its forms by this function, and which. NULL: there
 * is none. */
void *tow_published_form_by(const tow_published *published,
    void *(*encode)(const tow_encoding *encoding, const tow_published *published),
    const tow_encoding **encoding);

/* A burst: what one subscriber gets at once, oldest first, at least one. Those who get the same ones get the
 * same burst, so that several messages are joined once for all. It is borrowed until `deliver` returns. */
typedef struct tow_burst tow_burst;
size_t tow_burst_count(const tow_burst *burst);
tow_published *tow_burst_at(const tow_burst *burst, size_t index);

/* All of it in one form: that of the only publication, or a joined one, which goes with the burst. NULL
 * without memory: then try one by one (tow_published_form). */
void *tow_burst_form(tow_burst *burst, const tow_encoding *encoding);

#endif
