/* unheard: the log's line of a publication that the store of channels has refused when nobody waited for its
 * answer. */
#ifndef TOW_SERVER_UNHEARD_H
#define TOW_SERVER_UNHEARD_H

#include "base/slice.h"

/* For tow_hub_options; `user` is the server. The first worker writes it. */
void tow_unheard_report(void *user, tow_slice channel, int error);

#endif
