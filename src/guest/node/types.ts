/** What kind a value is, told by its hidden state and not by what it says of itself: Node's `util.types`. */

function brand(prototype: object, name: PropertyKey): (value: unknown) => boolean {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  const read = (descriptor?.get ?? descriptor?.value) as ((...args: unknown[]) => unknown) | undefined;
  return (value) => {
    if (read === undefined || typeof value !== "object" || value === null) return false;
    try {
      Reflect.apply(read, value, []);
      return true;
    } catch {
      return false;
    }
  };
}

function tagged(value: unknown, tag: string): boolean {
  return typeof value === "object" && value !== null && Object.prototype.toString.call(value) === `[object ${tag}]`;
}

const TypedArray = Object.getPrototypeOf(Uint8Array) as { readonly prototype: object };
const typedTag = Object.getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag)?.get as () => unknown;
function typedAs(name: string): (value: unknown) => boolean {
  return (value) => Reflect.apply(typedTag, value, []) === name;
}

const isSharedArrayBuffer =
  typeof SharedArrayBuffer === "undefined" ? () => false : brand(SharedArrayBuffer.prototype, "byteLength");
const isArrayBuffer = brand(ArrayBuffer.prototype, "byteLength");
const GeneratorFunction = Object.getPrototypeOf(function* () {}) as object;
const AsyncFunction = Object.getPrototypeOf(async () => {}) as object;
const AsyncGeneratorFunction = Object.getPrototypeOf(async function* () {}) as object;

function inherits(value: unknown, prototype: object): boolean {
  return typeof value === "function" && Object.prototype.isPrototypeOf.call(prototype, value);
}

const boxes = {
  isNumberObject: brand(Number.prototype, "valueOf"),
  isStringObject: brand(String.prototype, "valueOf"),
  isBooleanObject: brand(Boolean.prototype, "valueOf"),
  isBigIntObject: brand(BigInt.prototype, "valueOf"),
  isSymbolObject: brand(Symbol.prototype, "valueOf"),
};

const weakMapHas = WeakMap.prototype.has;
const weakSetHas = WeakSet.prototype.has;
function accepts(method: (key: object) => unknown, value: unknown): boolean {
  try {
    Reflect.apply(method, value, [boxes]);
    return true;
  } catch {
    return false;
  }
}

export const types = {
  ...boxes,
  isAnyArrayBuffer: (value: unknown) => isArrayBuffer(value) || isSharedArrayBuffer(value),
  isArgumentsObject: (value: unknown) => tagged(value, "Arguments"),
  isArrayBuffer,
  isArrayBufferView: (value: unknown) => ArrayBuffer.isView(value),
  isAsyncFunction: (value: unknown) => inherits(value, AsyncFunction) || inherits(value, AsyncGeneratorFunction),
  isBigInt64Array: typedAs("BigInt64Array"),
  isBigUint64Array: typedAs("BigUint64Array"),
  isBoxedPrimitive: (value: unknown) => Object.values(boxes).some((test) => test(value)),
  isDataView: brand(DataView.prototype, "byteLength"),
  isDate: brand(Date.prototype, "getTime"),
  isFloat32Array: typedAs("Float32Array"),
  isFloat64Array: typedAs("Float64Array"),
  isGeneratorFunction: (value: unknown) =>
    inherits(value, GeneratorFunction) || inherits(value, AsyncGeneratorFunction),
  isGeneratorObject: (value: unknown) => tagged(value, "Generator") || tagged(value, "AsyncGenerator"),
  isInt16Array: typedAs("Int16Array"),
  isInt32Array: typedAs("Int32Array"),
  isInt8Array: typedAs("Int8Array"),
  isMap: brand(Map.prototype, "size"),
  isMapIterator: (value: unknown) => tagged(value, "Map Iterator"),
  isNativeError: (value: unknown) => value instanceof Error,
  isPromise: (value: unknown) => value instanceof Promise,
  /** A proxy cannot be told from what it stands for. */
  isProxy: (_value: unknown) => false,
  isRegExp: brand(RegExp.prototype, "source"),
  isSet: brand(Set.prototype, "size"),
  isSetIterator: (value: unknown) => tagged(value, "Set Iterator"),
  isSharedArrayBuffer,
  isTypedArray: (value: unknown) => Reflect.apply(typedTag, value, []) !== undefined,
  isUint16Array: typedAs("Uint16Array"),
  isUint32Array: typedAs("Uint32Array"),
  isUint8Array: typedAs("Uint8Array"),
  isUint8ClampedArray: typedAs("Uint8ClampedArray"),
  isWeakMap: (value: unknown) => accepts(weakMapHas, value),
  isWeakSet: (value: unknown) => accepts(weakSetHas, value),
};
