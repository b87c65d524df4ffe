#include "names.h"

#include "transport/loop.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { BUCKETS_MIN = 64 };

int tow_sockjs_names_init(tow_sockjs_names *names) {
    names->bucket_count = BUCKETS_MIN;
    names->buckets = calloc(names->bucket_count, sizeof(tow_sockjs_name *));
    if (names->buckets == NULL)
        return TOW_ERROR_MEMORY;
    pthread_mutex_init(&names->mutex, NULL);
    return 0;
}

void tow_sockjs_names_clear(tow_sockjs_names *names) {
    for (size_t i = 0; names->buckets != NULL && i < names->bucket_count; i++) {
        while (names->buckets[i] != NULL) {
            tow_sockjs_name *name = names->buckets[i];
            names->buckets[i] = name->next;
            free(name);
        }
    }
    if (names->buckets != NULL)
        pthread_mutex_destroy(&names->mutex);
    free(names->buckets);
    names->buckets = NULL;
}

static uint64_t hash(const tow_sockjs_names *names, const char *text) {
    uint64_t sum = names->seed;
    for (; *text != '\0'; text++) {
        sum = (sum ^ (uint8_t)*text) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    return sum;
}

static tow_sockjs_name **place_of(const tow_sockjs_names *names, const char *text) {
    tow_sockjs_name **place = &names->buckets[hash(names, text) & (names->bucket_count - 1)];
    while (*place != NULL && strcmp((*place)->text, text) != 0)
        place = &(*place)->next;
    return place;
}

/* Without memory it stays as it is, and gets slower. */
static void grow(tow_sockjs_names *names) {
    size_t count = names->bucket_count * 2;
    tow_sockjs_name **buckets = calloc(count, sizeof(tow_sockjs_name *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < names->bucket_count; i++) {
        while (names->buckets[i] != NULL) {
            tow_sockjs_name *name = names->buckets[i];
            tow_sockjs_name **to = &buckets[hash(names, name->text) & (count - 1)];
            names->buckets[i] = name->next;
            name->next = *to;
            *to = name;
        }
    }
    free(names->buckets);
    names->buckets = buckets;
    names->bucket_count = count;
}

tow_websocket_id tow_sockjs_names_find(tow_sockjs_names *names, const char *text) {
    pthread_mutex_lock(&names->mutex);
    const tow_sockjs_name *found = *place_of(names, text);
    tow_websocket_id id = found != NULL ? found->id : 0;
    pthread_mutex_unlock(&names->mutex);
    return id;
}

/* Before the first name. */
static void need_seed(tow_sockjs_names *names, tow_loop *loop) {
    if (!names->has_seed)
        tow_loop_random(loop, &names->seed, sizeof(names->seed));
    names->has_seed = true;
}

int tow_sockjs_names_add(tow_sockjs_names *names, tow_loop *loop, const char *text, tow_websocket_id id) {
    size_t length = strlen(text);
    tow_sockjs_name *made = malloc(sizeof(*made) + length + 1);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->id = id;
    made->next = NULL;
    memcpy(made->text, text, length + 1);
    pthread_mutex_lock(&names->mutex);
    need_seed(names, loop);
    tow_sockjs_name **place = place_of(names, text);
    bool is_taken = *place != NULL;
    if (!is_taken) {
        *place = made;
        if (++names->count > names->bucket_count)
            grow(names);
    }
    pthread_mutex_unlock(&names->mutex);
    if (is_taken)
        free(made);
    return is_taken ? TOW_ERROR_STATE : 0;
}

void tow_sockjs_names_remove(tow_sockjs_names *names, const char *text) {
    pthread_mutex_lock(&names->mutex);
    tow_sockjs_name **place = place_of(names, text);
    tow_sockjs_name *found = *place;
    if (found != NULL) {
        *place = found->next;
        names->count--;
    }
    pthread_mutex_unlock(&names->mutex);
    free(found);
}
