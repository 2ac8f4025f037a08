/* One static program, an empty image: answers every request on port 80 (or PORT) with one text and the name of its app. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char answer[1024];

static void prepare(void) {
  char body[512];
  const char *app = getenv("SHIPLOG_APP");
  int length = snprintf(body, sizeof body, "hello without shell\nfrom %s\n", app ? app : "nobody");
  snprintf(answer, sizeof answer,
           "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
           "Connection: close\r\n\r\n%s",
           length, body);
}

static void stop(int number) {
  (void)number;
  _exit(0);
}

int main(void) {
  const char *port = getenv("PORT");
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)(port ? atoi(port) : 80))};
  int one = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  prepare();
  signal(SIGTERM, stop);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0) {
    perror("listen");
    return 1;
  }
  for (;;) {
    char request[4096];
    size_t length = 0;
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    /* The whole head is read, or closing would reset the connection under the answer. */
    while (length < sizeof request - 1) {
      ssize_t count = read(connection, request + length, sizeof request - 1 - length);
      if (count <= 0) break;
      length += (size_t)count;
      request[length] = '\0';
      if (strstr(request, "\r\n\r\n") != NULL) break;
    }
    if (length > 0 && write(connection, answer, strlen(answer)) < 0) perror("write");
    shutdown(connection, SHUT_WR);
    while (read(connection, request, sizeof request) > 0) {
    }
    close(connection);
  }
}
