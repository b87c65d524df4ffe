#include "answer.h"

#include "base/base64.h"
#include "base/json.h"

#include <inttypes.h>

/* Writes what stands before a text, and the text as a string. */
static int append_string(tow_buffer *out, const char *before, tow_slice text) {
    int error = tow_buffer_append_text(out, before);
    return error != 0 ? error : tow_json_append_string(out, text);
}

static const char *word_of(bool is_so) {
    return is_so ? "true" : "false";
}

int tow_answer_error(tow_buffer *out, const char *why) {
    int error = append_string(out, "{\"error\":", tow_slice_from(why));
    return error != 0 ? error : tow_buffer_append_text(out, "}\n");
}

int tow_answer_position(tow_buffer *out, const tow_position *position) {
    char text[TOW_POSITION_TEXT_SIZE];
    if (position->number == 0)
        return 0;
    tow_position_write(text, position);
    return tow_buffer_append_format(out, ",\"position\":\"%s\"", text);
}

static int channel_append(tow_buffer *out, const tow_channel_count *channel) {
    int error = append_string(out, "{\"channel\":", channel->name);
    if (error == 0)
        error = tow_buffer_append_format(
            out, ",\"subscribers\":%" PRIu64 ",\"users\":%" PRIu64, channel->subscribers, channel->users);
    if (error == 0)
        error = tow_answer_position(out, &channel->position);
    return error != 0 ? error : tow_buffer_append_text(out, "}");
}

int tow_answer_count(tow_buffer *out, const tow_hub_answer *answer) {
    int error = channel_append(out, &answer->channels[0]);
    return error != 0 ? error : tow_buffer_append_text(out, "\n");
}

static int separate(tow_buffer *out, size_t index) {
    return index == 0 ? 0 : tow_buffer_append_text(out, ",\n");
}

int tow_answer_channels(tow_buffer *out, const tow_hub_answer *answer) {
    int error = tow_buffer_append_text(out, "{\"channels\":[");
    for (size_t i = 0; error == 0 && i < answer->count; i++) {
        error = separate(out, i);
        if (error == 0)
            error = channel_append(out, &answer->channels[i]);
    }
    return error != 0 ? error : tow_buffer_append_format(out, "],\"more\":%s}\n", word_of(answer->has_more));
}

static int base64_append(tow_buffer *out, tow_slice data) {
    int error = tow_buffer_append_text(out, ",\"base64\":\"");
    if (error == 0)
        error = tow_base64_append(out, data.data, data.length);
    return error != 0 ? error : tow_buffer_append_text(out, "\"");
}

static int data_append(tow_buffer *out, const tow_published *published) {
    tow_slice data = tow_published_data(published);
    if (tow_published_type(published) == TOW_BINARY)
        return base64_append(out, data);
    if (tow_published_form_of(published) == TOW_DATA_STRING)
        return append_string(out, ",\"data\":", data);
    int error = tow_buffer_append_text(out, ",\"data\":");
    return error != 0 ? error : tow_buffer_append(out, data.data, data.length);
}

static int optional_append(tow_buffer *out, const char *before, tow_slice text) {
    return text.length == 0 ? 0 : append_string(out, before, text);
}

static int published_append(tow_buffer *out, const tow_published *published) {
    const tow_position position = tow_published_position(published);
    int error = tow_buffer_append_format(out, "{\"time\":%" PRId64, tow_published_milliseconds(published));
    if (error == 0)
        error = tow_answer_position(out, &position);
    if (error == 0)
        error = append_string(out, ",\"event\":", tow_published_event(published));
    if (error == 0)
        error = optional_append(out, ",\"key\":", tow_published_key(published));
    if (error == 0)
        error = optional_append(out, ",\"user\":", tow_published_user(published));
    if (error == 0)
        error = data_append(out, published);
    return error != 0 ? error : tow_buffer_append_text(out, "}");
}

int tow_answer_history(tow_buffer *out, const tow_hub_answer *answer) {
    int error = tow_buffer_append_format(
        out, "{\"whole\":%s,\"more\":%s", word_of(answer->is_whole), word_of(answer->has_more));
    if (error == 0)
        error = tow_answer_position(out, &answer->position);
    if (error == 0)
        error = tow_buffer_append_text(out, ",\"messages\":[");
    for (size_t i = 0; error == 0 && i < answer->count; i++) {
        error = separate(out, i);
        if (error == 0)
            error = published_append(out, answer->published[i]);
    }
    return error != 0 ? error : tow_buffer_append_text(out, "]}\n");
}

/* What doors let in is JSON; other bytes are left out. */
static int info_append(tow_buffer *out, tow_slice info) {
    tow_slice value;
    if (tow_json_read(info, &value) != 0)
        return 0;
    int error = tow_buffer_append_text(out, ",\"info\":");
    return error != 0 ? error : tow_buffer_append(out, value.data, value.length);
}

int tow_answer_members(tow_buffer *out, const tow_hub_answer *answer) {
    int error = tow_buffer_append_text(out, "{\"members\":[");
    for (size_t i = 0; error == 0 && i < answer->count; i++) {
        error = separate(out, i);
        if (error == 0)
            error = append_string(out, "{\"user\":", answer->members[i].user);
        if (error == 0)
            error = info_append(out, answer->members[i].info);
        if (error == 0)
            error = tow_buffer_append_text(out, "}");
    }
    return error != 0 ? error : tow_buffer_append_format(out, "],\"more\":%s}\n", word_of(answer->has_more));
}
