#include "connect/names.h"

#include "name_service.h"
#include "system_names.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "transport/watch.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <towline/error.h>

enum { TIMEOUT_MILLISECONDS = 2000, TRIES = 3, SYSTEM_SECONDS = 30 };

/* A socket of c-ares. Kept until the channel is given up, as the loop may still look at it after a stop. */
typedef struct name_socket {
    tow_watch watch;
    struct name_socket *next;
} name_socket;

typedef struct names {
    tow_loop_companion companion; /* first */
    tow_loop *loop;
    ares_channel channel;
    name_socket *sockets;
    tow_timer timeout;        /* when c-ares wants to look at its queries again */
    tow_timer farewell;       /* when the last query was answered or cancelled */
    size_t waiting;           /* queries that somebody waits for */
    tow_name_query *held;     /* queries that nobody else knows: they go with this */
    tow_system_names *system; /* made for the first query that needs it */
    bool asks_system;         /* everything but .invalid */
    bool pinned;              /* for good */
} names;

struct tow_name_query {
    names *names;
    tow_name_query *next; /* held */
    tow_on_name on_name;  /* NULL once cancelled */
    void *user;
    int family;
    bool starting;           /* an answer that comes at once has to wait */
    bool answered;           /* c-ares does not know the query any more, or never did */
    tow_system_query *asked; /* of the system's name service, while it is under way */
    tow_timer later;         /* for an answer that came at once; or the system's time limit */
    tow_name_answer answer;
};

/* The channel. */

static void set_timeout(names *self);

static void process(names *self, ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(self->channel, readable, writable);
    set_timeout(self);
}

