// Fibers, typed errors, schedules, streams, services.
import { Context, Duration, Effect, Fiber, Option, Queue, Ref, Schedule, Stream } from "effect";

const program = Effect.gen(function* () {
  const ref = yield* Ref.make(0);
  yield* Effect.forEach(
    Array.from({ length: 25 }, (_, n) => n),
    (n) => Ref.update(ref, (sum) => sum + n),
    { concurrency: 5 },
  );
  const fiber = yield* Effect.forkChild(Effect.delay(Effect.succeed("from a fiber"), Duration.millis(4)));
  return [yield* Ref.get(ref), yield* Fiber.join(fiber)];
});
console.log(JSON.stringify(await Effect.runPromise(program)));
let tries = 0;
const flaky = Effect.suspend(() => (++tries < 4 ? Effect.fail(`try ${tries}`) : Effect.succeed(tries)));
console.log(await Effect.runPromise(Effect.retry(flaky, Schedule.recurs(5))));
console.log(String((await Effect.runPromiseExit(Effect.fail("wrong"))).cause));
console.log(
  await Effect.runPromise(Effect.race(Effect.delay(Effect.succeed("slow"), "1 second"), Effect.succeed("fast"))),
);
console.log(
  await Effect.runPromise(
    Stream.runFold(
      Stream.map(Stream.range(1, 40), (n) => n * 2),
      () => 0,
      (a, b) => a + b,
    ),
  ),
);
console.log(
  Option.getOrElse(
    Option.map(Option.some(4), (n) => n + 1),
    () => 0,
  ),
);
const queue = await Effect.runPromise(
  Effect.gen(function* () {
    const queue = yield* Queue.bounded(2);
    const producer = yield* Effect.forkChild(Effect.forEach([1, 2, 3, 4], (n) => Queue.offer(queue, n)));
    const taken = [
      yield* Queue.take(queue),
      yield* Queue.take(queue),
      yield* Queue.take(queue),
      yield* Queue.take(queue),
    ];
    yield* Fiber.join(producer);
    return taken;
  }),
);
console.log(queue.join());
void Context;
