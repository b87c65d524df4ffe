/* raw_echo_tls: a TLS echo server that parses nothing: the floor under any server that speaks TLS on epoll.
 *
 *     raw-echo-tls CERTIFICATE KEY      PEM files
 *
 * As raw_echo_epoll, with OpenSSL between: one recv into one hot buffer for each event; all records in it are
 * decrypted into a second one, and what they held is written back by as few records as it needs, which leave
 * in one send. OpenSSL reads and writes those buffers by a BIO of a few lines, so that it makes no system
 * call of its own. Version, ciphers and buffers of the connections are those that towline asks for. */
#include "raw_listen.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    RECORD_SIZE = 16 * 1024,
    BUFFER_SIZE = 256 * 1024,
    PLAIN_SIZE = BUFFER_SIZE + 2 * RECORD_SIZE, /* with the part of a record that came before */
    OUTPUT_SIZE = PLAIN_SIZE + RECORD_SIZE,     /* the same in records, or what a handshake answers */
    EVENTS = 1024
};

struct connection {
    int fd;
    SSL *ssl;
    uint8_t *unsent; /* NULL, or ciphertext that is still to be sent */
    size_t unsent_length;
    size_t unsent_offset;
};

/* What is being read and written: one connection at a time. */
struct traffic {
    const uint8_t *input;
    size_t input_length;
    size_t output_length;
    uint8_t output[OUTPUT_SIZE];
    uint8_t received[BUFFER_SIZE];
    uint8_t plain[PLAIN_SIZE];
};

/* The BIO. */

static int bio_read(BIO *bio, char *out, int size) {
    struct traffic *traffic = BIO_get_data(bio);
    size_t length = (size_t)size < traffic->input_length ? (size_t)size : traffic->input_length;
    BIO_clear_retry_flags(bio);
    if (length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, traffic->input, length);
    traffic->input += length;
    traffic->input_length -= length;
    return (int)length;
}

static int bio_write(BIO *bio, const char *bytes, int length) {
    struct traffic *traffic = BIO_get_data(bio);
    if ((size_t)length > OUTPUT_SIZE - traffic->output_length)
        return -1;
    memcpy(traffic->output + traffic->output_length, bytes, (size_t)length);
    traffic->output_length += (size_t)length;
    return length;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "raw echo");
    must(method == NULL ? -1 : 0, "BIO_meth_new");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/* Connections. */

static void connection_free(struct connection *connection) {
    close(connection->fd);
    SSL_free(connection->ssl);
    free(connection->unsent);
    free(connection);
}

static struct connection *connection_new(
    int fd, SSL_CTX *context, BIO_METHOD *method, struct traffic *traffic) {
    struct connection *connection = calloc(1, sizeof(*connection));
    SSL *ssl = SSL_new(context);
    BIO *bio = BIO_new(method);
    if (connection == NULL || ssl == NULL || bio == NULL) {
        fprintf(stderr, "no memory for a connection\n");
        exit(1);
    }
    BIO_set_data(bio, traffic);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    connection->fd = fd;
    connection->ssl = ssl;
    return connection;
}

static void watch(int epoll, struct connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    must(epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event), "epoll_ctl");
}

static void accept_all(
    int epoll, int listener, SSL_CTX *context, BIO_METHOD *method, struct traffic *traffic) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct epoll_event event = {
            .events = EPOLLIN, .data.ptr = connection_new(fd, context, method, traffic)};
        // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll has the pointer
        must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }
}

/* Sends on from what waits; false when the peer is gone. */
static bool send_unsent(int epoll, struct connection *connection) {
    ssize_t sent = send(connection->fd, connection->unsent + connection->unsent_offset,
        connection->unsent_length - connection->unsent_offset, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    connection->unsent_offset += (size_t)sent;
    if (connection->unsent_offset == connection->unsent_length) {
        free(connection->unsent);
        connection->unsent = NULL;
        watch(epoll, connection, EPOLLIN);
    }
    return true;
}

static bool keep_unsent(int epoll, struct connection *connection, const uint8_t *bytes, size_t length) {
    connection->unsent = malloc(length);
    if (connection->unsent == NULL)
        return false;
    memcpy(connection->unsent, bytes, length);
    connection->unsent_length = length;
    connection->unsent_offset = 0;
    watch(epoll, connection, EPOLLOUT);
    return true;
}

/* Decrypts all there is, into the buffer. False when the connection is over. */
static bool decrypt(struct connection *connection, struct traffic *traffic, size_t *length) {
    size_t got;
    while (traffic->input_length > 0 || SSL_pending(connection->ssl) > 0) {
        int result = SSL_read_ex(connection->ssl, traffic->plain + *length, PLAIN_SIZE - *length, &got);
        if (result != 1)
            return SSL_get_error(connection->ssl, result) == SSL_ERROR_WANT_READ;
        *length += got;
    }
    return true;
}

static bool encrypt(struct connection *connection, const struct traffic *traffic, size_t length) {
    size_t written;
    for (size_t done = 0; done < length; done += written) {
        size_t part = length - done < RECORD_SIZE ? length - done : RECORD_SIZE;
        if (SSL_write_ex(connection->ssl, traffic->plain + done, part, &written) != 1)
            return false;
    }
    return true;
}

/* False when the connection is over. */
static bool echo(int epoll, struct connection *connection, struct traffic *traffic) {
    ssize_t received = recv(connection->fd, traffic->received, BUFFER_SIZE, 0);
    size_t length = 0;
    if (received <= 0)
        return received < 0 && errno == EAGAIN;
    traffic->input = traffic->received;
    traffic->input_length = (size_t)received;
    traffic->output_length = 0;
    if (!decrypt(connection, traffic, &length) || !encrypt(connection, traffic, length))
        return false;
    if (traffic->output_length == 0)
        return true;
    ssize_t sent = send(connection->fd, traffic->output, traffic->output_length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return false;
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    return taken == traffic->output_length ||
           keep_unsent(epoll, connection, traffic->output + taken, traffic->output_length - taken);
}

/* The server. */

static SSL_CTX *context_new(const char *certificate, const char *key) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "%s, %s: not a certificate and its key\n", certificate, key);
        exit(1);
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    return context;
}

int main(int argument_count, char **arguments) {
    static struct traffic traffic;
    static struct epoll_event events[EVENTS];
    if (argument_count != 3) {
        fprintf(stderr, "usage: raw-echo-tls CERTIFICATE KEY\n");
        return 2;
    }
    SSL_CTX *context = context_new(arguments[1], arguments[2]);
    BIO_METHOD *method = bio_method();
    int listener = raw_listen(SOCK_NONBLOCK);
    int epoll = must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL)
                accept_all(epoll, listener, context, method, &traffic);
            else if (!(connection->unsent ? send_unsent(epoll, connection)
                                          : echo(epoll, connection, &traffic)))
                connection_free(connection);
        }
    }
}
