/* progress: whether a peer takes what it is sent. A stream tells its owner when it takes more, and that may
 * be long after the kernel has handed some of its own megabytes on; so the owner looks from time to time
 * while something is on its way.
 *
 * Goes in: when the stream took something, and looks. Comes out: when the peer is known to have taken
 * something last, and when to look again. */
#ifndef TOW_TRANSPORT_PROGRESS_H
#define TOW_TRANSPORT_PROGRESS_H

#include "transport/stream.h"

typedef struct tow_progress {
    int64_t since; /* when the peer took something last, as far as is known; in tow_loop_now's nanoseconds */
    size_t left;   /* tow_stream_untaken at the last look; SIZE_MAX: there was none since then */
} tow_progress;

/* The stream has just taken something, or something begins to wait. */
void tow_progress_note(tow_progress *progress, int64_t now);

/* Looks, and returns how many bytes the peer has not taken. If nobody looked in time, as nobody knew that
 * something waited (TLS keeps it, and says nothing), the time begins now. */
size_t tow_progress_look(tow_progress *progress, const tow_stream *stream, int64_t now);

/* Whether the peer has taken nothing for so many seconds. With TOW_OFF it may take as long as it likes. */
bool tow_progress_is_over(const tow_progress *progress, int64_t now, int seconds);

/* When to look again: some times until that is so, and then. */
int64_t tow_progress_next(const tow_progress *progress, int64_t now, int seconds);

#endif
