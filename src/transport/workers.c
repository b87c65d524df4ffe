#include "transport/workers.h"

#include "loop_shared.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <towline/error.h>

typedef struct worker {
    struct tow_workers *workers;
    tow_loop *loop;
    pthread_t thread;
    int index;
} worker;

struct tow_workers {
    void (*run)(void *argument, int index, tow_loop *loop);
    void *argument;
    sem_t start; /* until all threads are there */
    bool cancelled;
    int count;
    worker each[];
};

static void *work(void *argument) {
    worker *self = argument;
    tow_workers *workers = self->workers;
    while (sem_wait(&workers->start) != 0) {
    }
    if (!workers->cancelled) {
        workers->run(workers->argument, self->index, self->loop);
        tow_loop_settle(self->loop);
    }
    return NULL;
}

static void free_workers(tow_workers *workers) {
    for (int i = 0; i < workers->count; i++)
        tow_loop_free(workers->each[i].loop);
    sem_destroy(&workers->start);
    free(workers);
}

/* Returns how many threads were made. */
static int start_threads(tow_workers *workers) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int made = 0;
    while (made < workers->count) {
        worker *one = &workers->each[made];
        *one = (worker){.workers = workers, .loop = one->loop, .index = made};
        if (pthread_create(&one->thread, NULL, work, one) != 0)
            break;
        made++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return made;
}

static void release_and_join(tow_workers *workers, int made) {
    for (int i = 0; i < made; i++)
        sem_post(&workers->start);
    for (int i = 0; i < made; i++)
        pthread_join(workers->each[i].thread, NULL);
}

int tow_workers_start(tow_workers **workers, int count, tow_io io,
    void (*run)(void *argument, int index, tow_loop *loop), void *argument) {
    if (count < 1)
        return TOW_ERROR_ARGUMENT;
    tow_workers *made = calloc(1, sizeof(*made) + (size_t)count * sizeof(made->each[0]));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->run = run;
    made->argument = argument;
    made->count = count;
    sem_init(&made->start, 0, 0);
    int error = 0;
    for (int i = 0; i < count && error == 0; i++)
        error = tow_loop_new(&made->each[i].loop, &(tow_loop_options){.io = io});
    if (error == 0) {
        int threads = start_threads(made);
        if (threads < count) {
            made->cancelled = true;
            release_and_join(made, threads);
            error = TOW_ERROR_SYSTEM;
        }
    }
    if (error != 0) {
        free_workers(made);
        return error;
    }
    *workers = made;
    for (int i = 0; i < count; i++)
        sem_post(&made->start);
    return 0;
}

void tow_workers_join(tow_workers *workers) {
    if (workers == NULL)
        return;
    for (int i = 0; i < workers->count; i++)
        pthread_join(workers->each[i].thread, NULL);
    free_workers(workers);
}
