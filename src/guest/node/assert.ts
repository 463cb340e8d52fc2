/** `node:assert`. Errors have Node's code and properties; the text of a difference is godwit's own. */

import { inspect } from "godwit";
import { isDeepLooseEqual, isDeepStrictEqual } from "./deep-equal.ts";

interface Details {
  readonly message?: string | undefined;
  /** Text of this module's, for when there is no message. */
  readonly said?: string;
  readonly actual?: unknown;
  readonly expected?: unknown;
  readonly operator: string;
}

export class AssertionError extends Error {
  readonly code = "ERR_ASSERTION";
  readonly generatedMessage: boolean;
  readonly actual: unknown;
  readonly expected: unknown;
  readonly operator: string;

  constructor({ message, said, actual, expected, operator }: Details) {
    super(message ?? said ?? describe({ actual, expected, operator }));
    this.name = "AssertionError";
    this.generatedMessage = message === undefined;
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
  }
}
Object.defineProperty(AssertionError.prototype, "name", {
  value: "AssertionError",
  writable: true,
  configurable: true,
});

const SAID: Readonly<Record<string, string>> = {
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  strictEqual: "Expected values to be strictly equal:",
  deepEqual: "Expected values to be loosely deep-equal:",
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
};
const LINES_MAX = 50;

function describe({ actual, expected, operator }: Details): string {
  const [left, right] = [inspect(actual), inspect(expected)];
  const said = SAID[operator];
  if (said === undefined) return `${left} ${operator} ${right}`;
  if (operator.startsWith("not")) return `${said}${left.includes("\n") ? "\n\n" : " "}${left}`;
  if (!left.includes("\n") && !right.includes("\n")) return `${said}\n\n${left} !== ${right}\n`;
  return `${said}\n+ actual - expected\n\n${difference(left.split("\n"), right.split("\n"))}`;
}

/** Lines that differ, between those with which both begin and end. */
function difference(actual: string[], expected: string[]): string {
  let start = 0;
  while (start < actual.length && actual[start] === expected[start]) start++;
  let end = 0;
  const rest = Math.min(actual.length, expected.length) - start;
  while (end < rest && actual.at(-1 - end) === expected.at(-1 - end)) end++;
  const lines = [
    ...actual.slice(0, start).map((line) => `  ${line}`),
    ...actual.slice(start, actual.length - end).map((line) => `+ ${line}`),
    ...expected.slice(start, expected.length - end).map((line) => `- ${line}`),
    ...actual.slice(actual.length - end).map((line) => `  ${line}`),
  ];
  return lines.length <= LINES_MAX ? lines.join("\n") : [...lines.slice(0, LINES_MAX), "..."].join("\n");
}

type Message = string | Error | undefined;

function check(isSo: boolean, message: Message, details: Details): void {
  if (isSo) return;
  if (message instanceof Error) throw message;
  throw new AssertionError({ ...details, message });
}

/** Throws an `AssertionError` unless `value` is truthy. */
export function ok(value?: unknown, message?: Message): asserts value {
  const said = "The expression evaluated to a falsy value";
  check(Boolean(value), message, { said, actual: value, expected: true, operator: "==" });
}
export function equal(actual: unknown, expected: unknown, message?: Message): void {
  // oxlint-disable-next-line eqeqeq -- loose equality is what was asked for
  const isSo = actual == expected || (Number.isNaN(actual) && Number.isNaN(expected));
  check(isSo, message, { actual, expected, operator: "==" });
}
export function notEqual(actual: unknown, expected: unknown, message?: Message): void {
  // oxlint-disable-next-line eqeqeq -- likewise
  const isSo = actual == expected || (Number.isNaN(actual) && Number.isNaN(expected));
  check(!isSo, message, { actual, expected, operator: "!=" });
}
export function strictEqual(actual: unknown, expected: unknown, message?: Message): void {
  check(Object.is(actual, expected), message, { actual, expected, operator: "strictEqual" });
}
export function notStrictEqual(actual: unknown, expected: unknown, message?: Message): void {
  check(!Object.is(actual, expected), message, { actual, expected, operator: "notStrictEqual" });
}
export function deepEqual(actual: unknown, expected: unknown, message?: Message): void {
  check(isDeepLooseEqual(actual, expected), message, { actual, expected, operator: "deepEqual" });
}
export function notDeepEqual(actual: unknown, expected: unknown, message?: Message): void {
  check(!isDeepLooseEqual(actual, expected), message, { actual, expected, operator: "notDeepEqual" });
}
export function deepStrictEqual(actual: unknown, expected: unknown, message?: Message): void {
  check(isDeepStrictEqual(actual, expected), message, { actual, expected, operator: "deepStrictEqual" });
}
export function notDeepStrictEqual(actual: unknown, expected: unknown, message?: Message): void {
  check(!isDeepStrictEqual(actual, expected), message, { actual, expected, operator: "notDeepStrictEqual" });
}
export function fail(message?: string | Error): never {
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, said: "Failed", operator: "fail" });
}
export function match(text: string, expected: RegExp, message?: Message): void {
  const said = `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(text)}\n`;
  const isSo = typeof text === "string" && expected.test(text);
  check(isSo, message, { said, actual: text, expected, operator: "match" });
}
export function doesNotMatch(text: string, expected: RegExp, message?: Message): void {
  const said = `The input was expected to not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(text)}\n`;
  const isSo = !(typeof text === "string" && expected.test(text));
  check(isSo, message, { said, actual: text, expected, operator: "doesNotMatch" });
}
export function ifError(value: unknown): void {
  if (value === null || value === undefined) return;
  const said = value instanceof Error ? value.message : inspect(value);
  check(false, `ifError got unwanted exception: ${said}`, { actual: value, expected: null, operator: "ifError" });
}

