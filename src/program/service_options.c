#include "service_options.h"

#include "ports.h"
#include "serve.h"
#include "server/host.h"
#include "server/origin.h"
#include "transport/subnet.h"

#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

#define FIELD(member) TOW_OPTION_FIELD(tow_serve_settings, member)
#define LIMIT(member) TOW_OPTION_FIELD(tow_limits, member)

const tow_option_choice tow_compression_choices[] = {{"off", TOW_COMPRESSION_OFF},
    {"shared", TOW_COMPRESSION_SHARED}, {"takeover", TOW_COMPRESSION_TAKEOVER}, {0}};

static const tow_option_choice io_choices[] = {
    {"auto", TOW_IO_AUTO}, {"io_uring", TOW_IO_URING}, {"epoll", TOW_IO_EPOLL}, {0}};

static const tow_option_choice overflow_choices[] = {{"close", TOW_OVERFLOW_CLOSE},
    {"refuse", TOW_OVERFLOW_REFUSE}, {"drop-oldest", TOW_OVERFLOW_DROP_OLDEST}, {0}};

static const tow_option_choice log_level_choices[] = {{"error", TOW_LOG_ERROR}, {"warning", TOW_LOG_WARNING},
    {"info", TOW_LOG_INFO}, {"debug", TOW_LOG_DEBUG}, {0}};

static const tow_option_choice log_format_choices[] = {
    {"text", TOW_SERVE_LOG_TEXT}, {"json", TOW_SERVE_LOG_JSON}, {0}};

int tow_check_origin(const char *text) {
    return tow_origin_pattern_is_valid(text) ? 0 : TOW_ERROR_ARGUMENT;
}

int tow_check_host_name(const char *text) {
    return tow_host_name_is_valid(text) ? 0 : TOW_ERROR_ARGUMENT;
}

static int check_subnet(const char *text) {
    tow_subnet subnet;
    return tow_subnet_read(&subnet, text, strlen(text));
}

const tow_option tow_service_status_rows[] = {
    {.name = "status",
        .kind = TOW_OPTION_TEXT,
        .value = "[HOST:]PORT|unix:PATH|fd:N|systemd:NAME",
        .note = "none",
        .help = "where to serve counters for Prometheus and a health check",
        .expects = "an address such as 9999, localhost:9999 or unix:/run/towline.status, or fd:3 or "
                   "systemd:NAME",
        .check = tow_port_check,
        .needs = TOW_OPTION_NEEDS_SERVER,
        .path = TOW_OPTION_UNIX_PATH,
        FIELD(server.status)},
    {0},
};

const tow_option tow_service_tls_rows[] = {
    {.group = "TLS",
        .name = "tls",
        .letter = 't',
        .kind = TOW_OPTION_FLAG,
        .help = "speak TLS (wss, https) on every port; needs --certificate or --tls-self-signed, which turn "
                "it on as well",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(tls)},
    {.name = "certificate",
        .letter = 'c',
        .kind = TOW_OPTION_LIST,
        .value = "FILE",
        .note = "none",
        .help = "the server's certificate and those between it and the root, in PEM; of several a client is "
                "shown the one with the name that it asks for, or else the first; read again on SIGHUP, "
                "without disconnecting anybody",
        .needs = TOW_OPTION_NEEDS_TLS,
        .path = TOW_OPTION_PATH,
        FIELD(certificates)},
    {.name = "key",
        .letter = 'k',
        .kind = TOW_OPTION_LIST,
        .value = "FILE",
        .note = "the certificate's file",
        .help =
            "its key, in PEM, without a passphrase; the first is that of the first certificate, and so on",
        .needs = TOW_OPTION_NEEDS_TLS,
        .path = TOW_OPTION_PATH,
        FIELD(keys)},
    {.name = "tls-self-signed",
        .kind = TOW_OPTION_FLAG,
        .help = "for trying: make a certificate for localhost, for this run only, and log its fingerprint",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.tls_self_signed)},
    {.name = "tls-client-ca",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "certificates, in PEM, of authorities, roots or not: only clients with a certificate that one of "
            "them, or who they have signed, has signed get in",
        .needs = TOW_OPTION_NEEDS_SERVER,
        .path = TOW_OPTION_PATH,
        FIELD(server.tls_client_ca)},
    {.name = "tls-client-crl",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "lists of the certificates that these authorities have revoked (CRL), in PEM, one of each that "
            "signs clients; read again on SIGHUP",
        .needs = TOW_OPTION_NEEDS_SERVER,
        .path = TOW_OPTION_PATH,
        FIELD(server.tls_client_crl)},
    {.name = "tls-redirect",
        .kind = TOW_OPTION_FLAG,
        .help = "answer plain HTTP on the same ports by a redirect to https",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.tls_redirect)},
    {0},
};

