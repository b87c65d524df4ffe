#include "member.h"

#include "base/json.h"
#include "channel_name.h"

#include <towline/error.h>

static const char no_memory[] = "there is no memory";

/* An id that is a string, or, where that may be, a number, which is taken as it is written. */
static const char *id_take(
    tow_pusher_member *member, tow_buffer *texts, tow_slice value, bool may_be_number) {
    const tow_json_type type = tow_json_type_of(value);
    int error = TOW_ERROR_ARGUMENT;
    if (type == TOW_JSON_STRING)
        error = tow_json_unescape(texts, value);
    else if (type == TOW_JSON_NUMBER && may_be_number)
        error = tow_buffer_append(texts, value.data, value.length);
    member->id = (tow_slice){(const char *)texts->data, texts->length};
    if (error == TOW_ERROR_MEMORY)
        return no_memory;
    return error == 0 && tow_pusher_user_is_valid(member->id)
               ? NULL
               : "a user's id is a text of 1 to 128 bytes without control characters";
}

static const char *user_read(
    tow_pusher_member *member, tow_buffer *texts, tow_slice data, const char *id, bool may_be_number) {
    tow_slice object, value;
    *member = (tow_pusher_member){0};
    if (tow_json_read(data, &object) != 0 || tow_json_type_of(object) != TOW_JSON_OBJECT)
        return "what describes the user is no object of JSON";
    if (!tow_json_member(object, id, &value))
        return "what describes the user has no id";
    const char *why = id_take(member, texts, value, may_be_number);
    if (why != NULL)
        return why;
    if (!tow_json_member(object, "user_info", &member->info))
        member->info = (tow_slice){0};
    return member->info.length <= TOW_PUSHER_INFO_MAX ? NULL : "user_info has more than 1,024 bytes";
}

const char *tow_pusher_member_read(tow_pusher_member *member, tow_buffer *texts, tow_slice data) {
    return user_read(member, texts, data, "user_id", true);
}

const char *tow_pusher_user_read(tow_pusher_member *member, tow_buffer *texts, tow_slice data) {
    return user_read(member, texts, data, "id", false);
}

int tow_pusher_watchlist_read(tow_slice data, int (*tell)(void *user, tow_slice id), void *user) {
    tow_slice object, list, name, value;
    tow_buffer id = {0};
    size_t count = 0;
    int error = 0;
    if (tow_json_read(data, &object) != 0 || !tow_json_member(object, "watchlist", &list) ||
        tow_json_type_of(list) != TOW_JSON_ARRAY)
        return 0;
    tow_json_walk counted = tow_json_items(list), walk = counted;
    while (tow_json_next(&counted, &name, &value))
        if (++count > TOW_PUSHER_WATCHLIST_MAX)
            return TOW_ERROR_LIMIT;
    while (error == 0 && tow_json_next(&walk, &name, &value)) {
        tow_pusher_member member = {0};
        id.length = 0;
        if (id_take(&member, &id, value, true) == NULL)
            error = tell(user, member.id);
    }
    tow_buffer_clear(&id);
    return error;
}

int tow_pusher_member_write(tow_buffer *out, const tow_pusher_member *member) {
    int error = tow_buffer_append_text(out, "{\"user_id\":");
    if (error == 0)
        error = tow_json_append_string(out, member->id);
    if (error == 0 && member->info.data != NULL)
        error = tow_buffer_append_text(out, ",\"user_info\":");
    if (error == 0 && member->info.data != NULL)
        error = tow_buffer_append(out, member->info.data, member->info.length);
    return error != 0 ? error : tow_buffer_append_text(out, "}");
}

int tow_pusher_roster_add(tow_pusher_roster *roster, const tow_pusher_member *member) {
    const char *comma = roster->count++ > 0 ? "," : "";
    const tow_slice info = member->info.data != NULL ? member->info : tow_slice_from("null");
    int error = tow_buffer_append_text(&roster->ids, comma);
    if (error == 0)
        error = tow_json_append_string(&roster->ids, member->id);
    if (error == 0)
        error = tow_buffer_append_text(&roster->hash, comma);
    if (error == 0)
        error = tow_json_append_string(&roster->hash, member->id);
    if (error == 0)
        error = tow_buffer_append_text(&roster->hash, ":");
    return error != 0 ? error : tow_buffer_append(&roster->hash, info.data, info.length);
}

int tow_pusher_roster_write(tow_buffer *out, const tow_pusher_roster *roster) {
    return tow_buffer_append_format(out, "{\"presence\":{\"count\":%zu,\"ids\":[%.*s],\"hash\":{%.*s}}}",
        roster->count, (int)roster->ids.length, roster->count > 0 ? (const char *)roster->ids.data : "",
        (int)roster->hash.length, roster->count > 0 ? (const char *)roster->hash.data : "");
}

void tow_pusher_roster_clear(tow_pusher_roster *roster) {
    tow_buffer_clear(&roster->ids);
    tow_buffer_clear(&roster->hash);
    *roster = (tow_pusher_roster){0};
}
