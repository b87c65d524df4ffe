/* http-client: makes requests by the library's HTTP client as a script on its input says, so that tests can
 * put real servers on the other end. A line a command; tells each end as a line of JSON.
 *
 *     get|post|put|... URL [unix=PATH] [body=TEXT] [bytes=N] [header=NAME:VALUE] [total=SECONDS]
 *                          [max-body=N] [repeat] [in-pieces]     begins a request
 *     wait        until all have ended
 *     closed      until all connections are closed
 *     count       tells the client's counters
 *
 * Options: --io epoll|io_uring, --roots FILE, --certificate FILE, --insecure, --connections N, --host N,
 * --idle SECONDS, --connect SECONDS. */
#include "client/http_client.h"
#include "transport/loop.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { LINE_MAX_BYTES = 4096, WORDS_MAX = 32, HEADERS_MAX = 16, SHOWN = 200 };

typedef struct driver {
    tow_loop *loop;
    tow_http_client *client;
    size_t begun, under_way;
} driver;

typedef struct job {
    driver *driver;
    size_t number;
    size_t pieces, length;
    EVP_MD_CTX *hash;
    char shown[SHOWN + 1];
    size_t shown_length;
    tow_http_call *call;
} job;

static void print(json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(object);
}

static void take(job *one, const uint8_t *bytes, size_t length) {
    size_t room = SHOWN - one->shown_length;
    size_t shown = length < room ? length : room;
    EVP_DigestUpdate(one->hash, bytes, length);
    if (shown > 0)
        memcpy(one->shown + one->shown_length, bytes, shown);
    one->shown_length += shown;
    one->length += length;
}

static void on_body(tow_http_call *call, const uint8_t *bytes, size_t length) {
    job *one = tow_http_call_user(call);
    one->pieces++;
    take(one, bytes, length);
}

static json_t *fields_of(const tow_http_head *head) {
    json_t *fields = json_object();
    for (size_t i = 0; head != NULL && i < head->field_count; i++) {
        char name[64];
        const tow_field *field = &head->fields[i];
        snprintf(name, sizeof(name), "%.*s", (int)field->name.length, field->name.data);
        for (char *character = name; *character != '\0'; character++)
            *character = (char)tolower((unsigned char)*character);
        json_object_set_new(fields, name, json_stringn_nocheck(field->value.data, field->value.length));
    }
    return fields;
}

static void on_done(tow_http_call *call, const tow_http_result *result) {
    job *one = tow_http_call_user(call);
    unsigned char hash[EVP_MAX_MD_SIZE];
    char digits[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned hash_length = 0;
    take(one, result->body, result->body_length);
    EVP_DigestFinal_ex(one->hash, hash, &hash_length);
    for (unsigned i = 0; i < hash_length; i++)
        snprintf(digits + 2 * i, 3, "%02x", hash[i]);
    print(json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:s, s:o?, s:o}", "number", (int)one->number, "error",
        result->error == 0 ? "" : tow_error_name(result->error), "text", result->text, "status",
        result->head == NULL ? 0 : result->head->status, "length", (int)one->length, "pieces",
        (int)one->pieces, "sha256", digits, "body", json_stringn(one->shown, one->shown_length), "fields",
        fields_of(result->head)));
    one->driver->under_way--;
    EVP_MD_CTX_free(one->hash);
    tow_http_call_free(call);
    free(one);
}

/* A line cut at its spaces. */
static size_t cut(char *line, char *words[WORDS_MAX]) {
    size_t count = 0;
    char *rest = line;
    char *word;
    while (count < WORDS_MAX && (word = strsep(&rest, " \n")) != NULL)
        if (*word != '\0')
            words[count++] = word;
    return count;
}

