#include "stay.h"

#include <stdlib.h>
#include <string.h>

/* Seconds after which the clock is looked at again, as it may be set meanwhile. */
enum { LOOK_SECONDS = 3600 };

static void on_look(tow_timer *timer);

/* False: its time is over. */
static bool expiry_set(tow_stay *stay) {
    tow_loop *loop = stay->guest->loop;
    int64_t left = stay->guest->expires - tow_loop_wall_seconds(loop);
    if (left <= 0)
        return false;
    tow_timer_set(loop, &stay->expiry,
        tow_loop_now(loop) + (left < LOOK_SECONDS ? left : LOOK_SECONDS) * TOW_SECOND, on_look);
    return true;
}

static void on_look(tow_timer *timer) {
    tow_stay *stay = (tow_stay *)(void *)((char *)timer - offsetof(tow_stay, expiry));
    if (!expiry_set(stay))
        stay->guest->on_dismissed(stay->guest, TOW_CHANNEL_EXPIRED);
}

static void on_called(tow_booked *booked) {
    tow_stay *stay = (tow_stay *)(void *)((char *)booked - offsetof(tow_stay, booked));
    stay->guest->on_dismissed(stay->guest, TOW_CHANNEL_DISCONNECTED);
}

tow_stay *tow_stay_begin(tow_channel_guest *guest, tow_guest_book *book) {
    tow_stay *stay = calloc(1, sizeof(*stay));
    if (stay == NULL)
        return NULL;
    stay->guest = guest;
    stay->book = book;
    stay->booked.on_called = on_called;
    guest->known = stay;
    return stay;
}

bool tow_stay_may_take_grant(const tow_stay *stay, const tow_grant *grant) {
    const char *before = stay->guest->subject;
    const char *now = grant != NULL ? tow_grant_subject(grant) : NULL;
    return !stay->guest->is_in || before == NULL || (now != NULL && strcmp(before, now) == 0);
}

void tow_stay_take_grant(tow_stay *stay, tow_grant *grant) {
    tow_channel_guest *guest = stay->guest;
    tow_guest_book_leave(stay->book, &stay->booked);
    tow_timer_cancel(guest->loop, &stay->expiry);
    tow_grant_free(stay->grant);
    stay->grant = grant;
    guest->subject = grant != NULL ? tow_grant_subject(grant) : NULL;
    guest->info = grant != NULL ? tow_grant_info(grant) : (tow_slice){"", 0};
    guest->expires = grant != NULL ? tow_grant_expires(grant) : 0;
    if (guest->subject != NULL)
        tow_guest_book_enter(stay->book, &stay->booked, guest->subject, guest->loop);
    if (guest->expires != 0 && !expiry_set(stay)) /* between the check and now */
        tow_timer_set(guest->loop, &stay->expiry, tow_loop_now(guest->loop), on_look);
}

void tow_stay_end(tow_stay *stay) {
    if (stay == NULL)
        return;
    tow_stay_take_grant(stay, NULL);
    stay->guest->known = NULL;
    free(stay->fields);
    free(stay);
}
