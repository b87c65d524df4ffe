/* What a shared library's head promises: where all is said to be there, the segments are. */
#include "fuzz.h"
#include "module/elf.h"

#include <link.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    if (tow_elf_problem(bytes, length) != NULL)
        return 0;
    ElfW(Ehdr) head;
    memcpy(&head, bytes, sizeof(head));
    for (size_t i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) segment;
        memcpy(&segment, bytes + head.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_LOAD)
            CHECK(segment.p_filesz <= length && segment.p_offset <= length - segment.p_filesz);
    }
    return 0;
}
