import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What a Java thread costs: creating and joining one, and passing the turn between two by a condition.
 *
 * <pre>javac Threads.java && taskset -c 0 java Threads "one core" && java Threads "any core"</pre>
 *
 * The argument only labels the rows: Java cannot bind itself to a core. Prints one JSON object a line; times in
 * microseconds.
 */
final class Threads {
  static final int CREATE_SAMPLES = 4000;
  static final int CREATE_WARM_UP = 4000;
  static final int TURN_SAMPLES = 200;
  static final int TURN_WARM_UP = 100;
  static final int TURNS_PER_SAMPLE = 500;
  static final int TURNS = (TURN_SAMPLES + TURN_WARM_UP) * TURNS_PER_SAMPLE;

  public static void main(String[] arguments) throws InterruptedException {
    String where = arguments.length > 0 ? arguments[0] : "any core";
    measureCreate(where);
    measureTurns(where);
  }

  static void measureCreate(String where) throws InterruptedException {
    double[] samples = new double[CREATE_SAMPLES];
    for (int i = -CREATE_WARM_UP; i < CREATE_SAMPLES; i++) {
      long began = System.nanoTime();
      Thread thread = new Thread(() -> {});
      thread.start();
      thread.join();
      if (i >= 0) samples[i] = (System.nanoTime() - began) / 1e3;
    }
    report("create and join", where, samples);
  }

  /** Whose turn it is: even turns are the main thread's, odd ones the other's. Guarded by {@code lock}. */
  static int turn;
  static final ReentrantLock lock = new ReentrantLock();
  static final Condition turnChanged = lock.newCondition();

  static void takeTurns(int first, int end) throws InterruptedException {
    lock.lock();
    try {
      for (int mine = first; mine < end; mine += 2) {
        while (turn != mine) turnChanged.await();
        turn++;
        turnChanged.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  static void measureTurns(String where) throws InterruptedException {
    Thread other = new Thread(() -> {
      try {
        takeTurns(1, TURNS);
      } catch (InterruptedException error) {
        throw new IllegalStateException(error);
      }
    });
    other.start();
    double[] samples = new double[TURN_SAMPLES];
    for (int i = -TURN_WARM_UP; i < TURN_SAMPLES; i++) {
      int first = (i + TURN_WARM_UP) * TURNS_PER_SAMPLE;
      long began = System.nanoTime();
      takeTurns(first, first + TURNS_PER_SAMPLE);
      if (i >= 0) samples[i] = (System.nanoTime() - began) / 1e3 / TURNS_PER_SAMPLE;
    }
    other.join();
    report("switch by condition", where, samples);
  }

  static void report(String what, String where, double[] samples) {
    Arrays.sort(samples);
    int n = samples.length;
    System.out.printf(
        Locale.ROOT,
        "{\"name\":\"Java threads: %s, %s\",\"unit\":\"us\",\"median\":%.3f,\"p10\":%.3f,\"p90\":%.3f,\"n\":%d}%n",
        what, where, samples[n / 2], samples[n / 10], samples[n - 1 - n / 10], n);
  }
}
