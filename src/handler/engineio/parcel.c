#include "parcel.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static bool is_for_session(tow_parcel_kind kind) {
    return kind <= TOW_PARCEL_GO_ON;
}

static size_t worker_of(const tow_parcel *parcel) {
    return tow_websocket_id_worker(is_for_session(parcel->kind) ? parcel->session : parcel->wire);
}

static void finish(tow_parcel *parcel) {
    tow_server *server = parcel->server;
    size_t worker = worker_of(parcel);
    size_t bytes = parcel->bytes;
    free(parcel);
    tow_server_letter_opened(server, worker, bytes);
}

static void drop(tow_letter *letter) {
    finish((tow_parcel *)(void *)letter);
}

static void arrive(tow_letter *letters) {
    while (letters != NULL) {
        tow_parcel *parcel = (tow_parcel *)(void *)letters;
        letters = letters->next;
        if (is_for_session(parcel->kind))
            parcel->engineio->ends->to_session(parcel);
        else
            parcel->engineio->ends->to_wire(parcel);
        finish(parcel);
    }
}

/* Messages, and who wants to send some, may find no room; what the other end waits for goes in any case. */
static bool leave(tow_server *server, tow_parcel *parcel) {
    switch (parcel->kind) {
    case TOW_PARCEL_ATTACH:
    case TOW_PARCEL_HEARD:
    case TOW_PARCEL_TAKEN: /* comes again */
    case TOW_PARCEL_SAY:
        return tow_server_leave_letter(server, worker_of(parcel), &parcel->letter, parcel->bytes);
    case TOW_PARCEL_CLOSED:
    case TOW_PARCEL_LIVES:
    case TOW_PARCEL_GO_ON:
    case TOW_PARCEL_END:
    case TOW_PARCEL_PAUSE:
    case TOW_PARCEL_READ:
    case TOW_PARCEL_MARK:
    case TOW_PARCEL_ASK:
        break;
    }
    return tow_server_owe_letter(server, worker_of(parcel), &parcel->letter, parcel->bytes);
}

int tow_parcel_send(const tow_parcel_way *way, const tow_parcel *what, const void *data, size_t length) {
    size_t bytes = sizeof(tow_parcel) + length + 1;
    tow_parcel *made = malloc(bytes);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *made = *what;
    made->letter = (tow_letter){.open = arrive, .drop = drop, .work = 1};
    made->engineio = way->engineio;
    made->server = way->engineio->server;
    made->wire = way->wire;
    made->session = way->session;
    memcpy(made->secret, way->secret, sizeof(made->secret));
    made->bytes = bytes;
    made->length = length;
    if (length > 0)
        memcpy(made->data, data, length);
    made->data[length] = '\0';
    if (leave(way->engineio->server, made))
        return 0;
    free(made);
    return TOW_ERROR_QUEUE_FULL;
}
