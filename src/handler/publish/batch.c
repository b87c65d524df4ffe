#include "batch.h"

#include "base/base64.h"
#include "base/json.h"
#include "hub/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

static int complain(char *why, size_t number, const char *what) {
    snprintf(why, TOW_BATCH_TEXT_MAX, "item %zu: %s", number, what);
    return TOW_ERROR_ARGUMENT;
}

/* What a string says, in the texts, whose room was made before: they don't move. NULL, or what is wrong. */
static const char *text_take(tow_batch *batch, tow_slice value, tow_slice *out) {
    size_t before = batch->texts.length;
    if (tow_json_type_of(value) != TOW_JSON_STRING || tow_json_unescape(&batch->texts, value) != 0)
        return "it is no string";
    *out = (tow_slice){(const char *)batch->texts.data + before, batch->texts.length - before};
    return NULL;
}

static const char *channel_take(tow_batch *batch, tow_batch_item *item, tow_slice value) {
    if (text_take(batch, value, &item->channel) != NULL || !tow_channel_name_is_valid(item->channel))
        return "its channel has no name of 1 to 200 bytes without control characters";
    return NULL;
}

static const char *event_take(tow_batch *batch, tow_batch_item *item, tow_slice value) {
    if (text_take(batch, value, &item->draft.event) != NULL || item->draft.event.length > TOW_EVENT_MAX ||
        tow_slice_has_control(item->draft.event))
        return "its event is no text of at most 200 bytes without control characters";
    return NULL;
}

static const char *key_take(tow_batch *batch, tow_batch_item *item, tow_slice value) {
    if (text_take(batch, value, &item->draft.key) != NULL || item->draft.key.length > TOW_KEY_MAX ||
        tow_slice_has_control(item->draft.key))
        return "its key is no text of at most 200 bytes without control characters";
    return NULL;
}

static const char *data_take(tow_batch *batch, tow_batch_item *item, tow_slice value) {
    if (item->draft.type != 0)
        return "it has both data and base64";
    item->draft.type = TOW_TEXT;
    if (tow_json_type_of(value) == TOW_JSON_STRING)
        return text_take(batch, value, &item->draft.data);
    item->draft.form = TOW_DATA_JSON;
    item->draft.data = value;
    return NULL;
}

static const char *base64_take(tow_batch *batch, tow_batch_item *item, tow_slice value) {
    tow_slice text;
    size_t length;
    if (item->draft.type != 0)
        return "it has both data and base64";
    item->draft.type = TOW_BINARY;
    if (text_take(batch, value, &text) != NULL)
        return "its base64 is none";
    uint8_t *bytes =
        batch->texts.data + (batch->texts.length - text.length); /* in its place: it is shorter */
    if (!tow_base64_read(bytes, &length, text))
        return "its base64 is none";
    item->draft.data = (tow_slice){text.data, length};
    return NULL;
}

typedef const char *(*member_take)(tow_batch *batch, tow_batch_item *item, tow_slice value);

static member_take member_of(tow_slice name) {
    static const struct {
        const char *name;
        member_take take;
    } members[] = {{"channel", channel_take}, {"event", event_take}, {"key", key_take}, {"data", data_take},
        {"base64", base64_take}};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (tow_json_string_is(name, members[i].name))
            return members[i].take;
    return NULL;
}

/* NULL, or what is wrong. */
static const char *item_read(tow_batch *batch, tow_batch_item *item, tow_slice object) {
    const char *wrong = NULL;
    tow_slice name, value;
    if (tow_json_type_of(object) != TOW_JSON_OBJECT)
        return "it is no object";
    for (tow_json_walk walk = tow_json_items(object); wrong == NULL && tow_json_next(&walk, &name, &value);) {
        member_take take = member_of(name);
        wrong = take != NULL ? take(batch, item, value)
                             : "it has another member than channel, event, key, data and base64";
    }
    if (wrong != NULL)
        return wrong;
    if (item->channel.length == 0)
        return "it has no channel";
    return item->draft.type == 0 ? "it has no data" : NULL;
}

static size_t count_items(tow_slice array) {
    size_t count = 0;
    tow_slice name, value;
    for (tow_json_walk walk = tow_json_items(array); tow_json_next(&walk, &name, &value);)
        count++;
    return count;
}

static int room_make(tow_batch *batch, size_t count, size_t length, char *why) {
    int error = tow_buffer_reserve_exactly(&batch->texts, length);
    batch->items = calloc(count, sizeof(batch->items[0]));
    if (error == 0 && batch->items != NULL)
        return 0;
    snprintf(why, TOW_BATCH_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    return TOW_ERROR_MEMORY;
}

int tow_batch_read(tow_batch *batch, tow_slice json, char why[TOW_BATCH_TEXT_MAX]) {
    tow_slice array, name, value;
    *batch = (tow_batch){0};
    snprintf(why, TOW_BATCH_TEXT_MAX, "this is no list in JSON");
    if (tow_json_read(json, &array) != 0 || tow_json_type_of(array) != TOW_JSON_ARRAY)
        return TOW_ERROR_ARGUMENT;
    size_t count = count_items(array);
    snprintf(why, TOW_BATCH_TEXT_MAX, "there are %zu in it: 1 to %d may be", count, TOW_BATCH_MAX);
    if (count == 0 || count > TOW_BATCH_MAX)
        return TOW_ERROR_ARGUMENT;
    int error = room_make(batch, count, array.length, why);
    tow_json_walk walk = tow_json_items(array);
    while (error == 0 && tow_json_next(&walk, &name, &value)) {
        const char *wrong = item_read(batch, &batch->items[batch->count], value);
        batch->count++;
        if (wrong != NULL)
            error = complain(why, batch->count, wrong);
    }
    return error;
}

void tow_batch_clear(tow_batch *batch) {
    free(batch->items);
    tow_buffer_clear(&batch->texts);
    *batch = (tow_batch){0};
}
