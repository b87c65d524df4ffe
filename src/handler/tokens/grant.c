#include "grant.h"

#include "base/buffer.h"
#include "base/json.h"
#include "handler/channel_pattern.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* NumericDate (RFC 7519, section 2) beyond the year 9999 is none. */
#define SECONDS_MAX 253402300799.0

enum { ACTS = 2, NUMBER_MAX = 32, AUDIENCES_MAX = 100, LIST_MAX = 32 << 10 };

/* A list is a text with a zero behind each item, and one more; NULL: there is none. */
struct tow_grant {
    bool has_channels;
    char *subject, *info;
    int64_t expires, begins;
    char *audiences;
    char *patterns[ACTS];
};

static int refuse(const char **why, const char *what) {
    *why = what;
    return TOW_ERROR_ARGUMENT;
}

static int no_memory(const char **why) {
    *why = tow_strerror(TOW_ERROR_MEMORY);
    return TOW_ERROR_MEMORY;
}

/* Texts. */

/* Appends what a string says, with a zero behind it. False: it is no string, empty or too long, or there is a
 * control character in it. */
static int text_append(tow_buffer *out, tow_slice value, size_t max) {
    size_t before = out->length;
    if (tow_json_type_of(value) != TOW_JSON_STRING)
        return TOW_ERROR_ARGUMENT;
    int error = tow_json_unescape(out, value);
    if (error != 0)
        return error;
    for (size_t i = before; i < out->length; i++)
        if (out->data[i] < ' ' || out->data[i] == 0x7F)
            return TOW_ERROR_ARGUMENT;
    if (out->length == before || out->length - before > max)
        return TOW_ERROR_ARGUMENT;
    return tow_buffer_append(out, "", 1);
}

/* The memory of a buffer that is done, or NULL. */
static char *text_of(tow_buffer *buffer, int error) {
    if (error == 0)
        return (char *)buffer->data;
    tow_buffer_clear(buffer);
    return NULL;
}

static int subject_take(tow_grant *made, tow_slice claims, const char **why) {
    tow_buffer text = {0};
    tow_slice value;
    if (!tow_json_member(claims, "sub", &value))
        return 0;
    int error = text_append(&text, value, TOW_GRANT_SUBJECT_MAX);
    made->subject = text_of(&text, error);
    if (error == TOW_ERROR_MEMORY)
        return no_memory(why);
    return error == 0 ? 0 : refuse(why, "the claim sub is no text of 1 to 200 bytes");
}

static int info_take(tow_grant *made, tow_slice claims, const char **why) {
    tow_slice value;
    if (!tow_json_member(claims, "info", &value))
        return 0;
    if (value.length > TOW_GRANT_INFO_MAX)
        return refuse(why, "the claim info is larger than 1 KiB");
    made->info = strndup(value.data, value.length);
    return made->info != NULL ? 0 : no_memory(why);
}

/* Lists. */

