#include "unheard.h"

#include "report.h"
#include "server/carried.h"
#include "state.h"

#include <stdlib.h>
#include <towline/error.h>

typedef struct unheard {
    tow_letter letter; /* first */
    tow_server *server;
    int error;
    char channel[TOW_CHANNEL_NAME_MAX + 1];
} unheard;

static void drop(tow_letter *letter) {
    tow_server *server = ((unheard *)letter)->server;
    free(letter);
    tow_server_letter_opened(server, 0, sizeof(unheard));
}

static void report(const unheard *self) {
    const char *why = tow_strerror(self->error);
    tow_report_fields fields = {0};
    tow_report_add_text(&fields, "message", "a publication is lost");
    tow_report_add_text(&fields, "channel", self->channel);
    tow_report_add_text(&fields, "why", why);
    tow_report_with(&self->server->settings, TOW_LOG_WARNING, &fields,
        "a publication to the channel %s is lost, and whoever published it was not told: the store of "
        "channels answered late: %s (all of them: channel_unheard_total)",
        self->channel, why);
}

static void arrive(tow_letter *letters) {
    while (letters != NULL) {
        tow_letter *letter = letters;
        letters = letter->next;
        report((const unheard *)letter);
        drop(letter);
    }
}

/* Without memory for it the counter tells. */
void tow_unheard_report(void *user, tow_slice channel, int error) {
    unheard *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return;
    made->letter = (tow_letter){.open = arrive, .drop = drop, .work = 1};
    made->server = user;
    made->error = error;
    memcpy(made->channel, channel.data, channel.length);
    if (!tow_server_owe_letter(user, 0, &made->letter, sizeof(*made)))
        free(made);
}
