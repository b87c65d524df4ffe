#include "opening_judge.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

/* What {letters=} and {fields=} make at most. */
enum { HEAD_FILL_MAX = 1 << 20 };

/* Reading a head. */

static int refuse(char why[160], const char *text) {
    snprintf(why, 160, "%s", text);
    return TOW_ERROR_HTTP_SYNTAX;
}

/* Cuts a line off the text; NULL if it does not end with CRLF or holds another control character. */
static char *take_line(char **text) {
    char *end = strstr(*text, "\r\n");
    if (end == NULL)
        return NULL;
    char *line = *text;
    for (char *at = line; at < end; at++) {
        if (iscntrl((unsigned char)*at) && *at != '\t')
            return NULL;
    }
    *end = 0;
    *text = end + 2;
    return line;
}

static bool split_line(char *line, head_line *out) {
    char *colon = strchr(line, ':');
    if (colon == NULL || colon == line || isblank((unsigned char)colon[-1]) || isblank((unsigned char)*line))
        return false;
    *colon = 0;
    for (char *at = line; at < colon; at++)
        *at = (char)tolower((unsigned char)*at);
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (char *end = value + strlen(value); end > value && isblank((unsigned char)end[-1]);)
        *--end = 0;
    *out = (head_line){line, value};
    return true;
}

static int read_lines(judged_head *head, char why[160]) {
    char *rest = head->text;
    head->first = take_line(&rest);
    if (head->first == NULL)
        return refuse(why, "the first line does not end with CRLF or holds a control character");
    if (strncmp(head->first, "HTTP/1.1 ", 9) == 0)
        head->status = (int)strtol(head->first + 9, NULL, 10);
    for (char *line = take_line(&rest); line == NULL || *line != 0; line = take_line(&rest)) {
        if (line == NULL || head->count == HEAD_LINES_MAX || !split_line(line, &head->lines[head->count]))
            return refuse(why, "a header line that is not NAME: VALUE with CRLF behind it");
        head->count++;
    }
    return 1;
}

int tow_conform_judged_head_read(judged_head *head, const uint8_t *bytes, size_t length, char why[160]) {
    *head = (judged_head){0};
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return length > 65536 ? refuse(why, "a head of more than 64 KiB") : 0;
    head->size = (size_t)(end - bytes) + 4;
    head->text = malloc(head->size + 1);
    if (head->text == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(head->text, bytes, head->size);
    head->text[head->size] = 0;
    if (strlen(head->text) != head->size)
        return refuse(why, "a NUL in the head");
    return read_lines(head, why);
}

void tow_conform_judged_head_clear(judged_head *head) {
    free(head->text);
    *head = (judged_head){0};
}

const char *tow_conform_judged_head_value(const judged_head *head, const char *name, size_t *count) {
    const char *value = NULL;
    *count = 0;
    for (size_t i = 0; i < head->count; i++) {
        if (strcasecmp(head->lines[i].name, name) != 0)
            continue;
        value = head->lines[i].value;
        ++*count;
    }
    return value;
}

/* The next element of a comma list: its length without white space around it; *at moves behind it. */
static size_t next_element(const char **at, const char **element) {
    *at += strspn(*at, ", \t");
    *element = *at;
    size_t length = strcspn(*at, ",");
    *at += length;
    while (length > 0 && isblank((unsigned char)(*element)[length - 1]))
        length--;
    return length;
}

static bool list_has(const char *list, const char *token) {
    const char *element;
    for (size_t length; (length = next_element(&list, &element)) > 0;) {
        if (length == strlen(token) && strncasecmp(element, token, length) == 0)
            return true;
    }
    return false;
}

bool tow_conform_judged_head_has_token(const judged_head *head, const char *name, const char *token) {
    for (size_t i = 0; i < head->count; i++) {
        if (strcasecmp(head->lines[i].name, name) == 0 && list_has(head->lines[i].value, token))
            return true;
    }
    return false;
}

void tow_conform_judged_accept(const char *key, char out[29]) {
    char text[128];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    EVP_Digest(text, strlen(text), digest, &length, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, 20);
}

/* Writing a head, with a case's edits. */

static bool is_edited(const conform_case *one, const char *name) {
    for (size_t i = 0; i < one->edit_count; i++) {
        const case_edit *edit = &one->edits[i];
        if ((edit->kind == EDIT_REPLACE || edit->kind == EDIT_DROP) && strcasecmp(edit->name, name) == 0)
            return true;
    }
    return false;
}

static const case_edit *edit_of(const conform_case *one, edit_kind kind) {
    for (size_t i = 0; i < one->edit_count; i++) {
        if (one->edits[i].kind == kind)
            return &one->edits[i];
    }
    return NULL;
}

/* Names in braces that are known only at run time. */
struct names {
    const char *host, *path, *key, *accept;
};

static int append_letters(tow_buffer *out, unsigned long count) {
    int error = count > HEAD_FILL_MAX ? TOW_ERROR_LIMIT : tow_buffer_reserve(out, count);
    if (error == 0) {
        memset(out->data + out->length, 'a', count);
        out->length += count;
    }
    return error;
}

static int append_fields(tow_buffer *out, unsigned long count) {
    int error = count > HEAD_FILL_MAX ? TOW_ERROR_LIMIT : 0;
    for (unsigned long i = 1; i <= count && error == 0; i++)
        error = tow_buffer_append_format(out, "X-Field-%lu: %lu\r\n", i, i);
    return error;
}

/* `PREFIX NUMBER }` at the front: how long it is, 0 if it is not there. */
static size_t read_count(const char *text, const char *prefix, size_t *count) {
    size_t length = strlen(prefix);
    if (strncmp(text, prefix, length) != 0)
        return 0;
    char *end;
    *count = strtoul(text + length, &end, 10);
    return *end == '}' ? (size_t)(end + 1 - text) : 0;
}

/* What a brace at the front of the text stands for is appended. Returns how long it is in the text, 1 for a
 * brace that is only a brace, or a negative error. */
static int append_brace(tow_buffer *out, const char *text, const struct names *names) {
    const struct {
        const char *name;
        const char *value;
    } table[] = {
        {"{host}", names->host}, {"{path}", names->path}, {"{key}", names->key}, {"{accept}", names->accept}};
    int error = 0;
    size_t count;
    size_t used;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int length = (int)strlen(table[i].name);
        if (strncmp(text, table[i].name, (size_t)length) == 0)
            return error = tow_buffer_append_text(out, table[i].value), error == 0 ? length : error;
    }
    if (strncmp(text, "{nul}", 5) == 0)
        return error = tow_buffer_append(out, "", 1), error == 0 ? 5 : error;
    if ((used = read_count(text, "{letters=", &count)) > 0)
        return error = append_letters(out, count), error == 0 ? (int)used : error;
    if ((used = read_count(text, "{fields=", &count)) > 0)
        return error = append_fields(out, count), error == 0 ? (int)used : error;
    return error = tow_buffer_append(out, text, 1), error == 0 ? 1 : error;
}

