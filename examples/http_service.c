/* A JSON service of two routes. /notes: GET lists all, or those with ?contains=TEXT, and POST adds one, whose
 * text is the body. /notes/NUMBER: GET and DELETE. Usage: example-http-service [[HOST:]PORT], then
 *
 *     curl -d 'buy milk' localhost:9998/notes
 *     curl 'localhost:9998/notes?contains=milk' */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

enum { NOTES_MAX = 1000, TEXT_MAX = 1000 };

static char
    *notes[NOTES_MAX]; /* by their numbers; NULL: not there. One worker: all callbacks on one thread */
static size_t note_count;

/* An answer that is being written as text, into memory that grows. */
typedef struct answer {
    FILE *file;
    char *text;
    size_t length;
} answer;

static void begin(answer *self) {
    self->file = open_memstream(&self->text, &self->length);
    if (self->file == NULL)
        abort();
}

static void end(answer *self, tow_exchange *exchange, int status) {
    fputc('\n', self->file);
    fclose(self->file);
    tow_exchange_respond(exchange, status, "application/json", self->text, self->length);
    free(self->text);
}

static void put_string(answer *self, const char *text) {
    fputc('"', self->file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(self->file, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(self->file, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, self->file);
    }
    fputc('"', self->file);
}

static void put_note(answer *self, size_t number) {
    fprintf(self->file, "{\"number\":%zu,\"text\":", number);
    put_string(self, notes[number]);
    fputc('}', self->file);
}

static void refuse(tow_exchange *exchange, int status, const char *why) {
    answer made;
    begin(&made);
    fputs("{\"error\":", made.file);
    put_string(&made, why);
    fputc('}', made.file);
    end(&made, exchange, status);
}

static void refuse_method(tow_exchange *exchange, const char *allowed) {
    tow_exchange_field(exchange, "Allow", allowed);
    refuse(exchange, 405, "not this method");
}

/* /notes */

static void list(tow_exchange *exchange, const tow_request *request) {
    const char *wanted = tow_request_parameter(request, "contains");
    answer made;
    begin(&made);
    const char *separator = "";
    fputc('[', made.file);
    for (size_t i = 0; i < note_count; i++) {
        if (notes[i] == NULL || (wanted != NULL && strstr(notes[i], wanted) == NULL))
            continue;
        fputs(separator, made.file);
        put_note(&made, i);
        separator = ",";
    }
    fputc(']', made.file);
    end(&made, exchange, 200);
}

static void add(tow_exchange *exchange, void *user, const void *body, size_t length) {
    char location[32];
    if (!tow_utf8_valid(body, length) || memchr(body, '\0', length) != NULL) {
        refuse(exchange, 400, "the text has to be UTF-8");
        return;
    }
    char *text = note_count < NOTES_MAX ? strndup(body, length) : NULL;
    if (text == NULL) {
        refuse(exchange, 507, "there is no room for more notes");
        return;
    }
    notes[note_count] = text;
    snprintf(location, sizeof(location), "/notes/%zu", note_count);
    tow_exchange_field(exchange, "Location", location);
    answer made;
    begin(&made);
    put_note(&made, note_count++);
    end(&made, exchange, 201);
}

static void serve_notes(tow_exchange *exchange, const tow_request *request) {
    const char *method = tow_request_method(request);
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        list(exchange, request);
    else if (strcmp(method, "POST") == 0)
        tow_exchange_read_body(exchange, TEXT_MAX, add, NULL); /* more: 413 */
    else
        refuse_method(exchange, "GET, HEAD, POST");
}

/* /notes/NUMBER */

static void delete_note(tow_exchange *exchange, size_t number) {
    free(notes[number]);
    notes[number] = NULL;
    tow_exchange_respond(exchange, 204, NULL, NULL, 0);
}

static void show(tow_exchange *exchange, size_t number) {
    answer made;
    begin(&made);
    put_note(&made, number);
    end(&made, exchange, 200);
}

static void serve_note(tow_exchange *exchange, const tow_request *request) {
    char *behind;
    const char *method = tow_request_method(request);
    const char *text = tow_request_path(request) + strlen("/notes/");
    unsigned long long number = strtoull(text, &behind, 10);
    if (*text < '0' || *text > '9' || *behind != '\0' || number >= note_count || notes[number] == NULL)
        refuse(exchange, 404, "there is no such note");
    else if (strcmp(method, "DELETE") == 0)
        delete_note(exchange, (size_t)number);
    else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        show(exchange, (size_t)number);
    else
        refuse_method(exchange, "GET, HEAD, DELETE");
}

int main(int count, char **arguments) {
    tow_server *server;
    int error = tow_server_new(&server, &(tow_server_options){.listen = count > 1 ? arguments[1] : NULL});
    if (error != 0) {
        fprintf(stderr, "%s\n", tow_strerror(error));
        return 1;
    }
    tow_server_route(server, "/notes", &(tow_handler){.on_request = serve_notes});
    tow_server_route(server, "/notes/*", &(tow_handler){.on_request = serve_note});
    error = tow_server_run(server);
    if (error != 0)
        fprintf(stderr, "%s\n", tow_strerror(error));
    tow_server_free(server);
    for (size_t i = 0; i < note_count; i++)
        free(notes[i]);
    return error != 0;
}