static void time_is_over(tow_timer *timer) {
    names *self = (names *)(void *)((char *)timer - offsetof(names, timeout));
    process(self, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void set_timeout(names *self) {
    struct timeval left;
    if (ares_timeout(self->channel, NULL, &left) == NULL) {
        tow_timer_cancel(self->loop, &self->timeout);
        return;
    }
    int64_t deadline = tow_loop_now(self->loop) + left.tv_sec * TOW_SECOND + left.tv_usec * INT64_C(1000);
    tow_timer_set(self->loop, &self->timeout, deadline, time_is_over);
}

static void socket_is_ready(tow_watch *watch, int ready) {
    process(watch->user, ready & TOW_READABLE ? watch->fd : ARES_SOCKET_BAD,
        ready & TOW_WRITABLE ? watch->fd : ARES_SOCKET_BAD);
}

static name_socket *find_socket(names *self, int fd) {
    name_socket *found = self->sockets;
    while (found != NULL && !(found->watch.started && found->watch.fd == fd))
        found = found->next;
    return found;
}

/* One that is not in use any more, or a new one; NULL when out of memory. */
static name_socket *spare_socket(names *self) {
    name_socket *spare = self->sockets;
    while (spare != NULL && spare->watch.started)
        spare = spare->next;
    if (spare != NULL || (spare = calloc(1, sizeof(*spare))) == NULL)
        return spare;
    spare->next = self->sockets;
    self->sockets = spare;
    return spare;
}

/* A socket that can't be watched is one that never answers: the query's time limit ends it. */
static void socket_changed(void *data, ares_socket_t fd, int readable, int writable) {
    names *self = data;
    name_socket *known = find_socket(self, fd);
    if (known != NULL)
        tow_watch_stop(&known->watch);
    int wanted = (readable ? TOW_READABLE : 0) | (writable ? TOW_WRITABLE : 0);
    if (wanted == 0)
        return;
    name_socket *spare = spare_socket(self);
    if (spare == NULL)
        return;
    spare->watch.user = self;
    (void)tow_watch_start(&spare->watch, self->loop, fd, wanted, socket_is_ready);
}

/* c-ares does not know the query, or not any more: its timer tells. */
static void hold(tow_name_query *query) {
    query->answered = true;
    query->next = query->names->held;
    query->names->held = query;
}

/* It need not be held. */
static tow_name_query *drop_held(names *self, tow_name_query *query) {
    tow_name_query **link = &self->held;
    while (*link != NULL && *link != query)
        link = &(*link)->next;
    if (*link != NULL)
        *link = query->next;
    tow_timer_cancel(self->loop, &query->later);
    return query;
}

static void free_names(tow_loop_companion *companion) {
    names *self = (names *)(void *)companion;
    tow_loop_set_companion(self->loop, TOW_COMPANION_NAMES, NULL);
    tow_system_names_free(self->system);
    while (self->held != NULL)
        free(drop_held(self, self->held));
    ares_destroy(self->channel); /* ends all queries, and closes the sockets */
    tow_timer_cancel(self->loop, &self->timeout);
    tow_timer_cancel(self->loop, &self->farewell);
    while (self->sockets != NULL) {
        name_socket *next = self->sockets->next;
        free(self->sockets);
        self->sockets = next;
    }
    free(self);
}

/* ares_library_init prepares nothing on POSIX systems and counts without a lock, so it is not called. */
static int open_channel(names *self) {
    static char lookups[] = "fb"; /* files, then name servers */
    struct ares_options options = {
        .timeout = TIMEOUT_MILLISECONDS,
        .tries = TRIES,
        .lookups = lookups,
        .sock_state_cb = socket_changed,
        .sock_state_cb_data = self,
    };
    int status = ares_init_options(&self->channel, &options,
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS)
        return 0;
    return status == ARES_ENOMEM ? TOW_ERROR_MEMORY : TOW_ERROR_SYSTEM;
}

static int names_of(names **out, tow_loop *loop) {
    *out = (names *)(void *)tow_loop_get_companion(loop, TOW_COMPANION_NAMES);
    if (*out != NULL)
        return 0;
    names *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    self->companion.free = free_names;
    self->loop = loop;
    self->asks_system = tow_loop_may_ask_system(loop) && tow_name_service_is_needed();
    int error = open_channel(self);
    if (error != 0) {
        free(self);
        return error;
    }
    tow_loop_set_companion(loop, TOW_COMPANION_NAMES, &self->companion);
    *out = self;
    return 0;
}

int tow_names_use_servers(tow_loop *loop, const char *servers) {
    names *self;
    if (!tow_loop_has_descriptors(loop))
        return TOW_ERROR_UNSUPPORTED;
    int error = names_of(&self, loop);
    if (error != 0)
        return error;
    int status = ares_set_servers_ports_csv(self->channel, servers);
    if (status != ARES_SUCCESS)
        return status == ARES_ENOMEM ? TOW_ERROR_MEMORY : TOW_ERROR_ARGUMENT;
    self->pinned = true;
    self->asks_system = false;
    return 0;
}

int tow_names_use_system(tow_loop *loop) {
    names *self;
    int error = names_of(&self, loop);
    if (error == 0)
        self->pinned = self->asks_system = true;
    return error;
}

/* Queries. */

static void say_farewell(tow_timer *timer) {
    names *self = (names *)(void *)((char *)timer - offsetof(names, farewell));
    free_names(&self->companion);
}

/* Never at once: c-ares may be on the stack. A helper that is stuck stays: there is never a second one. */
static void leave_if_idle(names *self) {
    bool is_idle = self->waiting == 0 && (self->system == NULL || tow_system_names_is_idle(self->system));
    if (is_idle && !self->pinned)
        tow_timer_set(self->loop, &self->farewell, 0, say_farewell);
}

static void one_less_waiting(names *self) {
    self->waiting--;
    leave_if_idle(self);
}

static void tell(tow_name_query *query) {
    one_less_waiting(query->names);
    drop_held(query->names, query);
    query->on_name(query->user, query->family, &query->answer);
    free(query);
}

static void tell_later(tow_timer *timer) {
    tell((tow_name_query *)(void *)((char *)timer - offsetof(tow_name_query, later)));
}

static void note_failure(tow_name_answer *answer, int status) {
    bool absent = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
    answer->error = status == ARES_ENOMEM     ? TOW_ERROR_MEMORY
                    : status == ARES_ETIMEOUT ? TOW_ERROR_TIMED_OUT
                                              : TOW_ERROR_NAME_NOT_FOUND;
    answer->text = absent ? tow_strerror(TOW_ERROR_NAME_NOT_FOUND) : ares_strerror(status);
}

static void note_address(tow_name_answer *answer, const struct sockaddr *found, socklen_t length) {
    if (length > sizeof(struct sockaddr_storage) || answer->count == TOW_NAME_ADDRESSES_MAX)
        return;
    tow_address *address = &answer->addresses[answer->count++];
    memset(address, 0, sizeof(*address));
    memcpy(&address->storage, found, length);
    address->length = length;
}

static void note_addresses(tow_name_answer *answer, int family, const struct ares_addrinfo *result) {
    const struct ares_addrinfo_node *node = result->nodes;
    for (; node != NULL; node = node->ai_next)
        if (node->ai_family == family)
            note_address(answer, node->ai_addr, node->ai_addrlen);
    if (answer->count == 0)
        note_failure(answer, ARES_ENODATA);
}

static void answer_came(void *argument, int status, int timeouts, struct ares_addrinfo *result) {
    tow_name_query *query = argument;
    (void)timeouts;
    query->answered = true;
    if (status == ARES_SUCCESS && result != NULL)
        note_addresses(&query->answer, query->family, result);
    else
        note_failure(&query->answer, status);
    ares_freeaddrinfo(result);
    if (query->starting) {
        hold(query);
        tow_timer_set(query->names->loop, &query->later, 0, tell_later);
    } else if (query->on_name == NULL || status == ARES_EDESTRUCTION)
        free(query);
    else
        tell(query);
}

/* The system's name service. */

static void note_system_failure(tow_name_answer *answer, int status) {
    bool absent = status == EAI_NONAME || status == EAI_NODATA || status == EAI_ADDRFAMILY;
    answer->error = status == EAI_MEMORY ? TOW_ERROR_MEMORY : TOW_ERROR_NAME_NOT_FOUND;
    answer->text = absent ? tow_strerror(TOW_ERROR_NAME_NOT_FOUND) : gai_strerror(status);
}

static void system_answered(void *owner, void *user, int status, const struct addrinfo *found) {
    tow_name_query *query = user;
    if (query == NULL) {
        leave_if_idle(owner);
        return;
    }
    query->asked = NULL;
    for (; found != NULL; found = found->ai_next)
        if (found->ai_family == query->family)
            note_address(&query->answer, found->ai_addr, found->ai_addrlen);
    if (query->answer.count == 0)
        note_system_failure(&query->answer, status != 0 ? status : EAI_NONAME);
    tell(query);
}

static void system_took_too_long(tow_timer *timer) {
    tow_name_query *query = (tow_name_query *)(void *)((char *)timer - offsetof(tow_name_query, later));
    tow_system_query_cancel(query->asked);
    query->answer.error = TOW_ERROR_TIMED_OUT;
    query->answer.text = "the system's name service does not answer";
    tell(query);
}

static int ask_system(tow_name_query *query, const char *name) {
    names *self = query->names;
    int error =
        self->system != NULL ? 0 : tow_system_names_new(&self->system, self->loop, system_answered, self);
    if (error == 0)
        error = tow_system_query_start(&query->asked, self->system, name, query->family, query);
    if (error != 0)
        return error;
    hold(query);
    tow_timer_set(self->loop, &query->later, tow_loop_now(self->loop) + SYSTEM_SECONDS * TOW_SECOND,
        system_took_too_long);
    return 0;
}

/* RFC 6762, section 22.1: these names are not for name servers; /etc/hosts may have some. */
static void look_in_hosts(tow_name_query *query, const char *name) {
    struct hostent *host = NULL;
    int status = ares_gethostbyname_file(query->names->channel, name, query->family, &host);
    for (char **bytes = host != NULL ? host->h_addr_list : NULL; bytes != NULL && *bytes != NULL; bytes++) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET};
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
        if (query->family == AF_INET)
            memcpy(&ipv4.sin_addr, *bytes, sizeof(ipv4.sin_addr));
        else
            memcpy(&ipv6.sin6_addr, *bytes, sizeof(ipv6.sin6_addr));
        if (query->family == AF_INET)
            note_address(&query->answer, (const struct sockaddr *)&ipv4, sizeof(ipv4));
        else
            note_address(&query->answer, (const struct sockaddr *)&ipv6, sizeof(ipv6));
    }
    if (host != NULL)
        ares_free_hostent(host);
    if (query->answer.count == 0)
        note_failure(&query->answer, status != ARES_SUCCESS ? status : ARES_ENODATA);
    hold(query);
    tow_timer_set(query->names->loop, &query->later, 0, tell_later);
}

