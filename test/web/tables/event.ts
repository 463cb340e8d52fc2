/** Events, abort signals, timers and the clock. */

import { ruled, type Table } from "../case.ts";

const DICTIONARIES = [
  "",
  ", undefined",
  ", null",
  ", {}",
  ", { bubbles: true }",
  ", { cancelable: 1 }",
  ", { composed: 'x' }",
  ", { bubbles: 0, cancelable: true, composed: true }",
  ", 5",
  ", 'text'",
  ", Symbol()",
  ", { detail: 7 }",
  ", { get bubbles() { throw new RangeError(); } }",
];
const TYPES = ["'a'", "''", "5", "null", "undefined", "{}", "Symbol()", "'\\ud800'"];
const making = ["Event", "CustomEvent"].flatMap((name) => [
  ...TYPES.flatMap((type) => DICTIONARIES.map((options) => `new ${name}(${type}${options})`)),
  `new ${name}()`,
  `${name}('a')`,
  `[${name}.name, ${name}.length]`,
  `Object.prototype.toString.call(new ${name}('x'))`,
  `Object.keys(new ${name}('x'))`,
  `${name}.prototype.type`,
]);
const events = [
  "[Event.NONE, Event.CAPTURING_PHASE, Event.AT_TARGET, Event.BUBBLING_PHASE, new Event('x').AT_TARGET]",
  "(() => { const e = new Event('x', { cancelable: true }); e.preventDefault(); return [e.defaultPrevented, e.returnValue]; })()",
  "(() => { const e = new Event('x'); e.preventDefault(); return e.defaultPrevented; })()",
  "(() => { const e = new Event('x', { cancelable: true }); e.returnValue = false; return [e.defaultPrevented, e.returnValue]; })()",
  "(() => { const e = new Event('x', { cancelable: true }); e.returnValue = true; return e.defaultPrevented; })()",
  "(() => { const e = new Event('x'); e.cancelBubble = true; e.cancelBubble = false; return e.cancelBubble; })()",
  "(() => { const e = new Event('x'); e.stopPropagation(); return e.cancelBubble; })()",
  "(() => { const e = new Event('x'); return [e.target, e.srcElement, e.currentTarget, e.composedPath()]; })()",
  "(() => { const e = new Event('x'); return [typeof e.timeStamp, e.timeStamp >= 0]; })()",
  "(() => { const e = new Event('x'); return 'isTrusted' in e && Object.hasOwn(e, 'isTrusted'); })()",
  "(() => { 'use strict'; new Event('x').isTrusted = true; })()",
  "(() => { 'use strict'; new Event('x').type = 'y'; })()",
  "new CustomEvent('x', { detail: undefined })",
  "new CustomEvent('x', { detail: { deep: [1] } })",
  "class E extends Event { constructor() { super('mine', { cancelable: true }); this.extra = 1; } }; undefined",
];
const OPTIONS = [
  "",
  ", false",
  ", {}",
  ", undefined",
  ", { capture: true }",
  ", { once: true }",
  ", { passive: true }",
  ", { capture: true, once: true }",
  ", { signal: AbortSignal.abort() }",
  ", { signal: new AbortController().signal }",
  ", { signal: null }",
  ", { signal: {} }",
  ", () => {}",
];
const LISTENERS = [
  "(e) => log.push('f', e.type, e.eventPhase, e.cancelable)",
  "function (e) { log.push(this === t, e.currentTarget === t, e.target === t); }",
  "({ handleEvent(e) { log.push('h', this !== t); } })",
  "null",
  "undefined",
  "{}",
  "5",
  "'text'",
  "(e) => { e.preventDefault(); log.push(e.defaultPrevented); }",
  "(e) => { e.stopImmediatePropagation(); log.push('stop'); }",
  "(e) => { e.stopPropagation(); log.push('stopP'); }",
  "(e) => log.push(e.composedPath().length)",
];
/** What comes of an event, three times, with a listener under test, which is removed before the third, and another. */
function heard(listener: string, options: string): string {
  const object = listener.startsWith("{") ? `{ ...${listener} }` : listener;
  return `(() => { const t = new EventTarget(), log = [], l = (${object}); t.addEventListener('x', l${options}); t.addEventListener('x', l${options}); t.addEventListener('x', () => log.push('second')); log.push(t.dispatchEvent(new Event('x', { cancelable: true }))); log.push(t.dispatchEvent(new Event('x'))); t.removeEventListener('x', l${options}); log.push(t.dispatchEvent(new Event('x'))); return log; })()`;
}
const listening = LISTENERS.flatMap((listener) => OPTIONS.map((options) => heard(listener, options)));
const targets = [
  "new EventTarget().dispatchEvent()",
  "new EventTarget().dispatchEvent({})",
  "new EventTarget().dispatchEvent(null)",
  "new EventTarget().addEventListener()",
  "new EventTarget().addEventListener('x')",
  "new EventTarget().removeEventListener('x')",
  "EventTarget()",
  "EventTarget.prototype.dispatchEvent.call({}, new Event('x'))",
  "Object.prototype.toString.call(new EventTarget())",
  "[...Object.keys(EventTarget.prototype)].sort()",
  "(() => { const t = new EventTarget(), log = []; t.addEventListener('x', () => { log.push(1); t.addEventListener('x', () => log.push('late')); }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); return log; })()",
  "(() => { const t = new EventTarget(), log = []; const b = () => log.push('b'); t.addEventListener('x', () => { log.push('a'); t.removeEventListener('x', b); }); t.addEventListener('x', b); t.dispatchEvent(new Event('x')); return log; })()",
  "(() => { const t = new EventTarget(), e = new Event('x'), log = []; t.addEventListener('x', () => { try { t.dispatchEvent(e); } catch (error) { log.push(error.name); } }); t.dispatchEvent(e); return log; })()",
  "(() => { const t = new EventTarget(), e = new Event('x'), log = []; t.addEventListener('x', () => log.push('x')); t.dispatchEvent(e); t.dispatchEvent(e); return [log, e.target === t, e.currentTarget, e.eventPhase]; })()",
  "(() => { class T extends EventTarget { #x = 1; go() { return this.dispatchEvent(new Event('go')) && this.#x; } } const t = new T(); let n = 0; t.addEventListener('go', () => n++); return [t.go(), n]; })()",
  "(() => { const t = new EventTarget(), log = []; t.addEventListener('x', { get handleEvent() { log.push('get'); return () => log.push('call'); } }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); return log; })()",
  "(() => { const t = new EventTarget(), log = []; const c = new AbortController(); t.addEventListener('x', () => log.push('x'), { signal: c.signal }); t.dispatchEvent(new Event('x')); c.abort(); t.dispatchEvent(new Event('x')); return log; })()",
  "(() => { const t = new EventTarget(), log = []; t.addEventListener('x', () => { log.push('once'); t.dispatchEvent(new Event('x')); }, { once: true }); t.dispatchEvent(new Event('x')); return log; })()",
];
const [prevented = "", stopped = ""] = [8, 10].map((index) => LISTENERS[index]);
const eventRulings = {
  ...ruled(
    "Web IDL, 3.6: arguments are converted in order",
    ["new Event(Symbol(), { get bubbles() { throw new RangeError(); } })", "throws TypeError"],
    ["new CustomEvent(Symbol(), { get bubbles() { throw new RangeError(); } })", "throws TypeError"],
  ),
  ...ruled(
    "DOM, 2.2: isTrusted is [LegacyUnforgeable]; constants are on the prototype too; returnValue sets the canceled flag",
    ["Object.keys(new Event('x'))", `["isTrusted"]`],
    ["Object.keys(new CustomEvent('x'))", `["isTrusted"]`],
    [
      "[Event.NONE, Event.CAPTURING_PHASE, Event.AT_TARGET, Event.BUBBLING_PHASE, new Event('x').AT_TARGET]",
      "[0,1,2,3,2]",
    ],
    [
      "(() => { const e = new Event('x', { cancelable: true }); e.returnValue = false; return [e.defaultPrevented, e.returnValue]; })()",
      "[true,false]",
    ],
    ["(() => { const e = new Event('x'); return 'isTrusted' in e && Object.hasOwn(e, 'isTrusted'); })()", "true"],
  ),
  ...ruled(
    "DOM, 2.9: listeners that are added meanwhile wait for the next event; callbacks are looked up once a call",
    [
      "(() => { const t = new EventTarget(), log = []; t.addEventListener('x', () => { log.push(1); t.addEventListener('x', () => log.push('late')); }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); return log; })()",
      `[1,1,"late"]`,
    ],
    [
      "(() => { const t = new EventTarget(), log = []; t.addEventListener('x', { get handleEvent() { log.push('get'); return () => log.push('call'); } }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); return log; })()",
      `["get","call","get","call"]`,
    ],
    [
      "(() => { const t = new EventTarget(), e = new Event('x'), log = []; t.addEventListener('x', () => { try { t.dispatchEvent(e); } catch (error) { log.push(error.name); } }); t.dispatchEvent(e); return log; })()",
      `["InvalidStateError"]`,
    ],
  ),
  ...ruled("DOM, 2.9, inner invoke: in a passive listener nothing is canceled", [
    heard(prevented, ", { passive: true }"),
    `[false,"second",true,false,"second",true,"second",true]`,
  ]),
  ...ruled(
    "DOM, 2.9, dispatch and invoke: capturing listeners come first, and what stops the event stops it before the others",
    [heard(stopped, ", { capture: true }"), `["stopP",true,"stopP",true,"second",true]`],
    [heard(stopped, ", { capture: true, once: true }"), `["stopP",true,"second",true,"second",true]`],
    [
      "(() => { const t = new EventTarget(), log = []; t.addEventListener('x', () => log.push('bubble')); t.addEventListener('x', () => log.push('capture'), true); t.dispatchEvent(new Event('x')); return log; })()",
      `["capture","bubble"]`,
    ],
    [
      "(() => { const t = new EventTarget(), e = new Event('x'); let n = 0; t.addEventListener('x', () => n++); e.stopPropagation(); t.dispatchEvent(e); t.dispatchEvent(e); return n; })()",
      "1",
    ],
  ),
  ...ruled(
    "DOM, 2.7, flatten: options that are no object are the capture flag; a signal must be one",
    [
      "(() => { const t = new EventTarget(); let n = 0; const f = () => n++; t.addEventListener('x', f, 1); t.removeEventListener('x', f); t.dispatchEvent(new Event('x')); t.removeEventListener('x', f, true); t.dispatchEvent(new Event('x')); return n; })()",
      "1",
    ],
    ["new EventTarget().addEventListener('x', null, { signal: null })", "throws TypeError"],
    ["new EventTarget().addEventListener('x', null, { signal: {} })", "throws TypeError"],
    ["new EventTarget().addEventListener('x', () => {}, { signal: 5 })", "throws TypeError"],
  ),
  ...ruled(
    "Web IDL, 3.2.17: a function or array is an object, and so a dictionary",
    ["new Event('a', () => {}).bubbles", "false"],
    ["new Event('a', []).bubbles", "false"],
  ),
};
export const EVENTS: Table = {
  api: "Event, EventTarget",
  cases: [...new Set([...making, ...events, ...listening, ...targets, ...Object.keys(eventRulings)])],
  rulings: eventRulings,
};

