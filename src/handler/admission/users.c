#include "users.h"

#include "password.h"
#include "secret_file.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct reading {
    tow_users *made;
    size_t line;
    char *why;
} reading;

static int complain(const reading *now, size_t line, const char *what) {
    if (line > 0)
        snprintf(now->why, TOW_USERS_TEXT_MAX, "line %zu: %s", line, what);
    else
        snprintf(now->why, TOW_USERS_TEXT_MAX, "%s", what);
    return TOW_ERROR_ARGUMENT;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* NULL: it is one. */
static const char *what_is_wrong_with(const char *hash) {
    if (begins(hash, "$apr1$"))
        return "$apr1$ is Apache's own MD5, which is too weak: make the line anew with htpasswd -B";
    if (begins(hash, "{"))
        return "hashes in braces, such as {SHA}, are too weak: make the line anew with htpasswd -B";
    if (hash[0] != '$')
        return "behind the name there is no hash that begins with $: make the line anew with htpasswd -B";
    return tow_password_hash_is_known(hash)
               ? NULL
               : "a hash that is cut off, or of a kind that crypt(3) does not know here";
}

static int user_read(reading *now, char *line) {
    char *colon = strchr(line, ':');
    if (colon == NULL || colon == line)
        return complain(now, now->line, "it is not NAME:HASH");
    char *hash = colon + 1;
    hash[strcspn(hash, ":")] = '\0';
    const char *wrong = what_is_wrong_with(hash);
    if (wrong != NULL)
        return complain(now, now->line, wrong);
    now->made->list[now->made->count++] =
        (tow_user){.name = {line, (size_t)(colon - line)}, .hash = hash, .line = now->line};
    return 0;
}

static int lines_read(reading *now) {
    int error = 0;
    for (char *rest = now->made->text; error == 0 && rest != NULL;) {
        char *line = tow_secret_line(&rest);
        now->line++;
        if (line[0] != '\0' && line[0] != '#')
            error = user_read(now, line);
    }
    if (error == 0 && now->made->count == 0)
        error = complain(now, 0, "there is no user in it");
    return error;
}

static int names_compare(tow_slice a, tow_slice b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int users_compare(const void *a, const void *b) {
    const tow_user *one = a, *other = b;
    int order = names_compare(one->name, other->name);
    return order != 0 ? order : (one->line > other->line) - (one->line < other->line);
}

static int sort(reading *now) {
    tow_users *made = now->made;
    qsort(made->list, made->count, sizeof(made->list[0]), users_compare);
    for (size_t i = 1; i < made->count; i++)
        if (names_compare(made->list[i - 1].name, made->list[i].name) == 0)
            return complain(now, made->list[i].line, "this name stands in a line above already");
    return 0;
}

/* With room for as many users as there are lines. */
static int text_copy(tow_users *made, const char *text, size_t length) {
    size_t lines;
    made->text = tow_secret_copy(text, length, &lines);
    made->list = made->text != NULL ? calloc(lines, sizeof(made->list[0])) : NULL;
    return made->list != NULL ? 0 : TOW_ERROR_MEMORY;
}

int tow_users_read(tow_users **users, const char *text, size_t length, char why[TOW_USERS_TEXT_MAX]) {
    static atomic_uint_fast64_t generations;
    reading now = {.made = calloc(1, sizeof(*now.made)), .why = why};
    snprintf(why, TOW_USERS_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (now.made == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&now.made->holders, 1);
    now.made->generation = atomic_fetch_add(&generations, 1) + 1;
    int error = text_copy(now.made, text, length);
    if (error == 0 && !tow_password_can_be_checked()) {
        error = TOW_ERROR_UNSUPPORTED;
        snprintf(why, TOW_USERS_TEXT_MAX, "this towline was built without libcrypt, and knows no passwords");
    }
    if (error == 0 && length > 0 && memchr(text, '\0', length) != NULL)
        error = complain(&now, 0, "there is a zero byte in it");
    if (error == 0)
        error = lines_read(&now);
    if (error == 0)
        error = sort(&now);
    if (error != 0)
        tow_users_release(now.made);
    else
        *users = now.made;
    return error;
}

tow_users *tow_users_retain(tow_users *users) {
    atomic_fetch_add_explicit(&users->holders, 1, memory_order_relaxed);
    return users;
}

void tow_users_release(tow_users *users) {
    if (users == NULL || atomic_fetch_sub_explicit(&users->holders, 1, memory_order_acq_rel) > 1)
        return;
    free(users->list);
    free(users->text);
    free(users);
}

/* Of all the same number of names has each. */
static size_t stand_in(const tow_users *users, tow_slice name) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    size_t number = 0;
    SHA256((const unsigned char *)name.data, name.length, digest);
    for (size_t i = 0; i < sizeof(number); i++)
        number = number << 8 | digest[i];
    return number % users->count;
}

const char *tow_users_hash(const tow_users *users, tow_slice name, bool *known) {
    size_t first = 0, end = users->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (names_compare(users->list[middle].name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *known = first < users->count && names_compare(users->list[first].name, name) == 0;
    return users->list[*known ? first : stand_in(users, name)].hash;
}
