/* towline.h: WebSocket for C. Includes every public header.
 *
 * Options that are out of their range or contradict each other, and NULL where a call needs something, are
 * answered with ARGUMENT. What returns no error does nothing with NULL, and answers 0, "" or NULL. */
#ifndef TOWLINE_H
#define TOWLINE_H

#include <towline/blocking.h>
#include <towline/channel.h>
#include <towline/error.h>
#include <towline/handler.h>
#include <towline/http.h>
#include <towline/limits.h>
#include <towline/log.h>
#include <towline/loop.h>
#include <towline/message.h>
#include <towline/protocol.h>
#include <towline/reconnector.h>
#include <towline/server.h>
#include <towline/shared.h>
#include <towline/stream.h>
#include <towline/timer.h>
#include <towline/version.h>
#include <towline/websocket.h>

#endif
