/* close_name: the names of status codes, as the IANA registry of WebSocket close codes has them. */
#ifndef TOW_PROGRAM_CLOSE_NAME_H
#define TOW_PROGRAM_CLOSE_NAME_H

/* "going away" for 1001; "" for a code that has no name. */
const char *tow_close_name(unsigned code);

#endif
