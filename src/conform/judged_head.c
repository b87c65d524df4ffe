#include "judged_head.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

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

size_t tow_conform_list_next(const char **at, const char **element) {
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
    for (size_t length; (length = tow_conform_list_next(&list, &element)) > 0;) {
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
