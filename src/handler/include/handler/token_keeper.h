/* token_keeper: the keeper of channels (channel_keeper.h) who knows guests by their tokens, which are checked
 * with the keys of a file, or by a back end that is asked. It tells them when their token has expired, and
 * finds all that are the same user. */
#ifndef TOW_HANDLER_TOKEN_KEEPER_H
#define TOW_HANDLER_TOKEN_KEEPER_H

#include "handler/channel_keeper.h"
#include "handler/kind.h"

/* Texts outlive the keeper. */
typedef struct tow_token_settings {
    const char *keys;     /* a file, see tokens/keyring.h; NULL: none */
    const char *audience; /* that tokens have to be for; NULL: they are for nobody in particular */
    const char *cookie;   /* the name of one that may have the token; NULL: none */
    const char *url;      /* a back end that is asked instead; NULL: none */
    int seconds;          /* that it has to answer; 0: default */
} tow_token_settings;

extern const tow_option tow_token_rows[];

typedef struct tow_token_keeper tow_token_keeper;

/* NULL where the settings name neither keys nor a back end. Errors: ARGUMENT, MEMORY, SYSTEM; `why` then says
 * what is wrong. */
int tow_token_keeper_new(tow_token_keeper **keeper, const tow_handler_place *place,
    const tow_token_settings *settings, char why[TOW_HANDLER_TEXT_MAX]);

/* What doors ask; it lives as long as the keeper. NULL has none. */
const tow_channel_keeper *tow_token_keeper_table(const tow_token_keeper *keeper);

/* Whether who knows its keys could make tokens: with one of them at least. Before the server runs, and on the
 * thread that reads them again. NULL has none. */
bool tow_token_keeper_has_secret(const tow_token_keeper *keeper);

/* Reads the file of keys again: what is wrong with it is logged, and the keys stay as they were. Who is in
 * stays in. NULL is allowed here and below. */
void tow_token_keeper_reload(tow_token_keeper *keeper);

/* On the thread of the server's first loop, which does not run any more: before the server is freed. */
void tow_token_keeper_end(tow_token_keeper *keeper);

/* When the server and its loops are gone. */
void tow_token_keeper_free(tow_token_keeper *keeper);

#endif