/** Whether an error is what was expected: a class, a pattern of its text, an object of its properties, or a function. */
function assertExpected(error: unknown, expected: unknown, message: Message, operator: string): void {
  if (expected === undefined) return;
  const details = { actual: error, expected, operator };
  if (expected instanceof RegExp) {
    const said = `The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(String(error))}\n`;
    return check(expected.test(String(error)), message, { ...details, said });
  }
  if (typeof expected === "function") return assertBy(expected as Judge, error, message, details);
  for (const key of [...Object.keys(expected as object), ...(expected instanceof Error ? ["name", "message"] : [])]) {
    const [is, should] = [error, expected].map((each) => (each as Record<string, unknown>)[key]);
    const isMatch = should instanceof RegExp && typeof is === "string" && should.test(is);
    const said = describe({ actual: error, expected, operator: "deepStrictEqual" });
    check(isMatch || isDeepStrictEqual(is, should), message, { ...details, said });
  }
}

type Judge = ((error: unknown) => unknown) & { readonly prototype?: object };

function assertBy(expected: Judge, error: unknown, message: Message, details: Details): void {
  const { name, prototype } = expected;
  if (prototype !== undefined && error instanceof (expected as unknown as new () => object)) return;
  if ((expected as unknown) === Error || Object.prototype.isPrototypeOf.call(Error, expected)) {
    const received = error instanceof Error ? `"${error.constructor.name}"` : inspect(error);
    const text = error instanceof Error ? `\n\nError message:\n\n${error.message}` : "";
    const said = `The error is expected to be an instance of "${name}". Received ${received}${text}`;
    return check(false, message, { ...details, said });
  }
  const result: unknown = Reflect.apply(expected, {}, [error]);
  const who = name === "" ? "validation function" : `"${name}" validation function`;
  const caught = `\n\nCaught error:\n\n${inspect(error)}`;
  const said = `The ${who} is expected to return "true". Received ${inspect(result)}${caught}`;
  return check(result === true, message, { ...details, said });
}

type Expectation = object | string | undefined;
function settled(expected: Expectation, message: Message): [expected: object | undefined, message: Message] {
  return typeof expected === "string" ? [undefined, expected] : [expected, message];
}
function missing(expected: object | undefined, message: Message, operator: string): never {
  if (message instanceof Error) throw message;
  const kind = operator === "rejects" ? "rejection" : "exception";
  const name = typeof expected === "function" && expected.name !== "" ? ` (${expected.name})` : "";
  const text = `Missing expected ${kind}${name}${message === undefined ? "." : `: ${message}`}`;
  throw new AssertionError({ message: text, expected, operator });
}

export function throws(callback: () => unknown, expectation?: Expectation, said?: Message): void {
  const [expected, message] = settled(expectation, said);
  try {
    callback();
  } catch (error) {
    return assertExpected(error, expected, message, "throws");
  }
  return missing(expected, message, "throws");
}
export async function rejects(
  promise: Promise<unknown> | (() => Promise<unknown>),
  expectation?: Expectation,
  said?: Message,
): Promise<void> {
  const [expected, message] = settled(expectation, said);
  try {
    await (typeof promise === "function" ? promise() : promise);
  } catch (error) {
    return assertExpected(error, expected, message, "rejects");
  }
  return missing(expected, message, "rejects");
}
function unwanted(error: unknown, message: Message, kind: string, operator: string): never {
  const said = `Got unwanted ${kind}${message === undefined ? "." : `: ${String(message)}`}\nActual message: "${error instanceof Error ? error.message : String(error)}"`;
  throw new AssertionError({ message: said, actual: error, operator });
}
export function doesNotThrow(callback: () => unknown, expectation?: Expectation, said?: Message): void {
  try {
    callback();
  } catch (error) {
    unwanted(error, settled(expectation, said)[1], "exception", "doesNotThrow");
  }
}
export async function doesNotReject(
  promise: Promise<unknown> | (() => Promise<unknown>),
  expectation?: Expectation,
  said?: Message,
): Promise<void> {
  try {
    await (typeof promise === "function" ? promise() : promise);
  } catch (error) {
    unwanted(error, settled(expectation, said)[1], "rejection", "doesNotReject");
  }
}

const shared = {
  AssertionError,
  ok,
  strictEqual,
  notStrictEqual,
  deepStrictEqual,
  notDeepStrictEqual,
  fail,
  match,
  doesNotMatch,
  ifError,
  throws,
  rejects,
  doesNotThrow,
  doesNotReject,
};
const strictOk = (value?: unknown, message?: Message): void => ok(value, message);
const looseOk = (value?: unknown, message?: Message): void => ok(value, message);
export const strict = /* @__PURE__ */ Object.assign(strictOk, shared, {
  equal: strictEqual,
  notEqual: notStrictEqual,
  deepEqual: deepStrictEqual,
  notDeepEqual: notDeepStrictEqual,
});
const assert = /* @__PURE__ */ Object.assign(looseOk, shared, { equal, notEqual, deepEqual, notDeepEqual, strict });
Object.assign(strict, { strict });
export default assert;
