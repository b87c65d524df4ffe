/* pool: a way to serve: by so many processes of one program, each with connections of its own, which follow
 * each other when the program's file changes. */
#ifndef TOW_HANDLER_SERVICE_POOL_H
#define TOW_HANDLER_SERVICE_POOL_H

#include "service.h"

/* One more of its slots, or one less, has no process that can be started. */
void tow_pool_count_broken(tow_service *service, int more);

/* A slot may be over: when all are, a service that is gone is freed. */
void tow_pool_look_at_end(tow_service *service);

#endif
