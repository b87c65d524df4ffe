#include "option_table.h"

#include "bench.h"
#include "conform.h"
#include "connect.h"
#include "serve.h"
#include "tunnel.h"

#include "connect/proxy.h"
#include "server/host.h"
#include "server/origin.h"
#include "transport/address.h"
#include "transport/subnet.h"

#include <string.h>
#include <syslog.h>
#include <towline/error.h>

enum { DAY = 86400 };

#define SERVE(member) TOW_OPTION_FIELD(tow_serve_settings, member)
#define BENCH(member) TOW_OPTION_FIELD(tow_bench_settings, member)
#define CONFORM(member) TOW_OPTION_FIELD(tow_conform_settings, member)
#define TUNNEL(member) TOW_OPTION_FIELD(tow_tunnel_settings, member)
#define CONNECT(member) TOW_OPTION_FIELD(tow_connect_settings, member)

static const tow_option_choice io_choices[] = {
    {"auto", TOW_IO_AUTO}, {"io_uring", TOW_IO_URING}, {"epoll", TOW_IO_EPOLL}, {0}};

static const tow_option_choice compression_choices[] = {{"off", TOW_COMPRESSION_OFF},
    {"shared", TOW_COMPRESSION_SHARED}, {"takeover", TOW_COMPRESSION_TAKEOVER}, {0}};

static const tow_option_choice overflow_choices[] = {{"close", TOW_OVERFLOW_CLOSE},
    {"refuse", TOW_OVERFLOW_REFUSE}, {"drop-oldest", TOW_OVERFLOW_DROP_OLDEST}, {0}};

static const tow_option_choice log_level_choices[] = {
    {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {0}};

static const tow_option_choice log_format_choices[] = {
    {"text", TOW_SERVE_LOG_TEXT}, {"json", TOW_SERVE_LOG_JSON}, {0}};

static const tow_option_choice traffic_choices[] = {
    {"binary", TOW_TRAFFIC_BINARY}, {"text", TOW_TRAFFIC_TEXT}, {"utf8", TOW_TRAFFIC_UTF8}, {0}};

static int check_listen_address(const char *text) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    int count = tow_address_parse(text, addresses);
    return count < 0 ? count : 0;
}

static int check_origin(const char *text) {
    return tow_origin_pattern_is_valid(text) ? 0 : TOW_ERROR_ARGUMENT;
}

static int check_host_name(const char *text) {
    return tow_host_name_is_valid(text) ? 0 : TOW_ERROR_ARGUMENT;
}

/* A host as it stands before ":PORT": what is wrong shows when a port is put behind it. */
static int check_host(const char *text) {
    return strchr(text, '/') == NULL && text[0] != '\0' && strcspn(text, " \t") == strlen(text)
               ? 0
               : TOW_ERROR_ADDRESS;
}

static int check_proxy(const char *text) {
    tow_proxy proxy = {0};
    int error = strcmp(text, "off") == 0 ? 0 : tow_proxy_read(&proxy, text, NULL);
    tow_proxy_clear(&proxy);
    return error;
}

static int check_subnet(const char *text) {
    tow_subnet subnet;
    return tow_subnet_read(&subnet, text, strlen(text));
}

/* "Name: value" */
static int check_header(const char *text) {
    size_t name = strcspn(text, ":");
    return name > 0 && text[name] == ':' && strcspn(text, "\r\n") == strlen(text) &&
                   strcspn(text, " \t") > name
               ? 0
               : TOW_ERROR_ARGUMENT;
}

/* RFC 9110, section 5.6.2. */
static const char token_characters[] =
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* What a subprotocol's name is made of. */
static int check_token(const char *text) {
    return text[0] != '\0' && text[strspn(text, token_characters)] == '\0' ? 0 : TOW_ERROR_ARGUMENT;
}