/* Of one text, or of an array of texts. */
static int list_append(tow_buffer *out, tow_slice value, size_t count_max, size_t text_max) {
    size_t count = 0;
    int error = 0;
    tow_slice name, item;
    if (tow_json_type_of(value) == TOW_JSON_STRING)
        error = text_append(out, value, text_max);
    else if (tow_json_type_of(value) != TOW_JSON_ARRAY)
        error = TOW_ERROR_ARGUMENT;
    else
        for (tow_json_walk walk = tow_json_items(value); error == 0 && tow_json_next(&walk, &name, &item);)
            error = ++count <= count_max && out->length <= LIST_MAX ? text_append(out, item, text_max)
                                                                    : TOW_ERROR_ARGUMENT;
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

static const char *next_of(const char *item) {
    return item + strlen(item) + 1;
}

static int patterns_take(tow_grant *made, tow_channel_act act, tow_slice value, const char **why) {
    tow_buffer list = {0};
    int error = list_append(&list, value, TOW_GRANT_PATTERNS_MAX, TOW_GRANT_SUBJECT_MAX);
    made->patterns[act] = text_of(&list, error);
    if (error == TOW_ERROR_MEMORY)
        return no_memory(why);
    if (error != 0)
        return refuse(
            why, "the claim channels has what is no list of at most 100 patterns of 1 to 200 bytes");
    for (const char *each = made->patterns[act]; *each != '\0'; each = next_of(each))
        if (!tow_channel_pattern_is_valid(tow_slice_from(each)))
            return refuse(why,
                "the claim channels has a pattern that is no name, and none with an asterisk at its end");
    return 0;
}

static int channels_take(tow_grant *made, tow_slice claims, const char **why) {
    static const char *const names[ACTS] = {
        [TOW_CHANNEL_SUBSCRIBE] = "subscribe", [TOW_CHANNEL_PUBLISH] = "publish"};
    tow_slice channels, value;
    int error = 0;
    if (!tow_json_member(claims, "channels", &channels))
        return 0;
    if (tow_json_type_of(channels) != TOW_JSON_OBJECT)
        return refuse(why, "the claim channels is no object with subscribe and publish in it");
    made->has_channels = true;
    for (unsigned act = 0; error == 0 && act < ACTS; act++)
        if (tow_json_member(channels, names[act], &value))
            error = patterns_take(made, (tow_channel_act)act, value, why);
    return error;
}

static int audience_take(tow_grant *made, tow_slice claims, const char **why) {
    tow_buffer list = {0};
    tow_slice value;
    if (!tow_json_member(claims, "aud", &value))
        return 0;
    int error = list_append(&list, value, AUDIENCES_MAX, LIST_MAX);
    made->audiences = text_of(&list, error);
    if (error == TOW_ERROR_MEMORY)
        return no_memory(why);
    return error == 0 ? 0 : refuse(why, "the claim aud is no text, and no list of texts");
}

/* Times. */

/* A fraction is left out. Of zero seconds nothing is said, so what ends with 1970 begins with second 1. */
static bool seconds_read(int64_t *seconds, tow_slice value) {
    char text[NUMBER_MAX];
    if (tow_json_type_of(value) != TOW_JSON_NUMBER || value.length >= sizeof(text))
        return false;
    memcpy(text, value.data, value.length);
    text[value.length] = '\0';
    double number = strtod(text, NULL);
    if (!(number >= 0 && number <= SECONDS_MAX))
        return false;
    *seconds = number < 1 ? 1 : (int64_t)number;
    return true;
}

static int times_take(tow_grant *made, tow_slice claims, const char **why) {
    tow_slice value;
    if (tow_json_member(claims, "exp", &value) && !seconds_read(&made->expires, value))
        return refuse(why, "the claim exp is no time in seconds since 1970");
    if (tow_json_member(claims, "nbf", &value) && !seconds_read(&made->begins, value))
        return refuse(why, "the claim nbf is no time in seconds since 1970");
    return 0;
}

int tow_grant_read(tow_grant **grant, tow_slice json, const char **why) {
    tow_slice claims;
    if (tow_json_read(json, &claims) != 0 || tow_json_type_of(claims) != TOW_JSON_OBJECT)
        return refuse(why, "the claims are no object of JSON");
    tow_grant *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return no_memory(why);
    int error = subject_take(made, claims, why);
    if (error == 0)
        error = info_take(made, claims, why);
    if (error == 0)
        error = times_take(made, claims, why);
    if (error == 0)
        error = audience_take(made, claims, why);
    if (error == 0)
        error = channels_take(made, claims, why);
    if (error != 0)
        tow_grant_free(made);
    else
        *grant = made;
    return error;
}

void tow_grant_free(tow_grant *grant) {
    if (grant == NULL)
        return;
    free(grant->subject);
    free(grant->info);
    free(grant->audiences);
    for (size_t act = 0; act < ACTS; act++)
        free(grant->patterns[act]);
    free(grant);
}

const char *tow_grant_subject(const tow_grant *grant) {
    return grant->subject;
}

tow_slice tow_grant_info(const tow_grant *grant) {
    return grant->info != NULL ? tow_slice_from(grant->info) : (tow_slice){"", 0};
}

int64_t tow_grant_expires(const tow_grant *grant) {
    return grant->expires;
}

int64_t tow_grant_begins(const tow_grant *grant) {
    return grant->begins;
}

bool tow_grant_has_channels(const tow_grant *grant) {
    return grant->has_channels;
}

bool tow_grant_allows(const tow_grant *grant, tow_channel_act act, tow_slice channel) {
    const char *each = grant->patterns[act];
    for (; each != NULL && *each != '\0'; each = next_of(each))
        if (tow_channel_pattern_matches(tow_slice_from(each), channel))
            return true;
    return false;
}

bool tow_grant_is_for(const tow_grant *grant, const char *audience) {
    const char *each = grant->audiences;
    if (each == NULL || audience == NULL)
        return each == NULL && audience == NULL;
    for (; *each != '\0'; each = next_of(each))
        if (strcmp(each, audience) == 0)
            return true;
    return false;
}