static const char *value_of(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

typedef struct request {
    tow_http_call_options options;
    tow_header_field headers[HEADERS_MAX + 1];
    size_t header_count;
    char *made_body;
} request;

static void read_header(request *asked, char *text) {
    char *colon = strchr(text, ':');
    if (colon == NULL || asked->header_count == HEADERS_MAX)
        abort();
    *colon = '\0';
    asked->headers[asked->header_count++] = (tow_header_field){text, colon + 1};
}

static void read_word(request *asked, char *word) {
    tow_http_call_options *options = &asked->options;
    const char *value;
    if ((value = value_of(word, "unix")) != NULL)
        options->unix_path = value;
    else if ((value = value_of(word, "body")) != NULL) {
        options->body = value;
        options->body_length = strlen(value);
    } else if ((value = value_of(word, "bytes")) != NULL) {
        options->body_length = strtoul(value, NULL, 10);
        options->body = asked->made_body = calloc(1, options->body_length);
    } else if ((value = value_of(word, "header")) != NULL)
        read_header(asked, (char *)(uintptr_t)value);
    else if ((value = value_of(word, "total")) != NULL)
        options->total_seconds = atoi(value);
    else if ((value = value_of(word, "max-body")) != NULL)
        options->max_body = atoll(value);
    else if (strcmp(word, "repeat") == 0)
        options->may_repeat = true;
    else if (strcmp(word, "in-pieces") == 0)
        options->on_body = on_body;
    else
        abort();
}

static void begin(driver *all, char **words, size_t count) {
    request asked = {0};
    job *one = calloc(1, sizeof(*one));
    one->driver = all;
    one->number = all->begun++;
    one->hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(one->hash, EVP_sha256(), NULL);
    asked.options = (tow_http_call_options){.url = words[1], .on_done = on_done, .user = one};
    for (char *character = words[0]; *character != '\0'; character++)
        *character = (char)toupper((unsigned char)*character);
    asked.options.method = words[0];
    for (size_t i = 2; i < count; i++)
        read_word(&asked, words[i]);
    asked.options.headers = asked.headers;
    int error = tow_http_call_start(&one->call, all->client, &asked.options);
    free(asked.made_body);
    if (error == 0) {
        all->under_way++;
        return;
    }
    print(json_pack("{s:i, s:s}", "number", (int)one->number, "refused", tow_error_name(error)));
    EVP_MD_CTX_free(one->hash);
    free(one);
}

static void obey(driver *all, char **words, size_t count) {
    if (count == 0)
        return;
    if (strcmp(words[0], "wait") == 0) {
        while (all->under_way > 0)
            tow_loop_round(all->loop);
    } else if (strcmp(words[0], "closed") == 0) {
        while (tow_http_client_count(all->client).connections > 0)
            tow_loop_round(all->loop);
    } else if (strcmp(words[0], "count") == 0) {
        tow_http_client_counters counted = tow_http_client_count(all->client);
        print(json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "connections", (int)counted.connections, "idle",
            (int)counted.idle, "waiting", (int)counted.waiting, "opened", (int)counted.opened, "reused",
            (int)counted.reused, "repeated", (int)counted.repeated));
    } else {
        begin(all, words, count);
    }
}

static void read_options(char **arguments, tow_loop_options *loop, tow_http_client_options *options) {
    for (; *arguments != NULL; arguments++) {
        if (strcmp(*arguments, "--insecure") == 0) {
            options->tls_insecure = true;
            continue;
        }
        const char *name = *arguments++;
        if (strcmp(name, "--io") == 0)
            loop->io = strcmp(*arguments, "epoll") == 0 ? TOW_IO_EPOLL : TOW_IO_URING;
        else if (strcmp(name, "--roots") == 0)
            options->tls_roots = *arguments;
        else if (strcmp(name, "--certificate") == 0)
            options->tls_certificate = *arguments;
        else if (strcmp(name, "--connections") == 0)
            options->max_connections = atoi(*arguments);
        else if (strcmp(name, "--host") == 0)
            options->max_host_connections = atoi(*arguments);
        else if (strcmp(name, "--idle") == 0)
            options->idle_seconds = atoi(*arguments);
        else if (strcmp(name, "--connect") == 0)
            options->connect_seconds = atoi(*arguments);
        else
            abort();
    }
}

int main(int count, char **arguments) {
    (void)count;
    driver all = {0};
    tow_loop_options loop_options = {0};
    tow_http_client_options options = {0};
    char line[LINE_MAX_BYTES];
    read_options(arguments + 1, &loop_options, &options);
    int error = tow_loop_new(&all.loop, &loop_options);
    if (error == 0)
        error = tow_http_client_new(&all.client, all.loop, &options);
    if (error != 0) {
        fprintf(stderr, "%s\n", tow_strerror(error));
        return 1;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS_MAX];
        obey(&all, words, cut(line, words));
    }
    while (all.under_way > 0)
        tow_loop_round(all.loop);
    tow_http_client_free(all.client);
    tow_loop_run(all.loop); /* until its connections are closed */
    tow_loop_free(all.loop);
    return 0;
}
