/* key_json: keys of JSON (RFC 7517, and RFC 8037 for Ed25519). */
#ifndef TOW_HANDLER_TOKENS_KEY_JSON_H
#define TOW_HANDLER_TOKENS_KEY_JSON_H

#include "key.h"

#include <jansson.h>

/* Errors: UNSUPPORTED (it is for something else: another algorithm, encryption), ARGUMENT (it is broken,
 * weak, or private), MEMORY; `why` then says what is wrong. */
int tow_key_read_json(tow_key *key, const json_t *object, char why[TOW_KEY_TEXT_MAX]);

#endif