const REASONS = ["", "undefined", "null", "0", "'why'", "new TypeError('t')", "Symbol('s')", "{ code: 1 }"];
const aborting = REASONS.flatMap((reason) => [
  `AbortSignal.abort(${reason})`,
  `(() => { const c = new AbortController(); c.abort(${reason}); c.abort('again'); return c.signal; })()`,
  `AbortSignal.abort(${reason}).throwIfAborted()`,
  `(() => { const c = new AbortController(), s = AbortSignal.any([new AbortController().signal, c.signal]); c.abort(${reason}); return [s, s.reason === c.signal.reason]; })()`,
]);
const signals = [
  "new AbortSignal()",
  "AbortSignal()",
  "AbortController()",
  "new AbortController().signal",
  "new AbortController().signal.throwIfAborted()",
  "AbortSignal.any([])",
  "AbortSignal.any()",
  "AbortSignal.any(5)",
  "AbortSignal.any([1])",
  "AbortSignal.any([AbortSignal.abort('a'), AbortSignal.abort('b')])",
  "AbortSignal.any(new Set([AbortSignal.abort('set')]))",
  "AbortSignal.timeout()",
  "AbortSignal.timeout(-1)",
  "AbortSignal.timeout(NaN)",
  "AbortSignal.timeout(Infinity)",
  "AbortSignal.timeout('text')",
  "AbortSignal.timeout(2 ** 53)",
  "new Promise((r) => { const s = AbortSignal.timeout(1); s.onabort = () => r([s.reason, s.aborted]); })",
  "new Promise((r) => { const s = AbortSignal.any([AbortSignal.timeout(1)]); s.addEventListener('abort', (e) => r([s.reason, e.type, e.target === s])); })",
  "Object.prototype.toString.call(new AbortController())",
  "Object.prototype.toString.call(AbortSignal.abort())",
  "AbortSignal.abort() instanceof EventTarget",
  "[...Object.keys(AbortSignal.prototype)].sort()",
  "[...Object.keys(AbortController.prototype)].sort()",
  "AbortSignal.prototype.aborted",
  "AbortController.prototype.signal",
  "(() => { const c = new AbortController(), log = []; c.signal.onabort = (e) => log.push('on', e.type, e.isTrusted); c.signal.addEventListener('abort', () => log.push('listener')); c.abort(); return log; })()",
  "(() => { const c = new AbortController(), log = []; c.signal.onabort = () => log.push('first'); c.signal.addEventListener('abort', () => log.push('listener')); c.signal.onabort = () => log.push('replaced'); c.abort(); return log; })()",
  "(() => { const c = new AbortController(); c.signal.onabort = 5; return c.signal.onabort; })()",
  "(() => { const c = new AbortController(); const f = () => {}; c.signal.onabort = f; const same = c.signal.onabort === f; c.signal.onabort = null; return [same, c.signal.onabort]; })()",
  "(() => { const c = new AbortController(), log = []; const a = AbortSignal.any([c.signal]), b = AbortSignal.any([a]); for (const [n, s] of Object.entries({ c: c.signal, a, b })) s.addEventListener('abort', () => log.push(n, c.signal.aborted, a.aborted, b.aborted)); c.abort(); return log; })()",
  "(() => { const c = new AbortController(), s = AbortSignal.any([c.signal, c.signal]); let n = 0; s.addEventListener('abort', () => n++); c.abort(); return n; })()",
  "(() => { const c = new AbortController(); const { abort } = c; abort(); })()",
  "(() => { const e = AbortSignal.abort().reason; return [e instanceof DOMException, e instanceof Error, e.message, e.code]; })()",
];
const abortRulings = {
  ...ruled(
    "Web IDL, 3.2.4.9: [EnforceRange] is a TypeError",
    ["AbortSignal.timeout(-1)", "throws TypeError"],
    ["AbortSignal.timeout(NaN)", "throws TypeError"],
    ["AbortSignal.timeout(Infinity)", "throws TypeError"],
    ["AbortSignal.timeout(2 ** 53)", "throws TypeError"],
  ),
  ...ruled("Web IDL, 3.2.23: a sequence comes from any iterable object", [
    "AbortSignal.any(new Set([AbortSignal.abort('set')]))",
    `AbortSignal {aborted: true, reason: "set"}`,
  ]),
  ...ruled("DOM, 3.2: the interface's members, all enumerable", [
    "[...Object.keys(AbortSignal.prototype)].sort()",
    `["aborted","onabort","reason","throwIfAborted"]`,
  ]),
  ...ruled("HTML, 8.1.8.1: an event handler that is no object is null", [
    "(() => { const c = new AbortController(); c.signal.onabort = 5; return c.signal.onabort; })()",
    "null",
  ]),
  ...ruled(
    "DOM, 3.2.3: a dependent signal lives as long as it is referred to or listened to, no longer",
    [
      "await (async () => { const c = new AbortController(); const w = new WeakRef(AbortSignal.any([c.signal])); await new Promise((r) => setTimeout(r, 1)); return [w.deref(), c.signal.aborted]; })()",
      "[undefined,false]",
    ],
    [
      "await (async () => { const c = new AbortController(), log = []; AbortSignal.any([c.signal]).addEventListener('abort', (e) => log.push(e.target.reason)); await new Promise((r) => setTimeout(r, 1)); c.abort('why'); return log; })()",
      `["why"]`,
    ],
    [
      "await (async () => { const c = new AbortController(); const f = () => {}; const w = (() => { const s = AbortSignal.any([c.signal]); s.addEventListener('abort', f); s.removeEventListener('abort', f); return new WeakRef(s); })(); await new Promise((r) => setTimeout(r, 1)); return w.deref(); })()",
      "undefined",
    ],
  ),
  ...ruled("DOM, 3.2, signal abort: all dependent signals are aborted before the first event", [
    "(() => { const c = new AbortController(), log = []; const a = AbortSignal.any([c.signal]), b = AbortSignal.any([a]); for (const [n, s] of Object.entries({ c: c.signal, a, b })) s.addEventListener('abort', () => log.push(n, c.signal.aborted, a.aborted, b.aborted)); c.abort(); return log; })()",
    `["c",true,true,true,"a",true,true,true,"b",true,true,true]`,
  ]),
};
export const ABORTS: Table = {
  api: "AbortController, AbortSignal",
  cases: [...new Set([...aborting, ...signals, ...Object.keys(abortRulings)])],
  rulings: abortRulings,
};