static bool has_control(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* RFC 6265, section 4.1.1; the value may have what servers take besides, but not what ends it. */
static int check_cookie(const char *text) {
    size_t name = strspn(text, token_characters);
    bool good = name > 0 && text[name] == '=' && strchr(text, ';') == NULL && !has_control(text);
    return good ? 0 : TOW_ERROR_ARGUMENT;
}

/* RFC 7617, section 2. */
static int check_user(const char *text) {
    return strchr(text, ':') != NULL && !has_control(text) ? 0 : TOW_ERROR_ARGUMENT;
}

/* RFC 6750, section 2.1: b64token. */
static int check_bearer(const char *text) {
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    size_t length = strspn(text, characters);
    return length > 0 && text[length + strspn(text + length, "=")] == '\0' ? 0 : TOW_ERROR_ARGUMENT;
}

static const tow_option serve_options[] = {
    {.group = "Listening",
        .name = "port",
        .letter = 'p',
        .kind = TOW_OPTION_LIST,
        .value = "[HOST:]PORT|unix:PATH",
        .note = "localhost:9998",
        .help = "where to listen; a bare port means localhost, *:PORT every address, port 0 any free port",
        .expects = "an address such as 9998, localhost:9998, *:80, [::1]:9998 or unix:/run/towline.socket",
        .check = check_listen_address,
        SERVE(server.listens)},
    {.name = "server-host",
        .letter = 'H',
        .kind = TOW_OPTION_TEXT,
        .value = "HOST",
        .note = "localhost",
        .help = "host of every --port that has none",
        .expects = "a host such as localhost, 127.0.0.1 or *",
        .check = check_host,
        SERVE(server_host)},
    {.name = "status",
        .kind = TOW_OPTION_TEXT,
        .value = "[HOST:]PORT|unix:PATH",
        .note = "none",
        .help = "where to serve counters for Prometheus and a health check",
        .expects = "an address such as 9999, localhost:9999 or unix:/run/towline.status",
        .check = check_listen_address,
        SERVE(server.status)},
    {.letter = 'x', .kind = TOW_OPTION_REFUSED, .help = "CGI programs are not served"},
};

/* What serves has these, whatever it serves: who may connect and how, and how it runs. */
static const tow_option service_options[] = {
    {.group = "TLS",
        .name = "tls",
        .letter = 't',
        .kind = TOW_OPTION_FLAG,
        .help = "speak TLS (wss, https) on every port; needs --certificate or --tls-self-signed, which turn "
                "it on as well",
        SERVE(tls)},
    {.name = "certificate",
        .letter = 'c',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "the server's certificate and those between it and the root, in PEM; read again on SIGHUP, "
                "without "
                "disconnecting anybody",
        SERVE(server.tls_certificate)},
    {.name = "key",
        .letter = 'k',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the certificate's file",
        .help = "its key, in PEM, without a passphrase",
        SERVE(server.tls_key)},
    {.name = "tls-self-signed",
        .kind = TOW_OPTION_FLAG,
        .help = "for trying: make a certificate for localhost, for this run only, and log its fingerprint",
        SERVE(server.tls_self_signed)},
    {.name = "tls-client-ca",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "certificates, in PEM, of authorities, roots or not: only clients with a certificate that one of "
            "them, or who they have signed, has signed get in",
        SERVE(server.tls_client_ca)},
    {.name = "tls-client-crl",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "lists of the certificates that these authorities have revoked (CRL), in PEM, one of each that "
            "signs clients; read again on SIGHUP",
        SERVE(server.tls_client_crl)},
    {.name = "tls-redirect",
        .kind = TOW_OPTION_FLAG,
        .help = "answer plain HTTP on the same ports by a redirect to https",
        SERVE(server.tls_redirect)},
    {.group = "What is served",
        .name = "document-root",
        .letter = 'd',
        .kind = TOW_OPTION_TEXT,
        .value = "DIR",
        .note = "none",
        .help = "folder of static files to serve at /",
        SERVE(document_root)},
    {.group = "Who may connect",
        .name = "allow-origin",
        .kind = TOW_OPTION_LIST,
        .value = "ORIGIN",
        .note = "the same origin",
        .help = "origin whose pages may connect besides the server's own, such as https://example.org, or "
                "https://*.example.org for all below; null for pages without one; * for any; others get 403",
        .expects = "an origin such as https://example.org, https://*.example.org for all below, null, or *",
        .check = check_origin,
        SERVE(server.allow_origins)},
    {.name = "trusted-proxy",
        .kind = TOW_OPTION_LIST,
        .value = "ADDRESS[/BITS]",
        .note = "none",
        .help = "proxy in front of this server (unix: whoever comes over a Unix socket) whose Forwarded, "
                "X-Forwarded-For, -Proto and -Host are believed",
        .expects = "an address such as 10.0.0.1, a network such as 10.0.0.0/8, or unix",
        .check = check_subnet,
        SERVE(server.trusted_proxies)},
    {.name = "proxy-protocol",
        .kind = TOW_OPTION_FLAG,
        .help = "trusted proxies begin each connection with a PROXY header, version 1 or 2",
        SERVE(server.proxy_protocol)},
    {.name = "host",
        .kind = TOW_OPTION_LIST,
        .value = "NAME",
        .note = "names of this machine if all listening is local, else any",
        .help = "name that requests may have in Host, * for any; others get 421",
        .expects = "a host's name such as example.org, or *",
        .check = check_host_name,
        SERVE(server.hosts)},
    {.name = "max-connections",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .note = "the limit of file descriptors less a reserve",
        .help = "connections at a time; more get 503; above the hard limit of descriptors they wait, with a "
                "line in the log",
        .minimum = 1,
        SERVE(server.max_connections)},
    {.name = "max-connections-per-address",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "off",
        .off = "no limit",
        .help = "connections at a time from one address; more get 503",
        .minimum = 1,
        SERVE(server.max_connections_per_address)},
    {.name = "max-unfinished",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .note = "256M, or 16 times --max-message if that is more",
        .off = "no limit",
        .help = "that messages may hold before they have ended, in each worker; who gets more than that into "
                "it is closed with 1013",
        .minimum = 1,
        SERVE(server.max_unfinished)},
    {.name = "max-unfinished-per-address",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .note = "a quarter of --max-unfinished",
        .off = "no limit",
        .help = "that those of one address may; then 1008",
        .minimum = 1,
        SERVE(server.max_unfinished_per_address)},
    {.group = "Limits of the opening handshake",
        .name = "handshake-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "10",
        .off = "no limit",
        .help = "for a request's head to arrive; then 408",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.handshake_seconds)},
    {.name = "handshake-bytes",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16K",
        .help = "of a request's head; more get 431",
        .minimum = 256,
        .maximum = 1048576,
        SERVE(server.handshake_bytes)},
};

