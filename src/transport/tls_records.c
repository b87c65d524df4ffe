#include "tls_records.h"

#include "tls_failure.h"

#include <string.h>
#include <towline/error.h>

/* How OpenSSL reads and writes. */

static int on_write(BIO *bio, const char *bytes, int length) {
    tow_tls_stream *tls = BIO_get_data(bio);
    tow_stream_layer_put(&tls->layer, (const uint8_t *)bytes, length > 0 ? (size_t)length : 0);
    return length;
}

static int on_read(BIO *bio, char *out, int size) {
    const tow_tls_stream *tls = BIO_get_data(bio);
    tow_tls_input *input = tls->input;
    BIO_clear_retry_flags(bio);
    if (input == NULL || input->length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t length = size > 0 && (size_t)size < input->length ? (size_t)size : input->length;
    memcpy(out, input->bytes, length);
    input->bytes += length;
    input->length -= length;
    return (int)length;
}

static long on_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tow_tls_method_new(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "towline stream");
    if (method == NULL)
        return NULL;
    BIO_meth_set_write(method, on_write);
    BIO_meth_set_read(method, on_read);
    BIO_meth_set_ctrl(method, on_control);
    return method;
}

int tow_tls_records_attach(tow_tls_stream *tls) {
    BIO *bio = BIO_new(tls->context->method);
    if (bio == NULL)
        return TOW_ERROR_MEMORY;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return 0;
}

/* Encrypting. */

/* Where a list of pieces is being read. */
typedef struct record_cursor {
    const struct iovec *pieces;
    int count;
    size_t offset; /* in the first piece */
} record_cursor;

/* The bytes for one record: where they lie, if the first piece has enough of them or is the last, else
 * gathered in `memory`. */
static size_t next_record(record_cursor *cursor, uint8_t *memory, const uint8_t **bytes) {
    size_t left = cursor->pieces->iov_len - cursor->offset;
    *bytes = (const uint8_t *)cursor->pieces->iov_base + cursor->offset;
    if (left >= TOW_TLS_RECORD || cursor->count == 1)
        return left < TOW_TLS_RECORD ? left : TOW_TLS_RECORD;
    size_t length = 0;
    size_t offset = cursor->offset;
    for (int i = 0; i < cursor->count && length < TOW_TLS_RECORD; i++, offset = 0) {
        const struct iovec *piece = &cursor->pieces[i];
        size_t part = piece->iov_len - offset;
        part = part < TOW_TLS_RECORD - length ? part : TOW_TLS_RECORD - length;
        memcpy(memory + length, (const uint8_t *)piece->iov_base + offset, part);
        length += part;
    }
    *bytes = memory;
    return length;
}

static void advance(record_cursor *cursor, size_t length) {
    while (cursor->count > 0 && length >= cursor->pieces->iov_len - cursor->offset) {
        length -= cursor->pieces->iov_len - cursor->offset;
        cursor->pieces++;
        cursor->count--;
        cursor->offset = 0;
    }
    cursor->offset += length;
}

/* The answer is an error only where nothing was taken, as whoever gets it may say the same again. */
static ssize_t failed(tow_tls_stream *tls, size_t taken) {
    int error = tow_tls_failure(tls);
    if (taken == 0)
        return error;
    tow_stream_fail(tls->layer.outer, error);
    return (ssize_t)taken;
}

ssize_t tow_tls_records_encrypt(tow_tls_stream *tls, const struct iovec *pieces, int count) {
    tow_tls_loop *shared = tow_tls_shared(tls);
    record_cursor cursor = {.pieces = pieces, .count = count};
    size_t total = tow_stream_pieces_length(pieces, count);
    size_t taken = 0;
    advance(&cursor, 0);
    while (cursor.count > 0 && !tow_stream_layer_is_stuck(&tls->layer)) {
        const uint8_t *bytes;
        size_t written = 0;
        size_t length = next_record(&cursor, shared->record, &bytes);
        if (SSL_write_ex(tls->ssl, bytes, length, &written) != 1)
            return failed(tls, taken);
        taken += written;
        advance(&cursor, written);
        tow_stream_layer_make_room(&tls->layer, total - taken);
    }
    return (ssize_t)taken;
}

/* Decrypting. */

static bool has_input(const tow_tls_stream *tls) {
    return tls->input->length > 0 || SSL_pending(tls->ssl) > 0;
}

tow_tls_filling tow_tls_records_decrypt(
    tow_tls_stream *tls, uint8_t *buffer, size_t capacity, size_t *used, int *error) {
    while (has_input(tls)) {
        if (*used == capacity)
            return TOW_TLS_FILLED;
        size_t got = 0;
        int result = SSL_read_ex(tls->ssl, buffer + *used, capacity - *used, &got);
        *used += got;
        if (result == 1)
            continue;
        if (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN &&
            SSL_get_error(tls->ssl, result) == SSL_ERROR_ZERO_RETURN)
            return TOW_TLS_ENDED;
        *error = tow_tls_failure_of(tls, result);
        return *error != 0 ? TOW_TLS_FAILED : TOW_TLS_DRAINED;
    }
    return TOW_TLS_DRAINED;
}
