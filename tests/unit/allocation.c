#include "allocation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *memory);

static size_t count;
static size_t failing;
static long outstanding;

void allocation_fail_at(size_t number) {
    count = 0;
    failing = number;
}

size_t allocation_count(void) {
    return count;
}

long allocation_outstanding(void) {
    return outstanding;
}

static bool fails(void) {
    return ++count == failing;
}

static void *counted(void *memory) {
    outstanding += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size) {
    return fails() ? NULL : counted(__real_calloc(number, size));
}

void *__wrap_realloc(void *memory, size_t size) {
    if (fails())
        return NULL;
    return memory == NULL ? counted(__real_realloc(NULL, size)) : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

char *__wrap_strndup(const char *text, size_t length) {
    size_t known = strnlen(text, length);
    char *copy = __wrap_malloc(known + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, known);
    copy[known] = '\0';
    return copy;
}

char *__wrap_strdup(const char *text) {
    return __wrap_strndup(text, strlen(text));
}

void __wrap_free(void *memory) {
    outstanding -= memory != NULL;
    __real_free(memory);
}
