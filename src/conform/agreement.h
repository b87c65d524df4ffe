/* agreement: what is agreed on compression (RFC 7692, section 7.1). */
#ifndef TOW_CONFORM_AGREEMENT_H
#define TOW_CONFORM_AGREEMENT_H

#include <stdbool.h>

/* As read from the server's answer. */
typedef struct judged_agreement {
    bool enabled;
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    int server_max_window_bits;
    int client_max_window_bits;
} judged_agreement;

/* Reads the parameters of permessage-deflate from an extension list. False if they are not valid. */
bool tow_conform_agreement_read(const char *text, judged_agreement *agreement);

/* The agreement that a case wants, with what the client's offer asks for besides: who answers grants it (RFC
 * 7692, sections 7.1.1.1 and 7.1.2.1). */
enum { GRANTED_MAX = 256 };
void tow_conform_agreement_grant(const char *wanted, const char *offer, char granted[GRANTED_MAX]);

#endif