export const TIMERS: Table = {
  api: "timers, queueMicrotask",
  cases: [
    "new Promise((r) => setTimeout(r, 1, 'a'))",
    "new Promise((r) => setTimeout((...args) => r(args), 0, 1, 2, 3))",
    "new Promise((r) => setTimeout(function () { r(arguments.length); }))",
    "setTimeout()",
    "setInterval()",
    "setTimeout(null)",
    "setTimeout({})",
    "queueMicrotask()",
    "queueMicrotask(5)",
    "queueMicrotask(null)",
    "clearTimeout()",
    "clearTimeout(null)",
    "clearTimeout(undefined)",
    "clearTimeout(123456789)",
    "clearTimeout('x')",
    "clearTimeout(-1)",
    "clearInterval({})",
    "new Promise((r) => { const log = []; setTimeout(() => log.push(2), 20); setTimeout(() => log.push(1), 1); setTimeout(() => r(log), 40); queueMicrotask(() => log.push('m')); Promise.resolve().then(() => log.push('p')); log.push('s'); })",
    "new Promise((r) => { const log = []; for (let i = 0; i < 5; i++) setTimeout(() => log.push(i), 5); setTimeout(() => r(log), 10); })",
    "new Promise((r) => { let n = 0; const i = setInterval(() => { if (++n === 3) { clearInterval(i); r(n); } }, 1); })",
    "new Promise((r) => { const t = setTimeout(() => r('fired'), 1); clearTimeout(t); setTimeout(() => r('cleared'), 10); })",
    "new Promise((r) => { const t = setInterval(() => r('fired'), 1); clearTimeout(t); setTimeout(() => r('cleared'), 10); })",
    "new Promise((r) => { setTimeout(() => r('negative'), -5); })",
    "new Promise((r) => { setTimeout(() => r('NaN'), NaN); })",
    "new Promise((r) => { setTimeout(() => r('text'), '1'); })",
    "new Promise((r) => { setTimeout(() => r('object'), { valueOf: () => 1 }); })",
    "new Promise((r) => { const log = []; queueMicrotask(() => { log.push(1); queueMicrotask(() => log.push(3)); }); queueMicrotask(() => log.push(2)); setTimeout(() => r(log)); })",
    "new Promise((r) => { const log = []; setImmediate((a) => { log.push(a); r(log); }, 'immediate'); })",
    "new Promise((r) => { const t = setImmediate(() => r('fired')); clearImmediate(t); setTimeout(() => r('cleared'), 10); })",
    "new Promise((r) => { const log = []; const i = setInterval((a, b) => { log.push(a, b); clearInterval(i); r(log); }, 1, 'x', 'y'); })",
  ],
};

