/*
 * vitrine-demo: what the demo pod runs, so that it needs no image from anywhere.
 *
 *   serve [PORT]            answers every HTTP request on PORT (8080) and says so on stdout
 *   fetch URL [COUNT]       fetches URL once a second, COUNT times (0: for ever), and prints the answer
 *   sleep [SECONDS]         sleeps (for ever)
 *
 * Ends with status 0 on SIGTERM: it is PID 1, for which signals without a handler do not exist.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 8192
#define ANSWER_MAX 65536
#define TIMEOUT_MS 5000

_Noreturn static void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

_Noreturn static void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("vitrine-demo: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void on_signal(int signal)
{
    (void)signal;
    _exit(0);
}

/* A whole decimal number from `low` to `high`. */
static long number(const char *text, long low, long high)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high)
        die("%s is no number from %ld to %ld", text, low, high);
    return value;
}

static bool wait_for(int fd, short events)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    return poll(&poll_fd, 1, TIMEOUT_MS) == 1;
}

static bool send_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = wait_for(fd, POLLOUT) ? send(fd, text, size, MSG_NOSIGNAL) : -1;
        if (sent <= 0)
            return false;
        text += sent;
        size -= (size_t)sent;
    }
    return true;
}

static void answer(int fd, const char *peer, unsigned long count)
{
    char request[REQUEST_MAX + 1];
    char body[512];
    char head[256];
    char hostname[HOST_NAME_MAX + 1] = "?";
    size_t size = 0;

    request[0] = '\0';
    while (size < REQUEST_MAX && !strstr(request, "\r\n\r\n") && wait_for(fd, POLLIN)) {
        ssize_t got = recv(fd, request + size, REQUEST_MAX - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        request[size] = '\0';
    }
    if (size == 0)
        return;
    request[strcspn(request, "\r\n")] = '\0';
    gethostname(hostname, sizeof(hostname));
    int body_size = snprintf(body, sizeof(body), "Hello %s, this is %s, request %lu.\n", peer,
                             hostname, count);
    int head_size = snprintf(head, sizeof(head),
                             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                             "Connection: close\r\n\r\n",
                             body_size);
    printf("%s asked: %.200s\n", peer, request);
    if (send_all(fd, head, (size_t)head_size))
        send_all(fd, body, (size_t)body_size);
}

_Noreturn static void serve(long port)
{
    struct sockaddr_in6 address = {
        .sin6_family = AF_INET6,
        .sin6_port = htons((uint16_t)port),
        .sin6_addr = in6addr_any,
    };
    const struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int off = 0;
    const int on = 1;
    int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = false;

    if (listener >= 0) {
        setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        bound = bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0;
    }
    if (!bound) {
        /* A pod without IPv6. */
        if (listener >= 0)
            close(listener);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (listener < 0 || bind(listener, (const struct sockaddr *)&ipv4, sizeof(ipv4)) < 0)
            die("cannot listen on port %ld: %s", port, strerror(errno));
    }
    if (listen(listener, 64) < 0)
        die("cannot listen on port %ld: %s", port, strerror(errno));
    printf("serving HTTP on port %ld\n", port);
    for (unsigned long count = 1;; count++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        char name[INET6_ADDRSTRLEN] = "?";
        int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (peer.ss_family == AF_INET6)
            inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&peer)->sin6_addr, name, sizeof(name));
        else
            inet_ntop(AF_INET, &((struct sockaddr_in *)&peer)->sin_addr, name, sizeof(name));
        answer(fd, strncmp(name, "::ffff:", 7) == 0 ? name + 7 : name, count);
        close(fd);
    }
}

/* http://HOST[:PORT][/PATH], HOST being an IPv4 address, an IPv6 address in brackets, or localhost. */
struct target {
    char host[INET6_ADDRSTRLEN];
    long port;
    const char *path;
    struct sockaddr_storage address;
    socklen_t size;
};

static void parse_url(const char *url, struct target *target)
{
    static const char scheme[] = "http://";
    const char *host = url + strlen(scheme);
    char port[6] = "80";

    if (strncmp(url, scheme, strlen(scheme)) != 0)
        die("%s does not begin with %s", url, scheme);
    bool bracket = *host == '[';
    host += bracket;
    size_t length = strcspn(host, bracket ? "]" : ":/");
    if (length == 0 || length >= sizeof(target->host))
        die("%s has no host", url);
    memcpy(target->host, host, length);
    target->host[length] = '\0';
    const char *rest = host + length + (bracket && host[length] == ']');
    if (*rest == ':') {
        size_t digits = strcspn(++rest, "/");
        if (digits == 0 || digits >= sizeof(port))
            die("%s has no port after the colon", url);
        memcpy(port, rest, digits);
        port[digits] = '\0';
        rest += digits;
    }
    target->port = number(port, 1, 65535);
    target->path = *rest == '/' ? rest : "/";
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&target->address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&target->address;
    if (strcmp(target->host, "localhost") == 0)
        strcpy(target->host, "127.0.0.1");
    if (inet_pton(AF_INET, target->host, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons((uint16_t)target->port);
        target->size = sizeof(*ipv4);
    } else if (inet_pton(AF_INET6, target->host, &ipv6->sin6_addr) == 1) {
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons((uint16_t)target->port);
        target->size = sizeof(*ipv6);
    } else {
        die("%s is no address; names are not looked up", target->host);
    }
}

/* One request; true and the body printed when the answer is 200. */
static bool fetch_once(const struct target *target)
{
    char text[ANSWER_MAX + 1];
    size_t size = 0;
    int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&target->address, target->size) < 0) {
        printf("%s port %ld: %s\n", target->host, target->port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    int length = snprintf(text, sizeof(text),
                          "GET %s HTTP/1.1\r\nHost: %s:%ld\r\nConnection: close\r\n\r\n",
                          target->path, target->host, target->port);
    bool sent = length < (int)sizeof(text) && send_all(fd, text, (size_t)length);
    while (sent && size < ANSWER_MAX && wait_for(fd, POLLIN)) {
        ssize_t got = recv(fd, text + size, ANSWER_MAX - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    close(fd);
    text[size] = '\0';
    const char *body = strstr(text, "\r\n\r\n");
    bool ok = body && size > 12 && memcmp(text, "HTTP/1.1 200", 12) == 0;
    if (ok)
        printf("200: %s", body + 4);
    else
        printf("%s: no good answer: %.80s\n", target->host, size ? text : "nothing came");
    return ok;
}

static int fetch(const char *url, long count)
{
    struct target target = {.port = 80};
    bool ok = true;

    parse_url(url, &target);
    for (long done = 0; count == 0 || done < count; done++) {
        if (done > 0)
            sleep(1);
        ok = fetch_once(&target);
    }
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct sigaction ends = {.sa_handler = on_signal};
    const char *command = argc > 1 ? argv[1] : "";

    sigaction(SIGTERM, &ends, NULL);
    sigaction(SIGINT, &ends, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(command, "serve") == 0)
        serve(argc > 2 ? number(argv[2], 1, 65535) : 8080);
    if (strcmp(command, "fetch") == 0 && argc > 2)
        return fetch(argv[2], argc > 3 ? number(argv[3], 0, 1000000) : 0);
    if (strcmp(command, "sleep") == 0) {
        if (argc > 2)
            sleep((unsigned)number(argv[2], 0, INT_MAX));
        else
            for (;;)
                pause();
        return 0;
    }
    fputs("usage: vitrine-demo serve [PORT] | fetch URL [COUNT] | sleep [SECONDS]\n", stderr);
    return 2;
}