static int append_with_names(tow_buffer *out, const char *text, const struct names *names) {
    while (*text != 0) {
        size_t plain = strcspn(text, "{");
        int result = tow_buffer_append(out, text, plain);
        text += plain;
        if (result == 0 && *text == '{')
            result = append_brace(out, text, names);
        if (result < 0)
            return result;
        text += result;
    }
    return 0;
}

static int append_line(const conform_case *one, tow_buffer *out, const char *name, const char *value,
    const struct names *names) {
    if (is_edited(one, name) || value == NULL)
        return 0;
    int error = tow_buffer_append_format(out, "%s: ", name);
    if (error == 0)
        error = append_with_names(out, value, names);
    return error == 0 ? tow_buffer_append_text(out, "\r\n") : error;
}

static int append_edits(const conform_case *one, tow_buffer *out, const struct names *names) {
    int error = 0;
    for (size_t i = 0; i < one->edit_count && error == 0; i++) {
        const case_edit *edit = &one->edits[i];
        if (edit->kind != EDIT_REPLACE && edit->kind != EDIT_ADD && edit->kind != EDIT_BREAK)
            continue;
        if (edit->kind != EDIT_BREAK)
            error = tow_buffer_append_format(out, "%s: ", edit->name);
        if (error == 0)
            error = append_with_names(out, edit->value, names);
        if (error == 0 && edit->kind != EDIT_BREAK)
            error = tow_buffer_append_text(out, "\r\n");
    }
    return error == 0 ? tow_buffer_append_text(out, "\r\n") : error;
}

static int append_first_line(
    const conform_case *one, tow_buffer *out, const char *usual, const struct names *names) {
    const case_edit *line = edit_of(one, EDIT_LINE);
    int error = append_with_names(out, line == NULL ? usual : line->value, names);
    return error == 0 ? tow_buffer_append_text(out, "\r\n") : error;
}

