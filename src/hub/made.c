#include "made.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/protocol.h>

static tow_form *form_new(const tow_encoding *encoding, void *made) {
    tow_form *form = malloc(sizeof(*form));
    if (form != NULL)
        *form = (tow_form){.encoding = encoding, .made = made};
    return form;
}

static bool is_text(tow_slice text, size_t max) {
    return text.length <= max && tow_utf8_valid(text.data, text.length);
}

static int draft_check(const tow_draft *draft) {
    if (draft->type != TOW_TEXT && draft->type != TOW_BINARY)
        return TOW_ERROR_ARGUMENT;
    if (draft->data.length > 0 && draft->data.data == NULL)
        return TOW_ERROR_ARGUMENT;
    if (!is_text(draft->key, TOW_KEY_MAX) || !is_text(draft->event, TOW_EVENT_MAX) ||
        !is_text(draft->user, TOW_USER_MAX))
        return TOW_ERROR_ARGUMENT;
    if (draft->type == TOW_TEXT && !tow_utf8_valid(draft->data.data, draft->data.length))
        return TOW_ERROR_UTF8;
    return 0;
}

static char *add(char *out, tow_slice part) {
    if (part.length > 0)
        memcpy(out, part.data, part.length);
    return out + part.length;
}

static void fill(tow_published *made, tow_slice channel, const tow_draft *draft) {
    made->type = (uint8_t)draft->type;
    made->form = (uint8_t)draft->form;
    made->not_kept = draft->not_kept;
    made->leave_out = draft->leave_out;
    made->channel_length = (uint8_t)channel.length;
    made->event_length = (uint8_t)draft->event.length;
    made->key_length = (uint8_t)draft->key.length;
    made->user_length = (uint8_t)draft->user.length;
    made->data_length = draft->data.length;
    made->key_hash = draft->key.length == 0 ? 0 : (uint32_t)tow_hash(draft->key, 0) | 1;
    char *out = add(made->bytes, channel);
    out = add(out, draft->event);
    out = add(out, draft->key);
    out = add(out, draft->user);
    add(out, draft->data);
}

int tow_published_new(
    tow_published **published, tow_published_kind kind, tow_slice channel, const tow_draft *draft) {
    assert(channel.length <= UINT8_MAX);
    int error = draft_check(draft);
    if (error != 0)
        return error;
    size_t names = channel.length + draft->event.length + draft->key.length + draft->user.length;
    if (draft->data.length > SIZE_MAX / 2)
        return TOW_ERROR_MEMORY;
    tow_published *made = malloc(sizeof(*made) + names + draft->data.length);
    tow_form *form = draft->made == NULL ? NULL : form_new(draft->encoding, draft->made);
    if (made == NULL || (form == NULL && draft->made != NULL)) {
        free(made);
        free(form);
        return TOW_ERROR_MEMORY;
    }
    *made = (tow_published){.kind = (uint8_t)kind};
    atomic_init(&made->references, 1);
    atomic_init(&made->forms, form);
    fill(made, channel, draft);
    *published = made;
    return 0;
}

void tow_published_give_back(tow_published *published) {
    free(atomic_exchange_explicit(&published->forms, NULL, memory_order_relaxed));
}

tow_published *tow_published_retain(tow_published *published) {
    atomic_fetch_add_explicit(&published->references, 1, memory_order_relaxed);
    return published;
}

/* Whoever takes the last reference away sees all that the others did before. */
void tow_published_release(tow_published *published) {
    if (published == NULL || atomic_fetch_sub_explicit(&published->references, 1, memory_order_acq_rel) > 1)
        return;
    for (tow_form *form = atomic_load_explicit(&published->forms, memory_order_relaxed), *next; form != NULL;
         form = next) {
        next = form->next;
        form->encoding->free(form->encoding, form->made);
        free(form);
    }
    free(published);
}

size_t tow_published_size(const tow_published *published) {
    return sizeof(*published) + published->channel_length + published->event_length + published->key_length +
           published->user_length + published->data_length;
}

/* Its parts, in their order in `bytes`. */

tow_slice tow_published_channel(const tow_published *published) {
    return (tow_slice){published->bytes, published->channel_length};
}

tow_slice tow_published_event(const tow_published *published) {
    if (published->event_length == 0)
        return tow_slice_from("message");
    return (tow_slice){published->bytes + published->channel_length, published->event_length};
}

tow_slice tow_published_key(const tow_published *published) {
    const char *at = published->bytes + published->channel_length + published->event_length;
    return (tow_slice){at, published->key_length};
}

tow_slice tow_published_user(const tow_published *published) {
    tow_slice key = tow_published_key(published);
    return (tow_slice){key.data + key.length, published->user_length};
}

tow_slice tow_published_data(const tow_published *published) {
    tow_slice user = tow_published_user(published);
    return (tow_slice){user.data + user.length, published->data_length};
}

tow_published_kind tow_published_kind_of(const tow_published *published) {
    return (tow_published_kind)published->kind;
}

tow_message_type tow_published_type(const tow_published *published) {
    return (tow_message_type)published->type;
}

tow_data_form tow_published_form_of(const tow_published *published) {
    return (tow_data_form)published->form;
}

tow_position tow_published_position(const tow_published *published) {
    return published->position;
}

int64_t tow_published_milliseconds(const tow_published *published) {
    return published->milliseconds;
}

/* Forms. */

static void *form_find(const tow_form *form, const tow_form *end, const tow_encoding *encoding) {
    for (; form != end; form = form->next)
        if (form->encoding == encoding)
            return form->made;
    return NULL;
}

static void *form_drop(tow_form *ours, void *theirs) {
    ours->encoding->free(ours->encoding, ours->made);
    free(ours);
    return theirs;
}

/* Ours, unless another thread was faster: what it has put in front of what we know is looked through. */
static void *form_publish(tow_published *published, tow_form *ours, tow_form *known) {
    tow_form *first = known;
    void *made = ours->made;
    do {
        void *theirs = form_find(first, known, ours->encoding);
        if (theirs != NULL)
            return form_drop(ours, theirs);
        ours->next = first;
    } while (!atomic_compare_exchange_weak_explicit(
        &published->forms, &first, ours, memory_order_acq_rel, memory_order_acquire));
    return made;
}

void *tow_published_form_by(const tow_published *published,
    void *(*encode)(const tow_encoding *encoding, const tow_published *published),
    const tow_encoding **encoding) {
    const tow_form *form = atomic_load_explicit(&published->forms, memory_order_acquire);
    while (form != NULL && form->encoding->encode != encode)
        form = form->next;
    if (form == NULL)
        return NULL;
    *encoding = form->encoding;
    return form->made;
}

void *tow_published_form(tow_published *published, const tow_encoding *encoding) {
    tow_form *known = atomic_load_explicit(&published->forms, memory_order_acquire);
    void *found = form_find(known, NULL, encoding);
    if (found != NULL)
        return found;
    void *made = encoding->encode(encoding, published);
    if (made == NULL)
        return NULL;
    tow_form *ours = form_new(encoding, made);
    if (ours == NULL) {
        encoding->free(encoding, made);
        return NULL;
    }
    return form_publish(published, ours, known);
}
