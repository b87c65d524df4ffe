#include "signature.h"

#include <errno.h>
#include <stdio.h>
#include <towline/error.h>

static int error_of(int number) {
    return number == ENOENT ? TOW_ERROR_NO_FILE : number == EACCES ? TOW_ERROR_PERMISSION : TOW_ERROR_SYSTEM;
}

int tow_signature_key_read(tow_signature_key *key, const char *file) {
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL)
        return error_of(errno);
    key->length = fread(key->bytes, 1, sizeof(key->bytes), stream);
    bool is_whole = feof(stream) && !ferror(stream);
    fclose(stream);
    while (key->length > 0 && (key->bytes[key->length - 1] == '\n' || key->bytes[key->length - 1] == '\r'))
        key->length--;
    return is_whole && key->length > 0 ? 0 : TOW_ERROR_ARGUMENT;
}

static tow_slice slice_of(const tow_signature_key *key) {
    return (tow_slice){(const char *)key->bytes, key->length};
}

int tow_signature_make(
    char out[TOW_SIGNATURE_TEXT], const tow_signature_key *key, const tow_slice *parts, size_t count) {
    return tow_hmac_make(out, slice_of(key), parts, count, "\n");
}

bool tow_signature_is(const char *text, const tow_signature_key *key, const tow_slice *parts, size_t count) {
    return tow_hmac_is(tow_slice_from(text), slice_of(key), parts, count, "\n");
}