int tow_conform_opening_request_write(
    const conform_case *one, const char *host, const char *path, const char *key, tow_buffer *out) {
    struct names names = {.host = host, .path = path, .key = key, .accept = ""};
    const case_edit *raw = edit_of(one, EDIT_RAW);
    if (raw != NULL)
        return append_with_names(out, raw->value, &names);
    int error = append_first_line(one, out, "GET {path} HTTP/1.1", &names);
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"Host", "{host}"}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"},
        {"Sec-WebSocket-Key", "{key}"}, {"Sec-WebSocket-Version", "13"},
        {"Sec-WebSocket-Extensions", one->offer}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && error == 0; i++)
        error = append_line(one, out, lines[i].name, lines[i].value, &names);
    return error == 0 ? append_edits(one, out, &names) : error;
}

void tow_conform_opening_grant(const char *wanted, const char *offer, char granted[GRANTED_MAX]) {
    static const char bits[] = "server_max_window_bits=";
    size_t first = offer == NULL ? 0 : strcspn(offer, ",");
    char asked[GRANTED_MAX];
    snprintf(asked, sizeof(asked), "%.*s", (int)first, offer == NULL ? "" : offer);
    bool takeover = strstr(asked, "server_no_context_takeover") != NULL &&
                    strstr(wanted, "server_no_context_takeover") == NULL;
    const char *window = strstr(asked, bits);
    int number =
        window == NULL || strstr(wanted, bits) != NULL ? 0 : (int)strtol(window + sizeof(bits) - 1, NULL, 10);
    int length =
        snprintf(granted, GRANTED_MAX, "%s%s", wanted, takeover ? "; server_no_context_takeover" : "");
    if (number >= 8 && number <= 15 && length < GRANTED_MAX)
        snprintf(granted + length, (size_t)(GRANTED_MAX - length), "; %s%d", bits, number);
}

int tow_conform_opening_answer_write(
    const conform_case *one, const char *extension, const judged_head *request, tow_buffer *out) {
    size_t count;
    char accept[29];
    const char *key = tow_conform_judged_head_value(request, "sec-websocket-key", &count);
    tow_conform_judged_accept(key == NULL ? "" : key, accept);
    struct names names = {.host = "", .path = "", .key = key == NULL ? "" : key, .accept = accept};
    const case_edit *raw = edit_of(one, EDIT_RAW);
    if (raw != NULL)
        return append_with_names(out, raw->value, &names);
    int error = append_first_line(one, out, "HTTP/1.1 101 Switching Protocols", &names);
    const struct {
        const char *name;
        const char *value;
    } lines[] = {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", "{accept}"},
        {"Sec-WebSocket-Extensions", extension}};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && error == 0; i++)
        error = append_line(one, out, lines[i].name, lines[i].value, &names);
    return error == 0 ? append_edits(one, out, &names) : error;
}

/* Compression's parameters. */

static int read_bits(const char *value) {
    char *end;
    if (*value == '"')
        value++;
    long bits = *value >= '1' && *value <= '9' ? strtol(value, &end, 10) : 0;
    return bits >= 8 && bits <= 15 && (*end == 0 || *end == '"') ? (int)bits : 0;
}

static bool read_parameter(char *text, judged_agreement *agreement) {
    char *value = strchr(text, '=');
    if (value != NULL)
        *value++ = 0;
    bool *flag = strcasecmp(text, "server_no_context_takeover") == 0 ? &agreement->server_no_context_takeover
                 : strcasecmp(text, "client_no_context_takeover") == 0
                     ? &agreement->client_no_context_takeover
                     : NULL;
    if (flag != NULL) {
        bool fresh = !*flag && value == NULL;
        *flag = true;
        return fresh;
    }
    int *bits = strcasecmp(text, "server_max_window_bits") == 0   ? &agreement->server_max_window_bits
                : strcasecmp(text, "client_max_window_bits") == 0 ? &agreement->client_max_window_bits
                                                                  : NULL;
    if (bits == NULL || *bits != 0 || value == NULL)
        return false;
    *bits = read_bits(value);
    return *bits != 0;
}

bool tow_conform_agreement_read(const char *text, judged_agreement *agreement) {
    char copy[256];
    *agreement = (judged_agreement){0};
    if (text == NULL || snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return text == NULL;
    char *keep = NULL;
    char *part = strtok_r(copy, "; \t", &keep);
    if (part == NULL || strcasecmp(part, "permessage-deflate") != 0)
        return false;
    for (part = strtok_r(NULL, "; \t", &keep); part != NULL; part = strtok_r(NULL, "; \t", &keep)) {
        if (!read_parameter(part, agreement))
            return false;
    }
    agreement->enabled = true;
    if (agreement->server_max_window_bits == 0)
        agreement->server_max_window_bits = 15;
    if (agreement->client_max_window_bits == 0)
        agreement->client_max_window_bits = 15;
    return true;
}

/* Judging. */

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
        for (size_t length; (length = next_element(&list, &element)) > 0;) {
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
