#include "form.h"

#include "arguments.h"
#include "base/json.h"
#include "hub/view.h"
#include "packet.h"
#include "websocket/websocket.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_socketio_encoding {
    tow_encoding table;                            /* first */
    struct tow_socketio_encoding *without_offsets; /* NULL: it has none itself */
    bool keeps_text;
    atomic_size_t holders; /* the namespace, the forms, and the one with offsets */
    char scope[];
};

static tow_socketio_form *form_with_room(size_t count) {
    /* Pointers. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    tow_socketio_form *form = malloc(sizeof(*form) + count * sizeof(form->messages[0]));
    if (form != NULL)
        *form = (tow_socketio_form){0};
    return form;
}

void tow_socketio_form_free(tow_socketio_form *form) {
    if (form == NULL)
        return;
    for (size_t i = 0; i < form->count; i++)
        tow_shared_release(form->messages[i]);
    free(form->text);
    free(form);
}

size_t tow_socketio_form_bytes(const tow_socketio_form *form) {
    size_t bytes = 0;
    for (size_t i = 0; i < form->count; i++)
        bytes += tow_shared_length(form->messages[i]);
    return bytes;
}

static int add(tow_socketio_form *form, tow_message_type type, const void *data, size_t length) {
    int error = tow_shared_new(&form->messages[form->count], type, data, length);
    form->count += error == 0;
    return error;
}

static int add_attachments(tow_socketio_form *form, const tow_socketio_arguments *arguments, size_t count) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = add(form, TOW_BINARY, arguments->attachments[i].data, arguments->attachments[i].length);
    return error;
}

static int write_event(tow_buffer *text, const char *scope, tow_slice event,
    const tow_socketio_arguments *arguments, tow_slice last) {
    size_t count = arguments == NULL ? 0 : arguments->attachment_count;
    int error = tow_socketio_packet_append_head(text, TOW_PACKET_EVENT, count, scope, TOW_PACKET_NO_ID);
    return error != 0 ? error : tow_socketio_arguments_append(text, event, arguments, last);
}

/* Its text is the form's from then on. */
static int form_begin(tow_socketio_form **form, tow_buffer *text, size_t attachments) {
    tow_socketio_form *made = form_with_room(1 + attachments);
    int error = made == NULL ? TOW_ERROR_MEMORY : add(made, TOW_TEXT, text->data, text->length);
    if (error != 0) {
        tow_socketio_form_free(made);
        return error;
    }
    made->text = (char *)text->data;
    made->text_length = text->length;
    *text = (tow_buffer){0};
    *form = made;
    return 0;
}

static int form_of(tow_socketio_form **form, tow_buffer *text, const tow_socketio_arguments *arguments) {
    size_t count = arguments == NULL ? 0 : arguments->attachment_count;
    tow_socketio_form *made = NULL;
    int error = form_begin(&made, text, count);
    if (error == 0)
        error = add_attachments(made, arguments, count);
    if (error != 0)
        tow_socketio_form_free(made);
    else
        *form = made;
    return error;
}

static void forget_text(tow_socketio_form *form) {
    free(form->text);
    form->text = NULL;
}

int tow_socketio_form_new(tow_socketio_form **form, const char *scope, tow_slice event,
    const tow_socketio_arguments *arguments, tow_slice last) {
    tow_buffer text = {0};
    int error = write_event(&text, scope, event, arguments, last);
    if (error == 0)
        error = form_of(form, &text, arguments);
    tow_buffer_clear(&text);
    if (error == 0)
        forget_text(*form);
    return error;
}

/* With its text, if the encoding keeps those. */
static int form_for(tow_socketio_form **form, const tow_socketio_encoding *encoding, tow_slice event,
    const tow_socketio_arguments *arguments) {
    tow_buffer text = {0};
    int error = write_event(&text, encoding->scope, event, arguments, (tow_slice){0});
    if (error == 0)
        error = form_of(form, &text, arguments);
    tow_buffer_clear(&text);
    if (error == 0 && !encoding->keeps_text)
        forget_text(*form);
    return error;
}

/* What is said in another namespace, for whom the channel is the same. */

/* The other messages of a form are those of a base. */
static void share_attachments(tow_socketio_form *form, const tow_socketio_form *base) {
    for (; form->count < base->count; form->count++) {
        tow_shared_retain(base->messages[form->count]);
        form->messages[form->count] = base->messages[form->count];
    }
}

/* The event of another namespace's form: its packet from the array on, behind a head of our own. */
static int write_event_of(tow_buffer *text, const tow_socketio_encoding *encoding,
    const tow_socketio_encoding *other, const tow_socketio_form *theirs) {
    size_t length;
    const char *packet = tow_shared_data(theirs->messages[0], &length);
    size_t count = theirs->count - 1;
    int error =
        tow_socketio_packet_append_head(text, TOW_PACKET_EVENT, count, other->scope, TOW_PACKET_NO_ID);
    size_t head = text->length;
    text->length = 0;
    if (error == 0)
        error =
            tow_socketio_packet_append_head(text, TOW_PACKET_EVENT, count, encoding->scope, TOW_PACKET_NO_ID);
    return error != 0 ? error : tow_buffer_append(text, packet + head, length - head);
}

static int form_of_other(tow_socketio_form **form, const tow_socketio_encoding *encoding,
    const tow_socketio_encoding *other, const tow_socketio_form *theirs) {
    tow_buffer text = {0};
    int error = write_event_of(&text, encoding, other, theirs);
    if (error == 0)
        error = form_begin(form, &text, theirs->count - 1);
    tow_buffer_clear(&text);
    if (error != 0)
        return error;
    share_attachments(*form, theirs);
    if (!encoding->keeps_text)
        forget_text(*form);
    return 0;
}

/* What others publish. */

static int form_of_text(
    tow_socketio_form **form, const tow_socketio_encoding *encoding, const tow_view *view) {
    tow_slice data = view->data;
    tow_buffer string = {0};
    int error = 0;
    if (!view->is_json) {
        error = tow_json_append_string(&string, data);
        data = (tow_slice){(const char *)string.data, string.length};
    }
    if (error == 0) {
        tow_socketio_arguments arguments = {.json = data.data, .length = data.length};
        error = form_for(form, encoding, view->event, &arguments);
    }
    tow_buffer_clear(&string);
    return error;
}

static int form_of_bytes(
    tow_socketio_form **form, const tow_socketio_encoding *encoding, const tow_view *view) {
    tow_socketio_attachment attachment = {view->data.data, view->data.length};
    tow_socketio_arguments arguments = {
        .json = "{\"_placeholder\":true,\"num\":0}", .attachments = &attachment, .attachment_count = 1};
    return form_for(form, encoding, view->event, &arguments);
}

static tow_socketio_encoding *encoding_of_table(const tow_encoding *table) {
    return (tow_socketio_encoding *)(uintptr_t)table; // NOLINT(performance-no-int-to-ptr)
}

static void *hold(const tow_encoding *table, tow_socketio_form *form) {
    if (form != NULL)
        atomic_fetch_add(&encoding_of_table(table)->holders, 1);
    return form;
}

static int form_of_published(
    tow_socketio_form **form, const tow_socketio_encoding *encoding, const tow_published *published) {
    tow_view view;
    tow_buffer text = {0}; /* stays empty: bytes go as they are */
    int error = tow_view_make(&view, TOW_CLIENT_SOCKETIO, published, &text);
    if (error != 0)
        return error;
    return view.type == TOW_BINARY ? form_of_bytes(form, encoding, &view)
                                   : form_of_text(form, encoding, &view);
}

/* One that is there already knows more than `data`: all arguments and attachments. */
static void *encode(const tow_encoding *table, const tow_published *published) {
    const tow_socketio_encoding *self = encoding_of_table(table);
    const tow_encoding *other;
    tow_socketio_form *form;
    const tow_socketio_form *theirs = tow_published_form_by(published, encode, &other);
    bool is_there = theirs != NULL && theirs->count > 0;
    int error = is_there ? form_of_other(&form, self, encoding_of_table(other), theirs)
                         : form_of_published(&form, self, published);
    if (error != 0) /* what can be no event here is nothing to send; without memory: NULL */
        form = error == TOW_ERROR_MEMORY ? NULL : form_with_room(0);
    return hold(table, form);
}

/* Puts the position in front of the array's end. */
static int write_offset(tow_buffer *text, const tow_socketio_form *base, const tow_position *position) {
    char offset[TOW_POSITION_TEXT_SIZE];
    size_t length = tow_position_write(offset, position);
    int error = tow_buffer_append(text, base->text, base->text_length - 1);
    return error != 0 ? error : tow_buffer_append_format(text, ",\"%.*s\"]", (int)length, offset);
}

/* What has no position is for who is there. */
static int write_text_of(tow_buffer *text, const tow_socketio_form *base, const tow_position *position) {
    return position->number == 0 ? tow_buffer_append(text, base->text, base->text_length)
                                 : write_offset(text, base, position);
}

static void *encode_with_offset(const tow_encoding *table, const tow_published *published) {
    const tow_socketio_encoding *self = encoding_of_table(table);
    tow_position position = tow_published_position(published);
    tow_buffer text = {0};
    const tow_socketio_form *base =
        tow_published_form((tow_published *)(uintptr_t)published, // NOLINT(performance-no-int-to-ptr)
            &self->without_offsets->table);
    tow_socketio_form *form = base == NULL ? NULL : form_with_room(base->count);
    if (form != NULL && base->count == 0)
        return hold(table, form);
    int error = form == NULL ? TOW_ERROR_MEMORY : write_text_of(&text, base, &position);
    if (error == 0)
        error = add(form, TOW_TEXT, text.data, text.length);
    tow_buffer_clear(&text);
    if (error != 0) {
        tow_socketio_form_free(form);
        return NULL;
    }
    share_attachments(form, base);
    return hold(table, form);
}

/* All messages of the forms as one. NULL without memory. */
static tow_shared *join_messages(void *const *forms, size_t count, size_t messages) {
    assert(messages > 0);
    /* Pointers. NOLINTNEXTLINE(bugprone-sizeof-expression) */
    tow_shared **parts = malloc(messages * sizeof(parts[0]));
    tow_shared *joined = NULL;
    size_t length = 0;
    if (parts == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const tow_socketio_form *form = forms[i];
        for (size_t j = 0; j < form->count; j++)
            parts[length++] = form->messages[j];
    }
    if (length == 1) /* the others are no events here */
        tow_shared_retain(joined = parts[0]);
    else if (tow_shared_join(&joined, parts, length) != 0)
        joined = NULL;
    free(parts);
    return joined;
}

static void *join(const tow_encoding *table, void *const *forms, size_t count) {
    size_t messages = 0;
    for (size_t i = 0; i < count; i++)
        messages += ((const tow_socketio_form *)forms[i])->count;
    tow_socketio_form *joined = messages == 0 ? NULL : form_with_room(1);
    tow_shared *all = joined == NULL ? NULL : join_messages(forms, count, messages);
    if (all == NULL) {
        free(joined);
        return NULL;
    }
    joined->messages[joined->count++] = all;
    return hold(table, joined);
}

static void free_form(const tow_encoding *table, void *form) {
    tow_socketio_form_free(form);
    tow_socketio_encoding_release(encoding_of_table(table));
}

/* Encodings. */

static tow_socketio_encoding *plain_new(const char *scope, bool keeps_text) {
    size_t size = strlen(scope) + 1;
    tow_socketio_encoding *encoding = calloc(1, sizeof(*encoding) + size);
    if (encoding == NULL)
        return NULL;
    encoding->table = (tow_encoding){.encode = encode, .join = join, .free = free_form};
    encoding->keeps_text = keeps_text;
    atomic_init(&encoding->holders, 1);
    memcpy(encoding->scope, scope, size);
    return encoding;
}

tow_socketio_encoding *tow_socketio_encoding_new(const char *scope, bool with_offsets) {
    tow_socketio_encoding *encoding = plain_new(scope, false);
    if (encoding == NULL || !with_offsets)
        return encoding;
    encoding->table.encode = encode_with_offset;
    encoding->without_offsets = plain_new(scope, true);
    if (encoding->without_offsets != NULL)
        return encoding;
    free(encoding);
    return NULL;
}

void tow_socketio_encoding_release(tow_socketio_encoding *encoding) {
    if (encoding == NULL || atomic_fetch_sub(&encoding->holders, 1) != 1)
        return;
    tow_socketio_encoding_release(encoding->without_offsets);
    free(encoding);
}

const tow_encoding *tow_socketio_encoding_of(const tow_socketio_encoding *encoding) {
    return &encoding->table;
}

int tow_socketio_encoding_give(
    tow_socketio_encoding *encoding, tow_draft *draft, const tow_socketio_arguments *arguments) {
    tow_socketio_encoding *base = encoding->without_offsets != NULL ? encoding->without_offsets : encoding;
    tow_socketio_form *form;
    int error = form_for(&form, base, draft->event, arguments);
    if (error != 0)
        return error;
    draft->encoding = &base->table;
    draft->made = hold(draft->encoding, form);
    return 0;
}

void tow_socketio_encoding_take_back(tow_draft *draft) {
    draft->encoding->free(draft->encoding, draft->made);
}
