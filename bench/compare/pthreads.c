/*
 * What a POSIX thread costs: creating and joining one, and passing the turn between two by a condition variable.
 *
 *     cc -O2 -pthread -o pthreads pthreads.c && ./pthreads
 *
 * Each is measured twice: with every thread on one core (a switch is then the scheduler's alone), and wherever the
 * system likes to put them. Prints one JSON object a line; times in microseconds.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CREATE_SAMPLES = 4000, CREATE_WARM_UP = 500, TURN_SAMPLES = 200, TURN_WARM_UP = 20, TURNS_PER_SAMPLE = 500 };

static void check(int error, const char *what) {
  if (error == 0) return;
  fprintf(stderr, "pthreads: %s: %s\n", what, strerror(error));
  exit(1);
}

static double now_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e6 + at.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(const char *what, const char *where, double *samples, int n) {
  qsort(samples, n, sizeof *samples, ascending);
  printf("{\"name\":\"POSIX threads: %s, %s\",\"unit\":\"us\",\"median\":%.3f,\"p10\":%.3f,\"p90\":%.3f,\"n\":%d}\n", what,
         where, samples[n / 2], samples[n / 10], samples[n - 1 - n / 10], n);
  fflush(stdout);
}

static void *nothing(void *argument) { return argument; }

static void measure_create(const char *where) {
  static double samples[CREATE_SAMPLES];
  for (int i = -CREATE_WARM_UP; i < CREATE_SAMPLES; i++) {
    pthread_t thread;
    double began = now_us();
    check(pthread_create(&thread, NULL, nothing, NULL), "pthread_create");
    check(pthread_join(thread, NULL), "pthread_join");
    if (i >= 0) samples[i] = now_us() - began;
  }
  report("create and join", where, samples, CREATE_SAMPLES);
}

/* Whose turn it is: even turns are the main thread's, odd ones the other's. Guarded by `mutex`. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static long turn;

static void take_turns(long first, long end) {
  check(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
  for (long mine = first; mine < end; mine += 2) {
    while (turn != mine) check(pthread_cond_wait(&turn_changed, &mutex), "pthread_cond_wait");
    turn++;
    check(pthread_cond_signal(&turn_changed), "pthread_cond_signal");
  }
  check(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}

enum { TURNS = (TURN_SAMPLES + TURN_WARM_UP) * TURNS_PER_SAMPLE };

static void *answer(void *argument) {
  take_turns(1, TURNS);
  return argument;
}

static void measure_turns(const char *where) {
  static double samples[TURN_SAMPLES];
  pthread_t other;
  turn = 0;
  check(pthread_create(&other, NULL, answer, NULL), "pthread_create");
  for (int i = -TURN_WARM_UP; i < TURN_SAMPLES; i++) {
    long first = (long)(i + TURN_WARM_UP) * TURNS_PER_SAMPLE;
    double began = now_us();
    take_turns(first, first + TURNS_PER_SAMPLE);
    if (i >= 0) samples[i] = (now_us() - began) / TURNS_PER_SAMPLE;
  }
  check(pthread_join(other, NULL), "pthread_join");
  report("switch by condition variable", where, samples, TURN_SAMPLES);
}

static void measure(const char *where) {
  measure_create(where);
  measure_turns(where);
}

int main(void) {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return perror("sched_getaffinity"), 1;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);

  if (sched_setaffinity(0, sizeof one, &one) != 0) return perror("sched_setaffinity"), 1;
  measure("one core");
  if (sched_setaffinity(0, sizeof all, &all) != 0) return perror("sched_setaffinity"), 1;
  measure("any core");
  return 0;
}
