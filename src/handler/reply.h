/* reply: what the answers of the file handler have in common. */
#ifndef TOW_HANDLER_REPLY_H
#define TOW_HANDLER_REPLY_H

#include "server/exchange.h"

#include <stddef.h>

/* Adds the fields whose value is not NULL. Errors: MEMORY, STATE. */
int tow_reply_fields(tow_exchange *exchange, const tow_header_field *fields, size_t count);

/* Answers with a line of text that names the status. */
void tow_reply_status(tow_exchange *exchange, int status);

/* Answers 405; `allowed` are the methods that there are, with commas between them. */
void tow_reply_method(tow_exchange *exchange, const char *allowed);

/* The request is for what lies inside the program, GET or HEAD; else it is answered with 405. */
bool tow_reply_is_reading(tow_exchange *exchange, const tow_request *request);

/* The status for an error of the system's calls. */
int tow_status_of_error(int error);

#endif