export const CLOCK: Table = {
  api: "performance",
  rulings: ruled(
    "User Timing, 3.1.1 and 3.1.4, and Web IDL: a time is a finite number, and a measure has a start or an end",
    ["performance.mark('m', { startTime: NaN })", "throws TypeError"],
    ["performance.measure('q', { duration: 1 })", "throws TypeError"],
  ),
  cases: [
    "typeof performance.now()",
    "(() => { const a = performance.now(), b = performance.now(); return b >= a; })()",
    "Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000",
    "Object.prototype.toString.call(performance)",
    "new Performance()",
    "new PerformanceEntry()",
    "performance.now.call({})",
    "performance.mark('m', { startTime: 5, detail: { a: 1 } })",
    "performance.mark('m', { startTime: -1 })",
    "performance.mark('m', { startTime: NaN })",
    "performance.mark()",
    "performance.mark(Symbol())",
    "performance.mark('m', { startTime: 5, detail: () => {} })",
    "new PerformanceMark('n', { startTime: 9 })",
    "new PerformanceMark()",
    "PerformanceMark('n')",
    "performance.measure('q', { start: 1, end: 4 })",
    "performance.measure('q', { start: 1, duration: 4, detail: [1] })",
    "performance.measure('q', { end: 9, duration: 4 })",
    "performance.measure('q', { start: 1, end: 2, duration: 1 })",
    "performance.measure('q', { duration: 1 })",
    "performance.measure('q', { start: 1 }, 'm')",
    "performance.measure('q', 'missing')",
    "performance.measure('q', 'm', 'missing')",
    "performance.measure()",
    "performance.measure('q', { start: -1 })",
    "(() => { performance.mark('s', { startTime: 2 }); performance.mark('e', { startTime: 7 }); return performance.measure('se', 's', 'e'); })()",
    "(() => { performance.clearMarks(); performance.clearMeasures(); performance.mark('b', { startTime: 2 }); performance.mark('a', { startTime: 1 }); performance.measure('z', { start: 0, end: 1 }); return [performance.getEntries().map((e) => e.name), performance.getEntriesByType('mark').length, performance.getEntriesByName('b').length, performance.getEntriesByName('b', 'measure').length, performance.getEntriesByType('MARK').length]; })()",
    "(() => { performance.clearMarks('b'); return performance.getEntriesByType('mark').map((e) => e.name); })()",
    "performance.getEntriesByName()",
    "performance.getEntriesByType()",
    "(() => { performance.clearMarks(); performance.clearMeasures(); return performance.getEntries().length; })()",
    "JSON.stringify(performance.mark('j', { startTime: 3, detail: 'd' }))",
    "Object.keys(performance.mark('k', { startTime: 3 }))",
  ],
};
