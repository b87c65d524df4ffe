/* refusal: the errors of Engine.IO, as answers. */
#ifndef TOW_HANDLER_ENGINEIO_REFUSAL_H
#define TOW_HANDLER_ENGINEIO_REFUSAL_H

#include "../session/visit.h"

/* An error by its code. */
tow_session_visit_answer tow_engineio_refusal(int code);

void tow_engineio_respond(tow_exchange *exchange, const tow_session_visit_answer *answer);
void tow_engineio_refuse(tow_exchange *exchange, int code);
void tow_engineio_refuse_opening(tow_exchange *exchange, int code);

/* Answers a request of which no session came. */
void tow_engineio_refuse_session(tow_exchange *exchange, int error);

#endif