static const tow_option limit_options[] = {
    {.group = "Limits of a connection",
        .name = "max-message",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .off = "no limit",
        .help = "of a message, after inflation; a larger one closes with 1009",
        .minimum = 1,
        SERVE(server.limits.max_message)},
    {.name = "message-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .off = "no limit",
        .help = "from a message's first byte to its last; then 1008",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.limits.message_seconds)},
    {.name = "message-rate",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1K",
        .off = "no more time",
        .help = "a second: --message-seconds grows by what has come divided by it, so that who sends "
                "steadily may send much",
        .minimum = 1,
        SERVE(server.limits.message_rate)},
    {.name = "max-queue",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1M",
        .off = "no limit",
        .help = "that may wait to be sent when a message is added; for more see --overflow",
        .minimum = 1,
        SERVE(server.limits.max_queue)},
    {.name = "overflow",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "close",
        .choices = overflow_choices,
        .help =
            "what happens over --max-queue: the connection is closed with 1008, the message is refused, or "
            "the oldest that wait are dropped for it (not with --compression takeover)",
        SERVE(server.limits.overflow)},
    {.name = "stall-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "30",
        .off = "no limit",
        .help = "that a peer may take nothing of what waits for it, when closing too; then the connection is "
                "reset",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.limits.stall_seconds)},
    {.name = "ping-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "20",
        .off = "no pings",
        .help = "of silence after which a Ping is sent",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.limits.ping_seconds)},
    {.name = "idle-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .off = "no limit",
        .help = "of silence, Pongs too, after which the connection ends with 1001",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.limits.idle_seconds)},
    {.name = "close-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .note = "5, after an error 1",
        .off = "no limit",
        .help = "for the peer's Close when it has taken what was sent; then the connection is reset",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.limits.close_seconds)},
};

static const tow_option compression_options[] = {
    {.group = "Compression",
        .name = "compression",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "shared",
        .choices = compression_choices,
        .help = "permessage-deflate: shared keeps no state for an idle connection, takeover makes similar "
                "messages smaller and costs memory",
        SERVE(server.limits.compression)},
    {.name = "compression-min",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "512",
        .help = "smaller messages are sent as they are",
        .minimum = 1,
        SERVE(server.limits.compression_min)},
    {.name = "compression-max",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "512K",
        .off = "no limit",
        .help = "so are larger ones, as others wait while they are compressed",
        .minimum = 1,
        SERVE(server.limits.compression_max)},
};