const tow_option tow_service_access_rows[] = {
    {.group = "Who may connect",
        .name = "allow-origin",
        .kind = TOW_OPTION_LIST,
        .value = "ORIGIN",
        .note = "the same origin",
        .help = "origin whose pages may connect besides the server's own, such as https://example.org, or "
                "https://*.example.org for all below; null for pages without one; * for any; others get 403",
        .expects = TOW_ORIGIN_EXPECTED,
        .check = tow_check_origin,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.allow_origins)},
    {.name = "trusted-proxy",
        .kind = TOW_OPTION_LIST,
        .value = "ADDRESS[/BITS]",
        .note = "none",
        .help = "proxy in front of this server (unix: whoever comes over a Unix socket) whose Forwarded, "
                "X-Forwarded-For, -Proto and -Host are believed",
        .expects = "an address such as 10.0.0.1, a network such as 10.0.0.0/8, or unix",
        .check = check_subnet,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.trusted_proxies)},
    {.name = "proxy-protocol",
        .kind = TOW_OPTION_FLAG,
        .help = "trusted proxies begin each connection with a PROXY header, version 1 or 2",
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.proxy_protocol)},
    {.name = "host",
        .kind = TOW_OPTION_LIST,
        .value = "NAME",
        .note = "names of this machine if all listening is local, else any",
        .help = "name that requests may have in Host, * for any; others get 421",
        .expects = TOW_HOST_EXPECTED,
        .check = tow_check_host_name,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.hosts)},
    {.name = "max-connections",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .note = "the limit of file descriptors less a reserve",
        .help = "connections at a time; more get 503; above the hard limit of descriptors they wait, with a "
                "line in the log",
        .minimum = 1,
        FIELD(server.max_connections)},
    {.name = "max-connections-per-address",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "off",
        .off = "no limit",
        .help = "connections at a time from one address; more get 503",
        .minimum = 1,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.max_connections_per_address)},
    {.name = "max-unfinished",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .note = "256M, or 16 times --max-message if that is more",
        .off = "no limit",
        .help = "that messages may hold before they have ended, in each worker; who gets more than that into "
                "it is closed with 1013",
        .minimum = 1,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.max_unfinished)},
    {.name = "max-unfinished-per-address",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .note = "a quarter of --max-unfinished",
        .off = "no limit",
        .help = "that those of one address may; then 1008",
        .minimum = 1,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.max_unfinished_per_address)},
    {.group = "Limits of the opening handshake",
        .name = "handshake-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "10",
        .off = "no limit",
        .help = "for a request's head to arrive; then 408",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.handshake_seconds)},
    {.name = "handshake-bytes",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16K",
        .help = "of a request's head; more get 431",
        .minimum = 256,
        .maximum = 1048576,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.handshake_bytes)},
    {0},
};

const tow_option tow_service_limit_rows[] = {
    {.group = "Limits of a connection",
        .name = "max-message",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .off = "no limit",
        .help = "of a message, after inflation; a larger one closes with 1009",
        .minimum = 1,
        LIMIT(max_message)},
    {.name = "message-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .off = "no limit",
        .help = "from a message's first byte to its last; then 1008",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        LIMIT(message_seconds)},
    {.name = "message-rate",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1K",
        .off = "no more time",
        .help = "a second: --message-seconds grows by what has come divided by it, so that who sends "
                "steadily may send much",
        .minimum = 1,
        LIMIT(message_rate)},
    {.name = "max-queue",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1M",
        .off = "no limit",
        .help = "that may wait to be sent when a message is added; for more see --overflow",
        .minimum = 1,
        LIMIT(max_queue)},
    {.name = "overflow",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "close",
        .choices = overflow_choices,
        .help =
            "what happens over --max-queue: the connection is closed with 1008, the message is refused, or "
            "the oldest that wait are dropped for it (not with --compression takeover)",
        LIMIT(overflow)},
    {.name = "stall-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "30",
        .off = "no limit",
        .help = "that a peer may take nothing of what waits for it, when closing too; then the connection is "
                "reset",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        LIMIT(stall_seconds)},
    {.name = "ping-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "20",
        .off = "no pings",
        .help = "of silence after which a Ping is sent",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        LIMIT(ping_seconds)},
    {.name = "idle-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .off = "no limit",
        .help = "of silence, Pongs too, after which the connection ends with 1001",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        LIMIT(idle_seconds)},
    {.name = "close-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .note = "5, after an error 1",
        .off = "no limit",
        .help = "for the peer's Close when it has taken what was sent; then the connection is reset",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        LIMIT(close_seconds)},
    {0},
};

const tow_option tow_service_compression_rows[] = {
    {.group = "Compression",
        .name = "compression",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "shared",
        .choices = tow_compression_choices,
        .help = "permessage-deflate: shared keeps no state for an idle connection, takeover makes similar "
                "messages smaller and costs memory",
        LIMIT(compression)},
    {.name = "compression-min",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "512",
        .help = "smaller messages are sent as they are",
        .minimum = 1,
        LIMIT(compression_min)},
    {.name = "compression-max",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "512K",
        .off = "no limit",
        .help = "so are larger ones, as others wait while they are compressed",
        .minimum = 1,
        LIMIT(compression_max)},
    {0},
};

const tow_option tow_service_running_rows[] = {
    {.group = "Running",
        .name = "workers",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .note = "one a core",
        .help = "threads, each with connections of its own",
        .minimum = 1,
        .maximum = 1024,
        .needs = TOW_OPTION_NEEDS_SERVER,
        FIELD(server.workers)},
    {.name = "io",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "auto",
        .choices = io_choices,
        .help = "how the kernel is asked; auto takes io_uring where it is allowed",
        FIELD(server.io)},
    {.name = "drain-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "5",
        .off = "no limit",
        .help =
            "for connections to end after SIGTERM or SIGINT, which close them with 1001; then they are reset",
        .minimum = 1,
        .maximum = TOW_OPTION_DAY,
        FIELD(server.drain_seconds)},
    {.group = "Log",
        .name = "log-file",
        .letter = 'l',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "standard error",
        .help = "file that log lines are appended to; SIGHUP opens it again",
        .path = TOW_OPTION_PATH,
        FIELD(log_file)},
    {.name = "log-level",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "info",
        .choices = log_level_choices,
        .help = "the least that is logged",
        FIELD(log_level)},
    {.name = "log-format",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "text",
        .choices = log_format_choices,
        .help = "how a line looks; json: an object with fields for programs, see LOG in towline(1)",
        FIELD(log_format)},
    {0},
};
