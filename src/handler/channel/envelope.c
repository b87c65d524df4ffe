#include "envelope.h"

#include "base/base64.h"
#include "base/json.h"

#include <stddef.h>
#include <string.h>

/* What may stand in an envelope: a row each. */

typedef struct reading {
    tow_envelope *envelope;
    const char *why;
} reading;

typedef bool (*take)(reading *now, void *field, tow_slice value, int64_t max);

typedef struct member {
    const char *name;
    take take;
    size_t offset;
    int64_t max;
    unsigned types; /* bits: where it may stand */
    const char *complaint;
} member;

static bool complain(reading *now, const char *why) {
    now->why = why;
    return false;
}

/* Strings say no more bytes than they have, and `texts` has room for those of the whole message. */
static bool text_read(reading *now, tow_slice *out, tow_slice value) {
    tow_buffer *texts = &now->envelope->texts;
    size_t begin = texts->length;
    if (tow_json_type_of(value) != TOW_JSON_STRING || tow_json_unescape(texts, value) != 0)
        return false;
    *out = (tow_slice){(const char *)texts->data + begin, texts->length - begin};
    return true;
}

static bool text_take(reading *now, void *field, tow_slice value, int64_t max) {
    tow_slice text;
    if (!text_read(now, &text, value) || text.length == 0 || text.length > (uint64_t)max)
        return false;
    *(tow_slice *)field = text;
    return true;
}

/* A name is shown to people and goes into lines of other protocols: no control characters. */
static bool name_take(reading *now, void *field, tow_slice value, int64_t max) {
    return text_take(now, field, value, max) && !tow_slice_has_control(*(tow_slice *)field);
}

/* It comes back as it was written. */
static bool id_take(reading *now, void *field, tow_slice value, int64_t max) {
    tow_json_type type = tow_json_type_of(value);
    if ((type != TOW_JSON_STRING && type != TOW_JSON_NUMBER) || value.length > (uint64_t)max)
        return false;
    *(tow_slice *)field = value;
    return true;
}

static bool value_take(reading *now, void *field, tow_slice value, int64_t max) {
    if (value.length > (uint64_t)max)
        return false;
    *(tow_slice *)field = value;
    return true;
}

static bool number_take(reading *now, void *field, tow_slice value, int64_t max) {
    int64_t number;
    if (tow_json_integer(value, &number) != 0 || number < 1 || number > max)
        return false;
    *(int64_t *)field = number;
    return true;
}

static bool flag_take(reading *now, void *field, tow_slice value, int64_t max) {
    tow_json_type type = tow_json_type_of(value);
    *(bool *)field = type == TOW_JSON_TRUE;
    return type == TOW_JSON_TRUE || type == TOW_JSON_FALSE;
}

static bool no_flag_take(reading *now, void *field, tow_slice value, int64_t max) {
    bool taken = flag_take(now, field, value, max);
    *(bool *)field = !*(bool *)field;
    return taken;
}

/* A string is the message's text; any other value is the text that it is. */
static bool data_take(reading *now, void *field, tow_slice value, int64_t max) {
    tow_slice *data = field;
    if (data->data != NULL)
        return complain(now, "data and base64 are one and the same, and stand once");
    if (tow_json_type_of(value) == TOW_JSON_STRING)
        return text_read(now, data, value);
    *data = value;
    now->envelope->is_json = true;
    return true;
}

static bool base64_take(reading *now, void *field, tow_slice value, int64_t max) {
    tow_buffer *texts = &now->envelope->texts;
    tow_slice *data = field, text;
    size_t length;
    if (data->data != NULL)
        return complain(now, "data and base64 are one and the same, and stand once");
    if (!text_read(now, &text, value))
        return false;
    char *bytes = (char *)texts->data + texts->length - text.length; /* no more than the text */
    if (!tow_base64_read(bytes, &length, text))
        return false;
    *data = (tow_slice){bytes, length};
    now->envelope->is_binary = true;
    return true;
}

#define FIELD(member) offsetof(tow_envelope, member)
#define IN(type) (1u << TOW_ENVELOPE_##type)
#define IN_ALL ((1u << TOW_ENVELOPE_TYPES) - 1)
#define OF_A_CHANNEL (IN(SUBSCRIBE) | IN(UNSUBSCRIBE) | IN(PUBLISH) | IN(HISTORY) | IN(PRESENCE))