/* Whether the last label is this one. */
static bool has_top(const char *name, const char *top) {
    size_t length = strlen(name);
    size_t top_length = strlen(top);
    if (length > 0 && name[length - 1] == '.')
        length--;
    return length >= top_length && strncasecmp(name + length - top_length, top, top_length) == 0;
}

/* Errors: MEMORY, SYSTEM. */
static int ask(tow_name_query *query, const char *name) {
    names *self = query->names;
    if (!tow_loop_has_descriptors(self->loop) || has_top(name, ".invalid")) {
        answer_came(query, ARES_ENOTFOUND, 0, NULL); /* RFC 6761, section 6.4: there are no such names */
        return 0;
    }
    if (self->asks_system)
        return ask_system(query, name);
    if (has_top(name, ".local")) {
        look_in_hosts(query, name);
        return 0;
    }
    const struct ares_addrinfo_hints hints = {.ai_family = query->family, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(self->channel, name, NULL, &hints, answer_came, query);
    set_timeout(self);
    return 0;
}

int tow_name_query_start(
    tow_name_query **query, tow_loop *loop, const char *name, int family, tow_on_name on_name, void *user) {
    names *self;
    int error = names_of(&self, loop);
    if (error != 0)
        return error;
    tow_name_query *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *made =
        (tow_name_query){.names = self, .on_name = on_name, .user = user, .family = family, .starting = true};
    tow_timer_cancel(loop, &self->farewell);
    self->waiting++;
    error = ask(made, name);
    if (error != 0) {
        one_less_waiting(self);
        free(made);
        return error;
    }
    made->starting = false;
    *query = made;
    return 0;
}

void tow_name_query_cancel(tow_name_query *query) {
    if (query == NULL)
        return;
    names *self = query->names;
    query->on_name = NULL;
    if (query->answered) { /* else c-ares tells when it is done with it */
        if (query->asked != NULL)
            tow_system_query_cancel(query->asked);
        free(drop_held(self, query));
    }
    one_less_waiting(self);
}
