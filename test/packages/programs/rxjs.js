// Streams of values: operators, subjects, schedulers, errors.
import {
  asyncScheduler,
  BehaviorSubject,
  combineLatest,
  concat,
  defer,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  merge,
  observeOn,
  of,
  Subject,
  throwError,
  timer,
} from "rxjs";
import {
  bufferCount,
  catchError,
  concatMap,
  debounceTime,
  delay,
  groupBy,
  map,
  mergeMap,
  reduce,
  retry,
  scan,
  share,
  switchMap,
  take,
  takeUntil,
  toArray,
  withLatestFrom,
} from "rxjs";

const all = async (name, source) => console.log(name, JSON.stringify(await lastValueFrom(source.pipe(toArray()))));
await all(
  "interval",
  interval(2).pipe(
    take(5),
    map((n) => n * n),
    scan((a, b) => a + b, 0),
  ),
);
await all("concatMap", from([3, 1, 2]).pipe(concatMap((n) => of(n, n * 10).pipe(delay(n)))));
await all(
  "group",
  from(Array.from({ length: 40 }, (_, n) => n)).pipe(
    groupBy((n) => n % 3),
    mergeMap((g) =>
      g.pipe(
        reduce((sum, n) => sum + n, 0),
        map((sum) => [g.key, sum]),
      ),
    ),
  ),
);
await all("buffer", concat(of(1, 2, 3), of(4, 5)).pipe(bufferCount(2), observeOn(asyncScheduler)));
let tries = 0;
await all("retry", defer(() => (++tries < 3 ? throwError(() => new Error(`try ${tries}`)) : of(tries))).pipe(retry(5)));
await all("catch", throwError(() => new Error("bad")).pipe(catchError((error) => of(error.message))));
const stop = new Subject();
const state = new BehaviorSubject(0);
const seen = [];
const shared = state.pipe(share(), takeUntil(stop));
merge(shared.pipe(map((n) => `a${n}`)), shared.pipe(switchMap((n) => of(`b${n}`)))).subscribe({
  next: (text) => seen.push(text),
  complete: () => seen.push("end"),
});
for (let n = 1; n < 5; n++) state.next(n);
stop.next();
console.log(seen.join(" "));
const pairs = firstValueFrom(combineLatest([state, timer(3)]).pipe(withLatestFrom(of("w"))));
console.log(JSON.stringify(await pairs));
const typed = new Subject();
const settled = lastValueFrom(typed.pipe(debounceTime(5), toArray()));
typed.next("x");
typed.next("xy");
setTimeout(() => typed.complete(), 30);
console.log(JSON.stringify(await settled));
