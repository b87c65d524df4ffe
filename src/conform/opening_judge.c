#include "opening_judge.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The next value of a field of our request that the case edits; NULL after the last. */
static const char *next_edit(const conform_case *one, const char *name, size_t *at) {
    while (*at < one->edit_count) {
        const case_edit *edit = &one->edits[(*at)++];
        if (edit->kind != EDIT_DROP && strcasecmp(edit->name, name) == 0)
            return edit->value;
    }
    return NULL;
}

/* Our offers of extensions as they went out: the case's `offer`, and its own fields. How many hold the text;
 * `*first` is the first of those. */
static size_t offers_with(const conform_case *one, const char *text, const char **first) {
    size_t at = 0, count = one->offer != NULL && strstr(one->offer, text) != NULL;
    *first = count > 0 ? one->offer : NULL;
    for (const char *value; (value = next_edit(one, "Sec-WebSocket-Extensions", &at)) != NULL;) {
        if (strstr(value, text) == NULL)
            continue;
        if (count++ == 0)
            *first = value;
    }
    return count;
}

/* What a single offer asks of the server, an agreement grants (RFC 7692, sections 7.1.1.1 and 7.1.2.1). */
static bool judge_grants(const conform_case *one, const judged_agreement *agreement, char why[160]) {
    judged_agreement asked;
    const char *offer;
    if (!agreement->enabled || offers_with(one, "permessage-deflate", &offer) != 1 ||
        !tow_conform_agreement_read(offer, &asked))
        return true;
    if (asked.server_no_context_takeover && !agreement->server_no_context_takeover)
        return snprintf(why, 160, "server_no_context_takeover was asked for and not granted"), false;
    if (agreement->server_max_window_bits > asked.server_max_window_bits)
        return snprintf(why, 160, "a larger window than was asked for"), false;
    return true;
}

static bool judge_extensions(
    const conform_case *one, const judged_head *answer, judged_agreement *agreement, char why[160]) {
    size_t count;
    const char *value = tow_conform_judged_head_value(answer, "sec-websocket-extensions", &count), *offer;
    if (count > 0 && offers_with(one, "permessage-deflate", &offer) == 0)
        return snprintf(why, 160, "an extension that was not offered: %.100s", value), false;
    if (count > 1 || !tow_conform_agreement_read(value, agreement))
        return snprintf(why, 160, "parameters that are not valid: %.100s", value), false;
    if (value != NULL && strstr(value, "client_max_window_bits") != NULL &&
        offers_with(one, "client_max_window_bits", &offer) == 0)
        return snprintf(
                   why, 160, "client_max_window_bits, which was not offered (RFC 7692, section 7.1.2.2)"),
               false;
    return judge_grants(one, agreement, why);
}

static bool judge_protocol(const conform_case *one, const judged_head *answer, char why[160]) {
    size_t count;
    const char *value = tow_conform_judged_head_value(answer, "sec-websocket-protocol", &count);
    if (count == 0)
        return true;
    size_t at_edit = 0;
    for (const char *list;
         count == 1 && (list = next_edit(one, "Sec-WebSocket-Protocol", &at_edit)) != NULL;) {
        const char *element;
        for (size_t length; (length = tow_conform_list_next(&list, &element)) > 0;) {
            if (length == strlen(value) && strncmp(element, value, length) == 0)
                return true;
        }
    }
    return snprintf(why, 160, "a subprotocol that was not offered: %s", value), false;
}

/* RFC 9110, section 8.6; RFC 9112, section 6.1: an answer with 1xx has no body, and does not speak of one. */
static bool judge_no_body(const judged_head *answer, char why[160]) {
    static const char *const names[] = {"content-length", "transfer-encoding"};
    size_t count;
    for (size_t i = 0; i < 2; i++) {
        tow_conform_judged_head_value(answer, names[i], &count);
        if (count > 0)
            return snprintf(why, 160, "a 101 with %s (RFC 9110, section 8.6)", names[i]), false;
    }
    return true;
}

bool tow_conform_opening_answer_judge(const conform_case *one, const judged_head *answer, const char *key,
    judged_agreement *agreement, char why[160]) {
    char accept[29];
    size_t count, at = 0;
    const char *own_key = next_edit(one, "Sec-WebSocket-Key", &at);
    tow_conform_judged_accept(own_key == NULL || strcmp(own_key, "{key}") == 0 ? key : own_key, accept);
    if (!judge_no_body(answer, why))
        return false;
    const char *upgrade = tow_conform_judged_head_value(answer, "upgrade", &count);
    if (count != 1 || strcasecmp(upgrade, "websocket") != 0)
        return snprintf(why, 160, "Upgrade is not websocket"), false;
    if (!tow_conform_judged_head_has_token(answer, "connection", "upgrade"))
        return snprintf(why, 160, "Connection has no token upgrade"), false;
    const char *value = tow_conform_judged_head_value(answer, "sec-websocket-accept", &count);
    if (count != 1 || strcmp(value, accept) != 0)
        return snprintf(why, 160, "Sec-WebSocket-Accept does not answer the key"), false;
    return judge_protocol(one, answer, why) && judge_extensions(one, answer, agreement, why);
}

static bool key_is_right(const char *key) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strlen(key) == 24 && strspn(key, alphabet) == 22 && strcmp(key + 22, "==") == 0 &&
           strchr("AQgw", key[21]) != NULL;
}

bool tow_conform_opening_request_judge(const judged_head *request, char why[160]) {
    size_t count;
    size_t length = strlen(request->first);
    if (strncmp(request->first, "GET /", 5) != 0 || length < 14 ||
        strcmp(request->first + length - 9, " HTTP/1.1") != 0)
        return snprintf(why, 160, "not GET of a path over HTTP/1.1"), false;
    tow_conform_judged_head_value(request, "host", &count);
    if (count != 1)
        return snprintf(why, 160, "%zu Host fields", count), false;
    if (!tow_conform_judged_head_has_token(request, "upgrade", "websocket"))
        return snprintf(why, 160, "Upgrade without websocket"), false;
    if (!tow_conform_judged_head_has_token(request, "connection", "upgrade"))
        return snprintf(why, 160, "Connection without upgrade"), false;
    const char *key = tow_conform_judged_head_value(request, "sec-websocket-key", &count);
    if (count != 1 || !key_is_right(key))
        return snprintf(why, 160, "Sec-WebSocket-Key is not 16 bytes in base64"), false;
    const char *version = tow_conform_judged_head_value(request, "sec-websocket-version", &count);
    if (count != 1 || strcmp(version, "13") != 0)
        return snprintf(why, 160, "Sec-WebSocket-Version is not 13"), false;
    return true;
}
