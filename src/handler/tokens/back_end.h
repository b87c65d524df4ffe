/* back_end: who guests are, and what they may do, asked by HTTP: when one comes, when it shows a token, and
 * for each channel that it wants to subscribe or publish to, unless the first answer had said so.
 *
 * In: guests, requests, channels. Out: answers, and stays with what was granted. */
#ifndef TOW_HANDLER_TOKENS_BACK_END_H
#define TOW_HANDLER_TOKENS_BACK_END_H

#include "handler/token_keeper.h"
#include "stay.h"

typedef struct tow_back_end tow_back_end;

/* Errors: MEMORY. */
int tow_back_end_new(tow_back_end **back_end, const tow_handler_place *place,
    const tow_token_settings *settings, tow_guest_book *book);
void tow_back_end_end(tow_back_end *back_end);  /* as tow_token_keeper_end; NULL is allowed here and below */
void tow_back_end_free(tow_back_end *back_end); /* as tow_token_keeper_free */

/* As in tow_channel_keeper. */
void tow_back_end_enter(tow_back_end *back_end, tow_channel_guest *guest, const tow_request *request,
    tow_channel_question *question, tow_channel_answer *answer);
void tow_back_end_show(tow_back_end *back_end, tow_channel_guest *guest, tow_slice token,
    tow_channel_question *question, tow_channel_answer *answer);
void tow_back_end_may(tow_back_end *back_end, tow_channel_guest *guest, tow_channel_act act,
    tow_slice channel, tow_channel_question *question, tow_channel_answer *answer);
void tow_back_end_forget(tow_back_end *back_end, tow_channel_question *question);

#endif