static const member members[] = {
    {"id", id_take, FIELD(id), TOW_ENVELOPE_ID_MAX, IN_ALL, "id: a number or a string of at most 64 bytes"},
    {"channel", name_take, FIELD(channel), TOW_ENVELOPE_NAME_MAX, OF_A_CHANNEL,
        "channel: 1 to 200 bytes without control characters"},
    {"since", name_take, FIELD(since), TOW_ENVELOPE_POSITION_MAX, IN(SUBSCRIBE) | IN(HISTORY),
        "since: a position such as \"x7Kq2:17\""},
    {"presence", flag_take, FIELD(presence), 0, IN(SUBSCRIBE), "presence: true or false"},
    {"info", value_take, FIELD(info), TOW_ENVELOPE_INFO_MAX, IN(SUBSCRIBE), "info: at most 1024 bytes"},
    {"data", data_take, FIELD(data), 0, IN(PUBLISH), "data: a string, or any value"},
    {"base64", base64_take, FIELD(data), 0, IN(PUBLISH), "base64: bytes, in base64"},
    {"event", name_take, FIELD(event), TOW_ENVELOPE_NAME_MAX, IN(PUBLISH),
        "event: 1 to 200 bytes without control characters"},
    {"key", name_take, FIELD(key), TOW_ENVELOPE_NAME_MAX, IN(PUBLISH),
        "key: 1 to 200 bytes without control characters"},
    {"echo", no_flag_take, FIELD(no_echo), 0, IN(PUBLISH), "echo: true or false"},
    {"after", name_take, FIELD(after), TOW_ENVELOPE_NAME_MAX, IN(PRESENCE), "after: a user, 1 to 200 bytes"},
    {"last", number_take, FIELD(last), TOW_ENVELOPE_LIST_MAX, IN(SUBSCRIBE), "last: 1 to 1000"},
    {"limit", number_take, FIELD(limit), TOW_ENVELOPE_LIST_MAX, IN(HISTORY) | IN(PRESENCE),
        "limit: 1 to 1000"},
    {"token", text_take, FIELD(token), TOW_ENVELOPE_TOKEN_MAX, IN(TOKEN), "token: 1 to 8192 bytes"},
};

/* What each type can't do without. */
static const struct {
    const char *name;
    size_t needed; /* a slice that is to be there; SIZE_MAX: none */
    size_t needed_too;
    const char *complaint;
} types[TOW_ENVELOPE_TYPES] = {
    [TOW_ENVELOPE_SUBSCRIBE] = {"subscribe", FIELD(channel), SIZE_MAX, "subscribe needs a channel"},
    [TOW_ENVELOPE_UNSUBSCRIBE] = {"unsubscribe", FIELD(channel), SIZE_MAX, "unsubscribe needs a channel"},
    [TOW_ENVELOPE_PUBLISH] = {"publish", FIELD(channel), FIELD(data),
        "publish needs a channel, and data or base64"},
    [TOW_ENVELOPE_HISTORY] = {"history", FIELD(channel), SIZE_MAX, "history needs a channel"},
    [TOW_ENVELOPE_PRESENCE] = {"presence", FIELD(channel), SIZE_MAX, "presence needs a channel"},
    [TOW_ENVELOPE_TOKEN] = {"token", FIELD(token), SIZE_MAX, "token needs a token"},
    [TOW_ENVELOPE_PING] = {"ping", SIZE_MAX, SIZE_MAX, ""},
};

static bool type_take(reading *now, tow_slice object) {
    tow_slice value;
    if (!tow_json_member(object, "type", &value))
        return complain(now, "an envelope has a type");
    for (size_t i = 0; i < TOW_ENVELOPE_TYPES; i++)
        if (tow_json_string_is(value, types[i].name)) {
            now->envelope->type = (tow_envelope_type)i;
            return true;
        }
    return complain(now, "type: subscribe, unsubscribe, publish, history, presence, token or ping");
}

static const member *member_find(tow_slice name) {
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (tow_json_string_is(name, members[i].name))
            return &members[i];
    return NULL;
}

static bool member_take(reading *now, tow_slice name, tow_slice value) {
    const member *row = member_find(name);
    if (row == NULL)
        return tow_json_string_is(name, "type") || complain(now, "no such member is known");
    if ((row->types & 1u << now->envelope->type) == 0)
        return complain(now, "a member that does not belong to this type");
    return row->take(now, (char *)now->envelope + row->offset, value, row->max) ||
           (now->why != NULL ? false : complain(now, row->complaint));
}

static bool members_take(reading *now, tow_slice object) {
    tow_json_walk walk = tow_json_items(object);
    tow_slice name, value;
    while (tow_json_next(&walk, &name, &value))
        if (!member_take(now, name, value))
            return false;
    return true;
}

static bool has(const tow_envelope *envelope, size_t offset) {
    return offset == SIZE_MAX ||
           ((const tow_slice *)(const void *)((const char *)envelope + offset))->data != NULL;
}

static bool is_complete(reading *now) {
    const tow_envelope *envelope = now->envelope;
    if (!has(envelope, types[envelope->type].needed) || !has(envelope, types[envelope->type].needed_too))
        return complain(now, types[envelope->type].complaint);
    return envelope->info.length == 0 || envelope->presence || complain(now, "info goes with presence: true");
}

/* Ahead of all else, so that what is wrong can be told of the right one. */
static void id_find(reading *now, tow_slice object) {
    tow_slice value;
    if (tow_json_member(object, "id", &value))
        (void)id_take(now, &now->envelope->id, value, TOW_ENVELOPE_ID_MAX);
}

bool tow_envelope_read(tow_envelope *envelope, tow_slice message, const char **why) {
    reading now = {.envelope = envelope};
    tow_slice object;
    *envelope = (tow_envelope){0};
    *why = "an envelope is an object of JSON";
    if (tow_json_read(message, &object) != 0 || tow_json_type_of(object) != TOW_JSON_OBJECT)
        return false;
    *why = "there is no memory for it";
    if (tow_buffer_reserve_exactly(&envelope->texts, message.length) != 0)
        return false;
    id_find(&now, object);
    bool is_right = type_take(&now, object) && members_take(&now, object) && is_complete(&now);
    *why = now.why;
    return is_right;
}

void tow_envelope_clear(tow_envelope *envelope) {
    tow_buffer_clear(&envelope->texts);
}
