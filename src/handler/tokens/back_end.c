#include "back_end.h"

#include "asker.h"
#include "inquiry.h"
#include "presented.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { NAME_MAX_ENCODED = 3 * 200 + 1 };

struct tow_back_end {
    tow_asker *asker;
    const tow_token_settings *settings;
    tow_guest_book *book;
};

/* One question, from the call until the answer, or until it is forgotten. */
typedef struct asked {
    tow_back_end *back_end;
    tow_channel_guest *guest;
    tow_channel_question *question;
    tow_question *under_way;
    tow_header_field *fields; /* of one who comes: kept for what will be asked later */
    bool is_about_guest;      /* who it is; else about a channel */
} asked;

static void refuse(tow_channel_answer *answer, int status, const char *reason) {
    *answer = (tow_channel_answer){.word = TOW_CHANNEL_REFUSED, .status = status, .reason = reason};
}

static void asked_free(asked *made) {
    free(made->fields);
    free(made);
}

/* What it has said. */

/* Who the guest is: claims in JSON, or nobody in particular where nothing is said. */
static void guest_take(asked *made, const tow_verdict *verdict, tow_channel_answer *answer) {
    const char *why;
    tow_grant *grant = NULL;
    int error =
        verdict->length == 0 ? 0 : tow_grant_read(&grant, (tow_slice){verdict->body, verdict->length}, &why);
    if (error == TOW_ERROR_ARGUMENT) {
        refuse(answer, 502, "the back end that decides has said what is not understood");
        return;
    }
    tow_stay *stay = error != 0                   ? NULL
                     : made->guest->known != NULL ? made->guest->known
                                                  : tow_stay_begin(made->guest, made->back_end->book);
    if (stay == NULL) {
        tow_grant_free(grant);
        refuse(answer, 503, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    if (!tow_stay_may_take_grant(stay, grant)) {
        tow_grant_free(grant);
        refuse(answer, 403, TOW_STAY_IS_ANOTHERS);
        return;
    }
    if (made->fields != NULL) {
        free(stay->fields);
        stay->fields = made->fields;
        made->fields = NULL;
    }
    tow_stay_take_grant(stay, grant);
    *answer = (tow_channel_answer){.word = TOW_CHANNEL_GRANTED};
}

static void refusal_make(const tow_verdict *verdict, tow_channel_answer *answer) {
    bool has_come = verdict->error == 0;
    if (has_come && (verdict->status == 401 || verdict->status == 403))
        refuse(answer, verdict->status, "the back end that decides does not allow it");
    else if (verdict->error == TOW_ERROR_TIMED_OUT || verdict->error == TOW_ERROR_STATE)
        refuse(answer, 503, "the back end that decides does not answer");
    else
        refuse(answer, 502,
            has_come ? "the back end that decides does not decide"
                     : "the back end that decides can't be asked");
}

static void decided(void *user, const tow_verdict *verdict) {
    asked *made = user;
    tow_channel_question *question = made->question;
    tow_channel_answer answer = {.word = TOW_CHANNEL_GRANTED};
    if (verdict->error != 0 || verdict->status < 200 || verdict->status > 299)
        refusal_make(verdict, &answer);
    else if (made->is_about_guest)
        guest_take(made, verdict, &answer);
    asked_free(made);
    question->asked = NULL;
    question->on_answer(question, &answer);
}

/* Asking. */

static void cant_ask(tow_channel_answer *answer, int error) {
    refuse(answer, 503,
        error == TOW_ERROR_LIMIT ? "too many wait for the back end that decides" : tow_strerror(error));
}

/* Takes the fields over, which may be NULL. */
static void ask(asked *made, tow_header_field *fields, tow_channel_answer *answer) {
    const tow_token_settings *settings = made->back_end->settings;
    const tow_question_options options = {.url = settings->url,
        .seconds = settings->seconds,
        .wants_body = made->is_about_guest,
        .client = made->guest->client,
        .home = made->guest->loop,
        .on_verdict = decided,
        .user = made};
    int error = tow_asker_ask(&made->under_way, made->back_end->asker, &options, fields);
    if (error != 0) {
        asked_free(made);
        cant_ask(answer, error);
        return;
    }
    made->question->asked = made;
    *answer = (tow_channel_answer){.word = TOW_CHANNEL_LATER};
}

/* NULL without memory, and then that is the answer. */
static asked *asked_new(tow_back_end *back_end, tow_channel_guest *guest, tow_channel_question *question,
    tow_channel_answer *answer) {
    asked *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        cant_ask(answer, TOW_ERROR_MEMORY);
        return NULL;
    }
    *made = (asked){.back_end = back_end, .guest = guest, .question = question};
    return made;
}

void tow_back_end_enter(tow_back_end *back_end, tow_channel_guest *guest, const tow_request *request,
    tow_channel_question *question, tow_channel_answer *answer) {
    static const tow_header_field act[] = {{"Towline-Act", "connect"}, {0}};
    asked *made = asked_new(back_end, guest, question, answer);
    if (made == NULL)
        return;
    made->is_about_guest = true;
    made->fields = tow_inquiry_fields(request);
    ask(made, made->fields != NULL ? tow_inquiry_join(act, made->fields) : NULL, answer);
}

/* The fields of its request, without what is said anew. */
static tow_header_field *fields_with(const tow_header_field *own, const tow_channel_guest *guest) {
    static const tow_header_field none = {0};
    const tow_stay *stay = guest->known;
    return tow_inquiry_join(own, stay != NULL && stay->fields != NULL ? stay->fields : &none);
}

/* It stands in a field: visible ASCII. */
static bool is_token(tow_slice token) {
    bool is_one = token.length > 0 && token.length <= TOW_PRESENTED_MAX;
    for (size_t i = 0; is_one && i < token.length; i++)
        is_one = token.data[i] > ' ' && token.data[i] < 0x7F;
    return is_one;
}

void tow_back_end_show(tow_back_end *back_end, tow_channel_guest *guest, tow_slice token,
    tow_channel_question *question, tow_channel_answer *answer) {
    char text[TOW_PRESENTED_MAX + 1];
    if (!is_token(token)) {
        refuse(answer, 401, "this is no token");
        return;
    }
    memcpy(text, token.data, token.length);
    text[token.length] = '\0';
    const tow_header_field own[] = {{"Towline-Act", "token"}, {"Towline-Token", text}, {0}};
    asked *made = asked_new(back_end, guest, question, answer);
    if (made != NULL) {
        made->is_about_guest = true;
        ask(made, fields_with(own, guest), answer);
    }
    OPENSSL_cleanse(text, sizeof(text));
}

/* A name as it may stand in a field: what is not visible ASCII, and the percent sign, as %XX. */
static void name_encode(char out[NAME_MAX_ENCODED], tow_slice name) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (byte > ' ' && byte < 0x7F && byte != '%') {
            *out++ = (char)byte;
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

void tow_back_end_may(tow_back_end *back_end, tow_channel_guest *guest, tow_channel_act act,
    tow_slice channel, tow_channel_question *question, tow_channel_answer *answer) {
    char name[NAME_MAX_ENCODED], subject[NAME_MAX_ENCODED];
    asked *made = asked_new(back_end, guest, question, answer);
    if (made == NULL)
        return;
    name_encode(name, channel);
    name_encode(subject, tow_slice_from(guest->subject != NULL ? guest->subject : ""));
    const tow_header_field own[] = {{"Towline-Act", act == TOW_CHANNEL_SUBSCRIBE ? "subscribe" : "publish"},
        {"Towline-Channel", name}, {"Towline-Subject", subject}, {0}};
    ask(made, fields_with(own, guest), answer);
}

void tow_back_end_forget(tow_back_end *back_end, tow_channel_question *question) {
    asked *made = question->asked;
    if (back_end == NULL || made == NULL)
        return;
    tow_question_forget(made->under_way);
    asked_free(made);
    question->asked = NULL;
}

/* Beginning and end. */

int tow_back_end_new(tow_back_end **back_end, const tow_handler_place *place,
    const tow_token_settings *settings, tow_guest_book *book) {
    tow_back_end *made = calloc(1, sizeof(*made));
    int error = made == NULL ? TOW_ERROR_MEMORY : tow_asker_new(&made->asker, place, "token-url");
    if (error != 0) {
        free(made);
        return error;
    }
    made->settings = settings;
    made->book = book;
    *back_end = made;
    return 0;
}

void tow_back_end_end(tow_back_end *back_end) {
    if (back_end != NULL)
        tow_asker_end(back_end->asker);
}

void tow_back_end_free(tow_back_end *back_end) {
    if (back_end == NULL)
        return;
    tow_asker_free(back_end->asker);
    free(back_end);
}
