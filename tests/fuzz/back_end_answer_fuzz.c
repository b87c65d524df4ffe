/* The answer of a back end: its state, its Close and its body, in lines "STATE\nCLOSE\nTYPE\nBODY", for a
 * service that nobody uses any more: all is read, and nothing done. */
#include "fuzz.h"

#include "service/answer.h"

#include <stdint.h>
#include <string.h>
#include <towline/error.h>

static tow_slice line(const char **at, const char *end) {
    const char *begin = *at;
    const char *feed = memchr(begin, '\n', (size_t)(end - begin));
    const char *stop = feed == NULL ? end : feed;
    *at = feed == NULL ? end : feed + 1;
    return (tow_slice){stop == begin ? NULL : begin, (size_t)(stop - begin)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tow_service service = {.gone = true};
    const char *at = (const char *)data;
    const char *end = at + size;
    if (size == 0)
        return 0;
    tow_answer answer = {.state = line(&at, end)};
    answer.close = line(&at, end);
    answer.type = line(&at, end);
    answer.body = (const uint8_t *)at;
    answer.length = (size_t)(end - at);
    int error = tow_answer_do(&service, 1, &answer);
    CHECK(error == 0 || error == TOW_ERROR_ARGUMENT);
    return 0;
}
