/* raw_listen: what the raw echo servers share: a listening socket on a port of the kernel's choice, and
 * saying which. */
#ifndef TOW_BENCH_RAW_LISTEN_H
#define TOW_BENCH_RAW_LISTEN_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Ends the program with the reason when a call that must not fail did. */
static inline int must(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

/* Listens on 127.0.0.1 and prints "listening on 127.0.0.1:PORT". TCP_NODELAY is inherited by what is
 * accepted. */
static inline int raw_listen(int type_flags) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0), "socket");
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), "TCP_NODELAY");
    must(bind(fd, (struct sockaddr *)&address, length), "bind");
    must(listen(fd, SOMAXCONN), "listen");
    must(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

#endif
