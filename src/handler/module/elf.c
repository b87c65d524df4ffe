#include "elf.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

enum { NATIVE_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32 };

static bool has(size_t length, uint64_t offset, uint64_t size) {
    return offset <= length && size <= length - offset;
}

static const char *segment_problem(const ElfW(Phdr) * segment, size_t length) {
    bool is_mapped = segment->p_type == PT_LOAD || segment->p_type == PT_DYNAMIC;
    return is_mapped && !has(length, segment->p_offset, segment->p_filesz) ? "it is cut off" : NULL;
}

static const char *segments_problem(const ElfW(Ehdr) * head, const uint8_t *bytes, size_t length) {
    const char *problem = NULL;
    if (head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phnum == 0)
        return "it is no shared library";
    if (!has(length, head->e_phoff, (uint64_t)head->e_phnum * sizeof(ElfW(Phdr))))
        return "it is cut off";
    for (size_t i = 0; problem == NULL && i < head->e_phnum; i++) {
        ElfW(Phdr) segment;
        memcpy(&segment, bytes + head->e_phoff + i * sizeof(segment), sizeof(segment));
        problem = segment_problem(&segment, length);
    }
    return problem;
}

/* The table of sections stands at the end of the file, and is not loaded: it shows that the end is there. */
static const char *sections_problem(const ElfW(Ehdr) * head, size_t length) {
    uint64_t size = (uint64_t)head->e_shnum * head->e_shentsize;
    return head->e_shoff != 0 && !has(length, head->e_shoff, size) ? "it is cut off" : NULL;
}

const char *tow_elf_problem(const uint8_t *bytes, size_t length) {
    ElfW(Ehdr) head;
    if (length < sizeof(head) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return "it is no shared library";
    memcpy(&head, bytes, sizeof(head));
    if (head.e_ident[EI_CLASS] != NATIVE_CLASS || head.e_type != ET_DYN)
        return "it is no shared library for this machine";
    const char *problem = segments_problem(&head, bytes, length);
    return problem != NULL ? problem : sections_problem(&head, length);
}