static const tow_option running_options[] = {
    {.group = "Running",
        .name = "workers",
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .note = "one a core",
        .help = "threads, each with connections of its own",
        .minimum = 1,
        .maximum = 1024,
        SERVE(server.workers)},
    {.name = "io",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "auto",
        .choices = io_choices,
        .help = "how the kernel is asked; auto takes io_uring where it is allowed",
        SERVE(server.io)},
    {.name = "drain-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "5",
        .off = "no limit",
        .help =
            "for connections to end after SIGTERM or SIGINT, which close them with 1001; then they are reset",
        .minimum = 1,
        .maximum = DAY,
        SERVE(server.drain_seconds)},
    {.group = "Log",
        .name = "log-file",
        .letter = 'l',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "standard error",
        .help = "file that log lines are appended to; SIGHUP opens it again",
        SERVE(log_file)},
    {.name = "log-level",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "info",
        .choices = log_level_choices,
        .help = "the least that is logged",
        SERVE(log_level)},
    {.name = "log-format",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "text",
        .choices = log_format_choices,
        .help = "how a line looks; json: an object with fields for programs, see LOG in towline(1)",
        SERVE(log_format)},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const tow_option_section serve_sections[] = {
    {.options = service_options, .count = COUNT(service_options)},
    {.options = limit_options, .count = COUNT(limit_options)},
    {.options = compression_options, .count = COUNT(compression_options)},
    {.options = running_options, .count = COUNT(running_options)},
};

static const char *const serve_description[] = {
    "Serves WebSocket and HTTP until SIGTERM or SIGINT. Without options: an echo at "
    "ws://localhost:9998/echo, which any page may use until --allow-origin says whose, "
    "and a console page for trying endpoints at http://localhost:9998/.console, and at / when there is no "
    "--document-root.",
    NULL,
};

static const char *const serve_examples[] = {
    "towline serve -p 8080 -d public",
    "the files of a folder, with /echo and /.console beside them",
    "towline serve -p '*:80' --host example.org --allow-origin https://example.com",
    "for the network, under one name, and for the pages of another site",
    NULL,
};

/* What the client of each command has: the head that it sends, and how it gets to the server. */
static const tow_option head_options[] = {
    {.group = "The opening handshake",
        .name = "subprotocol",
        .letter = 's',
        .kind = TOW_OPTION_LIST,
        .value = "NAME",
        .help = "subprotocol to offer, the preferred one first",
        .expects = "the name of a subprotocol: letters, digits and !#$%&'*+-.^_`|~",
        .check = check_token,
        CONNECT(protocols)},
    {.name = "origin",
        .letter = 'o',
        .kind = TOW_OPTION_TEXT,
        .value = "ORIGIN",
        .note = "none",
        .help = "Origin to send, as a page of that site would",
        CONNECT(origin)},
    {.name = "header",
        .letter = 'H',
        .kind = TOW_OPTION_LIST,
        .value = "'NAME: VALUE'",
        .help = "header to send",
        .expects = "a header: write 'Name: value'",
        .check = check_header,
        CONNECT(headers)},
    {.name = "cookie",
        .kind = TOW_OPTION_LIST,
        .value = "NAME=VALUE",
        .help = "cookie to send",
        .expects = "a cookie: write NAME=VALUE",
        .check = check_cookie,
        CONNECT(cookies)},
    {.name = "user",
        .letter = 'u',
        .kind = TOW_OPTION_TEXT,
        .value = "USER:PASSWORD",
        .note = "those in the URL",
        .help = "Basic authentication",
        .expects = "a user and a password: write USER:PASSWORD",
        .check = check_user,
        CONNECT(user)},
    {.name = "bearer",
        .kind = TOW_OPTION_TEXT,
        .value = "TOKEN",
        .note = "none",
        .help = "authentication by this token",
        .expects = "a token: letters, digits and -._~+/, perhaps = at its end",
        .check = check_bearer,
        CONNECT(bearer)},
};

static const tow_option connect_compression_options[] = {
    {.name = "compression",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "takeover",
        .choices = compression_choices,
        .help = "permessage-deflate to offer: shared asks both ends to keep no context",
        CONNECT(compression)},
};

static const tow_option way_options[] = {
    {.group = "The way to the server",
        .name = "proxy",
        .kind = TOW_OPTION_TEXT,
        .value = "URL",
        .note = "what ws_proxy or http_proxy (for ws), wss_proxy or https_proxy (for wss), all_proxy and "
                "no_proxy say, as with curl",
        .help = "http://, https://, socks5:// or socks5h://[USER:PASSWORD@]HOST[:PORT]; off: none; names are "
                "looked up by the proxy",
        .expects = "a proxy: write http://, https:// or socks5://HOST:PORT",
        .check = check_proxy,
        CONNECT(proxy)},
    {.name = "unix",
        .kind = TOW_OPTION_TEXT,
        .value = "PATH",
        .note = "none",
        .help = "connect to this Unix socket; the URL's host and port only go into the request",
        CONNECT(unix_path)},
};

static const tow_option reconnect_options[] = {
    {.group = "A lost connection",
        .name = "reconnect",
        .kind = TOW_OPTION_FLAG,
        .help =
            "connect again when the connection is lost, after a random time of up to a second, which "
            "doubles up to 30 for each attempt in a row; a clean close with 1000 or no status code is the "
            "end, and so is a refusal that would come again; input that comes meanwhile waits",
        CONNECT(reconnect)},
};

/* For wss://, and for a proxy at https://. */
static const tow_option way_tls_options[] = {
    {.group = "TLS with the server",
        .name = "cacert",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the system's",
        .help =
            "certificates, in PEM, of authorities, roots or not, that may have signed the certificate of the "
            "server, or of a proxy at https://",
        CONNECT(cacert)},
    {.name = "crl",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "lists of certificates that were revoked, in PEM, one of each authority that signs",
        CONNECT(crl)},
    {.name = "insecure",
        .kind = TOW_OPTION_FLAG,
        .help = "take any certificate, whoever shows it",
        CONNECT(insecure)},
};

static const tow_option connect_identity_options[] = {
    {.name = "cert",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "certificate to show to a server that asks for one, in PEM, with those between it and the root",
        CONNECT(cert)},
    {.name = "key",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the file of --cert",
        .help = "its key",
        CONNECT(key)},
};

static const tow_option connect_options[] = {
    {.group = "Messages",
        .letter = 'x',
        .name = "execute",
        .kind = TOW_OPTION_LIST,
        .value = "MESSAGE",
        .help = "send this message, print the answer, leave; several are sent one after the other's answer",
        CONNECT(messages)},
    {.name = "half-close",
        .kind = TOW_OPTION_FLAG,
        .help = "at the end of the input send the Close, and print what comes until the peer's: so the "
                "input's end is passed on to a command behind a tunnel",
        CONNECT(half_close)},
    {.name = "echo",
        .kind = TOW_OPTION_FLAG,
        .help = "answer every message with itself until the peer closes; read no input",
        CONNECT(echo)},
    {.name = "binary",
        .letter = 'b',
        .kind = TOW_OPTION_FLAG,
        .help = "send binary messages: what -x says, a line typed, or the input of a pipe in the pieces in "
                "which it comes",
        CONNECT(binary)},
    {.name = "output",
        .letter = 'O',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .help = "append the payloads of binary messages to this file instead of printing them",
        CONNECT(output)},
    {.name = "max-message",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "16M",
        .off = "no limit",
        .help = "of a message, after inflation; a larger one closes with 1009",
        .minimum = 1,
        CONNECT(max_message)},
    {.group = "Time",
        .name = "linger",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .note = "until as many messages came as were sent, a second after the last at most",
        .unset = TOW_LINGER_FOR_ANSWERS,
        .off = "when the peer closes",
        .help = "after the end of the input, leave when nothing came for this long; if then fewer messages "
                "came than were sent, that is told, unless this is 0, and the exit status is 121",
        CONNECT(linger)},
    {.name = "ping",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no pings",
        .help = "send a Ping this often; -v shows the round trips",
        .maximum = DAY,
        CONNECT(ping)},
    {.name = "max-time",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no limit",
        .help = "leave after this time, with exit status 28",
        CONNECT(max_time)},
    {.group = "What is shown",
        .name = "verbose",
        .letter = 'v',
        .kind = TOW_OPTION_FLAG,
        .help = "show the opening handshake, what TLS agreed on, pings and pongs",
        CONNECT(verbose)},
};

static const tow_option_section connect_sections[] = {
    {.options = head_options, .count = COUNT(head_options)},
    {.options = connect_compression_options, .count = COUNT(connect_compression_options)},
    {.options = way_options, .count = COUNT(way_options)},
    {.options = way_tls_options, .count = COUNT(way_tls_options)},
    {.options = connect_identity_options, .count = COUNT(connect_identity_options)},
    {.options = reconnect_options, .count = COUNT(reconnect_options)},
    {.options = connect_options, .count = COUNT(connect_options)},
};

static const char *const connect_description[] = {
    "Opens a WebSocket connection. On a terminal, each line typed is sent as a text message, with editing "
    "and history; what comes is shown "
    "as it comes. In a pipe, each line of the input is a message and the payloads that come are the output; "
    "what there is to say besides goes to "
    "standard error.",
    "URL is ws:// or wss://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]; http:// and https:// are taken for "
    "these "
    "two, and ws:// is assumed where there is nothing. User and password are sent as Basic authentication.",
    "On a terminal, lines that begin with a slash are commands: /ping, /close [CODE [REASON]], /binary FILE, "
    "/help; // sends a line that begins with a slash. "
    "The exit status is 0 after a clean close with 1000, 1001, no status code or the one that you chose; "
    "else it tells kinds of failure apart by curl's numbers, which towline(1) lists.",
    "With --reconnect a message that was sent when the connection was lost may be lost with it; what -x asks "
    "is "
    "asked again when its answer did not come. Input waits in its pipe while there is no connection.",
    NULL,
};

static const char *const connect_examples[] = {
    "towline connect ws://localhost:9998/echo",
    "talk to a server",
    "echo hello | towline connect localhost:9998/echo",
    "send a line, print what comes back",
    "towline connect -x '{\"op\":\"ping\"}' -v ws://localhost:9998/echo",
    "one question, one answer, and the handshake in full",
    "towline connect -v --cacert authority.pem wss://localhost:9998/echo",
    "over TLS, trusting an authority of your own, and what TLS agreed on",
    "towline connect --linger off ws://localhost:9998/news </dev/null",
    "print what comes until the server closes",
    NULL,
};

static const tow_option_choice proxy_header_choices[] = {{"v1", 1}, {"v2", 2}, {0}};

static const tow_option tunnel_options[] = {
    {.group = "The tunnel",
        .name = "text",
        .kind = TOW_OPTION_FLAG,
        .help =
            "send text messages, cut between characters, instead of binary ones; what is not UTF-8 closes "
            "with 1007. Both types are received",
        TUNNEL(text)},
    {.name = "lines",
        .kind = TOW_OPTION_FLAG,
        .help = "send a text message for each line, without its line feed, and put a line feed behind each "
                "message that comes; a line may have any length",
        TUNNEL(lines)},
    {.name = "map",
        .letter = 'm',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "instead of TARGET: lines KEY: TARGET, where a key is a token (?token=KEY) or, with a slash in "
            "front, a path; read again when it changes, and on SIGHUP; others get 404",
        TUNNEL(map)},
    {.name = "send-proxy",
        .kind = TOW_OPTION_CHOICE,
        .note = "none",
        .choices = proxy_header_choices,
        .help = "begin each connection to the target with a PROXY header of this version, which gives it the "
                "client's address",
        TUNNEL(send_proxy)},
    {.name = "connect-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "10",
        .off = "no limit",
        .help = "for the target to be reached; then 1014",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(connect_seconds)},
    {.name = "half-close-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "60",
        .off = "no limit",
        .help = "of silence after one side has ended, until the other has to",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(half_close_seconds)},
    {.name = "compression",
        .kind = TOW_OPTION_CHOICE,
        .fallback = "off",
        .choices = compression_choices,
        .help = "permessage-deflate, as in serve and connect",
        TUNNEL(serve.server.limits.compression)},
    {.name = "status",
        .kind = TOW_OPTION_TEXT,
        .value = "[HOST:]PORT|unix:PATH",
        .note = "none",
        .help = "where to serve counters for Prometheus and a health check",
        .expects = "an address such as 9999, localhost:9999 or unix:/run/towline.status",
        .check = check_listen_address,
        TUNNEL(serve.server.status)},
};

static const tow_option tunnel_limit_options[] = {
    {.group = "Limits of a connection",
        .name = "max-message",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "off",
        .off = "no limit",
        .help = "of a message that is received; a larger one closes with 1009. Messages pass in pieces, "
                "whatever their "
                "length",
        .minimum = 1,
        TUNNEL(serve.server.limits.max_message)},
    {.name = "message-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no limit",
        .help = "from a message's first byte to its last; then 1008",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(serve.server.limits.message_seconds)},
    {.name = "message-rate",
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "1K",
        .off = "no more time",
        .help = "a second: --message-seconds grows by what has come divided by it, so that who sends "
                "steadily may send much",
        .minimum = 1,
        TUNNEL(serve.server.limits.message_rate)},
    {.name = "stall-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no limit",
        .help = "that a peer may take nothing of what waits for it; then the connection is reset. A tunnel "
                "waits as TCP does",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(serve.server.limits.stall_seconds)},
    {.name = "ping-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "20",
        .off = "no pings",
        .help = "of silence after which a Ping is sent",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(serve.server.limits.ping_seconds)},
    {.name = "idle-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .fallback = "off",
        .off = "no limit",
        .help = "of silence, Pongs too, after which the connection ends with 1001. A peer whose reader has "
                "stopped answers no Pings",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(serve.server.limits.idle_seconds)},
    {.name = "close-seconds",
        .kind = TOW_OPTION_NUMBER,
        .value = "SECONDS",
        .note = "5, after an error 1",
        .off = "no limit",
        .help = "for the peer's Close when both sides have ended; then the connection is reset",
        .minimum = 1,
        .maximum = DAY,
        TUNNEL(serve.server.limits.close_seconds)},
};

static const tow_option_section tunnel_sections[] = {
    {.options = service_options,
        .count = COUNT(service_options),
        .base = offsetof(tow_tunnel_settings, serve)},
    {.options = tunnel_limit_options, .count = COUNT(tunnel_limit_options)},
    {.options = head_options, .count = COUNT(head_options), .base = offsetof(tow_tunnel_settings, connect)},
    {.options = way_options, .count = COUNT(way_options), .base = offsetof(tow_tunnel_settings, connect)},
    {.options = way_tls_options,
        .count = COUNT(way_tls_options),
        .base = offsetof(tow_tunnel_settings, connect)},
    {.options = running_options,
        .count = COUNT(running_options),
        .base = offsetof(tow_tunnel_settings, serve)},
};

static const char *const tunnel_description[] = {
    "Carries the bytes of a TCP service over WebSocket, or of a WebSocket connection to a TCP service, until "
    "SIGTERM or SIGINT. Where one side does not read, the other is not read either; the end of one side is "
    "passed on to the other.",
    "With LISTEN as ws://[HOST:]PORT[/PATH] or wss://..., TARGET is tcp:HOST:PORT, unix:PATH or "
    "exec:COMMAND: a command that a shell runs for each connection, with the connection as its standard "
    "input and output; when it has ended, with its output, exit status 0 closes with 1000, whatever it left "
    "unread, any other "
    "with 1011 and a line in the log. "
    "Pages elsewhere need --allow-origin. The subprotocol binary is acknowledged, or those of --subprotocol; "
    "who offers only others is refused.",
    "With LISTEN as tcp:[HOST:]PORT or unix:PATH, TARGET is a URL, ws://... or wss://...: each connection "
    "that "
    "comes opens one there. The options of the opening handshake, of the way to the server and of TLS with "
    "it "
    "are for this direction, those of who may connect and --map for the other. --certificate is for both: "
    "here it is shown to a server that asks for one.",
    NULL,
};

static const char *const tunnel_examples[] = {
    "towline tunnel ws://6080/websockify tcp:localhost:5900 -d /usr/share/novnc",
    "a VNC server for noVNC, with its page",
    "towline tunnel wss://*:443/ssh tcp:localhost:22 -c cert.pem -k key.pem",
    "SSH through port 443",
    "towline tunnel tcp:2222 wss://example.org/ssh",
    "the other end of that: ssh -p 2222 localhost",
    "towline tunnel --lines ws://localhost:7000/sort 'exec:sort -u'",
    ("a command for each connection, a line a message; to use it: printf 'b\\na\\nb\\n' | towline connect "
     "--half-close ws://localhost:7000/sort"),
    NULL,
};

static const tow_option bench_options[] = {
    {.group = "Load",
        .name = "connections",
        .letter = 'c',
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "100",
        .help = "connections at a time",
        .minimum = 1,
        .maximum = 1000000,
        BENCH(load.connections)},
    {.name = "in-flight",
        .letter = 'n',
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "1",
        .help = "messages under way on each connection; 0 opens the connections and stays silent",
        .maximum = 65536,
        BENCH(load.in_flight)},
    {.name = "payload",
        .letter = 'p',
        .kind = TOW_OPTION_SIZE,
        .value = "SIZE",
        .fallback = "64",
        .help = "of each message",
        .minimum = 1,
        .maximum = TOW_TRAFFIC_PAYLOAD_MAX,
        BENCH(load.payload_length)},
    {.name = "type",
        .letter = 't',
        .kind = TOW_OPTION_CHOICE,
        .fallback = "binary",
        .choices = traffic_choices,
        .help = "of the messages; text is ASCII, utf8 text of characters of one to four bytes",
        BENCH(load.kind)},
    {.name = "rate",
        .letter = 'r',
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "off",
        .off = "as many as are answered",
        .help =
            "messages a second over all connections; a message that has to wait for a connection waits on "
            "its own time",
        .minimum = 1,
        BENCH(rate)},
    {.name = "origin",
        .letter = 'o',
        .kind = TOW_OPTION_TEXT,
        .value = "ORIGIN",
        .note = "none",
        .help = "Origin to send",
        BENCH(load.origin)},
    {.group = "TLS",
        .name = "cacert",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the system's",
        .help = "certificates, in PEM, of authorities, roots or not, that may have signed the server's",
        BENCH(load.authorities)},
    {.name = "insecure",
        .kind = TOW_OPTION_FLAG,
        .help = "do not check the server's certificate",
        BENCH(load.insecure)},
    {.group = "Time",
        .name = "seconds",
        .letter = 's',
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "3",
        .help = "to measure for",
        .maximum = DAY,
        BENCH(load.duration)},
    {.name = "warm-up",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "0.5",
        .help = "of load before it that is not counted",
        .maximum = DAY,
        BENCH(load.warm_up)},
    {.group = "Figures",
        .name = "pid",
        .kind = TOW_OPTION_NUMBER,
        .value = "PID",
        .note = "none",
        .help =
            "process number of the server, if it runs on this machine: its CPU time and memory are "
            "shown, and what a connection adds to it when the first ninth of them, 2,000 at most, is open",
        .minimum = 1,
        BENCH(load.pid)},
    {.name = "system-calls",
        .kind = TOW_OPTION_FLAG,
        .help = "count the server's system calls; needs --pid, root and tracefs, and costs the server time",
        BENCH(load.count_system_calls)},
    {.name = "json",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "write the figures as one JSON object, with - to the output instead of text",
        BENCH(json)},
};

static const char *const bench_description[] = {
    "Sends messages to an echo server, keeps a number of them in flight on each connection, and checks every "
    "byte that comes back. Shows messages and bytes a second and how long a message took.",
    "URL is ws://HOST[:PORT][/PATH] or wss:// with TLS; for a server that echoes bytes without WebSocket, "
    "tcp://HOST:PORT, or tls:// with TLS. The exit status is 1 when a connection fails or a byte is wrong.",
    NULL,
};

static const char *const bench_examples[] = {
    "towline bench ws://localhost:9998/echo",
    "a hundred connections, one message under way on each",
    "towline bench -c 1000 -n 16 -p 1K -t text --pid $(pidof towline) ws://localhost:9998/echo",
    "pipelined texts, with the server's CPU time for each",
    "towline bench -c 18000 -n 0 --pid $(pidof towline) ws://localhost:9998/echo",
    "memory of idle connections",
    NULL,
};

static const tow_option conform_options[] = {
    {.group = "Clients",
        .name = "listen",
        .letter = 'l',
        .kind = TOW_OPTION_TEXT,
        .value = "[HOST:]PORT",
        .note = "with --client a free port",
        .help = "wait for clients: one asks for /cases and gets their number as a text message, connects to "
                "/case/N for each, "
                "from 1, and echoes what it gets until it is closed; /report ends the run",
        CONFORM(listen)},
    {.name = "client",
        .kind = TOW_OPTION_TEXT,
        .value = "'COMMAND {url}'",
        .note = "none",
        .help = "run this for each case, with the URL of the case in place of {url}; it echoes what it gets "
                "until it is closed, and ends",
        CONFORM(client)},
    {.group = "TLS",
        .name = "insecure",
        .kind = TOW_OPTION_FLAG,
        .help = "test a server at wss:// whatever certificate it shows",
        CONFORM(insecure)},
    {.name = "cacert",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "those of the system",
        .help =
            "certificates, in PEM, of authorities, roots or not, that may sign that of a server at wss://",
        CONFORM(cacert)},
    {.name = "tls-self-signed",
        .letter = 't',
        .kind = TOW_OPTION_FLAG,
        .help = "test clients over TLS (wss), with a certificate for localhost that is made for this run",
        CONFORM(tls_self_signed)},
    {.name = "certificate",
        .letter = 'c',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help =
            "test clients over TLS (wss), with this certificate and those between it and the root, in PEM",
        CONFORM(certificate)},
    {.name = "key",
        .letter = 'k',
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "the certificate's file",
        .help = "its key, in PEM, without a passphrase",
        CONFORM(key)},
    {.group = "Cases",
        .name = "only",
        .letter = 'o',
        .kind = TOW_OPTION_TEXT,
        .value = "PATTERN",
        .note = "all",
        .help = "cases whose id fits, as file names fit in a shell: 'utf8.*'; several with commas between",
        CONFORM(only)},
    {.name = "cases",
        .kind = TOW_OPTION_LIST,
        .value = "FILE",
        .help = "add cases of your own from this file",
        CONFORM(cases)},
    {.name = "list",
        .kind = TOW_OPTION_FLAG,
        .help = "print the cases with their level, section and requirement; those for clients with --client "
                "or --listen",
        CONFORM(list)},
    {.group = "The run",
        .name = "at-once",
        .letter = 'n',
        .kind = TOW_OPTION_NUMBER,
        .value = "N",
        .fallback = "24",
        .help = "cases at the same time",
        .minimum = 1,
        .maximum = 1000,
        CONFORM(at_once)},
    {.name = "timeout",
        .kind = TOW_OPTION_DURATION,
        .value = "SECONDS",
        .fallback = "5",
        .help = "what is expected may take this long while nothing crosses",
        .maximum = DAY,
        CONFORM(timeout)},
    {.name = "strict",
        .kind = TOW_OPTION_FLAG,
        .help = "exit with 1 also when something is not strict or informational",
        CONFORM(strict)},
    {.group = "Results",
        .name = "verbose",
        .letter = 'v',
        .kind = TOW_OPTION_FLAG,
        .help = "explain also what is not strict or informational, and show all that crossed",
        CONFORM(verbose)},
    {.name = "name",
        .kind = TOW_OPTION_TEXT,
        .value = "NAME",
        .note = "the URL or the command",
        .help = "of what is tested, for the reports",
        CONFORM(name)},
    {.name = "json",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "write the results as JSON, with - to the output instead of text",
        CONFORM(json)},
    {.name = "html",
        .kind = TOW_OPTION_TEXT,
        .value = "FILE",
        .note = "none",
        .help = "write them as a page, with what was sent and received",
        CONFORM(html)},
    {.name = "merge",
        .kind = TOW_OPTION_FLAG,
        .help = "run nothing: put reports of --json side by side on the page of --html",
        CONFORM(merge)},
};

static const char *const conform_description[] = {
    "Tests a WebSocket server or client against the standards: RFC 6455, RFC 7692, RFC 3629, RFC 9110 and "
    "RFC 9112. URL "
    "is that of an echo server, ws:// or wss://HOST[:PORT][/PATH]: one that sends every message back as it "
    "came. "
    "Clients "
    "are tested with --client or --listen.",
    "A case fails when a MUST of the section that it names is not met; what does not do as a SHOULD says is "
    "not strict, a MAY that is not made use of informational. The exit status is 1 when a case fails.",
    NULL,
};

static const char *const conform_examples[] = {
    "towline conform ws://localhost:9998/echo",
    "test a server",
    "towline conform --only 'utf8.*,closing.*' -v localhost:9998/echo",
    "some cases, with all that crossed in those that do not pass",
    "towline conform --client 'towline connect --echo {url}'",
    "test a client that is a command",
    "towline conform --listen 9001 --name mine --json mine.json",
    "test a client that asks for the cases by itself",
    "towline conform --merge mine.json theirs.json --html all.html",
    "compare two",
    NULL,
};

const tow_command tow_commands[] = {
    {.name = "serve",
        .operands = "",
        .summary = "a realtime server that needs no code",
        .description = serve_description,
        .examples = serve_examples,
        .options = serve_options,
        .option_count = COUNT(serve_options),
        .sections = serve_sections,
        .section_count = COUNT(serve_sections),
        .settings_size = sizeof(tow_serve_settings),
        .run = tow_serve},
    {.name = "connect",
        .operands = "URL",
        .operands_minimum = 1,
        .operands_maximum = 1,
        .summary = "talk to a WebSocket server, from a terminal or a pipe",
        .description = connect_description,
        .examples = connect_examples,
        .sections = connect_sections,
        .section_count = COUNT(connect_sections),
        .settings_size = sizeof(tow_connect_settings),
        .run = tow_connect},
    {.name = "tunnel",
        .operands = "LISTEN [TARGET]",
        .operands_minimum = 1,
        .operands_maximum = 2,
        .summary = "carry TCP, Unix sockets and commands over WebSocket",
        .description = tunnel_description,
        .examples = tunnel_examples,
        .options = tunnel_options,
        .option_count = COUNT(tunnel_options),
        .sections = tunnel_sections,
        .section_count = COUNT(tunnel_sections),
        .settings_size = sizeof(tow_tunnel_settings),
        .run = tow_tunnel_command},
    {.name = "bench",
        .operands = "URL",
        .operands_minimum = 1,
        .operands_maximum = 1,
        .summary = "put load on an echo server and measure it",
        .description = bench_description,
        .examples = bench_examples,
        .options = bench_options,
        .option_count = COUNT(bench_options),
        .settings_size = sizeof(tow_bench_settings),
        .run = tow_bench},
    {.name = "conform",
        .operands = "[URL | REPORT...]",
        .operands_maximum = 64,
        .summary = "test a server or client against the standards",
        .description = conform_description,
        .examples = conform_examples,
        .options = conform_options,
        .option_count = COUNT(conform_options),
        .settings_size = sizeof(tow_conform_settings),
        .run = tow_conform},
};

const size_t tow_command_count = COUNT(tow_commands);

const tow_command *tow_command_find(const char *name) {
    for (size_t i = 0; i < tow_command_count; i++)
        if (strcmp(tow_commands[i].name, name) == 0)
            return &tow_commands[i];
    return NULL;
}
