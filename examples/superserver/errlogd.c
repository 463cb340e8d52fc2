/* Appends to a file what comes on standard input: for inetd, or godwit superserver, with `dgram udp wait`. */

#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char message[65536];
  ssize_t size;
  int log = open(argc > 1 ? argv[1] : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (log < 0) return 1;
  /* Each read is one datagram; an empty one ends it. */
  while ((size = read(0, message, sizeof message)) > 0)
    if (write(log, message, size) != size) return 1;
  return 0;
}
