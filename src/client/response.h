/* response: the head of a server's response, kept for the user of a client's socket. */
#ifndef TOW_CLIENT_RESPONSE_H
#define TOW_CLIENT_RESPONSE_H

#include "http/head.h"

#include <towline/websocket.h>

/* A copy in one piece of memory. Errors: MEMORY. */
int tow_response_new(tow_response **response, const tow_http_head *head);
void tow_response_free(tow_response *response);

#endif
